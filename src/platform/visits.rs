//! Who opens a page: Clerk's cookies, the way to Clerk and back, and the cookies that come of it (I-1, I-2).

use super::{Platform, clerk, hub::Hub};
use crate::{
    domain::{headers::Headers, session::Session},
    logic::{
        cookies::{self, Cookies},
        fault::Fault,
        reply::Reply,
        return_to::{encoded, without_traces},
        token,
        visit::{self, Instance, REDIRECTS, STATE, STATE_PARAMETER, Step, Visit},
    },
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;

/// A request for a page.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, with the mount path.
    pub path: &'a str,
    /// Its query, still encoded.
    pub query: &'a str,
    /// Its headers.
    pub headers: &'a Headers,
}

/// How a visit begins.
pub enum Entrance<Body> {
    /// Sent to Clerk, or on from there; with the reason.
    Elsewhere(Reply<Body>, &'static str),
    /// Somebody, and cookies to set with the answer.
    SignedIn(Session, Vec<String>),
    /// Nobody, for this reason.
    SignedOut(&'static str),
}

/// Decides who opens a page.
///
/// # Errors
/// `VisitStuck` for a browser that would be sent round for ever, `KeysUnavailable` when nobody can be judged, `ClerkUnavailable` when
/// Clerk keeps the cookies and cannot be asked.
pub async fn enter<P: Platform>(hub: &Hub<P>, platform: &P, door: Door<'_>) -> Result<Entrance<P::Body>, Fault> {
    let header = door.headers.value("cookie").unwrap_or_default();
    let cookies = Cookies::parse(header);
    let now_s = i64::try_from(platform.now_ms() / 1000).map_err(|_| Fault::Platform)?;
    let navigation =
        visit::is_navigation(door.method, door.headers.value("sec-fetch-dest"), door.headers.value("accept"));
    let visit = Visit { cookies: &cookies, query: door.query, navigation, now_s };
    let step = match visit::decide(&visit, &hub.instance) {
        Step::Verify(token) => match hub.identify(platform, token).await {
            Ok(session) => return Ok(Entrance::SignedIn(session, Vec::new())),
            Err(Fault::Token(fault)) => {
                let refreshed = if navigation && fault == token::TokenFault::Expired {
                    refreshed(hub, platform, &cookies, token).await
                } else {
                    None
                };
                if let Some((session, set)) = refreshed {
                    return Ok(Entrance::SignedIn(session, set));
                }
                visit::after_fault(&visit, fault)
            }
            Err(fault) => return Err(fault),
        },
        step => step,
    };
    match step {
        Step::Handshake(reason) => Ok(Entrance::Elsewhere(to_clerk(hub, platform, &visit, door, reason)?, reason)),
        Step::ResolveNonce(nonce) => {
            let directives = clerk::handshake_payload(hub, platform, nonce).await?;
            back_from_clerk(hub, platform, door, &directives).await
        }
        Step::ResolveToken(token) => {
            let verified = hub.signed_message(platform, token).await?;
            let listed = verified.as_ref().and_then(Value::as_array);
            let listed = listed.ok_or(Fault::VisitStuck("handshake-token-refused"))?;
            let directives: Vec<String> = listed.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            back_from_clerk(hub, platform, door, &directives).await
        }
        Step::SignedOut(reason) => Ok(Entrance::SignedOut(reason)),
        Step::Stuck(reason) => Err(Fault::VisitStuck(reason)),
        // The token was judged above.
        Step::Verify(_) => Ok(Entrance::SignedOut("token-refused")),
    }
}

/// The names of every cookie of Clerk's on this host, to forget them all.
pub fn all_names(instance: &Instance) -> Vec<String> {
    let plain = ["__session", "__client_uat", "__refresh"].map(str::to_owned);
    let suffixed = plain.iter().map(|name| format!("{name}_{}", instance.suffix)).collect::<Vec<_>>();
    plain.into_iter().chain(suffixed).collect()
}

/// To Clerk's handshake; the session token stays here, since URLs are written down in too many places.
fn to_clerk<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    visit: &Visit<'_>,
    door: Door<'_>,
    reason: &'static str,
) -> Result<Reply<P::Body>, Fault> {
    let state = Base64UrlUnpadded::encode_string(&platform.random::<16>().map_err(|_| Fault::Platform)?);
    let back = without_traces(door.path, door.query);
    let mark = if back.contains('?') { '&' } else { '?' };
    // The Hub's own origin: what the request says of its host decides nothing.
    let back = format!("{}{back}{mark}{STATE_PARAMETER}={state}", hub.config.origin);
    let suffixed = visit::uses_suffixed(visit.cookies, &hub.instance, visit.now_s);
    let mut location = format!(
        "{}/v1/client/handshake?redirect_url={}&__clerk_api_version={}&suffixed_cookies={suffixed}&__clerk_hs_reason={reason}&format=nonce",
        hub.config.issuer,
        encoded(&back),
        clerk::API_VERSION,
    );
    let browser = visit::query_value(visit.query, BROWSER)
        .or_else(|| visit.cookies.value(&format!("{BROWSER}_{}", hub.instance.suffix)))
        .or_else(|| visit.cookies.value(BROWSER));
    if let Some(browser) = browser.filter(|browser| hub.instance.development && is_plain(browser)) {
        location = format!("{location}&{BROWSER}={browser}");
    }
    let tries = visit::redirects(visit.cookies).saturating_add(1);
    Ok(Reply::empty(307)
        .with("location", location)
        .with("set-cookie", cookies::set(STATE, &state, STATE_LIFE_S))
        .with("set-cookie", cookies::set(REDIRECTS, &tries.to_string(), REDIRECTS_LIFE_S)))
}

/// Sets what came back, once it is known to be good, and goes on to the page without the traces.
async fn back_from_clerk<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    door: Door<'_>,
    directives: &[String],
) -> Result<Entrance<P::Body>, Fault> {
    let (_, set) = taken_over(hub, platform, directives).await?;
    let location = format!("{}{}", hub.config.origin, without_traces(door.path, door.query));
    let mut reply = Reply::empty(307).with("location", location).with("set-cookie", cookies::forget(STATE));
    for cookie in set {
        reply = reply.with("set-cookie", cookie);
    }
    Ok(Entrance::Elsewhere(reply, "handshake-resolved"))
}

