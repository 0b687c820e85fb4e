//! Checks what a new row of a list needs in another place, where neither the compiler nor another test requires it;
//! `docs/architecture.md` has a table of these places, and `dev/additions.mjs` tries it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use hub::{
    domain::{access::PrincipalKind, clerk_webhooks::WEBHOOKS, tables::TABLES, upstreams::UPSTREAMS},
    handlers::proxy::FORWARDED_RESPONSE_HEADERS,
    logic::{config::Config, http::response::Response, query::operators},
};
use std::{collections::BTreeSet, fs};

/// A browser hides the other headers of a response from scripts, but for `content-type`
/// (<https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name>).
#[test]
fn forwarded_response_headers_are_exposed_to_browsers() {
    let response = Response::<()>::empty(200).with_cors(Some("https://app.example"));
    let exposed = response.headers.iter().find(|(name, _)| *name == "access-control-expose-headers");
    let exposed: Vec<&str> = exposed.unwrap().1.split(", ").collect();
    let hidden: Vec<&str> = FORWARDED_RESPONSE_HEADERS.into_iter().filter(|name| !exposed.contains(name)).collect();
    assert_eq!(hidden, ["content-type"]);
}

/// Returns every operator that a filter on any column accepts.
fn filter_operators() -> BTreeSet<&'static str> {
    TABLES.iter().flat_map(|table| table.columns).flat_map(|column| operators(column.kind)).collect()
}

#[test]
fn each_filter_operator_has_an_accepted_vector() {
    let vectors: serde_json::Value =
        serde_json::from_str(&fs::read_to_string("tests/vectors/queries.json").unwrap()).unwrap();
    let paths: Vec<&str> =
        vectors["accepted"].as_array().unwrap().iter().map(|vector| vector["path"].as_str().unwrap()).collect();
    let is_used = |operator: &str| {
        let written = [format!("={operator}."), format!(".{operator}.")];
        paths.iter().any(|path| written.iter().any(|text| path.contains(text)))
    };
    let absent: Vec<&str> = filter_operators().into_iter().filter(|operator| !is_used(operator)).collect();
    assert_eq!(absent, Vec::<&str>::new(), "tests/vectors/queries.json accepts no query with these");
}

#[test]
fn api_document_lists_each_filter_operator() {
    let text = fs::read_to_string("docs/api.md").unwrap();
    let quoted: BTreeSet<&str> =
        text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).flat_map(str::split_whitespace).collect();
    let absent: Vec<&str> = filter_operators().difference(&quoted).copied().collect();
    assert_eq!(absent, Vec::<&str>::new(), "docs/api.md lists no such operator");
}

/// `make dev` and the tests sign in as a persona; its users have the types of their role.
#[test]
fn each_staff_role_has_a_persona_and_types() {
    let personas = fs::read_to_string("dev/personas.mjs").unwrap();
    let roles: BTreeSet<&str> =
        PrincipalKind::all().filter_map(|principal| principal.name().strip_prefix("staff:")).collect();
    let without = |has: &dyn Fn(&str) -> bool| roles.iter().copied().filter(|role| !has(role)).collect::<Vec<_>>();
    assert_eq!(without(&|role| personas.contains(&format!("role: '{role}'"))), Vec::<&str>::new());
    assert_eq!(without(&|role| fs::exists(format!("types/{role}.ts")).unwrap_or_default()), Vec::<&str>::new());
}

/// T-1: an upstream without https, or one whose variable does not exist, has a row that nothing reads.
#[test]
fn each_upstream_has_a_variable_that_requires_https_t_1() {
    let refused = |variable: &str, url: &str| {
        let lookup = |name: &str| {
            let (_, value) = [(variable, url)].into_iter().chain(COMPLETE).find(|(other, _)| *other == name)?;
            Some(value.to_owned())
        };
        let problems = Config::parse(lookup).map_or_else(|problems| problems, |config| config.unused);
        problems.iter().any(|problem| problem.name == variable)
    };
    for upstream in UPSTREAMS {
        assert!(refused(upstream.variable, "http://upstream.example"), "{} takes http", upstream.variable);
        assert!(!refused(upstream.variable, "https://upstream.example"), "{} takes no https", upstream.variable);
    }
}

/// The required variables of a preview.
const COMPLETE: [(&str, &str); 9] = [
    ("HUB_ENV", "preview"),
    ("HUB_ORIGIN", "https://hub.example"),
    // clerk.stacklumen.example$
    ("CLERK_PUBLISHABLE_KEY", "pk_live_Y2xlcmsuc3RhY2tsdW1lbi5leGFtcGxlJA"),
    ("CLERK_AUTHORIZED_PARTIES", "https://hub.example"),
    ("CLERK_SECRET_KEY", "sk_live_of_no_instance"),
    ("CLERK_WEBHOOK_SECRETS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("SUPABASE_URL", "https://database.example"),
    ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x"),
    ("HUB_SIGNING_KEYS", "{\"keys\":[]}"),
];

/// The endpoint at Clerk subscribes to what the document lists.
#[test]
fn deployment_document_lists_every_clerk_message() {
    let text = fs::read_to_string("docs/deployment.md").unwrap();
    let (_, listed) = text.split_once("subscribed to these messages and no other:").unwrap();
    let (listed, _) = listed.split_once(". Check").unwrap();
    let listed: BTreeSet<&str> = listed.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, WEBHOOKS.iter().map(|webhook| webhook.event).collect());
}

/// Returns the first cells of the table below a heading of the architecture document.
fn documented_kinds() -> Vec<String> {
    let text = fs::read_to_string("docs/architecture.md").unwrap();
    let (_, section) = text.split_once("## To add one thing").unwrap();
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")).skip(1);
    rows.filter_map(|row| row.split('|').nth(1)).map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn each_documented_addition_is_tried_by_the_script() {
    let read = |name| fs::read_to_string(format!("dev/additions/{name}.mjs")).unwrap();
    let kinds = ["catalogue", "entry", "rules"].map(read).concat();
    let kind = |line: &str| Some(line.trim().strip_prefix("kind: '")?.split('\'').next()?.to_owned());
    let tried: Vec<String> = kinds.lines().filter_map(kind).collect();
    assert_eq!(tried, documented_kinds(), "left: dev/additions, right: docs/architecture.md");
}
