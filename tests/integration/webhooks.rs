//! I-2: Clerk's messages: accepted ones, rejected ones, and nothing of a rejected one reaches the database.

use crate::harness::{
    ORIGIN, REST, TOKENS, TestApp, TestResponse, WEBHOOK_SECRET, default_upstream, golden, upstream_response,
};
use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, Mac as _};
use hub::domain::method::{Method, ReceivedMethod};
use hub::{
    domain::{clerk_webhooks::WEBHOOKS, headers::Headers},
    entry::incoming_request::IncomingRequest,
    runtime::{FetchError, UpstreamRequest, UpstreamResponse},
};
use serde_json::{Value, json};
use sha2::Sha256;

const SESSION: &str = "sess_2hubalice0000000000000001";

fn now() -> u64 {
    TOKENS["now"].as_u64().unwrap()
}

pub fn signed(secret: &str, id: &str, time: &str, body: &str) -> String {
    let key = Base64::decode_vec(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()))
}

fn delivered(app: &TestApp, headers: &[(&str, &str)], body: &str) -> TestResponse {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    app.handle(IncomingRequest {
        method: ReceivedMethod::Known(Method::Post),
        url: format!("{ORIGIN}/webhooks/clerk"),
        headers: Headers::new(headers),
        tls_version: Some("TLSv1.3".to_owned()),
        colo: None,
        country: None,
        body: Some(body.as_bytes().to_vec().into()),
    })
}

fn message(event: &str, data: &Value) -> String {
    json!({ "type": event, "object": "event", "timestamp": now() * 1000, "instance_id": "ins_1", "data": data })
        .to_string()
}

fn webhook_app(outcome: &'static str) -> TestApp {
    TestApp::with_upstream(move |request: &UpstreamRequest| -> Result<UpstreamResponse<Vec<u8>>, FetchError> {
        if request.url.ends_with("/rpc/take_clerk_event") {
            upstream_response(200, outcome)
        } else {
            default_upstream(request)
        }
    })
}

fn arguments(response: &TestResponse) -> Value {
    assert_eq!(response.upstream.len(), 1);
    assert_eq!(response.upstream[0].url, format!("{REST}/rpc/take_clerk_event"));
    serde_json::from_slice(response.upstream[0].body.as_ref().unwrap()).unwrap()
}

#[test]
fn effective_events_match_golden_list_i_2() {
    let rows: Vec<String> =
        WEBHOOKS.iter().map(|webhook| format!("{:<32} {:?}\n", webhook.event, webhook.effect)).collect();
    golden("webhooks.txt", &rows.concat());
}

#[test]
fn signed_webhook_reaches_the_database_once_and_is_recorded() {
    let body = message("session.revoked", &json!({ "id": SESSION, "user_id": "user_2hubalice0000000000000001" }));
    let time = now().to_string();
    for (outcome, reported) in [("\"taken\"", "accepted"), ("\"repeated\"", "duplicate")] {
        let app = webhook_app(outcome);
        let signature = signed(WEBHOOK_SECRET, "msg_1", &time, &body);
        let headers = [("svix-id", "msg_1"), ("svix-timestamp", &time), ("svix-signature", &signature)];
        let response = delivered(&app, &headers, &body);
        assert_eq!(
            (response.status, response.text.as_str()),
            (200, json!({ "message": reported }).to_string().as_str())
        );
        let arguments = arguments(&response);
        assert_eq!(arguments["message"], "msg_1");
        assert_eq!(arguments["event"], "session.revoked");
        assert_eq!(arguments["verdicts"][0]["subject"], SESSION);
        assert_eq!(
            (response.rows.len(), &response.rows[0]["who"], &response.rows[0]["outcome"]),
            (1, &json!("webhook:clerk"), &json!("allowed"))
        );
    }
}

