//! The request rows that come back from the queue (L-3): written together, and one by one where together they cannot be.

use crate::{
    logic::fault::Fault,
    platform::{Level, Platform, hub::Hub, journal},
};
use serde_json::value::RawValue;

/// A message as it is delivered: an array of request rows, made by [`journal`].
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its text.
    pub text: String,
    /// How long ago it was put on the queue, in seconds.
    pub age_s: u32,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes again after so many seconds.
    Again {
        /// An hour at most.
        after_s: u32,
    },
    /// Its rows stand in the database.
    Done,
}

/// How long a message waits before it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As long as it has waited so far, so that each wait is twice the last; at most ten minutes.
    Doubling,
    /// An hour.
    Hourly,
}

/// Writes the rows of all messages in one request; gives one verdict each, in their order.
///
/// A message may come twice, also while its first delivery is still being written: the database keeps each row once.
pub async fn record<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    deliveries: &[Delivery],
    patience: Patience,
) -> Vec<Verdict> {
    let messages: Vec<Option<Vec<&RawValue>>> =
        deliveries.iter().map(|delivery| serde_json::from_slice(delivery.text.as_bytes()).ok()).collect();
    let all: Vec<&RawValue> = messages.iter().flatten().flatten().copied().collect();
    let together = write(hub, platform, &all).await;
    let (mut verdicts, mut refused) = (Vec::with_capacity(deliveries.len()), 0);
    for (delivery, message) in deliveries.iter().zip(&messages) {
        let done = match (message, &together) {
            (None, _) => Err(Fault::UpstreamBroken("a message is no array of rows")),
            (Some(_), Ok(())) => Ok(()),
            // A row that the database refuses must not keep the others; but after some of them it is not the rows.
            (Some(message), Err(Fault::UpstreamBroken(_))) if refused < MOST_REFUSED => {
                let done = apart(hub, platform, message).await;
                refused += u32::from(done.is_err());
                done
            }
            // When it does not answer, asking once is enough.
            (Some(_), Err(fault)) => Err(fault.clone()),
        };
        verdicts.push(match done {
            Ok(()) => Verdict::Done,
            Err(fault) => {
                let line = serde_json::json!({
                    "event": "request rows come again",
                    "age_s": delivery.age_s,
                    "code": fault.code(),
                    "reason": fault.reason(),
                });
                platform.log(Level::Warn, &line.to_string());
                Verdict::Again { after_s: wait(patience, delivery.age_s) }
            }
        });
    }
    verdicts
}

/// One message, and if that is refused too, each of its rows: the good ones stand then, though the message comes again.
async fn apart<P: Platform>(hub: &Hub<P>, platform: &P, message: &[&RawValue]) -> Result<(), Fault> {
    let mut done = write(hub, platform, message).await;
    if message.len() > 1 && matches!(done, Err(Fault::UpstreamBroken(_))) {
        done = Ok(());
        for row in message {
            done = done.and(write(hub, platform, &[row]).await);
        }
    }
    done
}

async fn write<P: Platform>(hub: &Hub<P>, platform: &P, rows: &[&RawValue]) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows: Vec<&str> = rows.iter().map(|row| row.get()).collect();
    journal::write(hub, platform, &format!("[{}]", rows.join(","))).await
}

const fn wait(patience: Patience, age_s: u32) -> u32 {
    match patience {
        Patience::Hourly => LONGEST_S,
        Patience::Doubling if age_s < SHORTEST_S => SHORTEST_S,
        Patience::Doubling if age_s > 600 => 600,
        Patience::Doubling => age_s,
    }
}

/// An hour, in seconds.
const LONGEST_S: u32 = 3600;
const SHORTEST_S: u32 = 2;
/// How many messages of a batch are refused apart before the rest waits unasked.
const MOST_REFUSED: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_last_up_to_ten_minutes_l_3() {
        let mut age = 1;
        let waits: Vec<u32> = (0..12)
            .map(|_| {
                let next = wait(Patience::Doubling, age);
                age += next;
                next
            })
            .collect();
        assert_eq!(waits, [2, 3, 6, 12, 24, 48, 96, 192, 384, 600, 600, 600]);
        assert_eq!(wait(Patience::Hourly, 5), 3600);
    }
}
