//! Callers in other protocols reach Bedrock through a real gateway: Converse and Anthropic's own bodies, whole and as a
//! binary event stream, with tools, and with an exception in the middle.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use llm_core::{Meter, NanoUsd};
use llm_gateway::record::CallStatus;
use llm_providers::framing::{AwsMessage, write_aws_message};
use llm_tests::live::{Answer, Piece, Script, Seen, TestGateway, Upstream};
use serde_json::{Value, json};

const MODEL: &str = "acme.claude-haiku-4-5-v1:0";
const PLACE: &str = "/model/acme.claude-haiku-4-5-v1%3A0";

async fn before(upstream: &Upstream, provider: &str) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        [providers.{provider}]
        base_url = "{}"
        api_key = "bedrock-key"
        [[models]]
        name = "fast"
        retries = 0
        deployments = [{{ model = "{provider}:{MODEL}", price = {{ input = "1", output = "2" }} }}]
        "#,
        upstream.url
    ))
    .await
}

fn frame(name: &str, payload: &Value) -> Vec<u8> {
    let message = if name.ends_with("Exception") { AwsMessage::Exception } else { AwsMessage::Event };
    let mut bytes = Vec::new();
    write_aws_message(message, name, payload.to_string().as_bytes(), &mut bytes);
    bytes
}

/// A binary stream, every event in two pieces.
fn stream(events: &[(&str, Value)]) -> Script {
    let mut script = Script::body(200, "application/vnd.amazon.eventstream", "");
    for (name, payload) in events {
        let bytes = frame(name, payload);
        let (first, second) = bytes.split_at(bytes.len() / 2);
        script = script.then(Piece::Bytes(first.to_vec().into())).then(Piece::Bytes(second.to_vec().into()));
    }
    script
}

fn usage() -> Value {
    json!({"inputTokens": 20, "outputTokens": 9, "totalTokens": 33, "cacheReadInputTokens": 4,
           "cacheReadInputTokenCount": 4})
}

/// Thoughts, a word and two calls, whole or in pieces.
fn speech(seen: &Seen) -> Script {
    let tool = |id: &str, input: &Value| json!({"toolUse": {"toolUseId": id, "name": "tide", "input": input}});
    let thought = json!({"reasoningContent": {"reasoningText": {"text": "Two ports.", "signature": "c2ln"}}});
    if !seen.path.ends_with("-stream") {
        let content = json!([
            thought,
            {"text": "Let me look."},
            tool("tooluse_1", &json!({"port": "Brest"})),
            tool("tooluse_2", &json!({"port": "Nice"})),
        ]);
        let body = json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use",
                          "usage": usage(), "metrics": {"latencyMs": 7}});
        return Script::json(200, &body);
    }
    let delta = |index: u64, delta: Value| {
        ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": "abc"}))
    };
    let start = |index: u64, id: &str| {
        let start = json!({"toolUse": {"toolUseId": id, "name": "tide"}});
        ("contentBlockStart", json!({"contentBlockIndex": index, "start": start, "p": "a"}))
    };
    let stop = |index: u64| ("contentBlockStop", json!({"contentBlockIndex": index, "p": "ab"}));
    let input = |index: u64, input: &str| delta(index, json!({"toolUse": {"input": input}}));
    stream(&[
        ("messageStart", json!({"role": "assistant", "p": "abcd"})),
        delta(0, json!({"reasoningContent": {"text": "Two "}})),
        delta(0, json!({"reasoningContent": {"text": "ports."}})),
        delta(0, json!({"reasoningContent": {"signature": "c2ln"}})),
        stop(0),
        delta(1, json!({"text": "Let me "})),
        delta(1, json!({"text": "look."})),
        stop(1),
        start(2, "tooluse_1"),
        input(2, "{\"port\":"),
        input(2, "\"Brest\"}"),
        stop(2),
        start(3, "tooluse_2"),
        input(3, "{\"port\":\"Nice\"}"),
        stop(3),
        ("messageStop", json!({"stopReason": "tool_use", "p": "ab"})),
        ("metadata", json!({"usage": usage(), "metrics": {"latencyMs": 9}, "p": "a"})),
    ])
}

