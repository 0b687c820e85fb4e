//! The Hub's variables, parsed into types at startup; a rejected one is reported by name.

mod deployment;
mod values;
pub mod variables;

use crate::{
    domain::secret::Secret,
    logic::{
        config::variables::{VARIABLES, WhenMissing},
        webhook::signature,
    },
};
use strum::{EnumString, IntoStaticStr};
use values::{
    accounts_portal_url, base_path, claim_path, endpoint, header_value, issuer_from_publishable_key, key_bytes, origin,
    secret_key, webhook_url,
};

/// The environment in which the Hub runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Environment {
    /// A development machine: http upstreams on loopback are allowed.
    Local,
    /// A deployment for review.
    Preview,
    /// The production deployment.
    Production,
}

/// A TLS version as `request.cf.tlsVersion` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumString)]
pub enum TlsVersion {
    /// `TLSv1.2`
    #[strum(serialize = "TLSv1.2")]
    V1_2,
    /// `TLSv1.3`
    #[strum(serialize = "TLSv1.3")]
    V1_3,
}

impl Environment {
    /// Returns the name in the variable, which `/healthz` shows.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl TlsVersion {
    /// Returns the version with this name; anything older or unknown is `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// The parsed variables.
#[derive(Debug)]
pub struct Config {
    /// `HUB_ENV`
    pub environment: Environment,
    /// `HUB_ORIGIN`, without a trailing slash.
    pub origin: String,
    /// `HUB_BASE_PATH`: empty, or `/` and a name, without a trailing slash.
    pub base_path: String,
    /// `HUB_MIN_TLS`
    pub min_tls: TlsVersion,
    /// The only issuer whose tokens are accepted.
    pub issuer: String,
    /// The URL of its public keys.
    pub jwks_url: String,
    /// `CLERK_JWT_KEY`
    pub jwt_key: Option<String>,
    /// `CLERK_AUTHORIZED_PARTIES`
    pub authorized_parties: Vec<String>,
    /// `CLERK_API_URL`
    pub clerk_api_url: String,
    /// Clerk's hosted pages, without a trailing slash.
    pub accounts_url: String,
    /// True if the publishable key is one of a development instance.
    pub is_development_instance: bool,
    /// `CLERK_PUBLISHABLE_KEY`
    pub clerk_publishable_key: String,
    /// `CLERK_SECRET_KEY`
    pub clerk_secret_key: Secret<String>,
    /// `CLERK_WEBHOOK_SECRETS`
    pub webhook_secrets: Vec<Secret<Vec<u8>>>,
    /// `STAFF_ROLE_CLAIM`, split at its dots.
    pub role_claim: Vec<String>,
    /// The base URL of PostgREST, without a trailing slash.
    pub postgrest_url: String,
    /// `SUPABASE_PUBLISHABLE_KEY`
    pub supabase_publishable_key: String,
    /// `HUB_SIGNING_KEYS`
    pub signing_keys: Secret<String>,
    /// `ALERT_WEBHOOK_URL`
    pub alert_webhook_url: Option<Secret<String>>,
    /// `HUB_HMAC_KEY`
    pub hmac_key: Option<Secret<[u8; 32]>>,
    /// Optional variables that are unusable but do not stop the Hub.
    pub unused: Vec<ConfigError>,
}

/// An unusable variable and the reason. It never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {reason}")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
    /// The problem, as the end of a sentence that starts with the name.
    pub reason: &'static str,
}

impl Config {
    /// Reads every variable through `lookup`.
    ///
    /// ```
    /// use hub::logic::config::{Config, Environment};
    ///
    /// let config = Config::parse(|name| {
    ///     let value = match name {
    ///         "HUB_ENV" => "production",
    ///         "HUB_ORIGIN" => "https://hub.lumen-studio.com",
    ///         // `clerk.lumen-studio.com$` in base64
    ///         "CLERK_PUBLISHABLE_KEY" => "pk_live_Y2xlcmsubHVtZW4tc3R1ZGlvLmNvbSQ",
    ///         "CLERK_AUTHORIZED_PARTIES" => "https://app.lumen-studio.com",
    ///         "CLERK_SECRET_KEY" => "sk_live_x",
    ///         "CLERK_WEBHOOK_SECRETS" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ///         "SUPABASE_URL" => "https://ref.supabase.co",
    ///         "SUPABASE_PUBLISHABLE_KEY" => "sb_publishable_x",
    ///         "HUB_SIGNING_KEYS" => r#"{"keys":[]}"#,
    ///         _ => return None,
    ///     };
    ///     Some(value.to_owned())
    /// });
    /// let config = config.unwrap();
    /// assert_eq!(config.environment, Environment::Production);
    /// assert_eq!(config.issuer, "https://clerk.lumen-studio.com");
    ///
    /// let problems = Config::parse(|_| None).unwrap_err();
    /// assert!(problems.iter().any(|problem| problem.to_string() == "HUB_ORIGIN is missing"));
    /// ```
    ///
    /// # Errors
    /// All problems at once, so that a deployment can be corrected in one step.
    pub fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        ConfigReader { lookup, problems: Vec::new() }.parse()
    }
}

struct ConfigReader<Lookup> {
    lookup: Lookup,
    problems: Vec<ConfigError>,
}

