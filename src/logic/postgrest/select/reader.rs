//! Parser of a `select`, item by item.

use super::{Item, Selection};
use crate::{
    domain::{
        access::Who,
        tables::{Grant, Table},
    },
    logic::postgrest::{
        fault::{QueryFault, Rule},
        names,
    },
};

/// The remaining text of a `select`, and its caller.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a str,
    pub(super) who: Who,
}

impl Reader<'_> {
    /// Parses a list of items.
    ///
    /// # Errors
    /// The first violated rule.
    pub(super) fn selection(
        &mut self,
        table: &'static Table,
        grant: &'static Grant,
        depth: u8,
    ) -> Result<Selection, QueryFault> {
        let mut selection = Selection { table, grant, items: Vec::new() };
        for _ in 0..MOST_ITEMS {
            self.item(&mut selection, depth)?;
            if !self.take(',') {
                return Ok(selection);
            }
        }
        Err(Rule::ComplexityRefused.into())
    }

    fn item(&mut self, selection: &mut Selection, depth: u8) -> Result<(), QueryFault> {
        if self.take('*') {
            for item in Selection::all(selection.table, selection.grant).items {
                add(selection, item)?;
            }
            return Ok(());
        }
        let first = self.name()?;
        let (alias, name) = if self.rest.starts_with(':') && !self.rest.starts_with("::") {
            self.take(':');
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        let alias = alias.filter(|alias| *alias != name);
        if let Some(alias) = alias.as_deref().filter(|alias| !names::is_free(selection.table, alias)) {
            return Err(QueryFault::new(Rule::AliasRefused, alias));
        }
        let inner = self.hint()?;
        // The client's spelling, and the one that is written upstream.
        let counted = name == selection.table.key && self.rest.starts_with(".count()");
        if depth > 0 && !inner && (name == "count" || counted) {
            self.rest = self.rest.strip_prefix(".count").unwrap_or(self.rest);
            return self.count(selection, alias);
        }
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
            return add(selection, Item::Embed { alias, inner, selection: embedded });
        }
        if inner {
            return Err(Rule::SelectMalformed.into());
        }
        let readable = selection.grant.read.iter().find(|column| **column == name);
        let name = readable.ok_or_else(|| QueryFault::new(Rule::ColumnRefused, &name).among(selection.grant.read))?;
        // A comma or parenthesis may follow a column; a cast, a path or an aggregate may not.
        if !(self.rest.is_empty() || self.rest.starts_with([',', ')'])) {
            return Err(Rule::SelectMalformed.into());
        }
        add(selection, Item::Column { alias, name })
    }

    /// Parses `count` or `count()`, alone: beside a column it would count by group.
    fn count(&mut self, selection: &mut Selection, alias: Option<String>) -> Result<(), QueryFault> {
        let closed = !self.take('(') || self.take(')');
        if !closed || !self.rest.starts_with(')') || !selection.items.is_empty() {
            return Err(Rule::SelectMalformed.into());
        }
        add(selection, Item::Count { alias })
    }

    /// Parses `!inner` and `!left`; a hint that names a foreign key would bypass the catalogue.
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

    /// Parses a name in lower case; white space around it, as in a client's template string, is skipped.
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

/// Adds an item under a unique name. Of two embeds of one table `PostgREST` finds either by the table's name, so each
/// needs an alias; a column that occurs twice is selected once.
fn add(selection: &mut Selection, item: Item) -> Result<(), QueryFault> {
    let plain = |other: &Item| match (other, &item) {
        (Item::Column { alias: None, name: other }, Item::Column { alias: None, name }) => other == name,
        _ => false,
    };
    if selection.items.iter().any(plain) {
        return Ok(());
    }
    if let Item::Embed { alias, selection: embedded, .. } = &item {
        let unnamed = |other: &Item| match other {
            Item::Embed { alias: other, selection, .. } if selection.table.name == embedded.table.name => {
                alias.is_none() || other.is_none()
            }
            _ => false,
        };
        if selection.items.iter().any(unnamed) {
            return Err(QueryFault::new(Rule::AliasRefused, embedded.table.name));
        }
    }
    if selection.items.iter().any(|other| other.called() == item.called()) {
        return Err(QueryFault::new(Rule::AliasRefused, item.called()));
    }
    selection.items.push(item);
    Ok(())
}

const DEEPEST: u8 = 2;
const MOST_ITEMS: usize = 64;
