//! Checks of the claims of a verified session token, and the session that they describe.

use super::{TokenError, Verified};
use crate::domain::{
    access::StaffRole,
    ids::is_clerk_id as is_id,
    lifetimes::{CLOCK_SKEW_S, MAX_SESSION_TOKEN_S},
    session::{Organization, RoleClaim, Session},
};
use serde::Deserialize;
use serde_json::Value;

/// The expected values, from the configuration.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    /// `iss`, compared exactly.
    pub issuer: String,
    /// `azp`, one of these, compared exactly.
    pub authorized_parties: Vec<String>,
    /// The path of the staff role.
    pub role_claim: Vec<String>,
}

/// The claims besides the times, in the format of Clerk's version 2.
#[derive(Debug, Deserialize)]
struct ClerkClaims {
    iss: Option<String>,
    sub: Option<String>,
    sid: Option<String>,
    azp: Option<String>,
    sts: Option<String>,
    role: Option<String>,
    v: Option<u64>,
    aud: Option<Value>,
    act: Option<Value>,
    fva: Option<Value>,
    fea: Option<String>,
    o: Option<Value>,
    name: Option<Value>,
    jti: Option<String>,
}

/// A session that may be ended and nothing else: its token is valid except for its age.
#[derive(Debug)]
pub struct EndingSession(Session);

impl EndingSession {
    /// Returns the session's id, `sess_…`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the session for the request row.
    #[must_use]
    pub fn into_record(self) -> Session {
        self.0
    }
}

/// Checks every claim and returns the session; `now_s` is Unix time in seconds.
///
/// # Errors
/// The first violated rule.
pub fn validate_claims(verified: &Verified<'_>, expected: &TokenPolicy, now_s: i64) -> Result<Session, TokenError> {
    session_from_claims(verified, expected, (now_s, Expiry::Enforced))
}

/// Checks every claim except the expiry, for signing out: a page stays open longer than its token is valid.
///
/// # Errors
/// The errors of [`validate_claims`], except `Expired`.
pub fn validate_for_sign_out(
    verified: &Verified<'_>,
    expected: &TokenPolicy,
    now_s: i64,
) -> Result<EndingSession, TokenError> {
    session_from_claims(verified, expected, (now_s, Expiry::Ignored)).map(EndingSession)
}

/// Treatment of an expired token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Enforced,
    Ignored,
}

fn session_from_claims(
    verified: &Verified<'_>,
    expected: &TokenPolicy,
    (now_s, expiry): (i64, Expiry),
) -> Result<Session, TokenError> {
    let times = TokenTimes::parse(&verified.claims)?;
    let typed =
        verified.token.deserialize_claims_unchecked::<ClerkClaims>().map_err(|_| TokenError::ClaimsMalformed)?;
    let claims = typed.custom;
    if claims.iss.as_deref() != Some(&expected.issuer) {
        return Err(TokenError::IssuerRefused);
    }
    let user = claims.sub.filter(|sub| is_id(sub, "user_")).ok_or(TokenError::SubjectRefused)?;
    let id = claims.sid.filter(|sid| is_id(sid, "sess_")).ok_or(TokenError::SessionRefused)?;
    if !claims.azp.is_some_and(|azp| expected.authorized_parties.contains(&azp)) {
        return Err(TokenError::AuthorizedPartyRefused);
    }
    if claims.aud.is_some() {
        return Err(TokenError::AudienceRefused);
    }
    times.check(now_s, expiry)?;
    if claims.sts.is_some_and(|status| status != "active") {
        return Err(TokenError::StatusRefused);
    }
    if claims.v != Some(2) {
        return Err(TokenError::VersionRefused);
    }
    // Supabase's integration adds this one; a database role never comes from the client.
    if claims.role.is_some_and(|role| role != "authenticated") {
        return Err(TokenError::RoleRefused);
    }
    Ok(Session {
        user,
        id,
        organization: claims
            .o
            .as_ref()
            .map(|claim| organization(claim, claims.fea.as_deref().unwrap_or_default()))
            .transpose()?,
        role: staff_role(&verified.claims, &expected.role_claim),
        display_name: claims.name.as_ref().and_then(Value::as_str).and_then(name),
        token_id: claims.jti.filter(|jti| is_plain(jti)),
        impersonator: claims.act.as_ref().map(impersonator).transpose()?,
        factor_ages: claims.fva.as_ref().map_or(Ok([None, None]), factor_ages)?,
        issued_at: times.issued,
        expires_at: times.expires,
    })
}

/// Issue time and validity of a token, Unix seconds.
struct TokenTimes {
    expires: i64,
    issued: i64,
    valid_from: i64,
}

