//! Checks the sources and the documents: a layer uses only lower layers, and every table in a document agrees with the
//! code.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use hub::domain::method::Method;
use hub::domain::upstreams::UPSTREAMS;
use hub::logic::config::variables::VARIABLES;
use hub::logic::config::variables::VariableKind;
use hub::logic::config::variables::WhenMissing;
use hub::logic::error::database::{ErrorDetail, map_error};
use hub::logic::error::public_rows;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use strum::VariantArray as _;

const LAYERS: [&str; 6] = ["domain", "logic", "runtime", "services", "handlers", "entry"];

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// Returns the code without its comments and without the tests at its end.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Returns every layer that a file names by `crate::`, alone or in a group of paths: the first name of each path.
fn named_layers(code: &str) -> BTreeSet<&'static str> {
    let first = |path: &str| {
        let name = path.trim().split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        LAYERS.into_iter().find(|layer| *layer == name)
    };
    let mut named = BTreeSet::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            named.extend(first(rest));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (place, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    named.extend(first(&group[start..place]));
                    start = place + 1;
                    if letter == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    named
}

#[test]
fn layers_in_braced_imports_are_detected() {
    let named = named_layers(
        "use crate::{\n    domain::{access::Who, handlers},\n    runtime::Runtime,\n};\ncrate::logic::x(entry);",
    );
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["domain", "logic", "runtime"]);
}

