//! Rejects a build whose `wrangler.toml` differs from the source, and embeds version and commit.

#[path = "src/entry/jobs.rs"]
#[expect(dead_code, reason = "the build script reads the crons only")]
mod jobs;
#[path = "src/entry/queues.rs"]
#[expect(dead_code, reason = "the build script reads what wrangler.toml says too")]
mod queues;
#[path = "src/logic/config/variables.rs"]
#[expect(dead_code, reason = "the build script reads names and kinds only")]
mod vars;

use queues::PREVIEW_SUFFIX;
use std::{collections::BTreeSet, env, fs, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=wrangler.toml");
    println!("cargo::rerun-if-changed=src/entry/jobs.rs");
    println!("cargo::rerun-if-changed=src/entry/queues.rs");
    println!("cargo::rerun-if-changed=src/logic/config/variables.rs");
    // Grows with every commit. An absent file would make Cargo run the build script every time.
    if fs::exists(".git/logs/HEAD").unwrap_or(false) {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    println!("cargo::rerun-if-env-changed=HUB_COMMIT");
    let file = fs::read_to_string("wrangler.toml").map_err(|error| vec![format!("cannot be read: {error}")]);
    for problem in file.map_or_else(|problems| problems, |text| problems(&text)) {
        println!("cargo::error=wrangler.toml: {problem}");
    }
    println!("cargo::rustc-env=HUB_COMMIT={}", commit());
    // The deployed build keeps its layers private (src/lib.rs).
    let for_workers = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|architecture| architecture == "wasm32");
    if for_workers && env::var_os("CARGO_FEATURE_TEST_INTERNALS").is_none() {
        println!("cargo::rustc-cfg=deployed");
    }
}

/// Returns the problems in the text of `wrangler.toml`.
pub fn problems(text: &str) -> Vec<String> {
    let parsed = match text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => return vec![format!("is not TOML: {error}")],
    };
    let preview =
        parsed.get("env").and_then(|environments| environments.get("preview")).and_then(toml::Value::as_table);
    let mut problems = environment_problems(&parsed, &parsed, "");
    match preview {
        Some(preview) => problems.extend(environment_problems(&parsed, preview, PREVIEW_SUFFIX)),
        None => problems.push("lacks [env.preview]".to_owned()),
    }
    problems
}

/// Returns the problems of one environment: of its own table, and of the top-level keys that Wrangler inherits.
fn environment_problems(top: &toml::Table, own: &toml::Table, suffix: &str) -> Vec<String> {
    let place = if suffix.is_empty() { "" } else { "env.preview." };
    let inherited = |name: &str| own.get(name).or_else(|| top.get(name));
    let names = |values: Option<&toml::Value>| -> BTreeSet<String> {
        let values = values.and_then(toml::Value::as_array).into_iter().flatten();
        values.filter_map(toml::Value::as_str).map(str::to_owned).collect()
    };
    let of_kind = |wanted: fn(&vars::Variable) -> bool| -> BTreeSet<String> {
        vars::VARIABLES.iter().filter(|var| wanted(var)).map(|var| var.name.to_owned()).collect()
    };
    let mut problems = Vec::new();
    let mut compare = |what: &str, list: &str, wanted: BTreeSet<String>, found: BTreeSet<String>| {
        problems
            .extend(wanted.difference(&found).map(|name| format!("[{place}{what}] lacks {name}, which {list} has")));
        problems.extend(
            found.difference(&wanted).map(|name| format!("[{place}{what}] has {name}, which is no row of {list}")),
        );
    };
    let set = own.get("vars").and_then(toml::Value::as_table).map(|table| table.keys().cloned().collect());
    compare("vars", "VARS (plain)", of_kind(|var| var.kind == vars::VariableKind::Plain), set.unwrap_or_default());
    compare(
        "secrets",
        "VARS (required secrets)",
        of_kind(|var| var.kind == vars::VariableKind::Secret && var.when_missing == vars::WhenMissing::Refused),
        names(own.get("secrets").and_then(|secrets| secrets.get("required"))),
    );
    let crons = inherited("triggers").and_then(|triggers| triggers.get("crons"));
    compare("triggers", "JOBS", jobs::JOBS.iter().map(|job| job.cron.to_owned()).collect(), names(crons));
    let routes = inherited("routes").and_then(toml::Value::as_array).into_iter().flatten();
    let hosts = routes.filter(|route| route.get("custom_domain").and_then(toml::Value::as_bool) == Some(true));
    let hosts =
        hosts.filter_map(|route| route.get("pattern")?.as_str().map(|host| format!("https://{host}"))).collect();
    let origin = own.get("vars").and_then(|vars| vars.get("HUB_ORIGIN")).and_then(toml::Value::as_str);
    compare("routes", "HUB_ORIGIN", origin.map(str::to_owned).into_iter().collect(), hosts);
    // An SQL name, so without a hyphen.
    let dataset = format!("METRICS stacklumen_hub{}", suffix.replace('-', "_"));
    let datasets = own.get("analytics_engine_datasets").and_then(toml::Value::as_array).into_iter().flatten();
    let value_text =
        |set: &toml::Value, key: &str| set.get(key).and_then(toml::Value::as_str).unwrap_or("-").to_owned();
    let datasets =
        datasets.map(|set| format!("{} {}", value_text(set, "binding"), value_text(set, "dataset"))).collect();
    compare("analytics_engine_datasets", "build.rs", BTreeSet::from([dataset]), datasets);
    for (path, wanted) in SWITCHES {
        let (first, rest) = path.split_first().unwrap_or((&"", &[]));
        let found = rest.iter().try_fold(inherited(first), |value, name| Some(value?.get(name)));
        if found.flatten().and_then(toml::Value::as_bool) != Some(*wanted) {
            problems.push(format!("{place}{} must be {wanted}", path.join(".")));
        }
    }
    problems.extend(queue_problems(own, place, suffix));
    problems
}

