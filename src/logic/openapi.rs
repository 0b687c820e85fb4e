//! The API description: the rights of one caller, generated from TABLES and FUNCTIONS, so that it matches the policy
//! exactly.
//!
//! Swagger 2.0, because `PostgREST` serves that at the same address, and clients of a `PostgREST` or Supabase root
//! expect `swagger`, `definitions` with the `<pk/>` and `<fk …/>` notes, and parameters named
//! `rowFilter.<table>.<column>`.
//!
//! Source: `PostgREST` `src/PostgREST/Response/OpenAPI.hs`;
//! <https://docs.postgrest.org/en/v12/references/api/openapi.html>.

mod errors;
mod schemas;

use crate::{
    domain::{
        access::{Operation, PrincipalKind, StepUp},
        functions::{FUNCTIONS, Function, FunctionProperty, Returned},
        method::Method,
        tables::{Column, Grant, TABLES, Table},
    },
    logic::authz::grants,
};
use serde_json::{Map, Value, json};

/// The caller that a description is for.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The row of the access matrix.
    pub who: PrincipalKind,
    /// The subset of it that the session may use.
    pub scope: Scope,
}

/// The subset of the role's rights that a session may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Everything,
    /// Reads only: the session is impersonated.
    Reads,
}

impl Caller {
    fn may(self, grant: &Grant, operation: Operation) -> bool {
        grants(grant, operation)
            && (self.scope == Scope::Everything || matches!(operation, Operation::Select | Operation::Export))
    }

    fn is_staff(self) -> bool {
        matches!(self.who, PrincipalKind::Staff(_))
    }
}

/// Returns the description of the caller's rights at `origin` under the mount path.
#[must_use]
pub fn document(caller: Caller, origin: &str, base_path: &str) -> Value {
    let mut parts = Parts::default();
    for table in TABLES {
        if let Some(grant) = table.grant(caller.who) {
            parts.table(caller, table, grant);
        }
    }
    let callable = |function: &&Function| {
        function.is_open_to(caller.who) && (caller.scope == Scope::Everything || !function.writes)
    };
    for function in FUNCTIONS.iter().filter(callable) {
        parts.function(caller, function);
    }
    parts.definitions.insert("error".to_owned(), schemas::error());
    parts.parameters.extend(schemas::common());
    let reads_only = if caller.scope == Scope::Reads { ", impersonated: read-only" } else { "" };
    json!({
        "swagger": "2.0",
        "info": {
            "title": "Stacklumen Hub",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!("The operations of this session ({}{reads_only}). Filters have PostgREST's form: column=operator.value.", caller.who.name()),
        },
        "host": origin.split_once("://").map_or(origin, |(_, host)| host),
        "basePath": format!("{base_path}/rest/v1"),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json", "application/vnd.pgrst.object+json"],
        "securityDefinitions": {
            "session": { "type": "apiKey", "in": "header", "name": "Authorization", "description": "Bearer, one space, and Clerk's session token." },
        },
        "security": [{ "session": [] }],
        "paths": parts.paths,
        "parameters": parts.parameters,
        "responses": errors::responses(),
        "definitions": parts.definitions,
    })
}

#[derive(Default)]
struct Parts {
    paths: Map<String, Value>,
    parameters: Map<String, Value>,
    definitions: Map<String, Value>,
}

impl Parts {
    fn table(&mut self, caller: Caller, table: &'static Table, grant: &Grant) {
        let filters: Vec<&Column> = table.columns.iter().filter(|column| grant.read.contains(&column.name)).collect();
        for column in &filters {
            self.parameters.insert(format!("rowFilter.{}.{}", table.name, column.name), schemas::row_filter(column));
        }
        let mut methods = Map::new();
        if caller.may(grant, Operation::Select) {
            methods.insert(key(Method::Get), self.read(caller, (table, grant), &filters));
        }
        let changes = [
            (Method::Post, Operation::Insert),
            (Method::Patch, Operation::Update),
            (Method::Delete, Operation::Delete),
        ];
        for (method, operation) in changes.into_iter().filter(|(_, operation)| caller.may(grant, *operation)) {
            methods.insert(key(method), self.change(caller, (table, grant), &filters, operation));
        }
        if !methods.is_empty() {
            self.paths.insert(format!("/{}", table.name), Value::Object(methods));
        }
    }

