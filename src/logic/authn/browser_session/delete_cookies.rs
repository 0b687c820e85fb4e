//! Cookie deletions in every form: a host-only cookie, one of each parent domain, and one of a longer path are
//! different cookies of one name (RFC 6265 §5.3).

use super::{ClerkInstance, REDIRECT_COUNT_COOKIE};
use crate::logic::http::cookies::delete_at;

/// The cookies that carry a handshake's result; a production instance sets them for the parent domain.
pub const CARRIERS: [&str; 2] = ["__clerk_handshake_nonce", "__clerk_handshake"];

/// Deletes every cookie of a session that has ended or cannot be resolved, as seen from a page at this path.
#[must_use]
pub fn everything(instance: &ClerkInstance, path: &str) -> Vec<String> {
    let names = both(instance, &["__session", "__client_uat", "__refresh"]);
    let more = CARRIERS.iter().chain(&[REDIRECT_COUNT_COOKIE]).map(|name| (*name).to_owned());
    everywhere(instance, &names.into_iter().chain(more).collect::<Vec<_>>(), path)
}

/// Deletes session tokens that are invalid or of several sessions.
#[must_use]
pub fn sessions(instance: &ClerkInstance, path: &str) -> Vec<String> {
    everywhere(instance, &both(instance, &["__session"]), path)
}

/// Deletes the carriers of a handshake's result, which is valid once.
#[must_use]
pub fn carriers(instance: &ClerkInstance) -> Vec<String> {
    everywhere(instance, &CARRIERS.map(str::to_owned), "/")
}

/// Deletes copies of `__client_uat` beside the authoritative one.
///
/// In development that is the host's, which the Hub sets. In production it is the parent domain's, which is Clerk's
/// own; if that parent is unknown, only the host's copy is deleted.
#[must_use]
pub fn other_updates(instance: &ClerkInstance, of_clerk: Option<&str>) -> Vec<String> {
    let goes = |form: Option<&str>| match (instance.is_development, form) {
        (true, form) => form.is_some(),
        (false, None) => true,
        (false, Some(domain)) => of_clerk.is_some_and(|other| other != domain),
    };
    let names = both(instance, &["__client_uat"]);
    forms(instance)
        .filter(|form| goes(*form))
        .flat_map(|form| names.iter().map(move |name| delete_at(form, "/", name)))
        .collect()
}

fn both(instance: &ClerkInstance, names: &[&str]) -> Vec<String> {
    names.iter().flat_map(|name| [(*name).to_owned(), format!("{name}_{}", instance.suffix)]).collect()
}

/// Returns the forms of a cookie: of the host alone, or of a domain.
fn forms(instance: &ClerkInstance) -> impl Iterator<Item = Option<&str>> {
    std::iter::once(None).chain(instance.domains.iter().map(|domain| Some(domain.as_str())))
}

fn everywhere(instance: &ClerkInstance, names: &[String], path: &str) -> Vec<String> {
    let below = path.match_indices('/').skip(1).filter_map(|(slash, _)| path.get(..slash));
    let own = Some(path).filter(|path| *path != "/");
    let paths: Vec<&str> = std::iter::once("/").chain(below).chain(own).collect();
    let mut all = Vec::new();
    for name in names {
        for form in forms(instance) {
            all.extend(paths.iter().map(|path| delete_at(form, path, name)));
        }
    }
    all
}
