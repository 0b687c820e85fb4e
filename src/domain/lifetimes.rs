//! The times that depend on one another: of tokens, of revocations, of what the database keeps, and of its statements.
//!
//! The relations are checked when the Hub is compiled; `tests/schema.rs` compares the values that SQL has as well with
//! a live database.

use super::upstreams::{CLERK_BACKEND_API, POSTGREST};

/// Tolerated difference between two clocks, in seconds. SQL: `hub_private.sessions_ended()`.
pub const CLOCK_SKEW_S: i64 = 5;
/// Tolerated difference of `PostgREST` between its clock and the Hub's, in seconds.
///
/// Source: `allowedSkewSeconds` of `PostgREST`, <https://docs.postgrest.org/en/stable/references/auth.html>.
const POSTGREST_CLOCK_SKEW_S: i64 = 30;
/// Maximum lifetime of an accepted session token, in seconds.
pub const MAX_SESSION_TOKEN_S: i64 = 120;
/// Lifetime of a database token, in seconds.
pub const DATABASE_TOKEN_S: i64 = 30;
/// Remaining lifetime of a database token with which a request is begun, in seconds.
pub const MIN_DATABASE_TOKEN_S: i64 = 10;

/// Time from a revocation to the end of the last token that it is about, in seconds: of a session token of that moment,
/// and of a database token for the request that came just before it expired.
const LAST_TOKEN_S: i64 = MAX_SESSION_TOKEN_S
    + CLOCK_SKEW_S
    + (BODY_READ_MS + CLERK_REQUEST_MS + DATABASE_REQUEST_MS) as i64 / 1000
    + DATABASE_TOKEN_S
    + POSTGREST_CLOCK_SKEW_S;
/// Time that a revocation by a message of Clerk is in force, in seconds.
pub const CLERK_REVOCATION_S: i64 = 300;
/// Time that a revocation by a request is in force, in seconds. SQL: `hub.revoke_sessions()`, `hub.end_session()`,
/// `hub.burn_token()`.
pub const REVOCATION_S: i64 = 600;
/// Time after a revocation in which its subject is not erased, in seconds. SQL: `hub_private.erase_person()`.
pub const ERASURE_DELAY_S: i64 = 600;
/// Maximum age of a webhook message, in seconds.
pub const WEBHOOK_TOLERANCE_S: i64 = 300;

/// Days for which webhook messages are kept, so that a repeated one has no effect. SQL: `hub_private.forget_old()`.
pub const WEBHOOK_MESSAGE_DAYS: i64 = 30;
/// Days for which an expired revocation is kept, so that an older message about the same has no effect. SQL: the same.
pub const EXPIRED_REVOCATION_DAYS: i64 = 30;
/// Months for which request rows are kept. SQL: the same, and `hub_private.refuse_request_change()`.
#[cfg_attr(deployed, expect(dead_code, reason = "compared with the database by tests/schema.rs"))]
pub const REQUEST_LOG_MONTHS: u32 = 12;
/// Months for which a month of the audit log is kept. SQL: `hub_private.months_over()`, `hub_private.months_to_keep()`.
#[cfg_attr(deployed, expect(dead_code, reason = "compared with the database by tests/schema.rs"))]
pub const AUDIT_LOG_MONTHS: u32 = 24;

/// Maximum time for a client to send its body, in milliseconds.
pub const BODY_READ_MS: u32 = 20_000;
/// Maximum time that a request holds its body, in milliseconds: reading it, then Clerk, the read record, and the slowest
/// function of the database.
pub const MAX_BODY_MS: u64 = 120_000;
/// The same for an unknown sender: reading it, then one request to the database or a sign-out at Clerk.
pub const MAX_UNKNOWN_BODY_MS: u64 = 40_000;
/// Timeout of a statement for a client's request, in milliseconds. SQL: `statement_timeout` of each role.
pub const STATEMENT_MS: u32 = 8_000;
/// Timeout of a statement of a nightly job, in milliseconds. SQL: `hub.run_checks()`, `hub.keep_house()`.
pub const JOB_STATEMENT_MS: u32 = 60_000;
/// Timeout of a request for it, in milliseconds.
pub const JOB_REQUEST_MS: u32 = 65_000;
/// Time that one step of a nightly job works, in milliseconds. SQL: `budget` of `hub_private.run_checks()` and
/// `hub_private.forget_old()`.
pub const JOB_STEP_MS: u32 = 20_000;
/// Time in which a run of a nightly job begins steps, in milliseconds.
pub const JOB_RUN_MS: u32 = 600_000;
/// Time between the first and the last run of a nightly job, in minutes; `JOBS` has their hours.
pub const NIGHT_MINUTES: u32 = 120;
/// Time in which checks that are done are not repeated, in minutes.
pub const CHECKS_DONE_MINUTES: u32 = 720;
/// Time after which an unfinished run of the checks is not continued, in hours. SQL: `hub_private.run_checks()`.
pub const CHECKS_UNFINISHED_HOURS: u32 = 12;
/// Time without a result of a nightly check after which it is an alert, in hours. SQL: `hub_private.find_alerts()`.
pub const CHECKS_STALE_HOURS: u32 = 26;
/// Time between two runs of the job that sends alerts, in minutes; each looks at what began since the one before. SQL:
/// `hub_private.find_alerts()`.
#[cfg_attr(deployed, expect(dead_code, reason = "compared with JOBS and the database by tests/schema.rs"))]
pub const ALERT_MINUTES: u32 = 15;
/// Timeout of an erasure, in milliseconds. SQL: `hub.erase_user()`.
pub const ERASURE_STATEMENT_MS: u32 = 80_000;
/// Timeout of a request for it, in milliseconds.
pub const ERASURE_REQUEST_MS: u32 = 85_000;
/// Time after which Cloudflare, which proxies Supabase, cancels a request, in milliseconds.
///
/// Source: <https://developers.cloudflare.com/fundamentals/reference/connection-limits/>
const CLOUDFLARE_PROXY_MS: u32 = 100_000;
/// Time that a cron run may take, in milliseconds.
///
/// Source: <https://developers.cloudflare.com/workers/platform/limits/>
const CRON_RUN_MS: u32 = 900_000;

