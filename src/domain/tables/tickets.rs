//! Clients' written requests, and their conversations.

use super::{
    DEFAULT_ROW_LIMIT, STEP_UP_DELETE, Table,
    column::{Column, ColumnType, column},
    column_class::{FREE_TEXT, KEPT, USER_ID},
    column_lists::{ADMIN, CUSTOMER, CUSTOMER_AND_STAFF, ColumnList, STAFF, SUPPORT, grant, names},
};
use crate::domain::access::{
    PrincipalKind,
    StaffRole::{Admin, Sales, Support},
};

const CONTACT_TICKETS_COLUMNS: &[Column] = &[
    column("id", ColumnType::Uuid, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("owner_id", ColumnType::Text, USER_ID).defaulted().read_by(CUSTOMER_AND_STAFF).insert_by(ADMIN.and(SUPPORT)),
    column("author_id", ColumnType::Text, USER_ID).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("kind", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["support", "billing", "security", "procurement", "other"])
        .read_by(CUSTOMER_AND_STAFF)
        .insert_by(CUSTOMER.and(ADMIN).and(SUPPORT))
        .update_by(ADMIN.and(SUPPORT)),
    column("subject", ColumnType::Text, FREE_TEXT)
        .read_by(CUSTOMER_AND_STAFF)
        .insert_by(CUSTOMER.and(ADMIN).and(SUPPORT))
        .update_by(CUSTOMER.and(ADMIN)),
    column("status", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["open", "pending", "solved", "closed"])
        .read_by(CUSTOMER_AND_STAFF)
        .update_by(CUSTOMER.and(ADMIN).and(SUPPORT)),
    column("priority", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["low", "normal", "high", "urgent"])
        .read_by(CUSTOMER_AND_STAFF)
        .insert_by(ADMIN.and(SUPPORT))
        .update_by(ADMIN.and(SUPPORT)),
    column("assigned_to", ColumnType::Text, USER_ID)
        .nullable()
        .read_by(STAFF)
        .insert_by(ADMIN.and(SUPPORT))
        .update_by(ADMIN.and(SUPPORT)),
    column("created_at", ColumnType::Timestamp, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("updated_at", ColumnType::Timestamp, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("version", ColumnType::Integer, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("resolution", ColumnType::Text, FREE_TEXT)
        .nullable()
        .read_by(CUSTOMER_AND_STAFF)
        .update_by(ADMIN.and(SUPPORT)),
    column("merged_into", ColumnType::Uuid, KEPT).nullable().read_by(CUSTOMER_AND_STAFF),
];
/// Clients' written requests.
pub(super) const CONTACT_TICKETS: Table = Table {
    name: "contact_tickets",
    key: "id",
    owner: Some("owner_id"),
    parent: None,
    sensitive_columns: names!(CONTACT_TICKETS_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: CONTACT_TICKETS_COLUMNS,
    embeds: &["ticket_messages"],
    grants: &[
        grant!(CONTACT_TICKETS_COLUMNS, PrincipalKind::Customer).with_export(),
        grant!(CONTACT_TICKETS_COLUMNS, PrincipalKind::Staff(Admin)).with_delete().with_step_up(STEP_UP_DELETE),
        grant!(CONTACT_TICKETS_COLUMNS, PrincipalKind::Staff(Sales)),
        grant!(CONTACT_TICKETS_COLUMNS, PrincipalKind::Staff(Support)),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: true,
    audited: true,
};

const TICKET_MESSAGES_COLUMNS: &[Column] = &[
    column("id", ColumnType::Uuid, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("ticket_id", ColumnType::Uuid, KEPT).read_by(CUSTOMER_AND_STAFF).insert_by(CUSTOMER.and(ADMIN).and(SUPPORT)),
    column("owner_id", ColumnType::Text, USER_ID).read_by(CUSTOMER_AND_STAFF),
    column("author_id", ColumnType::Text, USER_ID).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("author_kind", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["customer", "staff"])
        .read_by(CUSTOMER_AND_STAFF),
    column("body", ColumnType::Text, FREE_TEXT.sensitive())
        .read_by(CUSTOMER_AND_STAFF)
        .insert_by(CUSTOMER.and(ADMIN).and(SUPPORT))
        .update_by(ADMIN.and(SUPPORT)),
    column("internal", ColumnType::Boolean, KEPT)
        .defaulted()
        .read_by(STAFF)
        .insert_by(ADMIN.and(SUPPORT))
        .update_by(ADMIN.and(SUPPORT)),
    column("created_at", ColumnType::Timestamp, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("updated_at", ColumnType::Timestamp, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
    column("version", ColumnType::Integer, KEPT).defaulted().read_by(CUSTOMER_AND_STAFF),
];
/// The conversation of a ticket; `internal` notes are for staff only.
pub(super) const TICKET_MESSAGES: Table = Table {
    name: "ticket_messages",
    key: "id",
    owner: Some("owner_id"),
    parent: Some(("ticket_id", "contact_tickets")),
    sensitive_columns: names!(TICKET_MESSAGES_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: TICKET_MESSAGES_COLUMNS,
    embeds: &["contact_tickets"],
    grants: &[
        grant!(TICKET_MESSAGES_COLUMNS, PrincipalKind::Customer).with_export(),
        grant!(TICKET_MESSAGES_COLUMNS, PrincipalKind::Staff(Admin)).with_delete().with_step_up(STEP_UP_DELETE),
        grant!(TICKET_MESSAGES_COLUMNS, PrincipalKind::Staff(Sales)),
        grant!(TICKET_MESSAGES_COLUMNS, PrincipalKind::Staff(Support)),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: true,
    audited: true,
};
