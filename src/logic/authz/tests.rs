//! Tests of the access matrix's rules.

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

fn calls(session: &Session, table: &str, method: Method) -> Result<(), PolicyError> {
    authorize(&Actor::User(session), Target::Table(table), RequestedAction::Method(method), 1_000_000).map(drop)
}

/// an unknown role has no rights, not even those of a client without a role.
#[test]
fn unknown_role_has_no_access_a_2() {
    let intern = session(RoleClaim::Unknown);
    for table in TABLES {
        for method in [Method::Get, Method::Post, Method::Patch, Method::Delete] {
            assert_eq!(calls(&intern, table.name, method), Err(PolicyError::Forbidden));
        }
    }
}

#[test]
fn resources_without_a_grant_are_not_found() {
    let client = session(RoleClaim::Absent);
    for table in ["leads", "team_activities", "request_log", "revoked_sessions", "pg_class", ""] {
        assert_eq!(calls(&client, table, Method::Get), Err(PolicyError::NotFound), "{table}");
    }
    assert_eq!(calls(&client, "contact_tickets", Method::Delete), Err(PolicyError::Forbidden));
    assert!(matches!(calls(&client, "contact_tickets", Method::Options), Err(PolicyError::MethodNotAllowed(_))));
}

#[test]
fn step_up_operations_require_recent_factors_a_2() {
    let admin = |ages| Session { factor_ages: ages, ..session(RoleClaim::Known(StaffRole::Admin)) };
    let at = |ages, method, table, now_s| {
        authorize(&Actor::User(&admin(ages)), Target::Table(table), RequestedAction::Method(method), now_s).map(drop)
    };
    let deletes = |second, now_s| at([Some(0), second], Method::Delete, "leads", now_s);
    assert_eq!(deletes(Some(9), 1_000_059), Ok(()));
    for (second, now_s) in [(Some(9), 1_000_060), (Some(10), 1_000_000), (None, 1_000_000)] {
        assert_eq!(deletes(second, now_s), Err(PolicyError::ReverificationRequired(REVERIFY_STRICT)), "{second:?}");
    }
    let reads = |first| at([first, None], Method::Get, "team_activities", 1_000_000);
    assert_eq!(reads(Some(59)), Ok(()));
    assert_eq!(reads(Some(60)), Err(PolicyError::ReverificationRequired(REVERIFY_MODERATE)));
    assert_eq!(reads(None), Err(PolicyError::ReverificationRequired(REVERIFY_MODERATE)));
    assert_eq!(at([None, None], Method::Patch, "leads", 1_000_000), Ok(()));
    let revokes = |ages| {
        authorize(
            &Actor::User(&admin(ages)),
            Target::Function("revoke_sessions"),
            RequestedAction::Method(Method::Post),
            1_000_000,
        )
        .map(drop)
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
        authorize(&Actor::User(&admin), Target::Table(table), RequestedAction::Method(method), 1_000_000)
            .unwrap()
            .needs_recheck()
    };
    assert!(checked(Method::Delete, "leads"));
    assert!(!checked(Method::Patch, "leads"));
    assert!(!checked(Method::Get, "team_activities"));
    let client = session(RoleClaim::Absent);
    assert!(
        !authorize(
            &Actor::User(&client),
            Target::Table("chat_messages"),
            RequestedAction::Method(Method::Delete),
            1_000_000
        )
        .unwrap()
        .needs_recheck()
    );
}

#[test]
fn impersonated_sessions_are_read_only() {
    let session = Session { impersonator: Some("user_2".into()), ..session(RoleClaim::Absent) };
    assert_eq!(calls(&session, "contact_tickets", Method::Get), Ok(()));
    assert_eq!(calls(&session, "contact_tickets", Method::Post), Err(PolicyError::Impersonated));
    let called = |name, method| {
        authorize(&Actor::User(&session), Target::Function(name), RequestedAction::Method(method), 1_000_000).map(drop)
    };
    assert_eq!(called("search_tickets", Method::Post), Ok(()));
    assert_eq!(called("open_ticket", Method::Post), Err(PolicyError::Impersonated));
}

#[test]
fn functions_are_limited_to_callers_and_writing_functions_to_post() {
    let client = session(RoleClaim::Absent);
    let called = |name, method| {
        authorize(&Actor::User(&client), Target::Function(name), RequestedAction::Method(method), 1_000_000).map(drop)
    };
    assert_eq!(called("keep_house", Method::Post), Err(PolicyError::NotFound));
    assert_eq!(called("nothing", Method::Post), Err(PolicyError::NotFound));
    assert_eq!(called("search_tickets", Method::Get), Ok(()));
    assert!(matches!(called("open_ticket", Method::Get), Err(PolicyError::MethodNotAllowed(_))));
    assert!(
        authorize(&Actor::Job("maintenance"), Target::Function("keep_house"), RequestedAction::Method(Method::Post), 0)
            .is_ok()
    );
}
