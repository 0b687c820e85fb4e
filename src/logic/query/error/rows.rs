//! Public rows of query errors, longer than one line.

/// Code, status, sentence, hint.
pub(super) type Row = (&'static str, u16, &'static str, &'static str);
pub(super) const SELECT_MALFORMED: Row = (
    "HUB310",
    400,
    "The select is not a list of columns and embedded tables.",
    "Leave out casts, paths, spreads, hints, and aggregates but count alone in an embedded table.",
);
pub(super) const ACCEPT_REFUSED: Row = (
    "HUB301",
    406,
    "Answers are JSON only; files are where a role may export.",
    "Accept application/json or application/vnd.pgrst.object+json.",
);
pub(super) const LIMIT_REFUSED: Row = (
    "HUB318",
    400,
    "The limit or the offset is too large.",
    "Ask at most 1000 rows at a time, and filter instead of skipping more than 100000.",
);
pub(super) const UPSERT_REFUSED: Row = (
    "HUB322",
    400,
    "An insert may not overwrite.",
    "Insert without the key, which the database makes, or update by key; there is no upsert.",
);
pub(super) const VERSION_MALFORMED: Row =
    ("HUB325", 400, "If-Match is not the version of one row.", "Send If-Match: \"3\" with one key, or *.");
pub(super) const VERSION_MISSING: Row = (
    "HUB326",
    428,
    "A change by staff says which version it was made from.",
    "Send If-Match: \"3\" or filter version=eq.3 for version 3; If-Match: * overwrites whatever is there.",
);
pub(super) const PURPOSE_REFUSED: Row = (
    "HUB327",
    400,
    "That is no purpose of the list.",
    "Use client_request, support, sales, quality, security or legal.",
);
pub(super) const PURPOSE_MISSING: Row = (
    "HUB328",
    403,
    "Staff read this with a purpose only.",
    "Say why in x-hub-purpose, or select and search other columns.",
);
pub(super) const RECORD_MISSING: Row = (
    "HUB329",
    403,
    "Staff read this of a named record only.",
    "Filter the key, the conversation or the owner with eq or in, or select other columns; sales and admins list leads for sales.",
);
pub(super) const REASON_MALFORMED: Row = (
    "HUB330",
    400,
    "The reason is not one short sentence.",
    "Send at most 500 characters, percent-encoded, on one line.",
);
pub(super) const EXPORT_MALFORMED: Row = (
    "HUB331",
    400,
    "An export goes by its key.",
    "Select the key first, order by it alone, and leave out offset, count and embedded tables.",
);
pub(super) const ALIAS_REFUSED: Row = (
    "HUB332",
    400,
    "An alias could be taken for something else.",
    "Use each name once, of at most 32 characters, and none of a table, a column or the query language; name both of two embeds of one table.",
);
pub(super) const COLUMN_UNSELECTED: Row = (
    "HUB333",
    400,
    "The rows that come back are filtered or ordered by a column that is not selected.",
    "Select the column too.",
);
pub(super) const TREE_REFUSED: Row = (
    "HUB334",
    400,
    "An update that gives back its rows takes no and, or and not.",
    "Ask for no rows back, or filter by plain conditions.",
);
pub(super) const OWNER_MALFORMED: Row = (
    "HUB340",
    400,
    "That does not name a client.",
    "Give Clerk's id, user_ or org_ and 10 to 64 letters and digits; staff who name no record compare it by eq, in or neq alone, outside of or, and, and embedded tables.",
);
pub(super) const FILTER_TOO_LONG: Row = (
    "HUB341",
    400,
    "The query is longer than the audit log can record.",
    "Name fewer columns, values or words, and split the query.",
);
