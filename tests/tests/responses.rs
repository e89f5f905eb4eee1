//! OpenAI Responses through a real gateway: passed, translated, refused, metered; and the client's own forms.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use llm_core::{ErrorKind, Meter, NanoUsd, Protocol};
use llm_gateway::record::CallStatus;
use llm_providers::registry::ProviderRow;
use llm_providers::{Client, MessagesRequest, Provider, ResponseRequest, Timeouts};
use llm_tests::grammar;
use llm_tests::live::{Answer, Script, TestGateway, Upstream, anthropic, openai};
use llm_tests::replay::events_of;
use serde_json::{Value, json};

/// A provider of Chat Completions that also speaks what `also` says.
async fn before(upstream: &Upstream, protocol: &str, also: &str) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        [providers.mock]
        protocol = "{protocol}"
        base_url = "{}"
        {also}
        [[models]]
        name = "fast"
        deployments = [{{ model = "mock:m-1", price = {{ input = "1", output = "2" }} }}]
        "#,
        upstream.url
    ))
    .await
}

fn response() -> Value {
    let text = json!({"type": "output_text", "text": "Hi there", "annotations": [], "logprobs": []});
    json!({
        "id": "resp_1", "object": "response", "created_at": 5, "status": "completed", "model": "m-1", "error": null,
        "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}],
        "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 12}
    })
}

fn response_stream() -> Script {
    let event = |kind: &str, mut event: Value| {
        event["type"] = json!(kind);
        format!("event: {kind}\ndata: {event}\n\n")
    };
    let text = |text: &str| json!({"output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": text});
    Script::sse([
        event("response.created", json!({"response": {"id": "resp_1", "model": "m-1", "output": []}})),
        event("response.output_text.delta", text("Hi")),
        event("response.output_text.delta", text(" there")),
        event("response.completed", json!({"response": response()})),
    ])
}

fn check_grammar(answer: &Answer) {
    let events = events_of("text/event-stream", answer.text.as_bytes(), 7).unwrap();
    let found = grammar::check(Protocol::OpenAiResponses, &events);
    assert!(found.is_empty(), "{found:#?}\n{}", answer.text);
}

