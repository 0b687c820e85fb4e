//! Prospective clients of the studio.

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
/// Prospective clients of the studio. They have no account, so no owner.
pub(super) const LEADS: Table = Table {
    name: "leads",
    key: "id",
    owner: None,
    parent: None,
    guarded: &["email", "message", "notes"],
    lists: &[(Who::Staff(Admin), &["sales"]), (Who::Staff(Sales), &["sales"])],
    columns: &[
        column("id", Kind::Uuid).defaulted(),
        column("name", Kind::Text),
        column("email", Kind::Text),
        column("company", Kind::Text).nullable(),
        column("message", Kind::Text).defaulted(),
        column("source", Kind::Text).defaulted().one_of(&["contact_form", "referral", "event", "other"]),
        column("status", Kind::Text).defaulted().one_of(&["new", "contacted", "qualified", "proposal", "won", "lost"]),
        column("assigned_to", Kind::Text).nullable(),
        column("notes", Kind::Text).nullable(),
        column("created_at", Kind::Timestamp).defaulted(),
        column("updated_at", Kind::Timestamp).defaulted(),
        column("version", Kind::Integer).defaulted(),
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
