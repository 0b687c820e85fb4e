//! People who ask about the studio's work.

use super::{Kind, NONE, PAGE, REMOVAL, Table, column, grant};
use crate::domain::access::{
    StaffRole::{Admin, Sales, Support},
    Who,
};

const LEAD: &[&str] = &[
    "id",
    "name",
    "email",
    "company",
    "message",
    "source",
    "status",
    "assigned_to",
    "notes",
    "created_at",
    "updated_at",
    "version",
];
/// People who asked about the studio's work. They have no account, so no owner.
pub(super) const LEADS: Table = Table {
    name: "leads",
    key: "id",
    owner: None,
    parent: None,
    guarded: &["email", "message", "notes"],
    columns: &[
        column("id", Kind::Uuid),
        column("name", Kind::Text),
        column("email", Kind::Text),
        column("company", Kind::Text),
        column("message", Kind::Text),
        column("source", Kind::Text),
        column("status", Kind::Text),
        column("assigned_to", Kind::Text),
        column("notes", Kind::Text),
        column("created_at", Kind::Timestamp),
        column("updated_at", Kind::Timestamp),
        column("version", Kind::Integer),
    ],
    embeds: &[],
    grants: &[
        grant(Who::Visitor, NONE, &["name", "email", "company", "message", "source"], NONE, false),
        grant(
            Who::Staff(Admin),
            LEAD,
            &["name", "email", "company", "message", "source", "assigned_to", "notes"],
            &["name", "email", "company", "source", "status", "assigned_to", "notes"],
            true,
        )
        .fresh(REMOVAL),
        grant(
            Who::Staff(Sales),
            LEAD,
            &["name", "email", "company", "message", "source", "assigned_to", "notes"],
            &["company", "source", "status", "assigned_to", "notes"],
            false,
        ),
        grant(Who::Staff(Support), LEAD, NONE, NONE, false),
    ],
    limit: PAGE,
    exact_count: false,
    audited: true,
};
