//! The rows of the function catalogue.

use super::{Argument, Function, FunctionProperty, Returned};
use crate::domain::{
    access::{
        PrincipalKind, REVERIFY_STRICT,
        StaffRole::{Admin, Sales, Support},
    },
    tables::ColumnType,
};

const fn required(name: &'static str, kind: ColumnType) -> Argument {
    Argument { name, kind, required: true }
}

const fn optional(name: &'static str, kind: ColumnType) -> Argument {
    Argument { name, kind, required: false }
}

/// Every function that the Hub calls or proxies.
pub const FUNCTIONS: &[Function] = &[
    // A ticket and its first message in one transaction.
    Function {
        name: "open_ticket",
        arguments: &[
            required("subject", ColumnType::Text),
            required("body", ColumnType::Text),
            optional("kind", ColumnType::Text),
        ],
        callers: &[PrincipalKind::Customer],
        writes: true,
        step_up: None,
        returns: Returned::Row("contact_tickets"),
        mark: FunctionProperty::Plain,
    },
    // Open tickets by words in their subject or messages, newest first.
    Function {
        name: "search_tickets",
        arguments: &[required("words", ColumnType::Text)],
        callers: &[
            PrincipalKind::Customer,
            PrincipalKind::Staff(Admin),
            PrincipalKind::Staff(Sales),
            PrincipalKind::Staff(Support),
        ],
        writes: false,
        step_up: None,
        returns: Returned::Rows("contact_tickets"),
        mark: FunctionProperty::Sensitive,
    },
    // Ends a user's sessions in the Hub at once; the Hub then requests Clerk to end them too (I-2).
    Function {
        name: "revoke_sessions",
        arguments: &[required("person", ColumnType::Text), required("reason", ColumnType::Text)],
        callers: &[PrincipalKind::Staff(Admin)],
        writes: true,
        step_up: Some(REVERIFY_STRICT),
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
    // The user as the database identifies them.
    Function {
        name: "who_am_i",
        arguments: &[],
        callers: &[
            PrincipalKind::Customer,
            PrincipalKind::Staff(Admin),
            PrincipalKind::Staff(Sales),
            PrincipalKind::Staff(Support),
        ],
        writes: false,
        step_up: None,
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
    // Ends one session in the Hub: its owner signs out.
    Function {
        name: "end_session",
        arguments: &[required("session", ColumnType::Text)],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // Records that Clerk has ended them, so that the user may sign in again.
    Function {
        name: "sessions_ended",
        arguments: &[required("person", ColumnType::Text)],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // Accepts a webhook message of Clerk's once, with its revocations.
    Function {
        name: "take_clerk_event",
        arguments: &[
            required("message", ColumnType::Text),
            required("event", ColumnType::Text),
            required("happened_at", ColumnType::Timestamp),
            required("verdicts", ColumnType::Json),
        ],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Text),
        mark: FunctionProperty::Plain,
    },
    // Revokes a session's tokens up to one that was sent over plain http (T-3).
    Function {
        name: "burn_token",
        arguments: &[required("session", ColumnType::Text), required("issued_until", ColumnType::Timestamp)],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // One step of partitions, deletions or retention of the audit log, or of each; returns whether it is complete.
    Function {
        name: "keep_house",
        arguments: &[optional("task", ColumnType::Text)],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
    // A step of a lead, based on the version that was read.
    Function {
        name: "move_lead",
        arguments: &[
            required("lead", ColumnType::Uuid),
            required("status", ColumnType::Text),
            required("version", ColumnType::Integer),
            optional("reason", ColumnType::Text),
        ],
        callers: &[PrincipalKind::Staff(Admin), PrincipalKind::Staff(Sales)],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // A step of a ticket, with its resolution or its reason.
    Function {
        name: "move_ticket",
        arguments: &[
            required("ticket", ColumnType::Uuid),
            required("status", ColumnType::Text),
            required("version", ColumnType::Integer),
            optional("resolution", ColumnType::Text),
            optional("reason", ColumnType::Text),
        ],
        callers: &[PrincipalKind::Staff(Admin), PrincipalKind::Staff(Support)],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // Closes a duplicate in favour of another ticket of the same client.
    Function {
        name: "merge_tickets",
        arguments: &[
            required("ticket", ColumnType::Uuid),
            required("target", ColumnType::Uuid),
            required("version", ColumnType::Integer),
        ],
        callers: &[PrincipalKind::Staff(Admin), PrincipalKind::Staff(Support)],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // Retracts a chat message of the caller's own.
    Function {
        name: "retract_message",
        arguments: &[required("message", ColumnType::Uuid)],
        callers: &[
            PrincipalKind::Customer,
            PrincipalKind::Staff(Admin),
            PrincipalKind::Staff(Sales),
            PrincipalKind::Staff(Support),
        ],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // Reads and changes of the caller's records by the studio, with actor, time and reason.
    Function {
        name: "my_activity",
        arguments: &[optional("before_id", ColumnType::Integer), optional("most", ColumnType::Integer)],
        callers: &[PrincipalKind::Customer],
        writes: false,
        step_up: None,
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
    // Records a read in the caller's name before the data is requested, with its request row (L-1, L-3).
    Function {
        name: "record_read",
        arguments: &[
            required("entity", ColumnType::Text),
            required("selector", ColumnType::Text),
            required("records", ColumnType::Texts),
            required("filter", ColumnType::Text),
            optional("purpose", ColumnType::Text),
            optional("export", ColumnType::Boolean),
        ],
        callers: &[
            PrincipalKind::Customer,
            PrincipalKind::Staff(Admin),
            PrincipalKind::Staff(Sales),
            PrincipalKind::Staff(Support),
        ],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Internal,
    },
    // Writes request rows, each once, and the audited reads of staff (L-3).
    Function {
        name: "record_requests",
        arguments: &[required("requests", ColumnType::Json)],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // Stores complete request rows that the request log rejected (L-3).
    Function {
        name: "reject_requests",
        arguments: &[required("rows", ColumnType::Json)],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Plain,
    },
    // Writes rejected request rows again once the cause is fixed, or removes them (L-3).
    Function {
        name: "retry_rejected_requests",
        arguments: &[required("reason", ColumnType::Text), optional("discard", ColumnType::Texts)],
        callers: &[PrincipalKind::Staff(Admin)],
        writes: true,
        step_up: Some(REVERIFY_STRICT),
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
    // Erases a user from every table on behalf of an admin, and records the requester and the reason; a
    // rejection contains the number of rows with an identifier.
    Function {
        name: "erase_user",
        arguments: &[
            required("user_id", ColumnType::Text),
            required("identifiers", ColumnType::Texts),
            required("reason", ColumnType::Text),
            optional("other_rows", ColumnType::Integer),
        ],
        callers: &[PrincipalKind::Staff(Admin)],
        writes: true,
        step_up: Some(REVERIFY_STRICT),
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Sensitive,
    },
    // The same on behalf of a job.
    Function {
        name: "erase_person",
        arguments: &[required("person", ColumnType::Text), required("identifiers", ColumnType::Texts)],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
    // The conditions of which an operator must be alerted now.
    Function {
        name: "find_alerts",
        arguments: &[required("most_failed", ColumnType::Integer)],
        callers: &[PrincipalKind::System],
        writes: false,
        step_up: None,
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
    // One step of the nightly checks, which continue where the last one stopped and store their results.
    Function {
        name: "run_checks",
        arguments: &[optional("unless_within", ColumnType::Integer)],
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
];
