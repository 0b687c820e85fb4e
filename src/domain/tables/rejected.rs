//! Request rows that the request log rejected (L-3).

use super::{Kind, NONE, PAGE, Table, column, grant};
use crate::domain::access::{StaffRole::Admin, Who};

const REJECTED: &[&str] = &["id", "received_at", "tried_at", "content", "code", "message", "request_id"];
/// Complete request rows that the request log rejected; an admin has them retried by a function.
pub(super) const REQUEST_LOG_REJECTED: Table = Table {
    name: "request_log_rejected",
    key: "id",
    owner: None,
    parent: None,
    guarded: NONE,
    lists: &[],
    columns: &[
        column("id", Kind::Text),
        column("received_at", Kind::Timestamp).defaulted(),
        column("tried_at", Kind::Timestamp).nullable(),
        column("content", Kind::Text),
        column("code", Kind::Text),
        column("message", Kind::Text),
        column("request_id", Kind::Text).nullable(),
    ],
    embeds: &[],
    grants: &[grant(Who::Staff(Admin), REJECTED, NONE, NONE, false)],
    limit: PAGE,
    exact_count: true,
    audited: true,
};
