//! The queues: one row each. The build script includes this file too, so it refers to no other module.
//!
//! Source of the limits: <https://developers.cloudflare.com/queues/platform/limits/>.

/// A queue whose messages this Worker consumes.
#[derive(Debug)]
#[cfg_attr(
    deployed,
    expect(dead_code, reason = "most fields are read by the build script, which compares them with wrangler.toml")
)]
pub struct Queue {
    /// The name at Cloudflare.
    pub name: &'static str,
    /// The binding that sends messages to it or returns its number of messages.
    pub binding: Option<&'static str>,
    /// The queue for messages that used up their deliveries; `None`: such messages are discarded.
    pub dead_letters_to: Option<&'static str>,
    /// Maximum number of messages of one delivery.
    pub max_batch_size: u32,
    /// Time a message waits for others, in seconds.
    pub max_batch_timeout_s: u32,
    /// Maximum number of retries of a message.
    pub max_retries: u32,
    /// The processing of its messages.
    pub consumer: QueueConsumer,
}

impl Queue {
    /// Returns whether the queue has this name at Cloudflare: a preview has its own queues, since each has one
    /// consumer.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        name == self.name || name.strip_suffix(PREVIEW_SUFFIX) == Some(self.name)
    }
}

/// Suffix of the names of a preview's queues.
pub const PREVIEW_SUFFIX: &str = "-preview";

/// The processing of a queue's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueConsumer {
    /// Writes request rows; failed messages are retried, each time after twice the delay (L-3).
    RequestLog,
    /// The same once an hour, for rows that could not be written in the three hours of the other queue's retries.
    RequestLogDeadLetters,
}

/// All queues.
pub const QUEUES: &[Queue] = &[
    Queue {
        name: "hub-request-log",
        binding: Some("REQUEST_LOG_QUEUE"),
        dead_letters_to: Some("hub-request-log-dlq"),
        max_batch_size: 100,
        // A client sees the reads of staff within five seconds (L-1).
        max_batch_timeout_s: 1,
        max_retries: 30,
        consumer: QueueConsumer::RequestLog,
    },
    Queue {
        name: "hub-request-log-dlq",
        // Never written to: it returns the number of waiting messages.
        binding: Some("REQUEST_LOG_DLQ"),
        dead_letters_to: None,
        // Cloudflare stores 256 KB of log of one delivery: a completely logged message must fit.
        // <https://developers.cloudflare.com/changelog/2025-04-07-increase-trace-events-limit/>
        max_batch_size: 1,
        max_batch_timeout_s: 5,
        // Cloudflare stores a message for four days.
        max_retries: 90,
        consumer: QueueConsumer::RequestLogDeadLetters,
    },
];
