//! The table catalogue: one row per table, shared by the proxy, the policy and the schema test.

mod audit;
mod chats;
mod column;
mod column_class;
mod column_lists;
mod coverage;
mod leads;
mod rejected;
mod revocations;
mod tickets;

pub use column::{Column, ColumnType};
#[cfg_attr(deployed, expect(unused_imports, reason = "the types of a public field, named by tests"))]
pub use column_class::{ColumnClass, Erasure};

use super::access::{Operation, PrincipalKind, Purpose, REVERIFY_MODERATE, REVERIFY_STRICT, StaffRole, StepUp};
use strum::VariantArray as _;

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
    /// The columns of class `sensitive`: staff read them with a purpose and of records that they name, and each read is recorded
    /// before the data is requested.
    pub sensitive_columns: &'static [&'static str],
    /// The roles that read those of records that the query does not name, and the purposes: their work requires lists
    /// or searches.
    pub listed_by: &'static [(PrincipalKind, &'static [Purpose])],
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
    /// Allows the removal of rows.
    const fn with_delete(mut self) -> Self {
        self.delete = true;
        self
    }

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
    pub fn lists(&self, who: PrincipalKind, purpose: Purpose) -> bool {
        self.listed_by.iter().any(|(reader, purposes)| *reader == who && purposes.contains(&purpose))
    }

    /// Returns the grant of this audience.
    #[must_use]
    pub fn grant(&self, who: PrincipalKind) -> Option<&'static Grant> {
        self.grants.iter().find(|grant| grant.principal == who)
    }
}

/// Staff remove rows only with fresh factors, and only after their current role was requested from Clerk.
const STEP_UP_DELETE: &[(Operation, StepUp)] = &[(Operation::Delete, REVERIFY_STRICT)];
/// The audit log contains the writes of every client, and a file of it leaves the studio's control.
const STEP_UP_AUDIT_LOG: &[(Operation, StepUp)] =
    &[(Operation::Select, REVERIFY_MODERATE), (Operation::Export, REVERIFY_STRICT)];
const STEP_UP_EXPORT: &[(Operation, StepUp)] = &[(Operation::Export, REVERIFY_STRICT)];
/// The audit log is read by time, not by client.
const WHOLE_AUDIT_LOG: &[(PrincipalKind, &[Purpose])] = &[(PrincipalKind::Staff(StaffRole::Admin), Purpose::VARIANTS)];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::Audiences;

    /// Each rule of the classes, on every column: the audiences that a column names have a grant, and a class fits the
    /// type and the readers.
    #[test]
    fn classes_fit_types_and_audiences() {
        for table in TABLES {
            for column in table.columns {
                let name = format!("{}.{}", table.name, column.name);
                let class = column.class;
                let staff = |audiences: Audiences| {
                    StaffRole::VARIANTS.iter().any(|role| audiences.contains(PrincipalKind::Staff(*role)))
                };
                for who in PrincipalKind::all() {
                    let named = [column.readers, column.inserters, column.updaters].iter().any(|set| set.contains(who));
                    assert!(!named || table.grant(who).is_some(), "{name}: {} has no grant", who.name());
                }
                if class.customer_only {
                    let written = staff(column.inserters) || staff(column.updaters);
                    assert!(
                        !staff(column.readers) && !written,
                        "{name}: staff read or write what is for the client only"
                    );
                }
                if class.sensitive {
                    assert!(staff(column.readers), "{name}: sensitive, though no staff role reads it");
                }
                if class.free_text {
                    assert!(
                        matches!(column.kind, ColumnType::Text | ColumnType::Json),
                        "{name}: free text of another type"
                    );
                    assert!(class.is_erasable() && column.values.is_empty(), "{name}: free text that an erasure keeps");
                }
                if class.erasure == Erasure::Emptied {
                    assert!(column.nullable, "{name}: emptied, though it may not hold null");
                }
            }
            for (part, column) in
                [("key", Some(table.key)), ("owner", table.owner), ("parent", table.parent.map(|parent| parent.0))]
            {
                assert!(
                    column.is_none_or(|name| table.column(name).is_some()),
                    "{}: the {part} is no column",
                    table.name
                );
            }
        }
    }

    #[test]
    fn lists_of_names_follow_the_columns() {
        for table in TABLES {
            let named = |list: &dyn Fn(&Column) -> bool| -> Vec<&str> {
                table.columns.iter().filter(|column| list(column)).map(|column| column.name).collect()
            };
            assert_eq!(table.sensitive_columns, named(&|column| column.class.sensitive), "{}", table.name);
            for grant in table.grants {
                let who = grant.principal;
                assert_eq!(grant.read, named(&|column| column.readers.contains(who)), "{}", table.name);
                assert_eq!(grant.insert, named(&|column| column.inserters.contains(who)), "{}", table.name);
                assert_eq!(grant.update, named(&|column| column.updaters.contains(who)), "{}", table.name);
            }
        }
    }
}