/// Switches that close the paths around the zone and protect the logs: no address but that of `HUB_ORIGIN`, no response
/// from a cache before the Hub has checked the request, no URLs in the logs.
const SWITCHES: &[(&[&str], bool)] = &[
    (&["workers_dev"], false),
    (&["preview_urls"], false),
    (&["cache", "enabled"], false),
    (&["observability", "enabled"], true),
    (&["observability", "logs", "enabled"], true),
    (&["observability", "redact_query_string"], true),
    (&["observability", "logs", "invocation_logs"], false),
    (&["observability", "traces", "enabled"], false),
];

/// Compares each row of QUEUES with an environment, in both directions; a row is its values in the order of the keys.
fn queue_problems(parsed: &toml::Table, place: &str, suffix: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut compare = |kind: &str, keys: &[&str], wanted: BTreeSet<String>| {
        let queues = parsed.get("queues").and_then(|queues| queues.get(kind)).and_then(toml::Value::as_array);
        let value_text = |value: &toml::Value| {
            value.as_str().map(str::to_owned).or_else(|| value.as_integer().map(|number| number.to_string()))
        };
        let row = |queue: &toml::Value| {
            let values = keys.iter().map(|key| queue.get(key).and_then(value_text).unwrap_or_else(|| "-".to_owned()));
            values.collect::<Vec<_>>().join(" ")
        };
        let found: BTreeSet<String> = queues.into_iter().flatten().map(row).collect();
        let named = keys.join(", ");
        problems.extend(
            wanted.difference(&found).map(|row| format!("[[{place}queues.{kind}]] lacks {row} of QUEUES ({named})")),
        );
        problems.extend(
            found
                .difference(&wanted)
                .map(|row| format!("[[{place}queues.{kind}]] has {row}, no row of QUEUES ({named})")),
        );
    };
    let producers =
        queues::QUEUES.iter().filter_map(|queue| Some(format!("{} {}{suffix}", queue.binding?, queue.name)));
    compare("producers", &["binding", "queue"], producers.collect());
    let consumers = queues::QUEUES.iter().map(|queue| {
        let dead = queue.dead_letters_to.map_or_else(|| "-".to_owned(), |name| format!("{name}{suffix}"));
        format!(
            "{}{suffix} {} {} {} {dead}",
            queue.name, queue.max_batch_size, queue.max_batch_timeout_s, queue.max_retries
        )
    });
    let keys = ["queue", "max_batch_size", "max_batch_timeout", "max_retries", "dead_letter_queue"];
    compare("consumers", &keys, consumers.collect());
    problems
}

/// Returns the commit, from the environment (a build without a checkout) or from git.
fn commit() -> String {
    let git = || {
        let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    env::var("HUB_COMMIT").ok().filter(|commit| !commit.is_empty()).or_else(git).unwrap_or_else(|| "unknown".to_owned())
}
