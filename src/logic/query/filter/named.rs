//! The records that a query names, for the audit log (L-1).

use super::{Condition, FilterParser, Operand, Place};
use crate::domain::tables::{ColumnType, Table};
use serde::Serialize;

/// The kind of column that names the records of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// The key of a message, with which its conversation is returned.
    Conversation,
    /// Their key.
    Key,
    /// None: a list or a search.
    List,
    /// Their owner.
    Owner,
    /// The id of the request that rows of the audit log belong to.
    Request,
    /// The key of the record that rows of the audit log describe.
    Subject,
}

/// Records and the column that names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSelector {
    rank: u8,
    /// Their table.
    pub entity: &'static str,
    /// The kind of column that names them.
    pub selector: Selector,
    /// Their keys, in lower case as the database writes them, or their owners.
    pub records: Vec<String>,
}

impl FilterParser {
    /// Stores the values that name records; the most specific column has precedence.
    pub(super) fn track_selector(&mut self, table: &'static Table, name: &str, condition: &Condition) {
        let records = match (&condition.operand, condition.operator) {
            (Operand::One(value), "eq") => vec![value.clone()],
            (Operand::List(list), "in") => list.clone(),
            _ => return,
        };
        let is_audit_log = table.is_audit_log();
        let (rank, entity, selector) = match table.parent {
            _ if name == "version" => {
                self.version = records.first().filter(|_| records.len() == 1).and_then(|value| value.parse().ok());
                return;
            }
            _ if name == table.key => (0, table.name, Selector::Key),
            Some((column, parent)) if name == column => (1, parent, Selector::Key),
            _ if is_audit_log && matches!(name, "entity" | "entity_id") => {
                return self.track_subject(table, name, records);
            }
            // The database determines which clients the request's rows concern.
            _ if is_audit_log && name == "request_id" => (3, table.name, Selector::Request),
            // Rows of the audit log have no owner, but concern a client, who is more specific than the record there: its
            // history may have rows of several clients.
            _ if is_audit_log && name == "owner_id" => (1, table.name, Selector::Owner),
            _ if table.owner == Some(name) || name == "owner_id" => (2, table.name, Selector::Owner),
            _ => return,
        };
        let uuid = table.column(name).is_some_and(|column| column.kind == ColumnType::Uuid);
        let records = records.into_iter().map(|key| if uuid { key.to_ascii_lowercase() } else { key }).collect();
        self.keep(RecordSelector { rank, entity, selector, records });
    }

    /// Stores the column of a condition that the read record would not repeat, if it holds the owner of a row, or the
    /// record that an audit row is about.
    pub(super) fn note_owner_aside(&mut self, table: &'static Table, name: &str) {
        let is_audit_log = table.is_audit_log();
        let names = table.owner == Some(name) || name == "owner_id" || is_audit_log && name == "entity_id";
        self.owner_aside = table.column(name).map(|column| column.name).filter(|_| names).or(self.owner_aside);
    }

    /// Stores the key or the parent of a record if the condition selects single ones without naming them: by two
    /// ranges, by a double negation, or inside `or` or `and`, whose negations are not resolved. One range is a cursor.
    pub(super) fn note_key_aside(&mut self, table: &'static Table, name: &str, condition: &Condition, place: Place) {
        let keys = [Some((table.key, table.name)), table.parent];
        let Some((column, entity)) = keys.into_iter().flatten().find(|(column, _)| *column == name) else { return };
        let aside = match (condition.operator, condition.not) {
            ("is", _) => false,
            ("gt" | "gte" | "lt" | "lte", _) => {
                let other = self.ranges.contains(&entity);
                self.ranges.push(entity);
                other
            }
            ("eq" | "in", false) => place != Place::Top,
            ("eq" | "in", true) | ("neq" | "isdistinct", false) => place == Place::Tree,
            _ => true,
        };
        self.key_aside = self.key_aside.or(Some(column).filter(|_| aside));
    }

    /// Stores the keys that name the history of records; their table alone names only their kind.
    fn track_subject(&mut self, table: &'static Table, name: &str, records: Vec<String>) {
        let (entity, keys) = &mut self.subject;
        match (name, records.as_slice()) {
            // Conditions on one column hold together: they name the records that are in both.
            ("entity_id", _) => match keys {
                Some(keys) if keys.iter().any(|key| records.contains(key)) => keys.retain(|key| records.contains(key)),
                Some(_) => {}
                None => *keys = Some(records),
            },
            (_, [one]) => *entity = Table::by_name(one).map(|table| table.name),
            _ => {}
        }
        if let (entity, Some(records)) = self.subject.clone() {
            let entity = entity.unwrap_or(table.name);
            self.named = self.named.take().filter(|named| named.selector != Selector::Subject);
            self.keep(RecordSelector { rank: 2, entity, selector: Selector::Subject, records });
        }
    }

    fn keep(&mut self, named: RecordSelector) {
        match &mut self.named {
            // Conditions on one column hold together: they name the records that are in both
            // (<https://docs.postgrest.org/en/v12/references/api/tables_views.html#horizontal-filtering>).
            Some(other) if (other.rank, other.entity) == (named.rank, named.entity) => {
                let common = |record: &String| named.records.contains(record);
                if other.records.iter().any(common) {
                    other.records.retain(common);
                }
            }
            Some(other) if other.rank < named.rank => {}
            _ => self.named = Some(named),
        }
    }
}
