//! Errors of a query: one rule each, with a stable code and a sentence that contains no input but a plain identifier.

mod rows;

use strum::VariantArray;

/// A violated rule, and the column, parameter or preference that violated it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{}{}", if .name.is_some() { ": " } else { "" }, .name.as_deref().unwrap_or_default())]
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

/// The rules of the query firewall, each named by its violation, in the order of the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, strum::Display, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum QueryErrorKind {
    /// A media type other than JSON rows or one JSON row.
    AcceptRefused,
    /// A body that is not JSON.
    ContentTypeRefused,
    /// A schema other than the Hub's.
    ProfileRefused,
    /// A `Range` header; pages are requested by limit and offset.
    RangeRefused,
    /// A preference that is not allowed, or occurs twice.
    PreferenceRefused,
    /// `count=exact` on a table where it would scan.
    CountRefused,
    /// A query that is not percent-encoded UTF-8.
    EncodingMalformed,
    /// A parameter that is not allowed here, or occurs twice.
    ParameterRefused,
    /// A password; only Clerk may receive one.
    PasswordRefused,
    /// A `select` that is not columns and embeds: a cast, a path, an aggregate, a spread, a hint.
    SelectMalformed,
    /// A column that does not exist, or not for this caller and this use.
    ColumnRefused,
    /// A table that may not be embedded here.
    EmbedRefused,
    /// A filter that is not `operator.value`.
    FilterMalformed,
    /// An operator that is not allowed, or not for this type.
    OperatorRefused,
    /// A value that does not fit the column's type, or is too long.
    ValueMalformed,
    /// More conditions, a deeper tree, or more orders than allowed.
    ComplexityRefused,
    /// An `order` that is not `column.direction.nulls`.
    OrderMalformed,
    /// `limit` or `offset` above the maximum, or not a whole number.
    LimitRefused,
    /// No equality on the key of the table.
    KeyFilterRequired,
    /// A body that is not the required JSON object or array.
    BodyMalformed,
    /// More rows or keys than one request may change.
    RowsTooMany,
    /// An insert that would overwrite.
    UpsertRefused,
    /// An argument that the function does not have.
    ArgumentUnknown,
    /// An argument that the function needs.
    ArgumentMissing,
    /// An `If-Match` that is not one version of one row.
    VersionMalformed,
    /// A change by staff without the version on which it is based.
    VersionRequired,
    /// A purpose that is not on the list.
    PurposeRefused,
    /// A read of a client's record by staff without a purpose.
    PurposeRequired,
    /// A read of clients' records by staff that does not name the record.
    RecordFilterRequired,
    /// A reason that is not one short sentence.
    ReasonMalformed,
    /// An export that is not ordered by the key, or does not begin with it.
    ExportMalformed,
    /// An alias that is ambiguous, or two of one name.
    AliasRefused,
    /// A filter or an order of returned rows, on a column that is not returned.
    ColumnUnselected,
    /// A tree of conditions on an update that requests the changed rows.
    TreeRefused,
    /// An owner that is not a Clerk id.
    OwnerMalformed,
    /// A read by staff whose query is longer than the audit log stores.
    FilterTooLong,
    /// A read by staff of single records whose keys are compared, but not named.
    RecordUnnamed,
}
