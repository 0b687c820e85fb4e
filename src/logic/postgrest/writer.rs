//! Rewriting of a client's query, part by part, each checked against the catalogue before it is written.

mod call;

use super::{
    body::{self, Body},
    encoding,
    export::Export,
    fault::{QueryFault, Rule},
    filter::Filters,
    order::order,
    prefer::Preferences,
    select::Selection,
};
use crate::{
    domain::{
        access::Operation,
        tables::{Grant, Table},
    },
    logic::policy::{Permit, Resource},
};

/// The query written so far, and its properties.
pub struct Writer<'a> {
    pub(super) permit: &'a Permit,
    pub(super) preferences: Preferences,
    pub(super) written: String,
    seen: Vec<String>,
    pub(super) filters: Filters,
    /// True if the response shows guarded columns, or depends on their values.
    pub(super) guarded: bool,
    /// True if other tables are embedded.
    pub(super) embeds: bool,
    /// True if the response shows the conversation that a message belongs to.
    pub(super) conversation: bool,
    /// The export, if one was requested.
    pub(super) export: Option<Export>,
    /// The arguments of a function in the query, as the body that is sent upstream.
    pub(super) arguments: Option<String>,
}

impl<'a> Writer<'a> {
    /// Creates an empty writer.
    #[must_use]
    pub fn new(permit: &'a Permit, preferences: Preferences) -> Self {
        Self {
            permit,
            preferences,
            written: String::new(),
            seen: Vec::new(),
            filters: Filters::default(),
            guarded: false,
            embeds: false,
            conversation: false,
            export: None,
            arguments: None,
        }
    }

