//! One Hub with a fake runtime, and the requests of a test.

use hub::domain::method::{Method, ReceivedMethod};
use hub::{
    domain::{functions::Function, headers::Headers},
    entry::{handle_request::handle_request, incoming_request::IncomingRequest},
    logic::{
        config::Config,
        http::response::{Response, ResponseBody},
    },
    runtime::{
        BodyReadError, FetchError, RuntimePort as _, UpstreamRequest, UpstreamResponse,
        fake::{FakeBody, FakeRuntime},
    },
    services::app_state::AppState,
};
use serde_json::Value;
use std::{rc::Rc, sync::LazyLock};

pub const ORIGIN: &str = "https://hub.stacklumen.example";
/// The example of Standard Webhooks, which is no real secret.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const REST: &str = "https://database.example/rest/v1";
const JWKS: &str = "https://clerk.stacklumen.example/.well-known/jwks.json";

/// `tests/vectors/tokens.json`.
pub static TOKENS: LazyLock<Value> = LazyLock::new(|| json("tokens.json"));

/// Returns a file of `tests/vectors`; embedded, because a browser has no files.
pub fn json(file: &str) -> Value {
    let text = match file {
        "queries.json" => include_str!("../vectors/queries.json"),
        "reads.json" => include_str!("../vectors/reads.json"),
        "throwaway-keys.json" => include_str!("../vectors/throwaway-keys.json"),
        "tokens.json" => include_str!("../vectors/tokens.json"),
        _ => panic!("{file} is not built in"),
    };
    serde_json::from_str(text).unwrap()
}

/// All personas, `-` being an unauthenticated client.
pub const PERSONAS: [&str; 9] = ["-", "alice", "carol", "dave", "admin", "sales", "support", "stale", "nobody"];

pub struct TestApp {
    pub hub: Rc<AppState>,
    pub fake: FakeRuntime,
}

/// A response, and the upstream requests that it caused, request rows excluded.
#[derive(Debug)]
pub struct TestResponse {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub text: String,
    pub code: String,
    pub upstream: Vec<UpstreamRequest>,
    /// The calls that recorded a read, and the number of requests that had reached the database before each.
    pub recorded: Vec<(usize, Value)>,
    /// The same calls with all their parts.
    pub calls: Vec<UpstreamRequest>,
    pub rows: Vec<Value>,
    pub fetched_keys: usize,
    pub log: Value,
    /// All lines of the log.
    pub lines: Vec<Value>,
}

impl TestResponse {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

pub fn upstream_response(status: u16, body: &str) -> Result<UpstreamResponse<Vec<u8>>, FetchError> {
    let headers = Headers::new(vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())]);
    Ok(UpstreamResponse { status, headers, body: Some(body.as_bytes().to_vec()) })
}

