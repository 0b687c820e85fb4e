//! Request rows that the request log rejected (L-3).

use super::{
    DEFAULT_ROW_LIMIT, Table,
    column::{Column, ColumnType, column},
    column_class::{FREE_TEXT, KEPT},
    column_lists::{ADMIN, ColumnList, grant, names},
};
use crate::domain::access::{PrincipalKind, StaffRole::Admin};

const REQUEST_LOG_REJECTED_COLUMNS: &[Column] = &[
    column("id", ColumnType::Text, KEPT).read_by(ADMIN),
    column("received_at", ColumnType::Timestamp, KEPT).defaulted().read_by(ADMIN),
    column("tried_at", ColumnType::Timestamp, KEPT).nullable().read_by(ADMIN),
    column("content", ColumnType::Text, FREE_TEXT).read_by(ADMIN),
    column("code", ColumnType::Text, KEPT).read_by(ADMIN),
    column("message", ColumnType::Text, FREE_TEXT).read_by(ADMIN),
    column("request_id", ColumnType::Text, KEPT).nullable().read_by(ADMIN),
];
/// Complete request rows that the request log rejected; an admin has them retried by a function.
pub(super) const REQUEST_LOG_REJECTED: Table = Table {
    name: "request_log_rejected",
    key: "id",
    owner: None,
    parent: None,
    sensitive_columns: names!(REQUEST_LOG_REJECTED_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: REQUEST_LOG_REJECTED_COLUMNS,
    embeds: &[],
    grants: &[grant!(REQUEST_LOG_REJECTED_COLUMNS, PrincipalKind::Staff(Admin))],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: true,
    audited: true,
};
