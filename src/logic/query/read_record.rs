//! Context of requests by staff besides their query (A-2, L-1): the version of a change, and the purpose of a read.

use super::parameters::append_pair;
use crate::{
    domain::{
        access::{Operation, PrincipalKind, Purpose},
        functions::FunctionProperty,
        method::Method,
        tables::Table,
    },
    logic::{
        authz::Resource,
        query::{
            builder::QueryBuilder,
            error::{QueryError, QueryErrorKind},
            filter::Selector,
            request_headers::{IfMatch, QueryHeaders},
        },
    },
};
use serde::Serialize;
use serde_json::Value;

/// The read record (audited read) of clients' records (A-2, L-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadRecord {
    /// The table of the records, or the function that returns them.
    pub entity: &'static str,
    /// The kind of column that names the records.
    pub selector: Selector,
    /// The records that the query names; empty for a list.
    pub records: Vec<String>,
    /// The query that is sent upstream, with the arguments of a function before it.
    pub filter: String,
    /// The purpose.
    pub purpose: Option<Purpose>,
    /// True if it is exported as a file.
    pub export: bool,
    /// Time at which it is recorded.
    #[serde(skip)]
    pub when: When,
    /// Column of new rows that names their conversation, and its table, if the conversation is returned with them.
    #[serde(skip)]
    pub(super) parent: Option<(&'static str, &'static str)>,
}

/// Time at which a read is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In the database, before the data is requested.
    Before,
    /// On the queue, with the request row.
    WithRow,
}

impl QueryBuilder<'_> {
    /// Returns the version on which a change is based, in the format of the database's own check; `None` where no
    /// version is required.
    ///
    /// # Errors
    /// `VersionRequired` for a change by staff, `VersionMalformed` if one version is given for several rows.
    pub fn expected_version(&self, context: &QueryHeaders) -> Result<Option<String>, QueryError> {
        let (Resource::Table(table, _), Operation::Delete | Operation::Update) =
            (self.permit.resource(), self.permit.operation())
        else {
            return Ok(None);
        };
        if table.column("version").is_none() {
            return Ok(None);
        }
        let exactly = match (context.version, self.filters.version) {
            (Some(IfMatch::Exactly(one)), Some(other)) if one != other => {
                return Err(QueryErrorKind::VersionMalformed.into());
            }
            (Some(IfMatch::Exactly(version)), _) | (Some(IfMatch::Any) | None, Some(version)) => version,
            (Some(IfMatch::Any), None) => return Ok(None),
            (None, None) => {
                let overwrites = self.permit.operation() == Operation::Update;
                let staff = matches!(self.permit.principal(), PrincipalKind::Staff(_));
                return if overwrites && staff { Err(QueryErrorKind::VersionRequired.into()) } else { Ok(None) };
            }
        };
        if self.filters.keys == Some(1) {
            Ok(Some(format!("{}={exactly}", table.name)))
        } else {
            Err(QueryErrorKind::VersionMalformed.into())
        }
    }

    /// Returns the read record of clients' records; `None` for customers and for changes whose response reveals only
    /// whether the named record exists. A HEAD returns no column.
    ///
    /// # Errors
    /// `PurposeRequired`, `RecordFilterRequired`, `OwnerMalformed`, `RecordUnnamed`,
    /// `FilterTooLong`.
    pub fn read_record(&self, context: &QueryHeaders, method: Method) -> Result<Option<ReadRecord>, QueryError> {
        let (table, function) = match self.permit.resource() {
            Resource::Table(table, _) => (Some(table), None),
            Resource::Function(function, returned) => (returned.map(|(table, _)| table), Some(function)),
        };
        let operation = self.permit.operation();
        let export = operation == Operation::Export;
        let columns = (self.names_sensitive && method != Method::Head) || self.filters.names_sensitive;
        let sensitive = columns || function.is_some_and(|function| function.mark == FunctionProperty::Sensitive);
        let staff = matches!(self.permit.principal(), PrincipalKind::Staff(_));
        // The rows of the audit log are about clients, whatever their columns; the Hub's other records are no client's.
        let of_clients = table.is_some_and(Table::has_recorded_reads);
        let recorded = of_clients && self.reveals_data();
        if staff {
            let purpose = if sensitive { Some(context.purpose.ok_or(QueryErrorKind::PurposeRequired)?) } else { None };
            if let (true, Some(table), Some(purpose)) = (columns, table, purpose) {
                self.justify(table, purpose)?;
            }
            if (export || recorded && self.filters.searches) && context.purpose.is_none() {
                return Err(QueryErrorKind::PurposeRequired.into());
            }
        }
        // A change that took effect cannot be rejected because its record is missing.
        let before = staff && (sensitive || export || recorded && self.changes()) || self.permit.is_impersonated();
        if !(before || staff && recorded) {
            return Ok(None);
        }
        let (entity, selector, records) = if let Some(named) = &self.filters.named {
            let shown = self.conversation && table.is_some_and(|table| table.name == named.entity);
            let whole = shown && named.selector == Selector::Key;
            (named.entity, if whole { Selector::Conversation } else { named.selector }, named.records.clone())
        } else if let (true, Some(column)) = (staff, self.filters.owner_aside) {
            // The read record of a list names no client, but this list could be of one.
            return Err(QueryError::new(QueryErrorKind::OwnerMalformed, column));
        } else if let (true, Some(column)) = (staff && of_clients, self.filters.key_aside) {
            return Err(QueryError::new(QueryErrorKind::RecordUnnamed, column));
        } else {
            let name = table.map(|table| table.name).or_else(|| function.map(|function| function.name));
            (name.unwrap_or_default(), Selector::List, Vec::new())
        };
        let read_record = ReadRecord {
            entity,
            selector,
            records,
            filter: self.query.clone(),
            purpose: context.purpose,
            export,
            when: if before { When::Before } else { When::WithRow },
            parent: table.and_then(|table| table.parent).filter(|_| operation == Operation::Insert && self.embeds),
        };
        read_record.check_length().map(Some)
    }

    /// Returns whether it changes rows of a table.
    fn changes(&self) -> bool {
        let reads = matches!(self.permit.operation(), Operation::Export | Operation::Select);
        matches!(self.permit.resource(), Resource::Table(..)) && !reads
    }

    /// Returns whether the response reveals rows. A change does so by the rows that it returns, and by its comparisons:
    /// a response without a row reveals that none matches. The audit log already contains an insert's own row.
    fn reveals_data(&self) -> bool {
        let inserts = self.permit.operation() == Operation::Insert;
        let shows = self.preferences.returns == Some("representation") && (!inserts || self.embeds);
        !self.changes() || shows || self.filters.others > 0
    }

    /// Rejects staff who read sensitive columns without naming the record, from a table or from a function.
    fn justify(&self, table: &Table, purpose: Purpose) -> Result<(), QueryError> {
        let reads =
            self.permit.operation() == Operation::Select || matches!(self.permit.resource(), Resource::Function(..));
        let unnamed = reads && self.filters.named.is_none();
        if unnamed && !table.lists(self.permit.principal(), purpose) {
            Err(QueryErrorKind::RecordFilterRequired.into())
        } else {
            Ok(())
        }
    }
}

