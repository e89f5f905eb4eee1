//! Providers that answer whole where a stream was asked for, under either `content-type`: the caller still gets the
//! answer as a stream, or the error that it is, and nothing is called cut that was not.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use llm_core::chat::ChatRequest;
use llm_core::{ErrorKind, Protocol};
use llm_gateway::record::CallStatus;
use llm_providers::registry::ProviderRow;
use llm_providers::{Provider, Timeouts};
use llm_tests::live::{Script, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};

const KINDS: [&str; 2] = ["text/event-stream", "application/json; charset=utf-8"];

fn scolding() -> Value {
    json!({"error": {"message": "too many", "type": "rate_limit_error", "param": null, "code": "rate_limit_exceeded"}})
}

/// A provider that answers `body` under `kind`, whatever it is asked.
async fn provider(protocol: Protocol, kind: &'static str, body: Value) -> (Upstream, Provider) {
    let upstream = Upstream::start(move |_| Script::body(200, kind, body.to_string())).await;
    let row = ProviderRow::new("Mock", protocol, format!("{}/v1", upstream.url));
    let provider = Provider::new("mock", row, None, Timeouts::default()).unwrap();
    (upstream, provider)
}

#[tokio::test]
async fn the_library_gives_a_whole_answer_in_pieces() {
    for kind in KINDS {
        for (protocol, body) in
            [(Protocol::OpenAiChat, openai::answer("yes", 3, 1)), (Protocol::Anthropic, anthropic::answer("yes", 3, 1))]
        {
            let (_upstream, provider) = provider(protocol, kind, body).await;
            let stream = provider.chat_stream(&ChatRequest::new("m").user("Hello"), "m").await.unwrap();
            let answer = stream.into_answer().await.unwrap();
            assert_eq!((answer.text().as_str(), answer.usage().total()), ("yes", 4), "{protocol} as {kind}");
            assert!(answer.finish_reason().is_some());
        }
    }
}

#[tokio::test]
async fn the_library_tells_the_error_that_stands_in_a_stream_s_place() {
    for kind in KINDS {
        let (_upstream, provider) = provider(Protocol::OpenAiChat, kind, scolding()).await;
        let mut stream = provider.chat_stream(&ChatRequest::new("m").user("Hello"), "m").await.unwrap();
        let error = stream.next().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::RateLimited, "too many"), "{kind}");
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test]
async fn half_an_answer_is_cut() {
    let half = openai::answer("yes", 3, 1).to_string();
    let half = half[..half.len() / 2].to_owned();
    for kind in KINDS {
        let half = half.clone();
        let upstream = Upstream::start(move |_| Script::body(200, kind, half.clone())).await;
        let row = ProviderRow::new("Mock", Protocol::OpenAiChat, format!("{}/v1", upstream.url));
        let provider = Provider::new("mock", row, None, Timeouts::default()).unwrap();
        let mut stream = provider.chat_stream(&ChatRequest::new("m").user("Hello"), "m").await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), ErrorKind::Cut, "{kind}");
    }
}

/// A gateway before `upstream`, which speaks OpenAI's protocol.
async fn before(upstream: &Upstream) -> TestGateway {
    TestGateway::start(&upstream.as_fast()).await
}

fn ask() -> String {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    json!({"model": "fast", "stream": true, "max_tokens": 50, "messages": messages}).to_string()
}

#[tokio::test]
async fn the_gateway_streams_it_in_the_callers_protocol_and_charges_it() {
    for kind in KINDS {
        let upstream = Upstream::start(move |_| Script::body(200, kind, openai::answer("yes", 3, 1).to_string())).await;
        let gateway = before(&upstream).await;
        let key = gateway.key(json!({})).await;
        // Once where the bytes would pass, once where they are translated.
        let passed = gateway.post("/v1/chat/completions", &key, ask()).await;
        let events = passed.events();
        let text: String = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!((text.as_str(), events.last().unwrap()), ("yes", &json!("[DONE]")), "{}", passed.text);
        assert!(!passed.text.contains("\"usage\":{"), "usage was not asked for: {}", passed.text);
        let translated = gateway.post("/v1/messages", &key, ask()).await;
        assert!(translated.text.contains("\"text\":\"yes\""), "{}", translated.text);
        assert!(translated.text.ends_with("data: {\"type\":\"message_stop\"}\n\n"), "{}", translated.text);
        for call in gateway.calls_once(2).await {
            assert_eq!((call.status, call.estimated), (CallStatus::Ok, false));
            assert_eq!(call.cost_usd.map(|cost| cost.to_string()).as_deref(), Some("0.000005"));
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn the_gateway_answers_the_error_with_its_own_status() {
    for kind in KINDS {
        let upstream = Upstream::start(move |_| Script::body(200, kind, scolding().to_string())).await;
        let gateway = before(&upstream).await;
        let key = gateway.key(json!({})).await;
        for path in ["/v1/chat/completions", "/v1/messages"] {
            let answer = gateway.post(path, &key, ask()).await;
            assert_eq!(answer.status.as_u16(), 429, "{path} as {kind}: {}", answer.text);
            assert_eq!(answer.json()["error"]["message"], "too many");
        }
        gateway.stop().await;
    }
}
