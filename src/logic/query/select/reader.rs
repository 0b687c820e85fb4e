//! Parser of a `select`, item by item.

use super::{SelectItem, Selection};
use crate::{
    domain::{
        access::PrincipalKind,
        tables::{Grant, Table},
    },
    logic::query::{
        error::{QueryError, QueryErrorKind},
        names,
    },
};

/// The remaining text of a `select`, and its caller.
pub(super) struct SelectParser<'a> {
    pub(super) remaining: &'a str,
    pub(super) who: PrincipalKind,
}

impl SelectParser<'_> {
    /// Parses a list of items.
    ///
    /// # Errors
    /// The first violated rule.
    pub(super) fn selection(
        &mut self,
        table: &'static Table,
        grant: &'static Grant,
        depth: u8,
    ) -> Result<Selection, QueryError> {
        let mut selection = Selection { table, grant, items: Vec::new() };
        for _ in 0..MAX_ITEMS {
            self.item(&mut selection, depth)?;
            if !self.take(',') {
                return Ok(selection);
            }
        }
        Err(QueryErrorKind::ComplexityRefused.into())
    }

    fn item(&mut self, selection: &mut Selection, depth: u8) -> Result<(), QueryError> {
        if self.take('*') {
            for item in Selection::all(selection.table, selection.grant).items {
                add(selection, item)?;
            }
            return Ok(());
        }
        let first = self.name()?;
        let (alias, name) = if self.remaining.starts_with(':') && !self.remaining.starts_with("::") {
            self.take(':');
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        let alias = alias.filter(|alias| *alias != name);
        if let Some(alias) = alias.as_deref().filter(|alias| !names::is_free(selection.table, alias)) {
            return Err(QueryError::new(QueryErrorKind::AliasRefused, alias));
        }
        let inner = self.hint()?;
        // The client's spelling, and the one that is written upstream.
        let counted = name == selection.table.key && self.remaining.starts_with(".count()");
        if depth > 0 && !inner && (name == "count" || counted) {
            self.remaining = self.remaining.strip_prefix(".count").unwrap_or(self.remaining);
            return self.count(selection, alias);
        }
        if self.take('(') {
            if self.remaining.starts_with(')') || selection.grant.read.contains(&name.as_str()) {
                // `count()`, or an aggregate of a column.
                return Err(QueryErrorKind::SelectMalformed.into());
            }
            let (table, grant) = self.embeddable(selection.table, &name, depth)?;
            let embedded = self.selection(table, grant, depth + 1)?;
            if !self.take(')') {
                return Err(QueryErrorKind::SelectMalformed.into());
            }
            return add(selection, SelectItem::Embed { alias, inner, selection: embedded });
        }
        if inner {
            return Err(QueryErrorKind::SelectMalformed.into());
        }
        let readable = selection.grant.read.iter().find(|column| **column == name);
        let name = readable
            .ok_or_else(|| QueryError::new(QueryErrorKind::ColumnRefused, &name).with_allowed(selection.grant.read))?;
        // A comma or parenthesis may follow a column; a cast, a path or an aggregate may not.
        if !(self.remaining.is_empty() || self.remaining.starts_with([',', ')'])) {
            return Err(QueryErrorKind::SelectMalformed.into());
        }
        add(selection, SelectItem::Column { alias, name })
    }

    /// Parses `count` or `count()`, alone: beside a column it would count by group.
    fn count(&mut self, selection: &mut Selection, alias: Option<String>) -> Result<(), QueryError> {
        let closed = !self.take('(') || self.take(')');
        if !closed || !self.remaining.starts_with(')') || !selection.items.is_empty() {
            return Err(QueryErrorKind::SelectMalformed.into());
        }
        add(selection, SelectItem::Count { alias })
    }

    /// Parses `!inner` and `!left`; a hint that names a foreign key would bypass the catalogue.
    fn hint(&mut self) -> Result<bool, QueryError> {
        if !self.take('!') {
            return Ok(false);
        }
        match self.name()?.as_str() {
            "inner" => Ok(true),
            "left" => Ok(false),
            _ => Err(QueryErrorKind::SelectMalformed.into()),
        }
    }

    fn embeddable(&self, from: &Table, name: &str, depth: u8) -> Result<(&'static Table, &'static Grant), QueryError> {
        let refused = || QueryError::new(QueryErrorKind::EmbedRefused, name);
        if depth >= MAX_DEPTH || !from.embeds.contains(&name) {
            return Err(refused());
        }
        let table = Table::by_name(name).ok_or_else(refused)?;
        let grant = table.grant(self.who).filter(|grant| !grant.read.is_empty()).ok_or_else(refused)?;
        Ok((table, grant))
    }

    /// Parses a name in lower case; white space around it, as in a client's template string, is skipped.
    fn name(&mut self) -> Result<String, QueryError> {
        self.remaining = self.remaining.trim_start();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let end = self.remaining.find(|letter| !plain(letter)).unwrap_or(self.remaining.len());
        let (name, rest) = self.remaining.split_at_checked(end).ok_or(QueryErrorKind::SelectMalformed)?;
        if name.is_empty() || name.len() > 63 {
            return Err(QueryErrorKind::SelectMalformed.into());
        }
        let name = name.to_owned();
        self.remaining = rest.trim_start();
        Ok(name)
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.remaining.trim_start().strip_prefix(wanted) {
            Some(rest) => {
                self.remaining = rest.trim_start();
                true
            }
            None => false,
        }
    }
}

/// Adds an item under a unique name. Of two embeds of one table `PostgREST` finds either by the table's name, so each
/// needs an alias; a column that occurs twice is selected once.
fn add(selection: &mut Selection, item: SelectItem) -> Result<(), QueryError> {
    let plain = |other: &SelectItem| {
        matches!(
            (other, &item),
            (SelectItem::Column { alias: None, name: other }, SelectItem::Column { alias: None, name }) if other == name
        )
    };
    if selection.items.iter().any(plain) {
        return Ok(());
    }
    if let SelectItem::Embed { alias, selection: embedded, .. } = &item {
        let unnamed = |other: &SelectItem| {
            matches!(
                other,
                SelectItem::Embed { alias: other, selection, .. }
                    if selection.table.name == embedded.table.name && (alias.is_none() || other.is_none())
            )
        };
        if selection.items.iter().any(unnamed) {
            return Err(QueryError::new(QueryErrorKind::AliasRefused, embedded.table.name));
        }
    }
    if selection.items.iter().any(|other| other.output_name() == item.output_name()) {
        return Err(QueryError::new(QueryErrorKind::AliasRefused, item.output_name()));
    }
    selection.items.push(item);
    Ok(())
}

const MAX_DEPTH: u8 = 2;
const MAX_ITEMS: usize = 64;
