//! The access matrix: role × resource × operation, from the catalogue alone. Only this file creates a [`Permit`].

use crate::domain::{
    access::{Operation, PrincipalKind, StepUp},
    functions::Function,
    session::Actor,
    tables::{Grant, Table},
};

/// The resource of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// `/rest/v1/rpc/{function}`
    Function(&'a str),
    /// `/rest/v1/{table}`
    Table(&'a str),
}

/// The reason why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// An impersonated session may only read.
    Impersonated,
    /// The resource never accepts this method; contains those that it accepts.
    MethodNotAllowed(&'static str),
    /// The resource does not exist, or is not visible to this caller.
    NotFound,
    /// The caller lacks the right, which others have.
    Forbidden,
    /// The operation needs a factor that was verified recently.
    ReverificationRequired(StepUp),
}

/// The right to one operation. A query to the database requires one.
#[derive(Debug)]
pub struct Permit {
    who: PrincipalKind,
    resource: Resource,
    operation: Operation,
    recheck: bool,
    impersonated: bool,
}

/// The resource of a permit.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    /// A function, and the table whose rows it returns with the caller's grant on it.
    Function(&'static Function, Option<(&'static Table, &'static Grant)>),
    /// A table.
    Table(&'static Table, &'static Grant),
}

impl Permit {
    /// Returns the caller's row of the access matrix.
    #[must_use]
    pub const fn principal(&self) -> PrincipalKind {
        self.who
    }

    /// Returns the resource.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        self.resource
    }

    /// Returns the operation; for a function, `Select` or `Update`.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Returns whether the user is impersonated; every read is then recorded, whatever the user's role.
    #[must_use]
    pub const fn is_impersonated(&self) -> bool {
        self.impersonated
    }

    /// Returns whether the user must first be checked with Clerk: this operation by staff cannot be undone.
    #[must_use]
    pub const fn needs_recheck(&self) -> bool {
        self.recheck
    }
}

/// The method of a GET that requests a file.
pub const EXPORT: &str = "EXPORT";

/// Decides about one request; `now_s` is Unix time in seconds, `method` the client's, or [`EXPORT`].
///
/// A table on which the caller has no right is treated as one that does not exist, so that its existence is not
/// revealed.
///
/// # Errors
/// See [`PolicyError`].
pub fn authorize(actor: &Actor<'_>, target: Target<'_>, method: &str, now_s: i64) -> Result<Permit, PolicyError> {
    let who = actor.principal_kind().ok_or(PolicyError::Forbidden)?;
    let (resource, operation) = match target {
        Target::Table(name) => authorize_table(who, name, method)?,
        Target::Function(name) => authorize_function(who, name, method)?,
    };
    if let Actor::User(session) = actor {
        if session.impersonator.is_some() && operation != Operation::Select {
            return Err(PolicyError::Impersonated);
        }
        if let Some(step_up) = step_up(resource, operation).filter(|step_up| !session.is_fresh(*step_up, now_s)) {
            return Err(PolicyError::ReverificationRequired(step_up));
        }
    }
    let recheck = matches!(who, PrincipalKind::Staff(_))
        && operation != Operation::Select
        && step_up(resource, operation).is_some();
    let impersonated = matches!(actor, Actor::User(session) if session.impersonator.is_some());
    Ok(Permit { who, resource, operation, recheck, impersonated })
}

/// Returns the mark of TABLES and FUNCTIONS.
fn step_up(resource: Resource, operation: Operation) -> Option<StepUp> {
    match resource {
        Resource::Function(function, _) => function.step_up,
        Resource::Table(_, grant) => {
            grant.step_up.iter().find(|(marked, _)| *marked == operation).map(|(_, step_up)| *step_up)
        }
    }
}

