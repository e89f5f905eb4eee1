//! What is wrong with a request, a key or a provider reaches the caller as the documented status and code, in the
//! envelope of the caller's own protocol.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use llm_core::NanoUsd;
use llm_gateway::keys::{KeyDraft, KeyPatch};
use llm_gateway::record::CallStatus;
use llm_tests::live::{Answer, Piece, Script, Seen, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};

/// What must never reach a caller.
const SECRET: &str = "pk-of-the-provider";

/// An application's protocol.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Caller {
    OpenAi,
    Anthropic,
}

const CALLERS: [Caller; 2] = [Caller::OpenAi, Caller::Anthropic];

impl Caller {
    fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }

    /// A good request that says `text`.
    fn asks(self, text: &str) -> Value {
        json!({"model": "fast", "max_tokens": 50, "messages": [{"role": "user", "content": text}]})
    }

    fn streams(self, text: &str) -> Value {
        let mut body = self.asks(text);
        body["stream"] = json!(true);
        body
    }

    /// Checks status, envelope and code, and gives the message.
    fn check(self, what: &str, answer: &Answer, status: u16, code: &str) -> String {
        let what = format!("{self:?}, {what}: {} {}", answer.status, answer.text);
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.headers["content-type"], "application/json", "{what}");
        assert!(answer.headers.contains_key("x-request-id"), "{what}");
        assert!(!answer.text.contains(SECRET) && !answer.text.contains("<html"), "{what}");
        self.check_error(&what, &answer.json(), code)
    }

    /// Checks an error as it stands in a body or in an event.
    fn check_error(self, what: &str, body: &Value, code: &str) -> String {
        let error = &body["error"];
        assert_eq!(error["code"], code, "{what}");
        let names: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
        match self {
            Self::OpenAi => assert_eq!(names, ["message", "type", "param", "code"], "{what}"),
            Self::Anthropic => {
                assert_eq!(body["type"], "error", "{what}");
                assert_eq!(names, ["type", "message", "code"], "{what}");
            }
        }
        assert!(error["type"].as_str().is_some_and(|word| !word.is_empty()), "{what}");
        let message = error["message"].as_str().unwrap();
        assert!(!message.is_empty(), "{what}");
        message.to_owned()
    }
}

async fn gateway_before(upstream: &Upstream, protocol: &str, more: &str) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        max_body = "16MiB"
        [providers.mock]
        protocol = "{protocol}"
        base_url = "{}"
        api_key = "{SECRET}"
        timeouts = {{ first_byte = "250ms", idle = "250ms" }}
        [[models]]
        name = "fast"
        retries = 0
        deployments = [{{ model = "mock:m-1" }}]
        {more}
        "#,
        upstream.url
    ))
    .await
}

#[tokio::test]
async fn a_request_that_is_wrong_is_refused_by_name_before_anything_is_sent() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["never"], 1)).await;
    let gateway = gateway_before(&upstream, "openai-chat", "").await;
    let key = gateway.key(json!({})).await;
    let with = |name: &str, value: Value| {
        let mut body = Caller::OpenAi.asks("Hi");
        body[name] = value;
        body.to_string()
    };
    let without = |name: &str| {
        let mut body = Caller::OpenAi.asks("Hi");
        body.as_object_mut().unwrap().shift_remove(name);
        body.to_string()
    };
    // The body, the status, the code, and what the message must name.
    let cases = [
        (String::new(), 400, "invalid_request", "JSON"),
        ("{\"model\": \"fast\", ".to_owned(), 400, "invalid_request", "JSON"),
        ("null".to_owned(), 400, "invalid_request", "object"),
        ("[]".to_owned(), 400, "invalid_request", "object"),
        ("\"text\"".to_owned(), 400, "invalid_request", "object"),
        ("\u{feff}<html>".to_owned(), 400, "invalid_request", "JSON"),
        (with("model", json!(5)), 400, "invalid_request", "`model`"),
        (without("model"), 400, "invalid_request", "`model`"),
        (with("messages", json!("Hi")), 400, "invalid_request", "`messages`"),
        (with("messages", json!({})), 400, "invalid_request", "`messages`"),
        (without("messages"), 400, "invalid_request", "`messages`"),
        (with("messages", json!([1])), 400, "invalid_request", "messages"),
        (with("max_tokens", json!("ten")), 400, "invalid_request", "`max_tokens`"),
        (with("max_tokens", json!(-1)), 400, "invalid_request", "`max_tokens`"),
        (with("max_tokens", json!(1.5)), 400, "invalid_request", "`max_tokens`"),
        (with("stream", json!("yes")), 400, "invalid_request", "`stream`"),
        (with("model", json!("fats")), 404, "model_not_found", "`fast`"),
        (with("model", json!("mook:m-1")), 404, "model_not_found", "`mock:m-1`"),
        (with("model", json!("gpt")), 404, "model_not_found", "`gpt`"),
        (with("model", json!("mock:")), 404, "model_not_found", "`mock:`"),
        (with("model", json!(format!("mock:{}", "m".repeat(600)))), 404, "model_not_found", "512 bytes"),
    ];
    for caller in CALLERS {
        for (body, status, code, named) in &cases {
            let answer = gateway.post(caller.path(), &key, body.clone()).await;
            let message = caller.check(body, &answer, *status, code);
            assert!(message.contains(named), "{caller:?}, {body}: {message}");
        }
    }
    let answer = gateway.post(Caller::Anthropic.path(), &key, without("max_tokens")).await;
    let message = Caller::Anthropic.check("no max_tokens", &answer, 400, "invalid_request");
    assert!(message.contains("`max_tokens`"), "{message}");
    let answer = gateway.post(Caller::OpenAi.path(), &key, with("model", json!(5))).await;
    assert_eq!(answer.json()["error"]["param"], "model");
    assert!(upstream.seen().is_empty());
    // Where the request had to be translated to see it, there is a record, of a call that cost nothing.
    assert!(gateway.calls().await.iter().all(|call| call.cost_usd == Some(NanoUsd::ZERO)));
}

