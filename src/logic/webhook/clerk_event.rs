//! Effect of a message from Clerk on tokens that are already issued (I-2).

mod members;

use crate::domain::{
    clerk_webhooks::{ClerkEventEffect, ClerkWebhook},
    ids::is_clerk_id,
    lifetimes::CLERK_REVOCATION_S,
    time,
};
use members::Members;
use serde::Serialize;

/// A message whose signature is valid.
#[derive(Debug, PartialEq, Eq)]
pub struct ClerkEvent {
    /// Its type.
    pub name: String,
    /// Time of the event, RFC 3339; never in the future.
    pub occurred_at: String,
    /// The revocations that it adds or lifts.
    pub revocations: Vec<Revocation>,
}

/// Rejection of one subject's tokens for one cause until a time; a time in the past lifts an earlier revocation.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// `sess_…`, `user_…` or `org_…`.
    pub subject: String,
    /// The cause.
    pub cause: RevocationCause,
    /// With `RevocationCause::Membership`: the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// With `RevocationCause::Role`: the role that tokens must name from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// RFC 3339, or `infinity`.
    pub expires_at: String,
}

/// The reason for which tokens are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationCause {
    /// The user is banned.
    Banned,
    /// The user or organization was deleted.
    Deleted,
    /// The session ended.
    Ended,
    /// The user is locked out.
    Locked,
    /// The user left the organization.
    Membership,
    /// The user has another staff role.
    Role,
}

/// A signed message that is not one of Clerk's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEvent;

/// Reads a message whose signature is valid; `now_ms` is milliseconds since the Unix epoch.
///
/// Only the members that affect the result are parsed. A user can write their own `unsafe_metadata` from the browser,
/// and `user.updated` contains it: its content must not cause the rejection of the message that bans or locks them.
/// Source: <https://clerk.com/docs/guides/users/extending>
///
/// # Errors
/// `InvalidEvent` when it has no type, or when a type that has an effect lacks its subject.
pub fn parse(body: &[u8], now_ms: u64) -> Result<ClerkEvent, InvalidEvent> {
    let message = std::str::from_utf8(body).ok().and_then(Members::parse).ok_or(InvalidEvent)?;
    let plain = |byte: u8| byte.is_ascii_alphabetic() || b"._".contains(&byte);
    let name = message.text("type")?.filter(|name| (1..=80).contains(&name.len()) && name.bytes().all(plain));
    let name = name.ok_or(InvalidEvent)?;
    let data = message.one("data")?.ok_or(InvalidEvent)?;
    // A time in the future could not be superseded by a newer message.
    let happened_ms = message.number("timestamp")?.unwrap_or(now_ms).min(now_ms);
    let occurred_at = time::rfc3339(happened_ms);
    let revocations = match ClerkWebhook::by_name(&name) {
        None => Vec::new(),
        Some(webhook) => {
            let data = Members::parse(data.get()).ok_or(InvalidEvent)?;
            revocations(webhook.effect, &data, &occurred_at, now_ms)?
        }
    };
    Ok(ClerkEvent { name, occurred_at, revocations })
}

