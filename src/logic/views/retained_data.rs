//! The statement on `/account` of stored personal data, column by column, and of its retention.
//!
//! The tests compare it with the catalogue and the migrations: a column that is missing here, or another time, fails
//! them.

/// Stored data of one kind.
#[derive(Debug)]
pub struct RetainedData {
    /// Heading on the page.
    pub title: &'static str,
    /// Retention time, or the event that ends it.
    pub retention: &'static str,
    /// Sentences about the data.
    pub statements: &'static [Statement],
    /// Tables that hold it.
    #[cfg_attr(not(test), expect(dead_code, reason = "compared with the catalogue and the migrations"))]
    pub tables: &'static [&'static str],
}

/// A sentence, and the columns that it describes.
#[derive(Debug)]
pub struct Statement {
    /// The sentence.
    pub text: &'static str,
    /// The columns.
    #[cfg_attr(not(test), expect(dead_code, reason = "compared with the catalogue"))]
    pub columns: &'static [&'static str],
}

const fn statement(text: &'static str, columns: &'static [&'static str]) -> Statement {
    Statement { text, columns }
}

/// Every kind of record about a user.
pub const RETAINED_DATA: &[RetainedData] = &[
    RetainedData {
        title: "Your requests",
        retention: "12 months",
        tables: &["request_log"],
        statements: &[
            statement(
                "Time, method and route of each request: the page, table or function, without the query.",
                &["id", "occurred_at", "method", "route"],
            ),
            statement("The request id, and the one that your client sent.", &["request_id", "client_request_id"]),
            statement(
                "Clerk’s ids of your user, session, organization and token, your role, and the user who impersonated you, if any.",
                &["who", "actor_id", "session_id", "owner_id", "token_id", "impersonator_id"],
            ),
            statement(
                "Outcome, status, error code, duration and number of rows.",
                &["outcome", "status", "code", "duration_ms", "upstream_ms", "row_count"],
            ),
            statement(
                "Country and Cloudflare data centre. Of your IP address only a keyed hash: it distinguishes addresses, and reveals none without the Hub’s key.",
                &["country", "colo", "address_hash"],
            ),
        ],
    },
    RetainedData {
        title: "Requests whose record the database rejected",
        retention: "12 months",
        tables: &["request_log_rejected"],
        statements: &[statement(
            "The request record as above, its id, the times of its rejection and of the last retry, and the database’s error message.",
            &["id", "received_at", "tried_at", "content", "code", "message", "request_id"],
        )],
    },
    RetainedData {
        title: "Your tickets and chats",
        retention: "until deletion",
        tables: &["contact_tickets", "ticket_messages", "chat_threads", "chat_messages"],
        statements: &[
            statement(
                "Texts by you and the studio: subjects, topics, messages and resolutions, and the studio’s internal notes.",
                &["subject", "topic", "body", "resolution", "internal"],
            ),
            statement(
                "Owner, author and times, as Clerk’s ids: no name or email address, except those written into a text.",
                &["id", "owner_id", "author_id", "author_kind", "created_at", "updated_at", "ticket_id", "thread_id"],
            ),
            statement(
                "State: kind, status, priority, assignee, the ticket that one was merged into, and when a message was retracted.",
                &["kind", "status", "priority", "assigned_to", "merged_into", "version", "retracted_at"],
            ),
        ],
    },
    RetainedData {
        title: "Audit log of your records",
        retention: "24 months, to the end of that month",
        tables: &["team_activities"],
        statements: &[
            statement(
                "Every change, and every read by the studio’s staff: time, action, table, record and its owner.",
                &["id", "occurred_at", "action", "entity", "entity_id", "owner_id", "internal"],
            ),
            statement(
                "Actor: Clerk’s ids of user and session, or the job; the role; for staff the name.",
                &[
                    "actor_id",
                    "actor_kind",
                    "actor_role",
                    "actor_name",
                    "session_id",
                    "database_role",
                    "login_role",
                    "out_of_band",
                ],
            ),
            statement(
                "Purpose and reason, the request, and the search; for a change the values before and after it, for a search the number of records found.",
                &["purpose", "reason", "request_id", "route", "filter", "row_count", "before", "after"],
            ),
            statement(
                "Hashes that reveal a later change of this row, and when values were erased.",
                &["salt", "values_hash", "row_hash", "erased_at"],
            ),
        ],
    },
    RetainedData {
        title: "Revoked sessions",
        retention: "30 days after the last of their tokens expires",
        tables: &["revoked_sessions"],
        statements: &[statement(
            "The session, user or organization, with time, reason and actor; also bans and locks at Clerk and changes of role. A ban is stored as long as it applies.",
            &["subject", "reason", "revoked_by", "revoked_at", "expires_at", "cause", "scope", "role", "issued_until"],
        )],
    },
    RetainedData {
        title: "Messages of the contact form",
        retention: "until deletion",
        tables: &["leads"],
        statements: &[statement(
            "Name, email address, company and message as you sent them, the studio’s notes, and the status. They are not linked to your account.",
            &[
                "id",
                "name",
                "email",
                "company",
                "message",
                "source",
                "status",
                "assigned_to",
                "notes",
                "created_at",
                "updated_at",
                "version",
            ],
        )],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        lifetimes::{AUDIT_LOG_MONTHS, EXPIRED_REVOCATION_DAYS, REQUEST_LOG_MONTHS},
        tables::TABLES,
    };

    /// Tables of Clerk's messages by number and kind, and of the results of the nightly checks: neither has a column
    /// for a user.
    const WITHOUT_USERS: [&str; 2] = ["checks", "webhook_messages"];

    #[test]
    fn lists_every_column_of_personal_data() {
        for table in TABLES.iter().filter(|table| !WITHOUT_USERS.contains(&table.name)) {
            let entry = RETAINED_DATA.iter().find(|entry| entry.tables.contains(&table.name));
            let entry = entry.unwrap_or_else(|| panic!("logic/views/retained_data.rs lacks the table {}", table.name));
            for column in table.columns {
                let count = entry.statements.iter().filter(|one| one.columns.contains(&column.name)).count();
                assert_eq!(count, 1, "logic/views/retained_data.rs on {}.{}", table.name, column.name);
            }
        }
        for entry in RETAINED_DATA {
            for column in entry.statements.iter().flat_map(|statement| statement.columns) {
                let has_column = |name: &&str| {
                    let table = TABLES.iter().find(|table| table.name == *name);
                    table.is_some_and(|table| table.columns.iter().any(|known| known.name == *column))
                };
                assert!(entry.tables.iter().any(has_column), "{}: no table has a column {column}", entry.title);
            }
        }
    }

    /// The times on the page are those of the lifetimes; the test of the database compares these with the job that
    /// removes the rows.
    #[test]
    fn retention_periods_match_the_lifetimes() {
        let entry = |table: &str| RETAINED_DATA.iter().find(|entry| entry.tables.contains(&table)).unwrap();
        let retention = |table: &str| entry(table).retention;
        for (table, period) in [
            ("request_log", format!("{REQUEST_LOG_MONTHS} months")),
            ("request_log_rejected", format!("{REQUEST_LOG_MONTHS} months")),
            ("revoked_sessions", format!("{EXPIRED_REVOCATION_DAYS} days")),
            ("team_activities", format!("{AUDIT_LOG_MONTHS} months")),
        ] {
            assert!(retention(table).starts_with(&period), "{table}: {period}, not {}", retention(table));
        }
        // The others have no retention time of their own.
        for table in ["contact_tickets", "leads"] {
            assert_eq!(retention(table), "until deletion", "{table}");
        }
    }
}
