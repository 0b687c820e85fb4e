//! The table catalogue: one row per table, shared by the proxy, the policy and the schema test.

mod audit;
mod chats;
mod leads;
mod rejected;
mod revocations;
mod tickets;

use super::access::{Operation, PURPOSES, PrincipalKind, REVERIFY_MODERATE, REVERIFY_STRICT, StaffRole, StepUp};

/// A table of schema `hub`.
#[derive(Debug)]
pub struct Table {
    /// Its name, also the path segment after `/rest/v1/`.
    pub name: &'static str,
    /// The column that identifies one row; an update or a delete must filter on it.
    pub key: &'static str,
    /// The column that contains the owner of a row.
    pub owner: Option<&'static str>,
    /// The column that contains the conversation of a row, and the table of those.
    pub parent: Option<(&'static str, &'static str)>,
    /// The sensitive columns: staff read them with a purpose and of records that they name, and each read is recorded
    /// before the data is requested.
    pub sensitive_columns: &'static [&'static str],
    /// The roles that read those of records that the query does not name, and the purposes: their work requires lists
    /// or searches.
    pub listed_by: &'static [(PrincipalKind, &'static [&'static str])],
    /// Every column, in the order of the database.
    pub columns: &'static [Column],
    /// The tables that may be embedded in a `select` of this one.
    pub embeds: &'static [&'static str],
    /// The rights of each audience; an audience that is not listed has none.
    pub grants: &'static [Grant],
    /// Number of rows that a read returns: the default without a client's limit, and the maximum.
    pub limit: RowLimit,
    /// True if `count=exact` is allowed (it scans; only for tables that stay small per owner).
    pub exact_count: bool,
    /// True if a staff or system change writes a `team_activities` row (L-1).
    pub audited: bool,
}

/// A column and the type that its filters are checked against.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// True for a column that may hold null.
    pub nullable: bool,
    /// True for a column that the database fills in if a new row does not name it.
    pub defaulted: bool,
    /// The only values that it may hold; empty if every value of its type is allowed.
    pub values: &'static [&'static str],
}

impl Column {
    /// Marks a column that may hold null.
    const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Marks a column with a default.
    const fn defaulted(mut self) -> Self {
        self.defaulted = true;
        self
    }

    /// Lists the only values that it may hold.
    const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }
}

/// A column's type, as far as the query firewall needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
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
    /// `text[]`; an argument only, never filtered on.
    Texts,
    /// `timestamptz`.
    Timestamp,
    /// `uuid`.
    Uuid,
}

/// The rights of one audience on one table. An empty list or `false` grants nothing.
#[derive(Debug)]
pub struct Grant {
    /// The audience.
    pub principal: PrincipalKind,
    /// Columns that may be selected, filtered and ordered by.
    pub read: &'static [&'static str],
    /// Columns that a new row may name.
    pub insert: &'static [&'static str],
    /// Columns that a change may name.
    pub update: &'static [&'static str],
    /// True if rows may be deleted.
    pub delete: bool,
    /// True if all rows of a query may be read at once, as a file; the key must be a number or a uuid.
    pub export: bool,
    /// Operations that need fresh factors, and the required freshness.
    pub step_up: &'static [(Operation, StepUp)],
}

impl Grant {
    /// Marks operations that need fresh factors.
    const fn with_step_up(mut self, step_up: &'static [(Operation, StepUp)]) -> Self {
        self.step_up = step_up;
        self
    }

    /// Allows exports: with fresh factors where those are marked, and of a client's own rows without.
    const fn with_export(mut self) -> Self {
        self.export = true;
        self
    }
}

/// Limits on the rows of one response.
#[derive(Clone, Copy, Debug)]
pub struct RowLimit {
    /// Number of rows without a client's limit.
    pub default: u32,
    /// Maximum number of rows.
    pub max: u32,
}

impl Table {
    /// Returns the table with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// Returns whether its rows are those of the audit log, which are about clients' records.
    #[must_use]
    pub fn is_audit_log(&self) -> bool {
        self.name == "team_activities"
    }

    /// Returns whether each read of its rows by staff is recorded (L-1).
    #[must_use]
    pub fn has_recorded_reads(&self) -> bool {
        self.audited || self.is_audit_log()
    }

    /// Returns the column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Returns whether this audience reads sensitive columns of records that it does not name, for this purpose.
    #[must_use]
    pub fn lists(&self, who: PrincipalKind, purpose: &str) -> bool {
        self.listed_by.iter().any(|(reader, purposes)| *reader == who && purposes.contains(&purpose))
    }

    /// Returns the grant of this audience.
    #[must_use]
    pub fn grant(&self, who: PrincipalKind) -> Option<&'static Grant> {
        self.grants.iter().find(|grant| grant.principal == who)
    }
}

const fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind, nullable: false, defaulted: false, values: &[] }
}

const fn grant(
    who: PrincipalKind,
    read: &'static [&'static str],
    insert: &'static [&'static str],
    update: &'static [&'static str],
    delete: bool,
) -> Grant {
    Grant { principal: who, read, insert, update, delete, export: false, step_up: &[] }
}

const NO_COLUMNS: &[&str] = &[];
/// Staff remove rows only with fresh factors, and only after their current role was requested from Clerk.
const STEP_UP_DELETE: &[(Operation, StepUp)] = &[(Operation::Delete, REVERIFY_STRICT)];
/// The audit log contains the writes of every client, and a file of it leaves the studio's control.
const STEP_UP_AUDIT_LOG: &[(Operation, StepUp)] =
    &[(Operation::Select, REVERIFY_MODERATE), (Operation::Export, REVERIFY_STRICT)];
const STEP_UP_EXPORT: &[(Operation, StepUp)] = &[(Operation::Export, REVERIFY_STRICT)];
/// The audit log is read by time, not by client.
const WHOLE_AUDIT_LOG: &[(PrincipalKind, &[&str])] = &[(PrincipalKind::Staff(StaffRole::Admin), &PURPOSES)];
const DEFAULT_ROW_LIMIT: RowLimit = RowLimit { default: 100, max: 1000 };

/// Every table of the API. Any other table does not exist for a client.
pub const TABLES: &[Table] = &[
    leads::LEADS,
    tickets::CONTACT_TICKETS,
    tickets::TICKET_MESSAGES,
    chats::CHAT_THREADS,
    chats::CHAT_MESSAGES,
    audit::TEAM_ACTIVITIES,
    audit::REQUEST_LOG,
    rejected::REQUEST_LOG_REJECTED,
    revocations::REVOKED_SESSIONS,
    revocations::WEBHOOK_MESSAGES,
    audit::CHECKS,
];
