//! The function catalogue: the functions that `/rest/v1/rpc/` and the jobs may call.

mod catalogue;
mod mark;

pub use catalogue::FUNCTIONS;
pub use mark::FunctionProperty;

use super::{
    access::{PrincipalKind, StepUp},
    lifetimes::ERASURE_REQUEST_MS,
    tables::{ColumnType, Table},
};

/// A function of schema `hub`.
#[derive(Debug)]
pub struct Function {
    /// Its name, also the path segment after `/rest/v1/rpc/`.
    pub name: &'static str,
    /// Its arguments; all are named, none is variadic.
    pub arguments: &'static [Argument],
    /// The roles that may call it; no other role may.
    pub callers: &'static [PrincipalKind],
    /// True if it changes rows (`VOLATILE`); such a function is called by POST only.
    pub writes: bool,
    /// Required freshness of a caller's factors.
    pub step_up: Option<StepUp>,
    /// The kind of its result.
    pub returns: Returned,
    /// Further properties of a call.
    pub mark: FunctionProperty,
}

/// The kind of a function's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// One row of a table, restricted to the columns that this caller may read.
    Row(&'static str),
    /// Any number of them.
    Rows(&'static str),
    /// A value that is not a row.
    Value(ColumnType),
}

impl Returned {
    /// Returns the table whose rows are returned.
    #[must_use]
    pub fn table(self) -> Option<&'static Table> {
        match self {
            Self::Row(name) | Self::Rows(name) => Table::by_name(name),
            Self::Value(_) => None,
        }
    }
}

/// A named argument.
#[derive(Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// True if a call must name it.
    pub required: bool,
}

impl Function {
    /// Returns the function with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// Returns whether this audience may call it at `/rest/v1/rpc/`.
    #[must_use]
    pub fn is_open_to(&self, who: PrincipalKind) -> bool {
        self.mark != FunctionProperty::Internal && self.callers.contains(&who)
    }

    /// Returns the timeout of the database in milliseconds, if it is longer than for other requests.
    #[must_use]
    pub fn slow_ms(&self) -> Option<u32> {
        SLOW_FUNCTIONS.iter().find(|(name, _)| *name == self.name).map(|(_, most)| *most)
    }
}

/// Timeouts of functions that read every row of every table, in milliseconds: slightly longer than their own
/// `statement_timeout`, and less than the 100 seconds after which Cloudflare aborts a request.
///
/// Source: <https://developers.cloudflare.com/fundamentals/reference/connection-limits/>
const SLOW_FUNCTIONS: [(&str, u32); 1] = [("erase_user", ERASURE_REQUEST_MS)];
