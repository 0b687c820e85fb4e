//! The `select` parameter: which columns and embedded tables, each one listed, none implied.

use super::fault::{QueryFault, Rule};
use crate::domain::{
    access::Who,
    tables::{Grant, Table},
};

/// What one caller may read of a table, and what the query takes of it.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The table.
    pub table: &'static Table,
    /// What the caller may do with it.
    pub grant: &'static Grant,
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
enum Item {
    Column { alias: Option<String>, name: &'static str },
    Embed { alias: Option<String>, inner: bool, selection: Selection },
}

impl Selection {
    /// Every column that the caller may read.
    #[must_use]
    pub fn all(table: &'static Table, grant: &'static Grant) -> Self {
        let items = grant.read.iter().map(|name| Item::Column { alias: None, name }).collect();
        Self { table, grant, items }
    }

    /// Reads a `select`.
    ///
    /// # Errors
    /// `SelectMalformed`, `ColumnRefused`, `EmbedRefused`.
    pub fn parse(text: &str, who: Who, table: &'static Table, grant: &'static Grant) -> Result<Self, QueryFault> {
        let mut reader = Reader { rest: text, who };
        let selection = reader.selection(table, grant, 0)?;
        if reader.rest.is_empty() { Ok(selection) } else { Err(Rule::SelectMalformed.into()) }
    }

    /// The embedded selection that a filter calls by this alias or table name.
    #[must_use]
    pub fn embedded(&self, called: &str) -> Option<&Self> {
        self.embeds().find(|(name, _)| *name == called).map(|(_, selection)| selection)
    }

    /// Every embedded selection, by what a filter calls it.
    pub fn embeds(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.items.iter().filter_map(|item| match item {
            Item::Embed { alias, selection, .. } => Some((alias.as_deref().unwrap_or(selection.table.name), selection)),
            Item::Column { .. } => None,
        })
    }

    /// Whether a guarded column is taken, here or in an embedded table.
    #[must_use]
    pub fn takes_guarded(&self) -> bool {
        self.items.iter().any(|item| match item {
            Item::Column { name, .. } => self.table.guarded.contains(name),
            Item::Embed { selection, .. } => selection.takes_guarded(),
        })
    }

    /// Whether it begins with this column, under its own name.
    #[must_use]
    pub fn begins_with(&self, column: &str) -> bool {
        matches!(self.items.first(), Some(Item::Column { alias: None, name }) if *name == column)
    }

    /// What the columns are called in the answer, as a header line has them.
    #[must_use]
    pub fn names(&self) -> String {
        let name = |item: &Item| match item {
            Item::Column { alias, name } => alias.clone().unwrap_or_else(|| (*name).to_owned()),
            Item::Embed { alias, selection, .. } => alias.clone().unwrap_or_else(|| selection.table.name.to_owned()),
        };
        self.items.iter().map(name).collect::<Vec<_>>().join(",")
    }

    /// Whether other tables are embedded.
    #[must_use]
    pub fn has_embeds(&self) -> bool {
        self.embeds().next().is_some()
    }

    /// Writes it anew, every column by its name.
    pub fn write(&self, into: &mut String) {
        for (place, item) in self.items.iter().enumerate() {
            if place > 0 {
                into.push(',');
            }
            let (Item::Column { alias, .. } | Item::Embed { alias, .. }) = item;
            if let Some(alias) = alias {
                into.push_str(alias);
                into.push(':');
            }
            match item {
                Item::Column { name, .. } => into.push_str(name),
                Item::Embed { inner, selection, .. } => {
                    into.push_str(selection.table.name);
                    into.push_str(if *inner { "!inner(" } else { "(" });
                    selection.write(into);
                    into.push(')');
                }
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    who: Who,
}

impl Reader<'_> {
    fn selection(&mut self, table: &'static Table, grant: &'static Grant, depth: u8) -> Result<Selection, QueryFault> {
        let mut selection = Selection { table, grant, items: Vec::new() };
        loop {
            self.item(&mut selection, depth)?;
            if selection.items.len() > MOST_ITEMS {
                return Err(Rule::ComplexityRefused.into());
            }
            if !self.take(',') {
                return Ok(selection);
            }
        }
    }

    fn item(&mut self, selection: &mut Selection, depth: u8) -> Result<(), QueryFault> {
        if self.take('*') {
            selection.items.extend(Selection::all(selection.table, selection.grant).items);
            return Ok(());
        }
        let first = self.name()?;
        let (alias, name) = if self.rest.starts_with(':') && !self.rest.starts_with("::") {
            self.take(':');
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        let inner = self.hint()?;
        if self.take('(') {
            if self.rest.starts_with(')') || selection.grant.read.contains(&name.as_str()) {
                // `count()`, or an aggregate of a column.
                return Err(Rule::SelectMalformed.into());
            }
            let (table, grant) = self.embeddable(selection.table, &name, depth)?;
            let embedded = self.selection(table, grant, depth + 1)?;
            if !self.take(')') {
                return Err(Rule::SelectMalformed.into());
            }
            if selection.embedded(alias.as_deref().unwrap_or(table.name)).is_some() {
                return Err(QueryFault::new(Rule::EmbedRefused, &name));
            }
            selection.items.push(Item::Embed { alias, inner, selection: embedded });
            return Ok(());
        }
        if inner {
            return Err(Rule::SelectMalformed.into());
        }
        let readable = selection.grant.read.iter().find(|column| **column == name);
        let name = readable.ok_or_else(|| QueryFault::new(Rule::ColumnRefused, &name))?;
        // What may follow a column ends it; a cast, a path or an aggregate does not.
        if !(self.rest.is_empty() || self.rest.starts_with([',', ')'])) {
            return Err(Rule::SelectMalformed.into());
        }
        selection.items.push(Item::Column { alias, name });
        Ok(())
    }

    /// `!inner` and `!left`; a hint that names a foreign key would choose a way round the catalogue.
    fn hint(&mut self) -> Result<bool, QueryFault> {
        if !self.take('!') {
            return Ok(false);
        }
        match self.name()?.as_str() {
            "inner" => Ok(true),
            "left" => Ok(false),
            _ => Err(Rule::SelectMalformed.into()),
        }
    }

    fn embeddable(&self, from: &Table, name: &str, depth: u8) -> Result<(&'static Table, &'static Grant), QueryFault> {
        let refused = || QueryFault::new(Rule::EmbedRefused, name);
        if depth >= DEEPEST || !from.embeds.contains(&name) {
            return Err(refused());
        }
        let table = Table::named(name).ok_or_else(refused)?;
        let grant = table.grant(self.who).filter(|grant| !grant.read.is_empty()).ok_or_else(refused)?;
        Ok((table, grant))
    }

    /// A name in lower case; white space around it, as a client's template string has it, is passed over.
    fn name(&mut self) -> Result<String, QueryFault> {
        self.rest = self.rest.trim_start();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let end = self.rest.find(|letter| !plain(letter)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).ok_or(Rule::SelectMalformed)?;
        if name.is_empty() || name.len() > 63 {
            return Err(Rule::SelectMalformed.into());
        }
        let name = name.to_owned();
        self.rest = rest.trim_start();
        Ok(name)
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.rest.trim_start().strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }
}

const DEEPEST: u8 = 2;
const MOST_ITEMS: usize = 64;
