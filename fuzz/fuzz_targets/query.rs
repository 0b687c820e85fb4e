//! A `PostgREST` query by each kind of user on each table and function: rejected or rewritten, in plain ASCII without a
//! fragment, and parsed again with the same meaning.

#![no_main]

use hub::{
    domain::{
        access::StaffRole,
        functions::FUNCTIONS,
        headers::Headers,
        method::Method,
        session::{Actor, RoleClaim, Session},
        tables::TABLES,
    },
    logic::{
        authz::{RequestedAction, Target, authorize},
        query,
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u8, &str, &[u8])| {
    let (who, table, method, query, body) = input;
    let role = match who % 4 {
        0 => RoleClaim::Absent,
        1 => RoleClaim::Known(StaffRole::Admin),
        2 => RoleClaim::Known(StaffRole::Sales),
        _ => RoleClaim::Known(StaffRole::Support),
    };
    let session = Session {
        user: "user_2hub00000000000001".to_owned(),
        id: "sess_2hub00000000000001".to_owned(),
        organization: None,
        role,
        display_name: None,
        token_id: None,
        impersonator: None,
        factor_ages: [Some(0), Some(0)],
        issued_at: 1_795_464_900,
        expires_at: 1_795_464_960,
    };
    let place = usize::from(table) % (TABLES.len() + FUNCTIONS.len());
    let (target, path) = match (TABLES.get(place), FUNCTIONS.get(place.wrapping_sub(TABLES.len()))) {
        (Some(table), _) => (Target::Table(table.name), table.name.to_owned()),
        (_, Some(function)) => (Target::Function(function.name), format!("rpc/{}", function.name)),
        _ => return,
    };
    let method = [Method::Get, Method::Head, Method::Post, Method::Patch, Method::Delete][usize::from(method) % 5];
    let Ok(permit) = authorize(&Actor::User(&session), target, RequestedAction::Method(method), 1_795_464_900) else { return };
    let json = Headers::new(vec![("content-type".to_owned(), "application/json".to_owned())]);
    let Ok(plan) = query::plan(&permit, method, query, &json) else { return };
    let written = plan.path_and_query();
    assert!(written.is_ascii() && !written.contains(['#', ' ', '\\', '"', '\n', '\r']));
    assert!(written.split('?').next() == Some(path.as_str()));
    if let Some(arguments) = plan.arguments() {
        assert!(serde_json::from_str::<serde_json::Value>(arguments).is_ok_and(|arguments| arguments.is_object()));
    }
    // Parsed again, it has the same meaning; a version is sent in a header by then, and added limits and columns may be
    // too many.
    let short = written.matches('&').count() < 50 && written.matches(',').count() < 60;
    if short && plan.expected_version().is_none() {
        let rest = written.split_once('?').map_or("", |(_, query)| query);
        let replanned = query::plan(&permit, plan.method(), rest, &json).expect("what was written anew is good");
        assert_eq!(replanned.path_and_query(), written);
    }
    if plan.requires_body() {
        drop(plan.check_body(body));
    }
});
