//! Public rows of query errors, longer than one line.

/// Code, status, sentence, hint.
pub(super) type Row = (&'static str, u16, &'static str, &'static str);
pub(super) const SELECT_MALFORMED: Row = (
    "HUB310",
    400,
    "The select parameter must list columns and embedded tables.",
    "Remove casts, paths, spreads, hints and aggregates, except count alone in an embedded table.",
);
pub(super) const ACCEPT_REFUSED: Row = (
    "HUB301",
    406,
    "The requested media type is not supported.",
    "Accept application/json or application/vnd.pgrst.object+json.",
);
pub(super) const LIMIT_REFUSED: Row = (
    "HUB318",
    400,
    "The limit or the offset is too large.",
    "Request at most 1000 rows, and filter instead of skipping more than 100000.",
);
pub(super) const COLUMN_REFUSED: Row =
    ("HUB311", 400, "Column not found or not accessible.", "GET /rest/v1/ lists the columns of this session.");
pub(super) const EMBED_REFUSED: Row =
    ("HUB312", 400, "The table cannot be embedded.", "Embed listed tables only, at most two deep.");
pub(super) const COMPLEXITY_REFUSED: Row =
    ("HUB316", 400, "The query has too many conditions.", "Use at most 30 conditions, three levels, and five orders.");
pub(super) const UPSERT_REFUSED: Row = (
    "HUB322",
    400,
    "Upsert is not supported.",
    "Insert without the key, which the database generates, or update by key.",
);
pub(super) const VERSION_MALFORMED: Row =
    ("HUB325", 400, "If-Match must be the version of one row.", "Send If-Match: \"3\" with one key, or *.");
pub(super) const VERSION_MISSING: Row = (
    "HUB326",
    428,
    "A change by staff requires the version of the row.",
    "Send If-Match: \"3\" or filter version=eq.3 for version 3; If-Match: * overwrites any version.",
);
pub(super) const PURPOSE_REFUSED: Row =
    ("HUB327", 400, "Unknown purpose.", "Use client_request, support, sales, quality, security or legal.");
pub(super) const PURPOSE_MISSING: Row = (
    "HUB328",
    403,
    "A purpose is required to read this column.",
    "Send x-hub-purpose, or select and search other columns.",
);
pub(super) const RECORD_MISSING: Row = (
    "HUB329",
    403,
    "A record filter is required to read this column.",
    "Filter the key, the conversation or the owner with eq or in, or select other columns; sales and admins list leads for sales.",
);
pub(super) const REASON_MALFORMED: Row = (
    "HUB330",
    400,
    "The reason must be one line of at most 500 characters.",
    "Shorten x-hub-reason, and percent-encode it.",
);
pub(super) const EXPORT_MALFORMED: Row = (
    "HUB331",
    400,
    "Exports must be ordered by the primary key.",
    "Select the primary key first, order by it alone, and remove offset, count and embedded tables.",
);
pub(super) const ALIAS_REFUSED: Row = (
    "HUB332",
    400,
    "An alias is ambiguous.",
    "Use each name once, of at most 32 characters, and none of a table, a column or the query language; name both of two embeds of one table.",
);
pub(super) const COLUMN_UNSELECTED: Row = (
    "HUB333",
    400,
    "The returned rows are filtered or ordered by a column that is not selected.",
    "Select the column too.",
);
pub(super) const TREE_REFUSED: Row = (
    "HUB334",
    400,
    "An update that returns its rows does not support and, or and not.",
    "Remove return=representation, or use plain filters.",
);
pub(super) const OWNER_MALFORMED: Row = (
    "HUB340",
    400,
    "The value does not identify a client.",
    "Use Clerk's id: user_ or org_ and 10 to 64 letters and digits. Staff who name no record may compare it by eq, in or neq only, outside of or, and, and embedded tables.",
);
pub(super) const FILTER_TOO_LONG: Row = (
    "HUB341",
    400,
    "The query is longer than the audit log can record.",
    "Name fewer columns, values or words, and split the query.",
);
pub(super) const RECORD_UNNAMED: Row = (
    "HUB342",
    400,
    "The filter describes single records instead of naming them.",
    "Name records by eq or in, outside of or, and, and embedded tables. To page, compare the key by one range.",
);
