//! Filters: columns that the caller may read, operators that an index or a plain comparison serves, values of the right
//! type.

mod named;

pub use named::{RecordSelector, Selector};

use super::{
    literal::{array, array_of, end_of_value, list, unquoted},
    select::Selection,
    value::{is_valid_filter_value, quote},
};
use crate::{
    domain::{ids::is_clerk_id, tables::ColumnType},
    logic::query::error::{QueryError, QueryErrorKind},
};

/// Parser of filters that also counts their cost.
#[derive(Debug, Default)]
pub struct FilterParser {
    conditions: usize,
    /// Number of keys named at the top level, if any.
    pub keys: Option<usize>,
    /// The records named at the top level: by their key, else their conversation, else their owner.
    pub named: Option<RecordSelector>,
    /// Number of comparisons besides those of the key and the version.
    pub others: usize,
    /// The version named at the top level.
    pub version: Option<u32>,
    /// True if a sensitive column is compared with any value.
    pub names_sensitive: bool,
    /// True while a condition may name selected columns only.
    pub selected_only: bool,
    /// Column in a comparison that could name a client, or a record in the audit log, while the read record would not:
    /// in a range, by a pattern, inside `or` or `and`, or of an embedded table.
    pub owner_aside: Option<&'static str>,
    /// Column of a key or of a parent in a condition that selects single records without naming them.
    pub key_aside: Option<&'static str>,
    /// True if a text is searched for words.
    pub searches: bool,
    /// The table and the keys of the records whose history in the audit log is named at the top level.
    subject: (Option<&'static str>, Option<Vec<String>>),
    /// The tables whose keys are compared by a range, directly or through a column that refers to them.
    ranges: Vec<&'static str>,
}

/// Place of a condition in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A parameter of its own, on the table that is read.
    Top,
    /// A parameter of its own, on an embedded table.
    Embedded,
    /// Inside `or` or `and`.
    Tree,
}

/// One condition, checked: `[not.]operator.value`, ready to be written.
struct Condition {
    not: bool,
    operator: &'static str,
    operand: Operand,
}

enum Operand {
    List(Vec<String>),
    One(String),
    Patterns(Vec<String>),
}

impl FilterParser {
    /// Parses `column=operator.value`; returns the value that is sent upstream.
    ///
    /// # Errors
    /// The first violated rule.
    pub fn parse_filter(
        &mut self,
        selection: &Selection,
        name: &str,
        text: &str,
        place: Place,
    ) -> Result<String, QueryError> {
        let condition = self.condition(selection, name, text, place)?;
        let top = place == Place::Top;
        if !condition.is_plain(place) {
            self.note_owner_aside(selection.table, name);
        }
        self.note_key_aside(selection.table, name, &condition, place);
        if top && name == selection.table.key && !condition.not {
            match (&condition.operand, condition.operator) {
                (Operand::One(_), "eq") => self.keys = Some(1),
                (Operand::List(list), "in") => self.keys = Some(list.len()),
                _ => {}
            }
        }
        let exactly = condition.operator == "eq" || condition.operator == "in" && name == selection.table.key;
        let known = top && exactly && !condition.not && (name == selection.table.key || name == "version");
        self.others += usize::from(!known);
        if top && !condition.not {
            self.track_selector(selection.table, name, &condition);
        }
        Ok(condition.to_query(place))
    }

    /// Parses `or=(…)` or `and=(…)`; returns the value that is sent upstream.
    ///
    /// # Errors
    /// The first violated rule.
    pub fn parse_logic_tree(&mut self, selection: &Selection, text: &str) -> Result<String, QueryError> {
        self.others += 1;
        let mut written = String::new();
        let rest = self.group(selection, text, 1, &mut written)?;
        if rest.is_empty() { Ok(written) } else { Err(QueryErrorKind::FilterMalformed.into()) }
    }

