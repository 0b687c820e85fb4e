//! Sender of a webhook: Standard Webhooks signatures over the bytes as received, with time as an argument (I-2).
//!
//! The published verification crates read the system time, which traps on wasm32; this module implements the
//! specification itself.
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use crate::{
    domain::{headers::Headers, lifetimes::WEBHOOK_TOLERANCE_S, secret::Secret},
    logic::keyed_hash::hmac_sha256,
};
use base64ct::{Base64, Encoding as _};
use hmac::Mac as _;

/// The reason why a message is rejected: logged, and never sent to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum SignatureError {
    /// `svix-id`, `svix-timestamp` or `svix-signature` is absent or malformed.
    HeadersMalformed,
    /// No signature of the list is by one of the secrets.
    SignatureMismatch,
    /// The timestamp is more than five minutes off.
    TimestampOutOfTolerance,
}

/// The headers of a message.
///
/// The example is that of the specification:
///
/// ```
/// use hub::{
///     domain::headers::Headers,
///     logic::webhook::signature::{SignatureError, WebhookSignature, secrets},
/// };
///
/// let headers = [
///     ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
///     ("svix-timestamp", "1614265330"),
///     ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
/// ];
/// let headers = Headers::new(headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
/// let secrets = secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
///
/// let signature = WebhookSignature::parse(&headers, 1_614_265_330)?;
/// signature.verify(&secrets, br#"{"test": 2432232314}"#)?;
/// assert_eq!(signature.verify(&secrets, b"{}"), Err(SignatureError::SignatureMismatch));
/// # Ok::<(), SignatureError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookSignature<'a> {
    /// The message's id: the same in every delivery of it.
    pub id: &'a str,
    /// Time at which this delivery was signed, Unix seconds, as received.
    timestamp: &'a str,
    /// The list of signatures.
    signatures: &'a str,
}

impl<'a> WebhookSignature<'a> {
    /// Reads the three headers and the time; nothing is computed for a message that is too old, too new or malformed.
    ///
    /// # Errors
    /// `HeadersMalformed` or `TimestampOutOfTolerance`.
    pub fn parse(headers: &'a Headers, now_s: i64) -> Result<Self, SignatureError> {
        let value = |name| headers.value(name).ok_or(SignatureError::HeadersMalformed);
        let (id, timestamp, signatures) = (value("svix-id")?, value("svix-timestamp")?, value("svix-signature")?);
        // A dot would allow one id and timestamp to be read as another.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let digits = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        if !(1..=MAX_ID_LEN).contains(&id.len())
            || !id.bytes().all(plain)
            || !digits
            || timestamp.len() > 11
            || signatures.len() > MAX_SIGNATURE_HEADER_LEN
        {
            return Err(SignatureError::HeadersMalformed);
        }
        let signed_at: i64 = timestamp.parse().map_err(|_| SignatureError::HeadersMalformed)?;
        if (now_s - signed_at).abs() > WEBHOOK_TOLERANCE_S {
            return Err(SignatureError::TimestampOutOfTolerance);
        }
        Ok(Self { id, timestamp, signatures })
    }

    /// Checks in constant time that one of the secrets signed these bytes.
    ///
    /// # Errors
    /// `SignatureMismatch`.
    pub fn verify(&self, secrets: &[Secret<Vec<u8>>], body: &[u8]) -> Result<(), SignatureError> {
        let given = self.signatures.split(' ').filter_map(|item| item.strip_prefix("v1,"));
        let given: Vec<Vec<u8>> = given.filter_map(|text| Base64::decode_vec(text).ok()).take(MAX_SIGNATURES).collect();
        for secret in secrets {
            let mut mac = hmac_sha256(secret.expose(), self.id.as_bytes());
            for part in [b".".as_slice(), self.timestamp.as_bytes(), b".", body] {
                mac.update(part);
            }
            if given.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()) {
                return Ok(());
            }
        }
        Err(SignatureError::SignatureMismatch)
    }
}

/// Parses the secrets of a comma-separated list: `whsec_` and base64 of 24 to 64 bytes each, at most five.
#[must_use]
pub fn secrets(list: &str) -> Option<Vec<Secret<Vec<u8>>>> {
    let one = |text: &str| {
        let bytes = Base64::decode_vec(text.trim().strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Secret::new(bytes))
    };
    let all: Vec<_> = list.split(',').map(one).collect::<Option<_>>()?;
    (all.len() <= MAX_SECRETS).then_some(all)
}