#[tokio::test]
async fn a_caller_that_needs_no_bound_reaches_a_provider_that_does() {
    let upstream = Upstream::start(|_| Script::json(200, &anthropic::answer("ok", 1, 1))).await;
    let gateway = gateway_before(&upstream, "anthropic", "").await;
    let key = gateway.key(json!({})).await;
    let mut body = Caller::OpenAi.asks("Hi");
    body.as_object_mut().unwrap().shift_remove("max_tokens");
    let answer = gateway.post(Caller::OpenAi.path(), &key, body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(upstream.last().json()["max_tokens"].is_u64());
}

#[tokio::test]
async fn a_body_may_be_large_but_not_too_large() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["ok"], 1)).await;
    // Time-outs are the usual ones here: what is waited for is the machine.
    let config = format!(
        "max_body = \"16MiB\"\n[providers.mock]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"\n\
         [[models]]\nname = \"fast\"\ndeployments = [{{ model = \"mock:m-1\" }}]",
        upstream.url
    );
    let gateway = TestGateway::start(&config).await;
    let key = gateway.key(json!({})).await;
    let messages: Vec<_> =
        (0..100_000).map(|place| json!({"role": "user", "content": format!("no. {place}")})).collect();
    let many = json!({"model": "fast", "max_tokens": 5, "messages": messages}).to_string();
    let too_large = Caller::OpenAi.asks(&"x".repeat(17 << 20)).to_string();
    for caller in CALLERS {
        let began = Instant::now();
        let answer = gateway.post(caller.path(), &key, many.clone()).await;
        assert_eq!(answer.status, 200, "{caller:?} {}", answer.text);
        assert!(began.elapsed() < Duration::from_secs(20), "{caller:?} took {:?}", began.elapsed());
        assert_eq!(upstream.last().json()["messages"].as_array().unwrap().len(), 100_000);
        let answer = gateway.post(caller.path(), &key, too_large.clone()).await;
        caller.check("too large", &answer, 413, "request_too_large");
        // The same without a length that says so beforehand.
        let pieces = futures_util::stream::iter(
            too_large.clone().into_bytes().chunks(1 << 20).map(<[u8]>::to_vec).collect::<Vec<_>>(),
        );
        let pieces = futures_util::StreamExt::map(pieces, Ok::<_, std::io::Error>);
        let answer = gateway.post(caller.path(), &key, reqwest::Body::wrap_stream(pieces)).await;
        caller.check("too large, in chunks", &answer, 413, "request_too_large");
    }
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn a_key_that_may_not_is_told_why() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["never"], 1)).await;
    let gateway = gateway_before(&upstream, "openai-chat", "").await;
    let keys = gateway.gateway.keys();
    let create = |members: Value| async move {
        let mut draft = members;
        draft["name"] = json!("bad");
        keys.create(serde_json::from_value::<KeyDraft>(draft).unwrap()).await.unwrap()
    };
    let blocked = create(json!({})).await;
    keys.patch(&blocked.key.id, KeyPatch { blocked: Some(true), ..KeyPatch::default() }).await.unwrap();
    let expired = create(json!({})).await;
    let patch = KeyPatch {
        expires_at: Some(Some("2020-01-01T00:00:00Z".parse::<Timestamp>().unwrap())),
        ..KeyPatch::default()
    };
    keys.patch(&expired.key.id, patch).await.unwrap();
    let elsewhere = create(json!({"models": ["other", "openai:*"]})).await;
    for caller in CALLERS {
        let body = caller.asks("Hi").to_string();
        let bare = gateway.http().post(format!("{}{}", gateway.url, caller.path())).body(body.clone());
        let response = bare.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let none = Answer { status, headers, text: response.text().await.unwrap() };
        caller.check("no key", &none, 401, "invalid_api_key");
        let cases = [
            ("sk-wrong", 401, "invalid_api_key"),
            ("", 401, "invalid_api_key"),
            (blocked.secret.expose(), 403, "key_blocked"),
            (expired.secret.expose(), 403, "key_expired"),
            (elsewhere.secret.expose(), 403, "model_not_allowed"),
        ];
        for (secret, status, code) in cases {
            let answer = gateway.post(caller.path(), secret, body.clone()).await;
            caller.check(code, &answer, status, code);
            assert!(secret.is_empty() || !answer.text.contains(secret), "{}", answer.text);
        }
    }
    assert!(upstream.seen().is_empty());
}

