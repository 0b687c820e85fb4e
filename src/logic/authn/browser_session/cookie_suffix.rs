//! Selection between two sets of cookies on one host.

use super::{ClerkInstance, session, session_token};
use crate::logic::http::cookies::Cookies;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha1::{Digest as _, Sha1};

/// Returns the suffix of cookie names: the first eight characters of the base64url of the SHA-1 of the publishable key.
#[must_use]
pub fn cookie_suffix(publishable_key: &str) -> String {
    let mut text = Base64UrlUnpadded::encode_string(&Sha1::digest(publishable_key.as_bytes()));
    text.truncate(8);
    text
}

/// Returns whether the suffixed cookies are used: several instances of Clerk may share one host, and the plain ones may
/// belong to any of them.
///
/// No token is verified here; the selected one is verified later.
#[must_use]
pub fn prefers_suffixed_cookies(cookies: &Cookies<'_>, instance: &ClerkInstance, now_s: i64) -> bool {
    let suffixed = |name: &str| format!("{name}_{}", instance.suffix);
    let (session, suffixed_session) =
        (session::token(cookies, instance, "__session"), session::token(cookies, instance, &suffixed("__session")));
    let (uat, suffixed_uat) = (cookies.greatest("__client_uat"), cookies.greatest(&suffixed("__client_uat")));
    let (claims, suffixed_claims) = (
        session.and_then(session_token::decode_unverified),
        suffixed_session.and_then(session_token::decode_unverified),
    );
    if session.is_some() {
        let Some(issuer) = claims.as_ref().and_then(|claims| claims.issuer.as_deref()) else { return false };
        if session::host(issuer) != session::host(&instance.issuer) {
            return true;
        }
    }
    if suffixed_uat.is_none() && suffixed_session.is_none() {
        return false;
    }
    let issued = |claims: &Option<session_token::UnverifiedClaims>| {
        claims.as_ref().and_then(|claims| claims.issued_at).unwrap_or(0)
    };
    if suffixed_uat != Some(0) && uat != Some(0) && issued(&claims) > issued(&suffixed_claims) {
        return false;
    }
    if suffixed_uat == Some(0) && uat != Some(0) {
        return false;
    }
    let expired = suffixed_claims.as_ref().and_then(|claims| claims.expires_at).is_some_and(|expires| expires <= now_s);
    if instance.is_development && suffixed_uat != Some(0) && uat == Some(0) && expired {
        return false;
    }
    suffixed_uat.is_some() || suffixed_session.is_none()
}
