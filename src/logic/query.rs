//! The query firewall: parses a client's `PostgREST` query, checks each part against the catalogue, and re-serializes
//! it (A-1, A-2). Input that cannot be parsed is rejected; no unparsed text of the client is forwarded.
//!
//! Source of the grammar: <https://docs.postgrest.org/en/v12/references/api.html>.

mod body;
mod builder;
mod error;
mod export;
mod filter;
mod literal;
mod names;
mod order;
mod parameters;
mod prefer;
mod read_record;
mod request_headers;
mod select;
mod value;

pub use error::{QueryError, QueryErrorKind};
pub use export::{Export, ExportPage, Format, PagePosition};
pub use filter::operators;
pub use prefer::is_expected_media_type;
pub use read_record::{ReadRecord, When};

use crate::{
    domain::{
        access::{Operation, Purpose},
        headers::Headers,
        method::Method,
    },
    logic::authz::{Permit, Resource},
};
use body::BodySchema;
use builder::QueryBuilder;
use prefer::Preferences;
use request_headers::QueryHeaders;

/// One request to `PostgREST`, written entirely by the Hub.
#[derive(Debug)]
pub struct Plan {
    method: Method,
    path_and_query: String,
    accept: &'static str,
    prefer: Option<String>,
    body: BodySchema,
    arguments: Option<String>,
    is_read: bool,
    max_affected: Option<String>,
    expected_version: Option<String>,
    headers: QueryHeaders,
    read_record: Option<ReadRecord>,
    export: Option<(Export, Format)>,
}

impl Plan {
    /// Returns the upstream method. A HEAD of a table stays one, so that no row is fetched for a count; a function is
    /// called by POST, since `PostgREST` interprets an argument in the query that begins like an operator as a filter.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Returns the path below `/rest/v1/`, with the query.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// Returns the media type.
    #[must_use]
    pub const fn accept(&self) -> &'static str {
        self.accept
    }

    /// Returns the preferences.
    #[must_use]
    pub fn prefer(&self) -> Option<&str> {
        self.prefer.as_deref()
    }

    /// Returns whether it is a GET or HEAD upstream. `PostgREST` runs these, and functions that are `STABLE`, in a
    /// read-only transaction.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        self.is_read
    }

    /// Returns the table and the maximum number of rows that a change may affect: the number of keys that it names.
    #[must_use]
    pub fn max_affected(&self) -> Option<&str> {
        self.max_affected.as_deref()
    }

    /// Returns the version on which a change is based, as `table=3`.
    #[must_use]
    pub fn expected_version(&self) -> Option<&str> {
        self.expected_version.as_deref()
    }

    /// Returns the purpose, from a closed list.
    #[must_use]
    pub fn purpose(&self) -> Option<&'static str> {
        self.headers.purpose.map(Purpose::name)
    }

    /// Returns the reason, as the caller wrote it, in base64.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.headers.reason.as_deref()
    }

    /// Returns the read record of clients' records, with the arguments of a function as they are sent upstream (only
    /// their names if it writes), or with the conversations of new rows.
    ///
    /// # Errors
    /// `FilterTooLong`.
    pub fn read_record(&self, body: Option<&[u8]>) -> Result<Option<ReadRecord>, QueryError> {
        let Some(read_record) = self.read_record.clone() else { return Ok(None) };
        let calls = matches!(self.body, BodySchema::Arguments(_)) || self.arguments.is_some();
        Ok(Some(match body {
            // An erasure: the words that identify a user must not remain in the audit log.
            Some(body) if matches!(self.body, BodySchema::Arguments(function) if function.writes) => {
                read_record.with_names(body)
            }
            Some(body) if calls => read_record.with_arguments(body)?,
            Some(body) => read_record.with_parents(body),
            None => read_record,
        }))
    }

    /// Returns the requested export and its format.
    #[must_use]
    pub const fn export(&self) -> Option<&(Export, Format)> {
        self.export.as_ref()
    }

    /// Returns whether a body must be read and checked.
    #[must_use]
    pub const fn requires_body(&self) -> bool {
        !matches!(self.body, BodySchema::None)
    }

    /// Returns the maximum length of the body, in bytes: an isolate has 128 MiB for all its requests.
    #[must_use]
    pub const fn max_body_bytes(&self) -> usize {
        self.body.max_bytes()
    }

    /// Returns whether the body is within the maximum length of its form.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        self.body.fits(bytes)
    }

    /// Returns the body made from the client's query: the arguments of a function that it called by GET or HEAD.
    #[must_use]
    pub fn arguments(&self) -> Option<&str> {
        self.arguments.as_deref()
    }

    /// Checks the body; a valid one is forwarded unchanged.
    ///
    /// # Errors
    /// The first violated rule.
    pub fn check_body(&self, bytes: &[u8]) -> Result<(), QueryError> {
        self.body.check(bytes)
    }
}