/// The directives as cookies of ours: only names that Clerk has, only plain values, session tokens only if they are good.
async fn taken_over<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    directives: &[String],
) -> Result<(Option<Session>, Vec<String>), Fault> {
    let suffix = format!("_{}", hub.instance.suffix);
    let mut session = None;
    let mut set = Vec::new();
    for (name, value) in directives.iter().take(MOST_DIRECTIVES).filter_map(|text| cookies::directive(text)) {
        let base = name.strip_suffix(suffix.as_str()).unwrap_or(name);
        let known = TAKEN_OVER.contains(&base) && (base != BROWSER || hub.instance.development);
        if !known {
            continue;
        }
        if !is_plain(value) && !value.is_empty() {
            return Err(Fault::VisitStuck("handshake-value-refused"));
        }
        if base == "__session" && !value.is_empty() {
            let found = hub.identify(platform, value).await.map_err(|fault| match fault {
                Fault::Token(_) => Fault::VisitStuck("handshake-session-refused"),
                other => other,
            })?;
            session = Some(found);
        }
        set.push(if value.is_empty() { cookies::forget(name) } else { cookies::set(name, value, LIFE_S) });
    }
    Ok((session, set))
}

/// A fresh token for one that ran out, without a way through the browser.
async fn refreshed<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    cookies: &Cookies<'_>,
    expired: &str,
) -> Option<(Session, Vec<String>)> {
    let refresh = cookies.value(&format!("__refresh_{}", hub.instance.suffix)).filter(|token| is_plain(token))?;
    let session = token::peek(expired)?.session?;
    let directives = clerk::refresh(hub, platform, &session, expired, refresh).await.ok()?;
    let (session, set) = taken_over(hub, platform, &directives).await.ok()?;
    Some((session?, set))
}

fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST_VALUE).contains(&value.len()) && value.bytes().all(plain)
}

const BROWSER: &str = "__clerk_db_jwt";
const TAKEN_OVER: [&str; 4] = ["__session", "__client_uat", "__refresh", BROWSER];
const LIFE_S: u32 = 31_536_000;
const LONGEST_VALUE: usize = 4096;
const MOST_DIRECTIVES: usize = 16;
const REDIRECTS_LIFE_S: u32 = 10;
const STATE_LIFE_S: u32 = 300;
