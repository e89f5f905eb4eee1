//! A provider that answers by script: statuses, headers, pieces, pauses and broken connections.

use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use llm_providers::{Client, ClientBuilder, Provider, Secret, Timeouts, registry};
use serde_json::Value;
use tokio::net::TcpListener;

/// What a request looked like when it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: http::Method,
    /// The path, and the query if there was one.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

impl Seen {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What the provider answers.
#[derive(Clone, Debug)]
pub struct Script {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pieces: Vec<Piece>,
    wait: Duration,
}

/// A step of the answer's body.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Bytes.
    Bytes(Bytes),
    /// Nothing for a while.
    Pause(Duration),
    /// The connection breaks.
    Break,
}

impl Script {
    /// A whole JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// A whole answer of any kind.
    pub fn body(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, pieces: vec![Piece::Bytes(body.into())], wait: Duration::ZERO }
    }

    /// A stream of server-sent events, each piece already framed.
    pub fn sse(frames: impl IntoIterator<Item = String>) -> Self {
        let pieces = frames.into_iter().map(|frame| Piece::Bytes(frame.into())).collect();
        Self { pieces, ..Self::body(200, "text/event-stream", "") }
    }

    /// A stream of lines of JSON.
    pub fn lines(lines: impl IntoIterator<Item = Value>) -> Self {
        let pieces = lines.into_iter().map(|line| Piece::Bytes(format!("{line}\n").into())).collect();
        Self { pieces, ..Self::body(200, "application/x-ndjson", "") }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With one more step of the body.
    #[must_use]
    pub fn then(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    /// With a pause before each of its pieces.
    #[must_use]
    pub fn paced(mut self, pause: Duration) -> Self {
        self.pieces = self.pieces.into_iter().flat_map(|piece| [Piece::Pause(pause), piece]).collect();
        self
    }

    /// With a wait before the head.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    async fn play(self, busy: Busy) -> Response {
        tokio::time::sleep(self.wait).await;
        let steps = stream::unfold((self.pieces.into_iter(), busy), |(mut pieces, busy)| async move {
            loop {
                match pieces.next()? {
                    Piece::Bytes(bytes) => return Some((Ok(bytes), (pieces, busy))),
                    Piece::Pause(pause) => tokio::time::sleep(pause).await,
                    Piece::Break => {
                        // While the body is pending, hyper sends what it has: head and earlier pieces arrive.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        return Some((Err(std::io::Error::other("broken by the script")), (pieces, busy)));
                    }
                }
            }
        });
        let mut response = Response::new(Body::from_stream(steps));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).unwrap();
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        response
    }
}

/// How many requests are being answered, and the most that ever were.
#[derive(Debug, Default)]
struct Load {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One request that is being answered, until its last byte is handed over or its connection is gone.
struct Busy(Arc<Load>);

impl Busy {
    fn new(load: &Arc<Load>) -> Self {
        let now = load.now.fetch_add(1, SeqCst) + 1;
        load.most.fetch_max(now, SeqCst);
        Self(load.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

/// A provider on loopback.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens, `http://127.0.0.1:PORT`.
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    load: Arc<Load>,
    server: tokio::task::JoinHandle<()>,
}

impl Upstream {
    /// The configuration of a gateway whose model `fast` is answered here, in OpenAI's protocol and never tried twice, at 1
    /// USD for a million tokens in and 2 out.
    pub fn as_fast(&self) -> String {
        format!(
            r#"
            [providers.mock]
            protocol = "openai-chat"
            base_url = "{}"
            [[models]]
            name = "fast"
            retries = 0
            deployments = [{{ model = "mock:m-1", price = {{ input = "1", output = "2" }} }}]
            "#,
            self.url
        )
    }

    /// Starts one that answers every request as `script` says.
    pub async fn start(script: impl Fn(&Seen) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let load = Arc::new(Load::default());
        let (script, log, counted) = (Arc::new(script), seen.clone(), load.clone());
        let answer = move |request: Request<Body>| {
            let (script, log) = (script.clone(), log.clone());
            let busy = Busy::new(&counted);
            async move {
                let (head, body) = request.into_parts();
                let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                let seen = Seen { method: head.method, path, headers: head.headers, body };
                let answer = script(&seen);
                log.lock().unwrap().push(seen);
                Ok::<_, Infallible>(answer.play(busy).await)
            }
        };
        let router = Router::new().fallback_service(tower_service(answer));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen, load, server }
    }

    /// A client in process of the providers of these rows, each below a path of this one: `("openai", "/v1")`.
    pub fn client(&self, rows: &[(&str, &str)]) -> Client {
        let place = |client: ClientBuilder, &(id, path): &(&str, &str)| {
            let mut row = registry::row(id).unwrap().clone();
            row.move_to(&format!("{}{path}", self.url));
            client.provider(Provider::new(id, row, Some(Secret::new("up")), Timeouts::default()).unwrap())
        };
        rows.iter().fold(Client::builder(), place).build()
    }

    /// Every request so far, in the order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The most requests that were being answered at once.
    pub fn most_at_once(&self) -> usize {
        self.load.most.load(SeqCst)
    }

    /// How many requests are being answered.
    pub fn at_work(&self) -> usize {
        self.load.now.load(SeqCst)
    }

    /// The last request.
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("the upstream was asked")
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn tower_service<F, R>(answer: F) -> axum::routing::MethodRouter
where
    F: Fn(Request<Body>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    axum::routing::any(move |request: Request<Body>| {
        let answer = answer.clone();
        async move { answer(request).await.unwrap_or_else(|never| match never {}) }
    })
}

/// Answers in OpenAI's protocol.
pub mod openai {
    use serde_json::{Value, json};

    use super::Script;

    /// A whole answer of `text`, with `input` and `output` tokens.
    pub fn answer(text: &str, input: u64, output: u64) -> Value {
        json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": null},
                         "logprobs": null, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output},
        })
    }

