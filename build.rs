//! Refuses a build whose `wrangler.toml` does not say what the source says, and embeds version and commit.

#[path = "src/entry/jobs.rs"]
#[allow(dead_code, reason = "the build script reads the crons only")]
mod jobs;
#[path = "src/entry/queues.rs"]
#[allow(dead_code, reason = "the build script reads what wrangler.toml says too")]
mod queues;
#[path = "src/logic/vars.rs"]
#[allow(dead_code, reason = "the build script reads names and kinds only")]
mod vars;

use std::{collections::BTreeSet, env, fs, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=wrangler.toml");
    println!("cargo::rerun-if-changed=src/entry/jobs.rs");
    println!("cargo::rerun-if-changed=src/entry/queues.rs");
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
    let mut problems = queue_problems(&parsed);
    problems.extend(plain.difference(&set).map(|name| format!("[vars] lacks {name}, which VARS has")));
    problems.extend(set.difference(&plain).map(|name| format!("[vars] has {name}, which is no plain row of VARS")));
    problems.extend(wanted.difference(&crons).map(|cron| format!("[triggers] lacks the cron \"{cron}\" of JOBS")));
    problems
        .extend(crons.difference(&wanted).map(|cron| format!("[triggers] has the cron \"{cron}\", which no job has")));
    problems
}

/// Each row of QUEUES against `wrangler.toml`, both ways; a row is its values in the order of the keys.
fn queue_problems(parsed: &toml::Table) -> Vec<String> {
    let mut problems = Vec::new();
    let mut compare = |kind: &str, keys: &[&str], wanted: BTreeSet<String>| {
        let queues = parsed.get("queues").and_then(|queues| queues.get(kind)).and_then(toml::Value::as_array);
        let word = |value: &toml::Value| {
            value.as_str().map(str::to_owned).or_else(|| value.as_integer().map(|number| number.to_string()))
        };
        let row = |queue: &toml::Value| {
            let values = keys.iter().map(|key| queue.get(key).and_then(word).unwrap_or_else(|| "-".to_owned()));
            values.collect::<Vec<_>>().join(" ")
        };
        let found: BTreeSet<String> = queues.into_iter().flatten().map(row).collect();
        let named = keys.join(", ");
        problems
            .extend(wanted.difference(&found).map(|row| format!("[[queues.{kind}]] lacks {row} of QUEUES ({named})")));
        problems.extend(
            found.difference(&wanted).map(|row| format!("[[queues.{kind}]] has {row}, no row of QUEUES ({named})")),
        );
    };
    let producers = queues::QUEUES.iter().filter_map(|queue| Some(format!("{} {}", queue.binding?, queue.name)));
    compare("producers", &["binding", "queue"], producers.collect());
    let consumers = queues::QUEUES.iter().map(|queue| {
        let dead = queue.dead_letters.unwrap_or("-");
        format!("{} {} {} {} {dead}", queue.name, queue.batch, queue.gathering_s, queue.retries)
    });
    let keys = ["queue", "max_batch_size", "max_batch_timeout", "max_retries", "dead_letter_queue"];
    compare("consumers", &keys, consumers.collect());
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
