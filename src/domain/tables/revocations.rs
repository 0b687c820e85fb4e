//! Revoked sessions, and the messages that revoked them (I-2).

use super::{
    DEFAULT_ROW_LIMIT, Table,
    column::{Column, ColumnType, column},
    column_class::{FREE_TEXT, KEPT, USER_ID},
    column_lists::{ADMIN, ColumnList, SYSTEM, grant, names},
};
use crate::domain::access::{PrincipalKind, StaffRole::Admin};

const REVOKED_SESSIONS_COLUMNS: &[Column] = &[
    column("subject", ColumnType::Text, USER_ID).read_by(ADMIN.and(SYSTEM)),
    column("reason", ColumnType::Text, FREE_TEXT).read_by(ADMIN.and(SYSTEM)),
    column("revoked_by", ColumnType::Text, USER_ID).defaulted().read_by(ADMIN.and(SYSTEM)),
    column("revoked_at", ColumnType::Timestamp, KEPT).defaulted().read_by(ADMIN.and(SYSTEM)),
    column("expires_at", ColumnType::Timestamp, KEPT).read_by(ADMIN.and(SYSTEM)),
    column("cause", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["banned", "deleted", "ended", "leaked", "locked", "membership", "role", "staff"])
        .read_by(ADMIN.and(SYSTEM)),
    column("scope", ColumnType::Text, USER_ID).defaulted().read_by(ADMIN.and(SYSTEM)),
    column("role", ColumnType::Text, KEPT).nullable().read_by(ADMIN.and(SYSTEM)),
    column("issued_until", ColumnType::Timestamp, KEPT).nullable().read_by(ADMIN.and(SYSTEM)),
];
/// Sessions (`sess_…`), users (`user_…`) and organizations (`org_…`) whose tokens are rejected before they expire
/// (I-2).
pub(super) const REVOKED_SESSIONS: Table = Table {
    name: "revoked_sessions",
    key: "subject",
    owner: None,
    parent: None,
    sensitive_columns: names!(REVOKED_SESSIONS_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: REVOKED_SESSIONS_COLUMNS,
    embeds: &[],
    // Written by functions only.
    grants: &[
        grant!(REVOKED_SESSIONS_COLUMNS, PrincipalKind::Staff(Admin)),
        grant!(REVOKED_SESSIONS_COLUMNS, PrincipalKind::System),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: true,
};

const WEBHOOK_MESSAGES_COLUMNS: &[Column] = &[
    column("sender", ColumnType::Text, KEPT).read_by(ADMIN),
    column("message_id", ColumnType::Text, FREE_TEXT).read_by(ADMIN),
    column("event", ColumnType::Text, KEPT).read_by(ADMIN),
    column("happened_at", ColumnType::Timestamp, KEPT).read_by(ADMIN),
    column("received_at", ColumnType::Timestamp, KEPT).defaulted().read_by(ADMIN),
];
pub(super) const WEBHOOK_MESSAGES: Table = Table {
    name: "webhook_messages",
    key: "message_id",
    owner: None,
    parent: None,
    sensitive_columns: names!(WEBHOOK_MESSAGES_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: WEBHOOK_MESSAGES_COLUMNS,
    embeds: &[],
    grants: &[grant!(WEBHOOK_MESSAGES_COLUMNS, PrincipalKind::Staff(Admin))],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: false,
};
