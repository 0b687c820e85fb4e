//! Revoked sessions, and the messages that revoked them (I-2).

use super::{Kind, NONE, PAGE, Table, column, grant};
use crate::domain::access::{StaffRole::Admin, Who};

const REVOCATION: &[&str] =
    &["subject", "reason", "revoked_by", "revoked_at", "expires_at", "cause", "scope", "role", "issued_until"];
/// Sessions (`sess_…`), users (`user_…`) and organizations (`org_…`) whose tokens are rejected before they expire
/// (I-2).
pub(super) const REVOKED_SESSIONS: Table = Table {
    name: "revoked_sessions",
    key: "subject",
    owner: None,
    parent: None,
    guarded: NONE,
    lists: &[],
    columns: &[
        column("subject", Kind::Text),
        column("reason", Kind::Text),
        column("revoked_by", Kind::Text).defaulted(),
        column("revoked_at", Kind::Timestamp).defaulted(),
        column("expires_at", Kind::Timestamp),
        column("cause", Kind::Text).defaulted().one_of(&[
            "banned",
            "deleted",
            "ended",
            "leaked",
            "locked",
            "membership",
            "role",
            "staff",
        ]),
        column("scope", Kind::Text).defaulted(),
        column("role", Kind::Text).nullable(),
        column("issued_until", Kind::Timestamp).nullable(),
    ],
    embeds: &[],
    // Written by functions only.
    grants: &[
        grant(Who::Staff(Admin), REVOCATION, NONE, NONE, false),
        grant(Who::System, REVOCATION, NONE, NONE, false),
    ],
    limit: PAGE,
    exact_count: false,
    audited: true,
};

pub(super) const WEBHOOK_MESSAGES: Table = Table {
    name: "webhook_messages",
    key: "message_id",
    owner: None,
    parent: None,
    guarded: NONE,
    lists: &[],
    columns: &[
        column("sender", Kind::Text),
        column("message_id", Kind::Text),
        column("event", Kind::Text),
        column("happened_at", Kind::Timestamp),
        column("received_at", Kind::Timestamp).defaulted(),
    ],
    embeds: &[],
    grants: &[grant(
        Who::Staff(Admin),
        &["sender", "message_id", "event", "happened_at", "received_at"],
        NONE,
        NONE,
        false,
    )],
    limit: PAGE,
    exact_count: false,
    audited: false,
};
