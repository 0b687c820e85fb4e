//! The rows of the function catalogue.

use super::{Argument, Function, Mark, Returned};
use crate::domain::{
    access::{
        STRICT,
        StaffRole::{Admin, Sales, Support},
        Who,
    },
    tables::Kind,
};

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
        step_up: None,
        returns: Returned::Row("contact_tickets"),
        mark: Mark::Plain,
    },
    // Open tickets by words in their subject or messages, newest first.
    Function {
        name: "search_tickets",
        arguments: &[required("words", Kind::Text)],
        callers: &[Who::Customer, Who::Staff(Admin), Who::Staff(Sales), Who::Staff(Support)],
        writes: false,
        step_up: None,
        returns: Returned::Rows("contact_tickets"),
        mark: Mark::Sensitive,
    },
    // Ends a user's sessions in the Hub at once; the Hub then requests Clerk to end them too (I-2).
    Function {
        name: "revoke_sessions",
        arguments: &[required("person", Kind::Text), required("reason", Kind::Text)],
        callers: &[Who::Staff(Admin)],
        writes: true,
        step_up: Some(STRICT),
        returns: Returned::Value(Kind::Json),
        mark: Mark::Plain,
    },
    // The user as the database identifies them.
    Function {
        name: "who_am_i",
        arguments: &[],
        callers: &[Who::Customer, Who::Staff(Admin), Who::Staff(Sales), Who::Staff(Support)],
        writes: false,
        step_up: None,
        returns: Returned::Value(Kind::Json),
        mark: Mark::Plain,
    },
    // Ends one session in the Hub: its owner signs out.
    Function {
        name: "end_session",
        arguments: &[required("session", Kind::Text)],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // Records that Clerk has ended them, so that the user may sign in again.
    Function {
        name: "sessions_ended",
        arguments: &[required("person", Kind::Text)],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // Accepts a webhook message of Clerk's once, with its revocations.
    Function {
        name: "take_clerk_event",
        arguments: &[
            required("message", Kind::Text),
            required("event", Kind::Text),
            required("happened_at", Kind::Timestamp),
            required("verdicts", Kind::Json),
        ],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Text),
        mark: Mark::Plain,
    },
    // Revokes a session's tokens up to one that was sent over plain http (T-3).
    Function {
        name: "burn_token",
        arguments: &[required("session", Kind::Text), required("issued_until", Kind::Timestamp)],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // One step of partitions, deletions or retention of the audit log, or of each; returns whether it is complete.
    Function {
        name: "keep_house",
        arguments: &[optional("task", Kind::Text)],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Json),
        mark: Mark::Plain,
    },
    // A step of a lead, based on the version that was read.
    Function {
        name: "move_lead",
        arguments: &[
            required("lead", Kind::Uuid),
            required("status", Kind::Text),
            required("version", Kind::Integer),
            optional("reason", Kind::Text),
        ],
        callers: &[Who::Staff(Admin), Who::Staff(Sales)],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // A step of a ticket, with its resolution or its reason.
    Function {
        name: "move_ticket",
        arguments: &[
            required("ticket", Kind::Uuid),
            required("status", Kind::Text),
            required("version", Kind::Integer),
            optional("resolution", Kind::Text),
            optional("reason", Kind::Text),
        ],
        callers: &[Who::Staff(Admin), Who::Staff(Support)],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // Closes a duplicate in favour of another ticket of the same client.
    Function {
        name: "merge_tickets",
        arguments: &[
            required("ticket", Kind::Uuid),
            required("target", Kind::Uuid),
            required("version", Kind::Integer),
        ],
        callers: &[Who::Staff(Admin), Who::Staff(Support)],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // Retracts a chat message of the caller's own.
    Function {
        name: "retract_message",
        arguments: &[required("message", Kind::Uuid)],
        callers: &[Who::Customer, Who::Staff(Admin), Who::Staff(Sales), Who::Staff(Support)],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // Reads and changes of the caller's records by the studio, with actor, time and reason.
    Function {
        name: "my_activity",
        arguments: &[optional("before_id", Kind::Integer), optional("most", Kind::Integer)],
        callers: &[Who::Customer],
        writes: false,
        step_up: None,
        returns: Returned::Value(Kind::Json),
        mark: Mark::Plain,
    },
    // Records a read in the caller's name before the data is requested, with its request row (L-1, L-3).
    Function {
        name: "record_read",
        arguments: &[
            required("entity", Kind::Text),
            required("selector", Kind::Text),
            required("records", Kind::Texts),
            required("filter", Kind::Text),
            optional("purpose", Kind::Text),
            optional("export", Kind::Boolean),
        ],
        callers: &[Who::Customer, Who::Staff(Admin), Who::Staff(Sales), Who::Staff(Support)],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Internal,
    },
    // Writes request rows, each once, and the audited reads of staff (L-3).
    Function {
        name: "record_requests",
        arguments: &[required("requests", Kind::Json)],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // Stores complete request rows that the request log rejected (L-3).
    Function {
        name: "reject_requests",
        arguments: &[required("rows", Kind::Json)],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Integer),
        mark: Mark::Plain,
    },
    // Writes rejected request rows again once the cause is fixed, or removes them (L-3).
    Function {
        name: "retry_rejected_requests",
        arguments: &[required("reason", Kind::Text), optional("discard", Kind::Texts)],
        callers: &[Who::Staff(Admin)],
        writes: true,
        step_up: Some(STRICT),
        returns: Returned::Value(Kind::Json),
        mark: Mark::Plain,
    },
    // Erases a user from every table on behalf of an admin, and records the requester and the reason; a refusal has the number of rows
    // that contain an identifier.
    Function {
        name: "erase_user",
        arguments: &[
            required("user_id", Kind::Text),
            required("identifiers", Kind::Texts),
            required("reason", Kind::Text),
            optional("other_rows", Kind::Integer),
        ],
        callers: &[Who::Staff(Admin)],
        writes: true,
        step_up: Some(STRICT),
        returns: Returned::Value(Kind::Json),
        mark: Mark::Sensitive,
    },
    // The same on behalf of a job.
    Function {
        name: "erase_person",
        arguments: &[required("person", Kind::Text), required("identifiers", Kind::Texts)],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Json),
        mark: Mark::Plain,
    },
    // The conditions of which an operator must be alerted now.
    Function {
        name: "find_alerts",
        arguments: &[required("most_failed", Kind::Integer)],
        callers: &[Who::System],
        writes: false,
        step_up: None,
        returns: Returned::Value(Kind::Json),
        mark: Mark::Plain,
    },
    // One step of the nightly checks, which continue where the last one stopped and store their results.
    Function {
        name: "run_checks",
        arguments: &[optional("unless_within", Kind::Integer)],
        callers: &[Who::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(Kind::Json),
        mark: Mark::Plain,
    },
];
