//! Clients' chats with the studio.

use super::{Kind, Limit, NONE, PAGE, REMOVAL, Table, column, grant};
use crate::domain::access::{
    StaffRole::{Admin, Sales, Support},
    Who,
};

const CHAT_THREAD: &[&str] = &["id", "owner_id", "author_id", "topic", "status", "created_at", "updated_at", "version"];
/// A client's chat with the studio.
pub(super) const CHAT_THREADS: Table = Table {
    name: "chat_threads",
    key: "id",
    owner: Some("owner_id"),
    parent: None,
    guarded: NONE,
    lists: &[],
    columns: &[
        column("id", Kind::Uuid).defaulted(),
        column("owner_id", Kind::Text).defaulted(),
        column("author_id", Kind::Text).defaulted(),
        column("topic", Kind::Text),
        column("status", Kind::Text).defaulted().one_of(&["open", "closed"]),
        column("created_at", Kind::Timestamp).defaulted(),
        column("updated_at", Kind::Timestamp).defaulted(),
        column("version", Kind::Integer).defaulted(),
    ],
    embeds: &["chat_messages"],
    grants: &[
        grant(Who::Customer, CHAT_THREAD, &["topic"], &["topic", "status"], false).exports(),
        grant(Who::Staff(Admin), CHAT_THREAD, NONE, NONE, false),
        grant(Who::Staff(Sales), CHAT_THREAD, NONE, NONE, false),
        grant(Who::Staff(Support), CHAT_THREAD, NONE, NONE, false),
    ],
    limit: PAGE,
    exact_count: true,
    audited: true,
};

const CHAT_MESSAGE: &[&str] = &[
    "id",
    "thread_id",
    "owner_id",
    "author_id",
    "author_kind",
    "body",
    "created_at",
    "updated_at",
    "version",
    "retracted_at",
];
/// The messages of a chat.
pub(super) const CHAT_MESSAGES: Table = Table {
    name: "chat_messages",
    key: "id",
    owner: Some("owner_id"),
    parent: Some(("thread_id", "chat_threads")),
    guarded: &["body"],
    lists: &[],
    columns: &[
        column("id", Kind::Uuid).defaulted(),
        column("thread_id", Kind::Uuid),
        column("owner_id", Kind::Text),
        column("author_id", Kind::Text).defaulted(),
        column("author_kind", Kind::Text).defaulted().one_of(&["customer", "staff"]),
        column("body", Kind::Text).nullable(),
        column("created_at", Kind::Timestamp).defaulted(),
        column("updated_at", Kind::Timestamp).defaulted(),
        column("version", Kind::Integer).defaulted(),
        column("retracted_at", Kind::Timestamp).nullable(),
    ],
    embeds: &["chat_threads"],
    grants: &[
        grant(Who::Customer, CHAT_MESSAGE, &["thread_id", "body"], &["body"], true).exports(),
        grant(Who::Staff(Admin), CHAT_MESSAGE, &["thread_id", "body"], &["body"], true).fresh(REMOVAL),
        grant(Who::Staff(Sales), CHAT_MESSAGE, &["thread_id", "body"], &["body"], false),
        grant(Who::Staff(Support), CHAT_MESSAGE, &["thread_id", "body"], &["body"], false),
    ],
    limit: Limit { default: 200, max: 1000 },
    exact_count: true,
    audited: true,
};
