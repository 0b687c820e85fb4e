//! The parts of the API description that are derived from a column, an argument or a header.

use super::{Caller, reference, with};
use crate::{
    domain::{
        access::{Operation, Purpose},
        functions::{Argument, Function, FunctionProperty},
        tables::{Column, ColumnType, Grant, Table},
    },
    logic::query::operators,
};
use serde_json::{Map, Value, json};
use strum::VariantArray as _;

/// Returns the schema of a type; `format` is `PostgreSQL`'s name for it, as in `PostgREST`.
pub(super) fn kind(kind: ColumnType) -> Value {
    match kind {
        ColumnType::Boolean => json!({ "type": "boolean", "format": "boolean" }),
        ColumnType::Bytes => json!({ "type": "string", "format": "bytea" }),
        ColumnType::Integer => json!({ "type": "integer", "format": "bigint" }),
        ColumnType::Json => json!({ "format": "jsonb" }),
        ColumnType::Text => json!({ "type": "string", "format": "text" }),
        ColumnType::Texts => json!({ "type": "array", "format": "text[]", "items": { "type": "string" } }),
        ColumnType::Timestamp => json!({ "type": "string", "format": "timestamp with time zone" }),
        ColumnType::Uuid => json!({ "type": "string", "format": "uuid" }),
    }
}

fn property(column: &Column) -> Value {
    let schema = kind(column.kind);
    let schema = if column.values.is_empty() { schema } else { with(schema, "enum", json!(column.values)) };
    if column.nullable { with(schema, "x-nullable", json!(true)) } else { schema }
}

/// Returns the schema of a table's columns in one use by one audience, with the required ones.
fn object(table: &Table, columns: &[&str], required: impl Fn(&Column) -> bool) -> Value {
    let used = || table.columns.iter().filter(|column| columns.contains(&column.name));
    let properties: Map<String, Value> =
        used().map(|column| (column.name.to_owned(), noted(table, column, property(column)))).collect();
    let required: Vec<&str> = used().filter(|column| required(column)).map(|column| column.name).collect();
    closed(&properties, &required)
}

fn closed(properties: &Map<String, Value>, required: &[&str]) -> Value {
    let schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    // Swagger 2.0 does not allow an empty list.
    if required.is_empty() { schema } else { with(schema, "required", json!(required)) }
}

/// Adds the notes by which tools find keys in a `PostgREST` description.
fn noted(table: &Table, column: &Column, schema: Value) -> Value {
    if column.name == table.key {
        return with(schema, "description", json!("Note:\nThis is a Primary Key.<pk/>"));
    }
    match table.parent.filter(|(name, _)| *name == column.name) {
        Some((_, parent)) => {
            let key = Table::by_name(parent).map_or("id", |parent| parent.key);
            let note =
                format!("Note:\nThis is a Foreign Key to `{parent}.{key}`.<fk table='{parent}' column='{key}'/>");
            with(schema, "description", json!(note))
        }
        None => schema,
    }
}

/// Returns the schema of a row as the caller reads it.
pub(super) fn row(table: &Table, grant: &Grant) -> Value {
    object(table, grant.read, |column| !column.nullable)
}

/// Returns the schema of a new row, or of a change to one.
pub(super) fn change(table: &Table, columns: &[&str], change: Operation) -> Value {
    let inserts = change == Operation::Insert;
    let schema = object(table, columns, |column| inserts && !column.nullable && !column.defaulted);
    with(schema, "minProperties", json!(1))
}

/// Returns the schema of a function's arguments.
pub(super) fn arguments(function: &Function) -> Value {
    let properties: Map<String, Value> =
        function.arguments.iter().map(|argument| (argument.name.to_owned(), kind(argument.kind))).collect();
    let required: Vec<&str> =
        function.arguments.iter().filter(|argument| argument.required).map(|argument| argument.name).collect();
    closed(&properties, &required)
}

/// Returns the parameter for an argument in the query of a reading function.
pub(super) fn argument(argument: &Argument) -> Value {
    json!({ "name": argument.name, "in": "query", "type": "string", "required": argument.required })
}

/// Returns the parameter for the body of a change or a call.
pub(super) fn body(definition: &str, change: Operation) -> Value {
    let description = match change {
        Operation::Insert => "One new row, or an array of at most 100.",
        Operation::Delete | Operation::Export | Operation::Select | Operation::Update => "A JSON object.",
    };
    json!({ "name": "body", "in": "body", "required": true, "description": description, "schema": reference("definitions", definition) })
}