#[test]
fn unsigned_webhook_is_rejected_without_side_effects_i_2() {
    let body = message("session.revoked", &json!({ "id": SESSION }));
    let time = now().to_string();
    let (late, early) = ((now() - 301).to_string(), (now() + 301).to_string());
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let valid = signed(WEBHOOK_SECRET, "msg_1", &time, &body);
    let app = webhook_app("\"taken\"");
    for (name, headers) in [
        ("no headers", vec![]),
        ("no signature", vec![("svix-id", "msg_1".to_owned()), ("svix-timestamp", time.clone())]),
        ("another secret", envelope("msg_1", &time, signed(other, "msg_1", &time, &body))),
        ("another id", envelope("msg_2", &time, valid.clone())),
        ("another time", envelope("msg_1", &(now() + 1).to_string(), valid.clone())),
        ("another body", envelope("msg_1", &time, signed(WEBHOOK_SECRET, "msg_1", &time, &format!("{body} ")))),
        ("too old", envelope("msg_1", &late, signed(WEBHOOK_SECRET, "msg_1", &late, &body))),
        ("too new", envelope("msg_1", &early, signed(WEBHOOK_SECRET, "msg_1", &early, &body))),
        ("an odd id", envelope("msg.1", &time, signed(WEBHOOK_SECRET, "msg.1", &time, &body))),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = delivered(&app, &headers, &body);
        assert_eq!((response.status, response.code.as_str()), (400, "HUB105"), "{name}");
        assert!(response.upstream.is_empty(), "{name}");
        assert_eq!((response.rows.len(), &response.rows[0]["who"]), (1, &json!("nobody")), "{name}");
    }
    let odd = "{}";
    let signature = signed(WEBHOOK_SECRET, "msg_1", &time, odd);
    let headers = [("svix-id", "msg_1"), ("svix-timestamp", time.as_str()), ("svix-signature", signature.as_str())];
    let response = delivered(&app, &headers, odd);
    assert_eq!(
        (response.status, response.code.as_str(), response.upstream.len()),
        (400, "HUB105", 0),
        "signed, but no message"
    );
    let long = "x".repeat(256 * 1024 + 1);
    assert_eq!(delivered(&app, &headers, &long).status, 413);
}

