//! The audit log, the request log and the check results (L-1, L-2, L-3).

use super::{
    DEFAULT_ROW_LIMIT, STEP_UP_AUDIT_LOG, STEP_UP_EXPORT, Table, WHOLE_AUDIT_LOG,
    column::{Column, ColumnType, column},
    column_class::{FREE_TEXT, HASH, KEPT, LOGGED_TEXT, USER_ID, USER_NAME},
    column_lists::{ADMIN, ColumnList, SYSTEM, grant, names},
};
use crate::domain::access::{PrincipalKind, StaffRole::Admin};

const TEAM_ACTIVITIES_COLUMNS: &[Column] = &[
    column("id", ColumnType::Integer, KEPT).defaulted().read_by(ADMIN),
    column("occurred_at", ColumnType::Timestamp, KEPT).defaulted().read_by(ADMIN),
    column("actor_id", ColumnType::Text, USER_ID).read_by(ADMIN),
    column("actor_role", ColumnType::Text, KEPT).read_by(ADMIN),
    column("session_id", ColumnType::Text, USER_ID).nullable().read_by(ADMIN),
    column("database_role", ColumnType::Text, KEPT).read_by(ADMIN),
    column("action", ColumnType::Text, KEPT).read_by(ADMIN),
    column("entity", ColumnType::Text, KEPT).read_by(ADMIN),
    column("entity_id", ColumnType::Text, USER_ID).read_by(ADMIN),
    column("owner_id", ColumnType::Text, USER_ID).nullable().read_by(ADMIN),
    column("before", ColumnType::Json, LOGGED_TEXT.sensitive()).nullable().read_by(ADMIN),
    column("after", ColumnType::Json, LOGGED_TEXT.sensitive()).nullable().read_by(ADMIN),
    column("salt", ColumnType::Bytes, HASH.sensitive()).nullable().read_by(ADMIN),
    column("values_hash", ColumnType::Bytes, KEPT).read_by(ADMIN),
    column("request_id", ColumnType::Text, KEPT).nullable().read_by(ADMIN),
    column("erased_at", ColumnType::Timestamp, KEPT).nullable().read_by(ADMIN),
    column("actor_kind", ColumnType::Text, KEPT).read_by(ADMIN),
    column("actor_name", ColumnType::Text, USER_NAME).nullable().read_by(ADMIN),
    column("reason", ColumnType::Text, LOGGED_TEXT).nullable().read_by(ADMIN),
    column("purpose", ColumnType::Text, KEPT).nullable().read_by(ADMIN),
    column("filter", ColumnType::Text, LOGGED_TEXT).nullable().read_by(ADMIN),
    column("row_count", ColumnType::Integer, KEPT).nullable().read_by(ADMIN),
    column("row_hash", ColumnType::Bytes, HASH).nullable().read_by(ADMIN),
    column("internal", ColumnType::Boolean, KEPT).defaulted().read_by(ADMIN),
    column("route", ColumnType::Text, KEPT).nullable().read_by(ADMIN),
    column("login_role", ColumnType::Text, KEPT).defaulted().read_by(ADMIN),
    column("out_of_band", ColumnType::Boolean, KEPT).defaulted().read_by(ADMIN),
];
/// The audit log of staff actions (L-1, L-2): written by triggers alone, append-only for every role.
pub(super) const TEAM_ACTIVITIES: Table = Table {
    name: "team_activities",
    key: "id",
    owner: None,
    parent: None,
    // With the salt, a guess of the other two can be compared with the hash.
    sensitive_columns: names!(TEAM_ACTIVITIES_COLUMNS, ColumnList::Sensitive),
    listed_by: WHOLE_AUDIT_LOG,
    columns: TEAM_ACTIVITIES_COLUMNS,
    embeds: &[],
    grants: &[grant!(TEAM_ACTIVITIES_COLUMNS, PrincipalKind::Staff(Admin))
        .with_step_up(STEP_UP_AUDIT_LOG)
        .with_export()],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: false,
};