/// Returns the plan for a permitted request. `method` is the client's.
///
/// ```
/// use hub::{
///     domain::{
///         headers::Headers,
///         method::Method,
///         session::{Actor, RoleClaim, Session},
///     },
///     logic::{
///         authz::{RequestedAction, Target, authorize},
///         query::{QueryErrorKind, plan},
///     },
/// };
///
/// let session = Session {
///     user: "user_1".to_owned(),
///     id: "sess_1".to_owned(),
///     organization: None,
///     role: RoleClaim::Absent,
///     display_name: None,
///     token_id: None,
///     impersonator: None,
///     factor_ages: [Some(1), None],
///     issued_at: 1_800_000_000,
///     expires_at: 1_800_000_060,
/// };
/// let action = RequestedAction::Method(Method::Get);
/// let permit = authorize(&Actor::User(&session), Target::Table("contact_tickets"), action, 1_800_000_010).unwrap();
/// let planned = |query| plan(&permit, Method::Get, query, &Headers::default());
///
/// // The query is written anew from what was understood, with the default limit.
/// let accepted = planned("select=id,subject&status=eq.open").unwrap();
/// assert_eq!(accepted.path_and_query(), "contact_tickets?select=id,subject&status=eq.open&limit=100");
///
/// // A column that the caller may not read does not exist for them.
/// assert_eq!(planned("select=assigned_to").unwrap_err().kind, QueryErrorKind::ColumnRefused);
/// ```
///
/// # Errors
/// The first violated rule.
pub fn plan(permit: &Permit, method: Method, query: &str, headers: &Headers) -> Result<Plan, QueryError> {
    prefer::check_profile_and_range(headers)?;
    let format = Format::from_accept(headers).filter(|_| permit.operation() == Operation::Export);
    let accept = match format {
        Some(format) => format.upstream_accept(),
        None => prefer::accept(headers)?,
    };
    let preferences = Preferences::parse(headers)?;
    let context = QueryHeaders::parse(headers)?;
    let parameters = parameters::parse(query)?;
    if parameters.iter().any(|(name, _)| crate::logic::authn::password_fields::is_password_field(name)) {
        // I-1: only Clerk may receive one.
        return Err(QueryErrorKind::PasswordRefused.into());
    }
    let reads = method.is_read();
    let mut writer = QueryBuilder::new(permit, preferences);
    let body = match permit.resource() {
        Resource::Table(table, grant) => writer.build_table(table, grant, &parameters)?,
        Resource::Function(function, returned) => writer.build_call(function, returned, &parameters, method)?,
    };
    if !matches!(body, BodySchema::None) {
        prefer::check_content_type(headers)?;
    }
    let prefer = writer.prefer(method)?;
    let expected_version = writer.expected_version(&context)?;
    let read_record = writer.read_record(&context, method)?;
    let (path, name) = match permit.resource() {
        Resource::Table(table, _) => ("", table.name),
        Resource::Function(function, _) => ("rpc/", function.name),
    };
    let mark = if writer.query().is_empty() { "" } else { "?" };
    let path_and_query = format!("{path}{name}{mark}{}", writer.query());
    let called = matches!(permit.resource(), Resource::Function(..));
    Ok(Plan {
        method: if called { Method::Post } else { method },
        path_and_query,
        accept,
        prefer,
        body,
        arguments: writer.arguments.take(),
        is_read: reads && !called,
        max_affected: writer.max_affected(),
        expected_version,
        headers: context,
        read_record,
        export: writer.export.take().zip(format),
    })
}
