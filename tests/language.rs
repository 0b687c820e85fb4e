//! Checks the language of identifiers, comments, documents and public texts: doc comments begin with a noun phrase or a
//! verb, and no name and no text uses an idiom that a reader of another project would have to learn.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test reports by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// First words of a clause without a noun: `What it is for.` in place of `The purpose.`
const CLAUSE_STARTERS: [&str; 22] = [
    "as", "behind", "by", "how", "it", "nobody", "nothing", "so", "somebody", "that", "there", "this", "those", "what",
    "when", "where", "whether", "which", "who", "whom", "whose", "why",
];

/// Idioms of earlier versions, with the field's terms in their place in `docs/architecture.md`. In prose, words in code
/// quotes are identifiers and are not counted.
const IDIOMS: [&str; 40] = [
    "a word against",
    "a word of",
    "answered",
    "anybody",
    "asked",
    "broke off",
    "burn",
    "burns",
    "burnt",
    "by hand",
    "come again",
    "comes again",
    "door",
    "doors",
    "everybody",
    "floor",
    "floors",
    "go on",
    "goes on",
    "gone round",
    "good key",
    "good token",
    "house",
    "is away",
    "journal",
    "knock",
    "looked at",
    "looked for",
    "looks for",
    "nobody",
    "not a word",
    "once more",
    "passed on",
    "somebody",
    "speaks",
    "stranger",
    "strangers",
    "told",
    "trail",
    "whoever",
];

/// Words of the same idioms in identifiers, where each of them had a term of the field: response, request, read record,
/// audit log, request log, maintenance, route, user, unauthenticated, valid, invalid.
const IDENTIFIER_IDIOMS: [&str; 47] = [
    "answer",
    "answered",
    "answers",
    "anybody",
    "ask",
    "asked",
    "asking",
    "asks",
    "bad",
    "burn",
    "burned",
    "burnt",
    "door",
    "doors",
    "everybody",
    "gone",
    "good",
    "honest",
    "house",
    "journal",
    "knock",
    "knocks",
    "look",
    "looked",
    "looks",
    "nobody",
    "people",
    "person",
    "persons",
    "question",
    "questions",
    "reply",
    "said",
    "seen",
    "somebody",
    "spoilt",
    "stranger",
    "strangers",
    "tell",
    "tells",
    "told",
    "trail",
    "well",
    "whoever",
    "whose",
    "word",
    "words",
];

/// Identifiers of scripts that name an argument of an SQL function, a column, a role or what the log of one contains:
/// they change with the baseline of the migrations, and then this list is empty.
const SQL_NAMES: [&str; 4] = ["looked_at", "nobody", "person", "words"];

/// Words of promises as they were made.
const PROMISED: [&str; 2] = ["answered in writing", "goes on the changelog"];

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

/// Returns the code of a file and its string literals; comments and regular expressions are in neither.
///
/// An expression within a template literal is code.
fn code_and_strings(text: &str, javascript: bool) -> (String, Vec<String>) {
    let letters: Vec<char> = text.chars().collect();
    let at = |place: usize| letters.get(place).copied().unwrap_or('\0');
    let (mut code, mut strings, mut place) = (String::new(), Vec::new(), 0);
    // The depth of braces at the beginning of each open expression of a template literal.
    let (mut depth, mut templates) = (0, Vec::new());
    while place < letters.len() {
        let (letter, next) = (at(place), at(place + 1));
        let begins_regex = || code.trim_end().chars().last().is_none_or(|last| "(,=:[!&|?{};>".contains(last));
        match letter {
            '/' if next == '/' => place += letters[place..].iter().take_while(|letter| **letter != '\n').count(),
            '/' if next == '*' => {
                while place < letters.len() && !(at(place) == '*' && at(place + 1) == '/') {
                    place += 1;
                }
                place += 2;
            }
            '/' if javascript && begins_regex() => {
                let mut class = false;
                place += 1;
                while (at(place) != '/' || class) && !matches!(at(place), '\n' | '\0') {
                    class = at(place) == '[' || class && at(place) != ']';
                    place += if at(place) == '\\' { 2 } else { 1 };
                }
                place += 1;
                code.push(' ');
            }
            'r' if !javascript && matches!(next, '"' | '#') && !code.ends_with(char::is_alphanumeric) => {
                let hashes = letters[place + 1..].iter().take_while(|letter| **letter == '#').count();
                let rest: String = letters[place + 1 + hashes..].iter().collect();
                let end = format!("\"{}", "#".repeat(hashes));
                match rest.strip_prefix('"').and_then(|rest| rest.split_once(&end)) {
                    Some((content, _)) => {
                        strings.push(content.to_owned());
                        place += 2 + 2 * hashes + 1 + content.chars().count();
                    }
                    // A raw identifier.
                    None => place += 1,
                }
                code.push(' ');
            }
            '\'' if !javascript => {
                // A character, else a lifetime.
                place += match next {
                    '\\' => 3 + letters[place + 3..].iter().take_while(|letter| **letter != '\'').count(),
                    _ if at(place + 2) == '\'' => 2,
                    _ => 0,
                };
                place += 1;
                code.push(' ');
            }
            '"' | '\'' | '`' => {
                place = string(&letters, place + 1, letter, &mut strings);
                code.push(' ');
                if letter == '`' && at(place) == '$' {
                    templates.push(depth);
                    place += 1;
                }
                place += 1;
            }
            '}' if templates.last() == Some(&depth) => {
                place = string(&letters, place + 1, '`', &mut strings);
                if at(place) == '$' {
                    place += 1;
                } else {
                    templates.pop();
                }
                place += 1;
            }
            _ => {
                depth = match letter {
                    '{' => depth + 1,
                    '}' => depth - 1,
                    _ => depth,
                };
                code.push(letter);
                place += 1;
            }
        }
    }
    (code, strings)
}

