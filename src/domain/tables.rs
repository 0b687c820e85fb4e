//! The table catalogue: one row a table, from which the proxy, the policy and the schema test all read.

use super::access::{
    Operation, RECENT, STRICT,
    StaffRole::{Admin, Sales, Support},
    StepUp, Who,
};

/// A table of schema `hub`.
#[derive(Debug)]
pub struct Table {
    /// Its name, also the path segment behind `/rest/v1/`.
    pub name: &'static str,
    /// The column that names one row; an update or a delete must filter on it.
    pub key: &'static str,
    /// The column that says to which client a row belongs.
    #[allow(dead_code, reason = "compared with the live catalog")]
    pub owner: Option<&'static str>,
    /// The column that names the conversation a row belongs to, and the table of those.
    pub parent: Option<(&'static str, &'static str)>,
    /// What of a client's record staff read only with a purpose, and where there is an owner only of records they name.
    pub guarded: &'static [&'static str],
    /// Every column, in the order of the database.
    pub columns: &'static [Column],
    /// Which tables may be embedded in a `select` of this one.
    pub embeds: &'static [&'static str],
    /// What each audience may do; who is not listed may do nothing.
    pub grants: &'static [Grant],
    /// Rows a read returns when the client names no limit, and at most.
    pub limit: Limit,
    /// Whether `count=exact` is allowed (it scans; only for tables that stay small per owner).
    pub exact_count: bool,
    /// Whether a staff or system change writes a `team_activities` row (L-1).
    #[allow(dead_code, reason = "compared with the live catalog")]
    pub audited: bool,
}

/// A column and the type that its filters are checked against.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
}

/// A column's type, as far as the query firewall needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `boolean`.
    Boolean,
    /// `bytea`; never filtered on.
    Bytes,
    /// `bigint` or `integer`.
    Integer,
    /// `jsonb`; selected whole, never filtered on.
    Json,
    /// `text`.
    Text,
    /// `timestamptz`.
    Timestamp,
    /// `uuid`.
    Uuid,
}

/// What one audience may do with one table. An empty list or `false` is a no.
#[derive(Debug)]
pub struct Grant {
    /// Who.
    pub who: Who,
    /// Columns that may be selected, filtered and ordered by.
    pub read: &'static [&'static str],
    /// Columns that a new row may name.
    pub insert: &'static [&'static str],
    /// Columns that a change may name.
    pub update: &'static [&'static str],
    /// Whether rows may be deleted.
    pub delete: bool,
    /// Operations that need fresh factors, and how fresh.
    pub step_up: &'static [(Operation, StepUp)],
}

impl Grant {
    /// Marks operations that need fresh factors.
    const fn fresh(mut self, step_up: &'static [(Operation, StepUp)]) -> Self {
        self.step_up = step_up;
        self
    }
}

/// Bounds on the rows of one answer.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Rows when the client names no limit.
    pub default: u32,
    /// Rows at most.
    pub max: u32,
}

impl Table {
    /// The table with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// The column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// What this audience may do here.
    #[must_use]
    pub fn grant(&self, who: Who) -> Option<&'static Grant> {
        self.grants.iter().find(|grant| grant.who == who)
    }
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

const fn grant(
    who: Who,
    read: &'static [&'static str],
    insert: &'static [&'static str],
    update: &'static [&'static str],
    delete: bool,
) -> Grant {
    Grant { who, read, insert, update, delete, step_up: &[] }
}

const NONE: &[&str] = &[];
/// Staff remove rows only with fresh factors, and only after Clerk was asked who they are now.
const REMOVAL: &[(Operation, StepUp)] = &[(Operation::Delete, STRICT)];
/// The trail has what every client wrote.
const TRAIL: &[(Operation, StepUp)] = &[(Operation::Select, RECENT)];
const PAGE: Limit = Limit { default: 100, max: 1000 };