    /// One event of a stream.
    pub fn chunk(delta: &Value, finish: Option<&str>) -> String {
        let event = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        });
        format!("data: {event}\n\n")
    }

    /// The event that carries usage.
    pub fn usage(input: u64, output: u64) -> String {
        let event = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "gpt-4o-mini-2024-07-18", "choices": [],
            "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output},
        });
        format!("data: {event}\n\n")
    }

    /// A whole stream of `words`, with usage where it was asked for.
    pub fn stream(words: &[&str], input: u64, include_usage: bool) -> Script {
        let mut frames = vec![chunk(&json!({"role": "assistant", "content": ""}), None)];
        frames.extend(words.iter().map(|word| chunk(&json!({"content": word}), None)));
        frames.push(chunk(&json!({}), Some("stop")));
        if include_usage {
            frames.push(usage(input, words.len() as u64));
        }
        frames.push("data: [DONE]\n\n".to_owned());
        Script::sse(frames)
    }

    /// Streams or not, as the request asks; one token a word.
    pub fn echo(request: &Value, words: &[&str], input: u64) -> Script {
        if request["stream"] == true {
            stream(words, input, request["stream_options"]["include_usage"] == true)
        } else {
            Script::json(200, &answer(&words.concat(), input, words.len() as u64))
        }
    }

    /// An error in the provider's envelope.
    pub fn error(status: u16, kind: &str, code: &str, message: &str) -> Script {
        Script::json(status, &json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
    }
}

/// Answers in Anthropic's protocol.
pub mod anthropic {
    use serde_json::{Value, json};

    use super::Script;

    /// A whole answer of `text`, with `input` and `output` tokens.
    pub fn answer(text: &str, input: u64, output: u64) -> Value {
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                      "output_tokens": output},
        })
    }

    /// One event of a stream.
    pub fn event(event: &Value) -> String {
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    }

    /// A whole stream of `words`.
    pub fn stream(words: &[&str], input: u64) -> Script {
        let mut message = answer("", input, 1);
        message["content"] = json!([]);
        message["stop_reason"] = Value::Null;
        let text = |word: &&str| {
            event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}))
        };
        let mut frames = vec![
            event(&json!({"type": "message_start", "message": message})),
            event(&json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
            event(&json!({"type": "ping"})),
        ];
        frames.extend(words.iter().map(text));
        frames.push(event(&json!({"type": "content_block_stop", "index": 0})));
        frames.push(event(&json!({
            "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": words.len()},
        })));
        frames.push(event(&json!({"type": "message_stop"})));
        Script::sse(frames)
    }

    /// An error in the provider's envelope.
    pub fn error(status: u16, kind: &str, message: &str) -> Script {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
        Script::json(status, &body)
    }
}
