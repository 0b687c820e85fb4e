//! Batch sizes of request rows: per message of the queue, and per request to the database (L-3).

/// Maximum size of a message that the queue certainly accepts, in bytes of UTF-8: its limit is 128 KB of 1000 bytes, of
/// which it needs about 100 bytes itself.
///
/// Source: <https://developers.cloudflare.com/queues/platform/limits/>
pub const MAX_MESSAGE_BYTES: usize = 127_000;
/// Maximum number of rows in a message, small enough that the rows of one delivery can be retried one by one.
pub const MAX_ROWS: usize = 20;

/// The bounds of one batch.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Maximum number of rows.
    pub rows: usize,
    /// Maximum size in bytes, as a JSON array of the rows.
    pub bytes: usize,
}

/// Splits rows, in their order, into batches within the bounds; a row that exceeds the bounds alone is a batch of its
/// own.
#[must_use]
pub fn split<Text: AsRef<str>>(rows: &[Text], bounds: Bounds) -> Vec<&[Text]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, BRACKETS);
    for (place, row) in rows.iter().enumerate() {
        let more = row.as_ref().len() + COMMA;
        if place > start && (place - start >= bounds.rows || bytes + more > bounds.bytes) {
            batches.extend(rows.get(start..place));
            (start, bytes) = (place, BRACKETS);
        }
        bytes += more;
    }
    batches.extend(rows.get(start..).filter(|rest| !rest.is_empty()));
    batches
}

/// Returns the rows, each a JSON text, as one JSON array.
#[must_use]
pub fn array<Text: AsRef<str>>(rows: &[Text]) -> String {
    let rows: Vec<&str> = rows.iter().map(AsRef::as_ref).collect();
    format!("[{}]", rows.join(","))
}

const BRACKETS: usize = 2;
const COMMA: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes around each bound, from a deterministic generator: no row lost, none moved, every batch within its bounds.
    #[test]
    fn batches_are_split_by_bytes_and_rows_without_loss_l_3() {
        let mut seed: usize = 7;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..2_000 {
            let bounds = Bounds { rows: 1 + next(5), bytes: 10 + next(60) };
            let rows: Vec<String> =
                (0..next(30)).map(|_| if next(4) == 0 { "ä" } else { "x" }.repeat(next(80))).collect();
            let batches = split(&rows, bounds);
            assert_eq!(batches.concat(), rows);
            for batch in &batches {
                let bytes = array(batch).len();
                assert!(!batch.is_empty() && batch.len() <= bounds.rows, "{bounds:?}");
                assert!(bytes <= bounds.bytes || batch.len() == 1, "{bytes} bytes, {bounds:?}");
            }
            // No two neighbouring batches would have fitted into one.
            for pair in batches.windows(2) {
                let (left, right) = (pair[0], pair[1]);
                let fits = left.len() < bounds.rows && array(left).len() + right[0].len() + COMMA < bounds.bytes;
                assert!(!fits, "{bounds:?}");
            }
        }
    }
}
