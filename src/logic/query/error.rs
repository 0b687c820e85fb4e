//! Errors of a query: one rule each, with a stable code and a sentence that contains no input but a plain identifier.

mod rows;

use crate::logic::error::ErrorResponse;
use rows::{
    ACCEPT_REFUSED, ALIAS_REFUSED, COLUMN_REFUSED, COLUMN_UNSELECTED, COMPLEXITY_REFUSED, EMBED_REFUSED,
    EXPORT_MALFORMED, FILTER_TOO_LONG, LIMIT_REFUSED, OWNER_MALFORMED, PURPOSE_MISSING, PURPOSE_REFUSED,
    REASON_MALFORMED, RECORD_MISSING, RECORD_UNNAMED, SELECT_MALFORMED, TREE_REFUSED, UPSERT_REFUSED,
    VERSION_MALFORMED, VERSION_MISSING,
};

/// A violated rule, and the column, parameter or preference that violated it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// The rule.
    pub kind: QueryErrorKind,
    /// A plain identifier of the query, short and safe to return.
    pub name: Option<String>,
    /// The names that the caller may use instead; empty if there is no such list.
    pub allowed: &'static [&'static str],
}

impl QueryError {
    /// Creates an error at `name`, which is returned only if it is a plain identifier of at most 63 characters.
    #[must_use]
    pub fn new(rule: QueryErrorKind, name: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let shown = (1..=63).contains(&name.len()) && name.bytes().all(plain);
        Self { kind: rule, name: shown.then(|| name.to_owned()), allowed: &[] }
    }

    /// Adds the names that the caller may use there: columns of a grant, never those of another role.
    #[must_use]
    pub const fn with_allowed(mut self, allowed: &'static [&'static str]) -> Self {
        self.allowed = allowed;
        self
    }
}

impl From<QueryErrorKind> for QueryError {
    fn from(rule: QueryErrorKind) -> Self {
        Self { kind: rule, name: None, allowed: &[] }
    }
}

/// The rules of the query firewall, each named by its violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryErrorKind {
    /// A media type other than JSON rows or one JSON row.
    AcceptRefused,
    /// An alias that is ambiguous, or two of one name.
    AliasRefused,
    /// An argument that the function does not have.
    ArgumentUnknown,
    /// An argument that the function needs.
    ArgumentMissing,
    /// A body that is not the required JSON object or array.
    BodyMalformed,
    /// A column that does not exist, or not for this caller and this use.
    ColumnRefused,
    /// A filter or an order of returned rows, on a column that is not returned.
    ColumnUnselected,
    /// `count=exact` on a table where it would scan.
    CountRefused,
    /// More conditions, a deeper tree, or more orders than allowed.
    ComplexityRefused,
    /// A body that is not JSON.
    ContentTypeRefused,
    /// A query that is not percent-encoded UTF-8.
    EncodingMalformed,
    /// A table that may not be embedded here.
    EmbedRefused,
    /// An export that is not ordered by the key, or does not begin with it.
    ExportMalformed,
    /// A filter that is not `operator.value`.
    FilterMalformed,
    /// A read by staff whose query is longer than the audit log stores.
    FilterTooLong,
    /// No equality on the key of the table.
    KeyFilterRequired,
    /// `limit` or `offset` above the maximum, or not a whole number.
    LimitRefused,
    /// A read by staff of single records whose keys are compared, but not named.
    RecordUnnamed,
    /// An operator that is not allowed, or not for this type.
    OperatorRefused,
    /// An `order` that is not `column.direction.nulls`.
    OrderMalformed,
    /// An owner that is not a Clerk id.
    OwnerMalformed,
    /// A parameter that is not allowed here, or occurs twice.
    ParameterRefused,
    /// A password; only Clerk may receive one.
    PasswordRefused,
    /// A tree of conditions on an update that requests the changed rows.
    TreeRefused,
    /// A preference that is not allowed, or occurs twice.
    PreferenceRefused,
    /// A schema other than the Hub's.
    ProfileRefused,
    /// A `Range` header; pages are requested by limit and offset.
    RangeRefused,
    /// More rows or keys than one request may change.
    RowsTooMany,
    /// A `select` that is not columns and embeds: a cast, a path, an aggregate, a spread, a hint.
    SelectMalformed,
    /// An insert that would overwrite.
    UpsertRefused,
    /// A purpose that is not on the list.
    PurposeRefused,
    /// A read of a client's record by staff without a purpose.
    PurposeRequired,
    /// A reason that is not one short sentence.
    ReasonMalformed,
    /// A read of clients' records by staff that does not name the record.
    RecordFilterRequired,
    /// An `If-Match` that is not one version of one row.
    VersionMalformed,
    /// A change by staff without the version on which it is based.
    VersionRequired,
    /// A value that does not fit the column's type, or is too long.
    ValueMalformed,
}

