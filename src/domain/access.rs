//! Audiences, staff roles, operations and the factors that an operation requires.

use serde::Serialize;
use strum::{EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};

/// A staff role, the value of Clerk's `public_metadata.stacklumen_role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum StaffRole {
    /// `admin`: everything staff may do.
    Admin,
    /// `sales`: leads and chats.
    Sales,
    /// `support`: tickets and chats.
    Support,
}

impl StaffRole {
    /// Returns the role with exactly this name; `None` for any other text.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Returns the name in the token and in the database's `stacklumen_role` claim.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The actor: the row of the access matrix, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumDiscriminants)]
#[strum_discriminants(name(Audience), doc = "The kind of an actor, whatever the role.", derive(VariantArray))]
pub enum PrincipalKind {
    /// An anonymous client, through the public forms.
    Visitor,
    /// A signed-in client, restricted to rows of their own owner.
    Customer,
    /// A member of the studio, by role.
    Staff(StaffRole),
    /// A scheduled job or the Hub itself.
    System,
}

impl PrincipalKind {
    /// Returns every row of the access matrix, in its order.
    #[cfg_attr(deployed, expect(dead_code, reason = "iterated by the golden matrix"))]
    pub fn all() -> impl Iterator<Item = Self> {
        Audience::VARIANTS.iter().flat_map(|audience| match audience {
            Audience::Visitor => vec![Self::Visitor],
            Audience::Customer => vec![Self::Customer],
            Audience::Staff => StaffRole::VARIANTS.iter().copied().map(Self::Staff).collect(),
            Audience::System => vec![Self::System],
        })
    }

    /// Returns the database role that the upstream token names; never from the client.
    #[must_use]
    pub const fn database_role(self) -> &'static str {
        match self {
            Self::Customer => "hub_customer",
            Self::Staff(_) => "hub_staff",
            Self::System => "hub_system",
            Self::Visitor => "hub_visitor",
        }
    }

    /// Returns a name for logs, request rows and the golden matrix.
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

/// A set of audiences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audiences(u8);

impl Audiences {
    /// No audience.
    pub const NONE: Self = Self(0);

    /// Returns the set of one audience.
    #[must_use]
    pub const fn of(who: PrincipalKind) -> Self {
        Self(match who {
            PrincipalKind::Customer => 1,
            PrincipalKind::Staff(StaffRole::Admin) => 2,
            PrincipalKind::Staff(StaffRole::Sales) => 4,
            PrincipalKind::Staff(StaffRole::Support) => 8,
            PrincipalKind::System => 16,
            PrincipalKind::Visitor => 32,
        })
    }

    /// Returns the set with the audiences of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether an audience is in the set.
    #[must_use]
    pub const fn contains(self, who: PrincipalKind) -> bool {
        self.0 & Self::of(who).0 != 0
    }
}

/// The purpose for which a member of staff reads a client's record: a closed list, stored with each read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, Serialize, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Purpose {
    /// A request of the client.
    ClientRequest,
    /// Work on a ticket.
    Support,
    /// Work on a lead.
    Sales,
    /// A review of the work of staff.
    Quality,
    /// An investigation of an incident.
    Security,
    /// An obligation by law.
    Legal,
}

impl Purpose {
    /// Returns the purpose with exactly this name; `None` for any other text.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Returns the name in requests and in the audit log.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An operation on a table's rows: the column of the access matrix, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Operation {
    /// Read rows.
    Select,
    /// Read all rows of a query, as a file.
    Export,
    /// Add rows.
    Insert,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
}

impl Operation {
    /// Returns the SQL verb in lower case; an export has none.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Required freshness of a session's factors for one operation, in the terms of Clerk's reverification.
///
/// Source: <https://clerk.com/docs/guides/secure/reverification>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepUp {
    /// The factor.
    pub level: FactorLevel,
    /// Age limit of its verification, in minutes (exclusive).
    pub after_minutes: u32,
}

/// The factor that a step-up requires. A factor that was never verified is never fresh, also for a user without a
/// second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FactorLevel {
    /// Password, magic link, OAuth.
    FirstFactor,
    /// Authenticator, passkey, backup code.
    SecondFactor,
}

impl FactorLevel {
    /// Returns Clerk's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Freshness for operations that cannot be undone: removing, exporting, changing roles, ending sessions. Clerk's
/// `strict`.
pub const REVERIFY_STRICT: StepUp = StepUp { level: FactorLevel::SecondFactor, after_minutes: 10 };

/// Freshness for reading the audit log, which covers every client. Clerk's `moderate` time, on the first factor.
pub const REVERIFY_MODERATE: StepUp = StepUp { level: FactorLevel::FirstFactor, after_minutes: 60 };