#[test]
fn layers_do_not_import_upwards() {
    let mut wrong = Vec::new();
    for (height, layer) in LAYERS.iter().enumerate() {
        for (path, text) in sources(&Path::new("src").join(layer)) {
            let higher = named_layers(&code(&text)).into_iter().filter(|named| LAYERS[height + 1..].contains(named));
            wrong.extend(higher.map(|named| format!("{} names {named}", path.display())));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Returns each path of an import, or of a group of imports.
fn imported_paths(prefix: &str, import: &str) -> Vec<String> {
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    for (place, letter) in import.char_indices().chain([(import.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let path = import[start..place].trim();
                match path.split_once('{') {
                    Some((head, group)) => {
                        paths.extend(imported_paths(&format!("{prefix}{head}"), group.trim_end_matches('}')));
                    }
                    None => paths.push(format!("{prefix}{path}")),
                }
                start = place + 1;
            }
            _ => {}
        }
    }
    paths
}

/// Returns the modules that a module imports. What a file imports from the module that it is a part of is no dependency.
fn imported_modules(module: &str, code: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let imports = code.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
    let braced = imports.flat_map(|import| imported_paths("", import));
    let inline = ["crate::", "super::"].into_iter().flat_map(|root| {
        let is_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
        code.match_indices(root)
            .map(move |(at, _)| code[at..].split(|letter| !is_path(letter)).next().unwrap().to_owned())
    });
    let mut found = BTreeSet::new();
    for path in braced.chain(inline) {
        let mut base: Vec<&str> = module.split("::").collect();
        let mut names = path.split("::").peekable();
        if names.next_if_eq(&"crate").is_some() {
            base.clear();
        }
        while names.next_if_eq(&"super").is_some() {
            base.pop();
        }
        base.extend(names);
        while !base.is_empty() && !modules.contains(&base.join("::")) {
            base.pop();
        }
        let target = base.join("::");
        if !target.is_empty() && !format!("{module}::").starts_with(&format!("{target}::")) {
            found.insert(target);
        }
    }
    found
}

#[test]
fn files_do_not_import_each_other_in_cycles() {
    let name = |path: &Path| {
        let parts: Vec<String> =
            path.with_extension("").iter().skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
        parts.join("::").trim_end_matches("::mod").to_owned()
    };
    let files: BTreeMap<String, String> =
        sources(Path::new("src")).iter().map(|(path, text)| (name(path), code(text))).collect();
    let modules: BTreeSet<String> = files.keys().cloned().collect();
    let mut left: BTreeMap<_, _> =
        files.iter().map(|(module, code)| (module.clone(), imported_modules(module, code, &modules))).collect();
    assert!(left["entry::handle_request"].contains("services::request_context"));
    // A file that imports none of the rest, or that none of the rest imports, is in no cycle.
    loop {
        let imported: BTreeSet<String> = left.values().flatten().cloned().collect();
        let before = left.len();
        left.retain(|module, _| imported.contains(module));
        let modules: BTreeSet<String> = left.keys().cloned().collect();
        for imports in left.values_mut() {
            imports.retain(|module| modules.contains(module));
        }
        left.retain(|_, imports| !imports.is_empty());
        if left.len() == before {
            break;
        }
    }
    assert_eq!(left, BTreeMap::new(), "each of these imports another one of them");
}

/// Returns each function of a source with the text of its parameters, without the brackets.
fn parameter_lists(code: &str) -> Vec<(&str, &str)> {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let functions = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_name));
    functions
        .map(|(at, keyword)| &code[at + keyword.len()..])
        .filter_map(|rest| {
            let name = rest.split(|letter| !is_name(letter)).next().filter(|name| !name.is_empty())?;
            // The generic parameters come first, and end before the bracket that no angle bracket encloses.
            let (mut angles, mut before) = (0, ' ');
            let start = rest.char_indices().find_map(|(place, letter)| {
                angles += i32::from(letter == '<') - i32::from(letter == '>' && before != '-');
                before = letter;
                (letter == '(' && angles == 0).then_some(place + 1)
            })?;
            let mut depth = 1;
            let end = rest[start..].char_indices().find_map(|(place, letter)| {
                depth += i32::from("([{".contains(letter)) - i32::from(")]}".contains(letter));
                (depth == 0).then_some(start + place)
            })?;
            Some((name, &rest[start..end]))
        })
        .collect()
}

/// Returns the number of parameters in such a text; `self` counts as none.
fn parameter_count(list: &str) -> usize {
    let (mut depth, mut count, mut empty, mut before) = (0, 0, true, ' ');
    for letter in list.chars() {
        match letter {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if before == '-' => {}
            '>' | ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => (count, empty) = (count + 1, true),
            letter if !letter.is_whitespace() => empty = false,
            _ => {}
        }
        before = letter;
    }
    let has_self = ["self", "&self", "&mut self", "mut self"].iter().any(|form| list.trim_start().starts_with(form));
    count + usize::from(!empty) - usize::from(has_self)
}

#[test]
fn functions_have_at_most_four_parameters() {
    let sample = "fn a<F: Fn(u8, u8)>(&self, b: (u8, u8), c: Vec<(u8, u8)>,\n) -> (u8, u8) {} pub fn d() {}";
    let counts: Vec<_> =
        parameter_lists(sample).into_iter().map(|(name, list)| (name, parameter_count(list))).collect();
    assert_eq!(counts, [("a", 2), ("d", 0)]);
    let mut wrong = Vec::new();
    for (path, text) in sources(Path::new("src")) {
        for (name, count) in parameter_lists(&code(&text)).into_iter().map(|(name, list)| (name, parameter_count(list)))
        {
            if count > 4 {
                wrong.push(format!("{}: {name} has {count}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// A bare `true` at a call does not say what it means: an enum does. The exceptions are methods of foreign traits.
#[test]
fn functions_have_no_bool_parameter() {
    let is_bool = |list: &str| list.split([',', ':']).any(|part| part.trim() == "bool");
    assert!(is_bool("&self, a: u8, b: bool,") && !is_bool("a: impl Fn(u8) -> bool, bool_b: u8"));
    let mut wrong = Vec::new();
    for (path, text) in sources(Path::new("src")).into_iter().filter(|(path, _)| !path.ends_with("tests.rs")) {
        for (name, list) in parameter_lists(&code(&text)) {
            if is_bool(list) && !["from", "visit_bool"].contains(&name) {
                wrong.push(format!("{}: {name}({list})", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn handlers_do_not_import_each_other() {
    let files = sources(Path::new("src/handlers"));
    for (path, text) in &files {
        for name in files.iter().map(|(path, _)| path.file_stem().unwrap().to_string_lossy()) {
            let named =
                code(text).contains(&format!("handlers::{name}")) || code(text).contains(&format!("super::{name}"));
            assert!(!named, "{} names {name}", path.display());
        }
    }
}

#[test]
fn cloudflare_crates_are_used_only_in_the_workers_files() {
    let allowed =
        ["src/runtime/workers.rs", "src/runtime/workers/fetch.rs", "src/runtime/webcrypto.rs", "src/entry/worker.rs"]
            .map(Path::new);
    for (path, text) in sources(Path::new("src")) {
        let knows = ["worker::", "web_sys::", "js_sys::", "wasm_bindgen"].iter().any(|name| code(&text).contains(name));
        assert!(!knows || allowed.contains(&path.as_path()), "{}", path.display());
    }
}

#[test]
fn upstream_requests_are_created_in_one_file() {
    for (path, text) in sources(Path::new("src")) {
        let creates = code(&text).contains("UpstreamRequest {") && !code(&text).contains("-> UpstreamRequest {");
        assert!(!creates || path.ends_with("runtime/upstream_request.rs"), "{}", path.display());
    }
}

#[test]
fn query_strings_are_split_and_encoded_in_one_file() {
    for (path, text) in sources(Path::new("src")) {
        let own = ["split('&')", "percent_encoding::", "form_urlencoded::", "b'%' =>"];
        let names = own.iter().any(|name| code(&text).contains(name));
        assert!(!names || path.ends_with("http/query_string.rs"), "{}", path.display());
    }
}

#[test]
fn methods_are_text_only_in_the_enum() {
    for (path, text) in sources(Path::new("src")) {
        let code = code(&text);
        let named = Method::VARIANTS.iter().find(|method| code.contains(&format!("\"{method}\"")));
        let is_test = path.ends_with("tests.rs");
        assert!(is_test || named.is_none() || path.ends_with("domain/method.rs"), "{} {named:?}", path.display());
    }
}

#[test]
fn pure_layers_use_no_clock_or_randomness() {
    for layer in ["domain", "logic"] {
        for (path, text) in sources(&Path::new("src").join(layer)) {
            for name in ["SystemTime", "Instant", "getrandom", "std::env", "std::fs", "async fn"] {
                assert!(!code(&text).contains(name), "{} uses {name}", path.display());
            }
        }
    }
}

#[test]
fn source_files_are_within_the_line_limit() {
    for (path, text) in sources(Path::new("src")) {
        let lines = text.lines().count();
        assert!(lines <= 300, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} does not say why it exists", path.display());
    }
}

/// Supabase's CLI records a migration by the digits in front of its name, so a second file of the same version fails.
#[test]
fn migration_versions_are_unique() {
    let mut versions = BTreeSet::new();
    for entry in fs::read_dir("supabase/migrations").expect("the folder of migrations can be read") {
        let name = entry.expect("an entry can be read").file_name().into_string().expect("a name is UTF-8");
        let version = name.split('_').next().unwrap_or_default().to_owned();
        assert!(
            version.len() == 14 && version.bytes().all(|byte| byte.is_ascii_digit()),
            "{name} begins with no version"
        );
        assert!(versions.insert(version), "{name} has the version of another migration");
    }
}

/// Returns the rows of a document's tables whose first cell is in code quotes.
fn rows(document: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(document).unwrap();
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    text.lines().filter(|line| line.starts_with("| `")).map(cells).collect()
}

#[test]
fn errors_document_lists_every_error() {
    let mut wanted = public_errors();
    wanted.sort();
    let written = rows("docs/errors.md");
    assert_eq!(written, wanted, "write this into docs/errors.md:\n{}", as_table(&wanted));
}

/// Returns the public row of each error: code, status, message, hint.
fn public_errors() -> Vec<Vec<String>> {
    public_rows()
        .map(|row| vec![format!("`{}`", row.code), row.status.to_string(), row.message.to_owned(), row.hint.to_owned()])
        .collect()
}

/// A hint that lists the accepted names begins with "Use: ".
#[test]
fn error_examples_match_the_code() {
    let errors = public_errors();
    let mut compared = 0;
    for document in ["docs/api.md", "docs/errors.md"] {
        let text = fs::read_to_string(document).unwrap();
        for line in text.lines().filter(|line| line.starts_with('{') && line.contains("\"code\": \"HUB")) {
            let body: serde_json::Value = serde_json::from_str(line).unwrap();
            let code = format!("`{}`", body["code"].as_str().unwrap());
            let row = errors.iter().find(|row| row[0] == code).unwrap();
            assert_eq!(body["message"], row[2].as_str(), "{document}: {code}");
            let hint = body["hint"].as_str().unwrap();
            assert!(hint == row[3] || hint.starts_with("Use: "), "{document}: {code}: {hint}");
            compared += 1;
        }
    }
    assert!(compared > 5, "{compared}");
}

/// Returns the name of each log event in a source, with its fields: the names of the JSON object that begins with it.
fn logged_events(source: &str) -> Vec<(String, BTreeSet<String>)> {
    let text = source.replace('\\', "").replace("\"event\": ", "\"event\":");
    let objects = text.split("\"event\":\"").skip(1).filter_map(|rest| rest.split('}').next()?.split_once('"'));
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let fields = |object: &str| {
        let names = object.split("\":").filter_map(|part| part.rsplit_once('"')).map(|(_, name)| name).filter(is_name);
        names.map(str::to_owned).collect()
    };
    objects.map(|(name, object)| (name.to_owned(), fields(object))).collect()
}

/// Only the context adds the id of the request to a line; what begins an isolate belongs to no request.
#[test]
fn log_lines_are_written_by_the_request_context() {
    let allowed = ["src/entry/handle_request.rs", "src/services/request_context.rs"];
    let mut direct = BTreeSet::new();
    for (path, text) in sources(Path::new("src")) {
        let text = code(&text).split_whitespace().collect::<String>();
        let calls = text.matches("runtime.log(").count();
        if calls > 0 && !path.starts_with("src/runtime/") {
            direct.insert((path, calls));
        }
    }
    assert_eq!(direct, allowed.map(|path| (path.into(), 1)).into());
}

#[test]
fn logging_document_lists_every_event_and_field() {
    let logged: BTreeMap<_, _> =
        sources(Path::new("src")).iter().flat_map(|(_, text)| logged_events(&code(text))).collect();
    let first = |text: &str| text.split('`').nth(1).map(str::to_owned);
    let written: BTreeMap<_, BTreeSet<_>> = rows("docs/logging.md")
        .iter()
        .map(|row| (first(&row[0]).unwrap(), row[3].split("; ").filter_map(first).collect()))
        .collect();
    assert!(logged.len() > 10, "{logged:?}");
    assert_eq!(written, logged, "left: docs/logging.md, right: the code");
}

/// Clerk's shortcodes are placeholders for data of a user. Of these, users can change their names, addresses and unsafe
/// metadata themselves.
#[test]
fn session_token_contains_no_user_editable_claims_l_1() {
    let text = fs::read_to_string("docs/deployment.md").unwrap();
    let filled: Vec<&str> =
        text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(code, _)| code).collect();
    assert!(filled.contains(&"user.public_metadata.display_name"), "{filled:?}");
    assert!(filled.iter().all(|code| code.starts_with("user.public_metadata")), "{filled:?}");
}

#[test]
fn configuration_document_lists_every_variable() {
    let absent = |absent| match absent {
        WhenMissing::Default("") => "empty".to_owned(),
        WhenMissing::Default(value) => format!("`{value}`"),
        WhenMissing::Optional => "optional".to_owned(),
        WhenMissing::Refused => "required".to_owned(),
    };
    let kind = |kind| if kind == VariableKind::Secret { "secret" } else { "plain" }.to_owned();
    let wanted: Vec<Vec<String>> = VARIABLES
        .iter()
        .map(|var| vec![format!("`{}`", var.name), kind(var.kind), absent(var.when_missing), var.meaning.to_owned()])
        .collect();
    let written = rows("docs/configuration.md");
    assert_eq!(written, wanted, "write this into docs/configuration.md:\n{}", as_table(&wanted));
}

#[test]
fn architecture_document_lists_every_upstream() {
    let expected: Vec<Vec<String>> = UPSTREAMS
        .iter()
        .map(|upstream| {
            let names = upstream.default_headers.iter().map(|(name, _)| name).chain(upstream.optional_headers);
            let names: BTreeSet<&str> = names.copied().collect();
            let headers: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
            let timeout = format!("{} s", upstream.timeout_ms / 1000);
            vec![format!("`{}`", upstream.variable), upstream.name.to_owned(), timeout, headers.join(", ")]
        })
        .collect();
    let mut listed = rows("docs/architecture.md");
    listed.retain(|row| row[0].ends_with("_URL`"));
    assert_eq!(listed, expected, "write this into docs/architecture.md:\n{}", as_table(&expected));
    for upstream in UPSTREAMS {
        let known = VARIABLES.iter().any(|variable| variable.name == upstream.variable);
        assert!(known, "{} has no variable {}", upstream.name, upstream.variable);
    }
}

#[test]
fn dev_vars_example_lists_every_variable() {
    let example = fs::read_to_string(".dev.vars.example").unwrap();
    let named: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .collect();
    let wanted: BTreeSet<&str> = VARIABLES.iter().map(|var| var.name).collect();
    assert_eq!(named, wanted);
}

fn as_table(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect::<Vec<_>>().join("\n")
}

/// Each message of a function that a client may call, with something put into it: a number, a status that
/// `hub_private.transitions` lists, or nothing of it in the log.
#[test]
fn logged_function_messages_contain_no_values() {
    const COUNTED_OR_LISTED: [&str; 4] =
        ["identifier %s ", "%s rows of others ", "the row has version %s ", "from %s to %s needs a reason"];
    let mut judged = 0;
    for file in std::fs::read_dir("supabase/migrations").unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for raised in source.split("raise sqlstate 'PT").skip(1) {
            let text = raised.split_once("using message = ").map_or("", |(_, text)| text.trim_start_matches("format("));
            let Some((message, behind)) = text.strip_prefix('\'').and_then(|text| text.split_once('\'')) else {
                continue;
            };
            let puts = message.contains("%s") || behind.trim_start().starts_with("||");
            if !puts || COUNTED_OR_LISTED.iter().any(|known| message.starts_with(known)) {
                continue;
            }
            let filled =
                if message.contains("%s") { message.replace("%s", "secret") } else { format!("{message}secret") };
            let body = serde_json::json!({ "code": "PT409", "message": filled }).to_string();
            let logged = map_error(409, body.as_bytes(), ErrorDetail::Public).reason().unwrap();
            assert!(!logged.contains("secret"), "{message}: {logged}");
            judged += 1;
        }
    }
    assert!(judged > 1, "{judged}");
}

#[test]
fn readme_is_within_the_line_limit() {
    let lines = fs::read_to_string("README.md").unwrap().lines().count();
    assert!(lines <= 150, "README.md has {lines} lines");
}

#[test]
fn readme_lists_every_enforced_promise() {
    let promises: serde_json::Value = serde_json::from_str(&fs::read_to_string("data/promises.json").unwrap()).unwrap();
    let groups = promises["groups"].as_array().unwrap();
    let promises = groups.iter().flat_map(|group| group["promises"].as_array().unwrap());
    let enforced = promises.filter(|promise| promise["state"] == "enforced" || promise["state"] == "in_part");
    let enforced = enforced.map(|promise| promise["id"].as_str().unwrap());
    let readme = fs::read_to_string("README.md").unwrap();
    let absent: Vec<&str> = enforced.filter(|id| !readme.contains(&format!("\n| {id} "))).collect();
    assert_eq!(absent, Vec::<&str>::new());
}

#[test]
fn security_policy_lists_the_company_address() {
    let company: serde_json::Value = serde_json::from_str(&fs::read_to_string("data/company.json").unwrap()).unwrap();
    let policy = fs::read_to_string("SECURITY.md").unwrap();
    for name in ["security_address", "security_subject"] {
        assert!(policy.contains(company[name].as_str().unwrap()), "{name}");
    }
}

/// Every Markdown file of the repository.
fn documents(folder: &Path) -> Vec<(PathBuf, String)> {
    const GENERATED: [&str; 5] = [".git", ".local", "build", "node_modules", "target"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !GENERATED.contains(&name.as_str()) {
            found.extend(documents(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// Returns the anchors of a document's headings, in GitHub's form.
fn anchors(text: &str) -> BTreeSet<String> {
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        title.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_')).collect()
    };
    prose(text).filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// Returns the lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

#[test]
fn every_relative_link_has_a_target() {
    let documents = documents(Path::new("."));
    assert!(documents.len() > 10, "{}", documents.len());
    let mut wrong = Vec::new();
    for (path, text) in &documents {
        let links = prose(text).flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let is_there = target.exists()
                && (anchor.is_empty() || anchors(&fs::read_to_string(&target).unwrap()).contains(anchor));
            if !is_there {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
