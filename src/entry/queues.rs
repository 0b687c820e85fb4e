//! The queues: one row each. The build script reads this file too, so it names nothing else.
//!
//! Source of the limits: <https://developers.cloudflare.com/queues/platform/limits/>.

/// A queue whose messages this Worker takes.
#[derive(Debug)]
#[allow(dead_code, reason = "most of it is Cloudflare's to know: the build compares it with wrangler.toml")]
pub struct Queue {
    /// Its name at Cloudflare.
    pub name: &'static str,
    /// The binding that puts messages on it, or says how many it has.
    pub binding: Option<&'static str>,
    /// The queue that a message goes to when its deliveries are used up; `None`: it is given up then.
    pub dead_letters: Option<&'static str>,
    /// Messages of one delivery at most.
    pub batch: u32,
    /// How long a message waits for others, in seconds.
    pub gathering_s: u32,
    /// How often a message is delivered again.
    pub retries: u32,
    /// What is done with its messages.
    pub work: Taking,
}

impl Queue {
    /// Recognizes the queue by its name at Cloudflare: a preview has queues of its own, since each has one consumer.
    #[must_use]
    #[allow(dead_code, reason = "the build script compares names itself")]
    pub fn is_named(&self, name: &str) -> bool {
        name == self.name || name.strip_suffix(PREVIEW_SUFFIX) == Some(self.name)
    }
}

/// The end of the names of a preview's queues.
pub const PREVIEW_SUFFIX: &str = "-preview";

/// What is done with the messages of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// Writes request rows; what fails comes again, each time after twice as long (L-3).
    RecordRequests,
    /// The same once an hour, for rows that could not be written in the three hours that the other queue tries.
    RecordDeadLetters,
}

/// Every queue there is.
pub const QUEUES: &[Queue] = &[
    Queue {
        name: "hub-audit",
        binding: Some("AUDIT_QUEUE"),
        dead_letters: Some("hub-audit-dead"),
        batch: 100,
        // A client sees what staff do within five seconds (L-1).
        gathering_s: 1,
        retries: 30,
        work: Taking::RecordRequests,
    },
    Queue {
        name: "hub-audit-dead",
        // Never written to: it says how many messages wait.
        binding: Some("AUDIT_DEAD_QUEUE"),
        dead_letters: None,
        // Cloudflare keeps 256 KB of log of one delivery: what is logged whole must fit.
        // <https://developers.cloudflare.com/changelog/2025-04-07-increase-trace-events-limit/>
        batch: 1,
        gathering_s: 5,
        // Cloudflare keeps a message for four days.
        retries: 90,
        work: Taking::RecordDeadLetters,
    },
];