/// A provider that fails as the text of the request says.
fn failing(seen: &Seen, protocol: &str) -> Script {
    let text = String::from_utf8_lossy(&seen.body).into_owned();
    let status: u16 = text.split("fail-").nth(1).unwrap()[..3].parse().unwrap();
    let message = format!("the provider says {status}");
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let message = match status {
        401 => format!("wrong key {SECRET}"),
        404 => "model: no such thing".to_owned(),
        _ => message,
    };
    let script = match protocol {
        "anthropic" => anthropic::error(status, kind, &message),
        _ => openai::error(status, kind, kind, &message),
    };
    if status == 429 { script.header("retry-after", "7") } else { script }
}

#[tokio::test]
async fn a_providers_error_is_said_in_the_callers_words() {
    for protocol in ["openai-chat", "anthropic"] {
        let upstream = Upstream::start(move |seen| failing(seen, protocol)).await;
        let gateway = gateway_before(&upstream, protocol, "").await;
        let key = gateway.key(json!({})).await;
        // Status of the provider; status, the gateway's code, and the provider's, which OpenAI's envelope shows.
        let cases = [
            (400, 400, "invalid_request", "invalid_request_error"),
            (401, 502, "provider_auth", "provider_auth"),
            (404, 404, "model_not_found", "not_found_error"),
            (429, 429, "rate_limit_exceeded", "rate_limit_error"),
            (500, 502, "provider_error", "api_error"),
            (529, 529, "overloaded", "overloaded_error"),
        ];
        for caller in CALLERS {
            for (theirs, status, code, shown) in cases {
                for body in [caller.asks(&format!("fail-{theirs}")), caller.streams(&format!("fail-{theirs}"))] {
                    let answer = gateway.post(caller.path(), &key, body.to_string()).await;
                    let code = if caller == Caller::OpenAi { shown } else { code };
                    let what = format!("{protocol} answers {theirs}");
                    let message = caller.check(&what, &answer, status, code);
                    if theirs == 429 {
                        assert_eq!(answer.headers["retry-after"], "7");
                    }
                    if theirs == 400 {
                        assert!(message.contains("the provider says 400"), "{message}");
                    }
                }
            }
        }
        let calls = gateway.calls_once(24).await;
        assert!(calls.iter().all(|call| call.status == CallStatus::Error && call.cost_usd.is_some()));
        assert!(!serde_json::to_string(&calls).unwrap().contains(SECRET));
    }
}

#[tokio::test]
async fn html_in_place_of_json_is_the_providers_failure() {
    for protocol in ["openai-chat", "anthropic"] {
        for status in [200, 403, 502, 503] {
            let page = "<html><body>a page of the proxy</body></html>";
            let upstream = Upstream::start(move |_| Script::body(status, "text/html; charset=utf-8", page)).await;
            let gateway = gateway_before(&upstream, protocol, "").await;
            let key = gateway.key(json!({})).await;
            let (wanted, code) = match status {
                503 => (503, "overloaded"),
                403 => (403, "permission_denied"),
                _ => (502, "provider_error"),
            };
            for caller in CALLERS {
                for body in [caller.asks("Hi"), caller.streams("Hi")] {
                    let answer = gateway.post(caller.path(), &key, body.to_string()).await;
                    caller.check(&format!("HTML from {protocol} with {status}"), &answer, wanted, code);
                }
            }
        }
    }
}

/// The first pieces of a stream of `protocol`, with content or without.
fn beginning(protocol: &str, content: bool) -> Script {
    if protocol == "anthropic" {
        let mut message = anthropic::answer("", 9, 1);
        message["content"] = json!([]);
        let text = json!({"type": "text_delta", "text": "once upon"});
        let mut events = vec![json!({"type": "message_start", "message": message}), json!({"type": "ping"})];
        if content {
            events.push(
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            );
            events.push(json!({"type": "content_block_delta", "index": 0, "delta": text}));
        }
        return Script::sse(events.iter().map(anthropic::event));
    }
    let mut events = vec![openai::chunk(&json!({"role": "assistant", "content": ""}), None)];
    if content {
        events.push(openai::chunk(&json!({"content": "once upon"}), None));
    }
    Script::sse(events)
}

