//! What the claims of a verified session token must say, and the session they make.

use super::{TokenFault, Verified};
use crate::domain::{
    access::StaffRole,
    session::{RoleClaim, Session},
};
use serde::Deserialize;
use serde_json::Value;

/// What the configuration expects of a token.
#[derive(Clone, Debug)]
pub struct Expected {
    /// `iss`, to the letter.
    pub issuer: String,
    /// `azp`, one of these to the letter.
    pub authorized_parties: Vec<String>,
    /// Where the staff role stands.
    pub role_claim: Vec<String>,
}

/// The claims besides the times, as Clerk's version 2 writes them.
#[derive(Debug, Deserialize)]
struct Custom {
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
    o: Option<Value>,
}

/// Checks every claim and makes the session; `now_s` is Unix time in seconds.
///
/// # Errors
/// The first rule that is broken.
pub fn check(verified: &Verified<'_>, expected: &Expected, now_s: i64) -> Result<Session, TokenFault> {
    let times = Times::read(&verified.claims)?;
    let typed = verified.token.deserialize_claims_unchecked::<Custom>().map_err(|_| TokenFault::ClaimsMalformed)?;
    let claims = typed.custom;
    if claims.iss.as_deref() != Some(&expected.issuer) {
        return Err(TokenFault::IssuerRefused);
    }
    let user = claims.sub.filter(|sub| is_id(sub, "user_")).ok_or(TokenFault::SubjectRefused)?;
    let id = claims.sid.filter(|sid| is_id(sid, "sess_")).ok_or(TokenFault::SessionRefused)?;
    if !claims.azp.is_some_and(|azp| expected.authorized_parties.contains(&azp)) {
        return Err(TokenFault::PartyRefused);
    }
    if claims.aud.is_some() {
        return Err(TokenFault::AudienceRefused);
    }
    times.check(now_s)?;
    if claims.sts.is_some_and(|status| status != "active") {
        return Err(TokenFault::StatusRefused);
    }
    if claims.v != Some(2) {
        return Err(TokenFault::VersionRefused);
    }
    // Supabase's integration adds this one; a database role never comes from the client.
    if claims.role.is_some_and(|role| role != "authenticated") {
        return Err(TokenFault::RoleRefused);
    }
    Ok(Session {
        user,
        id,
        organization: claims.o.as_ref().map(organization).transpose()?,
        role: staff_role(&verified.claims, &expected.role_claim),
        impersonator: claims.act.as_ref().map(impersonator).transpose()?,
        second_factor_age: claims.fva.as_ref().map_or(Ok(None), second_factor_age)?,
        issued_at: times.issued,
        expires_at: times.expires,
    })
}

/// When a token was issued and how long it is good, Unix seconds.
struct Times {
    expires: i64,
    issued: i64,
    valid_from: i64,
}

impl Times {
    /// Whole numbers, all three of them.
    fn read(claims: &Value) -> Result<Self, TokenFault> {
        let time = |name: &str| {
            let number = claims.get(name).and_then(Value::as_i64).filter(|number| (1..1 << 53).contains(number));
            number.ok_or(TokenFault::TimeMalformed)
        };
        Ok(Self { expires: time("exp")?, issued: time("iat")?, valid_from: time("nbf")? })
    }

    /// Short lives: Clerk's tokens live 60 s.
    fn check(&self, now_s: i64) -> Result<(), TokenFault> {
        let Self { expires, issued, valid_from } = *self;
        if now_s >= expires + SKEW_S {
            return Err(TokenFault::Expired);
        }
        if valid_from > now_s + SKEW_S || valid_from > issued + SKEW_S {
            return Err(TokenFault::NotYetValid);
        }
        if issued > now_s + SKEW_S {
            return Err(TokenFault::IssuedInFuture);
        }
        if issued >= expires || expires - issued > LONGEST_LIFE_S {
            return Err(TokenFault::LifetimeRefused);
        }
        Ok(())
    }
}

fn organization(claim: &Value) -> Result<String, TokenFault> {
    let id = claim.get("id").and_then(Value::as_str).filter(|id| is_id(id, "org_"));
    id.map(str::to_owned).ok_or(TokenFault::OrganizationMalformed)
}

fn impersonator(claim: &Value) -> Result<String, TokenFault> {
    let id = claim.get("sub").and_then(Value::as_str).filter(|id| is_id(id, "user_"));
    id.map(str::to_owned).ok_or(TokenFault::ActorMalformed)
}

/// `fva` counts minutes since the first and the second factor; −1 is never.
fn second_factor_age(claim: &Value) -> Result<Option<u32>, TokenFault> {
    let ages: Option<Vec<i64>> = claim.as_array().map(|ages| ages.iter().filter_map(Value::as_i64).collect());
    match ages.as_deref() {
        Some([_, -1]) => Ok(None),
        Some([_, second]) => u32::try_from(*second).map(Some).map_err(|_| TokenFault::FactorAgeMalformed),
        _ => Err(TokenFault::FactorAgeMalformed),
    }
}

/// the role of `public_metadata`, at the configured place or under its own name. Two places that disagree, another
/// type, or a name that is not on the list: no role, and no access either.
fn staff_role(claims: &Value, path: &[String]) -> RoleClaim {
    let configured = path.iter().try_fold(claims, |value, name| value.get(name));
    let own = claims.get("public_metadata").and_then(|metadata| metadata.get("stacklumen_role"));
    let claim = match (configured, own) {
        (Some(one), Some(other)) if one != other => return RoleClaim::Unknown,
        (Some(claim), _) | (None, Some(claim)) => claim,
        (None, None) => return RoleClaim::Absent,
    };
    claim.as_str().and_then(StaffRole::parse).map_or(RoleClaim::Unknown, RoleClaim::Known)
}

/// Clerk's ids: a prefix and letters and digits.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| (10..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

const SKEW_S: i64 = 5;
const LONGEST_LIFE_S: i64 = 120;
