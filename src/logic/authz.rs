//! The access matrix: role × resource × operation, from the catalogue alone (A-2). Only this file creates a [`Permit`].

use crate::domain::{
    access::{Operation, PrincipalKind, StepUp},
    functions::Function,
    method::Method,
    session::Actor,
    tables::{Grant, Table},
};

/// The resource of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// `/rest/v1/rpc/{function}`
    Function(&'a str),
    /// `/rest/v1/{table}`
    Table(&'a str),
}

/// The reason why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// An impersonated session may only read.
    #[error("an impersonated session may only read")]
    Impersonated,
    /// The resource never accepts this method; contains those that it accepts.
    #[error("the resource accepts other methods only")]
    MethodNotAllowed(&'static [Method]),
    /// The resource does not exist, or is not visible to this caller.
    #[error("the resource does not exist for this caller")]
    NotFound,
    /// The caller lacks the right, which others have.
    #[error("the caller lacks the right")]
    Forbidden,
    /// The operation needs a factor that was verified recently.
    #[error("the operation needs a {} of the last {} minutes", .0.level.name(), .0.after_minutes)]
    ReverificationRequired(StepUp),
}

/// The right to one operation. A query to the database requires one.
#[derive(Debug)]
pub struct Permit {
    who: PrincipalKind,
    resource: Resource,
    operation: Operation,
    recheck: bool,
    impersonated: bool,
}

/// The resource of a permit.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    /// A function, and the table whose rows it returns with the caller's grant on it.
    Function(&'static Function, Option<(&'static Table, &'static Grant)>),
    /// A table.
    Table(&'static Table, &'static Grant),
}

impl Permit {
    /// Returns the caller's row of the access matrix.
    #[must_use]
    pub const fn principal(&self) -> PrincipalKind {
        self.who
    }

    /// Returns the resource.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        self.resource
    }

    /// Returns the operation; for a function, `Select` or `Update`.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Returns whether the user is impersonated; every read is then recorded, whatever the user's role.
    #[must_use]
    pub const fn is_impersonated(&self) -> bool {
        self.impersonated
    }

    /// Returns whether the user must first be checked with Clerk: this operation by staff cannot be undone.
    #[must_use]
    pub const fn needs_recheck(&self) -> bool {
        self.recheck
    }
}

/// The action that a request names, before the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedAction {
    /// All rows of a query as a file: a GET that accepts a file's media type.
    Export,
    /// The action of the method.
    Method(Method),
}

/// Decides about one request; `now_s` is Unix time in seconds.
///
/// A table on which the caller has no right is treated as one that does not exist, so that its existence is not
/// revealed.
///
/// ```
/// use hub::{
///     domain::{
///         method::Method,
///         session::{Actor, RoleClaim, Session},
///     },
///     logic::authz::{PolicyError, RequestedAction, Target, authorize},
/// };
///
/// // A session without a staff role is that of a customer.
/// let session = Session {
///     user: "user_1".to_owned(),
///     id: "sess_1".to_owned(),
///     organization: None,
///     role: RoleClaim::Absent,
///     display_name: None,
///     token_id: None,
///     impersonator: None,
///     factor_ages: [Some(1), None],
///     issued_at: 1_800_000_000,
///     expires_at: 1_800_000_060,
/// };
/// let may = |table, method| {
///     let action = RequestedAction::Method(method);
///     authorize(&Actor::User(&session), Target::Table(table), action, 1_800_000_010).map(drop)
/// };
/// assert_eq!(may("contact_tickets", Method::Get), Ok(()));
/// assert_eq!(may("contact_tickets", Method::Delete), Err(PolicyError::Forbidden));
/// assert_eq!(may("leads", Method::Get), Err(PolicyError::NotFound));
/// ```
///
/// # Errors
/// See [`PolicyError`].
pub fn authorize(
    actor: &Actor<'_>,
    target: Target<'_>,
    action: RequestedAction,
    now_s: i64,
) -> Result<Permit, PolicyError> {
    let who = actor.principal_kind().ok_or(PolicyError::Forbidden)?;
    let (resource, operation) = match target {
        Target::Table(name) => authorize_table(who, name, action)?,
        Target::Function(name) => authorize_function(who, name, action)?,
    };
    if let Actor::User(session) = actor {
        if session.impersonator.is_some() && operation != Operation::Select {
            return Err(PolicyError::Impersonated);
        }
        if let Some(step_up) = step_up(resource, operation).filter(|step_up| !session.is_fresh(*step_up, now_s)) {
            return Err(PolicyError::ReverificationRequired(step_up));
        }
    }
    let recheck = matches!(who, PrincipalKind::Staff(_))
        && operation != Operation::Select
        && step_up(resource, operation).is_some();
    let impersonated = matches!(actor, Actor::User(session) if session.impersonator.is_some());
    Ok(Permit { who, resource, operation, recheck, impersonated })
}