#[tokio::test]
async fn bytes_pass_to_a_provider_that_also_speaks_it() {
    let upstream = Upstream::start(|seen| match seen.json()["stream"] == true {
        true => response_stream(),
        false => Script::json(200, &response()),
    })
    .await;
    let gateway = before(&upstream, "openai-chat", "also.openai-responses = {}").await;
    let key = gateway.key(json!({})).await;
    let body = r#"{ "model": "fast", "x_new": [1, 2.50], "input": "Hello", "store": true }"#;
    let whole = gateway.post("/v1/responses", &key, body).await;
    assert_eq!(whole.json(), response());
    assert_eq!(whole.headers["x-llm-cost-usd"], "0.000014");
    assert_eq!(upstream.last().path, "/responses");
    assert_eq!(upstream.last().body, body.replace("fast", "m-1"));
    let streamed = gateway.post("/v1/responses", &key, r#"{"model":"fast","input":"Hello","stream":true}"#).await;
    assert_eq!(streamed.events().last().unwrap()["response"], response());
    let calls = gateway.calls_once(2).await;
    for call in &calls {
        let used = [Meter::Input, Meter::CacheRead, Meter::Output, Meter::Reasoning].map(|meter| call.usage.get(meter));
        assert_eq!((used, call.cost_usd), ([6, 4, 1, 1], Some(NanoUsd(14_000))));
        assert_eq!((call.status, call.protocol, call.estimated), (CallStatus::Ok, Protocol::OpenAiResponses, false));
    }
}

#[tokio::test]
async fn its_callers_reach_providers_of_other_protocols() {
    for protocol in ["openai-chat", "anthropic"] {
        let upstream = Upstream::start(move |seen| match (protocol, seen.json()["stream"] == true) {
            ("anthropic", true) => anthropic::stream(&["a", "b"], 9),
            ("anthropic", false) => Script::json(200, &anthropic::answer("ab", 9, 2)),
            _ => openai::echo(&seen.json(), &["a", "b"], 9),
        })
        .await;
        let gateway = before(&upstream, protocol, "").await;
        let key = gateway.key(json!({})).await;
        let mut body = json!({
            "model": "fast", "instructions": "be brief", "max_output_tokens": 50, "truncation": "disabled",
            "store": false, "include": ["reasoning.encrypted_content"],
            "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}]
        });
        let whole = gateway.post("/v1/responses", &key, body.to_string()).await;
        assert_eq!(whole.status, 200, "{}", whole.text);
        assert_eq!(whole.json()["output"][0]["content"][0]["text"], "ab", "{protocol}");
        assert_eq!(whole.json()["usage"]["input_tokens"], 9);
        body["stream"] = json!(true);
        let streamed = gateway.post("/v1/responses", &key, body.to_string()).await;
        check_grammar(&streamed);
        assert_eq!(streamed.events().last().unwrap()["response"]["output"][0]["content"][0]["text"], "ab");
        let calls = gateway.calls_once(2).await;
        assert!(calls.iter().all(|call| call.usage.get(Meter::Input) == 9), "{calls:?}");
    }
}

#[tokio::test]
async fn callers_of_other_protocols_reach_a_provider_that_mainly_speaks_it() {
    let upstream = Upstream::start(|seen| match seen.json()["stream"] == true {
        true => response_stream(),
        false => Script::json(200, &response()),
    })
    .await;
    let gateway = before(&upstream, "openai-responses", "").await;
    let key = gateway.key(json!({})).await;
    let body = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9});
    let chat = gateway.post("/v1/chat/completions", &key, body.to_string()).await;
    assert_eq!(chat.json()["choices"][0]["message"]["content"], "Hi there", "{}", chat.text);
    let sent = json!({"model": "m-1", "input": [{"role": "user", "content": "Hello"}], "max_output_tokens": 9});
    assert_eq!(upstream.last().json(), sent);
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let messages = gateway.post("/v1/messages", &key, streamed.to_string()).await;
    assert!(messages.text.contains("message_stop"), "{}", messages.text);
    let calls = gateway.calls_once(2).await;
    assert!(calls.iter().all(|call| call.usage.get(Meter::CacheRead) == 4), "{calls:?}");
}

#[tokio::test]
async fn what_was_not_made_here_is_unknown_and_refused() {
    let upstream = Upstream::start(|_| Script::json(200, &response())).await;
    let gateway = before(&upstream, "openai-responses", "").await;
    let key = gateway.key(json!({})).await;
    for (name, value, status) in [
        ("previous_response_id", json!("resp_9"), 404),
        ("conversation", json!({"id": "conv_9"}), 404),
        ("input", json!([{"type": "item_reference", "id": "msg_9"}]), 404),
        ("tools", json!([{"type": "code_interpreter", "container": "cntr_9"}]), 404),
    ] {
        let mut body = json!({"model": "fast", "input": "Hello"});
        body[name] = value;
        let answer = gateway.post("/v1/responses", &key, body.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"]["param"].as_str()),
            (status, Some(name)),
            "{}",
            answer.text
        );
    }
    assert!(upstream.seen().is_empty());
    assert!(gateway.calls().await.is_empty());
}

