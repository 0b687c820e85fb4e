//! The `order` parameter: columns that the caller may read, each with its direction.

use super::select::Selection;
use crate::logic::query::error::{QueryError, QueryErrorKind};

/// An order, parsed and re-serialized.
pub struct Order<'a> {
    /// The text that is sent upstream.
    pub written: String,
    /// The columns that it names.
    pub columns: Vec<&'a str>,
}

/// Parses `column.direction.nulls`, up to five.
///
/// # Errors
/// `ColumnRefused`, `OrderMalformed`, `ComplexityRefused`.
pub fn order<'a>(selection: &Selection, text: &'a str) -> Result<Order<'a>, QueryError> {
    let (mut written, mut columns) = (Vec::new(), Vec::new());
    for term in text.split(',').map(str::trim) {
        let mut parts = term.split('.');
        let name = parts.next().unwrap_or_default();
        if !selection.grant.read.contains(&name) {
            return Err(QueryError::new(QueryErrorKind::ColumnRefused, name).with_allowed(selection.grant.read));
        }
        let rest: Vec<&str> = parts.collect();
        let valid = matches!(
            rest.as_slice(),
            [] | ["asc" | "desc" | "nullsfirst" | "nullslast"] | ["asc" | "desc", "nullsfirst" | "nullslast"]
        );
        if !valid {
            return Err(QueryError::new(QueryErrorKind::OrderMalformed, name));
        }
        written.push(term);
        columns.push(name);
    }
    if written.len() > MAX_ORDER_TERMS {
        return Err(QueryErrorKind::ComplexityRefused.into());
    }
    Ok(Order { written: written.join(","), columns })
}

const MAX_ORDER_TERMS: usize = 5;
