//! The table catalogue: one row a table, from which the proxy, the policy and the schema test all read.

mod chats;
mod leads;
mod rejected;
mod sessions;
mod tickets;
mod trail;

use super::access::{Operation, PURPOSES, RECENT, STRICT, StaffRole, StepUp, Who};

/// A table of schema `hub`.
#[derive(Debug)]
pub struct Table {
    /// Its name, also the path segment behind `/rest/v1/`.
    pub name: &'static str,
    /// The column that names one row; an update or a delete must filter on it.
    pub key: &'static str,
    /// The column that says to which client a row belongs.
    pub owner: Option<&'static str>,
    /// The column that names the conversation a row belongs to, and the table of those.
    pub parent: Option<(&'static str, &'static str)>,
    /// The sensitive columns: staff read them with a purpose and of records they name, and each read is recorded before the data is
    /// requested.
    pub guarded: &'static [&'static str],
    /// Who reads those of records that the query does not name, and for which purposes: a list or a search is their work.
    pub lists: &'static [(Who, &'static [&'static str])],
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
    pub audited: bool,
}

/// A column and the type that its filters are checked against.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// True for a column that may hold null.
    pub nullable: bool,
    /// True for a column that the database fills in where a new row does not name it.
    pub defaulted: bool,
    /// The only values that it may hold; empty where any value of its type may stand.
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
    /// `text[]`; an argument only, never filtered on.
    Texts,
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
    /// Whether everything that fits a query may be read at once, as a file; the key must be a number or a uuid.
    pub export: bool,
    /// Operations that need fresh factors, and how fresh.
    pub step_up: &'static [(Operation, StepUp)],
}

impl Grant {
    /// Marks operations that need fresh factors.
    const fn fresh(mut self, step_up: &'static [(Operation, StepUp)]) -> Self {
        self.step_up = step_up;
        self
    }

    /// Allows exports: with fresh factors where those are marked, and of a client's own rows without.
    const fn exports(mut self) -> Self {
        self.export = true;
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

    /// Whether this audience reads guarded columns of records that it does not name, for this purpose.
    #[must_use]
    pub fn lists(&self, who: Who, purpose: &str) -> bool {
        self.lists.iter().any(|(reader, purposes)| *reader == who && purposes.contains(&purpose))
    }

    /// What this audience may do here.
    #[must_use]
    pub fn grant(&self, who: Who) -> Option<&'static Grant> {
        self.grants.iter().find(|grant| grant.who == who)
    }
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false, defaulted: false, values: &[] }
}

const fn grant(
    who: Who,
    read: &'static [&'static str],
    insert: &'static [&'static str],
    update: &'static [&'static str],
    delete: bool,
) -> Grant {
    Grant { who, read, insert, update, delete, export: false, step_up: &[] }
}

const NONE: &[&str] = &[];
/// Staff remove rows only with fresh factors, and only after Clerk was asked who they are now.
const REMOVAL: &[(Operation, StepUp)] = &[(Operation::Delete, STRICT)];
/// The trail has what every client wrote, and a file of it leaves the house.
const TRAIL: &[(Operation, StepUp)] = &[(Operation::Select, RECENT), (Operation::Export, STRICT)];
const FILES: &[(Operation, StepUp)] = &[(Operation::Export, STRICT)];
/// The trail is read along time, not by client.
const WHOLE_TRAIL: &[(Who, &[&str])] = &[(Who::Staff(StaffRole::Admin), &PURPOSES)];
const PAGE: Limit = Limit { default: 100, max: 1000 };

/// Every table that the Hub knows. A table that is not here does not exist for a client.
pub const TABLES: &[Table] = &[
    leads::LEADS,
    tickets::CONTACT_TICKETS,
    tickets::TICKET_MESSAGES,
    chats::CHAT_THREADS,
    chats::CHAT_MESSAGES,
    trail::TEAM_ACTIVITIES,
    trail::REQUEST_LOG,
    rejected::REQUEST_LOG_REJECTED,
    sessions::REVOKED_SESSIONS,
    sessions::WEBHOOK_MESSAGES,
    trail::CHECKS,
];
