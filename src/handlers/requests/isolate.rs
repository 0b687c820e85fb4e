//! Finds the rows that the database refuses, by halves, and writes all others in the same delivery.

use super::{REQUEST, Row};
use crate::{
    logic::{
        batch,
        row_refusal::{Cause, RowRefusal},
    },
    platform::{Platform, hub::Hub, request_rows},
};
use std::ops::Range;

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The request log refuses it, and no other row.
    Refused(RowRefusal),
    /// It stands in the database.
    Stands,
    /// It was refused alone, perhaps as any row would have been.
    Unclear(RowRefusal),
    /// Nothing is known of it yet.
    Waits,
}

/// Writes the rows that wait; gives whether the database took any.
///
/// What is refused as a whole is tried by halves, so that k refused rows of n cost O(k log n) requests, and never more than 2n - 1. The
/// first half is tried first and each half for itself, so what stands between refused rows is written too. A database that does not
/// answer the first question is asked no other one; one that fails after that is asked the same again, and left after the third time.
pub(super) async fn write_apart<P: Platform>(hub: &Hub<P>, platform: &P, rows: &mut [Row<'_>]) -> bool {
    let mut waiting: Vec<&mut Row<'_>> = rows.iter_mut().filter(|row| row.end == End::Waits).collect();
    let texts: Vec<&str> = waiting.iter().map(|row| row.text).collect();
    let mut stack = ranges(&texts);
    let (mut written, mut answered, mut unanswered) = (false, false, 0);
    while let Some(range) = stack.pop() {
        let part = texts.get(range.clone()).unwrap_or_default();
        let end = match request_rows::write(hub, platform, part).await {
            Ok(()) => End::Stands,
            // Slow without end is unavailable: three in a row end the delivery, and what was written until then stands.
            Err(Cause::Slow) if range.len() > 1 && unanswered + 1 < MOST_UNANSWERED => {
                unanswered += 1;
                let middle = range.start + range.len() / 2;
                stack.extend([middle..range.end, range.start..middle]);
                continue;
            }
            Err(Cause::Slow | Cause::Unavailable) => {
                unanswered += 1;
                if !answered || unanswered >= MOST_UNANSWERED {
                    return written;
                }
                platform.sleep(RETRY_MS).await;
                stack.push(range);
                continue;
            }
            Err(Cause::Row(_) | Cause::Unclear(_)) if range.len() > 1 => {
                (answered, unanswered) = (true, 0);
                let middle = range.start + range.len() / 2;
                stack.extend([middle..range.end, range.start..middle]);
                continue;
            }
            Err(Cause::Row(refusal)) => End::Refused(refusal),
            Err(Cause::Unclear(refusal)) => End::Unclear(refusal),
        };
        (answered, unanswered) = (true, 0);
        written |= end == End::Stands;
        for row in waiting.get_mut(range).into_iter().flatten() {
            row.end = end.clone();
        }
    }
    written
}

/// The ranges of one request each, the first one on top.
fn ranges(texts: &[&str]) -> Vec<Range<usize>> {
    let mut start = 0;
    let batches = batch::split(texts, REQUEST);
    let mut ranges: Vec<Range<usize>> = batches
        .iter()
        .map(|part| {
            let range = start..start + part.len();
            start = range.end;
            range
        })
        .collect();
    ranges.reverse();
    ranges
}

/// How many questions in a row without an answer end a delivery.
pub(super) const MOST_UNANSWERED: u32 = 3;
pub(super) const RETRY_MS: u32 = 100;
