//! Violations of the protocol by the database: the reasons of a response that the Hub does not forward.

/// The violation, by which the log names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum UpstreamProtocolError {
    /// The setting `db-aggregates-enabled` of `PostgREST` is not set.
    AggregatesDisabled,
    /// The body ended early.
    BodyInterrupted,
    /// The body is longer than the Hub reads.
    BodyTooLong,
    /// The database or its gateway rejected the Hub's own token or key.
    CredentialRejected,
    /// The alerts have another form.
    MalformedAlerts,
    /// The body of an error is not the JSON of PostgREST.
    MalformedError,
    /// A page of an export has another form.
    MalformedPage,
    /// The report of a job's step has another form.
    MalformedStepReport,
    /// A request of the Hub has a method that it does not use.
    MethodNotSupported,
    /// A page of an export has no body.
    PageWithoutBody,
    /// A redirect, which a database never sends.
    Redirect,
    /// The database did not store request rows that it had rejected before.
    RejectedRowsNotStored,
    /// The Hub could not build its own request.
    RequestNotBuilt,
    /// The database rejected a request of the Hub itself.
    RequestRejected,
    /// The schema of the database differs from `TABLES`.
    SchemaMismatch,
    /// The database rejected the Hub's own token.
    TokenRejected,
    /// An error that is not a rejection of the request.
    UnexpectedError,
    /// The media type is not the requested one.
    UnexpectedMediaType,
    /// The status is not one of this request.
    UnexpectedStatus,
    /// A function returned an outcome that the Hub does not know.
    UnknownOutcome,
}