/// Returns a message about a user, with this text as the value of each metadata that the user can change.
fn about_a_user(name: &str, free: &str) -> String {
    let known = r#""id":"user_2hubalice0000000000000001","banned":true,"locked":true,"lockout_expires_in_seconds":60,"public_metadata":{"stacklumen_role":"sales"}"#;
    let data = format!(r#"{{"{name}":{free},{known},"first_name":null}}"#);
    format!(r#"{{"data":{data},"object":"event","timestamp":{},"type":"user.updated"}}"#, now() * 1000)
}

/// Returns any JSON that a user might write: password-like names, names that occur twice or that the Hub reads
/// elsewhere, invalid Unicode, numbers out of range, and nesting; `seed` selects.
fn any_json(seed: &mut u64, budget: usize) -> String {
    let mut next = |below: u64| {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed % below
    };
    let names = [
        "password",
        "new_password",
        "pwd",
        "id",
        "banned",
        "locked",
        "type",
        "data",
        "stacklumen_role",
        "public_metadata",
        "a",
        "__proto__",
        r"\ud800",
        r"\u0000",
        r"p\u0061ssword",
        "",
    ];
    let scalars = [
        "null",
        "true",
        "-0.0",
        "1e999",
        "123456789012345678901234567890",
        r#""\ud800""#,
        r#""x""#,
        "[]",
        "{}",
        "\"\u{1f512}\"",
    ];
    let kind = if budget == 0 { 2 } else { next(3) };
    let many = next(4);
    let chosen: Vec<u64> = (0..many).map(|_| next(names.len() as u64)).collect();
    let scalar = scalars[usize::try_from(next(scalars.len() as u64)).unwrap()].to_owned();
    let mut below = || any_json(seed, budget.saturating_sub(1) / 2);
    match kind {
        0 => {
            let member = |place: &u64| format!(r#""{}":{}"#, names[usize::try_from(*place).unwrap()], below());
            format!("{{{}}}", chosen.iter().map(member).collect::<Vec<_>>().join(","))
        }
        1 => format!("[{}]", chosen.iter().map(|_| below()).collect::<Vec<_>>().join(",")),
        _ => scalar,
    }
}

/// I-2: whatever a user writes in their own metadata, the message that bans, locks or demotes them is processed as if
/// it were empty.
#[test]
fn free_metadata_does_not_change_revocations_i_2() {
    let time = now().to_string();
    let dispositions = |body: &str| {
        // Times are compared as well, and an app's clock advances.
        let app = webhook_app("\"taken\"");
        let signature = signed(WEBHOOK_SECRET, "msg_1", &time, body);
        let headers = [("svix-id", "msg_1"), ("svix-timestamp", time.as_str()), ("svix-signature", signature.as_str())];
        let response = delivered(&app, &headers, body);
        assert_eq!(response.status, 200, "{}", &body[..body.len().min(400)]);
        arguments(&response)["verdicts"].clone()
    };
    let plain = dispositions(&about_a_user("unsafe_metadata", "{}"));
    assert_eq!(plain[0]["expires_at"], "infinity");
    assert_eq!(plain[2]["role"], "sales");
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let objects = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let generated: Vec<String> = (0..200).map(|round| any_json(&mut seed, round % 64)).collect();
    // The maximum length of a message is 256 KiB.
    let deep =
        [16, 63, 64, 127, 128, 129, 10_000, 125_000].map(nested).into_iter().chain([64, 128, 40_000].map(objects));
    let handmade = [r#"{"password":"x"}"#, r#"{"a":1,"a":2}"#, r#"{"user":{"newPassword":{}}}"#].map(str::to_owned);
    for free in generated.into_iter().chain(deep).chain(handmade) {
        for name in ["unsafe_metadata", "private_metadata", "external_accounts"] {
            assert_eq!(dispositions(&about_a_user(name, &free)), plain, "{}", &free[..free.len().min(400)]);
        }
    }
}

fn envelope(id: &'static str, time: &str, signature: String) -> Vec<(&'static str, String)> {
    vec![("svix-id", id.to_owned()), ("svix-timestamp", time.to_owned()), ("svix-signature", signature)]
}

/// Svix delivers a message again unless the response is 2xx.
#[test]
fn unstored_webhook_is_not_acknowledged() {
    let body = message("session.revoked", &json!({ "id": SESSION }));
    let time = now().to_string();
    let signature = signed(WEBHOOK_SECRET, "msg_1", &time, &body);
    let headers = [("svix-id", "msg_1"), ("svix-timestamp", time.as_str()), ("svix-signature", signature.as_str())];
    for failure in [FetchError::Timeout, FetchError::Unreachable] {
        let app = TestApp::with_upstream(move |_: &UpstreamRequest| Err(failure));
        assert!(delivered(&app, &headers, &body).status >= 502);
    }
    assert_eq!(delivered(&webhook_app("garbage"), &headers, &body).status, 502);
}

/// T-3: a token that was sent over http is revoked, in the background of a response that is the same for a valid one,
/// an invalid one and none.
#[test]
fn valid_token_over_http_is_revoked_forged_is_ignored_t_3() {
    let app = TestApp::new();
    let over_http = |token: Option<String>| {
        let headers = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))).into_iter().collect();
        app.handle(IncomingRequest {
            method: ReceivedMethod::Known(Method::Get),
            url: "http://hub.stacklumen.example/rest/v1/contact_tickets".to_owned(),
            headers: Headers::new(headers),
            tls_version: None,
            colo: None,
            country: None,
            body: None,
        })
    };
    let valid = TOKENS["personas"]["alice"].as_str().unwrap().to_owned();
    let forged = format!("{}A", &valid[..valid.len() - 1]);
    let [revoked, refused, none] = [Some(valid.clone()), Some(forged), None].map(over_http);
    for response in [&revoked, &refused, &none] {
        assert_eq!((response.status, response.code.as_str()), (403, "HUB001"));
        assert_eq!(response.text, revoked.text);
    }
    assert!(refused.upstream.is_empty() && none.upstream.is_empty());
    assert_eq!(revoked.upstream[0].url, format!("{REST}/rpc/burn_token"));
    let arguments: Value = serde_json::from_slice(revoked.upstream[0].body.as_ref().unwrap()).unwrap();
    assert_eq!(arguments["session"], SESSION);
    // The database already rejects it.
    assert!(over_http(Some(valid)).upstream.is_empty());
}