/// Every table that the Hub knows. A table that is not here does not exist for a client.
pub const TABLES: &[Table] = &[
    LEADS,
    CONTACT_TICKETS,
    TICKET_MESSAGES,
    CHAT_THREADS,
    CHAT_MESSAGES,
    TEAM_ACTIVITIES,
    REQUEST_LOG,
    REVOKED_SESSIONS,
    WEBHOOK_MESSAGES,
    CHECKS,
];

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
const LEADS: Table = Table {
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
/// What clients ask in writing.
const CONTACT_TICKETS: Table = Table {
    name: "contact_tickets",
    key: "id",
    owner: Some("owner_id"),
    parent: None,
    guarded: NONE,
    columns: &[
        column("id", Kind::Uuid),
        column("owner_id", Kind::Text),
        column("author_id", Kind::Text),
        column("kind", Kind::Text),
        column("subject", Kind::Text),
        column("status", Kind::Text),
        column("priority", Kind::Text),
        column("assigned_to", Kind::Text),
        column("created_at", Kind::Timestamp),
        column("updated_at", Kind::Timestamp),
        column("version", Kind::Integer),
        column("resolution", Kind::Text),
        column("merged_into", Kind::Uuid),
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
        ),
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
const TICKET_MESSAGES: Table = Table {
    name: "ticket_messages",
    key: "id",
    owner: Some("owner_id"),
    parent: Some(("ticket_id", "contact_tickets")),
    guarded: &["body"],
    columns: &[
        column("id", Kind::Uuid),
        column("ticket_id", Kind::Uuid),
        column("owner_id", Kind::Text),
        column("author_id", Kind::Text),
        column("author_kind", Kind::Text),
        column("body", Kind::Text),
        column("internal", Kind::Boolean),
        column("created_at", Kind::Timestamp),
        column("updated_at", Kind::Timestamp),
        column("version", Kind::Integer),
    ],
    embeds: &["contact_tickets"],
    grants: &[
        grant(
            Who::Customer,
            &["id", "ticket_id", "owner_id", "author_id", "author_kind", "body", "created_at", "updated_at", "version"],
            &["ticket_id", "body"],
            NONE,
            false,
        ),
        grant(Who::Staff(Admin), TICKET_MESSAGE, &["ticket_id", "body", "internal"], &["body", "internal"], true)
            .fresh(REMOVAL),
        grant(Who::Staff(Sales), TICKET_MESSAGE, NONE, NONE, false),
        grant(Who::Staff(Support), TICKET_MESSAGE, &["ticket_id", "body", "internal"], &["body", "internal"], false),
    ],
    limit: PAGE,
    exact_count: true,
    audited: true,
};

const CHAT_THREAD: &[&str] = &["id", "owner_id", "author_id", "topic", "status", "created_at", "updated_at", "version"];
/// A client's chat with the studio.
const CHAT_THREADS: Table = Table {
    name: "chat_threads",
    key: "id",
    owner: Some("owner_id"),
    parent: None,
    guarded: NONE,
    columns: &[
        column("id", Kind::Uuid),
        column("owner_id", Kind::Text),
        column("author_id", Kind::Text),
        column("topic", Kind::Text),
        column("status", Kind::Text),
        column("created_at", Kind::Timestamp),
        column("updated_at", Kind::Timestamp),
        column("version", Kind::Integer),
    ],
    embeds: &["chat_messages"],
    grants: &[
        grant(Who::Customer, CHAT_THREAD, &["topic"], &["topic", "status"], false),
        grant(Who::Staff(Admin), CHAT_THREAD, NONE, NONE, false),
        grant(Who::Staff(Sales), CHAT_THREAD, NONE, NONE, false),
        grant(Who::Staff(Support), CHAT_THREAD, NONE, NONE, false),
    ],
    limit: PAGE,
    exact_count: true,
    audited: true,
};

const CHAT_MESSAGE: &[&str] = &[
    "id",
    "thread_id",
    "owner_id",
    "author_id",
    "author_kind",
    "body",
    "created_at",
    "updated_at",
    "version",
    "retracted_at",
];
/// The messages of a chat.
const CHAT_MESSAGES: Table = Table {
    name: "chat_messages",
    key: "id",
    owner: Some("owner_id"),
    parent: Some(("thread_id", "chat_threads")),
    guarded: &["body"],
    columns: &[
        column("id", Kind::Uuid),
        column("thread_id", Kind::Uuid),
        column("owner_id", Kind::Text),
        column("author_id", Kind::Text),
        column("author_kind", Kind::Text),
        column("body", Kind::Text),
        column("created_at", Kind::Timestamp),
        column("updated_at", Kind::Timestamp),
        column("version", Kind::Integer),
        column("retracted_at", Kind::Timestamp),
    ],
    embeds: &["chat_threads"],
    grants: &[
        grant(Who::Customer, CHAT_MESSAGE, &["thread_id", "body"], &["body"], true),
        grant(Who::Staff(Admin), CHAT_MESSAGE, &["thread_id", "body"], &["body"], true).fresh(REMOVAL),
        grant(Who::Staff(Sales), CHAT_MESSAGE, &["thread_id", "body"], &["body"], false),
        grant(Who::Staff(Support), CHAT_MESSAGE, &["thread_id", "body"], &["body"], false),
    ],
    limit: Limit { default: 200, max: 1000 },
    exact_count: true,
    audited: true,
};

/// The trail of staff actions (L-1, L-2): written by triggers alone, append-only for everybody.
const TEAM_ACTIVITIES: Table = Table {
    name: "team_activities",
    key: "id",
    owner: None,
    parent: None,
    guarded: NONE,
    columns: &[
        column("id", Kind::Integer),
        column("occurred_at", Kind::Timestamp),
        column("actor_id", Kind::Text),
        column("actor_role", Kind::Text),
        column("session_id", Kind::Text),
        column("database_role", Kind::Text),
        column("action", Kind::Text),
        column("entity", Kind::Text),
        column("entity_id", Kind::Text),
        column("owner_id", Kind::Text),
        column("before", Kind::Json),
        column("after", Kind::Json),
        column("salt", Kind::Bytes),
        column("values_hash", Kind::Bytes),
        column("request_id", Kind::Text),
        column("erased_at", Kind::Timestamp),
        column("actor_kind", Kind::Text),
        column("actor_name", Kind::Text),
        column("reason", Kind::Text),
        column("purpose", Kind::Text),
        column("filter", Kind::Text),
        column("row_count", Kind::Integer),
        column("row_hash", Kind::Bytes),
        column("internal", Kind::Boolean),
        column("route", Kind::Text),
        column("login_role", Kind::Text),
        column("out_of_band", Kind::Boolean),
    ],
    embeds: &[],
    grants: &[grant(
        Who::Staff(Admin),
        &[
            "id",
            "occurred_at",
            "actor_id",
            "actor_role",
            "session_id",
            "database_role",
            "action",
            "entity",
            "entity_id",
            "owner_id",
            "before",
            "after",
            "salt",
            "values_hash",
            "request_id",
            "erased_at",
            "actor_kind",
            "actor_name",
            "reason",
            "purpose",
            "filter",
            "row_count",
            "row_hash",
            "internal",
            "route",
            "login_role",
            "out_of_band",
        ],
        NONE,
        NONE,
        false,
    )
    .fresh(TRAIL)],
    limit: PAGE,
    exact_count: false,
    audited: false,
};

const REQUEST_ROW: &[&str] = &[
    "id",
    "occurred_at",
    "request_id",
    "client_request_id",
    "method",
    "route",
    "who",
    "actor_id",
    "session_id",
    "owner_id",
    "impersonator_id",
    "outcome",
    "status",
    "code",
    "duration_ms",
    "upstream_ms",
    "row_count",
    "colo",
    "country",
    "token_id",
    "address_hash",
];
/// One row a request to the API (L-3).
const REQUEST_LOG: Table = Table {
    name: "request_log",
    key: "id",
    owner: None,
    parent: None,
    guarded: NONE,
    columns: &[
        column("id", Kind::Integer),
        column("occurred_at", Kind::Timestamp),
        column("request_id", Kind::Text),
        column("client_request_id", Kind::Text),
        column("method", Kind::Text),
        column("route", Kind::Text),
        column("who", Kind::Text),
        column("actor_id", Kind::Text),
        column("session_id", Kind::Text),
        column("owner_id", Kind::Text),
        column("impersonator_id", Kind::Text),
        column("outcome", Kind::Text),
        column("status", Kind::Integer),
        column("code", Kind::Text),
        column("duration_ms", Kind::Integer),
        column("upstream_ms", Kind::Integer),
        column("row_count", Kind::Integer),
        column("colo", Kind::Text),
        column("country", Kind::Text),
        column("token_id", Kind::Text),
        column("address_hash", Kind::Text),
    ],
    embeds: &[],
    grants: &[
        grant(Who::Staff(Admin), REQUEST_ROW, NONE, NONE, false),
        grant(
            Who::System,
            // `/healthz` asks for one; rows are written by a function.
            &["request_id"],
            NONE,
            NONE,
            false,
        ),
    ],
    limit: PAGE,
    exact_count: false,
    audited: false,
};

const REVOCATION: &[&str] =
    &["subject", "reason", "revoked_by", "revoked_at", "expires_at", "cause", "scope", "role", "issued_until"];
/// Sessions (`sess_…`), users (`user_…`) and organizations (`org_…`) whose tokens are refused before they run out (I-2).
const REVOKED_SESSIONS: Table = Table {
    name: "revoked_sessions",
    key: "subject",
    owner: None,
    parent: None,
    guarded: NONE,
    columns: &[
        column("subject", Kind::Text),
        column("reason", Kind::Text),
        column("revoked_by", Kind::Text),
        column("revoked_at", Kind::Timestamp),
        column("expires_at", Kind::Timestamp),
        column("cause", Kind::Text),
        column("scope", Kind::Text),
        column("role", Kind::Text),
        column("issued_until", Kind::Timestamp),
    ],
    embeds: &[],
    // Written by functions only.
    grants: &[
        grant(Who::Staff(Admin), REVOCATION, NONE, NONE, false),
        grant(Who::System, REVOCATION, NONE, NONE, false),
    ],
    limit: PAGE,
    exact_count: false,
    audited: true,
};

const WEBHOOK_MESSAGES: Table = Table {
    name: "webhook_messages",
    key: "message_id",
    owner: None,
    parent: None,
    guarded: NONE,
    columns: &[
        column("sender", Kind::Text),
        column("message_id", Kind::Text),
        column("event", Kind::Text),
        column("happened_at", Kind::Timestamp),
        column("received_at", Kind::Timestamp),
    ],
    embeds: &[],
    grants: &[grant(
        Who::Staff(Admin),
        &["sender", "message_id", "event", "happened_at", "received_at"],
        NONE,
        NONE,
        false,
    )],
    limit: PAGE,
    exact_count: false,
    audited: false,
};

const CHECK: &[&str] = &["id", "ran_at", "name", "passed", "looked_at", "findings", "took_ms"];
/// What the nightly checks found, and what retention removed (A-3, L-2).
const CHECKS: Table = Table {
    name: "checks",
    key: "id",
    owner: None,
    parent: None,
    guarded: NONE,
    columns: &[
        column("id", Kind::Integer),
        column("ran_at", Kind::Timestamp),
        column("name", Kind::Text),
        column("passed", Kind::Boolean),
        column("looked_at", Kind::Integer),
        column("findings", Kind::Json),
        column("took_ms", Kind::Integer),
    ],
    embeds: &[],
    grants: &[grant(Who::Staff(Admin), CHECK, NONE, NONE, false)],
    limit: PAGE,
    exact_count: false,
    audited: false,
};
