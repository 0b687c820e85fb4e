//! The Workers events: apart from the runtime, the only file that uses Cloudflare's interfaces.

use super::queues::QUEUES;
use crate::{
    domain::{method::ReceivedMethod, time::whole_seconds},
    entry::{
        handle_request::{handle_request, log_unused_variables, misconfigured_response},
        incoming_request::IncomingRequest,
        queue_consumer, scheduled,
    },
    handlers::request_log_consumer::{Disposition, QueueMessage},
    logic::{
        config::{Config, ConfigError},
        http::response::{Response, ResponseBody},
    },
    runtime::{
        BodyStream, Runtime, RuntimePort as _,
        workers::{WorkerEvent, read_headers},
    },
    services::app_state::AppState,
};
use js_sys::{JSON, Object, Reflect};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::{
    Context, Env, ScheduleContext, ScheduledEvent, event,
    worker_sys::{self, Message, MessageBatch},
};

type InitResult = Result<Rc<AppState>, Rc<Vec<ConfigError>>>;

thread_local! {
    // State of an isolate between requests; new variables arrive with a new version, which has new isolates.
    static APP_STATE: RefCell<Option<InitResult>> = const { RefCell::new(None) };
    // Keyed by the number of headers: there is one set with HSTS and one without.
    static SECURITY_HEADERS_CACHE: RefCell<Vec<(usize, web_sys::Headers)>> = const { RefCell::new(Vec::new()) };
}

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let runtime = runtime(WorkerEvent::Fetch(context), &env);
    let response = match app_state(&env, &runtime) {
        Ok(app) => handle_request(&app, &runtime, incoming_request(&request)).await,
        Err(problems) => misconfigured_response(&runtime, &problems),
    };
    Ok(into_web_response(response)?)
}

#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, context: ScheduleContext) {
    let runtime = runtime(WorkerEvent::Schedule(context), &env);
    match app_state(&env, &runtime) {
        Ok(app) => scheduled::run(&app, &runtime, &event.cron()).await,
        Err(problems) => drop(misconfigured_response(&runtime, &problems)),
    }
}

/// Handles the queue's event, without the macro of the others: its message type does not contain the delivery attempt.
///
/// # Errors
/// If an object of the runtime does not have the expected type; every message is then delivered again.
#[wasm_bindgen]
pub async fn queue(batch: MessageBatch, env: Env, context: worker_sys::Context) -> Result<(), JsValue> {
    let runtime = runtime(WorkerEvent::Queue(Context::new(context)), &env);
    let name = String::from(batch.queue()?);
    let messages: Vec<Message> = batch.messages()?.iter().map(JsCast::unchecked_into).collect();
    let now_ms = runtime.now_ms();
    let queue_messages: Result<Vec<QueueMessage>, JsValue> =
        messages.iter().map(|message| queue_message(message, now_ms)).collect();
    let queue_messages = queue_messages?;
    let dispositions = match app_state(&env, &runtime) {
        Ok(app) => queue_consumer::consume(&app, &runtime, &name, &queue_messages).await,
        Err(problems) => {
            drop(misconfigured_response(&runtime, &problems));
            queue_consumer::postpone(&runtime, &name, &queue_messages, MISCONFIGURED_RETRY_S)
        }
    };
    for (message, disposition) in messages.iter().zip(dispositions) {
        match disposition {
            Disposition::Retry { after_s } => {
                let options = Object::new();
                Reflect::set(&options, &"delaySeconds".into(), &after_s.into())?;
                message.retry(options.into())?;
            }
            Disposition::Ack => message.ack()?,
        }
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 and a count are whole, positive and below 2^53"
)]
fn queue_message(message: &Message, now_ms: u64) -> Result<QueueMessage, JsValue> {
    let body = message.body()?;
    // The Hub sends texts; of any other value its JSON is used.
    let json = || JSON::stringify(&body).ok().map(String::from);
    let attempt = Reflect::get(message, &"attempts".into())?.as_f64();
    Ok(QueueMessage {
        text: body.as_string().or_else(json).unwrap_or_else(|| format!("{body:?}")),
        age_s: u32::try_from(whole_seconds(now_ms.saturating_sub(message.timestamp()?.get_time() as u64)))
            .unwrap_or(u32::MAX),
        attempt: attempt.map_or(1, |attempt| attempt as u32),
    })
}

fn runtime(event: WorkerEvent, env: &Env) -> Runtime {
    Runtime::new(event, env.clone(), QUEUES.iter().find_map(|queue| queue.binding))
}

fn app_state(env: &Env, runtime: &Runtime) -> InitResult {
    APP_STATE.with_borrow_mut(|slot| {
        slot.get_or_insert_with(|| {
            let lookup = |name: &str| Reflect::get(env, &name.into()).ok()?.as_string();
            let initialized = Config::parse(lookup).and_then(AppState::new).map(Rc::new).map_err(Rc::new);
            if let Ok(app) = &initialized {
                log_unused_variables(runtime, &app.config.unused);
            }
            initialized
        })
        .clone()
    })
}

fn incoming_request(request: &web_sys::Request) -> IncomingRequest {
    let cf = Reflect::get(request, &"cf".into()).ok();
    let field = |name: &str| Reflect::get(cf.as_ref()?, &name.into()).ok()?.as_string();
    IncomingRequest {
        method: ReceivedMethod::parse(&request.method()),
        url: request.url(),
        headers: read_headers(&request.headers()),
        tls_version: field("tlsVersion"),
        colo: field("colo"),
        country: field("country"),
        body: request.body(),
    }
}

/// Delay of messages while the Hub's variables are invalid, in seconds.
const MISCONFIGURED_RETRY_S: u32 = 600;

/// Returns the security headers, copied in the runtime: each header written from here would copy two strings into
/// JavaScript.
fn security_headers(headers_to_copy: &'static [(&'static str, &'static str)]) -> Result<web_sys::Headers, JsValue> {
    SECURITY_HEADERS_CACHE.with_borrow_mut(|cached| {
        if let Some((_, headers)) = cached.iter().find(|(length, _)| *length == headers_to_copy.len()) {
            return web_sys::Headers::new_with_headers(headers);
        }
        let headers = web_sys::Headers::new()?;
        for (name, value) in headers_to_copy {
            headers.append(name, value)?;
        }
        cached.push((headers_to_copy.len(), web_sys::Headers::new_with_headers(&headers)?));
        Ok(headers)
    })
}

fn into_web_response(response: Response<BodyStream>) -> Result<web_sys::Response, JsValue> {
    let headers = security_headers(response.security_headers)?;
    for (name, value) in &response.headers {
        headers.append(name, value)?;
    }
    let init = web_sys::ResponseInit::new();
    init.set_status(response.status);
    init.set_headers(&headers);
    match response.body {
        ResponseBody::Empty => web_sys::Response::new_with_opt_str_and_init(None, &init),
        ResponseBody::Stream(body) => web_sys::Response::new_with_opt_readable_stream_and_init(Some(&body), &init),
        ResponseBody::Text(text) => web_sys::Response::new_with_opt_str_and_init(Some(&text), &init),
    }
}