/// Returns the revocations of a message for its subjects.
fn revocations(
    effect: ClerkEventEffect,
    data: &Members<'_>,
    occurred_at: &str,
    now_ms: u64,
) -> Result<Vec<Revocation>, InvalidEvent> {
    let soon = time::rfc3339(now_ms + CLERK_REVOCATION_S.unsigned_abs() * 1000);
    let id = |of: &Members<'_>, name: &str, prefix: &str| {
        of.text(name)?.filter(|id| is_clerk_id(id, prefix)).ok_or(InvalidEvent)
    };
    let revocation = |subject: String, cause, expires_at: &str| Revocation {
        subject,
        cause,
        scope: None,
        role: None,
        expires_at: expires_at.to_owned(),
    };
    let membership = |expires_at: &str| {
        let user = id(&data.object("public_user_data")?.ok_or(InvalidEvent)?, "user_id", "user_")?;
        let organization = id(&data.object("organization")?.ok_or(InvalidEvent)?, "id", "org_")?;
        Ok(vec![Revocation { scope: Some(organization), ..revocation(user, RevocationCause::Membership, expires_at) }])
    };
    Ok(match effect {
        ClerkEventEffect::EndSession => vec![revocation(id(data, "id", "sess_")?, RevocationCause::Ended, &soon)],
        ClerkEventEffect::RevokeSubject => {
            let subject = id(data, "id", "user_").or_else(|_| id(data, "id", "org_"))?;
            vec![revocation(subject, RevocationCause::Deleted, &soon)]
        }
        ClerkEventEffect::RevokeMembership => membership(&soon)?,
        ClerkEventEffect::RestoreMembership => membership(occurred_at)?,
        ClerkEventEffect::SyncUserStatus => {
            let user = id(data, "id", "user_")?;
            // A ban is in force until Clerk lifts it: each later `user.updated`, also that of a sign-in, contains its
            // state.
            let banned = if data.holds("banned")? { "infinity" } else { occurred_at };
            let locked = match (data.holds("locked")?, data.number("lockout_expires_in_seconds")?) {
                (false, _) => occurred_at.to_owned(),
                (true, Some(seconds)) => time::rfc3339(now_ms + seconds.min(MAX_LOCK_S) * 1000),
                (true, None) => "infinity".to_owned(),
            };
            vec![
                revocation(user.clone(), RevocationCause::Banned, banned),
                revocation(user.clone(), RevocationCause::Locked, &locked),
                Revocation { role: role(data)?, ..revocation(user, RevocationCause::Role, &soon) },
            ]
        }
    })
}

/// Returns the staff role that tokens must name from now on; `null` is none, as in a token. A value of another type, or
/// one that occurs twice, becomes a role that no token can name.
fn role(data: &Members<'_>) -> Result<Option<String>, InvalidEvent> {
    let Some(metadata) = data.object("public_metadata")? else { return Ok(None) };
    Ok(match metadata.one("stacklumen_role") {
        Ok(None) => None,
        Ok(Some(value)) if value.get() == "null" => None,
        Ok(Some(value)) => Some(serde_json::from_str(value.get()).unwrap_or_else(|_| UNKNOWN.to_owned())),
        Err(InvalidEvent) => Some(UNKNOWN.to_owned()),
    })
}