    /// Parses a parenthesised list; returns the text after it.
    fn group<'a>(
        &mut self,
        selection: &Selection,
        text: &'a str,
        depth: u8,
        written: &mut String,
    ) -> Result<&'a str, QueryError> {
        if depth > MAX_DEPTH {
            return Err(QueryErrorKind::ComplexityRefused.into());
        }
        let mut rest = text.strip_prefix('(').ok_or(QueryErrorKind::FilterMalformed)?;
        written.push('(');
        loop {
            rest = self.member(selection, rest.trim_start(), depth, written)?;
            if let Some(after) = rest.strip_prefix(')') {
                written.push(')');
                return Ok(after);
            }
            rest = rest.strip_prefix(',').ok_or(QueryErrorKind::FilterMalformed)?;
            written.push(',');
        }
    }

    fn member<'a>(
        &mut self,
        selection: &Selection,
        text: &'a str,
        depth: u8,
        written: &mut String,
    ) -> Result<&'a str, QueryError> {
        for connective in ["and", "or", "not.and", "not.or"] {
            if let Some(group) = text.strip_prefix(connective).filter(|group| group.starts_with('(')) {
                written.push_str(connective);
                return self.group(selection, group, depth + 1, written);
            }
        }
        let (name, text) = text.split_once('.').ok_or(QueryErrorKind::FilterMalformed)?;
        let end = end_of_value(text).ok_or(QueryErrorKind::FilterMalformed)?;
        let (text, rest) = text.split_at_checked(end).ok_or(QueryErrorKind::FilterMalformed)?;
        let condition = self.condition(selection, name, text, Place::Tree)?;
        if condition.operator != "is" {
            self.note_owner_aside(selection.table, name);
        }
        self.note_key_aside(selection.table, name, &condition, Place::Tree);
        written.push_str(name);
        written.push('.');
        written.push_str(&condition.to_query(Place::Tree));
        Ok(rest)
    }

    fn condition(
        &mut self,
        selection: &Selection,
        name: &str,
        text: &str,
        place: Place,
    ) -> Result<Condition, QueryError> {
        let in_tree = place == Place::Tree;
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return Err(QueryErrorKind::ComplexityRefused.into());
        }
        let refused = || QueryError::new(QueryErrorKind::ColumnRefused, name).with_allowed(selection.grant.read);
        let readable = selection.grant.read.contains(&name);
        self.names_sensitive |= selection.table.sensitive_columns.contains(&name);
        let kind = selection.table.column(name).filter(|_| readable).ok_or_else(refused)?.kind;
        if self.selected_only && !selection.selects(name) {
            return Err(QueryError::new(QueryErrorKind::ColumnUnselected, name));
        }
        let (not, text) = text.strip_prefix("not.").map_or((false, text), |text| (true, text));
        let (operator, value) =
            text.split_once('.').ok_or_else(|| QueryError::new(QueryErrorKind::FilterMalformed, name))?;
        let operator = operators(kind).find(|supported| *supported == operator);
        let operator = operator.ok_or_else(|| QueryError::new(QueryErrorKind::OperatorRefused, name))?;
        let malformed = || QueryError::new(QueryErrorKind::ValueMalformed, name);
        let operand = match operator {
            "in" => {
                let list = list(value).ok_or_else(malformed)?;
                if list.len() > MAX_LIST_VALUES {
                    return Err(QueryError::new(QueryErrorKind::RowsTooMany, name));
                }
                Operand::List(list)
            }
            "like(any)" | "like(all)" | "ilike(any)" | "ilike(all)" => {
                let inside = if in_tree { unquoted(value) } else { None };
                let patterns = array(inside.as_deref().unwrap_or(value)).ok_or_else(malformed)?;
                // Each pattern is a comparison of its own.
                self.conditions += patterns.len().saturating_sub(1);
                if self.conditions > MAX_CONDITIONS {
                    return Err(QueryErrorKind::ComplexityRefused.into());
                }
                Operand::Patterns(patterns)
            }
            _ if in_tree => Operand::One(unquoted(value).ok_or_else(malformed)?),
            _ => Operand::One(value.to_owned()),
        };
        let valid = match (&operand, operator) {
            (Operand::List(list), _) => list.iter().all(|value| is_valid_filter_value(kind, value)),
            (Operand::One(value), "is") => {
                matches!(value.as_str(), "null" | "true" | "false" | "unknown")
                    && (kind == ColumnType::Boolean || value == "null")
            }
            (Operand::Patterns(patterns), _) => patterns.iter().all(|pattern| is_pattern(kind, pattern)),
            (Operand::One(value), "like" | "ilike") => is_pattern(kind, value),
            (Operand::One(value), _) => is_valid_filter_value(kind, value),
        };
        self.searches |= operator.contains("like");
        if selection.table.owner == Some(name) && operator != "is" && !operand.names_owners() {
            return Err(QueryError::new(QueryErrorKind::OwnerMalformed, name));
        }
        if valid { Ok(Condition { not, operator, operand }) } else { Err(malformed()) }
    }
}

