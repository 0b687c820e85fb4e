//! The Hub's variables: one row each. The build script includes this file, so it refers to no other module.

/// A variable or secret that the Hub reads.
#[derive(Debug)]
pub struct Variable {
    /// Its name in `wrangler.toml` or `wrangler secret`.
    pub name: &'static str,
    /// The files in which it may be written.
    #[cfg_attr(deployed, expect(dead_code, reason = "compared with wrangler.toml and docs/configuration.md"))]
    pub kind: VariableKind,
    /// The effect of its absence.
    pub when_missing: WhenMissing,
    /// Its meaning, for docs/configuration.md.
    #[cfg_attr(deployed, expect(dead_code, reason = "compared with docs/configuration.md"))]
    pub meaning: &'static str,
}

/// The files in which a variable may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// In `wrangler.toml`.
    Plain,
    /// Set by `wrangler secret put` only; locally in an ignored file.
    Secret,
}

/// The effect of an absent or empty variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenMissing {
    /// The value that is used instead.
    Default(&'static str),
    /// The value is derived from another variable, or the feature is off.
    Optional,
    /// The Hub responds to every request with 500 and logs the name.
    Refused,
}

const fn var(name: &'static str, kind: VariableKind, absent: WhenMissing, meaning: &'static str) -> Variable {
    Variable { name, kind, when_missing: absent, meaning }
}

/// Every variable the Hub reads; docs/configuration.md, `.dev.vars.example` and `wrangler.toml` must agree with it.
pub const VARIABLES: &[Variable] = &[
    var(
        "HUB_ENV",
        VariableKind::Plain,
        WhenMissing::Refused,
        "`production`, `preview` or `local`; only `local` allows http upstreams, and those on loopback only",
    ),
    var(
        "HUB_ORIGIN",
        VariableKind::Plain,
        WhenMissing::Refused,
        "the public https origin as browsers write it: lower case, no path, no `:443`; requests for other hosts are rejected",
    ),
    var("HUB_BASE_PATH", VariableKind::Plain, WhenMissing::Default(""), "mount path such as `/app`"),
    var(
        "HUB_MIN_TLS",
        VariableKind::Plain,
        WhenMissing::Default("TLSv1.3"),
        "lowest TLS version a client may use: `TLSv1.2` or `TLSv1.3`",
    ),
    var(
        "CLERK_PUBLISHABLE_KEY",
        VariableKind::Plain,
        WhenMissing::Refused,
        "`pk_live_…`, or `pk_test_…` outside production; issuer and JWKS URL are derived from it",
    ),
    var(
        "CLERK_ISSUER",
        VariableKind::Plain,
        WhenMissing::Optional,
        "overrides the issuer derived from the publishable key",
    ),
    var("CLERK_JWKS_URL", VariableKind::Plain, WhenMissing::Optional, "overrides the JWKS URL derived from the issuer"),
    var(
        "CLERK_JWT_KEY",
        VariableKind::Plain,
        WhenMissing::Optional,
        "PEM public key, used if the JWKS is unavailable at a cold start",
    ),
    var(
        "CLERK_AUTHORIZED_PARTIES",
        VariableKind::Plain,
        WhenMissing::Refused,
        "comma-separated origins, as browsers write them: allowed `azp` of a token and allowed `Origin` of a browser",
    ),
    var(
        "CLERK_API_URL",
        VariableKind::Plain,
        WhenMissing::Default("https://api.clerk.com"),
        "Clerk's Backend API, used before irreversible operations and to revoke sessions",
    ),
    var(
        "CLERK_ACCOUNTS_URL",
        VariableKind::Plain,
        WhenMissing::Optional,
        "URL of Clerk's hosted sign-in pages; overrides the one derived from the issuer (`accounts.` for `clerk.`)",
    ),
    var(
        "CLERK_SECRET_KEY",
        VariableKind::Secret,
        WhenMissing::Refused,
        "`sk_live_…` or `sk_test_…` of the same instance, for the Backend API",
    ),
    var(
        "CLERK_WEBHOOK_SECRETS",
        VariableKind::Secret,
        WhenMissing::Refused,
        "comma-separated `whsec_…` of the webhook endpoint; two during a rotation",
    ),
    var(
        "STAFF_ROLE_CLAIM",
        VariableKind::Plain,
        WhenMissing::Default("metadata.stacklumen_role"),
        "dotted path to the staff role in the token; it is read there and nowhere else",
    ),
    var("SUPABASE_URL", VariableKind::Plain, WhenMissing::Refused, "project URL; PostgREST is at `/rest/v1`"),
    var(
        "POSTGREST_URL",
        VariableKind::Plain,
        WhenMissing::Optional,
        "URL of another PostgREST, in place of Supabase's",
    ),
    var(
        "SUPABASE_PUBLISHABLE_KEY",
        VariableKind::Plain,
        WhenMissing::Refused,
        "sent as `apikey`; recognized if a client without a session sends it as its bearer token",
    ),
    var(
        "HUB_SIGNING_KEYS",
        VariableKind::Secret,
        WhenMissing::Refused,
        "JWK set of private ES256 keys; the first signs, the others are retained during a rotation",
    ),
    var(
        "ALERT_WEBHOOK_URL",
        VariableKind::Secret,
        WhenMissing::Optional,
        "https URL that receives alerts as JSON by POST, such as an incoming webhook of Slack; alerts are also logged as errors",
    ),
    var(
        "HUB_HMAC_KEY",
        VariableKind::Secret,
        WhenMissing::Optional,
        "32 random bytes in base64, from which the keys of address hashes and forms are derived; default: the last key of `HUB_SIGNING_KEYS`",
    ),
];
