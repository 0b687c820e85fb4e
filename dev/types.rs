//! `make types`: the calls that supabase-js may make, for each audience, as the `Database` that
//! `createClient<Database>` takes.
//!
//! The shape is that of `supabase gen types typescript`. Source: supabase-js,
//! `packages/core/postgrest-js/src/types/common/common.ts`.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a generator for the checkout")]

use hub::{
    domain::{
        access::{
            Operation, PrincipalKind,
            StaffRole::{Admin, Sales, Support},
        },
        functions::{Argument, FUNCTIONS, Function, Returned},
        tables::{Column, ColumnType, Grant, TABLES, Table},
    },
    logic::authz::grants,
};
use std::{collections::BTreeMap, fmt::Write as _, fs};

/// Audiences that a client of supabase-js can be, by the name of their file.
pub const AUDIENCES: [(&str, PrincipalKind); 4] = [
    ("customer", PrincipalKind::Customer),
    ("admin", PrincipalKind::Staff(Admin)),
    ("sales", PrincipalKind::Staff(Sales)),
    ("support", PrincipalKind::Staff(Support)),
];

fn main() {
    for (name, who) in AUDIENCES {
        let file = format!("types/{name}.ts");
        fs::write(&file, module(name, who)).expect("types/ can be written");
        println!("{file}");
    }
}

/// Returns the file of one audience.
#[must_use]
pub fn module(name: &str, who: PrincipalKind) -> String {
    let granted = || TABLES.iter().filter_map(|table| Some((table, table.grant(who)?)));
    let tables: String = granted().map(|(table, grant)| entry(table, grant, who)).collect();
    // In the order of their names, as Supabase's generator writes them.
    let callable: BTreeMap<&str, &Function> =
        FUNCTIONS.iter().filter(|function| function.is_open_to(who)).map(|one| (one.name, one)).collect();
    let functions: String = callable.into_values().map(|function| call(function, who)).collect();
    format!(
        "// What a session as {name} may do, from TABLES and FUNCTIONS. Written by `make types`; `make test` compares it.

export type Json = string | number | boolean | null | {{ [key: string]: Json | undefined }} | Json[];

export type Database = {{
  public: {{
    Tables: {{
{tables}    }};
    Views: {{ [_ in never]: never }};
    Functions: {{
{functions}    }};
    Enums: {{ [_ in never]: never }};
    CompositeTypes: {{ [_ in never]: never }};
  }};
}};
"
    )
}

fn entry(table: &Table, grant: &Grant, who: PrincipalKind) -> String {
    let of = |columns: &[&str], optional: &dyn Fn(&Column) -> bool| {
        let used = table.columns.iter().filter(|column| columns.contains(&column.name));
        object(used.map(|column| (column.name, optional(column), typed(column))), 8)
    };
    let row = of(grant.read, &|_| false);
    let insert = of(grant.insert, &|column| column.nullable || column.defaulted);
    let update = of(grant.update, &|_| true);
    // A table that may not be changed accepts no member at all.
    let never = |allowed: bool, written: String| if allowed { written } else { "Record<string, never>".to_owned() };
    let insert = never(grants(grant, Operation::Insert), insert);
    let update = never(grants(grant, Operation::Update), update);
    format!(
        "      {}: {{\n        Row: {row};\n        Insert: {insert};\n        Update: {update};\n        Relationships: [{}];\n      }};\n",
        table.name,
        relationships(table, who)
    )
}

/// Returns the embed of a row in its conversation, from which the reverse embed follows.
fn relationships(table: &Table, who: PrincipalKind) -> String {
    let Some((column, parent)) = table.parent else { return String::new() };
    let Some(parent) = Table::by_name(parent).filter(|parent| parent.grant(who).is_some()) else {
        return String::new();
    };
    let to = column.trim_end_matches("_id");
    format!(
        "\n          {{
            foreignKeyName: \"{}_{to}\";
            columns: [\"{column}\"];
            isOneToOne: false;
            referencedRelation: \"{}\";
            referencedColumns: [\"{}\"];
          }},\n        ",
        table.name, parent.name, parent.key
    )
}

fn call(function: &Function, who: PrincipalKind) -> String {
    let arguments = if function.arguments.is_empty() {
        "never".to_owned()
    } else {
        let one = |argument: &'static Argument| (argument.name, !argument.required, kind(argument.kind).to_owned());
        object(function.arguments.iter().map(one), 8)
    };
    let readable = |name: &str| {
        let columns = Table::by_name(name).and_then(|table| Some((table, table.grant(who)?.read)));
        let (table, read) = columns.expect("a caller may read what a function returns");
        let used = table.columns.iter().filter(|column| read.contains(&column.name));
        object(used.map(|column| (column.name, false, typed(column))), 8)
    };
    let (returns, options) = match function.returns {
        Returned::Value(value) => (kind(value).to_owned(), String::new()),
        Returned::Row(table) => (readable(table), set_of(table, false)),
        Returned::Rows(table) => (format!("{}[]", readable(table)), set_of(table, true)),
    };
    format!(
        "      {}: {{\n        Args: {arguments};\n        Returns: {returns};\n{options}      }};\n",
        function.name
    )
}

fn set_of(table: &str, many: bool) -> String {
    let one = !many;
    format!("        SetofOptions: {{ from: \"*\"; to: \"{table}\"; isOneToOne: {one}; isSetofReturn: {many} }};\n")
}

/// Returns an object type; each member by name, whether it is optional, and its type.
fn object<'a>(members: impl Iterator<Item = (&'a str, bool, String)>, indent: usize) -> String {
    let mut text = "{\n".to_owned();
    for (name, optional, typed) in members {
        let mark = if optional { "?" } else { "" };
        writeln!(text, "{:width$}{name}{mark}: {typed};", "", width = indent + 2).expect("text takes text");
    }
    text + &format!("{:indent$}}}", "")
}

fn typed(column: &Column) -> String {
    let plain = if column.values.is_empty() {
        kind(column.kind).to_owned()
    } else {
        column.values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(" | ")
    };
    if column.nullable { format!("{plain} | null") } else { plain }
}

const fn kind(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Boolean => "boolean",
        ColumnType::Integer => "number",
        ColumnType::Json => "Json",
        ColumnType::Bytes | ColumnType::Text | ColumnType::Timestamp | ColumnType::Uuid => "string",
        ColumnType::Texts => "string[]",
    }
}
