//! The function catalogue: what `/rest/v1/rpc/` and the jobs may call.

mod catalogue;
mod mark;

pub use catalogue::FUNCTIONS;
pub use mark::Mark;

use super::{
    access::{StepUp, Who},
    tables::{Kind, Table},
};

/// A function of schema `hub`.
#[derive(Debug)]
pub struct Function {
    /// Its name, also the path segment behind `/rest/v1/rpc/`.
    pub name: &'static str,
    /// Its arguments; all are named, none is variadic.
    pub arguments: &'static [Argument],
    /// Who may call it; who is not listed may not.
    pub callers: &'static [Who],
    /// Whether it changes rows (`VOLATILE`); such a function is called by POST only.
    pub writes: bool,
    /// How fresh the factors of a caller must be.
    pub step_up: Option<StepUp>,
    /// The kind of its result.
    pub returns: Returned,
    /// What else must be known of a call.
    pub mark: Mark,
}

/// The kind of a function's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// One row of a table, as far as this caller may read it.
    Row(&'static str),
    /// Any number of them.
    Rows(&'static str),
    /// A value that is no row.
    Value(Kind),
}

impl Returned {
    /// The table whose rows are returned.
    #[must_use]
    pub fn table(self) -> Option<&'static Table> {
        match self {
            Self::Row(name) | Self::Rows(name) => Table::named(name),
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
    pub kind: Kind,
    /// Whether a call must name it.
    pub required: bool,
}

impl Function {
    /// The function with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// Whether this audience may call it at `/rest/v1/rpc/`.
    #[must_use]
    pub fn is_open_to(&self, who: Who) -> bool {
        self.mark != Mark::Internal && self.callers.contains(&who)
    }

    /// How long the database may take, in milliseconds, where that is longer than for other requests.
    #[must_use]
    pub fn slow_ms(&self) -> Option<u32> {
        SLOW.iter().find(|(name, _)| *name == self.name).map(|(_, most)| *most)
    }
}

/// Functions that read every row of every table: a bit longer than their own `statement_timeout`, and less than the 100 seconds after
/// which Cloudflare gives a request up.
///
/// Source: <https://developers.cloudflare.com/fundamentals/reference/connection-limits/>
const SLOW: [(&str, u32); 1] = [("erase_user", 85_000)];
