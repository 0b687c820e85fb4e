//! Finds the rows that the database rejects, by halves, and writes all others in the same delivery.

use super::{BatchRow, REQUEST};
use crate::{
    logic::{
        error::row_rejection::{RowRejection, WriteFailure},
        request_log_batch,
    },
    runtime::RuntimePort as _,
    services::{app_state::AppState, request_context::RequestContext, request_log_rows},
};
use std::ops::Range;

/// The outcome of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Rejected by the request log because of the row itself.
    Refused(RowRejection),
    /// Stored in the database.
    Stored,
    /// Rejected alone, possibly for a reason that rejects every row.
    Unclear(RowRejection),
    /// Not yet determined.
    Waits,
}

/// Writes the waiting rows; returns whether the database accepted any.
///
/// A rejected batch is split in halves, so that k rejected rows of n need O(k log n) requests, at most `2n - 1`. The
/// first half is tried first and each half on its own, so that the rows between rejected ones are written too. If the
/// database does not respond to the first request, no other is sent; a later request that fails is retried, and the
/// delivery ends after the third failure in a row.
pub(super) async fn write_individually(app: &AppState, context: &RequestContext, rows: &mut [BatchRow<'_>]) -> bool {
    let mut waiting: Vec<&mut BatchRow<'_>> = rows.iter_mut().filter(|row| row.end == End::Waits).collect();
    let texts: Vec<&str> = waiting.iter().map(|row| row.text).collect();
    let mut stack = ranges(&texts);
    let (mut written, mut responded, mut unanswered) = (false, false, 0);
    while let Some(range) = stack.pop() {
        let part = texts.get(range.clone()).unwrap_or_default();
        let end = match request_log_rows::insert(&app.database, context, part).await {
            Ok(()) => End::Stored,
            // A database that is always slow is unavailable: three in a row end the delivery, and the rows written so
            // far remain.
            Err(WriteFailure::Slow) if range.len() > 1 && unanswered + 1 < MAX_UNANSWERED => {
                unanswered += 1;
                let middle = range.start + range.len() / 2;
                stack.extend([middle..range.end, range.start..middle]);
                continue;
            }
            Err(WriteFailure::Slow | WriteFailure::Unavailable) => {
                unanswered += 1;
                if !responded || unanswered >= MAX_UNANSWERED {
                    return written;
                }
                context.runtime.sleep(RETRY_MS).await;
                stack.push(range);
                continue;
            }
            Err(WriteFailure::Row(_) | WriteFailure::Unclear(_)) if range.len() > 1 => {
                (responded, unanswered) = (true, 0);
                let middle = range.start + range.len() / 2;
                stack.extend([middle..range.end, range.start..middle]);
                continue;
            }
            Err(WriteFailure::Row(rejection)) => End::Refused(rejection),
            Err(WriteFailure::Unclear(rejection)) => End::Unclear(rejection),
        };
        (responded, unanswered) = (true, 0);
        written |= end == End::Stored;
        for row in waiting.get_mut(range).into_iter().flatten() {
            row.end = end.clone();
        }
    }
    written
}

/// Returns the ranges of one request each, the first one on top.
fn ranges(texts: &[&str]) -> Vec<Range<usize>> {
    let mut start = 0;
    let batches = request_log_batch::split(texts, REQUEST);
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

/// Number of consecutive requests without a response that end a delivery.
pub(super) const MAX_UNANSWERED: u32 = 3;
pub(super) const RETRY_MS: u32 = 100;
