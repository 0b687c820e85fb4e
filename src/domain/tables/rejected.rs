//! Request rows that the request log rejected (L-3).

use super::{ColumnType, DEFAULT_ROW_LIMIT, NO_COLUMNS, Table, column, grant};
use crate::domain::access::{PrincipalKind, StaffRole::Admin};

const REJECTED: &[&str] = &["id", "received_at", "tried_at", "content", "code", "message", "request_id"];
/// Complete request rows that the request log rejected; an admin has them retried by a function.
pub(super) const REQUEST_LOG_REJECTED: Table = Table {
    name: "request_log_rejected",
    key: "id",
    owner: None,
    parent: None,
    sensitive_columns: NO_COLUMNS,
    listed_by: &[],
    columns: &[
        column("id", ColumnType::Text),
        column("received_at", ColumnType::Timestamp).defaulted(),
        column("tried_at", ColumnType::Timestamp).nullable(),
        column("content", ColumnType::Text),
        column("code", ColumnType::Text),
        column("message", ColumnType::Text),
        column("request_id", ColumnType::Text).nullable(),
    ],
    embeds: &[],
    grants: &[grant(PrincipalKind::Staff(Admin), REJECTED, NO_COLUMNS, NO_COLUMNS, false)],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: true,
    audited: true,
};
