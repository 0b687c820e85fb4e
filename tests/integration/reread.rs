//! An accepted query is written so that it is parsed again with the same meaning: mutated queries of
//! `tests/vectors/queries.json`, by each kind of user on each table and function. The fuzz target `query` continues
//! from these.

use crate::harness::json;
use hub::{
    domain::{
        access::StaffRole,
        headers::Headers,
        method::Method,
        session::{Actor, RoleClaim, Session},
    },
    logic::{
        authz::{RequestedAction, Target, authorize},
        query,
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Random numbers without a library: the same ones in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % most as u64).unwrap()
    }

    fn one<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// Returns the words of all queries, and some with a meaning elsewhere in the syntax.
fn tokens(queries: &[String]) -> Vec<&str> {
    let mut tokens: Vec<&str> =
        queries.iter().flat_map(|query| query.split(['&', '=', ',', '.', '(', ')', ':'])).collect();
    tokens.extend([
        "not",
        "and",
        "or",
        "count",
        "count()",
        "*",
        "!inner",
        "is",
        "null",
        "in",
        "like(any)",
        "%7B%22a%22%7D",
        "%2C",
        "%28",
        "%29",
        "%5C",
        "%22",
    ]);
    tokens.extend([
        "select",
        "order",
        "limit",
        "offset",
        "version",
        "eq.3",
        "id",
        "x:",
        "desc",
        "nullslast",
        "1",
        "00000000-0000-4000-8000-000000000000",
    ]);
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

fn mutated(dice: &mut Dice, query: &str, queries: &[String], tokens: &[&str]) -> String {
    let parts = |query: &str| query.split('&').map(str::to_owned).collect::<Vec<_>>();
    let mut pairs = parts(query);
    for _ in 0..dice.below(2) {
        let other = parts(&queries[dice.below(queries.len())]);
        pairs.insert(dice.below(pairs.len() + 1), other[dice.below(other.len())].clone());
    }
    let mut query = pairs.join("&");
    for _ in 0..dice.below(3) {
        let places: Vec<usize> =
            query.match_indices(['&', '=', ',', '.', '(', ')', ':']).map(|(place, _)| place).collect();
        let Some(place) = (!places.is_empty()).then(|| places[dice.below(places.len())]) else { break };
        let next = places.iter().copied().find(|next| *next > place).unwrap_or(query.len());
        match dice.below(3) {
            0 => query.replace_range(place + 1..next, dice.one(tokens)),
            1 => query.insert_str(place, dice.one(&["(", ")", ",", ".", "&", "=", ":", "!inner", ".not", "not."])),
            _ => query.replace_range(place..next, ""),
        }
    }
    query
}

fn session(role: RoleClaim) -> Session {
    Session {
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
    }
}

#[test]
fn serialized_query_parses_to_the_same_query() {
    let vectors = json("queries.json");
    let lists = ["accepted", "refused"].map(|list| vectors[list].as_array().unwrap());
    let calls = lists.into_iter().flatten().filter_map(|vector| vector["path"].as_str());
    let queries: Vec<String> = calls.filter_map(|path| Some(path.split_once('?')?.1.to_owned())).collect();
    let tokens = tokens(&queries);
    let bases: Vec<(&str, &str, Method)> = vectors["accepted"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|vector| {
            let (name, query) = vector["path"].as_str()?.split_once('?')?;
            Some((name, query, Method::parse(vector["method"].as_str()?)?))
        })
        .collect();
    let staff = [StaffRole::Admin, StaffRole::Sales, StaffRole::Support].map(|role| session(RoleClaim::Known(role)));
    let client = session(RoleClaim::Absent);
    let headers = |named: &[(&str, &str)]| {
        Headers::new(named.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    };
    let staffs = [("content-type", "application/json"), ("x-hub-purpose", "support"), ("if-match", "*")];
    let returned = [staffs[0], staffs[1], staffs[2], ("prefer", "return=representation")];
    let (bare, returned) = (headers(&staffs), headers(&returned));
    let (mut dice, mut accepted) = (Dice(10), 0);
    for _ in 0..60_000 {
        let who = if dice.below(2) == 0 { &client } else { dice.one(&[&staff[0], &staff[1], &staff[2]]) };
        let (name, query, method) = &bases[dice.below(bases.len())];
        let query = mutated(&mut dice, query, &queries, &tokens);
        let target = match name.strip_prefix("rpc/") {
            Some(name) => Target::Function(name),
            None => Target::Table(name),
        };
        let method = if dice.below(4) > 0 {
            *method
        } else {
            *dice.one(&[&Method::Get, &Method::Head, &Method::Post, &Method::Patch, &Method::Delete])
        };
        let headers = if dice.below(2) == 0 { &bare } else { &returned };
        let Ok(permit) = authorize(&Actor::User(who), target, RequestedAction::Method(method), 1_795_464_900) else {
            continue;
        };
        let Ok(plan) = query::plan(&permit, method, &query, headers) else { continue };
        let written = plan.path_and_query();
        assert!(written.is_ascii() && !written.contains(['#', ' ', '\\', '"', '\n', '\r']), "{query}");
        let rest = written.split_once('?').map_or("", |(_, rest)| rest);
        // A version is sent in a header by then; added limits and columns may be too many.
        if plan.expected_version().is_none() && written.matches('&').count() < 50 && written.matches(',').count() < 60 {
            let replanned = query::plan(&permit, plan.method(), rest, headers);
            let replanned = replanned.map(|replanned| replanned.path_and_query().to_owned());
            assert_eq!(replanned, Ok(written.to_owned()), "{method} {target:?} {query}");
        }
        accepted += 1;
    }
    assert!(accepted > 2_000, "{accepted}");
}
