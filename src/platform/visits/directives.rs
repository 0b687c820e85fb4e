//! The cookies that Clerk has the Hub set: read, checked, and written anew for this host.

use super::super::{Platform, clerk, hub::Hub};
use crate::{
    domain::session::Session,
    logic::{
        cookies::{self, Cookies, Directive},
        fault::Fault,
        token,
        visit::forget,
    },
};
use serde_json::Value;

/// Directives that Clerk signed as the result of a handshake.
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

/// The directives as cookies of ours: only names that Clerk has, only plain values, session tokens only if they are good.
///
/// All of them are of this host alone but one: in production `__client_uat` is Clerk's own cookie of the parent domain. It is passed on
/// as such, and a copy of this host would contradict it one day (<https://github.com/clerk/javascript/pull/3318>).
pub(super) async fn taken_over<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    directives: &[String],
) -> Result<(Option<Session>, Vec<String>), Fault> {
    let suffix = format!("_{}", hub.instance.suffix);
    let (mut session, mut updated, mut set) = (None, None, Vec::new());
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
            let found = hub.identify(platform, value).await.map_err(|fault| match fault {
                Fault::Token(_) => Fault::VisitStuck("handshake-session-refused"),
                other => other,
            })?;
            session = Some(found);
        }
        set.push(cookies::set(name, value, life_s));
    }
    set.extend(forget::other_updates(&hub.instance, updated));
    Ok((session, set))
}

/// A fresh token for one that ran out, without a way through the browser.
pub(super) async fn refreshed<P: Platform>(
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

/// Tells whether a value may stand in a cookie and in a URL unencoded.
pub(super) fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST_VALUE).contains(&value.len()) && value.bytes().all(plain)
}

/// Cookie by which a development instance knows a browser.
pub(super) const BROWSER: &str = "__clerk_db_jwt";
const UPDATED: &str = "__client_uat";
const TAKEN_OVER: [&str; 4] = ["__session", UPDATED, "__refresh", BROWSER];
const LIFE_S: u32 = 31_536_000;
const LONGEST_VALUE: usize = 4096;
/// A production handshake sends 11: two names of three cookies, an end of the host's copy for two of them, one end of itself.
const MOST_DIRECTIVES: usize = 24;
