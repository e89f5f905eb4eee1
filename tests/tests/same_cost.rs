//! A streamed answer costs what the same answer costs whole: for every protocol that providers speak and every one that
//! callers do, with what was cached, thought, heard, searched for and tiered.
//!
//! What the providers say is written by hand after their documentation, never with the codecs.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use std::collections::BTreeMap;

use llm_core::{Meter, NanoUsd, Protocol};
use llm_gateway::record::CallRecord;
use llm_providers::framing::{AwsMessage, write_aws_message};
use llm_tests::live::{Piece, Script, Seen, TestGateway, Upstream};
use serde_json::{Value, json};

/// US dollars for a million tokens or searches, each its own, so that no kind can be taken for another.
const RATES: [(Meter, i64); 10] = [
    (Meter::Input, 1),
    (Meter::Output, 10),
    (Meter::CacheRead, 100),
    (Meter::CacheWrite, 1_000),
    (Meter::CacheWrite1h, 10_000),
    (Meter::Reasoning, 100_000),
    (Meter::InputAudio, 1_000_000),
    (Meter::OutputAudio, 10_000_000),
    (Meter::InputImage, 100_000_000),
    (Meter::Query, 1_000_000_000),
];

/// What a provider says it counted, and what that is in kinds that don't overlap.
struct Counted {
    protocol: Protocol,
    /// The provider's usage object.
    said: Value,
    /// The same, disjoint.
    means: &'static [(Meter, u64)],
}