fn authorize_table(who: PrincipalKind, name: &str, method: &str) -> Result<(Resource, Operation), PolicyError> {
    let operation = match method {
        "GET" | "HEAD" => Operation::Select,
        EXPORT => Operation::Export,
        "POST" => Operation::Insert,
        "PATCH" => Operation::Update,
        "DELETE" => Operation::Delete,
        _ => return Err(PolicyError::MethodNotAllowed("GET, HEAD, POST, PATCH, DELETE, OPTIONS")),
    };
    let table = Table::by_name(name).ok_or(PolicyError::NotFound)?;
    let grant = table.grant(who).ok_or(PolicyError::NotFound)?;
    // Without a right to export, a file is an unsupported media type.
    let operation = if operation == Operation::Export && !grant.export { Operation::Select } else { operation };
    if grants(grant, operation) { Ok((Resource::Table(table, grant), operation)) } else { Err(PolicyError::Forbidden) }
}

fn authorize_function(who: PrincipalKind, name: &str, method: &str) -> Result<(Resource, Operation), PolicyError> {
    let function = Function::by_name(name).ok_or(PolicyError::NotFound)?;
    if !function.is_open_to(who) {
        return Err(PolicyError::NotFound);
    }
    let returned = match function.returns.table() {
        None => None,
        Some(table) => Some((table, table.grant(who).ok_or(PolicyError::Forbidden)?)),
    };
    let operation = match (method, function.writes) {
        ("POST", true) => Operation::Update,
        // The result of a function is no file; the firewall rejects it.
        ("POST" | "GET" | "HEAD" | EXPORT, false) => Operation::Select,
        (_, true) => return Err(PolicyError::MethodNotAllowed("POST, OPTIONS")),
        (_, false) => return Err(PolicyError::MethodNotAllowed("GET, HEAD, POST, OPTIONS")),
    };
    Ok((Resource::Function(function, returned), operation))
}

