//! The columns of a table: each with its type, its readers and writers, and its class. Every list of columns by name
//! is derived from these rows when the Hub is compiled.

use super::column_class::ColumnClass;
use crate::domain::access::Audiences;

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// Its class; `hub_private.column_classes` has the same.
    pub class: ColumnClass,
    /// True for a column that may hold null.
    pub nullable: bool,
    /// True for a column that the database fills in if a new row does not name it.
    pub defaulted: bool,
    /// The only values that it may hold; empty if every value of its type is allowed.
    pub values: &'static [&'static str],
    /// The audiences that select it, filter and order by it.
    pub readers: Audiences,
    /// The audiences that name it in a new row.
    pub inserters: Audiences,
    /// The audiences that name it in a change.
    pub updaters: Audiences,
}

impl Column {
    /// Marks a column that may hold null.
    pub(super) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Marks a column with a default.
    pub(super) const fn defaulted(mut self) -> Self {
        self.defaulted = true;
        self
    }

    /// Lists the only values that it may hold.
    pub(super) const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    /// Sets the audiences that select it, filter and order by it.
    pub(super) const fn read_by(mut self, readers: Audiences) -> Self {
        self.readers = readers;
        self
    }

    /// Sets the audiences that name it in a new row.
    pub(super) const fn insert_by(mut self, inserters: Audiences) -> Self {
        self.inserters = inserters;
        self
    }

    /// Sets the audiences that name it in a change.
    pub(super) const fn update_by(mut self, updaters: Audiences) -> Self {
        self.updaters = updaters;
        self
    }
}

/// Creates a column that no audience reads or writes.
pub(super) const fn column(name: &'static str, kind: ColumnType, class: ColumnClass) -> Column {
    let no_principal = Audiences::NONE;
    Column {
        name,
        kind,
        class,
        nullable: false,
        defaulted: false,
        values: &[],
        readers: no_principal,
        inserters: no_principal,
        updaters: no_principal,
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