fn counted() -> Vec<Counted> {
    use Meter::{
        CacheRead, CacheWrite, CacheWrite1h, Input, InputAudio, InputImage, Output, OutputAudio, Query, Reasoning,
    };
    let case = |protocol, said, means| Counted { protocol, said, means };
    vec![
        case(
            Protocol::OpenAiChat,
            json!({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
                   "prompt_tokens_details": {"cached_tokens": 30, "audio_tokens": 10},
                   "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5}}),
            &[(Input, 60), (CacheRead, 30), (InputAudio, 10), (Output, 25), (Reasoning, 20), (OutputAudio, 5)],
        ),
        case(
            Protocol::OpenAiResponses,
            json!({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 30}, "output_tokens": 50,
                   "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 150}),
            &[(Input, 70), (CacheRead, 30), (Output, 30), (Reasoning, 20), (Query, 1)],
        ),
        case(
            Protocol::Anthropic,
            json!({"input_tokens": 60, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 10,
                   "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 4},
                   "output_tokens": 50, "server_tool_use": {"web_search_requests": 3}}),
            &[(Input, 60), (CacheRead, 30), (CacheWrite, 6), (CacheWrite1h, 4), (Output, 50), (Query, 3)],
        ),
        case(
            Protocol::Gemini,
            json!({"promptTokenCount": 100, "cachedContentTokenCount": 30, "candidatesTokenCount": 30,
                   "thoughtsTokenCount": 20, "totalTokenCount": 150,
                   "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 80}, {"modality": "AUDIO", "tokenCount": 12},
                                           {"modality": "IMAGE", "tokenCount": 8}],
                   "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 30}]}),
            &[
                (Input, 50),
                (CacheRead, 30),
                (InputAudio, 12),
                (InputImage, 8),
                (Output, 30),
                (Reasoning, 20),
                (Query, 2),
            ],
        ),
        case(
            Protocol::Bedrock,
            json!({"inputTokens": 60, "cacheReadInputTokens": 30, "cacheWriteInputTokens": 10, "outputTokens": 50,
                   "totalTokens": 150}),
            &[(Input, 60), (CacheRead, 30), (CacheWrite, 10), (Output, 50)],
        ),
        case(
            Protocol::Cohere,
            json!({"billed_units": {"input_tokens": 90, "output_tokens": 50},
                   "tokens": {"input_tokens": 100, "output_tokens": 50}}),
            &[(Input, 90), (Output, 50)],
        ),
        case(
            Protocol::Mistral,
            json!({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}),
            &[(Input, 100), (Output, 50)],
        ),
        case(Protocol::Ollama, json!({"prompt_eval_count": 100, "eval_count": 50}), &[(Input, 100), (Output, 50)]),
    ]
}

/// Two words, whole or in pieces, as a provider of the protocol says them.
fn spelled(protocol: Protocol, said: &Value, seen: &Seen) -> Script {
    let asks = |member: &str| seen.json()[member] == true;
    match protocol {
        Protocol::OpenAiChat | Protocol::Mistral => openai_chat(said, asks("stream")),
        Protocol::OpenAiResponses => openai_responses(said, asks("stream")),
        Protocol::Anthropic => anthropic(said, asks("stream")),
        Protocol::Gemini => gemini(said, &["", "Kiel", "boats", "Kiel"], seen.path.contains("streamGenerateContent")),
        Protocol::Bedrock => bedrock(said, seen.path.ends_with("converse-stream")),
        Protocol::Cohere => cohere(said, asks("stream")),
        _ => ollama(said, asks("stream")),
    }
}

fn events(events: impl IntoIterator<Item = Value>) -> Vec<String> {
    events.into_iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect()
}

fn openai_chat(said: &Value, stream: bool) -> Script {
    let head = |choice: Value| {
        let object = if stream { "chat.completion.chunk" } else { "chat.completion" };
        json!({"id": "c1", "object": object, "created": 5, "model": "m-1", "choices": [choice]})
    };
    if !stream {
        let message = json!({"role": "assistant", "content": "Hi there"});
        let mut answer = head(json!({"index": 0, "message": message, "finish_reason": "stop"}));
        answer["usage"] = said.clone();
        return Script::json(200, &answer);
    }
    let chunk = |delta: Value, finish: Value| head(json!({"index": 0, "delta": delta, "finish_reason": finish}));
    let mut last = chunk(json!({}), json!(null));
    last["choices"] = json!([]);
    last["usage"] = said.clone();
    let chunks = [
        chunk(json!({"role": "assistant", "content": "Hi"}), json!(null)),
        chunk(json!({"content": " there"}), json!("stop")),
        last,
    ];
    let done = std::iter::once("data: [DONE]\n\n".to_owned());
    Script::sse(chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).chain(done))
}

fn openai_responses(said: &Value, stream: bool) -> Script {
    let text = json!({"type": "output_text", "text": "Hi there", "annotations": [], "logprobs": []});
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]});
    // To open a page that was found is no search.
    let looked =
        |id: &str, action: Value| json!({"id": id, "type": "web_search_call", "status": "completed", "action": action});
    let searched = looked("ws_1", json!({"type": "search", "query": "Kiel"}));
    let opened = looked("ws_2", json!({"type": "open_page", "url": "https://example.com"}));
    let answer = json!({"id": "resp_1", "object": "response", "created_at": 5, "status": "completed", "model": "m-1",
                        "error": null, "output": [searched, opened, item], "usage": said});
    if !stream {
        return Script::json(200, &answer);
    }
    let text = |text: &str| {
        json!({"type": "response.output_text.delta", "output_index": 2, "content_index": 0, "item_id": "msg_1",
               "delta": text})
    };
    Script::sse(events([
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "m-1", "output": []}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": searched}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": opened}),
        text("Hi"),
        text(" there"),
        json!({"type": "response.completed", "response": answer}),
    ]))
}

fn anthropic(said: &Value, stream: bool) -> Script {
    let message = |content: Value, reason: Value, usage: Value| {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "content": content,
               "stop_reason": reason, "stop_sequence": null, "usage": usage})
    };
    if !stream {
        let content = json!([{"type": "text", "text": "Hi there"}]);
        return Script::json(200, &message(content, json!("end_turn"), said.clone()));
    }
    // The start says the prompt and one token of the answer, the end the whole answer.
    let mut first = said.clone();
    first["output_tokens"] = json!(1);
    let text =
        |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    Script::sse(events([
        json!({"type": "message_start", "message": message(json!([]), json!(null), first)}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        text("Hi"),
        text(" there"),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
               "usage": {"output_tokens": said["output_tokens"]}}),
        json!({"type": "message_stop"}),
    ]))
}