fn openai(stream: bool) -> Value {
    json!({
        "model": "fast",
        "stream": stream,
        "max_completion_tokens": 64,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How high is the water?"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "tide", "arguments": "{\"port\":\"Brest\"}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "{\"metres\":2.5}"},
            {"role": "user", "content": "And elsewhere?"},
        ],
        "tools": [{"type": "function", "function": {"name": "tide", "parameters": {"type": "object"}}}],
    })
}

fn anthropic(stream: bool) -> Value {
    json!({
        "model": "fast",
        "stream": stream,
        "max_tokens": 64,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "How high is the water?"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "tide", "input": {"port": "Brest"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "{\"metres\":2.5}"},
                {"type": "text", "text": "And elsewhere?"},
            ]},
        ],
        "tools": [{"name": "tide", "input_schema": {"type": "object"}}],
    })
}

/// What either caller's request is in Converse.
fn converse() -> Value {
    json!({
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "How high is the water?"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "call_1", "name": "tide", "input": {"port": "Brest"}}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "call_1", "content": [{"json": {"metres": 2.5}}]}},
                {"text": "And elsewhere?"},
            ]},
        ],
        "inferenceConfig": {"maxTokens": 64},
        "toolConfig": {"tools": [{"toolSpec": {"name": "tide", "inputSchema": {"json": {"type": "object"}}}}]},
    })
}

/// Every text at `pointer` in the events of a stream, put together.
fn joined(answer: &Answer, pointer: &str) -> String {
    answer.events().iter().filter_map(|event| event.pointer(pointer)?.as_str().map(str::to_owned)).collect()
}

async fn both_ways_are_charged_alike(gateway: &TestGateway) {
    let calls = gateway.calls_once(2).await;
    for call in &calls {
        assert_eq!(call.status, CallStatus::Ok);
        let counts = [Meter::Input, Meter::CacheRead, Meter::Output].map(|meter| call.usage.get(meter));
        assert_eq!(counts, [20, 4, 9]);
        assert_eq!(call.cost_usd, Some(NanoUsd(42_000)));
        assert!(!call.estimated);
    }
}

#[tokio::test]
async fn an_openai_caller_reaches_converse() {
    let upstream = Upstream::start(speech).await;
    let gateway = before(&upstream, "bedrock").await;
    let key = gateway.key(json!({})).await;

    let whole = gateway.post("/v1/chat/completions", &key, openai(false).to_string()).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    let seen = upstream.last();
    assert_eq!((seen.path.as_str(), seen.json()), (format!("{PLACE}/converse").as_str(), converse()));
    assert_eq!(seen.headers["authorization"], "Bearer bedrock-key");
    let choice = &whole.json()["choices"][0];
    assert_eq!(choice["message"]["content"], "Let me look.");
    assert_eq!(choice["message"]["reasoning_content"], "Two ports.");
    assert_eq!(choice["message"]["tool_calls"][1]["function"]["arguments"], "{\"port\":\"Nice\"}");
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(whole.json()["model"], MODEL);

    let streamed = gateway.post("/v1/chat/completions", &key, openai(true).to_string()).await;
    assert_eq!(upstream.last().path, format!("{PLACE}/converse-stream"));
    assert_eq!(upstream.last().json(), converse());
    assert_eq!(joined(&streamed, "/choices/0/delta/content"), "Let me look.");
    assert_eq!(joined(&streamed, "/choices/0/delta/reasoning_content"), "Two ports.");
    let mut calls = vec![(String::new(), String::new()); 2];
    for event in streamed.events() {
        for piece in event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let call = &mut calls[usize::try_from(piece["index"].as_u64().unwrap()).unwrap()];
            call.0.push_str(piece["id"].as_str().unwrap_or_default());
            call.1.push_str(piece["function"]["arguments"].as_str().unwrap_or_default());
        }
    }
    let call = |id: &str, port: &str| (id.to_owned(), format!("{{\"port\":\"{port}\"}}"));
    assert_eq!(calls, [call("tooluse_1", "Brest"), call("tooluse_2", "Nice")]);
    assert_eq!(streamed.events().last(), Some(&Value::from("[DONE]")));
    both_ways_are_charged_alike(&gateway).await;
}