/// Returns whether a grant allows an operation at all; the firewall checks the columns.
#[must_use]
pub const fn grants(grant: &Grant, operation: Operation) -> bool {
    match operation {
        Operation::Delete => grant.delete,
        Operation::Export => grant.export && !grant.read.is_empty(),
        Operation::Insert => !grant.insert.is_empty(),
        Operation::Select => !grant.read.is_empty(),
        Operation::Update => !grant.update.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        access::{REVERIFY_MODERATE, REVERIFY_STRICT, StaffRole},
        session::{RoleClaim, Session},
        tables::TABLES,
    };

    fn session(role: RoleClaim) -> Session {
        Session {
            user: "user_1".into(),
            id: "sess_1".into(),
            organization: None,
            role,
            display_name: None,
            token_id: None,
            impersonator: None,
            factor_ages: [Some(1), Some(1)],
            issued_at: 1_000_000,
            expires_at: 1_000_060,
        }
    }

    fn asked(session: &Session, table: &str, method: &str) -> Result<(), PolicyError> {
        authorize(&Actor::User(session), Target::Table(table), method, 1_000_000).map(drop)
    }

    /// an unknown role has no rights, not even those of a client without a role.
    #[test]
    fn unknown_role_has_no_access_a_2() {
        let intern = session(RoleClaim::Unknown);
        for table in TABLES {
            for method in ["GET", "POST", "PATCH", "DELETE"] {
                assert_eq!(asked(&intern, table.name, method), Err(PolicyError::Forbidden));
            }
        }
    }

    #[test]
    fn resources_without_a_grant_are_not_found() {
        let client = session(RoleClaim::Absent);
        for table in ["leads", "team_activities", "request_log", "revoked_sessions", "pg_class", ""] {
            assert_eq!(asked(&client, table, "GET"), Err(PolicyError::NotFound), "{table}");
        }
        assert_eq!(asked(&client, "contact_tickets", "DELETE"), Err(PolicyError::Forbidden));
        assert!(matches!(asked(&client, "contact_tickets", "PUT"), Err(PolicyError::MethodNotAllowed(_))));
    }

    #[test]
    fn step_up_operations_require_recent_factors_a_2() {
        let admin = |ages| Session { factor_ages: ages, ..session(RoleClaim::Known(StaffRole::Admin)) };
        let at = |ages, method, table, now_s| {
            authorize(&Actor::User(&admin(ages)), Target::Table(table), method, now_s).map(drop)
        };
        let deletes = |second, now_s| at([Some(0), second], "DELETE", "leads", now_s);
        assert_eq!(deletes(Some(9), 1_000_059), Ok(()));
        for (second, now_s) in [(Some(9), 1_000_060), (Some(10), 1_000_000), (None, 1_000_000)] {
            assert_eq!(deletes(second, now_s), Err(PolicyError::ReverificationRequired(REVERIFY_STRICT)), "{second:?}");
        }
        let reads = |first| at([first, None], "GET", "team_activities", 1_000_000);
        assert_eq!(reads(Some(59)), Ok(()));
        assert_eq!(reads(Some(60)), Err(PolicyError::ReverificationRequired(REVERIFY_MODERATE)));
        assert_eq!(reads(None), Err(PolicyError::ReverificationRequired(REVERIFY_MODERATE)));
        assert_eq!(at([None, None], "PATCH", "leads", 1_000_000), Ok(()));
        let revokes = |ages| {
            authorize(&Actor::User(&admin(ages)), Target::Function("revoke_sessions"), "POST", 1_000_000).map(drop)
        };
        assert_eq!(revokes([Some(0), Some(0)]), Ok(()));
        assert_eq!(revokes([Some(0), None]), Err(PolicyError::ReverificationRequired(REVERIFY_STRICT)));
    }

    /// every operation that cannot be undone is marked, so that no new grant can omit the mark.
    #[test]
    fn staff_deletes_require_step_up_and_recheck_a_2() {
        for table in TABLES {
            for grant in
                table.grants.iter().filter(|grant| grant.delete && matches!(grant.principal, PrincipalKind::Staff(_)))
            {
                assert!(
                    grant.step_up.contains(&(Operation::Delete, REVERIFY_STRICT)),
                    "{} {:?}",
                    table.name,
                    grant.principal
                );
            }
        }
        let admin = session(RoleClaim::Known(StaffRole::Admin));
        let checked = |method, table| {
            authorize(&Actor::User(&admin), Target::Table(table), method, 1_000_000).unwrap().needs_recheck()
        };
        assert!(checked("DELETE", "leads"));
        assert!(!checked("PATCH", "leads"));
        assert!(!checked("GET", "team_activities"));
        let client = session(RoleClaim::Absent);
        assert!(
            !authorize(&Actor::User(&client), Target::Table("chat_messages"), "DELETE", 1_000_000)
                .unwrap()
                .needs_recheck()
        );
    }

    #[test]
    fn impersonated_sessions_are_read_only() {
        let session = Session { impersonator: Some("user_2".into()), ..session(RoleClaim::Absent) };
        assert_eq!(asked(&session, "contact_tickets", "GET"), Ok(()));
        assert_eq!(asked(&session, "contact_tickets", "POST"), Err(PolicyError::Impersonated));
        let called =
            |name, method| authorize(&Actor::User(&session), Target::Function(name), method, 1_000_000).map(drop);
        assert_eq!(called("search_tickets", "POST"), Ok(()));
        assert_eq!(called("open_ticket", "POST"), Err(PolicyError::Impersonated));
    }

    #[test]
    fn functions_are_limited_to_callers_and_writing_functions_to_post() {
        let client = session(RoleClaim::Absent);
        let called =
            |name, method| authorize(&Actor::User(&client), Target::Function(name), method, 1_000_000).map(drop);
        assert_eq!(called("keep_house", "POST"), Err(PolicyError::NotFound));
        assert_eq!(called("nothing", "POST"), Err(PolicyError::NotFound));
        assert_eq!(called("search_tickets", "GET"), Ok(()));
        assert!(matches!(called("open_ticket", "GET"), Err(PolicyError::MethodNotAllowed(_))));
        assert!(authorize(&Actor::Job("maintenance"), Target::Function("keep_house"), "POST", 0).is_ok());
    }
}
