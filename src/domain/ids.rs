//! Identifiers: those of the Hub, and the format of Clerk's.

use ulid::Ulid;

/// Returns a ULID: 48 bits of milliseconds, 80 random bits, 26 characters of Crockford's base 32 that sort by time.
///
/// Source: <https://github.com/ulid/spec>
#[must_use]
pub fn ulid(now_ms: u64, random: [u8; 10]) -> String {
    let random = random.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    Ulid::from_parts(now_ms, random).to_string()
}

/// Returns whether a text has the format of a Clerk id: this prefix, then 10 to 64 letters and digits.
#[must_use]
pub fn is_clerk_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| (10..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulid_sorts_by_time_and_has_26_characters() {
        assert_eq!(ulid(0, [0; 10]), "00000000000000000000000000");
        // The specification's own example of a timestamp.
        assert!(ulid(1_469_918_176_385, [0; 10]).starts_with("01ARYZ6S41"));
        assert_eq!(ulid(281_474_976_710_655, [0xff; 10]), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert!(ulid(1, [0; 10]) > ulid(0, [0xff; 10]));
    }
}
