//! The `order` parameter: columns that the caller may read, each with its direction.

use super::{
    fault::{QueryFault, Rule},
    select::Selection,
};

/// Reads `column.direction.nulls`, up to five; gives them as they go upstream.
///
/// # Errors
/// `ColumnRefused`, `OrderMalformed`, `ComplexityRefused`.
pub fn order(selection: &Selection, text: &str) -> Result<String, QueryFault> {
    let mut written = Vec::new();
    for term in text.split(',').map(str::trim) {
        let mut parts = term.split('.');
        let name = parts.next().unwrap_or_default();
        if !selection.grant.read.contains(&name) {
            return Err(QueryFault::new(Rule::ColumnRefused, name));
        }
        let rest: Vec<&str> = parts.collect();
        let good = matches!(
            rest.as_slice(),
            [] | ["asc" | "desc" | "nullsfirst" | "nullslast"] | ["asc" | "desc", "nullsfirst" | "nullslast"]
        );
        if !good {
            return Err(QueryFault::new(Rule::OrderMalformed, name));
        }
        written.push(term);
    }
    if written.len() > MOST_ORDERS { Err(Rule::ComplexityRefused.into()) } else { Ok(written.join(",")) }
}

const MOST_ORDERS: usize = 5;