impl ReadRecord {
    /// Adds the arguments of a function, which may be in its body.
    ///
    /// # Errors
    /// `FilterTooLong`.
    pub fn with_arguments(mut self, body: &[u8]) -> Result<Self, QueryError> {
        let Ok(Value::Object(arguments)) = serde_json::from_slice(body) else { return Ok(self) };
        let mut filter = String::new();
        for (name, value) in &arguments {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            append_pair(&mut filter, name, &text);
            filter.push('&');
        }
        filter.push_str(&self.filter);
        filter.truncate(filter.trim_end_matches('&').len());
        self.filter = filter;
        self.check_length()
    }

    /// Returns the same read with the names of a function's arguments, without their values.
    #[must_use]
    pub fn with_names(mut self, body: &[u8]) -> Self {
        let arguments: serde_json::Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
        self.filter = arguments.keys().map(String::as_str).collect::<Vec<_>>().join("&");
        self
    }

    /// Returns the same read with the conversations that new rows belong to.
    #[must_use]
    pub fn with_parents(mut self, body: &[u8]) -> Self {
        let Some((column, entity)) = self.parent else { return self };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let rows = body.as_array().map_or_else(|| std::slice::from_ref(&body), Vec::as_slice);
        let keys = rows.iter().filter_map(|row| row.get(column)?.as_str()).map(str::to_ascii_lowercase);
        (self.entity, self.selector, self.records) = (entity, Selector::Key, keys.collect());
        self
    }

    /// Rejects a query that the audit log could not store completely: an omitted part would be an unrecorded part.
    fn check_length(self) -> Result<Self, QueryError> {
        if self.filter.len() <= MAX_FILTER_LEN { Ok(self) } else { Err(QueryErrorKind::FilterTooLong.into()) }
    }
}

/// Maximum length of a query in the audit log, in bytes; it is ASCII, and the longest URL has 8192 bytes. The database
/// has the same limit.
const MAX_FILTER_LEN: usize = 16_000;