impl TokenTimes {
    /// Reads the three times, which must be whole numbers.
    fn parse(claims: &Value) -> Result<Self, TokenError> {
        let time = |name: &str| {
            let number = claims.get(name).and_then(Value::as_i64).filter(|number| (1..1 << 53).contains(number));
            number.ok_or(TokenError::TimeMalformed)
        };
        Ok(Self { expires: time("exp")?, issued: time("iat")?, valid_from: time("nbf")? })
    }

    /// Checks the lifetime, which is short: 60 s for Clerk's tokens.
    fn check(&self, now_s: i64, expiry: Expiry) -> Result<(), TokenError> {
        let Self { expires, issued, valid_from } = *self;
        if now_s >= expires + CLOCK_SKEW_S && expiry == Expiry::Enforced {
            return Err(TokenError::Expired);
        }
        if valid_from > now_s + CLOCK_SKEW_S || valid_from > issued + CLOCK_SKEW_S {
            return Err(TokenError::NotYetValid);
        }
        if issued > now_s + CLOCK_SKEW_S {
            return Err(TokenError::IssuedInFuture);
        }
        if issued >= expires || expires - issued > MAX_SESSION_TOKEN_S {
            return Err(TokenError::LifetimeRefused);
        }
        Ok(())
    }
}

/// Parses an organization: `o` names it and the role in it; `per` lists permissions, and `fpm` has one number for each
/// feature of the organization (`o:` in `fea`, in that order) whose bits, lowest first, state which of them it grants.
///
/// Source: <https://clerk.com/docs/guides/sessions/session-tokens>
fn organization(claim: &Value, features: &str) -> Result<Organization, TokenError> {
    let malformed = TokenError::OrganizationMalformed;
    let text = |name: &str| match claim.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(malformed),
    };
    let id = text("id")?.filter(|id| is_id(id, "org_")).ok_or(malformed)?;
    let list = |text: Option<&'_ str>| -> Vec<String> {
        let text = text.unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let (names, masks) = (list(text("per")?), list(text("fpm")?));
    // Only the organization's features have a number; `uo:` and `ou:` are both.
    let features: Vec<&str> = features
        .split(',')
        .filter_map(|feature| feature.trim().split_once(':'))
        .filter(|(scope, _)| scope.contains('o'))
        .map(|(_, name)| name)
        .collect();
    if names.len() > MAX_PERMISSIONS || masks.len() > features.len() {
        return Err(malformed);
    }
    let mut permissions = Vec::new();
    for (feature, mask) in features.iter().zip(&masks) {
        let mask: u64 = mask.parse().map_err(|_| malformed)?;
        if mask.checked_shr(u32::try_from(names.len()).unwrap_or(u32::MAX)).unwrap_or(0) != 0 {
            return Err(malformed);
        }
        let granted = names.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1);
        permissions.extend(granted.map(|(_, name)| format!("org:{feature}:{name}")));
    }
    Ok(Organization { id: id.to_owned(), role: text("rol")?.unwrap_or_default().to_owned(), permissions })
}

fn impersonator(claim: &Value) -> Result<String, TokenError> {
    let id = claim.get("sub").and_then(Value::as_str).filter(|id| is_id(id, "user_"));
    id.map(str::to_owned).ok_or(TokenError::ActorMalformed)
}

/// Returns a name that can be displayed: one line of at most 200 characters. It grants nothing, so an invalid one is
/// ignored.
fn name(claim: &str) -> Option<String> {
    let name = claim.trim();
    let shown = !name.is_empty() && name.chars().count() <= 200 && !name.chars().any(char::is_control);
    shown.then(|| name.to_owned())
}

fn is_plain(id: &str) -> bool {
    (1..=100).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Parses `fva`, the minutes since the first and the second factor; −1 is never.
fn factor_ages(claim: &Value) -> Result<[Option<u32>; 2], TokenError> {
    let age = |value: &Value| match value.as_i64() {
        Some(-1) => Ok(None),
        Some(minutes) => u32::try_from(minutes).map(Some).map_err(|_| TokenError::FactorAgeMalformed),
        None => Err(TokenError::FactorAgeMalformed),
    };
    match claim.as_array().map(Vec::as_slice) {
        Some([first, second]) => Ok([age(first)?, age(second)?]),
        _ => Err(TokenError::FactorAgeMalformed),
    }
}

/// the role at the configured path only. A value of another type, or a name that is not on the list, gives no role
/// and no access. `null`, which a session token's template writes for a user without a role, is an absent claim.
fn staff_role(claims: &Value, path: &[String]) -> RoleClaim {
    match path.iter().try_fold(claims, |value, name| value.get(name)) {
        None | Some(Value::Null) => RoleClaim::Absent,
        Some(claim) => claim.as_str().and_then(StaffRole::parse).map_or(RoleClaim::Unknown, RoleClaim::Known),
    }
}

const MAX_PERMISSIONS: usize = 64;
