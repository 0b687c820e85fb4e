//! The public pages as text, so that each promise and its implementation can be read without signing in.
//!
//! They need no script, no cookie and no form: the pages are made from the data files and these templates only, under a
//! content security policy that allows only the Hub's own stylesheet and pictures.

mod content;
mod retained_data;
mod security_txt;

use askama::Template;
use content::{Company, Exclusion, Group, Promises, State};
use retained_data::{RETAINED_DATA, RetainedData};

pub use security_txt::security_txt;

/// The one stylesheet, served at `/assets/hub.css`.
pub const STYLESHEET: &str = include_str!("../../public/hub.css");
/// The icon, served at `/assets/favicon.svg`.
pub const FAVICON: &str = include_str!("../../public/favicon.svg");
/// The rules for crawlers, served at `/robots.txt`.
pub const ROBOTS: &str = include_str!("../../public/robots.txt");

/// The values that every page needs about its deployment.
#[derive(Clone, Copy, Debug)]
pub struct SiteContext<'a> {
    /// The mount path such as `/app`, without a trailing slash; empty at the root.
    pub base_path: &'a str,
    /// The public https origin, without a trailing slash.
    pub origin: &'a str,
    /// The Hub's version.
    pub version: &'a str,
    /// The commit of the build.
    pub commit: &'a str,
}

/// Renders the front page: a description of the Hub, and links to the other pages.
///
/// # Errors
/// An unreadable data file, which the tests rule out for the files in this build.
pub fn home(page: &SiteContext) -> Result<String, askama::Error> {
    Home { page, company: Company::parse()?, tally: Promises::parse()?.tally(), path: "/" }.render()
}

/// Renders every promise with its implementation, and the list of what the company does not have.
///
/// # Errors
/// An unreadable data file, which the tests rule out for the files in this build.
pub fn security(page: &SiteContext) -> Result<String, askama::Error> {
    let promises = Promises::parse()?;
    let tally = promises.tally();
    let Promises { groups, exclusions } = promises;
    Security { page, company: Company::parse()?, tally, groups, exclusions, path: "/security" }.render()
}

/// The public text of an error.
#[derive(Clone, Copy)]
pub struct ErrorText<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The heading.
    pub title: &'a str,
    /// The sentence below it.
    pub sentence: &'a str,
}

/// Renders the error page; `sentence` is public text.
///
/// # Errors
/// An unreadable data file, which the tests rule out for the files in this build.
pub fn error_page(
    page: &SiteContext,
    ErrorText { status, title, sentence }: ErrorText<'_>,
    request_id: &str,
) -> Result<String, askama::Error> {
    ErrorPage { page, company: Company::parse()?, status, title, sentence, request_id, path: "" }.render()
}

/// The session data on a page.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Clerk user id.
    pub user: &'a str,
    /// Clerk session id.
    pub session: &'a str,
    /// The role, or a statement that the token has none that the Hub knows.
    pub role: &'a str,
    /// The active organization.
    pub organization: Option<&'a str>,
    /// The role in it.
    pub organization_role: Option<&'a str>,
    /// The user's permissions in it, according to Clerk.
    pub permissions: &'a [String],
    /// The actor that impersonates the user.
    pub impersonator: Option<&'a str>,
    /// The token of this session's forms.
    pub csrf: &'a str,
    /// The URL of Clerk's own page about the user.
    pub profile: &'a str,
}

/// Renders a user's session, with a link to sign out.
///
/// # Errors
/// An unreadable data file, which the tests rule out for the files in this build.
pub fn account(page: &SiteContext, account: &Account) -> Result<String, askama::Error> {
    AccountPage { page, company: Company::parse()?, account, retained_data: RETAINED_DATA, path: "/account" }.render()
}

/// Renders the confirmation of a sign-out.
///
/// # Errors
/// An unreadable data file, which the tests rule out for the files in this build.
pub fn sign_out(page: &SiteContext, csrf: &str) -> Result<String, askama::Error> {
    SignOut { page, company: Company::parse()?, csrf, path: "/sign-out" }.render()
}

/// Numbers of promises by state.
#[derive(Debug, Default, PartialEq, Eq)]
struct StatusCounts {
    all: usize,
    enforced: usize,
    in_part: usize,
    planned: usize,
    provided: usize,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    page: &'a SiteContext<'a>,
    company: Company,
    tally: StatusCounts,
    path: &'a str,
}

#[derive(Template)]
#[template(path = "security.html")]
struct Security<'a> {
    page: &'a SiteContext<'a>,
    company: Company,
    tally: StatusCounts,
    groups: Vec<Group>,
    exclusions: Vec<Exclusion>,
    path: &'a str,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    page: &'a SiteContext<'a>,
    company: Company,
    account: &'a Account<'a>,
    retained_data: &'static [RetainedData],
    path: &'a str,
}

#[derive(Template)]
#[template(path = "sign-out.html")]
struct SignOut<'a> {
    page: &'a SiteContext<'a>,
    company: Company,
    csrf: &'a str,
    path: &'a str,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ErrorPage<'a> {
    page: &'a SiteContext<'a>,
    company: Company,
    status: u16,
    title: &'a str,
    sentence: &'a str,
    request_id: &'a str,
    path: &'a str,
}

impl Promises {
    fn tally(&self) -> StatusCounts {
        let mut tally = StatusCounts::default();
        for promise in self.groups.iter().flat_map(|group| &group.promises) {
            tally.all += 1;
            match promise.state {
                State::Enforced => tally.enforced += 1,
                State::InPart => tally.in_part += 1,
                State::Planned => tally.planned += 1,
                State::ProvidedBy(_) => tally.provided += 1,
            }
        }
        tally
    }
}

#[cfg(test)]
mod tests;