const MAX_ID_LEN: usize = 128;
const MAX_SIGNATURE_HEADER_LEN: usize = 2048;
const MAX_SECRETS: usize = 5;
const MAX_SIGNATURES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    // The specification's own example.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: &str = "1614265330";
    const NOW: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const VALID: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn sent(id: &str, time: &str, signatures: &str) -> Headers {
        let named = [("svix-id", id), ("svix-timestamp", time), ("svix-signature", signatures)];
        Headers::new(named.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    fn judged(headers: &Headers, list: &str, body: &[u8], now_s: i64) -> Result<(), SignatureError> {
        WebhookSignature::parse(headers, now_s)?.verify(&secrets(list).unwrap(), body)
    }

    /// I-2: the example of the specification, alone, among others, and under a second secret.
    #[test]
    fn accepts_a_signature_by_either_secret_i_2() {
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(judged(&sent(ID, TIME, VALID), SECRET, BODY, NOW), Ok(()));
        assert_eq!(judged(&sent(ID, TIME, VALID), &format!("{other}, {SECRET}"), BODY, NOW), Ok(()));
        let list = format!("v1a,AAAA v1,AAAA v2,x {VALID}");
        assert_eq!(judged(&sent(ID, TIME, &list), SECRET, BODY, NOW), Ok(()));
        for off in [-300, 300] {
            assert_eq!(judged(&sent(ID, TIME, VALID), SECRET, BODY, NOW + off), Ok(()));
        }
        assert_eq!(judged(&sent(ID, TIME, VALID), other, BODY, NOW), Err(SignatureError::SignatureMismatch));
    }

    #[test]
    fn rejects_changes_of_signed_content() {
        for (id, time, signatures, body) in [
            ("msg_p5jXN8AQM9LWM0D4loKWxJel", TIME, VALID, BODY),
            (ID, "1614265331", VALID, BODY),
            (ID, TIME, VALID, &br#"{"test": 2432232315}"#[..]),
            (ID, TIME, VALID, b""),
            (ID, TIME, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", BODY),
            (ID, TIME, "v1,g0hM9SsE", BODY),
            (ID, TIME, "v1,", BODY),
            (ID, TIME, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY),
            (ID, TIME, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY),
            (ID, TIME, "", BODY),
        ] {
            let found = judged(&sent(id, time, signatures), SECRET, body, NOW);
            assert_eq!(found, Err(SignatureError::SignatureMismatch), "{id} {time} {signatures}");
        }
    }

    #[test]
    fn malformed_and_late_messages_are_rejected_before_verification() {
        for (id, time) in [("", TIME), ("a.b", TIME), ("a b", TIME), (&"a".repeat(129), TIME)] {
            assert_eq!(
                WebhookSignature::parse(&sent(id, time, VALID), NOW),
                Err(SignatureError::HeadersMalformed),
                "{id}"
            );
        }
        for time in ["", "-1614265330", "1614265330.0", "1e9", "161426533000", "+1614265330"] {
            assert_eq!(
                WebhookSignature::parse(&sent(ID, time, VALID), NOW),
                Err(SignatureError::HeadersMalformed),
                "{time}"
            );
        }
        assert!(WebhookSignature::parse(&Headers::default(), NOW).is_err());
        assert!(WebhookSignature::parse(&sent(ID, TIME, &"v1,x ".repeat(1000)), NOW).is_err());
        for off in [-301, 301, 1_000_000] {
            assert_eq!(
                WebhookSignature::parse(&sent(ID, TIME, VALID), NOW + off),
                Err(SignatureError::TimestampOutOfTolerance)
            );
        }
    }

    #[test]
    fn rejects_malformed_secrets() {
        for list in [
            "",
            "whsec_",
            "whsec_AAAA",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            &format!("{SECRET},"),
            &[SECRET; 6].join(","),
        ] {
            assert!(secrets(list).is_none(), "{list}");
        }
        assert_eq!(format!("{:?}", secrets(SECRET).unwrap()), "[REDACTED]");
    }
}