#[tokio::test]
async fn a_cut_stream_ends_with_an_error_and_is_charged_by_what_came() {
    let text = json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hello"});
    let upstream =
        Upstream::start(move |_| Script::sse([format!("event: response.output_text.delta\ndata: {text}\n\n")])).await;
    let gateway = before(&upstream, "openai-responses", "").await;
    let key = gateway.key(json!({})).await;
    let answer = gateway.post("/v1/responses", &key, r#"{"model":"fast","input":"Hello","stream":true}"#).await;
    let events = answer.events();
    assert_eq!(events.last().unwrap()["type"], "error", "{}", answer.text);
    let calls = gateway.calls_once(1).await;
    assert_eq!((calls[0].status, calls[0].estimated), (CallStatus::Cut, true));
    assert!(calls[0].usage.get(Meter::Input) > 0 && calls[0].usage.get(Meter::Output) > 0, "{:?}", calls[0].usage);
}

fn client(upstream: &Upstream, protocol: Protocol) -> Client {
    let row = ProviderRow::new("Mock", protocol, upstream.url.clone());
    Client::builder().provider(Provider::new("mock", row, None, Timeouts::default()).unwrap()).build()
}

#[tokio::test]
async fn the_client_calls_in_the_form_of_responses() {
    for protocol in [Protocol::OpenAiResponses, Protocol::OpenAiChat] {
        let upstream = Upstream::start(move |seen| match (protocol, seen.json()["stream"] == true) {
            (Protocol::OpenAiResponses, true) => response_stream(),
            (Protocol::OpenAiResponses, false) => Script::json(200, &response()),
            _ => openai::echo(&seen.json(), &["Hi", " there"], 10),
        })
        .await;
        let client = client(&upstream, protocol);
        let request = ResponseRequest::new("mock:m-1", "Hello").instructions("be brief").max_output_tokens(9);
        let reply = client.respond(request.clone()).await.unwrap();
        assert_eq!((reply.text().as_str(), reply.status(), reply.output().len()), ("Hi there", "completed", 1));
        assert_eq!(reply.usage().input_tokens(), 10);
        let mut stream = client.respond_stream(request).await.unwrap();
        let (mut text, mut last) = (String::new(), Value::Null);
        while let Some(event) = stream.next().await {
            last = event.unwrap();
            if last["type"] == "response.output_text.delta" {
                text.push_str(last["delta"].as_str().unwrap());
            }
        }
        assert_eq!((text.as_str(), last["type"].as_str()), ("Hi there", Some("response.completed")));
        assert_eq!(stream.into_answer().await.unwrap().usage().output_tokens(), 2);
        // What only Responses has reaches a provider that speaks it, and is refused by name elsewhere.
        let odd = client.respond(ResponseRequest::new("mock:m-1", "Hello").set("previous_response_id", "resp_0")).await;
        match protocol {
            Protocol::OpenAiResponses => assert_eq!(upstream.last().json()["previous_response_id"], "resp_0"),
            _ => assert_eq!(odd.unwrap_err().param(), Some("previous_response_id")),
        }
    }
}

#[tokio::test]
async fn the_client_calls_in_the_form_of_messages() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["Hi", " there"], 10)).await;
    let client = client(&upstream, Protocol::OpenAiChat);
    let request = MessagesRequest::new("mock:m-1", 50).system("be brief").user("Hello");
    let reply = client.messages(request.clone()).await.unwrap();
    assert_eq!((reply.text().as_str(), reply.stop_reason()), ("Hi there", Some("end_turn")));
    assert_eq!((reply.content().len(), reply.usage().input_tokens()), (1, 10));
    let mut stream = client.messages_stream(request).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(event) = stream.next().await {
        kinds.push(event.unwrap()["type"].as_str().unwrap().to_owned());
    }
    assert_eq!((kinds.first().unwrap().as_str(), kinds.last().unwrap().as_str()), ("message_start", "message_stop"));
    let wrong = client.messages(MessagesRequest::new("mock:m-1", 50)).await.unwrap_err();
    assert_eq!((wrong.kind(), wrong.param()), (ErrorKind::InvalidRequest, Some("messages")));
}

#[tokio::test]
async fn forms_go_through_a_gateway_as_they_stand() {
    let upstream = Upstream::start(|_| Script::json(200, &response())).await;
    let gateway = before(&upstream, "openai-responses", "").await;
    let key = gateway.key(json!({})).await;
    let client = gateway.client(&key);
    let reply = client.respond(ResponseRequest::new("fast", "Hello").set("x_new", 1)).await.unwrap();
    assert_eq!((reply.text().as_str(), reply.id()), ("Hi there", "resp_1"));
    assert_eq!(upstream.last().json(), json!({"model": "m-1", "input": "Hello", "x_new": 1}));
    let reply = client.messages(MessagesRequest::new("fast", 50).user("Hello")).await.unwrap();
    assert_eq!(reply.text(), "Hi there");
    assert_eq!(gateway.calls_once(2).await.len(), 2);
}
