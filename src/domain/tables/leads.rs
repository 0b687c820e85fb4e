//! Prospective clients of the studio.

use super::{ColumnType, DEFAULT_ROW_LIMIT, NO_COLUMNS, STEP_UP_DELETE, Table, column, grant};
use crate::domain::access::{
    PrincipalKind,
    StaffRole::{Admin, Sales, Support},
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
    sensitive_columns: &["email", "message", "notes"],
    listed_by: &[(PrincipalKind::Staff(Admin), &["sales"]), (PrincipalKind::Staff(Sales), &["sales"])],
    columns: &[
        column("id", ColumnType::Uuid).defaulted(),
        column("name", ColumnType::Text),
        column("email", ColumnType::Text),
        column("company", ColumnType::Text).nullable(),
        column("message", ColumnType::Text).defaulted(),
        column("source", ColumnType::Text).defaulted().one_of(&["contact_form", "referral", "event", "other"]),
        column("status", ColumnType::Text).defaulted().one_of(&[
            "new",
            "contacted",
            "qualified",
            "proposal",
            "won",
            "lost",
        ]),
        column("assigned_to", ColumnType::Text).nullable(),
        column("notes", ColumnType::Text).nullable(),
        column("created_at", ColumnType::Timestamp).defaulted(),
        column("updated_at", ColumnType::Timestamp).defaulted(),
        column("version", ColumnType::Integer).defaulted(),
    ],
    embeds: &[],
    grants: &[
        grant(
            PrincipalKind::Visitor,
            NO_COLUMNS,
            &["name", "email", "company", "message", "source"],
            NO_COLUMNS,
            false,
        ),
        grant(
            PrincipalKind::Staff(Admin),
            LEAD,
            &["name", "email", "company", "message", "source", "assigned_to", "notes"],
            &["name", "email", "company", "source", "status", "assigned_to", "notes"],
            true,
        )
        .with_step_up(STEP_UP_DELETE),
        grant(
            PrincipalKind::Staff(Sales),
            LEAD,
            &["name", "email", "company", "message", "source", "assigned_to", "notes"],
            &["company", "source", "status", "assigned_to", "notes"],
            false,
        ),
        grant(PrincipalKind::Staff(Support), LEAD, NO_COLUMNS, NO_COLUMNS, false),
    ],
    limit: DEFAULT_ROW_LIMIT,
    exact_count: false,
    audited: true,
};
