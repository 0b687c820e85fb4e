//! Rewriting of a client's query, part by part, each checked against the catalogue before it is written.

mod call;
mod prefer;

use super::{
    body::{self, BodySchema},
    export::Export,
    filter::{FilterParser, Place},
    order::order,
    parameters::append_pair,
    prefer::Preferences,
    select::Selection,
};
use crate::{
    domain::{
        access::Operation,
        tables::{Grant, Table},
    },
    logic::{
        authz::{Permit, Resource},
        query::error::{QueryError, QueryErrorKind},
    },
};

/// The query written so far, and its properties.
pub struct QueryBuilder<'a> {
    pub(super) permit: &'a Permit,
    pub(super) preferences: Preferences,
    pub(super) query: String,
    used: Vec<String>,
    pub(super) filters: FilterParser,
    /// True if the response shows sensitive columns, or depends on their values.
    pub(super) names_sensitive: bool,
    /// True if other tables are embedded.
    pub(super) embeds: bool,
    /// True if the response shows the conversation that a message belongs to.
    pub(super) conversation: bool,
    /// The export, if one was requested.
    pub(super) export: Option<Export>,
    /// The arguments of a function in the query, as the body that is sent upstream.
    pub(super) arguments: Option<String>,
}

impl<'a> QueryBuilder<'a> {
    /// Creates an empty builder.
    #[must_use]
    pub fn new(permit: &'a Permit, preferences: Preferences) -> Self {
        Self {
            permit,
            preferences,
            query: String::new(),
            used: Vec::new(),
            filters: FilterParser::default(),
            names_sensitive: false,
            embeds: false,
            conversation: false,
            export: None,
            arguments: None,
        }
    }

    /// Returns the query that is sent upstream.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Returns a change's table and maximum number of rows for the database's own limit: `PostgREST` 12 has none.
    #[must_use]
    pub fn max_affected(&self) -> Option<String> {
        let (Resource::Table(table, _), Operation::Delete | Operation::Update) =
            (self.permit.resource(), self.permit.operation())
        else {
            return None;
        };
        self.preferences.max_affected.map(|most| format!("{}={most}", table.name))
    }

