//! The cookies that Clerk instructs the Hub to set: parsed, checked, and rewritten for this host.

use super::super::{Platform, clerk, hub::Hub};
use crate::{
    domain::{headers::Headers, session::Session},
    logic::{
        cookies::{self, Cookies, Directive},
        fault::Fault,
        token::{self, TokenFault},
        visit::forget,
    },
};
use serde_json::Value;

/// Returns the directives that Clerk signed as the result of a handshake.
pub(super) async fn signed_directives<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    token: &str,
) -> Result<Vec<String>, Fault> {
    let verified = hub.signed_message(platform, token).await?;
    let listed = verified.as_ref().and_then(Value::as_array);
    let listed = listed.ok_or(Fault::VisitStuck("handshake-token-refused"))?;
    Ok(listed.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The cookies of a handshake's result, and their session.
pub(super) struct Taken {
    /// The session of the token.
    pub(super) holder: Holder,
    /// Cookies to set.
    pub(super) set: Vec<String>,
}

/// The session in a handshake's result.
pub(super) enum Holder {
    /// No session.
    Absent,
    /// A session with an open task at Clerk, such as the choice of an organization. Its token is not set.
    Pending,
    /// A verified session.
    SignedIn(Box<Session>),
}

/// Converts the directives to cookies of this host: only Clerk's names, only plain values, session tokens only if
/// valid.
///
/// A pending session counts as signed out, as with Clerk's SDK (clerk/javascript `packages/backend/src/tokens/authObjects.ts`,
/// `treatPendingAsSignedOut`).
///
/// All of them are for this host alone but one: in production `__client_uat` is Clerk's own cookie of the parent
/// domain. It is passed on unchanged, because a copy for this host could later contradict it
/// (<https://github.com/clerk/javascript/pull/3318>).
pub(super) async fn taken_over<P: Platform>(hub: &Hub<P>, platform: &P, directives: &[String]) -> Result<Taken, Fault> {
    let suffix = format!("_{}", hub.instance.suffix);
    let (mut holder, mut updated, mut set) = (Holder::Absent, None, Vec::new());
    for one in directives.iter().take(MOST_DIRECTIVES).filter_map(|text| cookies::directive(text)) {
        let Directive { name, value, domain } = one;
        let base = name.strip_suffix(suffix.as_str()).unwrap_or(name);
        let known = TAKEN_OVER.contains(&base) && (base != BROWSER || hub.instance.development);
        if !known {
            continue;
        }
        if !is_plain(value) && !value.is_empty() {
            return Err(Fault::VisitStuck("handshake-value-refused"));
        }
        let life_s = if value.is_empty() { 0 } else { LIFE_S };
        if base == UPDATED && !hub.instance.development {
            let ours = |ours: &&String| domain.is_some_and(|domain| ours.eq_ignore_ascii_case(domain));
            if let Some(domain) = hub.instance.domains.iter().find(ours) {
                updated = Some(domain.as_str());
                set.push(cookies::set_on(domain, name, value, life_s));
            }
            continue;
        }
        if base == "__session" && !value.is_empty() {
            match hub.identify(platform, value).await {
                Ok(session) => holder = Holder::SignedIn(Box::new(session)),
                // Its signature, parties and times are valid, since those rules are checked before.
                Err(Fault::Token(TokenFault::StatusRefused)) => {
                    holder = Holder::Pending;
                    continue;
                }
                Err(Fault::Token(_)) => return Err(Fault::VisitStuck("handshake-session-refused")),
                Err(other) => return Err(other),
            }
        }
        set.push(cookies::set(name, value, life_s));
    }
    set.extend(forget::other_updates(&hub.instance, updated));
    Ok(Taken { holder, set })
}

/// Refreshes an expired token without redirecting the browser.
pub(super) async fn refreshed<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    (headers, cookies): (&Headers, &Cookies<'_>),
    expired: &str,
) -> Option<(Session, Vec<String>)> {
    let refresh = cookies.value(&format!("__refresh_{}", hub.instance.suffix)).filter(|token| is_plain(token))?;
    let session = token::peek(expired)?.session?;
    hub.may_ask_clerk(platform, headers).ok()?;
    let directives = clerk::refresh(hub, platform, &session, expired, refresh).await.ok()?;
    match taken_over(hub, platform, &directives).await.ok()? {
        Taken { holder: Holder::SignedIn(session), set } => Some((*session, set)),
        Taken { holder: Holder::Absent | Holder::Pending, .. } => None,
    }
}

/// Returns whether a value is allowed in a cookie and in a URL unencoded.
pub(super) fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST_VALUE).contains(&value.len()) && value.bytes().all(plain)
}

/// The cookie that identifies a browser to a development instance.
pub(super) const BROWSER: &str = "__clerk_db_jwt";
const UPDATED: &str = "__client_uat";
const TAKEN_OVER: [&str; 4] = ["__session", UPDATED, "__refresh", BROWSER];
const LIFE_S: u32 = 31_536_000;
const LONGEST_VALUE: usize = 4096;
/// A production handshake sends 11: two names of three cookies, a deletion of the host's copy for two of them, and a
/// deletion of itself.
const MOST_DIRECTIVES: usize = 24;
