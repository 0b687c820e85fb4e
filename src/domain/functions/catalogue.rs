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

/// Creates a function that only jobs call, and that changes rows.
const fn of_a_job(name: &'static str, arguments: &'static [Argument], returns: ColumnType) -> Function {
    Function {
        name,
        arguments,
        callers: &[PrincipalKind::System],
        writes: true,
        step_up: None,
        returns: Returned::Value(returns),
        mark: FunctionProperty::Plain,
    }
}

/// Every audience with a session.
const SIGNED_IN: &[PrincipalKind] =
    &[PrincipalKind::Customer, PrincipalKind::Staff(Admin), PrincipalKind::Staff(Sales), PrincipalKind::Staff(Support)];

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
        callers: SIGNED_IN,
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
        callers: SIGNED_IN,
        writes: false,
        step_up: None,
        returns: Returned::Value(ColumnType::Json),
        mark: FunctionProperty::Plain,
    },
    // Ends one session in the Hub: its owner signs out.
    of_a_job("end_session", &[required("session", ColumnType::Text)], ColumnType::Integer),
    // Records that Clerk has ended them, so that the user may sign in again.
    of_a_job("sessions_ended", &[required("person", ColumnType::Text)], ColumnType::Integer),
    // Accepts a webhook message of Clerk's once, with its revocations.
    of_a_job(
        "take_clerk_event",
        &[
            required("message", ColumnType::Text),
            required("event", ColumnType::Text),
            required("happened_at", ColumnType::Timestamp),
            required("verdicts", ColumnType::Json),
        ],
        ColumnType::Text,
    ),
    // Revokes a session's tokens up to one that was sent over plain http (T-3).
    of_a_job(
        "burn_token",
        &[required("session", ColumnType::Text), required("issued_until", ColumnType::Timestamp)],
        ColumnType::Integer,
    ),
    // One step of partitions, deletions or retention of the audit log, or of each; returns whether it is complete.
    of_a_job("keep_house", &[optional("task", ColumnType::Text)], ColumnType::Json),
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
        callers: SIGNED_IN,
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
        callers: SIGNED_IN,
        writes: true,
        step_up: None,
        returns: Returned::Value(ColumnType::Integer),
        mark: FunctionProperty::Internal,
    },
    // Writes request rows, each once, and the audited reads of staff (L-3).
    of_a_job("record_requests", &[required("requests", ColumnType::Json)], ColumnType::Integer),
    // Stores complete request rows that the request log rejected (L-3).
    of_a_job("reject_requests", &[required("rows", ColumnType::Json)], ColumnType::Integer),
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
    of_a_job(
        "erase_person",
        &[required("person", ColumnType::Text), required("identifiers", ColumnType::Texts)],
        ColumnType::Json,
    ),
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
    of_a_job("run_checks", &[optional("unless_within", ColumnType::Integer)], ColumnType::Json),
];