/// Responds as all upstreams do in normal operation.
pub fn default_upstream(request: &UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> {
    match request.method {
        _ if request.url == JWKS => upstream_response(200, &TOKENS["jwks"].to_string()),
        Method::Get if request.url.starts_with("https://api.clerk.com/v1/users/") => {
            upstream_response(200, r#"{"banned":false,"locked":false,"public_metadata":{"stacklumen_role":"admin"}}"#)
        }
        _ if request.url.ends_with("/rpc/revoke_sessions") => {
            upstream_response(200, r#"{"person":"user_2hubalice0000000000000001"}"#)
        }
        Method::Get if request.url.starts_with("https://api.clerk.com/v1/sessions") => {
            upstream_response(200, r#"{"data":[]}"#)
        }
        Method::Get | Method::Head => upstream_response(200, "[]"),
        Method::Post if reads(request) => upstream_response(200, "[]"),
        Method::Post => upstream_response(201, ""),
        _ => upstream_response(204, ""),
    }
}

/// Returns a request with a persona's token.
pub fn arrival(
    persona: &str,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> IncomingRequest {
    let mut all: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if persona != "-" {
        let accepted = || TOKENS["accepted"].as_array()?.iter().find(|one| one["name"] == persona)?["token"].as_str();
        let token = TOKENS["personas"][persona].as_str().or_else(accepted).unwrap();
        all.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
        all.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    IncomingRequest {
        method: ReceivedMethod::parse(method),
        url: format!("{ORIGIN}{path}"),
        headers: Headers::new(all),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: body.map(|body| body.as_bytes().to_vec().into()),
    }
}

/// Returns whether it calls a function that changes nothing.
fn reads(request: &UpstreamRequest) -> bool {
    let name = request.url.split_once("/rpc/").map(|(_, rest)| rest.split('?').next().unwrap_or_default());
    name.and_then(Function::by_name).is_some_and(|function| !function.writes)
}

impl TestApp {
    pub fn new() -> Self {
        Self::with_upstream(default_upstream)
    }

    pub fn with_upstream(
        upstream: impl FnMut(&UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> + 'static,
    ) -> Self {
        Self::with(&[], upstream)
    }

    pub fn with(
        vars: &'static [(&str, &str)],
        upstream: impl FnMut(&UpstreamRequest) -> Result<UpstreamResponse<Vec<u8>>, FetchError> + 'static,
    ) -> Self {
        Self { hub: isolate(vars), fake: FakeRuntime::new(TOKENS["now"].as_u64().unwrap() * 1000, upstream) }
    }

    /// Returns another isolate of the same data centre: an empty state, the same network, clock and cache.
    pub fn another_isolate(&self) -> Self {
        Self { hub: isolate(&[]), fake: self.fake.clone() }
    }

    /// Sends a request with a persona's token, as supabase-js sends it.
    pub fn get(&self, persona: &str, method: &str, path: &str) -> TestResponse {
        self.send(persona, method, path, &[], None)
    }

    pub fn send(
        &self,
        persona: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> TestResponse {
        self.handle(arrival(persona, (method, path), headers, body))
    }

    /// Returns a response, and the part of a forwarded body that its client received.
    async fn dispatch(&self, arrival: IncomingRequest) -> (Response<FakeBody>, Option<Result<Vec<u8>, BodyReadError>>) {
        let response = handle_request(&self.hub, &self.fake, arrival).await;
        let streamed = match &response.body {
            ResponseBody::Stream(body) => Some(self.fake.read(body.clone(), usize::MAX).await),
            ResponseBody::Empty | ResponseBody::Text(_) => None,
        };
        (response, streamed)
    }

    pub fn handle(&self, arrival: IncomingRequest) -> TestResponse {
        drop((self.fake.sent(), self.fake.log_lines(), self.fake.queued()));
        let (response, streamed) = self.fake.run(self.dispatch(arrival)).unwrap();
        self.fake.run_background().unwrap();
        let seal = response.security_headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let headers =
            response.headers.into_iter().map(|(name, value)| (name, value.into_owned())).chain(seal).collect();
        let text = match response.body {
            ResponseBody::Empty => String::new(),
            ResponseBody::Stream(_) => String::from_utf8(streamed.unwrap().unwrap()).unwrap(),
            ResponseBody::Text(text) => text.into_owned(),
        };
        let sent = self.fake.sent();
        let data = |sent: &&UpstreamRequest| sent.url.starts_with(REST) && !sent.url.contains("/rpc/record_re");
        let recorded =
            sent.iter().enumerate().filter(|(_, sent)| sent.url.ends_with("/rpc/record_read")).map(|(place, call)| {
                let before = sent.iter().take(place).filter(data).count();
                (before, serde_json::from_slice(call.body.as_deref().unwrap()).unwrap())
            });
        let recorded = recorded.collect();
        let (calls, sent): (Vec<_>, Vec<_>) = sent.into_iter().partition(|sent| sent.url.ends_with("/rpc/record_read"));
        let (rows, rest): (Vec<_>, Vec<_>) = sent
            .into_iter()
            .partition(|sent| sent.method == Method::Post && sent.url.ends_with("/rpc/record_requests"));
        let (keys, upstream): (Vec<_>, Vec<_>) = rest.into_iter().partition(|sent| sent.url == JWKS);
        let written = rows.into_iter().filter_map(|sent| {
            Some(serde_json::from_slice::<Value>(&sent.body?).ok()?["requests"].as_array()?.clone())
        });
        let queued = self.fake.queued();
        let queued_rows = queued.iter().filter_map(|message| serde_json::from_str::<Vec<Value>>(message).ok());
        let rows = queued_rows.chain(written).flatten().collect();
        let code = serde_json::from_str::<Value>(&text).ok().and_then(|body| Some(body["code"].as_str()?.to_owned()));
        let lines = self.fake.log_lines().into_iter().filter_map(|(_, line)| serde_json::from_str::<Value>(&line).ok());
        let lines: Vec<Value> = lines.collect();
        TestResponse {
            status: response.status,
            headers,
            text,
            code: code.unwrap_or_default(),
            upstream,
            recorded,
            calls,
            rows,
            fetched_keys: keys.len(),
            log: lines.iter().rfind(|line| line["event"] == "request").cloned().unwrap_or_default(),
            lines,
        }
    }
}

/// Compares with a golden file; in a browser only with an embedded one.
#[cfg(target_arch = "wasm32")]
pub fn golden(name: &str, found: &str) {
    assert_eq!(name, "queries.txt");
    assert_eq!(found, include_str!("../golden/queries.txt"));
}

/// Compares with a golden file, or writes it if `UPDATE_GOLDEN` is set.
#[cfg(not(target_arch = "wasm32"))]
pub fn golden(name: &str, found: &str) {
    use std::{collections::BTreeSet, fs, path::Path};
    let file = Path::new("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, found).unwrap();
    }
    let wanted = fs::read_to_string(&file).unwrap_or_default();
    let only = |one: &str, other: &str| {
        let known: BTreeSet<&str> = other.lines().collect();
        one.lines().filter(|line| !known.contains(line)).collect::<Vec<_>>().join("\n")
    };
    let (added, absent) = (only(found, &wanted), only(&wanted, found));
    assert!(found == wanted, "{}: lines of the file only:\n{absent}\nof the program only:\n{added}", file.display());
}

fn isolate(vars: &'static [(&str, &str)]) -> Rc<AppState> {
    let signing = json("throwaway-keys.json")["hub"].clone();
    let config = Config::parse(|name| {
        if let Some((_, value)) = vars.iter().find(|(other, _)| *other == name) {
            return Some((*value).to_owned());
        }
        Some(match name {
            // As in production, which would reject the reserved names used as hosts here.
            "HUB_ENV" => "preview".to_owned(),
            "HUB_ORIGIN" | "CLERK_AUTHORIZED_PARTIES" => ORIGIN.to_owned(),
            // clerk.stacklumen.example$
            "CLERK_PUBLISHABLE_KEY" => "pk_live_Y2xlcmsuc3RhY2tsdW1lbi5leGFtcGxlJA".to_owned(),
            "CLERK_SECRET_KEY" => "sk_live_of_no_instance".to_owned(),
            "CLERK_WEBHOOK_SECRETS" => WEBHOOK_SECRET.to_owned(),
            "SUPABASE_URL" => "https://database.example".to_owned(),
            "SUPABASE_PUBLISHABLE_KEY" => TOKENS["publishable_key"].as_str().unwrap().to_owned(),
            "HUB_SIGNING_KEYS" => serde_json::json!({ "keys": [signing] }).to_string(),
            _ => return None,
        })
    });
    Rc::new(AppState::new(config.unwrap()).map_err(|problems| format!("{problems:?}")).unwrap())
}
