//! Clients' written requests, and their conversations.

use super::{Kind, NONE, PAGE, REMOVAL, Table, column, grant};
use crate::domain::access::{
    StaffRole::{Admin, Sales, Support},
    Who,
};

const TICKET: &[&str] = &[
    "id",
    "owner_id",
    "author_id",
    "kind",
    "subject",
    "status",
    "priority",
    "assigned_to",
    "created_at",
    "updated_at",
    "version",
    "resolution",
    "merged_into",
];
/// Clients' written requests.
pub(super) const CONTACT_TICKETS: Table = Table {
    name: "contact_tickets",
    key: "id",
    owner: Some("owner_id"),
    parent: None,
    guarded: NONE,
    lists: &[],
    columns: &[
        column("id", Kind::Uuid).defaulted(),
        column("owner_id", Kind::Text).defaulted(),
        column("author_id", Kind::Text).defaulted(),
        column("kind", Kind::Text).defaulted().one_of(&["support", "billing", "security", "procurement", "other"]),
        column("subject", Kind::Text),
        column("status", Kind::Text).defaulted().one_of(&["open", "pending", "solved", "closed"]),
        column("priority", Kind::Text).defaulted().one_of(&["low", "normal", "high", "urgent"]),
        column("assigned_to", Kind::Text).nullable(),
        column("created_at", Kind::Timestamp).defaulted(),
        column("updated_at", Kind::Timestamp).defaulted(),
        column("version", Kind::Integer).defaulted(),
        column("resolution", Kind::Text).nullable(),
        column("merged_into", Kind::Uuid).nullable(),
    ],
    embeds: &["ticket_messages"],
    grants: &[
        grant(
            Who::Customer,
            &[
                "id",
                "owner_id",
                "author_id",
                "kind",
                "subject",
                "status",
                "priority",
                "created_at",
                "updated_at",
                "version",
                "resolution",
                "merged_into",
            ],
            &["kind", "subject"],
            &["subject", "status"],
            false,
        )
        .exports(),
        grant(
            Who::Staff(Admin),
            TICKET,
            &["owner_id", "kind", "subject", "priority", "assigned_to"],
            &["kind", "subject", "status", "priority", "assigned_to", "resolution"],
            true,
        )
        .fresh(REMOVAL),
        grant(Who::Staff(Sales), TICKET, NONE, NONE, false),
        grant(
            Who::Staff(Support),
            TICKET,
            &["owner_id", "kind", "subject", "priority", "assigned_to"],
            &["kind", "status", "priority", "assigned_to", "resolution"],
            false,
        ),
    ],
    limit: PAGE,
    exact_count: true,
    audited: true,
};

const TICKET_MESSAGE: &[&str] = &[
    "id",
    "ticket_id",
    "owner_id",
    "author_id",
    "author_kind",
    "body",
    "internal",
    "created_at",
    "updated_at",
    "version",
];
/// The conversation of a ticket; `internal` notes are for staff only.
pub(super) const TICKET_MESSAGES: Table = Table {
    name: "ticket_messages",
    key: "id",
    owner: Some("owner_id"),
    parent: Some(("ticket_id", "contact_tickets")),
    guarded: &["body"],
    lists: &[],
    columns: &[
        column("id", Kind::Uuid).defaulted(),
        column("ticket_id", Kind::Uuid),
        column("owner_id", Kind::Text),
        column("author_id", Kind::Text).defaulted(),
        column("author_kind", Kind::Text).defaulted().one_of(&["customer", "staff"]),
        column("body", Kind::Text),
        column("internal", Kind::Boolean).defaulted(),
        column("created_at", Kind::Timestamp).defaulted(),
        column("updated_at", Kind::Timestamp).defaulted(),
        column("version", Kind::Integer).defaulted(),
    ],
    embeds: &["contact_tickets"],
    grants: &[
        grant(
            Who::Customer,
            &["id", "ticket_id", "owner_id", "author_id", "author_kind", "body", "created_at", "updated_at", "version"],
            &["ticket_id", "body"],
            NONE,
            false,
        )
        .exports(),
        grant(Who::Staff(Admin), TICKET_MESSAGE, &["ticket_id", "body", "internal"], &["body", "internal"], true)
            .fresh(REMOVAL),
        grant(Who::Staff(Sales), TICKET_MESSAGE, NONE, NONE, false),
        grant(Who::Staff(Support), TICKET_MESSAGE, &["ticket_id", "body", "internal"], &["body", "internal"], false),
    ],
    limit: PAGE,
    exact_count: true,
    audited: true,
};
