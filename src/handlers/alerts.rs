//! The job that reports problems to an operator: in the log, and to `ALERT_WEBHOOK_URL`.

use crate::{
    domain::{method::Method, upstreams::ALERT_WEBHOOK},
    logic::error::{Error, UpstreamProtocolError},
    runtime::{FetchError, LogLevel, RuntimePort as _, UpstreamRequest},
    services::{app_state::AppState, request_context::RequestContext},
};
use serde::{Deserialize, Serialize};

/// A problem to report to an operator: names and numbers, no data of users.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Alert {
    /// The kind, from a closed list, so that a receiver can distinguish repeated alerts.
    alert: String,
    /// The same as text.
    text: String,
}

/// Requests the problems that the database found, and the number of messages in the queue of `dead_letters`; reports
/// all that there are.
///
/// # Errors
/// The error of the database, which is also reported; `UpstreamUnreachable` if the receiver did not accept the alerts.
pub async fn send(
    app: &AppState,
    context: &RequestContext,
    job: &'static str,
    dead_letters: Option<&'static str>,
) -> Result<(), Error> {
    let found = find_alerts(app, context, job).await;
    let mut alerts = match &found {
        Ok(alerts) => alerts.clone(),
        Err(fault) => {
            vec![alert("database", format!("the alerts could not be read from the database: {}", fault.code()))]
        }
    };
    // The alerts found so far are logged before the queue is queried.
    report(context, &alerts);
    if let Some(binding) = dead_letters {
        match context.runtime.backlog(binding).await {
            Ok(0) => {}
            Ok(count) => {
                let more =
                    alert("dead_letters", format!("{count} messages are in the dead-letter queue of the request log"));
                report(context, std::slice::from_ref(&more));
                alerts.push(more);
            }
            Err(_) => context.log(LogLevel::Warn, serde_json::json!({ "event": "dead_letters.count_failed" })),
        }
    }
    if alerts.is_empty() {
        return Ok(());
    }
    post(app, context, &alerts).await?;
    found.map(drop)
}

fn report(context: &RequestContext, alerts: &[Alert]) {
    if !alerts.is_empty() {
        context.log(LogLevel::Error, serde_json::json!({ "event": "alert", "alerts": alerts }));
    }
}

async fn find_alerts(app: &AppState, context: &RequestContext, job: &'static str) -> Result<Vec<Alert>, Error> {
    let arguments = serde_json::json!({ "most_failed": MAX_FAILED_CHECKS });
    let builder = app.database.query().rpc("find_alerts", arguments.to_string());
    let response = app.database.execute(context, job, "return=minimal", builder).await?;
    let body = context.runtime.read_or_empty(response.body, MAX_RESPONSE_BYTES).await;
    serde_json::from_slice(&body).map_err(|_| Error::UpstreamInvalidResponse(UpstreamProtocolError::MalformedAlerts))
}

/// Sends a JSON object whose `text` is shown by Slack and compatible receivers; the other members are for programs.
async fn post(app: &AppState, context: &RequestContext, alerts: &[Alert]) -> Result<(), Error> {
    let Some(url) = &app.config.alert_webhook_url else { return Ok(()) };
    let texts: Vec<&str> = alerts.iter().map(|alert| alert.text.as_str()).collect();
    let environment = app.config.environment.name();
    let body = serde_json::json!({
        "text": format!("Hub ({environment}): {}", texts.join("; ")),
        "source": app.config.origin,
        "environment": environment,
        "alerts": alerts,
    });
    let request = UpstreamRequest::new(&ALERT_WEBHOOK, Method::Post, url.expose().clone())
        .with_body(body.to_string().into_bytes());
    match context.runtime.fetch(request).await {
        Ok(response) if (200..300).contains(&response.status) => Ok(()),
        Ok(_) | Err(FetchError::Unreachable | FetchError::Timeout) => {
            context.log(LogLevel::Error, serde_json::json!({ "event": "alert.delivery_failed" }));
            Err(Error::UpstreamUnreachable)
        }
    }
}

fn alert(name: &str, text: String) -> Alert {
    Alert { alert: name.to_owned(), text }
}

/// Maximum number of failed requests in 15 minutes without an alert.
const MAX_FAILED_CHECKS: u32 = 20;
const MAX_RESPONSE_BYTES: usize = 64 * 1024;
