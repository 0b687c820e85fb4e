//! Clerk's session token (I-1, I-2): its form, its header, and the conditions under which a claim is trusted.
//!
//! The order is form, key, signature, claims: an [`Unverified`] token exposes only what is needed to find its key, and
//! only a [`Verified`] one exposes claims. `jwt-compact` types the token; the rules before it are ours, since it (like
//! most libraries) accepts repeated names, unknown critical headers and any spelling of a number.
//!
//! Sources: RFC 7515, RFC 7519, RFC 8725, <https://clerk.com/docs/guides/sessions/session-tokens>.

mod claims;
mod error;

pub use claims::{EndingSession, TokenPolicy, validate_claims, validate_for_sign_out};
pub use error::TokenError;

use crate::{
    domain::lifetimes::{CLOCK_SKEW_S, MAX_SESSION_TOKEN_S},
    logic::strict_json,
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use jwt_compact::UntrustedToken;
use serde_json::Value;

/// A token whose form and header are valid; nothing else is verified.
#[derive(Debug)]
pub struct Unverified<'a> {
    kid: String,
    signed: &'a str,
    payload: &'a str,
    token: UntrustedToken<'a>,
}

/// A token whose signature is valid. Only this type exposes claims.
#[derive(Debug)]
pub struct Verified<'a> {
    claims: Value,
    token: UntrustedToken<'a>,
}

/// Parses form and header.
///
/// ```
/// use hub::logic::authn::session_token::{self, SignatureCheck, TokenError};
///
/// // {"alg":"RS256","cat":"cl_B7d4PD111AAA","kid":"ins_1","typ":"JWT"}
/// let header = "eyJhbGciOiJSUzI1NiIsImNhdCI6ImNsX0I3ZDRQRDExMUFBQSIsImtpZCI6Imluc18xIiwidHlwIjoiSldUIn0";
/// let raw = format!("{header}.e30.AAAA");
///
/// // The token names its key; its claims are not available before the signature is verified with that key.
/// let token = session_token::parse(&raw)?;
/// assert_eq!(token.kid(), "ins_1");
/// assert_eq!(token.into_verified(SignatureCheck::Invalid).unwrap_err(), TokenError::SignatureInvalid);
///
/// assert_eq!(session_token::parse("e30.e30").unwrap_err(), TokenError::NotThreeSegments);
/// # Ok::<(), TokenError>(())
/// ```
///
/// # Errors
/// The first violated rule.
pub fn parse(raw: &str) -> Result<Unverified<'_>, TokenError> {
    if raw.len() > MAX_TOKEN_LEN {
        return Err(TokenError::TooLong);
    }
    let mut segments = raw.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(TokenError::NotThreeSegments);
    };
    if header.len() > MAX_HEADER_LEN {
        return Err(TokenError::HeaderTooLong);
    }
    let decoded = [header, payload, signature].map(decode);
    let [Some(header), Some(_), Some(_)] = decoded else { return Err(TokenError::EncodingNotCanonical) };
    let kid = checked_header(&header)?;
    let token = UntrustedToken::new(raw).map_err(|_| TokenError::HeaderMalformed)?;
    let signed = raw.rsplit_once('.').map_or("", |(signed, _)| signed);
    Ok(Unverified { kid, signed, payload, token })
}

/// Unverified claims of a token. They decide between two cookies and when to fetch fresh ones, never the user's
/// identity.
#[derive(Debug)]
pub struct UnverifiedClaims {
    /// `iss`
    pub issuer: Option<String>,
    /// `iat`, Unix seconds.
    pub issued_at: Option<i64>,
    /// `exp`, Unix seconds.
    pub expires_at: Option<i64>,
    /// `sid`
    pub session: Option<String>,
}

impl UnverifiedClaims {
    /// Returns whether issuer and times are those that a valid token of this issuer has now; any client can write them.
    #[must_use]
    pub fn is_current(&self, issuer: &str, now_s: i64) -> bool {
        let Some((begins, ends)) = self.issued_at.zip(self.expires_at) else { return false };
        let life = ends.saturating_sub(begins);
        self.issuer.as_deref() == Some(issuer)
            && begins <= now_s.saturating_add(CLOCK_SKEW_S)
            && now_s < ends.saturating_add(CLOCK_SKEW_S)
            && (1..=MAX_SESSION_TOKEN_S).contains(&life)
    }
}

