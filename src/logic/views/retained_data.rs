//! The statement on `/account` of stored personal data, column by column, and of its retention.
//!
//! The tests compare it with the catalogue and the migrations: a column that is missing here, or another time, fails
//! them.

/// Stored data of one kind.
#[derive(Debug)]
pub struct Kept {
    /// Heading on the page.
    pub title: &'static str,
    /// Retention, as the end of a sentence that starts with "Kept".
    pub until: &'static str,
    /// Sentences about the data.
    pub what: &'static [Said],
    /// Tables that hold it.
    #[allow(dead_code, reason = "compared with the catalogue and the migrations")]
    pub tables: &'static [&'static str],
}

/// A sentence, and the columns that it describes.
#[derive(Debug)]
pub struct Said {
    /// The sentence.
    pub text: &'static str,
    /// The columns.
    #[allow(dead_code, reason = "compared with the catalogue")]
    pub columns: &'static [&'static str],
}

const fn said(text: &'static str, columns: &'static [&'static str]) -> Said {
    Said { text, columns }
}

/// Every kind of record about a user.
pub const RETAINED_DATA: &[Kept] = &[
    Kept {
        title: "Your requests",
        until: "for 12 months",
        tables: &["request_log"],
        what: &[
            said(
                "When each came, by which method, and to which address of the Hub: the page, table or function, not what you asked of it.",
                &["id", "occurred_at", "method", "route"],
            ),
            said("Its number, and the one that your program gave it.", &["request_id", "client_request_id"]),
            said(
                "Who asked: the ids of your user, session, organization and token at Clerk, as whom you acted, and who acted in your place, if anyone.",
                &["who", "actor_id", "session_id", "owner_id", "token_id", "impersonator_id"],
            ),
            said(
                "What became of it: outcome, status, error code, how long it took, and how many rows it gave.",
                &["outcome", "status", "code", "duration_ms", "upstream_ms", "row_count"],
            ),
            said(
                "From where: the country and the Cloudflare data centre. Of your network address a keyed hash, which tells two addresses apart and names none without the Hub’s key.",
                &["country", "colo", "address_hash"],
            ),
        ],
    },
    Kept {
        title: "Requests whose record the database refused",
        until: "for 12 months",
        tables: &["request_log_rejected"],
        what: &[said(
            "The record as it stands above, its number, when it was refused and tried again, and the database’s words about it.",
            &["id", "received_at", "tried_at", "content", "code", "message", "request_id"],
        )],
    },
    Kept {
        title: "Your tickets and chats",
        until: "until they are deleted",
        tables: &["contact_tickets", "ticket_messages", "chat_threads", "chat_messages"],
        what: &[
            said(
                "What you and the studio wrote: subjects, topics, messages and resolutions, with the studio’s internal notes about them.",
                &["subject", "topic", "body", "resolution", "internal"],
            ),
            said(
                "Whose they are, who wrote each, and when: ids at Clerk, no name and no email address but those written into the text.",
                &["id", "owner_id", "author_id", "author_kind", "created_at", "updated_at", "ticket_id", "thread_id"],
            ),
            said(
                "How they stand: kind, status, priority, who of the studio has them, what they were merged into, and when a message was retracted.",
                &["kind", "status", "priority", "assigned_to", "merged_into", "version", "retracted_at"],
            ),
        ],
    },
    Kept {
        title: "What was done with your records",
        until: "for 24 months, and to the end of that month",
        tables: &["team_activities"],
        what: &[
            said(
                "Each change and its author, and each time the studio’s staff opened what is yours: when, what, and which record of whose.",
                &["id", "occurred_at", "action", "entity", "entity_id", "owner_id", "internal"],
            ),
            said(
                "Who did it: the user and session at Clerk or the job, the role, and of staff the name.",
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
            said(
                "Why, by which request, and with which search; of a change the record before and after it, of a search how many records it found.",
                &["purpose", "reason", "request_id", "route", "filter", "row_count", "before", "after"],
            ),
            said(
                "Checksums that show a later change of all this, and when values were erased.",
                &["salt", "values_hash", "row_hash", "erased_at"],
            ),
        ],
    },
    Kept {
        title: "Sessions that were ended",
        until: "for 30 days after the last of their tokens has run out",
        tables: &["revoked_sessions"],
        what: &[said(
            "Which session, user or organization, when, why and by whom: also a ban or a lock at Clerk and a change of role. For as long as a ban holds it stays.",
            &["subject", "reason", "revoked_by", "revoked_at", "expires_at", "cause", "scope", "role", "issued_until"],
        )],
    },
    Kept {
        title: "If you once wrote by the contact form",
        until: "until it is deleted",
        tables: &["leads"],
        what: &[said(
            "Name, email address, company and message as you wrote them, with the studio’s notes on them and how they stand. They are not tied to your account.",
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
    use crate::domain::tables::TABLES;
    use std::fs;

    /// Tables of Clerk's messages by number and kind, and of the results of the nightly checks: neither has a column
    /// for a user.
    const WITHOUT_PERSONS: [&str; 2] = ["checks", "webhook_messages"];

    #[test]
    fn lists_every_column_of_personal_data() {
        for table in TABLES.iter().filter(|table| !WITHOUT_PERSONS.contains(&table.name)) {
            let kept = RETAINED_DATA.iter().find(|kept| kept.tables.contains(&table.name));
            let kept = kept.unwrap_or_else(|| {
                panic!("logic/views/retained_data.rs says nothing of {}: /account must", table.name)
            });
            for column in table.columns {
                let said = kept.what.iter().filter(|said| said.columns.contains(&column.name)).count();
                assert_eq!(said, 1, "logic/views/retained_data.rs on {}.{}", table.name, column.name);
            }
        }
        for kept in RETAINED_DATA {
            for said in kept.what {
                for column in said.columns {
                    let stands = |name: &&str| {
                        let table = TABLES.iter().find(|table| table.name == *name);
                        table.is_some_and(|table| table.columns.iter().any(|known| known.name == *column))
                    };
                    assert!(kept.tables.iter().any(stands), "{}: no {column} is kept any more", kept.title);
                }
            }
        }
    }

    /// The times on the page are those after which the database's own job removes the rows.
    #[test]
    fn retention_periods_match_the_migrations() {
        let mut files: Vec<_> = fs::read_dir("supabase/migrations").unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let sources: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let last = |what: &str| {
            let mut lines = sources.iter().flat_map(|source| source.lines());
            lines
                .rfind(|line| line.contains(what) && line.contains("interval '"))
                .unwrap_or_else(|| panic!("{what}"))
                .to_owned()
        };
        let until = |table: &str| RETAINED_DATA.iter().find(|kept| kept.tables.contains(&table)).unwrap().until;
        for (table, deletion) in [
            ("request_log", "delete from hub.request_log where"),
            ("request_log_rejected", "delete from hub.request_log_rejected where"),
            ("revoked_sessions", "delete from hub.revoked_sessions"),
            ("team_activities", "month.ends + interval"),
        ] {
            let line = last(deletion);
            let interval = line.split("interval '").nth(1).unwrap().split('\'').next().unwrap();
            assert!(until(table).starts_with(&format!("for {interval}")), "{table}: {interval}, not {}", until(table));
        }
        // The others have no retention time of their own.
        for table in ["contact_tickets", "leads"] {
            assert!(until(table).starts_with("until"), "{table}");
        }
    }
}
