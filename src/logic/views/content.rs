//! The data files of the pages, typed: a promise without a mechanism or a state does not parse.

use askama::Error;
use serde::{Deserialize, de::DeserializeOwned};

/// The company and its contact data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    pub name: String,
    pub product: String,
    pub security_address: String,
    /// The required subject of a report.
    pub security_subject: String,
    /// Languages a report may be written in, as language tags.
    pub languages: Vec<String>,
    pub reviewed: Month,
}

/// Every promise and every exclusion, in the order of the page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promises {
    pub groups: Vec<Group>,
    pub exclusions: Vec<Exclusion>,
}

/// A group of related promises.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's anchor.
    pub slug: String,
    pub title: String,
    pub promises: Vec<Promise>,
}

/// One promise, and its mechanism.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    pub id: String,
    pub title: String,
    pub statement: String,
    pub mechanism: String,
    pub state: State,
    /// Known ways to bypass the mechanism, each with the party that can use it.
    #[serde(default)]
    pub exceptions: Vec<String>,
    /// The part of the mechanism that is not built yet.
    pub outstanding: Option<String>,
}

/// Implementation state of the mechanism of a promise.
#[derive(Debug, Deserialize, PartialEq, Eq, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "kebab-case")]
pub enum State {
    Enforced,
    InPart,
    Planned,
    #[strum(serialize = "provided")]
    ProvidedBy(String),
}

/// A feature that clients request and that the company does not have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    pub id: String,
    pub title: String,
    pub statement: String,
    pub status: String,
    pub instead: String,
    pub reviewed: Month,
}

/// A month in machine-readable form (`2026-06`) and in words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Month {
    pub date: String,
    pub text: String,
}

impl Company {
    pub fn parse() -> Result<Self, Error> {
        parse(COMPANY)
    }

    /// Returns the link for vulnerability reports, with the subject that R-1 requires.
    pub fn security_link(&self) -> String {
        format!("mailto:{}?subject={}", self.security_address, self.security_subject)
    }
}

impl Promises {
    pub fn parse() -> Result<Self, Error> {
        parse(PROMISES)
    }
}

impl State {
    /// Returns the state in words, because colour alone is not accessible.
    pub fn label(&self) -> String {
        match self {
            Self::Enforced => "Enforced".to_owned(),
            Self::InPart => "Enforced in part".to_owned(),
            Self::Planned => "Planned".to_owned(),
            Self::ProvidedBy(vendor) => format!("Provided by {vendor}"),
        }
    }

    /// Returns its class name in the stylesheet.
    pub fn class(&self) -> &'static str {
        self.into()
    }

    /// Returns the heading above the mechanism: one that is only planned must not read like one that exists.
    pub fn mechanism_heading(&self) -> &'static str {
        match self {
            Self::Planned => "Planned mechanism",
            Self::ProvidedBy(_) | Self::Enforced | Self::InPart => "Mechanism",
        }
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::custom)
}

const COMPANY: &str = include_str!("../../../data/company.json");
const PROMISES: &str = include_str!("../../../data/promises.json");
