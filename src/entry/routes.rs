//! All routes: their clients, their handlers, and the request rows they leave.

/// One route.
#[derive(Debug)]
pub struct Route {
    /// The path; `{…}` is a placeholder for one segment.
    pub path: &'static str,
    /// The accepted methods, in the syntax of the `Allow` header.
    pub methods: &'static str,
    /// The clients it accepts, and the format of its errors.
    pub kind: RouteKind,
    /// The handler.
    pub endpoint: Endpoint,
}

/// The clients that a route accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Clients with a bearer token; errors are JSON; every request leaves a request row (L-3).
    Api,
    /// Users in a browser, by Clerk's cookies; errors are pages, and every request with a session leaves a request row.
    Page,
    /// Any client, for reads: its handlers do not identify the client.
    Public,
    /// Senders that sign their messages; errors are JSON, and every request leaves a request row.
    Webhook,
}

/// The handler of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The operations that the caller is allowed to use.
    Description,
    /// The icon of the pages.
    Favicon,
    /// A function of the database.
    Function,
    /// The reachability of the Hub and its upstreams.
    Health,
    /// The Hub's data of a session.
    Account,
    /// Clerk's messages about sessions and users.
    ClerkWebhook,
    /// The front page.
    Home,
    /// The database's function, followed by Clerk.
    RevokeSessions,
    /// The rules for crawlers.
    Robots,
    /// The promises, and how they are fulfilled.
    Security,
    /// RFC 9116.
    SecurityTxt,
    /// Redirect to Clerk's sign-in page.
    SignIn,
    /// The end of a session.
    SignOut,
    /// Redirect to Clerk's sign-up page.
    SignUp,
    /// The stylesheet of the pages.
    Stylesheet,
    /// A table of the database.
    Table,
}

const GET_METHODS: &str = "GET, HEAD, OPTIONS";

const fn route(path: &'static str, methods: &'static str, page: RouteKind, handler: Endpoint) -> Route {
    Route { path, methods, kind: page, endpoint: handler }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    route("/rest/v1/", GET_METHODS, RouteKind::Api, Endpoint::Description),
    route("/rest/v1/{table}", "GET, HEAD, POST, PATCH, DELETE, OPTIONS", RouteKind::Api, Endpoint::Table),
    // Before the other functions, because Clerk also ends the sessions.
    route("/rest/v1/rpc/revoke_sessions", "POST, OPTIONS", RouteKind::Api, Endpoint::RevokeSessions),
    route("/rest/v1/rpc/{function}", "GET, HEAD, POST, OPTIONS", RouteKind::Api, Endpoint::Function),
    route("/webhooks/clerk", "POST, OPTIONS", RouteKind::Webhook, Endpoint::ClerkWebhook),
    route("/", GET_METHODS, RouteKind::Public, Endpoint::Home),
    route("/security", GET_METHODS, RouteKind::Public, Endpoint::Security),
    route("/sign-in", "GET, OPTIONS", RouteKind::Page, Endpoint::SignIn),
    route("/sign-up", "GET, OPTIONS", RouteKind::Page, Endpoint::SignUp),
    route("/sign-out", "GET, POST, OPTIONS", RouteKind::Page, Endpoint::SignOut),
    route("/account", "GET, OPTIONS", RouteKind::Page, Endpoint::Account),
    route("/assets/hub.css", GET_METHODS, RouteKind::Public, Endpoint::Stylesheet),
    route("/assets/favicon.svg", GET_METHODS, RouteKind::Public, Endpoint::Favicon),
    route("/robots.txt", GET_METHODS, RouteKind::Public, Endpoint::Robots),
    route("/.well-known/security.txt", GET_METHODS, RouteKind::Public, Endpoint::SecurityTxt),
    route("/healthz", GET_METHODS, RouteKind::Public, Endpoint::Health),
];

/// Returns the route of a path, and the segment that matched its `{…}`.
#[must_use]
pub fn find(path: &str) -> Option<(&'static Route, &str)> {
    ROUTES.iter().find_map(|route| matches(route.path, path).map(|segment| (route, segment)))
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
#[must_use]
pub fn is_api(path: &str) -> bool {
    const API: [&str; 8] = ["rest", "auth", "storage", "functions", "realtime", "graphql", "pg", "webhooks"];
    path.trim_start_matches('/').split('/').next().is_some_and(|first| API.contains(&first))
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
    fn finds_each_door_by_its_own_path() {
        for route in ROUTES {
            let (path, segment) = match route.path.split_once('{') {
                Some((prefix, _)) => (format!("{prefix}name"), "name"),
                None => (route.path.to_owned(), ""),
            };
            let (found, value) = find(&path).unwrap();
            assert_eq!((found.path, value), (route.path, segment));
        }
    }

    #[test]
    fn has_no_door_elsewhere() {
        for path in
            ["/rest/v1", "/rest//v1/", "/rest/v1/rpc/", "/rest/v1/a/b", "/rest/v1/rpc/a/b", "/rest/v2/leads", "/x"]
        {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