#[tokio::test]
async fn an_anthropic_caller_reaches_converse() {
    let upstream = Upstream::start(speech).await;
    let gateway = before(&upstream, "bedrock").await;
    let key = gateway.key(json!({})).await;

    let whole = gateway.post("/v1/messages", &key, anthropic(false).to_string()).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    assert_eq!(upstream.last().json(), converse());
    let want = json!([
        {"type": "thinking", "thinking": "Two ports.", "signature": "llm:s:bedrock:c2ln"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "tooluse_1", "name": "tide", "input": {"port": "Brest"}},
        {"type": "tool_use", "id": "tooluse_2", "name": "tide", "input": {"port": "Nice"}},
    ]);
    assert_eq!((&whole.json()["content"], &whole.json()["stop_reason"]), (&want, &json!("tool_use")));
    let counts =
        ["input_tokens", "cache_read_input_tokens", "output_tokens"].map(|name| whole.json()["usage"][name].clone());
    assert_eq!(counts, [20, 4, 9]);

    let streamed = gateway.post("/v1/messages", &key, anthropic(true).to_string()).await;
    assert_eq!(joined(&streamed, "/delta/thinking"), "Two ports.");
    assert_eq!(joined(&streamed, "/delta/signature"), "llm:s:bedrock:c2ln");
    assert_eq!(joined(&streamed, "/delta/text"), "Let me look.");
    assert_eq!(joined(&streamed, "/delta/partial_json"), "{\"port\":\"Brest\"}{\"port\":\"Nice\"}");
    assert_eq!(streamed.events().last().unwrap()["type"], "message_stop");
    both_ways_are_charged_alike(&gateway).await;
}

/// A stream that an exception breaks off after its first words.
fn breaks(_: &Seen) -> Script {
    stream(&[
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "The water is"}})),
        ("throttlingException", json!({"message": "Too many tokens, please wait."})),
    ])
}

#[tokio::test]
async fn an_exception_in_the_middle_is_an_error_in_the_callers_own_words() {
    let upstream = Upstream::start(breaks).await;
    let gateway = before(&upstream, "bedrock").await;
    let key = gateway.key(json!({})).await;
    let openai = gateway.post("/v1/chat/completions", &key, openai(true).to_string()).await;
    assert_eq!(joined(&openai, "/choices/0/delta/content"), "The water is");
    let last = openai.events().pop().unwrap();
    assert_eq!(last["error"]["message"], "Too many tokens, please wait.", "{}", openai.text);
    assert!(!openai.text.contains("[DONE]"));
    let anthropic = gateway.post("/v1/messages", &key, anthropic(true).to_string()).await;
    let last = anthropic.events().pop().unwrap();
    assert_eq!(last["type"], "error", "{}", anthropic.text);
    assert_eq!(last["error"]["type"], "rate_limit_error");
    assert_eq!(last["error"]["message"], "Too many tokens, please wait.");
    let calls = gateway.calls_once(2).await;
    assert!(calls.iter().all(|call| call.status == CallStatus::Error && call.estimated), "{calls:?}");
}

#[tokio::test]
async fn an_exception_before_any_word_leaves_it_to_the_next_deployment() {
    let busy = Upstream::start(|_| stream(&[("serviceUnavailableException", json!({"message": "busy"}))])).await;
    let well = Upstream::start(speech).await;
    let gateway = TestGateway::start(&format!(
        r#"
        [providers.bedrock]
        base_url = "{}"
        api_key = "k"
        [providers.elsewhere]
        protocol = "bedrock"
        base_url = "{}"
        [[models]]
        name = "fast"
        strategy = "priority"
        retries = 1
        deployments = [{{ model = "bedrock:{MODEL}" }}, {{ model = "elsewhere:{MODEL}" }}]
        "#,
        busy.url, well.url
    ))
    .await;
    let key = gateway.key(json!({})).await;
    let answer = gateway.post("/v1/chat/completions", &key, openai(true).to_string()).await;
    assert_eq!(joined(&answer, "/choices/0/delta/content"), "Let me look.", "{}", answer.text);
    assert_eq!((busy.seen().len(), well.seen().len()), (1, 1));
}

