//! All doors on one screen: who may knock, what stands behind, and what is kept of it.

/// One door.
#[derive(Debug)]
pub struct Route {
    /// The path; `{…}` stands for one segment.
    pub path: &'static str,
    /// The methods it takes, as the `Allow` header writes them.
    pub methods: &'static str,
    /// Who may knock, and how errors look.
    pub door: Door,
    /// What stands behind it.
    pub handler: Handler,
}

/// Who may knock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A bearer token is needed; errors are JSON; every request leaves a request row (L-3).
    Api,
    /// A person in a browser, by Clerk's cookies; errors are pages, and every request with a session leaves a request row.
    Page,
    /// Anybody, reading: nothing behind it knows who asks.
    Public,
    /// A sender that signs its messages; errors are JSON, and every request leaves a request row.
    Webhook,
}

/// What stands behind a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// What the caller may do.
    Description,
    /// The icon of the pages.
    Favicon,
    /// A function of the database.
    Function,
    /// Whether the Hub and what it needs are up.
    Health,
    /// What the Hub knows of a session.
    Account,
    /// What Clerk tells of sessions and users.
    ClerkWebhook,
    /// The front page.
    Home,
    /// The database's function, and then Clerk.
    RevokeSessions,
    /// What crawlers may read.
    Robots,
    /// The promises, and what keeps them.
    Security,
    /// RFC 9116.
    SecurityTxt,
    /// On to Clerk's sign-in page.
    SignIn,
    /// The end of a session.
    SignOut,
    /// On to Clerk's sign-up page.
    SignUp,
    /// The stylesheet of the pages.
    Stylesheet,
    /// A table of the database.
    Table,
}

const READ: &str = "GET, HEAD, OPTIONS";

const fn route(path: &'static str, methods: &'static str, door: Door, handler: Handler) -> Route {
    Route { path, methods, door, handler }
}

/// Every door there is.
pub const ROUTES: &[Route] = &[
    route("/rest/v1/", READ, Door::Api, Handler::Description),
    route("/rest/v1/{table}", "GET, HEAD, POST, PATCH, DELETE, OPTIONS", Door::Api, Handler::Table),
    // Before the other functions: Clerk ends the sessions too.
    route("/rest/v1/rpc/revoke_sessions", "POST, OPTIONS", Door::Api, Handler::RevokeSessions),
    route("/rest/v1/rpc/{function}", "GET, HEAD, POST, OPTIONS", Door::Api, Handler::Function),
    route("/webhooks/clerk", "POST, OPTIONS", Door::Webhook, Handler::ClerkWebhook),
    route("/", READ, Door::Public, Handler::Home),
    route("/security", READ, Door::Public, Handler::Security),
    route("/sign-in", "GET, OPTIONS", Door::Page, Handler::SignIn),
    route("/sign-up", "GET, OPTIONS", Door::Page, Handler::SignUp),
    route("/sign-out", "GET, POST, OPTIONS", Door::Page, Handler::SignOut),
    route("/account", "GET, OPTIONS", Door::Page, Handler::Account),
    route("/assets/hub.css", READ, Door::Public, Handler::Stylesheet),
    route("/assets/favicon.svg", READ, Door::Public, Handler::Favicon),
    route("/robots.txt", READ, Door::Public, Handler::Robots),
    route("/.well-known/security.txt", READ, Door::Public, Handler::SecurityTxt),
    route("/healthz", READ, Door::Public, Handler::Health),
];

/// The door at a path, and the segment its `{…}` stands for.
#[must_use]
pub fn find(path: &str) -> Option<(&'static Route, &str)> {
    ROUTES.iter().find_map(|route| matches(route.path, path).map(|segment| (route, segment)))
}

/// Whether a path belongs to the API, routed or not: there, errors are JSON and plain http is never redirected.
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