impl Operand {
    /// Returns whether each value is a Clerk id of a user or an organization.
    fn names_owners(&self) -> bool {
        let is_owner = |value: &String| is_clerk_id(value, "user_") || is_clerk_id(value, "org_");
        match self {
            Self::List(values) | Self::Patterns(values) => values.iter().all(is_owner),
            Self::One(value) => is_owner(value),
        }
    }
}

impl Condition {
    /// Returns whether it names rows at the top level, as the read record does, or only excludes rows.
    fn is_plain(&self, place: Place) -> bool {
        match (self.operator, self.not) {
            ("eq" | "in", false) => place == Place::Top,
            ("eq" | "in", true) | ("neq", false) | ("is", _) => true,
            _ => false,
        }
    }

    fn to_query(&self, place: Place) -> String {
        let in_tree = place == Place::Tree;
        let not = if self.not { "not." } else { "" };
        let value = match &self.operand {
            Operand::List(list) => format!("({})", list.iter().map(|value| quote(value)).collect::<Vec<_>>().join(",")),
            Operand::Patterns(patterns) if in_tree => quote(&array_of(patterns)),
            Operand::Patterns(patterns) => array_of(patterns),
            Operand::One(value) if in_tree && self.operator != "is" => quote(value),
            Operand::One(value) => value.clone(),
        };
        format!("{not}{}.{value}", self.operator)
    }
}

/// Returns whether a pattern is valid. One that ends in an escape character fails only if a row matches it up to there
/// (SQLSTATE 22025), which would reveal that row by an error.
///
/// Source: <https://github.com/postgres/postgres/blob/REL_17_STABLE/src/backend/utils/adt/like_match.c>
fn is_pattern(kind: ColumnType, text: &str) -> bool {
    let escapes = text.len() - text.trim_end_matches('\\').len();
    escapes.is_multiple_of(2)
        && is_valid_filter_value(kind, text)
        && text.bytes().filter(|byte| b"*%_".contains(byte)).count() <= MAX_WILDCARDS
}

/// Returns the operators that a filter on a type accepts; text search, regular expressions and containment have a cost
/// that the client controls.
pub fn operators(kind: ColumnType) -> impl Iterator<Item = &'static str> {
    let (compares, patterns): (&[_], &[_]) = match kind {
        ColumnType::Bytes | ColumnType::Json | ColumnType::Texts => (&["is"], &[]),
        ColumnType::Text => (&COMPARISONS, &PATTERNS),
        ColumnType::Boolean | ColumnType::Integer | ColumnType::Timestamp | ColumnType::Uuid => (&COMPARISONS, &[]),
    };
    compares.iter().chain(patterns).copied()
}

const COMPARISONS: [&str; 9] = ["eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "isdistinct"];
const PATTERNS: [&str; 6] = ["like", "ilike", "like(any)", "like(all)", "ilike(any)", "ilike(all)"];
const MAX_DEPTH: u8 = 3;
const MAX_CONDITIONS: usize = 30;
const MAX_LIST_VALUES: usize = 100;
const MAX_WILDCARDS: usize = 8;