#[tokio::test]
async fn a_cut_answer_is_never_taken_for_a_whole_one() {
    for protocol in ["openai-chat", "anthropic"] {
        for (cut, code) in [(Piece::Break, "stream_cut"), (Piece::Pause(Duration::from_secs(5)), "provider_timeout")] {
            let how = cut.clone();
            let upstream = Upstream::start(move |seen| match seen.json()["stream"] == true {
                true => beginning(protocol, String::from_utf8_lossy(&seen.body).contains("late")).then(how.clone()),
                false => Script::body(200, "application/json", "{\"id\": \"x\", ").then(how.clone()),
            })
            .await;
            let gateway = gateway_before(&upstream, protocol, "").await;
            let key = gateway.key(json!({})).await;
            let status = if code == "stream_cut" { 502 } else { 504 };
            for caller in CALLERS {
                let whole = gateway.post(caller.path(), &key, caller.asks("Hi").to_string()).await;
                caller.check("cut whole answer", &whole, status, code);
                let early = gateway.post(caller.path(), &key, caller.streams("early").to_string()).await;
                caller.check("cut before the first content", &early, status, code);
                let late = gateway.post(caller.path(), &key, caller.streams("late").to_string()).await;
                assert_eq!(late.status, 200, "{}", late.text);
                assert!(late.text.contains("once upon"), "{}", late.text);
                let events = late.events();
                caller.check_error(&format!("{protocol}: {}", late.text), events.last().unwrap(), code);
                assert!(!late.text.contains("[DONE]") && !late.text.contains("message_stop"), "{}", late.text);
                assert!(caller == Caller::OpenAi || late.text.contains("event: error\n"), "{}", late.text);
            }
            let calls = gateway.calls_once(6).await;
            let ends: Vec<_> = calls.iter().map(|call| call.status).collect();
            let late = if code == "stream_cut" { CallStatus::Cut } else { CallStatus::Error };
            assert_eq!(
                ends.iter().filter(|end| **end == late && late == CallStatus::Cut).count(),
                ends.len() / 3 * usize::from(late == CallStatus::Cut)
            );
            assert!(ends.iter().all(|end| *end != CallStatus::Ok), "{ends:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_first_content_falls_back() {
    let broken = Upstream::start(|_| beginning("openai-chat", false).then(Piece::Break)).await;
    let well =
        Upstream::start(|seen| anthropic::stream(&["all", " well"], if seen.body.is_empty() { 0 } else { 3 })).await;
    let more = format!(
        "[providers.well]\nprotocol = \"anthropic\"\nbase_url = \"{}\"\n\
         [[models]]\nname = \"safe\"\nretries = 0\ndeployments = [{{ model = \"mock:m-1\" }}]\nfallbacks = [\"well:m-2\"]",
        well.url
    );
    let gateway = gateway_before(&broken, "openai-chat", &more).await;
    let key = gateway.key(json!({})).await;
    for caller in CALLERS {
        let mut body = caller.streams("Hi");
        body["model"] = json!("safe");
        let answer = gateway.post(caller.path(), &key, body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.headers["x-llm-provider"], "well");
        assert!(answer.text.contains("all") && !answer.text.contains("chatcmpl-1"), "{}", answer.text);
    }
    assert_eq!((broken.seen().len(), well.seen().len()), (2, 2));
}

#[tokio::test]
async fn a_provider_that_is_too_slow_or_not_there_is_said_to_be() {
    let slow = Upstream::start(|seen| openai::echo(&seen.json(), &["late"], 1).after(Duration::from_secs(10))).await;
    let more = "[providers.gone]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9\"\n\
                [[models]]\nname = \"gone\"\nretries = 0\ndeployments = [{ model = \"gone:m\" }]\n\
                [providers.later]\nprotocol = \"voyage\"\nbase_url = \"http://127.0.0.1:9\"";
    let gateway = gateway_before(&slow, "openai-chat", more).await;
    let key = gateway.key(json!({})).await;
    for caller in CALLERS {
        for body in [caller.asks("Hi"), caller.streams("Hi")] {
            let answer = gateway.post(caller.path(), &key, body.to_string()).await;
            caller.check("slow", &answer, 504, "provider_timeout");
            for (model, status, code) in [("gone", 502, "provider_unreachable"), ("later:m", 501, "not_implemented")] {
                let mut other = body.clone();
                other["model"] = json!(model);
                let answer = gateway.post(caller.path(), &key, other.to_string()).await;
                let message = caller.check(model, &answer, status, code);
                assert!(!message.contains("127.0.0.1"), "{message}");
            }
        }
    }
}
