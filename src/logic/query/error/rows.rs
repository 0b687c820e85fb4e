//! Public rows of query errors.

use super::QueryErrorKind;
use crate::logic::error_codes::{ErrorResponse, public};

impl QueryErrorKind {
    /// Returns the public row.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one arm per code")]
    pub const fn response(self) -> ErrorResponse {
        match self {
            Self::AcceptRefused => public(
                "HUB301",
                406,
                "The requested media type is not supported.",
                "Accept application/json or application/vnd.pgrst.object+json.",
            ),
            Self::ContentTypeRefused => {
                public("HUB302", 415, "The request body must be JSON.", "Send Content-Type: application/json.")
            }
            Self::ProfileRefused => public(
                "HUB303",
                406,
                "The requested schema is not available.",
                "Remove the profile headers, or set them to public.",
            ),
            Self::RangeRefused => public("HUB304", 400, "Range headers are not supported.", "Use limit and offset."),
            Self::PreferenceRefused => public(
                "HUB305",
                400,
                "A preference is not supported.",
                "Use return, count, handling, max-affected and missing, each once.",
            ),
            Self::CountRefused => {
                public("HUB306", 400, "An exact count is not allowed here.", "Remove it; staff may use count=planned.")
            }
            Self::EncodingMalformed => {
                public("HUB307", 400, "The query is not percent-encoded UTF-8.", "Percent-encode the query once.")
            }
            Self::ParameterRefused => public(
                "HUB308",
                400,
                "A query parameter is not supported.",
                "Use select, filters, order, limit and offset, each of select, order, limit and offset once.",
            ),
            Self::PasswordRefused => public(
                "HUB309",
                400,
                "Passwords are not accepted.",
                "Sign in with Clerk, and change this password, because it was sent to the wrong place.",
            ),
            Self::SelectMalformed => public(
                "HUB310",
                400,
                "The select parameter must list columns and embedded tables.",
                "Remove casts, paths, spreads, hints and aggregates, except count alone in an embedded table.",
            ),
            Self::ColumnRefused => public(
                "HUB311",
                400,
                "Column not found or not accessible.",
                "GET /rest/v1/ lists the columns of this session.",
            ),
            Self::EmbedRefused => {
                public("HUB312", 400, "The table cannot be embedded.", "Embed listed tables only, at most two deep.")
            }
            Self::FilterMalformed => {
                public("HUB313", 400, "A filter must have the form operator.value.", "Write it as column=eq.value.")
            }
            Self::OperatorRefused => public(
                "HUB314",
                400,
                "The operator is not supported for this column.",
                "Use eq, neq, gt, gte, lt, lte, in, is, isdistinct, and on text like and ilike, also of any or all.",
            ),
            Self::ValueMalformed => {
                public("HUB315", 400, "A value does not match the type of its column.", "Check its type and length.")
            }
            Self::ComplexityRefused => public(
                "HUB316",
                400,
                "The query has too many conditions.",
                "Use at most 30 conditions, three levels, and five orders.",
            ),
            Self::OrderMalformed => {
                public("HUB317", 400, "The order parameter must list columns.", "Write it as column.desc.nullslast.")
            }
            Self::LimitRefused => public(
                "HUB318",
                400,
                "The limit or the offset is too large.",
                "Request at most 1000 rows, and filter instead of skipping more than 100000.",
            ),
            Self::KeyFilterRequired => public(
                "HUB319",
                400,
                "Filter by primary key to update or delete.",
                "Add a filter of the primary key with eq or in.",
            ),
            Self::BodyMalformed => public(
                "HUB320",
                400,
                "The request body has the wrong structure.",
                "Send a JSON object, or for an insert an array of them.",
            ),
            Self::RowsTooMany => public("HUB321", 413, "The request has too many rows.", "Send at most 100."),
            Self::UpsertRefused => public(
                "HUB322",
                400,
                "Upsert is not supported.",
                "Insert without the key, which the database generates, or update by key.",
            ),
            Self::ArgumentUnknown => {
                public("HUB323", 400, "The function has no such argument.", "GET /rest/v1/ lists its arguments.")
            }
            Self::ArgumentMissing => {
                public("HUB324", 400, "The function needs an argument.", "GET /rest/v1/ lists its arguments.")
            }
            Self::VersionMalformed => public(
                "HUB325",
                400,
                "If-Match must be the version of one row.",
                "Send If-Match: \"3\" with one key, or *.",
            ),
            Self::VersionRequired => public(
                "HUB326",
                428,
                "A change by staff requires the version of the row.",
                "Send If-Match: \"3\" or filter version=eq.3 for version 3; If-Match: * overwrites any version.",
            ),
            Self::PurposeRefused => public(
                "HUB327",
                400,
                "Unknown purpose.",
                "Use client_request, support, sales, quality, security or legal.",
            ),
            Self::PurposeRequired => public(
                "HUB328",
                403,
                "A purpose is required to read this column.",
                "Send x-hub-purpose, or select and search other columns.",
            ),
            Self::RecordFilterRequired => public(
                "HUB329",
                403,
                "A record filter is required to read this column.",
                "Filter the key, the conversation or the owner with eq or in, or select other columns; sales and admins list leads for sales.",
            ),
            Self::ReasonMalformed => public(
                "HUB330",
                400,
                "The reason must be one line of at most 500 characters.",
                "Shorten x-hub-reason, and percent-encode it.",
            ),
            Self::ExportMalformed => public(
                "HUB331",
                400,
                "Exports must be ordered by the primary key.",
                "Select the primary key first, order by it alone, and remove offset, count and embedded tables.",
            ),
            Self::AliasRefused => public(
                "HUB332",
                400,
                "An alias is ambiguous.",
                "Use each name once, of at most 32 characters, and none of a table, a column or the query language; name both of two embeds of one table.",
            ),
            Self::ColumnUnselected => public(
                "HUB333",
                400,
                "The returned rows are filtered or ordered by a column that is not selected.",
                "Select the column too.",
            ),
            Self::TreeRefused => public(
                "HUB334",
                400,
                "An update that returns its rows does not support and, or and not.",
                "Remove return=representation, or use plain filters.",
            ),
            Self::OwnerMalformed => public(
                "HUB340",
                400,
                "The value does not identify a client.",
                "Use Clerk's id: user_ or org_ and 10 to 64 letters and digits. Staff who name no record may compare it by eq, in or neq only, outside of or, and, and embedded tables.",
            ),
            Self::FilterTooLong => public(
                "HUB341",
                400,
                "The query is longer than the audit log can record.",
                "Name fewer columns, values or words, and split the query.",
            ),
            Self::RecordUnnamed => public(
                "HUB342",
                400,
                "The filter describes single records instead of naming them.",
                "Name records by eq or in, outside of or, and, and embedded tables. To page, compare the key by one range.",
            ),
        }
    }
}
