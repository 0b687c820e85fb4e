//! Refuses a build whose `wrangler.toml` does not say what the source says, and embeds version and commit.

#[path = "src/entry/jobs.rs"]
#[allow(dead_code, reason = "the build script reads the crons only")]
mod jobs;
#[path = "src/logic/vars.rs"]
#[allow(dead_code, reason = "the build script reads names and kinds only")]
mod vars;

use std::{collections::BTreeSet, env, fs, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=wrangler.toml");
    println!("cargo::rerun-if-changed=src/entry/jobs.rs");
    println!("cargo::rerun-if-changed=src/logic/vars.rs");
    // Grows with every commit; a file that is not there would have the build run again each time.
    if fs::exists(".git/logs/HEAD").unwrap_or(false) {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    println!("cargo::rerun-if-env-changed=HUB_COMMIT");
    for problem in problems() {
        println!("cargo::error=wrangler.toml: {problem}");
    }
    println!("cargo::rustc-env=HUB_COMMIT={}", commit());
}

fn problems() -> Vec<String> {
    let file = match fs::read_to_string("wrangler.toml") {
        Ok(text) => text,
        Err(error) => return vec![format!("cannot be read: {error}")],
    };
    let parsed = match file.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => return vec![format!("is not TOML: {error}")],
    };
    let plain: BTreeSet<_> =
        vars::VARS.iter().filter(|var| var.kind == vars::VarKind::Plain).map(|var| var.name.to_owned()).collect();
    let set: BTreeSet<_> = parsed
        .get("vars")
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default();
    let wanted: BTreeSet<_> = jobs::JOBS.iter().map(|job| job.cron.to_owned()).collect();
    let crons: BTreeSet<_> = parsed
        .get("triggers")
        .and_then(|triggers| triggers.get("crons"))
        .and_then(toml::Value::as_array)
        .map(|crons| crons.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let mut problems = Vec::new();
    problems.extend(plain.difference(&set).map(|name| format!("[vars] lacks {name}, which VARS has")));
    problems.extend(set.difference(&plain).map(|name| format!("[vars] has {name}, which is no plain row of VARS")));
    problems.extend(wanted.difference(&crons).map(|cron| format!("[triggers] lacks the cron \"{cron}\" of JOBS")));
    problems
        .extend(crons.difference(&wanted).map(|cron| format!("[triggers] has the cron \"{cron}\", which no job has")));
    problems
}

/// The commit, from the environment (a build without a checkout) or from git.
fn commit() -> String {
    let asked = || {
        let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    env::var("HUB_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty())
        .or_else(asked)
        .unwrap_or_else(|| "unknown".to_owned())
}
