//! Prospective clients of the studio.

use super::{
    DEFAULT_ROW_LIMIT, STEP_UP_DELETE, Table,
    column::{Column, ColumnType, column},
    column_class::{FREE_TEXT, KEPT, USER_ID},
    column_lists::{ADMIN, ColumnList, SALES, STAFF, VISITOR, grant, names},
};
use crate::domain::access::{
    PrincipalKind, Purpose,
    StaffRole::{Admin, Sales, Support},
};

const LEADS_COLUMNS: &[Column] = &[
    column("id", ColumnType::Uuid, KEPT).defaulted().read_by(STAFF),
    column("name", ColumnType::Text, FREE_TEXT)
        .read_by(STAFF)
        .insert_by(VISITOR.and(ADMIN).and(SALES))
        .update_by(ADMIN),
    column("email", ColumnType::Text, FREE_TEXT.sensitive())
        .read_by(STAFF)
        .insert_by(VISITOR.and(ADMIN).and(SALES))
        .update_by(ADMIN),
    column("company", ColumnType::Text, FREE_TEXT)
        .nullable()
        .read_by(STAFF)
        .insert_by(VISITOR.and(ADMIN).and(SALES))
        .update_by(ADMIN.and(SALES)),
    column("message", ColumnType::Text, FREE_TEXT.sensitive())
        .defaulted()
        .read_by(STAFF)
        .insert_by(VISITOR.and(ADMIN).and(SALES)),
    column("source", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["contact_form", "referral", "event", "other"])
        .read_by(STAFF)
        .insert_by(VISITOR.and(ADMIN).and(SALES))
        .update_by(ADMIN.and(SALES)),
    column("status", ColumnType::Text, KEPT)
        .defaulted()
        .one_of(&["new", "contacted", "qualified", "proposal", "won", "lost"])
        .read_by(STAFF)
        .update_by(ADMIN.and(SALES)),
    column("assigned_to", ColumnType::Text, USER_ID)
        .nullable()
        .read_by(STAFF)
        .insert_by(ADMIN.and(SALES))
        .update_by(ADMIN.and(SALES)),
    column("notes", ColumnType::Text, FREE_TEXT.sensitive())
        .nullable()
        .read_by(STAFF)
        .insert_by(ADMIN.and(SALES))
        .update_by(ADMIN.and(SALES)),
    column("created_at", ColumnType::Timestamp, KEPT).defaulted().read_by(STAFF),
    column("updated_at", ColumnType::Timestamp, KEPT).defaulted().read_by(STAFF),
    column("version", ColumnType::Integer, KEPT).defaulted().read_by(STAFF),
];
/// Prospective clients of the studio. They have no account, so no owner.
pub(super) const LEADS: Table = Table {
    name: "leads",
    key: "id",
    owner: None,
    parent: None,
    sensitive_columns: names!(LEADS_COLUMNS, ColumnList::Sensitive),
    listed_by: &[(PrincipalKind::Staff(Admin), &[Purpose::Sales]), (PrincipalKind::Staff(Sales), &[Purpose::Sales])],
    columns: LEADS_COLUMNS,
    embeds: &[],
    grants: &[
        grant!(LEADS_COLUMNS, PrincipalKind::Visitor),
        grant!(LEADS_COLUMNS, PrincipalKind::Staff(Admin)).with_delete().with_step_up(STEP_UP_DELETE),
        grant!(LEADS_COLUMNS, PrincipalKind::Staff(Sales)),
        grant!(LEADS_COLUMNS, PrincipalKind::Staff(Support)),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: true,
};
