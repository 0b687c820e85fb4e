//! The context of an event: created first, and passed to every handler and service.

use crate::{
    domain::{functions::Function, ids, session::Session, tables::Table},
    logic::{config::ConfigError, error::Error, http::response::Scheme, query::ReadRecord},
    runtime::{LogLevel, Runtime, RuntimePort as _},
};
use std::pin::Pin;

/// The context of a request, of the jobs of one cron, or of a batch of messages: its id, its runtime (clock, log,
/// network), its principal, and what is recorded of it at the end.
pub struct RequestContext {
    /// The runtime of the event.
    pub runtime: Runtime,
    /// The Hub's own id of the request. A client's id is stored beside it, never instead of it: one that is used twice
    /// would otherwise hide the second request from the request rows.
    pub request_id: String,
    /// Time at which it was received.
    pub started_at_ms: u64,
    /// The scheme of its URL.
    pub scheme: Scheme,
    /// True if it addressed the API.
    pub is_api: bool,
    /// The `Origin` header, if that is listed.
    pub origin: Option<String>,
    /// The route, with the table or function if it is in the catalogue.
    pub route: String,
    /// The verified session.
    pub session: Option<Session>,
    /// The sender of a message, once its signature is verified.
    pub webhook_sender: Option<&'static str>,
    /// True if the database has written the request row, with the change or with the read record.
    pub recorded_in_transaction: bool,
    /// Duration of the database's response, in milliseconds.
    pub upstream_ms: Option<u64>,
    /// Number of rows that the database returned.
    pub row_count: Option<u64>,
    /// The read of a staff member.
    pub read_record: Option<ReadRecord>,
    /// Work to do once the head of the response may be sent.
    pub pending_export: Option<PendingExport>,
    /// The outcome of a page request without a session, for the log.
    pub auth_outcome: Option<&'static str>,
    /// The reason for a rejection.
    pub error: Option<Error>,
}

/// The pages of an export that follow the first one: writes them, and returns their outcome.
pub type PendingExport = Pin<Box<dyn Future<Output = ExportSummary>>>;

/// The outcome of an export.
#[derive(Debug)]
pub struct ExportSummary {
    /// Number of records.
    pub row_count: u64,
    /// The reason why it was aborted.
    pub error: Option<Error>,
}

impl RequestContext {
    /// Starts the context of a request, with a unique id.
    ///
    /// # Errors
    /// If the runtime has no random bytes.
    pub fn new(runtime: &Runtime, url: &str) -> Result<Self, ConfigError> {
        let random = runtime.random().map_err(|_| ConfigError { name: "crypto", reason: "gives no random bytes" })?;
        let request_id = ids::ulid(runtime.now_ms(), random);
        let scheme = if url.starts_with("https://") { Scheme::Https } else { Scheme::Http };
        Ok(Self { scheme, ..Self::with_id(runtime, request_id) })
    }

    /// Starts the context of an event that is not a request: its log lines are correlated by the id.
    #[must_use]
    pub fn for_event(runtime: &Runtime) -> Self {
        Self::with_id(runtime, ids::ulid(runtime.now_ms(), runtime.random().unwrap_or_default()))
    }

    /// Returns the context of work that continues after the response: the same id, with nothing to record.
    #[must_use]
    pub fn background(&self) -> Self {
        Self { started_at_ms: self.started_at_ms, ..Self::with_id(&self.runtime, self.request_id.clone()) }
    }

    fn with_id(runtime: &Runtime, request_id: String) -> Self {
        Self {
            runtime: runtime.clone(),
            request_id,
            started_at_ms: runtime.now_ms(),
            scheme: Scheme::Https,
            is_api: false,
            origin: None,
            route: "unrouted".to_owned(),
            session: None,
            webhook_sender: None,
            recorded_in_transaction: false,
            upstream_ms: None,
            row_count: None,
            read_record: None,
            pending_export: None,
            auth_outcome: None,
            error: None,
        }
    }

    /// Sets the route; a name that is not in the catalogue is text of the client and is not stored.
    pub fn set_route(&mut self, path: &str, segment: &str) {
        let known = Table::by_name(segment).is_some() || Function::by_name(segment).is_some();
        path.clone_into(&mut self.route);
        if let (true, Some((prefix, _))) = (known, path.split_once('{')) {
            self.route = format!("{prefix}{segment}");
        }
    }

    /// Writes a log line, an object, and adds the request id.
    pub fn log(&self, level: LogLevel, mut line: serde_json::Value) {
        if let Some(members) = line.as_object_mut() {
            members.insert("request_id".to_owned(), self.request_id.clone().into());
        }
        self.runtime.log(level, &line.to_string());
    }

    /// Returns the milliseconds since it was received.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        self.runtime.now_ms().saturating_sub(self.started_at_ms)
    }
}
