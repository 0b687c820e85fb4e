//! Clients' written requests, and their conversations.

use super::{ColumnType, DEFAULT_ROW_LIMIT, NO_COLUMNS, STEP_UP_DELETE, Table, column, grant};
use crate::domain::access::{
    PrincipalKind,
    StaffRole::{Admin, Sales, Support},
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
    sensitive_columns: NO_COLUMNS,
    listed_by: &[],
    columns: &[
        column("id", ColumnType::Uuid).defaulted(),
        column("owner_id", ColumnType::Text).defaulted(),
        column("author_id", ColumnType::Text).defaulted(),
        column("kind", ColumnType::Text).defaulted().one_of(&[
            "support",
            "billing",
            "security",
            "procurement",
            "other",
        ]),
        column("subject", ColumnType::Text),
        column("status", ColumnType::Text).defaulted().one_of(&["open", "pending", "solved", "closed"]),
        column("priority", ColumnType::Text).defaulted().one_of(&["low", "normal", "high", "urgent"]),
        column("assigned_to", ColumnType::Text).nullable(),
        column("created_at", ColumnType::Timestamp).defaulted(),
        column("updated_at", ColumnType::Timestamp).defaulted(),
        column("version", ColumnType::Integer).defaulted(),
        column("resolution", ColumnType::Text).nullable(),
        column("merged_into", ColumnType::Uuid).nullable(),
    ],
    embeds: &["ticket_messages"],
    grants: &[
        grant(
            PrincipalKind::Customer,
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
        .with_export(),
        grant(
            PrincipalKind::Staff(Admin),
            TICKET,
            &["owner_id", "kind", "subject", "priority", "assigned_to"],
            &["kind", "subject", "status", "priority", "assigned_to", "resolution"],
            true,
        )
        .with_step_up(STEP_UP_DELETE),
        grant(PrincipalKind::Staff(Sales), TICKET, NO_COLUMNS, NO_COLUMNS, false),
        grant(
            PrincipalKind::Staff(Support),
            TICKET,
            &["owner_id", "kind", "subject", "priority", "assigned_to"],
            &["kind", "status", "priority", "assigned_to", "resolution"],
            false,
        ),
    ],
    limit: DEFAULT_ROW_LIMIT,
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
    sensitive_columns: &["body"],
    listed_by: &[],
    columns: &[
        column("id", ColumnType::Uuid).defaulted(),
        column("ticket_id", ColumnType::Uuid),
        column("owner_id", ColumnType::Text),
        column("author_id", ColumnType::Text).defaulted(),
        column("author_kind", ColumnType::Text).defaulted().one_of(&["customer", "staff"]),
        column("body", ColumnType::Text),
        column("internal", ColumnType::Boolean).defaulted(),
        column("created_at", ColumnType::Timestamp).defaulted(),
        column("updated_at", ColumnType::Timestamp).defaulted(),
        column("version", ColumnType::Integer).defaulted(),
    ],
    embeds: &["contact_tickets"],
    grants: &[
        grant(
            PrincipalKind::Customer,
            &["id", "ticket_id", "owner_id", "author_id", "author_kind", "body", "created_at", "updated_at", "version"],
            &["ticket_id", "body"],
            NO_COLUMNS,
            false,
        )
        .with_export(),
        grant(
            PrincipalKind::Staff(Admin),
            TICKET_MESSAGE,
            &["ticket_id", "body", "internal"],
            &["body", "internal"],
            true,
        )
        .with_step_up(STEP_UP_DELETE),
        grant(PrincipalKind::Staff(Sales), TICKET_MESSAGE, NO_COLUMNS, NO_COLUMNS, false),
        grant(
            PrincipalKind::Staff(Support),
            TICKET_MESSAGE,
            &["ticket_id", "body", "internal"],
            &["body", "internal"],
            false,
        ),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: true,
    audited: true,
};
