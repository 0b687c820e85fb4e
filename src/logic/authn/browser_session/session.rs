//! Selection of one session token from several under one name.

use super::{ClerkInstance, session_token};
use crate::logic::http::cookies::Cookies;

/// Returns the token of the session cookie with this name.
///
/// Several may exist: a script of Clerk's on the same host stores a copy of its own, and a neighbouring host may set
/// one for the parent domain. Of one session the newest is selected, since they differ by age alone. Of several
/// sessions none is selected: only Clerk can identify the current one. No token is verified here; the selected one is
/// verified later.
#[must_use]
pub fn token<'a>(cookies: &Cookies<'a>, instance: &ClerkInstance, name: &str) -> Option<&'a str> {
    if let Some(only) = cookies.value(name) {
        return Some(only);
    }
    let claims = cookies.values(name).filter_map(|raw| Some((raw, session_token::decode_unverified(raw)?)));
    let ours = claims
        .filter(|(_, claims)| claims.issuer.as_deref().is_some_and(|issuer| host(issuer) == host(&instance.issuer)));
    let ours: Vec<_> = ours.collect();
    let (_, first) = ours.first()?;
    let one_session = first.session.is_some() && ours.iter().all(|(_, claims)| claims.session == first.session);
    let newest = ours.iter().max_by_key(|(_, claims)| claims.issued_at)?;
    one_session.then_some(newest.0)
}

/// Returns whether there are tokens under this name of which none is selected.
#[must_use]
pub fn is_ambiguous(cookies: &Cookies<'_>, instance: &ClerkInstance, name: &str) -> bool {
    cookies.values(name).next().is_some() && token(cookies, instance, name).is_none()
}

/// Returns whether there are several tokens under one name, selected or not.
#[must_use]
pub fn are_several(cookies: &Cookies<'_>, instance: &ClerkInstance) -> bool {
    let names = ["__session".to_owned(), format!("__session_{}", instance.suffix)];
    names.iter().any(|name| cookies.values(name).next().is_some() && cookies.value(name).is_none())
}

/// Returns an issuer without its scheme, which Clerk writes in either case.
pub(super) fn host(issuer: &str) -> &str {
    match issuer.split_once("://") {
        Some((scheme, host)) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => host,
        _ => issuer,
    }
}