const REQUEST_LOG_COLUMNS: &[Column] = &[
    column("id", ColumnType::Integer, KEPT).defaulted().read_by(ADMIN),
    column("occurred_at", ColumnType::Timestamp, KEPT).defaulted().read_by(ADMIN),
    column("request_id", ColumnType::Text, KEPT).read_by(ADMIN.and(SYSTEM)),
    column("client_request_id", ColumnType::Text, LOGGED_TEXT).nullable().read_by(ADMIN),
    column("method", ColumnType::Text, KEPT).read_by(ADMIN),
    column("route", ColumnType::Text, KEPT).read_by(ADMIN),
    column("who", ColumnType::Text, KEPT).read_by(ADMIN),
    column("actor_id", ColumnType::Text, USER_ID).nullable().read_by(ADMIN),
    column("session_id", ColumnType::Text, USER_ID).nullable().read_by(ADMIN),
    column("owner_id", ColumnType::Text, USER_ID).nullable().read_by(ADMIN),
    column("impersonator_id", ColumnType::Text, USER_ID).nullable().read_by(ADMIN),
    column("outcome", ColumnType::Text, KEPT).one_of(&["allowed", "refused", "failed"]).read_by(ADMIN),
    column("status", ColumnType::Integer, KEPT).nullable().read_by(ADMIN),
    column("code", ColumnType::Text, KEPT).nullable().read_by(ADMIN),
    column("duration_ms", ColumnType::Integer, KEPT).nullable().read_by(ADMIN),
    column("upstream_ms", ColumnType::Integer, KEPT).nullable().read_by(ADMIN),
    column("row_count", ColumnType::Integer, KEPT).nullable().read_by(ADMIN),
    column("colo", ColumnType::Text, KEPT).nullable().read_by(ADMIN),
    column("country", ColumnType::Text, KEPT).nullable().read_by(ADMIN),
    column("token_id", ColumnType::Text, LOGGED_TEXT).nullable().read_by(ADMIN),
    column("address_hash", ColumnType::Text, HASH).nullable().read_by(ADMIN),
];
/// The request log: one row per request to the API (L-3).
pub(super) const REQUEST_LOG: Table = Table {
    name: "request_log",
    key: "id",
    owner: None,
    parent: None,
    sensitive_columns: names!(REQUEST_LOG_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: REQUEST_LOG_COLUMNS,
    embeds: &[],
    grants: &[
        grant!(REQUEST_LOG_COLUMNS, PrincipalKind::Staff(Admin)).with_step_up(STEP_UP_EXPORT).with_export(),
        grant!(REQUEST_LOG_COLUMNS, PrincipalKind::System),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: false,
};

const CHECKS_COLUMNS: &[Column] = &[
    column("id", ColumnType::Integer, KEPT).defaulted().read_by(ADMIN),
    column("ran_at", ColumnType::Timestamp, KEPT).defaulted().read_by(ADMIN),
    column("name", ColumnType::Text, KEPT).one_of(&["catalog", "drift", "out_of_band", "retention"]).read_by(ADMIN),
    column("passed", ColumnType::Boolean, KEPT).read_by(ADMIN),
    column("looked_at", ColumnType::Integer, KEPT).read_by(ADMIN),
    column("findings", ColumnType::Json, FREE_TEXT).defaulted().read_by(ADMIN),
    column("took_ms", ColumnType::Integer, KEPT).read_by(ADMIN),
];
/// Results of the nightly checks and of retention (A-3, L-2).
pub(super) const CHECKS: Table = Table {
    name: "checks",
    key: "id",
    owner: None,
    parent: None,
    sensitive_columns: names!(CHECKS_COLUMNS, ColumnList::Sensitive),
    listed_by: &[],
    columns: CHECKS_COLUMNS,
    embeds: &[],
    grants: &[grant!(CHECKS_COLUMNS, PrincipalKind::Staff(Admin))],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: false,
};
