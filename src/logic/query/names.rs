//! Aliases: the names that a client may give to columns and embedded tables, so that no part of a query is ambiguous.
//!
//! `PostgREST` finds the target of `x.column=`, `x.limit=` and `x=is.null` among aliases, table names and columns, in
//! an order that differs between releases (`src/PostgREST/Plan.hs`: `updateNode`, `addNullEmbedFilters`). A name that
//! is only one of them has one meaning in every release; docs/postgrest-versions.md lists the cases.

use crate::domain::tables::Table;

/// Words of `PostgREST`'s own grammar: a path that contains one is parsed as an operator.
pub const RESERVED: [&str; 10] =
    ["and", "or", "not", "select", "order", "limit", "offset", "columns", "on_conflict", "count"];

/// Returns whether an alias in a selection of this table is unambiguous.
#[must_use]
pub fn is_free(table: &Table, alias: &str) -> bool {
    alias.len() <= MAX_ALIAS_LEN
        && !RESERVED.contains(&alias)
        && Table::by_name(alias).is_none()
        && !is_column(table, alias)
}

/// Returns whether a table that a query of this one can reach has a column of this name.
fn is_column(table: &Table, name: &str) -> bool {
    let near = |table: &Table| table.embeds.iter().filter_map(|name| Table::by_name(name)).collect::<Vec<_>>();
    let has = |table: &Table| table.column(name).is_some();
    has(table) || near(table).into_iter().any(|table| has(table) || near(table).into_iter().any(has))
}

/// Maximum length of an alias: `PostgREST` puts the table's name and a depth around it, and `PostgreSQL` truncates
/// names after 63 bytes, so that two long aliases could become one.
const MAX_ALIAS_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tables::TABLES;

    /// Otherwise an embed without an alias could be interpreted as a column.
    #[test]
    fn table_names_differ_from_columns_and_keywords() {
        for table in TABLES {
            assert!(!RESERVED.contains(&table.name), "{}", table.name);
            assert!(table.name.len() <= MAX_ALIAS_LEN, "{}", table.name);
            for other in TABLES {
                assert!(other.column(table.name).is_none(), "{} is a column of {}", table.name, other.name);
            }
        }
    }

    #[test]
    fn reachable_catalogue_names_are_not_free_as_aliases() {
        for table in TABLES {
            let reached = table.embeds.iter().filter_map(|name| Table::by_name(name)).chain([table]);
            for column in reached.flat_map(|table| table.columns) {
                assert!(!is_free(table, column.name), "{} {}", table.name, column.name);
            }
            for other in TABLES {
                assert!(!is_free(table, other.name), "{} {}", table.name, other.name);
            }
            for name in RESERVED {
                assert!(!is_free(table, name), "{} {name}", table.name);
            }
            assert!(is_free(table, "latest") && !is_free(table, &"x".repeat(33)));
        }
    }
}
