//! The session that a verified token proves.

use super::access::{FactorLevel, PrincipalKind, StepUp};

/// A user's session, reduced to the data that the Hub uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Clerk user id, `user_…`.
    pub user: String,
    /// Clerk session id, `sess_…`.
    pub id: String,
    /// The active organization.
    pub organization: Option<Organization>,
    /// The staff-role claim.
    pub role: RoleClaim,
    /// The name of a member of staff in the token (claim `name`), for those whose record they access.
    pub display_name: Option<String>,
    /// The token's own id (claim `jti`).
    pub token_id: Option<String>,
    /// The acting user of an impersonated session (claim `act`), `user_…`.
    pub impersonator: Option<String>,
    /// Minutes since the first and the second factor were verified when the token was issued; `None`: never.
    pub factor_ages: [Option<u32>; 2],
    /// Issue time of the token, Unix seconds.
    pub issued_at: i64,
    /// Expiry of the token, Unix seconds.
    pub expires_at: i64,
}

/// The organization for which a session acts, and the user's permissions in it, according to Clerk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `org_…`
    pub id: String,
    /// The role in it, without Clerk's `org:` prefix.
    pub role: String,
    /// Permissions, as Clerk's front end names them: `org:feature:permission`.
    pub permissions: Vec<String>,
}

/// The staff-role claim of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleClaim {
    /// No claim: a client of the studio (customer).
    Absent,
    /// One of the known staff roles.
    Known(super::access::StaffRole),
    /// A claim that names no known role or has another shape: no access at all.
    Unknown,
}

impl Session {
    /// Returns the session's row of the access matrix; `None`: no access.
    #[must_use]
    pub fn principal_kind(&self) -> Option<PrincipalKind> {
        match self.role {
            RoleClaim::Absent => Some(PrincipalKind::Customer),
            RoleClaim::Known(role) => Some(PrincipalKind::Staff(role)),
            RoleClaim::Unknown => None,
        }
    }

    /// Returns the principal's name in records and metrics: [`NO_PRINCIPAL`] for a role that the Hub does not know.
    #[must_use]
    pub fn principal_name(&self) -> &'static str {
        self.principal_kind().map_or(NO_PRINCIPAL, PrincipalKind::name)
    }

    /// Returns whether it is a session of the staff, in a role that the Hub knows; neither this nor
    /// [`Session::is_customer`] is true for an unknown role.
    #[must_use]
    pub const fn is_staff(&self) -> bool {
        matches!(self.role, RoleClaim::Known(_))
    }

    /// Returns whether it is a customer's session.
    #[must_use]
    pub fn is_customer(&self) -> bool {
        self.role == RoleClaim::Absent
    }

    /// Returns the owner of the session's rows: the active organization, else the user.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.organization.as_ref().map_or(&self.user, |organization| &organization.id)
    }

    /// Returns whether the session's factors are fresh enough; `now_s` is Unix time in seconds.
    #[must_use]
    pub fn is_fresh(&self, step_up: StepUp, now_s: i64) -> bool {
        let [first, second] = self.factor_ages;
        let age = match step_up.level {
            FactorLevel::FirstFactor => first,
            FactorLevel::SecondFactor => second,
        };
        let since_issue = u32::try_from((now_s - self.issued_at).max(0) / 60).unwrap_or(u32::MAX);
        age.is_some_and(|age| age.saturating_add(since_issue) < step_up.after_minutes)
    }
}

/// The name of a principal without an identity or with an unknown role, as the columns `who` contain it.
pub const NO_PRINCIPAL: &str = "nobody";

/// The actor of a query to the database.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// A user, in a session.
    User(&'a Session),
    /// A job of the Hub, by its name.
    Job(&'static str),
}

impl Actor<'_> {
    /// Returns the row of the access matrix; `None`: no access.
    #[must_use]
    pub fn principal_kind(&self) -> Option<PrincipalKind> {
        match self {
            Self::User(session) => session.principal_kind(),
            Self::Job(_) => Some(PrincipalKind::System),
        }
    }
}