    /// Writes a request for a table; returns the expected form of its body.
    ///
    /// # Errors
    /// The first violated rule.
    pub fn build_table(
        &mut self,
        table: &'static Table,
        grant: &'static Grant,
        parameters: &[(String, String)],
    ) -> Result<BodySchema, QueryError> {
        let operation = self.permit.operation();
        let selection = self.select(table, grant, parameters)?;
        // PostgREST does not limit an embed of a change, so only the one parent row of a changed row is returned.
        let returned = operation != Operation::Export && self.preferences.returns == Some("representation");
        let embeds = operation == Operation::Select || (returned && selection.embeds_parents_only());
        if selection.has_embeds() && !embeds {
            return Err(QueryErrorKind::EmbedRefused.into());
        }
        let (mut columns, mut export) = (None, Export::new(table));
        for (name, value) in parameters.iter().filter(|(name, _)| name != "select") {
            match (operation, name.as_str()) {
                (Operation::Insert, "columns") => {
                    self.reject_duplicate(name)?;
                    columns = Some(body::columns(value, grant.insert)?);
                }
                (_, "on_conflict") => return Err(QueryErrorKind::UpsertRefused.into()),
                (Operation::Insert, _) => return Err(QueryError::new(QueryErrorKind::ParameterRefused, name)),
                (Operation::Delete | Operation::Update, "limit" | "offset" | "order") => {
                    return Err(QueryError::new(QueryErrorKind::ParameterRefused, name));
                }
                (Operation::Export, "limit" | "offset" | "order") => {
                    self.reject_duplicate(name)?;
                    export = export.apply_parameter(name, value)?;
                }
                _ => self.apply_parameter(&selection, "", name, value)?,
            }
        }
        match operation {
            Operation::Select => {
                self.apply_default_limits(&selection, "")?;
                Ok(BodySchema::None)
            }
            Operation::Export => {
                if self.preferences.count.is_some() || !selection.starts_with(table.key) {
                    return Err(QueryErrorKind::ExportMalformed.into());
                }
                export.base_query = format!("{}?{}", table.name, self.query);
                export.columns = selection.columns();
                self.export = Some(export);
                Ok(BodySchema::None)
            }
            Operation::Insert => {
                if let Some(columns) = &columns {
                    self.append("columns", &columns.join(","));
                }
                Ok(BodySchema::Rows { table, columns: grant.insert })
            }
            Operation::Delete | Operation::Update => {
                let keys =
                    self.filters.keys.ok_or_else(|| QueryError::new(QueryErrorKind::KeyFilterRequired, table.key))?;
                let allowed = self.preferences.max_affected.unwrap_or(keys).min(keys);
                self.preferences.max_affected = Some(allowed);
                if operation == Operation::Delete {
                    Ok(BodySchema::None)
                } else {
                    Ok(BodySchema::Row { table, columns: grant.update })
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
    ) -> Result<Selection, QueryError> {
        let mut selects = parameters.iter().filter(|(name, _)| name == "select");
        let selection = match (selects.next(), selects.next()) {
            (_, Some(_)) => return Err(QueryError::new(QueryErrorKind::ParameterRefused, "select")),
            (Some((_, text)), None) if !text.is_empty() => {
                Selection::parse(text, self.permit.principal(), table, grant)?
            }
            _ => Selection::all(table, grant),
        };
        let minimal = !matches!(self.preferences.returns, Some("representation"));
        let reads = matches!(self.permit.operation(), Operation::Export | Operation::Select);
        let change = matches!(self.permit.resource(), Resource::Table(..)) && !reads;
        // A function returns its result regardless of the preferences.
        self.names_sensitive |= selection.selects_sensitive() && !(change && minimal);
        self.embeds = selection.has_embeds();
        self.conversation = selection.shows_conversation();
        match self.preferences.returns {
            // Without a named column PostgREST has the database return all, and not every caller may read all.
            Some("headers-only") if change => self.append("select", table.key),
            _ if change && minimal => {}
            _ => {
                let mut written = String::new();
                selection.write(&mut written);
                self.append("select", &written);
            }
        }
        Ok(selection)
    }

    /// Writes a filter, an order, a limit or an offset; `path` names the embedded table.
    fn apply_parameter(
        &mut self,
        selection: &Selection,
        path: &str,
        name: &str,
        value: &str,
    ) -> Result<(), QueryError> {
        let full = format!("{path}{name}");
        let reads = matches!(self.permit.operation(), Operation::Export | Operation::Select);
        self.filters.selected_only = path.is_empty() && self.is_tied(name)?;
        let written = match name {
            "and" | "or" | "not.and" | "not.or" => self.filters.parse_logic_tree(selection, value)?,
            "limit" | "offset" | "order" if selection.counts() => {
                return Err(QueryError::new(QueryErrorKind::ParameterRefused, &full));
            }
            "limit" | "offset" => {
                self.reject_duplicate(&full)?;
                let most = if name == "limit" { selection.table.limit.max } else { MAX_OFFSET };
                let number = value.parse::<u32>().ok().filter(|number| *number <= most);
                number.ok_or_else(|| QueryError::new(QueryErrorKind::LimitRefused, name))?.to_string()
            }
            "order" => {
                self.reject_duplicate(&full)?;
                let order = order(selection, value)?;
                self.names_sensitive |=
                    order.columns.iter().any(|name| selection.table.sensitive_columns.contains(name));
                let unselected =
                    order.columns.iter().find(|name| self.filters.selected_only && !selection.selects(name));
                match unselected {
                    Some(name) => return Err(QueryError::new(QueryErrorKind::ColumnUnselected, name)),
                    None => order.written,
                }
            }
            _ => match name.split_once('.') {
                None => {
                    // Two versions of one row match no row, and the second would replace the first.
                    if !reads && name == "version" {
                        self.reject_duplicate(&full)?;
                    }
                    let place = if path.is_empty() { Place::Top } else { Place::Embedded };
                    self.filters.parse_filter(selection, name, value, place)?
                }
                Some((called, rest)) => {
                    // A change returns the changed rows: nothing filters them.
                    let embedded = selection.embedded(called).filter(|_| reads);
                    let embedded = embedded.ok_or_else(|| QueryError::new(QueryErrorKind::ParameterRefused, name))?;
                    return self.apply_parameter(embedded, &format!("{path}{called}."), rest, value);
                }
            },
        };
        // The database's own check reports a stale version; as a filter it would match no row and report nothing.
        let checked = matches!(self.permit.resource(), Resource::Table(..)) && !reads && full == "version";
        if !(checked && self.filters.version.is_some()) {
            self.append(&full, &written);
        }
        Ok(())
    }

    /// Returns whether `PostgREST` applies a parameter to rows of which it has the selected columns only: rows of a
    /// function, and those that a change returns (PostgREST#3965, #3707; docs/postgrest-versions.md).
    fn is_tied(&self, name: &str) -> Result<bool, QueryError> {
        let tree = matches!(name, "and" | "or" | "not.and" | "not.or");
        if matches!(self.permit.resource(), Resource::Function(..)) {
            return Ok(true);
        }
        match self.permit.operation() {
            Operation::Delete if self.preferences.returns == Some("representation") => Ok(tree),
            Operation::Delete | Operation::Update if tree && self.preferences.returns_rows() => {
                Err(QueryError::new(QueryErrorKind::TreeRefused, name))
            }
            Operation::Delete | Operation::Export | Operation::Insert | Operation::Select | Operation::Update => {
                Ok(false)
            }
        }
    }

    /// Writes a limit for the table and for each embedded one without a limit of the client's.
    fn apply_default_limits(&mut self, selection: &Selection, path: &str) -> Result<(), QueryError> {
        let name = format!("{path}limit");
        if !selection.counts() && !self.used.contains(&name) {
            self.reject_duplicate(&name)?;
            self.append(&name, &selection.table.limit.default.to_string());
        }
        for (called, embedded) in selection.embeds() {
            self.apply_default_limits(embedded, &format!("{path}{called}."))?;
        }
        Ok(())
    }

    fn reject_duplicate(&mut self, name: &str) -> Result<(), QueryError> {
        if self.used.iter().any(|used| used == name) {
            return Err(QueryError::new(QueryErrorKind::ParameterRefused, name));
        }
        self.used.push(name.to_owned());
        Ok(())
    }

    fn append(&mut self, name: &str, value: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        append_pair(&mut self.query, name, value);
    }
}

const MAX_OFFSET: u32 = 100_000;
