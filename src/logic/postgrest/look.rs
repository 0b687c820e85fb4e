//! What staff say besides their query (A-2, L-1): the version a change is made from, and why they look at a record.

use super::{
    context::{Context, Version},
    fault::{QueryFault, Rule},
    writer::Writer,
};
use crate::{
    domain::access::{Operation, Who},
    logic::policy::Resource,
};
use serde::Serialize;

/// What a member of staff looks at (A-2, L-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Look {
    /// The table of the records.
    pub entity: &'static str,
    /// The records that the query names, by key or by owner; none for a list.
    pub records: Vec<String>,
    /// The query, as it goes upstream.
    pub filter: String,
    /// Why.
    pub purpose: Option<&'static str>,
    /// Whether it leaves as a file.
    pub export: bool,
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

    /// What a member of staff looks at, for the trail; `None` for everybody else and for changes. A HEAD shows no column.
    ///
    /// # Errors
    /// `PurposeMissing`, `RecordMissing`.
    pub fn look(&self, context: &Context, counts_only: bool) -> Result<Option<Look>, QueryFault> {
        let table = match self.permit.resource() {
            Resource::Table(table, _) | Resource::Function(_, Some((table, _))) => table,
            Resource::Function(_, None) => return Ok(None),
        };
        if !matches!(self.permit.who(), Who::Staff(_)) {
            return Ok(None);
        }
        if (self.guarded && !counts_only) || self.filters.guarded {
            if context.purpose.is_none() {
                return Err(Rule::PurposeMissing.into());
            }
            let reads = self.permit.operation() == Operation::Select;
            if reads && table.owner.is_some() && self.filters.named.is_none() {
                return Err(Rule::RecordMissing.into());
            }
        }
        let export = self.permit.operation() == Operation::Export;
        // What the Hub keeps about itself is no client's record, until it leaves the house.
        if !export && (self.permit.operation() != Operation::Select || !table.audited) {
            return Ok(None);
        }
        if export && context.purpose.is_none() {
            return Err(Rule::PurposeMissing.into());
        }
        let (entity, records) = match &self.filters.named {
            Some(named) => (named.entity, named.records.clone()),
            None => (table.name, Vec::new()),
        };
        Ok(Some(Look {
            entity,
            records,
            filter: self.written.chars().take(LONGEST_FILTER).collect(),
            purpose: context.purpose,
            export,
        }))
    }
}

/// What the trail keeps of a query.
const LONGEST_FILTER: usize = 4000;
