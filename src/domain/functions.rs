//! The function catalogue: what `/rest/v1/rpc/` and the jobs may call.

use super::{
    access::{
        StaffRole::{Admin, Sales, Support},
        Who,
    },
    tables::Kind,
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
    /// The table whose rows it returns, as far as this caller may read them; `None`: a single value.
    pub returns: Option<&'static str>,
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
}

const fn required(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Argument {
    Argument { name, kind, required: false }
}

/// Every function that the Hub knows.
pub const FUNCTIONS: &[Function] = &[
    // A ticket and its first message in one transaction.
    Function {
        name: "open_ticket",
        arguments: &[required("subject", Kind::Text), required("body", Kind::Text), optional("kind", Kind::Text)],
        callers: &[Who::Customer],
        writes: true,
        returns: Some("contact_tickets"),
    },
    // Open tickets by words in their subject or messages, newest first.
    Function {
        name: "search_tickets",
        arguments: &[required("words", Kind::Text)],
        callers: &[Who::Customer, Who::Staff(Admin), Who::Staff(Sales), Who::Staff(Support)],
        writes: false,
        returns: Some("contact_tickets"),
    },
    // Makes the monthly partitions of team_activities that are due, and forgets revocations that ran out.
    Function { name: "keep_house", arguments: &[], callers: &[Who::System], writes: true, returns: None },
];