    /// Returns the query that is sent upstream.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.written
    }

    /// Returns a change's table and maximum number of rows for the database's own limit: `PostgREST` 12 has none.
    #[must_use]
    pub fn max_affected(&self) -> Option<String> {
        match (self.permit.resource(), self.permit.operation()) {
            (Resource::Table(table, _), Operation::Delete | Operation::Update) => {
                self.preferences.max_affected.map(|most| format!("{}={most}", table.name))
            }
            _ => None,
        }
    }

    /// Writes a request for a table; returns the expected form of its body.
    ///
    /// # Errors
    /// The first violated rule.
    pub fn table(
        &mut self,
        table: &'static Table,
        grant: &'static Grant,
        parameters: &[(String, String)],
    ) -> Result<Body, QueryFault> {
        let operation = self.permit.operation();
        let selection = self.select(table, grant, parameters)?;
        // PostgREST does not limit an embed of a change, so only the one parent row of a changed row is returned.
        let returned = operation != Operation::Export && self.preferences.returns == Some("representation");
        let embeds = operation == Operation::Select || (returned && selection.embeds_parents_only());
        if selection.has_embeds() && !embeds {
            return Err(Rule::EmbedRefused.into());
        }
        let (mut columns, mut export) = (None, Export::of(table));
        for (name, value) in parameters.iter().filter(|(name, _)| name != "select") {
            match (operation, name.as_str()) {
                (Operation::Insert, "columns") => {
                    self.once(name)?;
                    columns = Some(body::columns(value, grant.insert)?);
                }
                (_, "on_conflict") => return Err(Rule::UpsertRefused.into()),
                (Operation::Insert, _) => return Err(QueryFault::new(Rule::ParameterRefused, name)),
                (Operation::Delete | Operation::Update, "limit" | "offset" | "order") => {
                    return Err(QueryFault::new(Rule::ParameterRefused, name));
                }
                (Operation::Export, "limit" | "offset" | "order") => {
                    self.once(name)?;
                    export = export.with(name, value)?;
                }
                _ => self.parameter(&selection, "", name, value)?,
            }
        }
        match operation {
            Operation::Select => {
                self.limits(&selection, "")?;
                Ok(Body::None)
            }
            Operation::Export => {
                if self.preferences.count.is_some() || !selection.begins_with(table.key) {
                    return Err(Rule::ExportMalformed.into());
                }
                export.base = format!("{}?{}", table.name, self.written);
                export.columns = selection.columns();
                self.export = Some(export);
                Ok(Body::None)
            }
            Operation::Insert => {
                if let Some(columns) = &columns {
                    self.pair("columns", &columns.join(","));
                }
                Ok(Body::Rows { table, columns: grant.insert })
            }
            Operation::Delete | Operation::Update => {
                let keys = self.filters.keys.ok_or_else(|| QueryFault::new(Rule::KeyMissing, table.key))?;
                let allowed = self.preferences.max_affected.unwrap_or(keys).min(keys);
                self.preferences.max_affected = Some(allowed);
                if operation == Operation::Delete {
                    Ok(Body::None)
                } else {
                    Ok(Body::Row { table, columns: grant.update })
                }
            }
        }
    }

    /// Writes the selection, always explicitly: a column that a client does not name is never returned unexpectedly.
    fn select(
        &mut self,
        table: &'static Table,
        grant: &'static Grant,
        parameters: &[(String, String)],
    ) -> Result<Selection, QueryFault> {
        let mut selects = parameters.iter().filter(|(name, _)| name == "select");
        let selection = match (selects.next(), selects.next()) {
            (_, Some(_)) => return Err(QueryFault::new(Rule::ParameterRefused, "select")),
            (Some((_, text)), None) if !text.is_empty() => Selection::parse(text, self.permit.who(), table, grant)?,
            _ => Selection::all(table, grant),
        };
        let minimal = !matches!(self.preferences.returns, Some("representation"));
        let reads = matches!(self.permit.operation(), Operation::Export | Operation::Select);
        let change = matches!(self.permit.resource(), Resource::Table(..)) && !reads;
        // A function returns its result regardless of the preferences.
        self.guarded |= selection.takes_guarded() && !(change && minimal);
        self.embeds = selection.has_embeds();
        self.conversation = selection.shows_conversation();
        match self.preferences.returns {
            // Without a named column PostgREST has the database return all, and not every caller may read all.
            Some("headers-only") if change => self.pair("select", table.key),
            _ if change && minimal => {}
            _ => {
                let mut written = String::new();
                selection.write(&mut written);
                self.pair("select", &written);
            }
        }
        Ok(selection)
    }

    /// Writes a filter, an order, a limit or an offset; `path` names the embedded table.
    fn parameter(&mut self, selection: &Selection, path: &str, name: &str, value: &str) -> Result<(), QueryFault> {
        let full = format!("{path}{name}");
        let reads = matches!(self.permit.operation(), Operation::Export | Operation::Select);
        self.filters.selected_only = path.is_empty() && self.is_tied(name)?;
        let written = match name {
            "and" | "or" | "not.and" | "not.or" => self.filters.tree(selection, value)?,
            "limit" | "offset" | "order" if selection.counts() => {
                return Err(QueryFault::new(Rule::ParameterRefused, &full));
            }
            "limit" | "offset" => {
                self.once(&full)?;
                let most = if name == "limit" { selection.table.limit.max } else { FARTHEST };
                let number = value.parse::<u32>().ok().filter(|number| *number <= most);
                number.ok_or_else(|| QueryFault::new(Rule::LimitRefused, name))?.to_string()
            }
            "order" => {
                self.once(&full)?;
                let order = order(selection, value)?;
                self.guarded |= order.columns.iter().any(|name| selection.table.guarded.contains(name));
                let unselected = order.columns.iter().find(|name| self.filters.selected_only && !selection.takes(name));
                match unselected {
                    Some(name) => return Err(QueryFault::new(Rule::ColumnUnselected, name)),
                    None => order.written,
                }
            }
            _ => match name.split_once('.') {
                None => {
                    // Two versions of one row match no row, and the second would replace the first.
                    if !reads && name == "version" {
                        self.once(&full)?;
                    }
                    self.filters.column(selection, name, value, path.is_empty())?
                }
                Some((called, rest)) => {
                    // A change returns the changed rows: nothing filters them.
                    let embedded = selection.embedded(called).filter(|_| reads);
                    let embedded = embedded.ok_or_else(|| QueryFault::new(Rule::ParameterRefused, name))?;
                    return self.parameter(embedded, &format!("{path}{called}."), rest, value);
                }
            },
        };
        // The database's own check reports a stale version; as a filter it would match no row and report nothing.
        let checked = matches!(self.permit.resource(), Resource::Table(..)) && !reads && full == "version";
        if !(checked && self.filters.version.is_some()) {
            self.pair(&full, &written);
        }
        Ok(())
    }

    /// Returns whether `PostgREST` applies a parameter to rows of which it has the selected columns only: rows of a
    /// function, and those that a change returns (PostgREST#3965, #3707; docs/postgrest-versions.md).
    fn is_tied(&self, name: &str) -> Result<bool, QueryFault> {
        let tree = matches!(name, "and" | "or" | "not.and" | "not.or");
        match (self.permit.resource(), self.permit.operation()) {
            (Resource::Function(..), _) => Ok(true),
            (_, Operation::Delete) if self.preferences.returns == Some("representation") => Ok(tree),
            (_, Operation::Delete | Operation::Update) if tree && self.preferences.gives_back() => {
                Err(QueryFault::new(Rule::TreeRefused, name))
            }
            _ => Ok(false),
        }
    }

    /// Writes a limit for the table and for each embedded one without a limit of the client's.
    fn limits(&mut self, selection: &Selection, path: &str) -> Result<(), QueryFault> {
        let name = format!("{path}limit");
        if !selection.counts() && !self.seen.contains(&name) {
            self.once(&name)?;
            self.pair(&name, &selection.table.limit.default.to_string());
        }
        for (called, embedded) in selection.embeds() {
            self.limits(embedded, &format!("{path}{called}."))?;
        }
        Ok(())
    }

    fn once(&mut self, name: &str) -> Result<(), QueryFault> {
        if self.seen.iter().any(|seen| seen == name) {
            return Err(QueryFault::new(Rule::ParameterRefused, name));
        }
        self.seen.push(name.to_owned());
        Ok(())
    }

    fn pair(&mut self, name: &str, value: &str) {
        if !self.written.is_empty() {
            self.written.push('&');
        }
        encoding::encode(&mut self.written, name);
        self.written.push('=');
        encoding::encode(&mut self.written, value);
    }

    /// Returns the `Prefer` header, without a value of the client's: `PostgREST` uses the first of two values.
    ///
    /// # Errors
    /// `CountRefused`.
    pub fn prefer(&self, reads: bool) -> Result<Option<String>, QueryFault> {
        let Preferences { returns, missing_default, .. } = self.preferences;
        let exact_allowed = match self.permit.resource() {
            Resource::Table(table, _) | Resource::Function(_, Some((table, _))) => table.exact_count,
            Resource::Function(_, None) => false,
        };
        let count = self.preferences.count_for(self.permit.who(), exact_allowed)?;
        let parts = [
            returns.filter(|_| !reads).map(|returns| format!("return={returns}")),
            count.map(|count| format!("count={count}")),
            missing_default
                .then(|| "missing=default".to_owned())
                .filter(|_| self.permit.operation() == Operation::Insert),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Ok((!parts.is_empty()).then(|| parts.join(",")))
    }
}

const FARTHEST: u32 = 100_000;