const DATABASE_REQUEST_MS: u32 = POSTGREST.timeout_ms;
const CLERK_REQUEST_MS: u32 = CLERK_BACKEND_API.timeout_ms;
const DAY_S: i64 = 86_400;
const DAY_MINUTES: u32 = 1_440;

// A request ends before its token does.
const _: () = assert!(MIN_DATABASE_TOKEN_S * 1000 >= DATABASE_REQUEST_MS as i64);
const _: () = assert!(MIN_DATABASE_TOKEN_S < DATABASE_TOKEN_S);
const _: () = assert!(CLOCK_SKEW_S < DATABASE_TOKEN_S && DATABASE_TOKEN_S < MAX_SESSION_TOKEN_S);
// No token that a revocation is about outlives it, and none is erased from the database before.
const _: () = assert!(CLERK_REVOCATION_S >= LAST_TOKEN_S && REVOCATION_S >= LAST_TOKEN_S);
const _: () = assert!(ERASURE_DELAY_S >= REVOCATION_S && ERASURE_DELAY_S >= CLERK_REVOCATION_S);
// A message is known for as long as it could be accepted, and a revocation for as long as a message is known.
const _: () = assert!(WEBHOOK_MESSAGE_DAYS * DAY_S > WEBHOOK_TOLERANCE_S);
const _: () = assert!(EXPIRED_REVOCATION_DAYS >= WEBHOOK_MESSAGE_DAYS);
// A body is held until the last request for it has ended.
const _: () = assert!(
    (BODY_READ_MS + CLERK_REQUEST_MS + DATABASE_REQUEST_MS + ERASURE_REQUEST_MS) as u64 <= MAX_BODY_MS
        && (BODY_READ_MS + CLERK_REQUEST_MS + DATABASE_REQUEST_MS) as u64 <= MAX_UNKNOWN_BODY_MS
);
// The database ends a statement itself, before the Hub and Cloudflare stop waiting for it.
const _: () = assert!(STATEMENT_MS < DATABASE_REQUEST_MS && DATABASE_REQUEST_MS < CLOUDFLARE_PROXY_MS);
const _: () = assert!(JOB_STEP_MS < JOB_STATEMENT_MS && JOB_STATEMENT_MS < JOB_REQUEST_MS);
const _: () = assert!(ERASURE_STATEMENT_MS < ERASURE_REQUEST_MS);
const _: () = assert!(JOB_REQUEST_MS < CLOUDFLARE_PROXY_MS && ERASURE_REQUEST_MS < CLOUDFLARE_PROXY_MS);
const _: () = assert!(JOB_RUN_MS + JOB_REQUEST_MS < CRON_RUN_MS);
// The runs of one night continue one another, and the next night begins anew; one late run is no alert.
const _: () = assert!(NIGHT_MINUTES < CHECKS_DONE_MINUTES && CHECKS_DONE_MINUTES + NIGHT_MINUTES < DAY_MINUTES);
const _: () =
    assert!(NIGHT_MINUTES < CHECKS_UNFINISHED_HOURS * 60 && CHECKS_UNFINISHED_HOURS * 60 + NIGHT_MINUTES < DAY_MINUTES);
const _: () = assert!(CHECKS_STALE_HOURS * 60 >= DAY_MINUTES + NIGHT_MINUTES);
