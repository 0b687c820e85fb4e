//! Revoked sessions, and the messages that revoked them (I-2).

use super::{ColumnType, DEFAULT_ROW_LIMIT, NO_COLUMNS, Table, column, grant};
use crate::domain::access::{PrincipalKind, StaffRole::Admin};

const REVOCATION: &[&str] =
    &["subject", "reason", "revoked_by", "revoked_at", "expires_at", "cause", "scope", "role", "issued_until"];
/// Sessions (`sess_…`), users (`user_…`) and organizations (`org_…`) whose tokens are rejected before they expire
/// (I-2).
pub(super) const REVOKED_SESSIONS: Table = Table {
    name: "revoked_sessions",
    key: "subject",
    owner: None,
    parent: None,
    sensitive_columns: NO_COLUMNS,
    listed_by: &[],
    columns: &[
        column("subject", ColumnType::Text),
        column("reason", ColumnType::Text),
        column("revoked_by", ColumnType::Text).defaulted(),
        column("revoked_at", ColumnType::Timestamp).defaulted(),
        column("expires_at", ColumnType::Timestamp),
        column("cause", ColumnType::Text).defaulted().one_of(&[
            "banned",
            "deleted",
            "ended",
            "leaked",
            "locked",
            "membership",
            "role",
            "staff",
        ]),
        column("scope", ColumnType::Text).defaulted(),
        column("role", ColumnType::Text).nullable(),
        column("issued_until", ColumnType::Timestamp).nullable(),
    ],
    embeds: &[],
    // Written by functions only.
    grants: &[
        grant(PrincipalKind::Staff(Admin), REVOCATION, NO_COLUMNS, NO_COLUMNS, false),
        grant(PrincipalKind::System, REVOCATION, NO_COLUMNS, NO_COLUMNS, false),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: true,
};

pub(super) const WEBHOOK_MESSAGES: Table = Table {
    name: "webhook_messages",
    key: "message_id",
    owner: None,
    parent: None,
    sensitive_columns: NO_COLUMNS,
    listed_by: &[],
    columns: &[
        column("sender", ColumnType::Text),
        column("message_id", ColumnType::Text),
        column("event", ColumnType::Text),
        column("happened_at", ColumnType::Timestamp),
        column("received_at", ColumnType::Timestamp).defaulted(),
    ],
    embeds: &[],
    grants: &[grant(
        PrincipalKind::Staff(Admin),
        &["sender", "message_id", "event", "happened_at", "received_at"],
        NO_COLUMNS,
        NO_COLUMNS,
        false,
    )],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: false,
};
