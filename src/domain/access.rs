//! Who may come in: audiences, staff roles, operations and the principal a session proves.

/// A staff role, the value of Clerk's `public_metadata.stacklumen_role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StaffRole {
    /// `admin`: everything staff may do.
    Admin,
    /// `sales`: leads and chats.
    Sales,
    /// `support`: tickets and chats.
    Support,
}

impl StaffRole {
    /// Every role, in the order of the golden matrix.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Sales, Self::Support];

    /// The role with exactly this name; any other text is no role at all.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The name in the token and in the database's `stacklumen_role` claim.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Sales => "sales",
            Self::Support => "support",
        }
    }
}

/// Who acts: the row of the access matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A signed-in client, who reaches only rows of their own owner.
    Customer,
    /// A member of the studio, by role.
    Staff(StaffRole),
    /// A scheduled job or the Hub itself.
    System,
    /// Anybody, through the public forms.
    Visitor,
}

impl Who {
    /// Every row of the access matrix.
    #[allow(dead_code, reason = "the golden matrix walks it")]
    pub const ALL: [Self; 6] = [
        Self::Visitor,
        Self::Customer,
        Self::Staff(StaffRole::Admin),
        Self::Staff(StaffRole::Sales),
        Self::Staff(StaffRole::Support),
        Self::System,
    ];

    /// The database role the upstream token names; never taken from the client.
    #[must_use]
    pub const fn database_role(self) -> &'static str {
        match self {
            Self::Customer => "hub_customer",
            Self::Staff(_) => "hub_staff",
            Self::System => "hub_system",
            Self::Visitor => "hub_visitor",
        }
    }

    /// A word for logs, request rows and the golden matrix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff(StaffRole::Admin) => "staff:admin",
            Self::Staff(StaffRole::Sales) => "staff:sales",
            Self::Staff(StaffRole::Support) => "staff:support",
            Self::System => "system",
            Self::Visitor => "visitor",
        }
    }
}

/// Why a member of staff reads a client's record: a closed list, kept beside each read.
pub const PURPOSES: [&str; 6] = ["client_request", "support", "sales", "quality", "security", "legal"];

/// What is done to a table's rows: the column of the access matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Remove rows.
    Delete,
    /// Read everything that fits, as a file.
    Export,
    /// Add rows.
    Insert,
    /// Read rows.
    Select,
    /// Change rows.
    Update,
}

#[allow(dead_code, reason = "the golden matrix walks them")]
impl Operation {
    /// Every operation, in the order of the golden matrix.
    pub const ALL: [Self; 5] = [Self::Select, Self::Export, Self::Insert, Self::Update, Self::Delete];

    /// The SQL verb in lower case; for an export there is none.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Export => "export",
            Self::Insert => "insert",
            Self::Select => "select",
            Self::Update => "update",
        }
    }
}

/// How fresh the factors of a session must be for one operation, as Clerk's reverification names it.
///
/// Source: <https://clerk.com/docs/guides/secure/reverification>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepUp {
    /// Which factor.
    pub level: Level,
    /// It must have been verified less than this many minutes ago.
    pub after_minutes: u32,
}

/// Which factor a step-up asks for. A factor that was never verified is never fresh, also where a person has no second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Password, magic link, OAuth.
    FirstFactor,
    /// Authenticator, passkey, backup code.
    SecondFactor,
}

impl Level {
    /// Clerk's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstFactor => "first_factor",
            Self::SecondFactor => "second_factor",
        }
    }
}

/// For what cannot be undone: removing, exporting, changing roles, ending sessions. Clerk's `strict`.
pub const STRICT: StepUp = StepUp { level: Level::SecondFactor, after_minutes: 10 };

/// For reading what is behind every client: the trail. Clerk's `moderate` time, on the first factor.
pub const RECENT: StepUp = StepUp { level: Level::FirstFactor, after_minutes: 60 };
