//! Reasons for which a token is rejected: logged, and never sent to the client.

/// The rule that a token violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum TokenError {
    /// `act` is not an impersonation as Clerk writes it.
    ActorMalformed,
    /// `alg` is not `RS256`.
    AlgorithmRefused,
    /// `aud` is present; a session token of Clerk's has none.
    AudienceRefused,
    /// `cat` names a template, a machine or an unknown class.
    CategoryRefused,
    /// The payload is not a JSON object, or a claim has another type.
    ClaimsMalformed,
    /// A segment is not base64url in its one spelling.
    EncodingNotCanonical,
    /// An expired token.
    Expired,
    /// `fva` is not two whole numbers.
    FactorAgeMalformed,
    /// The header is not a JSON object.
    HeaderMalformed,
    /// A header parameter that would change what is verified.
    HeaderParameterRefused,
    /// The header is longer than 1024 characters.
    HeaderTooLong,
    /// `iat` is in the future.
    IssuedInFuture,
    /// `iss` is not the configured issuer.
    IssuerRefused,
    /// `kid` is absent or malformed.
    KeyIdRefused,
    /// No key has this `kid`.
    KeyUnknown,
    /// `exp` is more than 120 s after `iat`, or before it.
    LifetimeRefused,
    /// A name that occurs twice.
    DuplicateClaim,
    /// Not three segments.
    NotThreeSegments,
    /// `nbf` is in the future, or after `iat`.
    NotYetValid,
    /// `o` is not an organization as Clerk writes it.
    OrganizationMalformed,
    /// `azp` is absent or not on the list.
    AuthorizedPartyRefused,
    /// `role` is neither absent nor `authenticated`.
    RoleRefused,
    /// `sid` is absent or not a session id.
    SessionRefused,
    /// The signature is not by the key.
    SignatureInvalid,
    /// `sts` is not `active`.
    StatusRefused,
    /// `sub` is absent or not a user id.
    SubjectRefused,
    /// `exp`, `iat` or `nbf` is absent or not a whole number.
    TimeMalformed,
    /// Nested deeper than 16.
    TooDeep,
    /// Longer than 8192 characters.
    TooLong,
    /// `typ` is not `JWT`.
    TypeRefused,
    /// `v` is not 2.
    VersionRefused,
}

impl TokenError {
    /// Returns a stable identifier for the log.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.into()
    }
}
