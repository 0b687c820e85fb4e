//! Clients' chats with the studio.

use super::{ColumnType, DEFAULT_ROW_LIMIT, NO_COLUMNS, RowLimit, STEP_UP_DELETE, Table, column, grant};
use crate::domain::access::{
    PrincipalKind,
    StaffRole::{Admin, Sales, Support},
};

const CHAT_THREAD: &[&str] = &["id", "owner_id", "author_id", "topic", "status", "created_at", "updated_at", "version"];
/// A client's chat with the studio.
pub(super) const CHAT_THREADS: Table = Table {
    name: "chat_threads",
    key: "id",
    owner: Some("owner_id"),
    parent: None,
    sensitive_columns: NO_COLUMNS,
    listed_by: &[],
    columns: &[
        column("id", ColumnType::Uuid).defaulted(),
        column("owner_id", ColumnType::Text).defaulted(),
        column("author_id", ColumnType::Text).defaulted(),
        column("topic", ColumnType::Text),
        column("status", ColumnType::Text).defaulted().one_of(&["open", "closed"]),
        column("created_at", ColumnType::Timestamp).defaulted(),
        column("updated_at", ColumnType::Timestamp).defaulted(),
        column("version", ColumnType::Integer).defaulted(),
    ],
    embeds: &["chat_messages"],
    grants: &[
        grant(PrincipalKind::Customer, CHAT_THREAD, &["topic"], &["topic", "status"], false).with_export(),
        grant(PrincipalKind::Staff(Admin), CHAT_THREAD, NO_COLUMNS, NO_COLUMNS, false),
        grant(PrincipalKind::Staff(Sales), CHAT_THREAD, NO_COLUMNS, NO_COLUMNS, false),
        grant(PrincipalKind::Staff(Support), CHAT_THREAD, NO_COLUMNS, NO_COLUMNS, false),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: true,
    audited: true,
};

const CHAT_MESSAGE: &[&str] = &[
    "id",
    "thread_id",
    "owner_id",
    "author_id",
    "author_kind",
    "body",
    "created_at",
    "updated_at",
    "version",
    "retracted_at",
];
/// The messages of a chat.
pub(super) const CHAT_MESSAGES: Table = Table {
    name: "chat_messages",
    key: "id",
    owner: Some("owner_id"),
    parent: Some(("thread_id", "chat_threads")),
    sensitive_columns: &["body"],
    listed_by: &[],
    columns: &[
        column("id", ColumnType::Uuid).defaulted(),
        column("thread_id", ColumnType::Uuid),
        column("owner_id", ColumnType::Text),
        column("author_id", ColumnType::Text).defaulted(),
        column("author_kind", ColumnType::Text).defaulted().one_of(&["customer", "staff"]),
        column("body", ColumnType::Text).nullable(),
        column("created_at", ColumnType::Timestamp).defaulted(),
        column("updated_at", ColumnType::Timestamp).defaulted(),
        column("version", ColumnType::Integer).defaulted(),
        column("retracted_at", ColumnType::Timestamp).nullable(),
    ],
    embeds: &["chat_threads"],
    grants: &[
        grant(PrincipalKind::Customer, CHAT_MESSAGE, &["thread_id", "body"], &["body"], true).with_export(),
        grant(PrincipalKind::Staff(Admin), CHAT_MESSAGE, &["thread_id", "body"], &["body"], true)
            .with_step_up(STEP_UP_DELETE),
        grant(PrincipalKind::Staff(Sales), CHAT_MESSAGE, &["thread_id", "body"], &["body"], false),
        grant(PrincipalKind::Staff(Support), CHAT_MESSAGE, &["thread_id", "body"], &["body"], false),
    ],
    limit: RowLimit { default: 200, max: 1000 },
    exact_count: true,
    audited: true,
};
