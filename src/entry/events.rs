//! The Workers events: apart from the platform, the only file that uses Cloudflare's interfaces.

use super::{
    answer::{Arrival, answer, unconfigured, unused},
    queue,
    queues::QUEUES,
    schedule,
};
use crate::{
    handlers::requests::{Delivery, Verdict},
    logic::{
        config::{Config, Problem},
        reply::{Content, Reply},
    },
    platform::{
        Platform as _,
        edge::{Edge, Event, read_headers},
        hub::Hub,
    },
};
use js_sys::{JSON, Object, Reflect};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::ReadableStream;
use worker::{
    Context, Env, ScheduleContext, ScheduledEvent, event,
    worker_sys::{self, Message, MessageBatch},
};

type Started = Result<Rc<Hub<Edge>>, Rc<Vec<Problem>>>;

thread_local! {
    // State of an isolate between requests; new variables arrive with a new version, which has new isolates.
    static HUB: RefCell<Option<Started>> = const { RefCell::new(None) };
    // Keyed by the number of headers: there is one seal with HSTS and one without.
    static SEALS: RefCell<Vec<(usize, web_sys::Headers)>> = const { RefCell::new(Vec::new()) };
}

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let platform = edge(Event::Fetch(context), &env);
    let reply = match hub(&env, &platform) {
        Ok(hub) => answer(&hub, &platform, arrival(&request)).await,
        Err(problems) => unconfigured(&platform, &problems),
    };
    Ok(response(reply)?)
}

#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, context: ScheduleContext) {
    let platform = edge(Event::Schedule(context), &env);
    match hub(&env, &platform) {
        Ok(hub) => schedule::run(&hub, &platform, &event.cron()).await,
        Err(problems) => drop(unconfigured(&platform, &problems)),
    }
}

/// Handles the queue's event, without the macro of the others: its message type does not contain the delivery attempt.
///
/// # Errors
/// If an object of the runtime does not have the expected type; every message is then delivered again.
#[wasm_bindgen]
pub async fn queue(batch: MessageBatch, env: Env, context: worker_sys::Context) -> Result<(), JsValue> {
    let platform = edge(Event::Queue(Context::new(context)), &env);
    let name = String::from(batch.queue()?);
    let messages: Vec<Message> = batch.messages()?.iter().map(JsCast::unchecked_into).collect();
    let now_ms = platform.now_ms();
    let deliveries: Result<Vec<Delivery>, JsValue> = messages.iter().map(|message| delivery(message, now_ms)).collect();
    let deliveries = deliveries?;
    let verdicts = match hub(&env, &platform) {
        Ok(hub) => queue::take(&hub, &platform, &name, &deliveries).await,
        Err(problems) => {
            drop(unconfigured(&platform, &problems));
            queue::postpone(&platform, &name, &deliveries, UNCONFIGURED_S)
        }
    };
    for (message, verdict) in messages.iter().zip(verdicts) {
        match verdict {
            Verdict::Again { after_s } => {
                let options = Object::new();
                Reflect::set(&options, &"delaySeconds".into(), &after_s.into())?;
                message.retry(options.into())?;
            }
            Verdict::Done => message.ack()?,
        }
    }
    Ok(())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 and a count are whole, positive and below 2^53"
)]
fn delivery(message: &Message, now_ms: u64) -> Result<Delivery, JsValue> {
    let body = message.body()?;
    // The Hub sends texts; of any other value its JSON is used.
    let json = || JSON::stringify(&body).ok().map(String::from);
    let attempt = Reflect::get(message, &"attempts".into())?.as_f64();
    Ok(Delivery {
        text: body.as_string().or_else(json).unwrap_or_else(|| format!("{body:?}")),
        age_s: u32::try_from(now_ms.saturating_sub(message.timestamp()?.get_time() as u64) / 1000).unwrap_or(u32::MAX),
        attempt: attempt.map_or(1, |attempt| attempt as u32),
    })
}

fn edge(event: Event, env: &Env) -> Edge {
    Edge::new(event, env.clone(), QUEUES.iter().find_map(|queue| queue.binding))
}

fn hub(env: &Env, platform: &Edge) -> Started {
    HUB.with_borrow_mut(|slot| {
        slot.get_or_insert_with(|| {
            let lookup = |name: &str| Reflect::get(env, &name.into()).ok()?.as_string();
            let started = Config::parse(lookup).and_then(Hub::new).map(Rc::new).map_err(Rc::new);
            if let Ok(hub) = &started {
                unused(platform, &hub.config.unused);
            }
            started
        })
        .clone()
    })
}

fn arrival(request: &web_sys::Request) -> Arrival<ReadableStream> {
    let cf = Reflect::get(request, &"cf".into()).ok();
    let said = |name: &str| Reflect::get(cf.as_ref()?, &name.into()).ok()?.as_string();
    Arrival {
        method: request.method(),
        url: request.url(),
        headers: read_headers(&request.headers()),
        tls_version: said("tlsVersion"),
        colo: said("colo"),
        country: said("country"),
        body: request.body(),
    }
}

/// Delay of messages while the Hub's variables are invalid, in seconds.
const UNCONFIGURED_S: u32 = 600;

/// Returns the seal as headers copied in the runtime: each header written from here would copy two strings into
/// JavaScript.
fn sealed(seal: &'static [(&'static str, &'static str)]) -> Result<web_sys::Headers, JsValue> {
    SEALS.with_borrow_mut(|seals| {
        if let Some((_, headers)) = seals.iter().find(|(length, _)| *length == seal.len()) {
            return web_sys::Headers::new_with_headers(headers);
        }
        let headers = web_sys::Headers::new()?;
        for (name, value) in seal {
            headers.append(name, value)?;
        }
        seals.push((seal.len(), web_sys::Headers::new_with_headers(&headers)?));
        Ok(headers)
    })
}

fn response(reply: Reply<ReadableStream>) -> Result<web_sys::Response, JsValue> {
    let headers = sealed(reply.seal)?;
    for (name, value) in &reply.headers {
        headers.append(name, value)?;
    }
    let init = web_sys::ResponseInit::new();
    init.set_status(reply.status);
    init.set_headers(&headers);
    match reply.content {
        Content::Empty => web_sys::Response::new_with_opt_str_and_init(None, &init),
        Content::Stream(body) => web_sys::Response::new_with_opt_readable_stream_and_init(Some(&body), &init),
        Content::Text(text) => web_sys::Response::new_with_opt_str_and_init(Some(&text), &init),
    }
}
