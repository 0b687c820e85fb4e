//! Checks of several variables together or of the environment: values that are valid alone and wrong in this
//! deployment.

use super::{ConfigError, Environment};
use crate::logic::config::variables::VARIABLES;
use strum::{IntoStaticStr, VariantArray};

/// Returns the problems of the variables together; `lookup` returns their texts.
pub(super) fn problems(environment: Option<Environment>, lookup: impl Fn(&str) -> Option<String>) -> Vec<ConfigError> {
    let text = |name: &str| lookup(name).unwrap_or_default();
    let production = environment == Some(Environment::Production);
    let (publishable, secret) = (text("CLERK_PUBLISHABLE_KEY"), text("CLERK_SECRET_KEY"));
    let (publishable, secret) = (InstanceKind::of(&publishable, "pk"), InstanceKind::of(&secret, "sk"));
    let mut problems = Vec::new();
    if publishable.zip(secret).is_some_and(|(publishable, secret)| publishable != secret) {
        problems.push(ConfigError { name: "CLERK_SECRET_KEY", reason: MIXED });
    }
    if production && publishable == Some(InstanceKind::Test) {
        problems.push(ConfigError { name: "CLERK_PUBLISHABLE_KEY", reason: DEVELOPMENT });
    }
    if production && secret == Some(InstanceKind::Test) {
        problems.push(ConfigError { name: "CLERK_SECRET_KEY", reason: DEVELOPMENT });
    }
    if production {
        let unfilled = VARIABLES.iter().filter(|var| is_placeholder(&text(var.name)));
        problems.extend(unfilled.map(|var| ConfigError { name: var.name, reason: PLACEHOLDER }));
    }
    problems
}

/// The kind of a Clerk instance, which its keys contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
enum InstanceKind {
    #[strum(serialize = "_live_")]
    Live,
    #[strum(serialize = "_test_")]
    Test,
}

impl InstanceKind {
    fn of(key: &str, kind: &str) -> Option<Self> {
        let rest = key.strip_prefix(kind)?;
        Self::VARIANTS.iter().copied().find(|instance| rest.starts_with(<&str>::from(instance)))
    }
}

/// Recognizes the examples of this repository and hosts that are reserved for examples (RFC 2606, RFC 6761).
///
/// A publishable key contains its host in base64.
fn is_placeholder(text: &str) -> bool {
    let host = super::values::issuer_from_publishable_key(text).unwrap_or_default();
    let text = text.to_ascii_lowercase();
    let labels = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '-' | '_'));
    let reserved = |label: &str| {
        let mut ends = RESERVED_HOSTS.iter().filter_map(|name| label.strip_suffix(*name));
        ends.any(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    MARKS.iter().any(|mark| text.contains(mark))
        || labels.chain([host.trim_start_matches("https://")]).any(|label| label.contains('.') && reserved(label))
        || text.contains("://localhost")
}

const MARKS: [&str; 4] = ["replace_me", "replace-me", "throw_away", "throw-away"];
const RESERVED_HOSTS: [&str; 7] =
    ["example", "invalid", "localhost", "test", "example.com", "example.net", "example.org"];
const MIXED: &str = "is of another kind of instance than CLERK_PUBLISHABLE_KEY: both must be live or both test";
const DEVELOPMENT: &str = "is a key of a development instance, which HUB_ENV production does not accept";
const PLACEHOLDER: &str = "still holds a placeholder, which HUB_ENV production does not accept";
