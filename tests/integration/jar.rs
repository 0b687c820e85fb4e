//! I-2: a browser's cookies in any order of signing in, returning and signing out, here and elsewhere: never a redirect
//! loop, never signed in after a sign-out, always able to sign in again. The jar follows RFC 6265, with cookies of the
//! host and of the parent domain.

use crate::harness::{ORIGIN, TOKENS, TestApp, TestResponse, default_upstream, json, upstream_response};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hub::domain::method::ReceivedMethod;
use hub::{
    domain::headers::Headers,
    entry::incoming_request::IncomingRequest,
    runtime::{FetchError, RuntimePort as _, UpstreamRequest, UpstreamResponse},
};
use jwt_compact::{
    Algorithm as _, AlgorithmSignature as _,
    alg::{Rsa, RsaPrivateKey},
    jwk::JsonWebKey,
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    rc::Rc,
};

const HUB: &str = "hub.stacklumen.example";
const CLERK: &str = "clerk.stacklumen.example";
const SITE: &str = "stacklumen.example";
const USERS: [&str; 2] = ["user_2hubalice0000000000000001", "user_2hubcarol0000000000000003"];
const YEAR: &str = "Max-Age=31536000";
/// More than three handshakes, each with its return and the page's own redirects.
const MOST_HOPS: usize = 17;

/// One cookie, as RFC 6265 §5.3 stores it.
#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    /// `None`: only of the host that set it.
    domain: Option<String>,
    host: String,
    path: String,
    until: i64,
}

#[derive(Debug, Default)]
struct Jar(Vec<Cookie>);

impl Jar {
    fn take(&mut self, host: &str, now: i64, directive: &str) {
        let mut parts = directive.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<(String, &str)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(key, value)| (key.to_ascii_lowercase(), value))
            .collect();
        let attribute = |key: &str| attributes.iter().rfind(|(other, _)| other == key).map(|(_, value)| *value);
        let domain = attribute("domain").map(|domain| domain.trim_start_matches('.').to_owned());
        if domain.as_deref().is_some_and(|domain| !domain.contains('.') || !within(host, domain)) {
            return;
        }
        let secure = attribute("secure").is_some() && attribute("path") == Some("/") && domain.is_none();
        if name.starts_with("__Host-") && !secure {
            return;
        }
        let until = match (attribute("max-age"), attribute("expires")) {
            (Some(seconds), _) => now + seconds.parse::<i64>().unwrap(),
            (None, Some(_)) => 0,
            (None, None) => i64::MAX,
        };
        let path = attribute("path").unwrap_or("/").to_owned();
        let host = host.to_owned();
        let cookie = Cookie { name: name.to_owned(), value: value.to_owned(), domain, host, path, until };
        self.0.retain(|old| {
            let same_place = old.domain == cookie.domain && (old.domain.is_some() || old.host == cookie.host);
            !(same_place && old.name == cookie.name && old.path == cookie.path)
        });
        if cookie.until > now {
            self.0.push(cookie);
        }
    }

    /// The `Cookie` header, longer paths first (RFC 6265 §5.4).
    fn header(&self, host: &str, path: &str, now: i64) -> String {
        let sent = |cookie: &&Cookie| {
            let place = cookie.domain.as_deref().map_or(cookie.host == host, |domain| within(host, domain));
            let below = path.strip_prefix(cookie.path.as_str());
            let path = below.is_some_and(|rest| rest.is_empty() || cookie.path.ends_with('/') || rest.starts_with('/'));
            place && path && cookie.until > now
        };
        let mut all: Vec<&Cookie> = self.0.iter().filter(sent).collect();
        all.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        all.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }
}