/// Reads the claims of a token without verification; `None` when it does not have the form of a token.
#[must_use]
pub fn decode_unverified(raw: &str) -> Option<UnverifiedClaims> {
    let mut segments = raw.split('.');
    let (Some(_), Some(payload), Some(_), None) = (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return None;
    };
    let payload = decode(payload).filter(|_| raw.len() <= MAX_TOKEN_LEN)?;
    let claims = strict(&payload, TokenError::ClaimsMalformed).ok()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    claims.is_object().then(|| UnverifiedClaims {
        issuer: text("iss"),
        issued_at: time("iat"),
        expires_at: time("exp"),
        session: text("sid"),
    })
}

impl Verified<'_> {
    /// Returns a claim that only Clerk's own messages have.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }
}

impl<'a> Unverified<'a> {
    /// Returns the id of the key that should have signed it.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the signed bytes, as received.
    #[must_use]
    pub const fn signing_input(&self) -> &'a str {
        self.signed
    }

    /// Returns the signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.token.signature_bytes()
    }

    /// Converts it into a verified token, if its signature is valid.
    ///
    /// # Errors
    /// `SignatureInvalid`, or the error of the payload's JSON.
    pub fn into_verified(self, check: SignatureCheck) -> Result<Verified<'a>, TokenError> {
        if check == SignatureCheck::Invalid {
            return Err(TokenError::SignatureInvalid);
        }
        let payload = decode(self.payload).ok_or(TokenError::EncodingNotCanonical)?;
        let claims = strict(&payload, TokenError::ClaimsMalformed)?;
        if claims.is_object() { Ok(Verified { claims, token: self.token }) } else { Err(TokenError::ClaimsMalformed) }
    }
}

/// The result of the check of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureCheck {
    /// It was made with the key.
    Valid,
    /// It was not.
    Invalid,
}

impl From<bool> for SignatureCheck {
    fn from(valid: bool) -> Self {
        if valid { Self::Valid } else { Self::Invalid }
    }
}

/// Checks the header and returns the key id.
fn checked_header(header: &[u8]) -> Result<String, TokenError> {
    let header = strict(header, TokenError::HeaderMalformed)?;
    let header = header.as_object().ok_or(TokenError::HeaderMalformed)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("alg") != Some("RS256") {
        return Err(TokenError::AlgorithmRefused);
    }
    if text("typ") != Some("JWT") {
        return Err(TokenError::TypeRefused);
    }
    if FORBIDDEN_HEADER_PARAMETERS.iter().any(|name| header.contains_key(*name)) {
        return Err(TokenError::HeaderParameterRefused);
    }
    if header.contains_key("cat") && !text("cat").is_some_and(|class| SESSION_CATEGORIES.contains(&class)) {
        return Err(TokenError::CategoryRefused);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match text("kid") {
        Some(kid) if (1..=64).contains(&kid.len()) && kid.bytes().all(plain) => Ok(kid.to_owned()),
        _ => Err(TokenError::KeyIdRefused),
    }
}

/// Decodes base64url without padding, in the one spelling that encodes back to itself (RFC 7515 §2).
fn decode(segment: &str) -> Option<Vec<u8>> {
    let bytes = Base64UrlUnpadded::decode_vec(segment).ok()?;
    (!segment.is_empty() && Base64UrlUnpadded::encode_string(&bytes) == segment).then_some(bytes)
}

fn strict(text: &[u8], malformed: TokenError) -> Result<Value, TokenError> {
    strict_json::parse_strict(text, MAX_DEPTH).map_err(|fault| match fault {
        strict_json::JsonError::Malformed => malformed,
        strict_json::JsonError::TooDeep => TokenError::TooDeep,
        strict_json::JsonError::DuplicateKey => TokenError::DuplicateClaim,
    })
}

const MAX_TOKEN_LEN: usize = 8192;
const MAX_HEADER_LEN: usize = 1024;
const MAX_DEPTH: u8 = 16;

/// Parameters that would introduce another party's key, another payload or an unknown rule (RFC 8725 §3).
const FORBIDDEN_HEADER_PARAMETERS: [&str; 8] = ["b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"];

/// Clerk's classes of a session token: session, and one which states that the class is to be ignored. Templates and
/// machines have others.
const SESSION_CATEGORIES: [&str; 2] = ["cl_B7d4PD111AAA", "cl_I7d4PD111III"];
