//! The data files behind the pages, typed: a promise without a mechanism or a state does not parse.

use askama::Error;
use serde::{Deserialize, de::DeserializeOwned};

/// Who we are and how to reach us.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    pub name: String,
    pub product: String,
    pub security_address: String,
    /// What the subject of a report has to say.
    pub security_subject: String,
    /// Languages a report may be written in, as language tags.
    pub languages: Vec<String>,
    pub reviewed: Month,
}

/// Every promise and every absence, in the order of the page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promises {
    pub groups: Vec<Group>,
    pub absences: Vec<Absence>,
}

/// Promises that belong together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's anchor.
    pub slug: String,
    pub title: String,
    pub promises: Vec<Promise>,
}

/// One promise, and what keeps it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    pub id: String,
    pub title: String,
    pub statement: String,
    pub mechanism: String,
    pub state: State,
    /// Ways past the mechanism that stay open, each with who can use it.
    #[serde(default)]
    pub exceptions: Vec<String>,
    /// What of the mechanism is still to be built.
    pub outstanding: Option<String>,
}

/// Whether the mechanism of a promise is built.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Enforced,
    InPart,
    Planned,
    ProvidedBy(String),
}

/// Something clients ask for that the company does not have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    pub id: String,
    pub title: String,
    pub statement: String,
    pub standing: String,
    pub instead: String,
    pub reviewed: Month,
}

/// A month for machines (`2026-06`) and for people.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Month {
    pub date: String,
    pub text: String,
}

impl Company {
    pub fn read() -> Result<Self, Error> {
        parse(COMPANY)
    }

    /// Where a vulnerability report goes, with the subject that R-1 asks for.
    pub fn security_link(&self) -> String {
        format!("mailto:{}?subject={}", self.security_address, self.security_subject)
    }
}

impl Promises {
    pub fn read() -> Result<Self, Error> {
        parse(PROMISES)
    }
}

impl State {
    /// The state in words, because colour alone says nothing to some.
    pub fn words(&self) -> String {
        match self {
            Self::Enforced => "Enforced".to_owned(),
            Self::InPart => "Enforced in part".to_owned(),
            Self::Planned => "Planned".to_owned(),
            Self::ProvidedBy(vendor) => format!("Provided by {vendor}"),
        }
    }

    /// The name the stylesheet knows it by.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::InPart => "in-part",
            Self::Planned => "planned",
            Self::ProvidedBy(_) => "provided",
        }
    }

    /// What stands over the mechanism: one that is only planned must not read as if it were there.
    pub fn question(&self) -> &'static str {
        match self {
            Self::Planned => "How the Hub will keep it",
            Self::ProvidedBy(_) => "How it is kept",
            Self::Enforced | Self::InPart => "How the Hub keeps it",
        }
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::custom)
}

const COMPANY: &str = include_str!("../../../data/company.json");
const PROMISES: &str = include_str!("../../../data/promises.json");