fn within(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Clerk's state, for one browser and the database.
struct Clerk {
    production: bool,
    suffix: String,
    /// True if a handshake stores its cookies under a nonce.
    by_nonce: bool,
    refreshing: bool,
    /// The browser's session, and the time of its last change.
    current: Option<usize>,
    updated_at: i64,
    /// The user, and whether the session is active.
    sessions: Vec<(&'static str, bool)>,
    /// Sessions with an open task, such as the choice of an organization; their tokens contain `sts: pending`.
    pending: HashSet<usize>,
    nonces: Vec<(String, Vec<String>)>,
    /// Session ids that the database rejects.
    refused: HashSet<String>,
    ended: usize,
}

impl Clerk {
    fn live(&self) -> Option<usize> {
        self.current.filter(|session| self.sessions[*session].1)
    }

    /// Returns the browser's session while it has an open task.
    fn pending(&self) -> Option<usize> {
        self.live().filter(|session| self.pending.contains(session))
    }

    /// Ends the browser's session, of which there is one at a time, and notifies the database.
    fn end(&mut self) {
        if let Some(session) = self.live() {
            self.sessions[session].1 = false;
            self.refused.insert(format!("sess_2hub{session:08}"));
        }
    }

    fn begin(&mut self, user_index: usize, now: i64) {
        self.end();
        self.sessions.push((USERS[user_index], true));
        (self.current, self.updated_at) = (Some(self.sessions.len() - 1), now);
    }

    fn token(&self, session: usize, now: i64) -> String {
        let id = format!("sess_2hub{session:08}");
        let claims = json!({
            "azp": ORIGIN, "exp": now + 60, "fva": [1, -1], "iat": now, "iss": format!("https://{CLERK}"), "jti": format!("{session}-{now}"),
            "nbf": now - 10, "sid": id, "sts": if self.pending.contains(&session) { "pending" } else { "active" }, "sub": self.sessions[session].0, "v": 2,
        });
        signed(&claims)
    }

    fn names(&self, name: &str) -> [String; 2] {
        [name.to_owned(), format!("{name}_{}", self.suffix)]
    }

    fn update(&self) -> Vec<String> {
        let uat = if self.live().is_some() { self.updated_at } else { 0 };
        let one = |name: String| format!("{name}={uat}; Path=/; Domain={SITE}; {YEAR}; Secure; SameSite=Lax");
        if self.production { self.names("__client_uat").map(one).to_vec() } else { Vec::new() }
    }

    /// Returns the cookies of a handshake; in production as in clerk/clerk-docs pull request 577.
    fn directives(&self, now: i64) -> Vec<String> {
        let mut all = Vec::new();
        let expired = "Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        if self.production {
            all.extend(self.names("__client_uat").map(|name| format!("{name}=; {expired}")));
            all.extend(self.update());
        } else {
            let uat = if self.live().is_some() { self.updated_at } else { 0 };
            all.extend(self.names("__clerk_db_jwt").map(|name| format!("{name}=dvb_1; Path=/; {YEAR}")));
            all.extend(self.names("__client_uat").map(|name| format!("{name}={uat}; Path=/; {YEAR}")));
        }
        match self.live() {
            Some(session) => {
                let token = self.token(session, now);
                all.extend(
                    self.names("__session").map(|name| format!("{name}={token}; Path=/; {YEAR}; Secure; SameSite=Lax")),
                );
                if self.refreshing {
                    all.push(format!("__refresh_{}=refresh-{session}; Path=/; {YEAR}; HttpOnly", self.suffix));
                }
            }
            None => all.extend(self.names("__session").map(|name| format!("{name}=; {expired}"))),
        }
        all
    }

    fn upstream(&mut self, request: &UpstreamRequest, now: i64) -> Result<UpstreamResponse<Vec<u8>>, FetchError> {
        let body = || serde_json::from_slice::<Value>(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
        if let Some((_, nonce)) = request.url.split_once("/handshake_payload?nonce=") {
            let Some(place) = self.nonces.iter().position(|(known, _)| known == nonce) else {
                return upstream_response(404, "{}");
            };
            let (_, directives) = self.nonces.remove(place);
            return upstream_response(200, &json!({ "directives": directives }).to_string());
        }
        if let Some(id) = request.url.split("/v1/sessions/sess_2hub").nth(1) {
            let session: usize = id[..8].parse().unwrap();
            if request.url.ends_with("/revoke") {
                self.sessions[session].1 = false;
                self.ended += 1;
                return upstream_response(200, "{}");
            }
            let live = self.sessions[session].1 && body()["refresh_token"] == format!("refresh-{session}");
            if !live {
                return upstream_response(401, "{}");
            }
            let token = self.token(session, now);
            let cookies = self.names("__session").map(|name| format!("{name}={token}; Path=/"));
            return upstream_response(200, &json!({ "cookies": cookies }).to_string());
        }
        if request.url.ends_with("/rpc/end_session") {
            self.refused.insert(body()["session"].as_str().unwrap().to_owned());
        }
        if request.url.ends_with("/rpc/who_am_i") {
            let bearer = request.headers.iter().find(|(name, _)| *name == "authorization").unwrap();
            let claims = Base64UrlUnpadded::decode_vec(bearer.1.split('.').nth(1).unwrap()).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            if self.refused.contains(claims["sid"].as_str().unwrap()) {
                return upstream_response(401, r#"{"code":"PT401","message":"session revoked"}"#);
            }
        }
        default_upstream(request)
    }
}

/// Returns a token of the issuer with these claims, signed with its throw-away key.
pub fn signed(claims: &Value) -> String {
    thread_local! {
        static KEY: RsaPrivateKey = {
            let key: JsonWebKey<'static> = serde_json::from_value(json("throwaway-keys.json")["issuer"].clone()).unwrap();
            RsaPrivateKey::try_from(&key).unwrap()
        };
    }
    let kid = &json("throwaway-keys.json")["issuer"]["kid"];
    let header = json!({ "alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": kid, "typ": "JWT" });
    let encode = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let message = format!("{}.{}", encode(&header), encode(claims));
    let signature =
        KEY.with(|key| Base64UrlUnpadded::encode_string(&Rsa::rs256().sign(key, message.as_bytes()).as_bytes()));
    format!("{message}.{signature}")
}

/// One browser with one Hub and one instance of Clerk.
struct Browser {
    app: TestApp,
    clerk: Rc<RefCell<Clerk>>,
    clock: Rc<Cell<i64>>,
    jar: Jar,
    /// True if an attacker has set cookies in the browser.
    is_invalid: bool,
    /// Number of redirects to Clerk's handshake since the last page.
    handshakes: usize,
    /// True if Clerk stores no result of a handshake.
    forgetful: bool,
    story: Vec<String>,
}

/// The final page of a navigation.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Account(String),
    SignInPage(String),
    Home,
    /// An error page, by its code.
    Problem(String),
}

impl Browser {
    fn new(production: bool, (by_nonce, refreshing): (bool, bool)) -> Self {
        const DEVELOPMENT: &[(&str, &str)] = &[
            ("HUB_ENV", "preview"),
            // hub.clerk.accounts.dev$
            ("CLERK_PUBLISHABLE_KEY", "pk_test_aHViLmNsZXJrLmFjY291bnRzLmRldiQ"),
            ("CLERK_ISSUER", "https://clerk.stacklumen.example"),
            ("CLERK_SECRET_KEY", "sk_test_of_no_instance"),
        ];
        let clerk = Rc::new(RefCell::new(Clerk {
            production,
            suffix: String::new(),
            by_nonce,
            refreshing,
            current: None,
            updated_at: 0,
            sessions: Vec::new(),
            pending: HashSet::new(),
            nonces: Vec::new(),
            refused: HashSet::new(),
            ended: 0,
        }));
        let clock = Rc::new(Cell::new(TOKENS["now"].as_i64().unwrap()));
        let (behind, at) = (Rc::clone(&clerk), Rc::clone(&clock));
        let app = TestApp::with(if production { &[] } else { DEVELOPMENT }, move |request: &UpstreamRequest| {
            behind.borrow_mut().upstream(request, at.get())
        });
        clerk.borrow_mut().suffix.clone_from(&app.hub.clerk_instance.suffix);
        assert_eq!(app.hub.clerk_instance.is_development, !production);
        Self {
            app,
            clerk,
            clock,
            jar: Jar::default(),
            is_invalid: false,
            handshakes: 0,
            forgetful: false,
            story: Vec::new(),
        }
    }

    fn now(&self) -> i64 {
        self.clock.get()
    }

    fn wait(&mut self, seconds: i64) {
        self.story.push(format!("wait {seconds}"));
        self.app.fake.advance_time(u64::try_from(seconds).unwrap() * 1000);
        self.tick();
    }

    /// Sets Clerk's clock to that of the Hub.
    fn tick(&self) {
        self.clock.set(i64::try_from(self.app.fake.now_ms() / 1000).unwrap());
    }

    fn request(&mut self, method: &str, url: &str, body: Option<String>) -> TestResponse {
        let path = url.strip_prefix(ORIGIN).unwrap();
        let bare = path.split('?').next().unwrap();
        let cookie = self.jar.header(HUB, bare, self.now());
        let pairs = [
            ("accept", "text/html"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "same-origin"),
            ("cookie", &cookie),
        ];
        let response = self.app.handle(IncomingRequest {
            method: ReceivedMethod::parse(method),
            url: url.to_owned(),
            headers: Headers::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()),
            tls_version: Some("TLSv1.3".to_owned()),
            colo: None,
            country: None,
            body: body.map(|body| body.into_bytes().into()),
        });
        self.tick();
        for (_, directive) in response.headers.iter().filter(|(name, _)| *name == "set-cookie") {
            assert!(
                !self.clerk.borrow().production
                    || !directive.starts_with("__client_uat")
                    || directive.contains("Domain=")
                    || directive.contains("Max-Age=0"),
                "a copy of Clerk's cookie: {directive}"
            );
            self.jar.take(HUB, self.clock.get(), directive);
        }
        response
    }

    /// Opens a URL and follows its redirects, as a browser does.
    fn open(&mut self, path: &str) -> End {
        let mut url = format!("{ORIGIN}{path}");
        self.handshakes = 0;
        for _ in 0..MOST_HOPS {
            if url.starts_with(&format!("https://{CLERK}/v1/client/handshake?")) {
                self.handshakes += 1;
                assert!(self.handshakes <= 3, "more than three handshakes: {:#?}\n{:#?}", self.story, self.jar);
                url = self.handshake(&url);
                continue;
            }
            if url.starts_with("https://accounts.") {
                return End::SignInPage(url);
            }
            let response = self.request("GET", &url, None);
            match response.header("location") {
                Some(to) if to.starts_with('/') => url = format!("{ORIGIN}{to}"),
                Some(to) => to.clone_into(&mut url),
                None if response.status == 200 && response.text.contains("Your account") => {
                    let user = USERS.iter().find(|user| response.text.contains(**user)).unwrap();
                    assert!(!url.contains("hub_state") && !url.contains("__clerk"), "traces in {url}");
                    return End::Account((*user).to_owned());
                }
                None if response.status == 200 => return End::Home,
                None => return End::Problem(response.log["code"].as_str().unwrap_or_default().to_owned()),
            }
        }
        panic!("a redirect loop at {url}: {:#?}\n{:#?}", self.story, self.jar);
    }

    fn handshake(&mut self, url: &str) -> String {
        let query = url.split_once('?').unwrap().1;
        let back = query.split('&').find_map(|pair| pair.strip_prefix("redirect_url=")).unwrap();
        let mut back = hub::logic::http::query_string::decode(back).unwrap();
        let now = self.now();
        let forgetful = self.forgetful;
        let (name, value, production) = {
            let mut clerk = self.clerk.borrow_mut();
            let directives = clerk.directives(now);
            if clerk.by_nonce {
                let nonce = format!("nonce{}", clerk.nonces.len() + clerk.sessions.len() * 1000);
                if !forgetful {
                    clerk.nonces.push((nonce.clone(), directives));
                }
                ("__clerk_handshake_nonce", nonce, clerk.production)
            } else {
                ("__clerk_handshake", signed(&json!({ "handshake": directives })), clerk.production)
            }
        };
        if production {
            self.jar.take(CLERK, now, &format!("{name}={value}; Path=/; Domain={SITE}; Max-Age=300; Secure; HttpOnly"));
        } else {
            back = format!("{back}{}{name}={value}", if back.contains('?') { '&' } else { '?' });
        }
        back
    }

    fn hear_clerk(&mut self) {
        let (now, set) = (self.now(), self.clerk.borrow().update());
        for directive in set {
            self.jar.take(CLERK, now, &directive);
        }
    }

    /// Selects a user on Clerk's page, or completes the task that Clerk shows there, and returns to the Hub.
    fn choose(&mut self, user_index: usize) -> End {
        let now = self.now();
        let pending = self.clerk.borrow().pending();
        match pending {
            // The time of the last update remains, which is the harder case.
            Some(session) if self.clerk.borrow().sessions[session].0 == USERS[user_index] => {
                self.clerk.borrow_mut().pending.remove(&session);
            }
            _ => self.clerk.borrow_mut().begin(user_index, now),
        }
        self.hear_clerk();
        self.open(if self.clerk.borrow().production { "/account" } else { "/account?__clerk_db_jwt=dvb_1" })
    }

    /// Returns whether this end is allowed: an error page for an ended session, or a redirect loop that an attacker's
    /// cookies caused; nothing else is allowed.
    fn may_be(&self, end: &End) -> bool {
        match end {
            End::Problem(code) if code == "HUB108" => !self.clerk.borrow().refused.is_empty(),
            End::Problem(code) if code == "HUB107" => self.is_invalid,
            _ => false,
        }
    }

    /// Signs in as a user who retries after an error.
    fn sign_in(&mut self, user_index: usize) -> String {
        self.story.push(format!("sign in as {user_index}"));
        for _ in 0..3 {
            match self.open("/account") {
                End::Account(user) => return user,
                End::SignInPage(_) => match self.choose(user_index) {
                    End::Account(user) => return user,
                    other => assert!(self.may_be(&other), "came back to {other:?}: {:#?}\n{:#?}", self.story, self.jar),
                },
                other => assert!(self.may_be(&other), "{other:?}: {:#?}\n{:#?}", self.story, self.jar),
            }
            self.wait(11);
        }
        panic!("nobody can sign in: {:#?}\n{:#?}", self.story, self.jar);
    }

    /// Signs out at the Hub, `idle` seconds after the page was opened; returns whether it was confirmed.
    fn sign_out(&mut self, idle: i64) -> bool {
        let End::Account(_) = self.open("/account") else { return false };
        let page = self.request("GET", &format!("{ORIGIN}/sign-out"), None);
        let Some(csrf) = page.text.split("name=\"csrf\" value=\"").nth(1) else { return false };
        let body = format!("csrf={}", csrf.split('"').next().unwrap());
        self.wait(idle);
        self.story.push("sign out".to_owned());
        let ended = self.clerk.borrow().ended;
        let response = self.request("POST", &format!("{ORIGIN}/sign-out"), Some(body));
        let ended = self.clerk.borrow().ended - ended;
        assert_eq!(
            (response.status == 303, ended == 1),
            (true, true),
            "{} {} {:#?}",
            response.status,
            response.text,
            self.story
        );
        true
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Runs one story: actions of the browser's user, here and elsewhere, in any order.
fn run_history(production: bool, seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut browser = Browser::new(production, (chance.below(2) == 0, chance.below(3) == 0));
    // No sign-in since the last sign-out.
    let mut signed_out = true;
    for _ in 0..4 + chance.below(8) {
        match chance.below(13) {
            0 | 1 => {
                let user_index = chance.below(2);
                browser.sign_in(user_index);
                signed_out = false;
            }
            2..=4 => {
                browser.story.push("open".to_owned());
                let found = browser.open("/account");
                if browser.clerk.borrow().production
                    && !browser.is_invalid
                    && browser.clerk.borrow().pending().is_some()
                {
                    assert!(matches!(found, End::SignInPage(_)), "{found:?} {:#?}\n{:#?}", browser.story, browser.jar);
                }
                if matches!(found, End::SignInPage(_)) {
                    // Time to view Clerk's page.
                    browser.wait(11);
                }
                if let End::Account(user) = &found {
                    assert!(!signed_out, "signed in after a sign-out: {:#?}\n{:#?}", browser.story, browser.jar);
                    let of_clerk = browser.clerk.borrow().live().map(|one| browser.clerk.borrow().sessions[one].0);
                    assert!(
                        browser.is_invalid || !production || of_clerk == Some(user),
                        "{user}, not {of_clerk:?}: {:#?}",
                        browser.story
                    );
                }
                let expected = matches!(found, End::Account(_) | End::SignInPage(_)) || browser.may_be(&found);
                assert!(expected, "{found:?} {:#?}", browser.story);
            }
            5 | 6 => {
                let idle = [0, 1, 70, 3600, 86_400][chance.below(5)];
                if browser.sign_out(idle) {
                    signed_out = true;
                    assert!(!matches!(browser.open("/account"), End::Account(_)), "{:#?}", browser.story);
                }
            }
            7 => {
                browser.story.push("sign out elsewhere".to_owned());
                let now = browser.now();
                let mut clerk = browser.clerk.borrow_mut();
                clerk.end();
                (clerk.current, clerk.updated_at) = (None, now);
                drop(clerk);
                browser.hear_clerk();
                // Clerk's message makes the database reject its tokens; a page in development learns it from the
                // database.
                signed_out = true;
            }
            8 => {
                let user_index = chance.below(2);
                browser.story.push(format!("sign in elsewhere as {user_index}"));
                let now = browser.now();
                browser.clerk.borrow_mut().begin(user_index, now);
                browser.hear_clerk();
                signed_out = false;
            }
            9 => {
                browser.story.push("revoked".to_owned());
                browser.clerk.borrow_mut().end();
                signed_out = true;
            }
            10 => {
                let user_index = chance.below(2);
                browser.story.push(format!("sign in elsewhere as {user_index}, with a task left"));
                let now = browser.now();
                let mut clerk = browser.clerk.borrow_mut();
                clerk.begin(user_index, now);
                let session = clerk.sessions.len() - 1;
                clerk.pending.insert(session);
                drop(clerk);
                browser.hear_clerk();
                // The user is not signed in until the task is done; the tokens of the previous session are rejected.
                signed_out = true;
            }
            11 => browser.wait([1, 5, 61, 66, 3600, 86_400][chance.below(6)]),
            _ => {
                spoil(&mut browser, &mut chance);
            }
        }
    }
    browser.wait(11);
    let user_index = chance.below(2);
    browser.sign_in(user_index);
}

/// Adds cookies that a neighbouring host, an older Hub or another application could have set.
fn spoil(browser: &mut Browser, chance: &mut Chance) {
    let now = browser.now();
    let suffix = browser.clerk.borrow().suffix.clone();
    let of_site = format!("Path=/; Domain={SITE}; {YEAR}");
    let kind = chance.below(8);
    // An older Hub set copies for its own host; all other kinds are attacks.
    browser.is_invalid |= kind > 1;
    let (host, directive) = match kind {
        0 => (HUB, format!("__client_uat={}; Path=/; {YEAR}", now - 500)),
        1 => (HUB, format!("__client_uat_{suffix}=0; Path=/; {YEAR}")),
        2 => (CLERK, format!("__client_uat={}; {of_site}", now + 86_400)),
        3 => (CLERK, format!("__session=x.y.z; {of_site}")),
        4 => (CLERK, format!("__clerk_handshake_nonce=elsewhere; {of_site}")),
        5 => (CLERK, format!("__clerk_handshake=x.y.z; {of_site}")),
        6 => (CLERK, format!("__clerk_redirect_count=9; {of_site}")),
        _ => {
            let mut clerk = browser.clerk.borrow_mut();
            clerk.sessions.push((USERS[0], false));
            let session = clerk.sessions.len() - 1;
            let token = clerk.token(session, now);
            clerk.refused.insert(format!("sess_2hub{session:08}"));
            (CLERK, format!("__session={token}; {of_site}"))
        }
    };
    browser.story.push(format!("spoilt by {host}: {directive}"));
    browser.jar.take(host, now, &directive);
}

#[test]
fn any_order_of_sign_in_and_sign_out_converges_in_production_i_2() {
    for seed in 1..=STORIES {
        run_history(true, seed);
    }
}

#[test]
fn any_order_of_sign_in_and_sign_out_converges_in_development_i_2() {
    for seed in 1..=STORIES {
        run_history(false, seed);
    }
}

const STORIES: u64 = 60;

/// I-2: Clerk's SDK treats a pending session as signed out (`treatPendingAsSignedOut`): the user is redirected to the
/// page where Clerk shows the task, and is signed in afterwards.
#[test]
fn pending_session_redirects_to_its_clerk_task_i_2() {
    for (production, by_nonce) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut browser = Browser::new(production, (by_nonce, false));
        browser.sign_in(0);
        // Longer than the lifetime of the previous session's token.
        browser.wait(70);
        let now = browser.now();
        browser.clerk.borrow_mut().begin(0, now);
        browser.clerk.borrow_mut().pending.insert(1);
        browser.hear_clerk();
        for _ in 0..2 {
            let found = browser.open("/account");
            assert!(matches!(found, End::SignInPage(_)), "{production} {by_nonce} {found:?}");
            let header = browser.jar.header(HUB, "/account", browser.now());
            let is_stored = header.split("; ").any(|cookie| cookie.starts_with("__session"));
            assert!(!is_stored && !header.contains("__Host-hub_state"), "{header}");
        }
        let found = browser.open("/sign-in");
        assert!(matches!(found, End::SignInPage(_)), "{production} {by_nonce} {found:?}");
        assert_eq!(browser.handshakes, 1);
        browser.wait(11);
        assert_eq!(browser.choose(0), End::Account(USERS[0].to_owned()), "{production} {by_nonce}");
        assert_eq!(browser.clerk.borrow().sessions.len(), 2, "the session whose task was left");
    }
}

/// I-2: a result that is never complete is requested three times, then the browser receives an error page.
#[test]
fn handshakes_are_limited_to_three_i_2() {
    let mut browser = Browser::new(true, (true, false));
    let now = browser.now();
    browser.clerk.borrow_mut().begin(0, now);
    browser.hear_clerk();
    // Clerk discards every nonce at once.
    browser.forgetful = true;
    assert_eq!(browser.open("/account"), End::Problem("HUB107".to_owned()));
    assert_eq!(browser.handshakes, 3);
}

/// Tests the jar itself against RFC 6265.
#[test]
fn jar_separates_host_and_domain_cookies() {
    let mut jar = Jar::default();
    for (host, directive) in [
        (HUB, "a=1; Path=/"),
        (CLERK, "a=2; Path=/; Domain=stacklumen.example"),
        (CLERK, "a=3; Path=/"),
        (HUB, "b=4; Path=/; Domain=elsewhere.example"),
        (HUB, "c=5; Path=/; Domain=example"),
        (HUB, "d=6; Path=/account"),
        (HUB, "__Host-e=7; Path=/; Domain=stacklumen.example; Secure"),
    ] {
        jar.take(host, 100, directive);
    }
    assert_eq!(jar.header(HUB, "/", 100), "a=1; a=2");
    assert_eq!(jar.header(HUB, "/account", 100), "d=6; a=1; a=2");
    assert_eq!(jar.header(CLERK, "/", 100), "a=2; a=3");
    jar.take(HUB, 100, "a=; Path=/; Max-Age=0");
    assert_eq!(jar.header(HUB, "/", 100), "a=2");
    jar.take(HUB, 100, "a=; Path=/; Domain=.stacklumen.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(jar.header(HUB, "/", 100), "");
}