/// Stores a literal, and returns the place of what ends it: its quote, or the expression of a template literal.
fn string(letters: &[char], start: usize, quote: char, strings: &mut Vec<String>) -> usize {
    let mut end = start;
    while let Some(letter) = letters.get(end) {
        if *letter == quote || (quote == '`' && *letter == '$' && letters.get(end + 1) == Some(&'{')) {
            break;
        }
        end += if *letter == '\\' { 2 } else { 1 };
    }
    strings.push(letters[start..end.min(letters.len())].iter().collect());
    end
}

/// Returns the words of an identifier, in lower case: of `readRecord` and of `read_record` the same.
fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = '_';
    for letter in identifier.chars() {
        if !letter.is_ascii_alphabetic() || (letter.is_ascii_uppercase() && previous.is_ascii_lowercase()) {
            words.push(String::new());
        }
        if letter.is_ascii_alphabetic() {
            words.last_mut().expect("there is a word").push(letter.to_ascii_lowercase());
        }
        previous = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the identifiers of code that contain an idiom.
fn idiomatic(code: &str, sql_names: &[&str]) -> Vec<String> {
    let part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$');
    let idiom = |identifier: &&str| words(identifier).iter().any(|word| IDENTIFIER_IDIOMS.contains(&word.as_str()));
    let found = code.split(|letter| !part(letter)).filter(|identifier| !sql_names.contains(identifier)).filter(idiom);
    found.map(str::to_owned).collect()
}

fn is_kind(path: &Path, kind: &str) -> bool {
    path.extension().is_some_and(|extension| extension == kind)
}

#[test]
fn identifiers_use_no_idiom() {
    let (mut found, mut files) = (Vec::new(), 0);
    for (path, text) in all().into_iter().filter(|(path, _)| is_kind(path, "rs") || is_kind(path, "mjs")) {
        let javascript = is_kind(&path, "mjs");
        let (code, _) = code_and_strings(&text, javascript);
        let names = idiomatic(&code, if javascript { &SQL_NAMES } else { &[] });
        found.extend(names.into_iter().map(|name| format!("{}: {name}", path.display())));
        files += 1;
    }
    assert!(files > 200, "{files}");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Texts that a client, an operator or a developer reads: pages, errors, log lines, and the output of commands.
#[test]
fn public_texts_use_no_idiom() {
    let mut texts = Vec::new();
    for (path, text) in all() {
        let test = path.starts_with("tests") || path.ends_with("tests.rs");
        if !test && (is_kind(&path, "rs") || is_kind(&path, "mjs")) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let strings = code_and_strings(code, is_kind(&path, "mjs")).1;
            let strings = strings.into_iter().filter(|string| !SQL_NAMES.contains(&string.as_str()));
            texts.extend(strings.map(|string| (path.clone(), string)));
        }
    }
    let mut whole = vec![PathBuf::from("Makefile"), "data/company.json".into(), "data/promises.json".into()];
    whole.extend(fs::read_dir("templates").expect("the templates can be read").flatten().map(|entry| entry.path()));
    for path in whole {
        let text = fs::read_to_string(&path).expect("a text is UTF-8");
        texts.push((path, PROMISED.iter().fold(text, |text, words| text.replace(words, ""))));
    }
    assert!(texts.len() > 1_000, "{}", texts.len());
    let mut found = Vec::new();
    for (path, text) in texts {
        let lower = text.to_lowercase();
        let idioms = IDIOMS.iter().filter(|idiom| contains(&lower, idiom));
        found.extend(
            idioms.map(|idiom| format!("{}: {idiom}: {}", path.display(), text.lines().next().unwrap_or_default())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn prose_excludes_code_and_code_quotes() {
    assert_eq!(prose("let x = 1; // The `trail` of Nobody", "//").trim(), "the   of nobody");
    assert_eq!(prose("let url = \"https://trail\";", "//"), "");
    assert!(contains("a good token.", "good token") && !contains("no tokens told-off", "told"));
}

#[test]
fn code_excludes_comments_and_strings() {
    let rust = "let told: &'a str = \"a \\\" b\"; // said\nlet x = (r#\"c \"d\"#, '\"', '\\''); fn look() {}";
    let (code, strings) = code_and_strings(rust, false);
    assert_eq!(strings, ["a \\\" b", "c \"d"]);
    assert_eq!(idiomatic(&code, &[]), ["told", "look"]);
    let script = "const seenBy = `a ${told({ b: 'c' })} d ${e} f`; /* said */ x.match(/'[/']\\//g, words); g('h')";
    let (code, strings) = code_and_strings(script, true);
    assert_eq!(strings, ["a ", "c", " d ", " f", "h"]);
    assert_eq!(idiomatic(&code, &SQL_NAMES), ["seenBy", "told"]);
    assert_eq!(words("ENOENTFound readRecord_2x"), ["enoentfound", "read", "record", "x"]);
}