fn gemini(said: &Value, searches: &[&str], stream: bool) -> Script {
    let piece = |text: &str, end: bool| {
        let mut candidate = json!({"content": {"role": "model", "parts": [{"text": text}]}, "index": 0});
        if end {
            candidate["finishReason"] = json!("STOP");
            candidate["groundingMetadata"] = json!({ "webSearchQueries": searches });
        }
        json!({"candidates": [candidate], "modelVersion": "m-1", "responseId": "r1"})
    };
    let with = |mut piece: Value, usage: Value| {
        piece["usageMetadata"] = usage;
        piece
    };
    if !stream {
        return Script::json(200, &with(piece("Hi there", true), said.clone()));
    }
    // Each piece says what was counted so far.
    let mut sofar = said.clone();
    sofar["candidatesTokenCount"] = json!(1);
    let pieces = [with(piece("Hi", false), sofar), with(piece(" there", true), said.clone())];
    Script::sse(pieces.iter().map(|piece| format!("data: {piece}\r\n\r\n")))
}

fn bedrock(said: &Value, stream: bool) -> Script {
    if !stream {
        let message = json!({"role": "assistant", "content": [{"text": "Hi there"}]});
        return Script::json(
            200,
            &json!({"output": {"message": message}, "stopReason": "end_turn", "usage": said,
                    "metrics": {"latencyMs": 7}}),
        );
    }
    let text = |text: &str| ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": text}}));
    let events = [
        ("messageStart", json!({"role": "assistant"})),
        text("Hi"),
        text(" there"),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": "end_turn"})),
        ("metadata", json!({"usage": said, "metrics": {"latencyMs": 9}})),
    ];
    let start = Script::body(200, "application/vnd.amazon.eventstream", "");
    events.iter().fold(start, |script, (name, payload)| {
        let mut bytes = Vec::new();
        write_aws_message(AwsMessage::Event, name, payload.to_string().as_bytes(), &mut bytes);
        script.then(Piece::Bytes(bytes.into()))
    })
}

fn cohere(said: &Value, stream: bool) -> Script {
    if !stream {
        let message = json!({"role": "assistant", "content": [{"type": "text", "text": "Hi there"}]});
        return Script::json(200, &json!({"id": "c1", "finish_reason": "COMPLETE", "message": message, "usage": said}));
    }
    let text =
        |text: &str| json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}});
    let content = json!({"type": "text", "text": ""});
    Script::sse(events([
        json!({"type": "message-start", "id": "c1",
               "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}}}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": content}}}),
        text("Hi"),
        text(" there"),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": said}}),
    ]))
}

fn ollama(said: &Value, stream: bool) -> Script {
    let line = |text: &str, done: bool| {
        let mut line = json!({"model": "m-1", "created_at": "2026-01-01T00:00:00Z",
                              "message": {"role": "assistant", "content": text}, "done": done});
        if done {
            line["done_reason"] = json!("stop");
            line["prompt_eval_count"] = said["prompt_eval_count"].clone();
            line["eval_count"] = said["eval_count"].clone();
        }
        line
    };
    if stream {
        Script::lines([line("Hi", false), line(" there", false), line("", true)])
    } else {
        Script::json(200, &line("Hi there", true))
    }
}

/// Every way to ask: a path and a body, whole and streamed, in each protocol that callers speak.
fn ways(model: &str) -> Vec<(String, Value)> {
    let mut ways = Vec::new();
    for stream in [false, true] {
        let messages = json!([{"role": "user", "content": "Hello"}]);
        let chat = json!({"model": model, "messages": messages, "stream": stream});
        let mut asked = chat.clone();
        asked["stream_options"] = json!({"include_usage": stream});
        let mut messages = chat.clone();
        messages["max_tokens"] = json!(64);
        let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        ways.extend([
            ("/v1/chat/completions".to_owned(), chat),
            ("/v1/messages".to_owned(), messages),
            ("/v1/responses".to_owned(), json!({"model": model, "input": "Hello", "stream": stream})),
            (
                format!("/v1beta/models/{model}:{method}"),
                json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}),
            ),
        ]);
        if stream {
            ways.push(("/v1/chat/completions".to_owned(), asked));
        }
    }
    ways
}

