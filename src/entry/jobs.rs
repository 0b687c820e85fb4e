//! The scheduled jobs: one row each. The build script includes this file too, so it refers to no other module.

/// A scheduled job.
#[derive(Debug)]
pub struct Job {
    /// The name: the database sees it as `system:<name>`.
    pub name: &'static str,
    /// The schedule, in Cloudflare's cron syntax (UTC); the crons in `wrangler.toml` must be the same.
    pub cron: &'static str,
    /// The work of the job.
    pub kind: JobKind,
}

/// The work of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Creates partitions ahead, retires past months, deletes expired rows (L-2, I-2).
    Maintenance,
    /// Finds changes that bypassed the audit log, and stores the findings (A-3, L-1).
    IntegrityChecks,
    /// Reports problems to an operator.
    SendAlerts,
}

/// All jobs.
pub const JOBS: &[Job] = &[
    // Several runs: each continues the unfinished work of the previous one, and finished work is not repeated.
    Job { name: "maintenance", cron: "17 3-5 * * *", kind: JobKind::Maintenance },
    Job { name: "integrity-checks", cron: "43 3-5 * * *", kind: JobKind::IntegrityChecks },
    Job { name: "alerts", cron: "*/15 * * * *", kind: JobKind::SendAlerts },
];
