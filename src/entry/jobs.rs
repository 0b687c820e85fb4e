//! The scheduled jobs: one row each. The build script reads this file too, so it names nothing else.

/// A job that runs by the clock.
#[derive(Debug)]
pub struct Job {
    /// Its name: the database sees it as `system:<name>`.
    pub name: &'static str,
    /// When it runs, in Cloudflare's cron syntax (UTC); the crons in `wrangler.toml` must agree.
    pub cron: &'static str,
    /// What it does.
    pub work: Work,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Makes partitions ahead and forgets revocations that ran out (L-2, I-2).
    KeepHouse,
}

/// Every job there is.
pub const JOBS: &[Job] = &[Job { name: "house", cron: "17 3 * * *", work: Work::KeepHouse }];
