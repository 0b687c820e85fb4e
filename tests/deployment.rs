//! Has the build script judge changed copies of `wrangler.toml`: what a deployment must not lose cannot be lost.

#![allow(clippy::unwrap_used, reason = "a test may say what it knows")]

#[allow(dead_code, clippy::print_stdout, reason = "the main function is the build script's")]
#[path = "../build.rs"]
mod build;

const FILE: &str = include_str!("../wrangler.toml");

/// Lines that may be taken away: Wrangler has a default that is as good, or refuses the deployment itself.
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

/// The file with another text in place of one line.
fn with(line: usize, other: &str) -> String {
    let lines = FILE.lines().enumerate().map(|(at, text)| if at == line { other } else { text });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn accepts_the_file_of_the_repository() {
    assert_eq!(build::problems(FILE), Vec::<String>::new());
}

#[test]
fn names_every_line_that_is_taken_away() {
    let mut tried = 0;
    for (at, line) in FILE.lines().enumerate().filter(|(_, line)| matters(line)) {
        assert_ne!(build::problems(&with(at, "")), Vec::<String>::new(), "line {}: {line}", at + 1);
        tried += 1;
    }
    assert!(tried > 60, "{tried}");
}

/// Another value of the same type; `None` where the value is the operator's, which the Hub judges when it starts.
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
fn names_every_value_that_is_changed() {
    let mut tried = 0;
    for (at, line) in FILE.lines().enumerate().filter(|(_, line)| matters(line)) {
        let Some(other) = changed(line) else { continue };
        assert_ne!(build::problems(&with(at, &other)), Vec::<String>::new(), "line {}: {other}", at + 1);
        tried += 1;
    }
    assert!(tried > 25, "{tried}");
}

/// Mistakes that the audit met or that Wrangler's documentation warns of.
#[test]
fn names_mistakes_of_environments() {
    for (from, to) in [
        ("\n[env.preview]\n", "\n[env.staging]\n"),
        ("\"hub-audit-preview\"", "\"hub-audit\""),
        ("\"hub-audit-dead-preview\"", "\"hub-audit-dead\""),
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