impl QueryErrorKind {
    /// Every rule, in the order of the codes.
    #[allow(dead_code, reason = "compared with docs/errors.md")]
    pub const ALL: [Self; 37] = [
        Self::AcceptRefused,
        Self::ContentTypeRefused,
        Self::ProfileRefused,
        Self::RangeRefused,
        Self::PreferenceRefused,
        Self::CountRefused,
        Self::EncodingMalformed,
        Self::ParameterRefused,
        Self::PasswordRefused,
        Self::SelectMalformed,
        Self::ColumnRefused,
        Self::EmbedRefused,
        Self::FilterMalformed,
        Self::OperatorRefused,
        Self::ValueMalformed,
        Self::ComplexityRefused,
        Self::OrderMalformed,
        Self::LimitRefused,
        Self::KeyFilterRequired,
        Self::BodyMalformed,
        Self::RowsTooMany,
        Self::UpsertRefused,
        Self::ArgumentUnknown,
        Self::ArgumentMissing,
        Self::VersionMalformed,
        Self::VersionRequired,
        Self::PurposeRefused,
        Self::PurposeRequired,
        Self::RecordFilterRequired,
        Self::ReasonMalformed,
        Self::ExportMalformed,
        Self::AliasRefused,
        Self::ColumnUnselected,
        Self::TreeRefused,
        Self::OwnerMalformed,
        Self::FilterTooLong,
        Self::RecordUnnamed,
    ];

    /// Returns the public row.
    #[must_use]
    pub const fn response(self) -> ErrorResponse {
        let (code, status, message, hint) = match self {
            Self::AcceptRefused => ACCEPT_REFUSED,
            Self::ContentTypeRefused => {
                ("HUB302", 415, "The request body must be JSON.", "Send Content-Type: application/json.")
            }
            Self::ProfileRefused => (
                "HUB303",
                406,
                "The requested schema is not available.",
                "Remove the profile headers, or set them to public.",
            ),
            Self::RangeRefused => ("HUB304", 400, "Range headers are not supported.", "Use limit and offset."),
            Self::PreferenceRefused => (
                "HUB305",
                400,
                "A preference is not supported.",
                "Use return, count, handling, max-affected and missing, each once.",
            ),
            Self::CountRefused => {
                ("HUB306", 400, "An exact count is not allowed here.", "Remove it; staff may use count=planned.")
            }
            Self::EncodingMalformed => {
                ("HUB307", 400, "The query is not percent-encoded UTF-8.", "Percent-encode the query once.")
            }
            Self::ParameterRefused => (
                "HUB308",
                400,
                "A query parameter is not supported.",
                "Use select, filters, order, limit and offset, each of select, order, limit and offset once.",
            ),
            Self::PasswordRefused => (
                "HUB309",
                400,
                "Passwords are not accepted.",
                "Sign in with Clerk, and change this password, because it was sent to the wrong place.",
            ),
            Self::SelectMalformed => SELECT_MALFORMED,
            Self::ColumnRefused => COLUMN_REFUSED,
            Self::EmbedRefused => EMBED_REFUSED,
            Self::FilterMalformed => {
                ("HUB313", 400, "A filter must have the form operator.value.", "Write it as column=eq.value.")
            }
            Self::OperatorRefused => (
                "HUB314",
                400,
                "The operator is not supported for this column.",
                "Use eq, neq, gt, gte, lt, lte, in, is, isdistinct, and on text like and ilike, also of any or all.",
            ),
            Self::ValueMalformed => {
                ("HUB315", 400, "A value does not match the type of its column.", "Check its type and length.")
            }
            Self::ComplexityRefused => COMPLEXITY_REFUSED,
            Self::OrderMalformed => {
                ("HUB317", 400, "The order parameter must list columns.", "Write it as column.desc.nullslast.")
            }
            Self::LimitRefused => LIMIT_REFUSED,
            Self::KeyFilterRequired => (
                "HUB319",
                400,
                "Filter by primary key to update or delete.",
                "Add a filter of the primary key with eq or in.",
            ),
            Self::BodyMalformed => (
                "HUB320",
                400,
                "The request body has the wrong structure.",
                "Send a JSON object, or for an insert an array of them.",
            ),
            Self::RowsTooMany => ("HUB321", 413, "The request has too many rows.", "Send at most 100."),
            Self::UpsertRefused => UPSERT_REFUSED,
            Self::ArgumentUnknown => {
                ("HUB323", 400, "The function has no such argument.", "GET /rest/v1/ lists its arguments.")
            }
            Self::ArgumentMissing => {
                ("HUB324", 400, "The function needs an argument.", "GET /rest/v1/ lists its arguments.")
            }
            Self::VersionMalformed => VERSION_MALFORMED,
            Self::VersionRequired => VERSION_MISSING,
            Self::PurposeRefused => PURPOSE_REFUSED,
            Self::PurposeRequired => PURPOSE_MISSING,
            Self::RecordFilterRequired => RECORD_MISSING,
            Self::ReasonMalformed => REASON_MALFORMED,
            Self::ExportMalformed => EXPORT_MALFORMED,
            Self::AliasRefused => ALIAS_REFUSED,
            Self::ColumnUnselected => COLUMN_UNSELECTED,
            Self::TreeRefused => TREE_REFUSED,
            Self::OwnerMalformed => OWNER_MALFORMED,
            Self::FilterTooLong => FILTER_TOO_LONG,
            Self::RecordUnnamed => RECORD_UNNAMED,
        };
        ErrorResponse { code, status, message, hint }
    }
}
