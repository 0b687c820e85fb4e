//! Who may do what: role × resource × operation, from the catalogue alone. Only this file makes a [`Permit`].

use crate::domain::{
    access::{Operation, Who},
    functions::Function,
    session::Actor,
    tables::{Grant, Table},
};

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// `/rest/v1/rpc/{function}`
    Function(&'a str),
    /// `/rest/v1/{table}`
    Table(&'a str),
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    /// An impersonated session may only read.
    Impersonated,
    /// The resource never takes this method; says which it takes.
    MethodNotAllowed(&'static str),
    /// It does not exist, or it does not for this caller.
    ResourceUnknown,
    /// The caller may not do this, though others may.
    RightMissing,
    /// Removing rows needs a second factor verified in the last 10 minutes.
    SecondFactorStale,
}

/// The right to do one thing. Whoever holds one may ask the database.
#[derive(Debug)]
pub struct Permit {
    who: Who,
    resource: Resource,
    operation: Operation,
}

/// What a permit is for.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    /// A function, and the table whose rows it returns with what the caller may read of it.
    Function(&'static Function, Option<(&'static Table, &'static Grant)>),
    /// A table.
    Table(&'static Table, &'static Grant),
}

impl Permit {
    /// Who acts.
    #[must_use]
    pub const fn who(&self) -> Who {
        self.who
    }

    /// On what.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        self.resource
    }

    /// What is done; for a function, whether it reads or writes.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }
}

/// Decides about one request; `now_s` is Unix time in seconds.
///
/// A table that the caller may do nothing with looks like one that is not there: what exists is nobody's business.
///
/// # Errors
/// As [`PolicyFault`] says.
pub fn permit(actor: &Actor<'_>, target: Target<'_>, method: &str, now_s: i64) -> Result<Permit, PolicyFault> {
    let who = actor.who().ok_or(PolicyFault::RightMissing)?;
    let (resource, operation) = match target {
        Target::Table(name) => on_table(who, name, method)?,
        Target::Function(name) => on_function(who, name, method)?,
    };
    if let Actor::Person(session) = actor {
        if session.impersonator.is_some() && operation != Operation::Select {
            return Err(PolicyFault::Impersonated);
        }
        let since_issue = u32::try_from((now_s - session.issued_at).max(0) / 60).unwrap_or(u32::MAX);
        let fresh =
            session.second_factor_age.is_some_and(|age| age.saturating_add(since_issue) <= FRESH_FACTOR_MINUTES);
        if matches!(who, Who::Staff(_)) && operation == Operation::Delete && !fresh {
            return Err(PolicyFault::SecondFactorStale);
        }
    }
    Ok(Permit { who, resource, operation })
}

fn on_table(who: Who, name: &str, method: &str) -> Result<(Resource, Operation), PolicyFault> {
    let operation = match method {
        "GET" | "HEAD" => Operation::Select,
        "POST" => Operation::Insert,
        "PATCH" => Operation::Update,
        "DELETE" => Operation::Delete,
        _ => return Err(PolicyFault::MethodNotAllowed("GET, HEAD, POST, PATCH, DELETE, OPTIONS")),
    };
    let table = Table::named(name).ok_or(PolicyFault::ResourceUnknown)?;
    let grant = table.grant(who).ok_or(PolicyFault::ResourceUnknown)?;
    if allows(grant, operation) {
        Ok((Resource::Table(table, grant), operation))
    } else {
        Err(PolicyFault::RightMissing)
    }
}

fn on_function(who: Who, name: &str, method: &str) -> Result<(Resource, Operation), PolicyFault> {
    let function = Function::named(name).ok_or(PolicyFault::ResourceUnknown)?;
    if !function.callers.contains(&who) {
        return Err(PolicyFault::ResourceUnknown);
    }
    let returned = match function.returns.and_then(Table::named) {
        None => None,
        Some(table) => Some((table, table.grant(who).ok_or(PolicyFault::RightMissing)?)),
    };
    let operation = match (method, function.writes) {
        ("POST", true) => Operation::Update,
        ("POST" | "GET" | "HEAD", false) => Operation::Select,
        (_, true) => return Err(PolicyFault::MethodNotAllowed("POST, OPTIONS")),
        (_, false) => return Err(PolicyFault::MethodNotAllowed("GET, HEAD, POST, OPTIONS")),
    };
    Ok((Resource::Function(function, returned), operation))
}

/// Whether a grant allows an operation at all; which columns is the firewall's question.
#[must_use]
pub const fn allows(grant: &Grant, operation: Operation) -> bool {
    match operation {
        Operation::Delete => grant.delete,
        Operation::Insert => !grant.insert.is_empty(),
        Operation::Select => !grant.read.is_empty(),
        Operation::Update => !grant.update.is_empty(),
    }
}

/// Clerk's `strict_mfa`: <https://clerk.com/docs/guides/secure/reverification>.
const FRESH_FACTOR_MINUTES: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        access::StaffRole,
        session::{RoleClaim, Session},
        tables::TABLES,
    };

    fn session(role: RoleClaim) -> Session {
        Session {
            user: "user_1".into(),
            id: "sess_1".into(),
            organization: None,
            role,
            impersonator: None,
            second_factor_age: Some(1),
            issued_at: 1_000_000,
            expires_at: 1_000_060,
        }
    }

    fn asked(session: &Session, table: &str, method: &str) -> Result<(), PolicyFault> {
        permit(&Actor::Person(session), Target::Table(table), method, 1_000_000).map(drop)
    }

    /// an unknown role opens nothing, not even what a client without a role may do.
    #[test]
    fn unknown_role_opens_nothing_a_2() {
        let intern = session(RoleClaim::Unknown);
        for table in TABLES {
            for method in ["GET", "POST", "PATCH", "DELETE"] {
                assert_eq!(asked(&intern, table.name, method), Err(PolicyFault::RightMissing));
            }
        }
    }

    #[test]
    fn hides_what_the_caller_may_not_touch_at_all() {
        let client = session(RoleClaim::Absent);
        for table in ["leads", "team_activities", "request_log", "revoked_sessions", "pg_class", ""] {
            assert_eq!(asked(&client, table, "GET"), Err(PolicyFault::ResourceUnknown), "{table}");
        }
        assert_eq!(asked(&client, "contact_tickets", "DELETE"), Err(PolicyFault::RightMissing));
        assert!(matches!(asked(&client, "contact_tickets", "PUT"), Err(PolicyFault::MethodNotAllowed(_))));
    }

    #[test]
    fn deletes_by_staff_need_a_fresh_second_factor() {
        let admin = |age| Session { second_factor_age: age, ..session(RoleClaim::Known(StaffRole::Admin)) };
        let at = |age, now_s| permit(&Actor::Person(&admin(age)), Target::Table("leads"), "DELETE", now_s).map(drop);
        assert_eq!(at(Some(10), 1_000_059), Ok(()));
        assert_eq!(at(Some(10), 1_000_060), Err(PolicyFault::SecondFactorStale));
        assert_eq!(at(Some(11), 1_000_000), Err(PolicyFault::SecondFactorStale));
        assert_eq!(at(None, 1_000_000), Err(PolicyFault::SecondFactorStale));
        assert_eq!(asked(&admin(None), "leads", "PATCH"), Ok(()));
    }

    #[test]
    fn impersonated_sessions_only_read() {
        let session = Session { impersonator: Some("user_2".into()), ..session(RoleClaim::Absent) };
        assert_eq!(asked(&session, "contact_tickets", "GET"), Ok(()));
        assert_eq!(asked(&session, "contact_tickets", "POST"), Err(PolicyFault::Impersonated));
        let called =
            |name, method| permit(&Actor::Person(&session), Target::Function(name), method, 1_000_000).map(drop);
        assert_eq!(called("search_tickets", "POST"), Ok(()));
        assert_eq!(called("open_ticket", "POST"), Err(PolicyFault::Impersonated));
    }

    #[test]
    fn functions_are_for_their_callers_and_writing_ones_for_post() {
        let client = session(RoleClaim::Absent);
        let called =
            |name, method| permit(&Actor::Person(&client), Target::Function(name), method, 1_000_000).map(drop);
        assert_eq!(called("keep_house", "POST"), Err(PolicyFault::ResourceUnknown));
        assert_eq!(called("nothing", "POST"), Err(PolicyFault::ResourceUnknown));
        assert_eq!(called("search_tickets", "GET"), Ok(()));
        assert!(matches!(called("open_ticket", "GET"), Err(PolicyFault::MethodNotAllowed(_))));
        assert!(permit(&Actor::Job("house"), Target::Function("keep_house"), "POST", 0).is_ok());
    }
}
