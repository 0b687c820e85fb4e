//! The `select` parameter: columns and embedded tables, each one listed, none implied.

mod reader;

use crate::{
    domain::{
        access::PrincipalKind,
        tables::{ColumnType, Grant, Table},
    },
    logic::query::error::{QueryError, QueryErrorKind},
};
use reader::SelectParser;

/// The readable part of a table for one caller, and the part that the query selects.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The table.
    pub table: &'static Table,
    /// The caller's grant on it.
    pub grant: &'static Grant,
    items: Vec<SelectItem>,
}

#[derive(Clone, Debug)]
enum SelectItem {
    Column {
        alias: Option<String>,
        name: &'static str,
    },
    /// Number of rows of an embedded table; the only item of its selection.
    Count {
        alias: Option<String>,
    },
    Embed {
        alias: Option<String>,
        inner: bool,
        selection: Selection,
    },
}

impl SelectItem {
    /// Returns its name in the response, which is also the name of an embedded table in a filter.
    fn output_name(&self) -> &str {
        match self {
            Self::Column { alias, name } => alias.as_deref().unwrap_or(name),
            Self::Count { alias } => alias.as_deref().unwrap_or("count"),
            Self::Embed { alias, selection, .. } => alias.as_deref().unwrap_or(selection.table.name),
        }
    }
}

impl Selection {
    /// Creates a selection of every column that the caller may read.
    #[must_use]
    pub fn all(table: &'static Table, grant: &'static Grant) -> Self {
        let items = grant.read.iter().map(|name| SelectItem::Column { alias: None, name }).collect();
        Self { table, grant, items }
    }

    /// Parses a `select`.
    ///
    /// # Errors
    /// `SelectMalformed`, `ColumnRefused`, `EmbedRefused`.
    pub fn parse(
        text: &str,
        who: PrincipalKind,
        table: &'static Table,
        grant: &'static Grant,
    ) -> Result<Self, QueryError> {
        let mut reader = SelectParser { remaining: text, who };
        let selection = reader.selection(table, grant, 0)?;
        if reader.remaining.is_empty() { Ok(selection) } else { Err(QueryErrorKind::SelectMalformed.into()) }
    }

    /// Returns the embedded selection with this alias or table name.
    #[must_use]
    pub fn embedded(&self, called: &str) -> Option<&Self> {
        self.embeds().find(|(name, _)| *name == called).map(|(_, selection)| selection)
    }

    /// Returns every embedded selection, with its name in a filter.
    pub fn embeds(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.items.iter().filter_map(|item| match item {
            SelectItem::Embed { selection, .. } => Some((item.output_name(), selection)),
            SelectItem::Column { .. } | SelectItem::Count { .. } => None,
        })
    }

    /// Returns whether a column is selected here, under any name.
    #[must_use]
    pub fn selects(&self, column: &str) -> bool {
        self.items.iter().any(|item| matches!(item, SelectItem::Column { name, .. } if *name == column))
    }

    /// Returns whether it selects the number of rows instead of rows.
    #[must_use]
    pub fn counts(&self) -> bool {
        matches!(self.items.as_slice(), [SelectItem::Count { .. }])
    }

    /// Returns whether every embedded table is the parent of a row, joined without a condition: one row for each.
    #[must_use]
    pub fn embeds_parents_only(&self) -> bool {
        self.items.iter().all(|item| match item {
            SelectItem::Embed { inner, selection, .. } => {
                let parent = self.table.parent.is_some_and(|(_, parent)| parent == selection.table.name);
                parent && !inner && !selection.has_embeds()
            }
            SelectItem::Column { .. } | SelectItem::Count { .. } => true,
        })
    }

    /// Returns whether a sensitive column is selected, here or in an embedded table.
    #[must_use]
    pub fn selects_sensitive(&self) -> bool {
        self.items.iter().any(|item| match item {
            SelectItem::Column { name, .. } => self.table.sensitive_columns.contains(name),
            SelectItem::Count { .. } => false,
            SelectItem::Embed { selection, .. } => selection.selects_sensitive(),
        })
    }

    /// Returns whether the conversation that a row belongs to is embedded.
    #[must_use]
    pub fn shows_conversation(&self) -> bool {
        self.embeds().any(|(_, embedded)| self.table.parent.is_some_and(|(_, parent)| embedded.table.name == parent))
    }

    /// Returns whether it begins with this column, under its own name.
    #[must_use]
    pub fn starts_with(&self, column: &str) -> bool {
        matches!(self.items.first(), Some(SelectItem::Column { alias: None, name }) if *name == column)
    }

    /// Returns the columns' names in the response, in order, each with its type; an embedded table is JSON.
    #[must_use]
    pub fn columns(&self) -> Vec<(String, ColumnType)> {
        let kind = |item: &SelectItem| match item {
            SelectItem::Column { name, .. } => self.table.column(name).map_or(ColumnType::Text, |column| column.kind),
            SelectItem::Count { .. } => ColumnType::Integer,
            SelectItem::Embed { .. } => ColumnType::Json,
        };
        self.items.iter().map(|item| (item.output_name().to_owned(), kind(item))).collect()
    }

    /// Returns whether other tables are embedded.
    #[must_use]
    pub fn has_embeds(&self) -> bool {
        self.embeds().next().is_some()
    }

    /// Serializes it, every column by its name.
    pub fn write(&self, into: &mut String) {
        for (place, item) in self.items.iter().enumerate() {
            if place > 0 {
                into.push(',');
            }
            let (SelectItem::Column { alias, .. } | SelectItem::Count { alias } | SelectItem::Embed { alias, .. }) =
                item;
            if let Some(alias) = alias {
                into.push_str(alias);
                into.push(':');
            }
            match item {
                SelectItem::Column { name, .. } => into.push_str(name),
                // Of the key: `count()` counts whole rows, which requires a right to every column.
                SelectItem::Count { .. } => {
                    into.push_str(self.table.key);
                    into.push_str(".count()");
                }
                SelectItem::Embed { inner, selection, .. } => {
                    into.push_str(selection.table.name);
                    into.push_str(if *inner { "!inner(" } else { "(" });
                    selection.write(into);
                    into.push(')');
                }
            }
        }
    }
}