    fn read(&mut self, caller: Caller, (table, grant): (&'static Table, &Grant), filters: &[&Column]) -> Value {
        self.definitions.insert(table.name.to_owned(), schemas::row(table, grant));
        let mut parameters: Vec<Value> = filters.iter().map(|column| row_filter(table, column)).collect();
        parameters.extend(["select", "order", "offset", "preferCount"].map(|name| reference("parameters", name)));
        parameters.push(schemas::limit(table));
        parameters.extend(schemas::purpose(caller, table, grant));
        let mut read = Described::new(table.name, parameters, &errors::READ)
            .response("200", "The rows.", Some(rows(table.name)))
            .fresh(grant, &[Operation::Select, Operation::Export]);
        if caller.may(grant, Operation::Export) {
            read.media = &FILES;
        }
        read.finish()
    }

    fn change(
        &mut self,
        caller: Caller,
        (table, grant): (&'static Table, &Grant),
        filters: &[&Column],
        operation: Operation,
    ) -> Value {
        let mut parameters = Vec::new();
        if operation != Operation::Insert {
            // A change selects its rows by key.
            parameters.push(schemas::key_filter(table));
            let others = filters.iter().filter(|column| column.name != table.key);
            parameters.extend(others.map(|column| row_filter(table, column)));
            if table.column("version").is_some() {
                let needed = operation == Operation::Update && caller.is_staff();
                parameters.push(reference("parameters", if needed { "ifMatchNeeded" } else { "ifMatch" }));
            }
        }
        let columns = if operation == Operation::Insert { grant.insert } else { grant.update };
        if operation != Operation::Delete {
            let definition = format!("{}.{}", table.name, operation.name());
            parameters.push(schemas::body(&definition, operation));
            self.definitions.insert(definition, schemas::change(table, columns, operation));
        }
        let reads = !grant.read.is_empty();
        if reads {
            parameters.extend(["select", "preferReturn"].map(|name| reference("parameters", name)));
            parameters.extend(schemas::purpose(caller, table, grant));
        }
        parameters.extend(caller.is_staff().then(|| reference("parameters", "reason")));
        let mut change = Described::new(table.name, parameters, &errors::CHANGE).fresh(grant, &[operation]);
        let represented = || Some(rows(table.name)).filter(|_| reads);
        change = if operation == Operation::Insert {
            change.response("201", "Success; with return=representation the rows.", represented())
        } else {
            change
                .response("200", "Success; with return=representation the rows.", represented())
                .response("204", "Success.", None)
        };
        change.finish()
    }

    fn function(&mut self, caller: Caller, function: &'static Function) {
        let returned = function.returns.table().and_then(|table| Some((table, table.grant(caller.who)?)));
        let schema = match function.returns {
            Returned::Row(table) => reference("definitions", table),
            Returned::Rows(table) => rows(table),
            Returned::Value(kind) => schemas::kind(kind),
        };
        let described = |mut parameters: Vec<Value>, statuses: &[u16]| {
            if let Some((table, grant)) = returned {
                parameters.push(reference("parameters", "select"));
                let sensitive = function.mark == FunctionProperty::Sensitive;
                parameters.extend(schemas::purpose(caller, table, grant).filter(|_| !sensitive));
            }
            parameters.extend(schemas::call_purpose(caller, function));
            let mut described = Described::new("rpc", parameters, statuses);
            described.step_up.extend(function.step_up.map(|step_up| stepped(None, step_up)));
            described.response("200", "The result.", Some(schema.clone())).finish()
        };
        let definition = format!("rpc.{}", function.name);
        let body = schemas::body(&definition, Operation::Update);
        self.definitions.insert(definition, schemas::arguments(function));
        let statuses: &[u16] = if function.writes { &errors::CHANGE } else { &errors::CALL };
        let mut methods = Map::new();
        methods.insert(key(Method::Post), described(vec![body], statuses));
        if !function.writes {
            let named = function.arguments.iter().map(schemas::argument).collect();
            methods.insert(key(Method::Get), described(named, &errors::READ));
        }
        self.paths.insert(format!("/rpc/{}", function.name), Value::Object(methods));
    }
}

/// Returns the member of a path that describes a method.
fn key(method: Method) -> String {
    method.name().to_ascii_lowercase()
}

fn row_filter(table: &Table, column: &Column) -> Value {
    reference("parameters", &format!("rowFilter.{}.{}", table.name, column.name))
}

fn rows(table: &str) -> Value {
    json!({ "type": "array", "items": reference("definitions", table) })
}

/// An operation: one method of one path.
struct Described {
    tag: &'static str,
    parameters: Vec<Value>,
    responses: Map<String, Value>,
    media: &'static [&'static str],
    step_up: Vec<Value>,
}

impl Described {
    /// Starts with the error responses; those of a success are added later.
    fn new(tag: &'static str, parameters: Vec<Value>, statuses: &[u16]) -> Self {
        let error = |status: &u16| (status.to_string(), reference("responses", &status.to_string()));
        Self { tag, parameters, responses: statuses.iter().map(error).collect(), media: &[], step_up: Vec::new() }
    }

    fn response(mut self, status: &str, description: &str, schema: Option<Value>) -> Self {
        let response = json!({ "description": description });
        let response = match schema {
            Some(schema) => with(response, "schema", schema),
            None => response,
        };
        self.responses.insert(status.to_owned(), response);
        self
    }

    /// Adds the factors that must be fresh, for the operations of the method.
    fn fresh(mut self, grant: &Grant, operations: &[Operation]) -> Self {
        let marked = grant.step_up.iter().filter(|(operation, _)| operations.contains(operation));
        self.step_up.extend(marked.map(|(operation, step_up)| stepped(Some(*operation), *step_up)));
        self
    }

    fn finish(self) -> Value {
        let mut described = json!({ "tags": [self.tag], "parameters": self.parameters, "responses": self.responses });
        if !self.media.is_empty() {
            described = with(described, "produces", json!(self.media));
        }
        if self.step_up.is_empty() { described } else { with(described, "x-step-up", Value::Array(self.step_up)) }
    }
}

/// Adds a member to an object.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

fn stepped(operation: Option<Operation>, step_up: StepUp) -> Value {
    json!({ "operation": operation.map(Operation::name), "level": step_up.level.name(), "after_minutes": step_up.after_minutes })
}

fn reference(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/{section}/{name}") })
}

/// The media types of a read that may be exported as a file.
const FILES: [&str; 4] = ["application/json", "application/vnd.pgrst.object+json", "text/csv", "application/x-ndjson"];