impl<Lookup: Fn(&str) -> Option<String>> ConfigReader<Lookup> {
    fn parse(mut self) -> Result<Config, Vec<ConfigError>> {
        let environment = self.required("HUB_ENV", |text| text.parse().ok(), "must be production, preview or local");
        let min_tls = self.required("HUB_MIN_TLS", TlsVersion::parse, "must be TLSv1.2 or TLSv1.3");
        self.problems.extend(deployment::problems(environment, |name| self.optional(name)));
        let hub_origin = self.required("HUB_ORIGIN", |text| origin(text, None), ORIGIN_RULE);
        let base_path = self.required("HUB_BASE_PATH", base_path, "must be empty or a path such as /app");
        let key_issuer =
            self.required("CLERK_PUBLISHABLE_KEY", issuer_from_publishable_key, "must be a pk_live_ or pk_test_ key");
        let issuer = match self.optional("CLERK_ISSUER") {
            Some(text) => self.or_report("CLERK_ISSUER", origin(&text, environment), ORIGIN_RULE),
            None => key_issuer,
        };
        let jwks_url = match self.optional("CLERK_JWKS_URL") {
            Some(text) => self.or_report("CLERK_JWKS_URL", endpoint(&text, environment), UPSTREAM_URL_RULE),
            None => issuer.as_ref().map(|issuer| format!("{issuer}/.well-known/jwks.json")),
        };
        let jwt_key = self.optional("CLERK_JWT_KEY");
        let authorized_parties = self.required(
            "CLERK_AUTHORIZED_PARTIES",
            |text| text.split(',').map(|party| origin(party.trim(), environment)).collect(),
            "must be https origins as browsers write them (lower case, no path, no :443), separated by commas",
        );
        let clerk_url = self.required("CLERK_API_URL", |text| endpoint(text, environment), UPSTREAM_URL_RULE);
        let accounts_url = match self.optional("CLERK_ACCOUNTS_URL") {
            Some(text) => self.or_report("CLERK_ACCOUNTS_URL", endpoint(&text, environment), UPSTREAM_URL_RULE),
            None => issuer.as_deref().and_then(|issuer| {
                self.or_report(
                    "CLERK_ACCOUNTS_URL",
                    accounts_portal_url(issuer),
                    "is missing, and cannot be derived from the issuer",
                )
            }),
        };
        let clerk_publishable_key = self.optional("CLERK_PUBLISHABLE_KEY");
        let development = clerk_publishable_key.as_deref().is_some_and(|key| key.starts_with("pk_test_"));
        let clerk_key = self.required("CLERK_SECRET_KEY", secret_key, "must be an sk_live_ or sk_test_ key");
        let webhook_secrets =
            self.required("CLERK_WEBHOOK_SECRETS", signature::secrets, "must be whsec_ secrets, separated by commas");
        let role_claim = self.required("STAFF_ROLE_CLAIM", claim_path, "must be claim names separated by dots");
        let project_url = self.required("SUPABASE_URL", |text| endpoint(text, environment), UPSTREAM_URL_RULE);
        let rest_url = match self.optional("POSTGREST_URL") {
            Some(text) => self.or_report("POSTGREST_URL", endpoint(&text, environment), UPSTREAM_URL_RULE),
            None => project_url.map(|url| format!("{url}/rest/v1")),
        };
        let publishable_key = self.required("SUPABASE_PUBLISHABLE_KEY", header_value, "must be printable ASCII");
        let signing_keys =
            self.required("HUB_SIGNING_KEYS", |text| Some(Secret::new(text.to_owned())), "must be a JWK set");
        let hmac_key = self.optional("HUB_HMAC_KEY").and_then(|text| {
            self.or_report(
                "HUB_HMAC_KEY",
                key_bytes(&text),
                "must be 32 bytes in base64, as `openssl rand -base64 32` writes them",
            )
        });
        let hook = self.optional("ALERT_WEBHOOK_URL");
        let alert_webhook_url = hook.as_deref().and_then(|text| webhook_url(text, environment));
        let unused = if hook.is_some() && alert_webhook_url.is_none() {
            vec![ConfigError { name: "ALERT_WEBHOOK_URL", reason: "must be an https URL without credentials" }]
        } else {
            Vec::new()
        };

        let whole = || {
            Some(Config {
                environment: environment?,
                origin: hub_origin?,
                base_path: base_path?,
                min_tls: min_tls?,
                issuer: issuer?,
                jwks_url: jwks_url?,
                jwt_key,
                authorized_parties: authorized_parties?,
                clerk_api_url: clerk_url?,
                accounts_url: accounts_url?,
                is_development_instance: development,
                clerk_publishable_key: clerk_publishable_key?,
                clerk_secret_key: clerk_key?,
                webhook_secrets: webhook_secrets?,
                role_claim: role_claim?,
                postgrest_url: rest_url?,
                supabase_publishable_key: publishable_key?,
                signing_keys: signing_keys?,
                alert_webhook_url,
                hmac_key,
                unused,
            })
        };
        match whole() {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(self.problems),
        }
    }

    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|text| !text.trim().is_empty())
    }

    fn required<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>, wrong: &'static str) -> Option<T> {
        let absent = VARIABLES.iter().find(|var| var.name == name).map(|var| var.when_missing);
        match (self.optional(name), absent) {
            (Some(text), _) => self.or_report(name, parse(&text), wrong),
            (None, Some(WhenMissing::Default(default))) => self.or_report(name, parse(default), wrong),
            (None, Some(WhenMissing::Optional | WhenMissing::Refused) | None) => {
                self.or_report(name, None, "is missing")
            }
        }
    }

    fn or_report<T>(&mut self, name: &'static str, value: Option<T>, wrong: &'static str) -> Option<T> {
        if value.is_none() {
            self.problems.push(ConfigError { name, reason: wrong });
        }
        value
    }
}

const ORIGIN_RULE: &str = "must be an https origin as browsers write it: lower case, no path, no :443";
const UPSTREAM_URL_RULE: &str =
    "must be an https URL without query or credentials (http on loopback only where HUB_ENV is local)";

#[cfg(test)]
mod tests;
