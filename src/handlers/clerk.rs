//! `POST /webhooks/clerk`: Clerk's messages about sessions and users, processed once and applied from the next request
//! on (I-2).

use crate::{
    domain::headers::Headers,
    logic::{
        clerk_event,
        fault::Fault,
        reply::{Cache, Media, Reply},
        signature::Envelope,
    },
    platform::{
        Platform,
        bodies::{self, Incoming, Sender},
        database::{ask, send},
        hub::Hub,
    },
};

/// Receives one delivery.
///
/// Returns 200 once the message is stored in the database, also if it was stored before. After any other response Svix
/// delivers it again.
///
/// # Errors
/// `Webhook` for an invalid signature, which is verified before the body is parsed. The faults of the database.
pub async fn receive<P: Platform>(
    hub: &Hub<P>,
    platform: &P,
    headers: &Headers,
    body: Option<P::Body>,
) -> Result<Reply<P::Body>, Fault> {
    let now_ms = platform.now_ms();
    let seconds = i64::try_from(now_ms / 1000).map_err(|_| Fault::Platform)?;
    let envelope = Envelope::read(headers, seconds).map_err(Fault::Webhook)?;
    let incoming = Incoming { sender: Sender::Unknown, body, limit: LONGEST_MESSAGE };
    let bytes = bodies::read(hub, platform, incoming).await?;
    envelope.verify(&hub.config.webhook_secrets, &bytes).map_err(Fault::Webhook)?;
    let event = clerk_event::read(&bytes, now_ms).map_err(|_| Fault::WebhookMalformed)?;
    let arguments = serde_json::json!({
        "message": envelope.id,
        "event": event.name,
        "happened_at": event.happened_at,
        "verdicts": event.verdicts,
    });
    let question = ask(&hub.config.rest_url).rpc("take_clerk_event", arguments.to_string());
    let answer = send(hub, platform, "clerk", "return=representation", question).await?;
    let told = match answer.body {
        Some(body) => platform.read(body, LONGEST_ANSWER).await.map_err(|_| Fault::UpstreamBroken("no answer"))?,
        None => Vec::new(),
    };
    let said: String = serde_json::from_slice(&told).map_err(|_| Fault::UpstreamBroken("not a word"))?;
    let body = serde_json::json!({ "message": said });
    Ok(Reply::text(200, Media::Json, Cache::Nobody, body.to_string()))
}

const LONGEST_MESSAGE: usize = 256 * 1024;
const LONGEST_ANSWER: usize = 1024;
