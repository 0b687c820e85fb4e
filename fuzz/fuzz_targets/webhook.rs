//! A webhook delivery: only messages signed with the secret are accepted, and no signed message is misread.

#![no_main]

use hub::{
    domain::headers::Headers,
    logic::webhook::{
        clerk_event,
        signature::{WebhookSignature, secrets},
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str, &[u8])| {
    let (id, timestamp, signatures, body) = input;
    let pairs = [("svix-id", id), ("svix-timestamp", timestamp), ("svix-signature", signatures)];
    let headers = Headers::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
    let now_s = 1_795_464_900;
    if let Ok(envelope) = WebhookSignature::parse(&headers, now_s) {
        // A secret that is unknown to the input.
        let unknown = secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap_or_default();
        assert!(envelope.verify(&unknown, body).is_err());
    }
    drop(secrets(id));
    if let Ok(event) = clerk_event::parse(body, 1_795_464_900_000) {
        assert!(!event.name.is_empty() && event.revocations.len() <= 3);
        for revocation in event.revocations {
            assert!(["sess_", "user_", "org_"].iter().any(|prefix| revocation.subject.starts_with(prefix)));
        }
    }
});