/// Returns the parameter for a filter on a column.
pub(super) fn row_filter(column: &Column) -> Value {
    let operators = operators(column.kind).collect::<Vec<_>>().join(" ");
    json!({ "name": column.name, "in": "query", "type": "string", "required": false, "description": format!("operator.value; {operators}, each with not.") })
}

/// Returns the filter by which a change selects its rows.
pub(super) fn key_filter(table: &Table) -> Value {
    json!({ "name": table.key, "in": "query", "type": "string", "required": true, "description": "eq.value or in.(value,…): the rows to change." })
}

/// Returns the parameter for the number of rows.
pub(super) fn limit(table: &Table) -> Value {
    json!({ "name": "limit", "in": "query", "type": "integer", "minimum": 0, "maximum": table.limit.max, "default": table.limit.default })
}

/// Returns the purpose header of a read by staff of clients' records.
pub(super) fn purpose(caller: Caller, table: &Table, grant: &Grant) -> Option<Value> {
    let guarded: Vec<&str> = table.sensitive_columns.iter().copied().filter(|name| grant.read.contains(name)).collect();
    if !caller.is_staff() || (guarded.is_empty() && !grant.export && !table.has_recorded_reads()) {
        return None;
    }
    let columns = (!guarded.is_empty()).then(|| {
        let free: Vec<&str> = purposes(|purpose| table.lists(caller.who, purpose));
        let unless = if free.is_empty() { String::new() } else { format!(", unless the purpose is {}", free.join(" or ")) };
        format!(
            "Required if the result, a filter or the order contains {}; without select the result contains every column. The query must then \
             filter by key, conversation or owner{unless}.",
            guarded.join(" or ")
        )
    });
    let searches = table.has_recorded_reads().then(|| "Required for a search (like, ilike).".to_owned());
    let files = grant.export.then(|| "Required for an export (text/csv, application/x-ndjson).".to_owned());
    let description = columns.into_iter().chain(searches).chain(files).collect::<Vec<_>>().join(" ");
    Some(purpose_header(&description))
}

/// Returns the purpose header of a call by staff whose result depends on clients' records.
pub(super) fn call_purpose(caller: Caller, function: &Function) -> Option<Value> {
    let required = caller.is_staff() && function.mark == FunctionProperty::Sensitive;
    let header = || purpose_header("Required, because the result depends on clients' records.");
    required.then(|| with(header(), "required", json!(true)))
}

fn purposes(wanted: impl Fn(Purpose) -> bool) -> Vec<&'static str> {
    Purpose::VARIANTS.iter().copied().filter(|purpose| wanted(*purpose)).map(Purpose::name).collect()
}

fn purpose_header(description: &str) -> Value {
    json!({
        "name": "x-hub-purpose", "in": "header", "type": "string", "enum": purposes(|_| true),
        "required": false, "description": description,
    })
}

/// Returns the parameters that every table shares.
pub(super) fn common() -> Map<String, Value> {
    let query = |name: &str, description: &str| json!({ "name": name, "in": "query", "type": "string", "required": false, "description": description });
    let header = |name: &str, required: &[&str], description: &str| json!({ "name": name, "in": "header", "type": "string", "required": !required.is_empty(), "description": description });
    let version = "\"3\" for version 3, * for any version.";
    let rows = [
        ("select", query("select", "Columns and embedded tables, separated by commas.")),
        ("order", query("order", "column.asc or column.desc, with nullsfirst or nullslast; at most five columns.")),
        ("offset", json!({ "name": "offset", "in": "query", "type": "integer", "minimum": 0, "maximum": 100_000 })),
        (
            "preferCount",
            header(
                "Prefer",
                &[],
                "count=exact if the table allows it; count=planned or count=estimated, which are exact for customers.",
            ),
        ),
        ("preferReturn", header("Prefer", &[], "return=representation, return=minimal or return=headers-only.")),
        ("ifMatch", header("If-Match", &[], version)),
        (
            "ifMatchNeeded",
            header("If-Match", &["staff"], &format!("{version} The filter version=eq.3 may be used instead.")),
        ),
        ("reason", header("x-hub-reason", &[], "The reason, percent-encoded; required by some changes of status.")),
    ];
    rows.into_iter().map(|(name, parameter)| (name.to_owned(), parameter)).collect()
}

/// Returns the schema of every error body.
pub(super) fn error() -> Value {
    let text = || json!({ "type": "string", "x-nullable": true });
    json!({
        "type": "object",
        "required": ["code", "message", "details", "hint"],
        "properties": { "code": { "type": "string" }, "message": { "type": "string" }, "details": text(), "hint": text() },
    })
}
