//! Checks the language of comments and documents: doc comments begin with a noun phrase or a verb, and no text uses an
//! idiom that a reader of another project would have to learn.

#![expect(clippy::expect_used, reason = "a test reports by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// First words of a clause without a noun: `What it is for.` in place of `The purpose.`
const CLAUSE_STARTERS: [&str; 22] = [
    "as", "behind", "by", "how", "it", "nobody", "nothing", "so", "somebody", "that", "there", "this", "those", "what",
    "when", "where", "whether", "which", "who", "whom", "whose", "why",
];

/// Idioms of earlier versions, with the field's terms in their place in `docs/architecture.md`. Words in code quotes are
/// identifiers and are not counted.
const IDIOMS: [&str; 29] = [
    "a word against",
    "a word of",
    "burn",
    "burns",
    "burnt",
    "by hand",
    "come again",
    "comes again",
    "door",
    "doors",
    "floor",
    "floors",
    "go on",
    "goes on",
    "gone round",
    "good key",
    "good token",
    "is away",
    "journal",
    "knock",
    "nobody",
    "once more",
    "somebody",
    "speaks",
    "stranger",
    "strangers",
    "told",
    "trail",
    "whoever",
];

const FOLDERS: [&str; 10] =
    ["bench", "dev", "docs", "examples", "fuzz/fuzz_targets", "src", "supabase/tests", "templates", "tests", ".github"];

/// Every text below a folder, without installed packages and generated files.
fn texts(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of the project can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "node_modules" | "golden" | "vectors" | "dist" | ".local") {
                texts(&path, found);
            }
        } else if marker(&path).is_some() && name != "language.rs" {
            let text = fs::read_to_string(&path).expect("a text is UTF-8");
            found.push((path, text));
        }
    }
}

/// Returns what begins a comment in a file of this kind; the whole of a document is text.
fn marker(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "md" => Some(""),
        "mjs" | "rs" => Some("//"),
        "sh" | "toml" | "yml" => Some("#"),
        "sql" => Some("--"),
        _ => None,
    }
}

fn all() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        texts(Path::new(folder), &mut found);
    }
    for document in
        ["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "Cargo.toml", "wrangler.toml", "build.rs"]
    {
        found.push((document.into(), fs::read_to_string(document).expect("a document of the project can be read")));
    }
    found
}

/// Returns the prose of a line: its comment, without what stands in code quotes.
fn prose(line: &str, marker: &str) -> String {
    let comment = match line.find(marker) {
        // `https://` begins no comment.
        Some(at) if marker.is_empty() || at == 0 || line[..at].ends_with(char::is_whitespace) => {
            &line[at + marker.len()..]
        }
        _ => "",
    };
    comment.split('`').step_by(2).collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Returns whether the words of a phrase occur in a text, as words.
fn contains(text: &str, phrase: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    text.match_indices(phrase)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + phrase.len()..].starts_with(part))
}

#[test]
fn at_most_one_doc_comment_in_a_hundred_begins_with_a_clause() {
    let (mut comments, mut clauses) = (0, Vec::new());
    for (path, text) in all().into_iter().filter(|(path, _)| path.extension().is_some_and(|kind| kind == "rs")) {
        let mut inside = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
            if let (Some(doc), false) = (doc, inside) {
                comments += 1;
                let first: String = doc.trim_start().chars().take_while(|letter| letter.is_alphabetic()).collect();
                if CLAUSE_STARTERS.contains(&first.to_lowercase().as_str()) {
                    clauses.push(format!("{}:{}: {doc}", path.display(), number + 1));
                }
            }
            inside = doc.is_some();
        }
    }
    assert!(comments > 1_000, "only {comments} doc comments were found");
    assert!(clauses.len() * 100 <= comments, "{} of {comments}:\n{}", clauses.len(), clauses.join("\n"));
}

#[test]
fn comments_and_documents_use_no_idiom() {
    let mut found = Vec::new();
    for (path, text) in all() {
        let marker = marker(&path).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let prose = prose(line, marker);
            let idioms = IDIOMS.iter().filter(|idiom| contains(&prose, idiom));
            found.extend(idioms.map(|idiom| format!("{}:{}: {idiom}", path.display(), number + 1)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn prose_excludes_code_and_code_quotes() {
    assert_eq!(prose("let x = 1; // The `trail` of Nobody", "//").trim(), "the   of nobody");
    assert_eq!(prose("let url = \"https://trail\";", "//"), "");
    assert!(contains("a good token.", "good token") && !contains("no tokens told-off", "told"));
}