/// The records of a call in every way to ask.
async fn asked_in_every_way(gateway: &TestGateway, model: &str) -> Vec<CallRecord> {
    let key = gateway.key(json!({})).await;
    let ways = ways(model);
    for (path, body) in &ways {
        let answer = gateway.post(path, &key, body.to_string()).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
        assert!(answer.text.contains("there"), "{path} {body}: {}", answer.text);
    }
    gateway.calls_once(ways.len()).await
}

#[tokio::test]
async fn in_every_protocol_of_providers_and_callers() {
    // What is not a token is priced by the one.
    let amount = |meter: Meter, rate: i64| if meter.is_token() { rate } else { rate / 1_000_000 };
    let price = |&(meter, rate): &(Meter, i64)| format!("{meter} = \"{}\"", amount(meter, rate));
    let prices: Vec<String> = RATES.iter().map(price).collect();
    let prices = prices.join(", ");
    for Counted { protocol, said, means } in counted() {
        let upstream = Upstream::start(move |seen| spelled(protocol, &said, seen)).await;
        let gateway = TestGateway::start(&format!(
            r#"
            [providers.mock]
            protocol = "{protocol}"
            base_url = "{}"
            [[models]]
            name = "fast"
            retries = 0
            deployments = [{{ model = "mock:m-1", price = {{ {prices} }} }}]
            "#,
            upstream.url
        ))
        .await;
        let rates = BTreeMap::from(RATES);
        // Dollars for a million are thousands of nano-dollars for one.
        let nanos: i64 = means.iter().map(|&(meter, count)| rates[&meter] * 1_000 * count.cast_signed()).sum();
        for call in asked_in_every_way(&gateway, "fast").await {
            let way = format!("{protocol} asked in {} (stream: {})", call.protocol, call.stream);
            let counts: BTreeMap<Meter, u64> = call.usage.counts().collect();
            assert_eq!(counts, means.iter().copied().collect(), "{way}");
            assert_eq!(call.cost_usd, Some(NanoUsd(nanos)), "{way}");
            assert!(!call.estimated, "{way}");
        }
        gateway.stop().await;
    }
}

/// Beyond 200,000 tokens of prompt, what the prompt and the answer cost changes, for both ways alike.
#[tokio::test]
async fn at_the_price_of_the_tier_that_the_prompt_reaches() {
    let mut costs = Vec::new();
    for prompt in [200_000_u64, 200_001] {
        let said = json!({"promptTokenCount": prompt, "cachedContentTokenCount": 100_000, "candidatesTokenCount": 30,
                          "thoughtsTokenCount": 20, "totalTokenCount": prompt + 50});
        let upstream =
            Upstream::start(move |seen| gemini(&said, &[], seen.path.contains("streamGenerateContent"))).await;
        let gateway =
            TestGateway::start(&format!("[providers.gemini]\nbase_url = \"{}\"\napi_key = \"k\"\n", upstream.url))
                .await;
        let calls = asked_in_every_way(&gateway, "gemini:gemini-2.5-pro").await;
        let cost = calls[0].cost_usd.unwrap();
        for call in &calls {
            assert_eq!(call.cost_usd, Some(cost), "{} (stream: {})", call.protocol, call.stream);
        }
        costs.push(cost);
        gateway.stop().await;
    }
    // 2.50 and 15 dollars in place of 1.25 and 10, and cache reads dearer alike: nearly twice the price.
    assert!(costs[1].0 > costs[0].0 * 19 / 10, "{costs:?}");
}