#[tokio::test]
async fn a_stream_that_ends_too_early_is_cut() {
    let upstream = Upstream::start(|_| {
        stream(&[
            ("messageStart", json!({"role": "assistant"})),
            ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "The water is"}})),
            ("messageStop", json!({"stopReason": "end_turn"})),
        ])
    })
    .await;
    let gateway = before(&upstream, "bedrock").await;
    let key = gateway.key(json!({})).await;
    let answer = gateway.post("/v1/chat/completions", &key, openai(true).to_string()).await;
    assert!(!answer.text.contains("[DONE]"), "{}", answer.text);
    assert_eq!(gateway.calls_once(1).await[0].status, CallStatus::Cut);
}

#[tokio::test]
async fn an_error_keeps_its_name_and_message() {
    let upstream = Upstream::start(|_| {
        let said = json!({"message": "Input is too long for requested model."});
        Script::json(400, &said).header("x-amzn-errortype", "ValidationException:http://internal.amazon.com/")
    })
    .await;
    let gateway = before(&upstream, "bedrock").await;
    let key = gateway.key(json!({})).await;
    let answer = gateway.post("/v1/chat/completions", &key, openai(false).to_string()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["code"], "ValidationException");
    assert_eq!(answer.json()["error"]["message"], "Input is too long for requested model.");
}

/// Claude in its own words, each event wrapped as Bedrock does.
fn claude(seen: &Seen) -> Script {
    let usage = json!({"input_tokens": 20, "cache_read_input_tokens": 4, "output_tokens": 9});
    let mut message = json!({"id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
                             "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
    if !seen.path.ends_with("-with-response-stream") {
        message["content"] = json!([{"type": "text", "text": "Ahoy there"}]);
        message["stop_reason"] = json!("end_turn");
        return Script::json(200, &message);
    }
    let text =
        |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let events = [
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        text("Ahoy"),
        text(" there"),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
               "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 20}}),
    ];
    let wrap = |event: &Value| ("chunk", json!({"bytes": STANDARD.encode(event.to_string()), "p": "abcdef"}));
    stream(&events.iter().map(wrap).collect::<Vec<_>>())
}

#[tokio::test]
async fn callers_reach_claude_in_its_own_words() {
    let upstream = Upstream::start(claude).await;
    let gateway = before(&upstream, "bedrock_anthropic").await;
    let key = gateway.key(json!({})).await;
    let body = |stream: bool| {
        json!({"model": "fast", "max_tokens": 64, "stream": stream, "temperature": 0.5,
                                     "messages": [{"role": "user", "content": "Hello"}]})
    };
    let whole = gateway.post("/v1/messages", &key, body(false).to_string()).await;
    assert_eq!(whole.json()["content"][0]["text"], "Ahoy there", "{}", whole.text);
    let want = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "temperature": 0.5,
                      "messages": [{"role": "user", "content": "Hello"}]});
    let seen = upstream.last();
    assert_eq!((seen.path.as_str(), seen.json()), (format!("{PLACE}/invoke").as_str(), want.clone()));
    assert_eq!(seen.headers.get("anthropic-version"), None);

    let streamed = gateway.post("/v1/messages", &key, body(true).to_string()).await;
    assert_eq!(upstream.last().path, format!("{PLACE}/invoke-with-response-stream"));
    assert_eq!(upstream.last().json(), want);
    assert_eq!(joined(&streamed, "/delta/text"), "Ahoy there", "{}", streamed.text);
    assert_eq!(streamed.events().last().unwrap()["type"], "message_stop");
    both_ways_are_charged_alike(&gateway).await;

    let openai = gateway.post("/v1/chat/completions", &key, body(true).to_string()).await;
    assert_eq!(joined(&openai, "/choices/0/delta/content"), "Ahoy there", "{}", openai.text);
    assert_eq!(openai.events().last(), Some(&Value::from("[DONE]")));
}
