//! Clients' chats with the studio.

use super::{
    DEFAULT_ROW_LIMIT, RowLimit, STEP_UP_DELETE, Table,
    column::{Column, ColumnType, column},
    column_class::{FREE_TEXT, KEPT, USER_ID},
    column_lists::{CUSTOMER, CUSTOMER_AND_STAFF, ColumnList, grant, names},
};
use crate::domain::access::{
    PrincipalKind,
    StaffRole::{Admin, Sales, Support},
};

const CHAT_THREADS_COLUMNS: &[Column] = &[
    column("id", ColumnType::Uuid, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("owner_id", ColumnType::Text, USER_ID).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("author_id", ColumnType::Text, USER_ID).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("topic", ColumnType::Text, FREE_TEXT).read_by(CUSTOMER_AND_STAFF).insert_by(CUSTOMER).update_by(CUSTOMER),
    column("status", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["open", "closed"])
        .read_by(CUSTOMER_AND_STAFF)
        .update_by(CUSTOMER),
    column("created_at", ColumnType::Timestamp, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("updated_at", ColumnType::Timestamp, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("version", ColumnType::Integer, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
];
/// A client's chat with the studio.
pub(super) const CHAT_THREADS: Table = Table {
    name: "chat_threads",
    key: "id",
    owner: Some("owner_id"),
    parent: None,
    sensitive_columns: names!(CHAT_THREADS_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: CHAT_THREADS_COLUMNS,
    embeds: &["chat_messages"],
    grants: &[
        grant!(CHAT_THREADS_COLUMNS, PrincipalKind::Customer).with_export(),
        grant!(CHAT_THREADS_COLUMNS, PrincipalKind::Staff(Admin)),
        grant!(CHAT_THREADS_COLUMNS, PrincipalKind::Staff(Sales)),
        grant!(CHAT_THREADS_COLUMNS, PrincipalKind::Staff(Support)),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: true,
    audited: true,
};

const CHAT_MESSAGES_COLUMNS: &[Column] = &[
    column("id", ColumnType::Uuid, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("thread_id", ColumnType::Uuid, KEPT).read_by(CUSTOMER_AND_STAFF).insert_by(CUSTOMER_AND_STAFF),
    column("owner_id", ColumnType::Text, USER_ID).read_by(CUSTOMER_AND_STAFF),
    column("author_id", ColumnType::Text, USER_ID).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("author_kind", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["customer", "staff"])
        .read_by(CUSTOMER_AND_STAFF),
    column("body", ColumnType::Text, FREE_TEXT.sensitive())
        .nullable()
        .read_by(CUSTOMER_AND_STAFF)
        .insert_by(CUSTOMER_AND_STAFF)
        .update_by(CUSTOMER_AND_STAFF),
    column("created_at", ColumnType::Timestamp, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("updated_at", ColumnType::Timestamp, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("version", ColumnType::Integer, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("retracted_at", ColumnType::Timestamp, KEPT).nullable().read_by(CUSTOMER_AND_STAFF),
];
/// The messages of a chat.
pub(super) const CHAT_MESSAGES: Table = Table {
    name: "chat_messages",
    key: "id",
    owner: Some("owner_id"),
    parent: Some(("thread_id", "chat_threads")),
    sensitive_columns: names!(CHAT_MESSAGES_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: CHAT_MESSAGES_COLUMNS,
    embeds: &["chat_threads"],
    grants: &[
        grant!(CHAT_MESSAGES_COLUMNS, PrincipalKind::Customer).with_delete().with_export(),
        grant!(CHAT_MESSAGES_COLUMNS, PrincipalKind::Staff(Admin)).with_delete().with_step_up(STEP_UP_DELETE),
        grant!(CHAT_MESSAGES_COLUMNS, PrincipalKind::Staff(Sales)),
        grant!(CHAT_MESSAGES_COLUMNS, PrincipalKind::Staff(Support)),
    ],
    limit: RowLimit { default: 200, max: 1000 },
    exact_count: true,
    audited: true,
};
