//! Runs the build script's checks on changed copies of `wrangler.toml`, and checks the scripts that build and test the
//! Hub: a deployment uses only pinned versions, and a lost setting fails the build.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, clippy::print_stdout, reason = "the main function is the build script's")]
#[path = "../build.rs"]
mod build;

use std::fs;

const FILE: &str = include_str!("../wrangler.toml");

/// Lines that may be removed: Wrangler has an equivalent default, or rejects the deployment itself.
const FREE: [&str; 8] = [
    "name = ",
    "main = ",
    "compatibility_date = ",
    "placement = ",
    "limits = ",
    "destinations = ",
    "command = ",
    "[build]",
];

fn matters(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#') && !FREE.iter().any(|free| line.starts_with(free))
}

/// Returns the file with another text in place of one line.
fn with(line: usize, other: &str) -> String {
    let lines = FILE.lines().enumerate().map(|(at, text)| if at == line { other } else { text });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn accepts_the_repository_file() {
    assert_eq!(build::problems(FILE), Vec::<String>::new());
}

#[test]
fn reports_every_removed_line() {
    let mut tried = 0;
    for (at, line) in FILE.lines().enumerate().filter(|(_, line)| matters(line)) {
        assert_ne!(build::problems(&with(at, "")), Vec::<String>::new(), "line {}: {line}", at + 1);
        tried += 1;
    }
    assert!(tried > 60, "{tried}");
}

/// Returns another value of the same type; `None` for an operator's value, which the Hub checks when it starts.
fn changed(line: &str) -> Option<String> {
    let (name, value) = line.split_once(" = ")?;
    if name != "HUB_ORIGIN" && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        return None;
    }
    let value = if value.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{value}0")
    } else if value.contains("true") {
        value.replacen("true", "false", 1)
    } else if value.contains("false") {
        value.replacen("false", "true", 1)
    } else {
        value.replacen('"', "\"x", 1)
    };
    Some(format!("{name} = {value}"))
}

#[test]
fn reports_every_changed_value() {
    let mut tried = 0;
    for (at, line) in FILE.lines().enumerate().filter(|(_, line)| matters(line)) {
        let Some(other) = changed(line) else { continue };
        assert_ne!(build::problems(&with(at, &other)), Vec::<String>::new(), "line {}: {other}", at + 1);
        tried += 1;
    }
    assert!(tried > 25, "{tried}");
}

/// Mistakes that the audit found or that Wrangler's documentation warns of.
#[test]
fn reports_mistakes_in_environments() {
    for (from, to) in [
        ("\n[env.preview]\n", "\n[env.staging]\n"),
        ("\"hub-request-log-preview\"", "\"hub-request-log\""),
        ("\"hub-request-log-dlq-preview\"", "\"hub-request-log-dlq\""),
        ("https://hub-preview.stacklumen.example", "https://hub.stacklumen.example"),
        ("\"CLERK_SECRET_KEY\", ", ""),
        ("\"HUB_SIGNING_KEYS\"]", "\"HUB_SIGNING_KEYS\", \"HUB_HMAC_KEY\"]"),
        ("custom_domain = true", "custom_domain = false"),
        ("\n[env.preview]\n", "\n[env.preview]\nworkers_dev = true\n"),
        ("\n[env.preview]\n", "\n[env.preview]\ncache = { enabled = true }\n"),
        ("\n[env.preview]\n", "\n[env.preview]\nobservability = { enabled = true }\n"),
    ] {
        let text = FILE.replacen(from, to, 1);
        assert_ne!(text, FILE, "{from}");
        assert_ne!(build::problems(&text), Vec::<String>::new(), "{from} -> {to}");
    }
}

/// Returns scripts and workflows that run commands, with their text.
fn scripts() -> Vec<(String, String)> {
    let folders = ["dev", "dev/setup", "dev/cargo-cdylib-wrapper", ".ci", ".github/workflows"];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let script = |name: &str| {
        ["sh", "yml"].iter().any(|end| name.ends_with(end)) || ["Makefile", "run", "cargo"].contains(&name)
    };
    let named = |path: &std::path::Path| script(path.file_name().unwrap().to_str().unwrap());
    let files = entries.filter(|path| path.is_file() && named(path)).chain(["Makefile".into()]);
    files.map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn workflows_pin_actions_by_commit_and_images_by_name() {
    let mut pinned = 0;
    for (path, text) in scripts() {
        for line in text.lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("uses: ")) {
            let (action, version) = line.split_once(" # v").unwrap_or_else(|| panic!("{path}: {line} says no version"));
            let (_, commit) = action.split_once('@').unwrap_or_default();
            let hexadecimal = commit.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            assert!(commit.len() == 40 && hexadecimal && version.contains('.'), "{path}: {line}");
            pinned += 1;
        }
        assert!(!text.contains("-latest"), "{path}");
    }
    assert!(pinned >= 8, "{pinned}");
}

/// Cargo commands that resolve dependencies; the standard library's own build has its own lock file.
#[test]
fn cargo_commands_use_the_lock_file() {
    const COMMANDS: [&str; 9] = ["build", "test", "run", "clippy", "doc", "install", "deny", "check", "\" rustc"];
    let mut locked = 0;
    for (path, text) in scripts() {
        let joined = text.replace("\\\n", " ");
        for line in joined.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let command = |name: &&str| {
                line.contains(&format!("cargo {name}")) || (name.starts_with('"') && line.contains(*name))
            };
            if COMMANDS.iter().any(command) && !line.contains("-Z build-std") {
                assert!(line.contains("--locked") || line.contains(" locked_first "), "{path}: {}", line.trim());
                locked += 1;
            }
        }
        assert!(!text.contains("npm install") && !text.contains("npm i "), "{path}");
    }
    assert!(locked > 8, "{locked}");
}

/// Returns the numbered steps of a document, including nested ones, each with its text up to the next.
fn steps(text: &str) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let (number, _) = line.trim_start().split_once(". ").unwrap_or_default();
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            steps.push(String::new());
            open = true;
        } else if line.starts_with('#') {
            open = false;
        }
        if let (true, Some(step)) = (open, steps.last_mut()) {
            step.push_str(line);
            step.push('\n');
        }
    }
    steps
}

/// Each step contains a check of its completion.
#[test]
fn every_runbook_step_has_a_check() {
    for (path, most) in [("docs/operations/runbooks.md", 30), ("docs/operations.md", 6)] {
        let text = fs::read_to_string(path).unwrap();
        let steps = if path.ends_with("runbooks.md") {
            steps(&text)
        } else {
            steps(text.split("\n## Revoking").next().unwrap())
        };
        assert!(steps.len() >= most, "{path}: {}", steps.len());
        for step in steps {
            let checked = step.contains("Check") || step.contains("| check |") || step.contains("in this order:");
            assert!(checked, "{path}: {step}");
        }
    }
}
