//! All routes: their clients, their handlers, and the request rows they leave.

use crate::{
    domain::method::Method,
    logic::authz::{CALL_METHODS, CHANGE_METHODS, TABLE_METHODS},
};

/// One route.
#[derive(Debug)]
pub struct Route {
    /// The path; `{…}` is a placeholder for one segment.
    pub path: &'static str,
    /// The accepted methods, in the order of the `Allow` header.
    pub methods: &'static [Method],
    /// The clients it accepts, the format of its errors, and its handler.
    pub endpoint: Endpoint,
}

/// The handler of a route, by the clients that the route accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Clients with a bearer token; errors are JSON; every request leaves a request row (L-3).
    Api(ApiEndpoint),
    /// Users in a browser, by Clerk's cookies; errors are pages, and every request with a session leaves a request row.
    Page(PageEndpoint),
    /// Any client, for reads: its handlers do not identify the client.
    Public(PublicEndpoint),
    /// Senders that sign their messages; errors are JSON, and every request leaves a request row.
    Webhook(WebhookEndpoint),
}

/// The handlers of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiEndpoint {
    /// The operations that the caller is allowed to use.
    Description,
    /// A function of the database.
    Function,
    /// The database's function, followed by Clerk.
    RevokeSessions,
    /// A table of the database.
    Table,
}

/// The pages of a signed-in user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageEndpoint {
    /// The Hub's data of a session.
    Account,
    /// Redirect to Clerk's sign-in page.
    SignIn,
    /// The end of a session.
    SignOut,
    /// Redirect to Clerk's sign-up page.
    SignUp,
}

/// The pages and files for any client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicEndpoint {
    /// The icon of the pages.
    Favicon,
    /// The reachability of the Hub and its upstreams.
    Health,
    /// The front page.
    Home,
    /// The rules for crawlers.
    Robots,
    /// The promises, and how they are fulfilled.
    Security,
    /// RFC 9116.
    SecurityTxt,
    /// The stylesheet of the pages.
    Stylesheet,
}

/// The receivers of webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookEndpoint {
    /// Clerk's messages about sessions and users.
    Clerk,
}

const GET_METHODS: &[Method] = &[Method::Get, Method::Head, Method::Options];
const FORM_METHODS: &[Method] = &[Method::Get, Method::Post, Method::Options];
const PAGE_METHODS: &[Method] = &[Method::Get, Method::Options];
const POST_METHODS: &[Method] = &[Method::Post, Method::Options];

const fn api(path: &'static str, methods: &'static [Method], endpoint: ApiEndpoint) -> Route {
    Route { path, methods, endpoint: Endpoint::Api(endpoint) }
}

const fn page(path: &'static str, methods: &'static [Method], endpoint: PageEndpoint) -> Route {
    Route { path, methods, endpoint: Endpoint::Page(endpoint) }
}

/// A public route, for reads only.
const fn public(path: &'static str, endpoint: PublicEndpoint) -> Route {
    Route { path, methods: GET_METHODS, endpoint: Endpoint::Public(endpoint) }
}

const fn webhook(path: &'static str, endpoint: WebhookEndpoint) -> Route {
    Route { path, methods: POST_METHODS, endpoint: Endpoint::Webhook(endpoint) }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    api("/rest/v1/", GET_METHODS, ApiEndpoint::Description),
    api("/rest/v1/{table}", TABLE_METHODS, ApiEndpoint::Table),
    // Before the other functions, because Clerk also ends the sessions.
    api("/rest/v1/rpc/revoke_sessions", CHANGE_METHODS, ApiEndpoint::RevokeSessions),
    api("/rest/v1/rpc/{function}", CALL_METHODS, ApiEndpoint::Function),
    webhook("/webhooks/clerk", WebhookEndpoint::Clerk),
    public("/", PublicEndpoint::Home),
    public("/security", PublicEndpoint::Security),
    page("/sign-in", PAGE_METHODS, PageEndpoint::SignIn),
    page("/sign-up", PAGE_METHODS, PageEndpoint::SignUp),
    page("/sign-out", FORM_METHODS, PageEndpoint::SignOut),
    page("/account", PAGE_METHODS, PageEndpoint::Account),
    public("/assets/hub.css", PublicEndpoint::Stylesheet),
    public("/assets/favicon.svg", PublicEndpoint::Favicon),
    public("/robots.txt", PublicEndpoint::Robots),
    public("/.well-known/security.txt", PublicEndpoint::SecurityTxt),
    public("/healthz", PublicEndpoint::Health),
];

/// The route of a path.
#[derive(Clone, Copy, Debug)]
pub struct RouteMatch<'path> {
    /// The row.
    pub route: &'static Route,
    /// The segment that matched its `{…}`; empty without one.
    pub segment: &'path str,
}

/// Returns the route of a path.
#[must_use]
pub fn find(path: &str) -> Option<RouteMatch<'_>> {
    ROUTES.iter().find_map(|route| matches(route.path, path).map(|segment| RouteMatch { route, segment }))
}

/// Returns the path below the mount path.
#[must_use]
pub fn strip_base_path<'path>(base: &str, path: &'path str) -> Option<&'path str> {
    match path.strip_prefix(base)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// Returns whether a path belongs to the API, routed or not: there, errors are JSON and plain http is never redirected.
///
/// Its first segment is that of a route of the API or of a webhook, or one of Supabase's other services.
#[must_use]
pub fn is_api(path: &str) -> bool {
    const SUPABASE: [&str; 6] = ["auth", "storage", "functions", "realtime", "graphql", "pg"];
    let first = first_segment(path);
    let routed = |route: &Route| {
        matches!(route.endpoint, Endpoint::Api(_) | Endpoint::Webhook(_)) && first_segment(route.path) == first
    };
    SUPABASE.contains(&first) || ROUTES.iter().any(routed)
}

fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

fn matches<'path>(pattern: &str, path: &'path str) -> Option<&'path str> {
    match pattern.split_once('{') {
        None => (pattern == path).then_some(""),
        Some((prefix, _)) => path.strip_prefix(prefix).filter(|rest| !rest.is_empty() && !rest.contains('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_each_route_by_its_path() {
        for route in ROUTES {
            let (path, segment) = match route.path.split_once('{') {
                Some((prefix, _)) => (format!("{prefix}name"), "name"),
                None => (route.path.to_owned(), ""),
            };
            let found = find(&path).unwrap();
            assert_eq!((found.route.path, found.segment), (route.path, segment));
        }
    }

    #[test]
    fn unknown_paths_match_no_route() {
        for path in
            ["/rest/v1", "/rest//v1/", "/rest/v1/rpc/", "/rest/v1/a/b", "/rest/v1/rpc/a/b", "/rest/v2/leads", "/x"]
        {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
