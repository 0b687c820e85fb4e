//! What staff say besides their query (A-2, L-1): the version a change is made from, and why they look at a record.

use super::{
    context::{Context, Version},
    encoding,
    fault::{QueryFault, Rule},
    writer::Writer,
};
use crate::{
    domain::{
        access::{Operation, Who},
        functions::Mark,
        tables::Table,
    },
    logic::policy::Resource,
};
use serde::Serialize;
use serde_json::Value;

/// What is read of clients' records, for the trail (A-2, L-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Look {
    /// The table of the records, or the function that gives them.
    pub entity: &'static str,
    /// What names the records.
    pub selector: Selector,
    /// The records that the query names; none for a list.
    pub records: Vec<String>,
    /// The query, as it goes upstream, with the arguments of a function before it.
    pub filter: String,
    /// Why.
    pub purpose: Option<&'static str>,
    /// Whether it leaves as a file.
    pub export: bool,
    /// When it is recorded.
    #[serde(skip)]
    pub when: When,
}

/// What names the records of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// The key of a message, of which the whole conversation is shown.
    Conversation,
    /// Their key.
    Key,
    /// Nothing: a list or a search.
    List,
    /// Their owner.
    Owner,
    /// The key of the record that the trail tells of.
    Subject,
}

/// When a read is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In the database, before the data is requested.
    Before,
    /// On the queue, with the request row.
    WithRow,
}

impl Writer<'_> {
    /// The version that a change is made from, as the database's own check reads it, and nothing where that does not matter.
    ///
    /// # Errors
    /// `VersionMissing` for a change by staff, `VersionMalformed` where one version is named for several rows.
    pub fn expected_version(&self, context: &Context) -> Result<Option<String>, QueryFault> {
        let (Resource::Table(table, _), Operation::Delete | Operation::Update) =
            (self.permit.resource(), self.permit.operation())
        else {
            return Ok(None);
        };
        if table.column("version").is_none() {
            return Ok(None);
        }
        let exactly = match (context.version, self.filters.version) {
            (Some(Version::Exactly(one)), Some(other)) if one != other => return Err(Rule::VersionMalformed.into()),
            (Some(Version::Exactly(version)), _) | (_, Some(version)) => version,
            (Some(Version::Any), None) => return Ok(None),
            (None, None) => {
                let overwrites = self.permit.operation() == Operation::Update;
                let staff = matches!(self.permit.who(), Who::Staff(_));
                return if overwrites && staff { Err(Rule::VersionMissing.into()) } else { Ok(None) };
            }
        };
        if self.filters.keys == Some(1) {
            Ok(Some(format!("{}={exactly}", table.name)))
        } else {
            Err(Rule::VersionMalformed.into())
        }
    }

    /// What is read of clients' records; `None` for clients themselves and for changes that tell nothing but whether the named record is
    /// there. A HEAD shows no column.
    ///
    /// # Errors
    /// `PurposeMissing`, `RecordMissing`, `FilterTooLong`.
    pub fn look(&self, context: &Context, counts_only: bool) -> Result<Option<Look>, QueryFault> {
        let (table, function) = match self.permit.resource() {
            Resource::Table(table, _) => (Some(table), None),
            Resource::Function(function, returned) => (returned.map(|(table, _)| table), Some(function)),
        };
        let operation = self.permit.operation();
        let export = operation == Operation::Export;
        let columns = (self.guarded && !counts_only) || self.filters.guarded;
        let sensitive = columns || function.is_some_and(|function| function.mark == Mark::Sensitive);
        let staff = matches!(self.permit.who(), Who::Staff(_));
        // What the Hub keeps about itself is no client's record.
        let recorded = table.is_some_and(|table| table.audited) && self.tells();
        if staff {
            let purpose = if sensitive { Some(context.purpose.ok_or(Rule::PurposeMissing)?) } else { None };
            if let (true, Some(table), Some(purpose)) = (columns, table, purpose) {
                self.justify(table, purpose)?;
            }
            if (export || recorded && self.filters.searches) && context.purpose.is_none() {
                return Err(Rule::PurposeMissing.into());
            }
        }
        // A change that took effect cannot be refused for want of its record.
        let before = staff && (sensitive || export || recorded && self.changes()) || self.permit.is_impersonated();
        if !(before || staff && recorded) {
            return Ok(None);
        }
        let (entity, selector, records) = if let Some(named) = &self.filters.named {
            let shown = self.conversation && table.is_some_and(|table| table.name == named.entity);
            let whole = shown && named.selector == Selector::Key;
            (named.entity, if whole { Selector::Conversation } else { named.selector }, named.records.clone())
        } else {
            let name = table.map(|table| table.name).or_else(|| function.map(|function| function.name));
            (name.unwrap_or_default(), Selector::List, Vec::new())
        };
        let look = Look {
            entity,
            selector,
            records,
            filter: self.written.clone(),
            purpose: context.purpose,
            export,
            when: if before { When::Before } else { When::WithRow },
        };
        look.bounded().map(Some)
    }

    /// Whether rows are changed by name.
    fn changes(&self) -> bool {
        let reads = matches!(self.permit.operation(), Operation::Export | Operation::Select);
        matches!(self.permit.resource(), Resource::Table(..)) && !reads
    }

    /// Whether the answer tells of rows. A change does by what it gives back, and by what it compares: an answer without a row says that
    /// none is like that. What an insert gives back of its own row the trail has by the insert.
    fn tells(&self) -> bool {
        let inserts = self.permit.operation() == Operation::Insert;
        let shows = self.preferences.returns == Some("representation") && (!inserts || self.embeds);
        !self.changes() || shows || self.filters.others > 0
    }

    /// Refuses staff who read sensitive columns of no record that they name, be it by a table or by a function.
    fn justify(&self, table: &Table, purpose: &str) -> Result<(), QueryFault> {
        let reads =
            self.permit.operation() == Operation::Select || matches!(self.permit.resource(), Resource::Function(..));
        let unnamed = reads && self.filters.named.is_none();
        if unnamed && !table.lists(self.permit.who(), purpose) { Err(Rule::RecordMissing.into()) } else { Ok(()) }
    }
}

impl Look {
    /// The same read with the arguments of a function, which may stand in its body.
    ///
    /// # Errors
    /// `FilterTooLong`.
    pub fn with_arguments(mut self, body: &[u8]) -> Result<Self, QueryFault> {
        let Ok(Value::Object(arguments)) = serde_json::from_slice(body) else { return Ok(self) };
        let mut filter = String::new();
        for (name, value) in &arguments {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            encoding::encode(&mut filter, name);
            filter.push('=');
            encoding::encode(&mut filter, &text);
            filter.push('&');
        }
        filter.push_str(&self.filter);
        filter.truncate(filter.trim_end_matches('&').len());
        self.filter = filter;
        self.bounded()
    }

    /// Refuses what the trail could not keep whole: a part that it leaves out is a part that was not recorded.
    fn bounded(self) -> Result<Self, QueryFault> {
        if self.filter.len() <= LONGEST_FILTER { Ok(self) } else { Err(Rule::FilterTooLong.into()) }
    }
}

/// What the trail keeps of a query, in bytes; all of them are ASCII, and the longest URL has 8192. The database's bound is the same.
const LONGEST_FILTER: usize = 16_000;
