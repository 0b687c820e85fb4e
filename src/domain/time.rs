//! Points in time as text; the clock itself is an argument.

/// Returns the complete seconds of a time or a duration in milliseconds, rounded down: a Unix time must not be in the
/// future, and no token, factor or message may seem older than it is.
#[must_use]
pub const fn whole_seconds(ms: u64) -> i64 {
    // At most 2^64 / 1000, which is below 2^63.
    (ms / 1000).cast_signed()
}

/// Returns the milliseconds of a Unix time in seconds; 0 before 1970.
#[must_use]
pub fn milliseconds(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or_default().saturating_mul(1000)
}

/// Formats milliseconds since the Unix epoch as RFC 3339 in UTC, such as `2026-11-23T20:15:00.123Z`.
#[must_use]
pub fn rfc3339(ms: u64) -> String {
    let seconds = ms / 1000;
    let Date { year, month, day } = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

/// A date of the Gregorian calendar.
struct Date {
    year: u64,
    month: u64,
    day: u64,
}

/// Returns the civil date of a day counted from 1970-01-01.
///
/// Source: `civil_from_days` in <https://howardhinnant.github.io/date_algorithms.html>
fn date(days: u64) -> Date {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    Date { year: year_of_era + era * 400 + u64::from(month <= 2), month, day }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_seconds_down_over_the_whole_range() {
        for (ms, seconds) in [(0, 0), (999, 0), (1000, 1), (1999, 1), (u64::MAX, 18_446_744_073_709_551)] {
            assert_eq!(whole_seconds(ms), seconds, "{ms}");
        }
    }

    #[test]
    fn formats_known_dates() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_795_464_900_123, "2026-11-23T20:15:00.123Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
    }
}