/// Returns the mark of TABLES and FUNCTIONS.
fn step_up(resource: Resource, operation: Operation) -> Option<StepUp> {
    match resource {
        Resource::Function(function, _) => function.step_up,
        Resource::Table(_, grant) => {
            grant.step_up.iter().find(|(marked, _)| *marked == operation).map(|(_, step_up)| *step_up)
        }
    }
}

fn authorize_table(
    who: PrincipalKind,
    name: &str,
    action: RequestedAction,
) -> Result<(Resource, Operation), PolicyError> {
    let operation = match action {
        RequestedAction::Export => Operation::Export,
        RequestedAction::Method(Method::Get | Method::Head) => Operation::Select,
        RequestedAction::Method(Method::Post) => Operation::Insert,
        RequestedAction::Method(Method::Patch) => Operation::Update,
        RequestedAction::Method(Method::Delete) => Operation::Delete,
        RequestedAction::Method(Method::Options) => return Err(PolicyError::MethodNotAllowed(TABLE_METHODS)),
    };
    let table = Table::by_name(name).ok_or(PolicyError::NotFound)?;
    let grant = table.grant(who).ok_or(PolicyError::NotFound)?;
    // Without a right to export, a file is an unsupported media type.
    let operation = if operation == Operation::Export && !grant.export { Operation::Select } else { operation };
    if grants(grant, operation) { Ok((Resource::Table(table, grant), operation)) } else { Err(PolicyError::Forbidden) }
}

fn authorize_function(
    who: PrincipalKind,
    name: &str,
    action: RequestedAction,
) -> Result<(Resource, Operation), PolicyError> {
    let function = Function::by_name(name).ok_or(PolicyError::NotFound)?;
    if !function.is_open_to(who) {
        return Err(PolicyError::NotFound);
    }
    let returned = match function.returns.table() {
        None => None,
        Some(table) => Some((table, table.grant(who).ok_or(PolicyError::Forbidden)?)),
    };
    let accepted = if function.writes { CHANGE_METHODS } else { CALL_METHODS };
    let method = match action {
        // The result of a function is no file; the firewall rejects it.
        RequestedAction::Export => Method::Get,
        RequestedAction::Method(method) => method,
    };
    if method == Method::Options || !accepted.contains(&method) {
        return Err(PolicyError::MethodNotAllowed(accepted));
    }
    let operation = if function.writes { Operation::Update } else { Operation::Select };
    Ok((Resource::Function(function, returned), operation))
}

/// Returns whether a grant allows an operation at all; the firewall checks the columns.
#[must_use]
pub const fn grants(grant: &Grant, operation: Operation) -> bool {
    match operation {
        Operation::Delete => grant.delete,
        Operation::Export => grant.export && !grant.read.is_empty(),
        Operation::Insert => !grant.insert.is_empty(),
        Operation::Select => !grant.read.is_empty(),
        Operation::Update => !grant.update.is_empty(),
    }
}

/// The methods of a table.
pub const TABLE_METHODS: &[Method] =
    &[Method::Get, Method::Head, Method::Post, Method::Patch, Method::Delete, Method::Options];
/// The methods of a function that writes nothing.
pub const CALL_METHODS: &[Method] = &[Method::Get, Method::Head, Method::Post, Method::Options];
/// The methods of a function that writes.
pub const CHANGE_METHODS: &[Method] = &[Method::Post, Method::Options];

#[cfg(test)]
mod tests;
