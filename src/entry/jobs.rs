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
    /// Makes partitions ahead, retires months that are over, forgets what ran out (L-2, I-2).
    KeepHouse,
    /// Looks for what was changed past the trail, and stores what it finds (A-3, L-1).
    RunChecks,
    /// Tells an operator of what needs one.
    SendAlerts,
}

/// Every job there is.
pub const JOBS: &[Job] = &[
    // More than once: what the first run did not end, the next one goes on with; what is done is not done again.
    Job { name: "house", cron: "17 3-5 * * *", work: Work::KeepHouse },
    Job { name: "checks", cron: "43 3-5 * * *", work: Work::RunChecks },
    Job { name: "alerts", cron: "*/15 * * * *", work: Work::SendAlerts },
];