/// A value that is not the name of any staff role.
const UNKNOWN: &str = "unknown";
const MAX_LOCK_S: u64 = 10 * 365 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clerk_webhooks::WEBHOOKS;
    use serde_json::Value;

    const NOW: u64 = 1_795_464_900_000;
    const BEFORE: &str = "2026-11-23T20:14:58.000Z";
    const SOON: &str = "2026-11-23T20:20:00.000Z";

    fn event(name: &str, data: &Value) -> Result<ClerkEvent, InvalidEvent> {
        let body = serde_json::json!({ "type": name, "object": "event", "timestamp": NOW - 2000, "data": data });
        parse(body.to_string().as_bytes(), NOW)
    }

    /// I-2: the causes and ends of each type.
    #[test]
    fn each_event_type_yields_its_revocations_i_2() {
        let found = |name: &str, data: &Value| -> Vec<(String, RevocationCause, String)> {
            let event = event(name, data).unwrap();
            assert_eq!(event.occurred_at, BEFORE);
            event.revocations.into_iter().map(|v| (v.subject, v.cause, v.expires_at)).collect()
        };
        for name in ["session.ended", "session.removed", "session.revoked"] {
            let data = serde_json::json!({ "id": "sess_2hub00000001", "user_id": "user_2hub00000001" });
            assert_eq!(found(name, &data), [("sess_2hub00000001".to_owned(), RevocationCause::Ended, SOON.to_owned())]);
        }
        for (name, id) in [("user.deleted", "user_2hub00000001"), ("organization.deleted", "org_2hub00000001")] {
            let data = serde_json::json!({ "id": id, "deleted": true });
            assert_eq!(found(name, &data), [(id.to_owned(), RevocationCause::Deleted, SOON.to_owned())]);
        }
        let data = serde_json::json!({ "organization": { "id": "org_2hub00000001" }, "public_user_data": { "user_id": "user_2hub00000001" } });
        for (name, end) in [("organizationMembership.deleted", SOON), ("organizationMembership.created", BEFORE)] {
            assert_eq!(
                found(name, &data),
                [("user_2hub00000001".to_owned(), RevocationCause::Membership, end.to_owned())]
            );
            assert_eq!(event(name, &data).unwrap().revocations[0].scope.as_deref(), Some("org_2hub00000001"));
        }
        for (banned, locked, seconds, ends) in [
            (false, false, Value::Null, [BEFORE, BEFORE]),
            (true, false, Value::Null, ["infinity", BEFORE]),
            (false, true, Value::Null, [BEFORE, "infinity"]),
            (false, true, 300.into(), [BEFORE, SOON]),
        ] {
            let data = serde_json::json!({ "id": "user_2hub00000001", "banned": banned, "locked": locked, "lockout_expires_in_seconds": seconds });
            let ends: Vec<_> =
                [(RevocationCause::Banned, ends[0]), (RevocationCause::Locked, ends[1]), (RevocationCause::Role, SOON)]
                    .into_iter()
                    .map(|(cause, end)| ("user_2hub00000001".to_owned(), cause, end.to_owned()))
                    .collect();
            assert_eq!(found("user.updated", &data), ends);
        }
    }

    #[test]
    fn user_event_yields_the_role_required_in_tokens() {
        for (metadata, role) in [
            (serde_json::json!({}), None),
            (serde_json::json!({ "stacklumen_role": "sales" }), Some("sales")),
            (serde_json::json!({ "stacklumen_role": "intern" }), Some("intern")),
            (serde_json::json!({ "stacklumen_role": ["admin"] }), Some("unknown")),
            (serde_json::json!({ "stacklumen_role": null }), None),
            (serde_json::json!({ "stacklumen_role": "null" }), Some("null")),
        ] {
            let data = serde_json::json!({ "id": "user_2hub00000001", "public_metadata": metadata });
            assert_eq!(event("user.updated", &data).unwrap().revocations[2].role.as_deref(), role, "{metadata}");
        }
    }

    #[test]
    fn unlisted_types_are_ignored_and_malformed_messages_rejected() {
        assert_eq!(event("email.created", &serde_json::json!({})).unwrap().revocations, []);
        for webhook in WEBHOOKS {
            for data in [serde_json::json!({}), serde_json::json!({ "id": 1 }), serde_json::json!({ "id": "x_1" })] {
                assert_eq!(event(webhook.event, &data), Err(InvalidEvent), "{} {data}", webhook.event);
            }
        }
        for body in [
            "",
            "{}",
            "[]",
            r#"{"type":"x y","data":{}}"#,
            r#"{"type":"a","type":"b","data":{}}"#,
            r#"{"type":"user.updated"}"#,
            r#"{"type":"user.updated","data":[]}"#,
            r#"{"type":"user.updated","data":{"id":"user_2hub00000001","id":"user_2hub00000002"}}"#,
            r#"{"type":"user.updated","data":{"id":"user_2hub00000001","banned":false,"banned":true}}"#,
            r#"{"type":"user.updated","data":{"id":"user_2hub00000001"}"#,
        ] {
            assert_eq!(parse(body.as_bytes(), NOW), Err(InvalidEvent), "{body}");
        }
    }

    #[test]
    fn future_timestamp_is_limited_to_now() {
        let body = serde_json::json!({ "type": "x", "timestamp": u64::MAX, "data": {} });
        assert_eq!(parse(body.to_string().as_bytes(), NOW).unwrap().occurred_at, "2026-11-23T20:15:00.000Z");
    }
}
