//! Anthropic Messages on exchanges: our own, and the recorded ones where `LLM_RECORDINGS` names their folder.
//!
//! Nothing may be lost: requests, whole answers and every event of a stream are read, written again and compared as
//! JSON. A stream adds up to the answer that its events describe.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod exchange;

use exchange::{Exchange, same};
use http::StatusCode;
use llm_core::chat::{ChatAccumulator, ChatAnswer, FinishReason};
use llm_core::codec::{
    AnswerContext, Chat, DecodeContext, Downstream, Frame, Passthrough, Quirks, RequestHead, ResponseHead, Target,
    Trailer, Upstream,
};
use llm_core::{ErrorKind, Meter, Result};
use llm_providers::framing::{self, RawFrame};
use llm_providers::protocols::anthropic::{Anthropic, CLASSIC};
use serde_json::{Value, json};

fn exchanges() -> Vec<Exchange> {
    exchange::all("anthropic", &["messages"])
}

fn named(name: &str) -> Exchange {
    exchanges().into_iter().find(|exchange| exchange.name == name).unwrap()
}

fn cx() -> DecodeContext {
    DecodeContext { provider: "anthropic".to_owned(), id_seed: "seed".to_owned(), ..DecodeContext::default() }
}

fn caller() -> AnswerContext {
    AnswerContext { id_seed: "seed".to_owned(), ..AnswerContext::default() }
}

#[test]
fn requests_lose_nothing() {
    let mut seen = 0;
    for exchange in exchanges() {
        let body = &exchange.request_body;
        if body.is_null() {
            continue;
        }
        seen += 1;
        let bytes = serde_json::to_vec(body).unwrap();
        let (request, context) = Anthropic.decode_request(&RequestHead::default(), &bytes).unwrap();
        let quirks = Quirks::default();
        let target = Target {
            provider: "anthropic",
            model: &context.model,
            version: Some(CLASSIC),
            quirks: &quirks,
            variables: &Default::default(),
            stream: context.stream,
            max_output: None,
            id_seed: "seed",
        };
        let encoded = Anthropic.encode_request(&request, &target).unwrap();
        assert_eq!((encoded.method.as_str(), encoded.path.as_str()), ("POST", "/v1/messages"));
        assert_eq!(encoded.headers["anthropic-version"], CLASSIC);
        assert!(encoded.dropped.is_empty());
        same(&serde_json::from_slice(&encoded.body).unwrap(), body, &exchange.name);

        let skim = Anthropic.skim(&RequestHead::default(), &bytes).unwrap();
        assert_eq!((skim.model, skim.stream, skim.max_tokens), (context.model, context.stream, request.max_tokens));
    }
    assert!(seen >= 20);
}

#[test]
fn whole_answers_lose_nothing() {
    let mut seen = 0;
    for exchange in exchanges().into_iter().filter(|exchange| exchange.status == 200) {
        let Some(body) = &exchange.answer_body else { continue };
        seen += 1;
        let answer = whole(body);
        let again = Anthropic.encode_answer(&caller(), &answer).unwrap();
        same(&serde_json::from_slice(&again).unwrap(), body, &exchange.name);
        let observed = Anthropic.observe(&serde_json::to_vec(body).unwrap());
        assert!(observed.complete);
        assert!(observed.usage.unwrap().counts().eq(answer.usage().counts()), "{}", exchange.name);
        let native: ChatAnswer = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
        assert_eq!(native, answer, "{}", exchange.name);
    }
    assert!(seen >= 10);
}

fn whole(body: &Value) -> ChatAnswer {
    Anthropic.decode_answer(&cx(), &ResponseHead::default(), &serde_json::to_vec(body).unwrap()).unwrap()
}

#[test]
fn streams_lose_nothing_and_add_up() {
    let mut seen = 0;
    for exchange in exchanges() {
        let Some(raw) = &exchange.raw else { continue };
        if ["stream_error", "stream_cut"].contains(&exchange.name.as_str()) {
            continue;
        }
        seen += 1;
        let (answer, written) = replay(raw).unwrap();
        same(&json!(events(&written)), &json!(events(raw)), &exchange.name);
        let described = described(raw);
        let again = Anthropic.encode_answer(&caller(), &answer).unwrap();
        same(&serde_json::from_slice(&again).unwrap(), &described, &exchange.name);
        // What was put together is what the whole answer would have been understood as.
        let whole = whole(&described);
        assert_eq!(answer.text(), whole.text());
        assert_eq!(answer.reasoning(), whole.reasoning());
        assert_eq!(calls(&answer), calls(&whole));
        assert_eq!(answer.finish_reason(), whole.finish_reason());
        assert!(answer.usage().counts().eq(whole.usage().counts()), "{}", exchange.name);
        let mut watch = Anthropic.observe_stream(false);
        each_frame(raw, |frame| {
            watch.frame(frame);
        });
        assert!(watch.observed().complete);
        assert!(watch.observed().usage.as_ref().unwrap().counts().eq(answer.usage().counts()), "{}", exchange.name);
    }
    assert!(seen >= 3);
}

/// The tools that are asked for; arguments may be spaced otherwise in a stream.
fn calls(answer: &ChatAnswer) -> Vec<(String, String, Value)> {
    let parsed = |text: &str| serde_json::from_str(text).unwrap();
    let calls = answer.tool_calls();
    calls.iter().map(|call| (call.id.clone(), call.name.clone(), parsed(&call.arguments))).collect()
}

fn each_frame(raw: &str, mut each: impl FnMut(&Frame<'_>)) {
    let mut framer = framing::for_content_type(Some("text/event-stream")).unwrap();
    framer.push(raw.as_bytes());
    while let Some(RawFrame { frame, .. }) = framer.next_frame().unwrap() {
        each(&frame);
    }
    if let Some(RawFrame { frame, .. }) = framer.finish().unwrap() {
        each(&frame);
    }
}

fn events(raw: &str) -> Vec<Value> {
    let mut events = Vec::new();
    each_frame(raw, |frame| {
        if !frame.data.is_empty() {
            let data: Value = serde_json::from_slice(frame.data).unwrap();
            assert_eq!(data["type"], frame.event);
            events.push(data);
        }
    });
    events
}

/// The answer that the chunks add up to, and the stream as a caller sees it.
fn replay(raw: &str) -> Result<(ChatAnswer, String)> {
    let mut decoder = Upstream::<Chat>::decode_stream(&Anthropic, &cx());
    let mut encoder = Downstream::<Chat>::encode_stream(&Anthropic, &caller());
    let mut sum = ChatAccumulator::new("anthropic");
    let mut out = Vec::new();
    let mut failure = None;
    each_frame(raw, |frame| {
        let mut chunks = Vec::new();
        failure = failure.take().or(decoder.decode(frame, &mut chunks).err());
        for chunk in chunks {
            sum.push(&chunk);
            encoder.encode(&chunk, &mut out).unwrap();
        }
    });
    if let Some(error) = failure {
        return Err(error);
    }
    decoder.finish(&mut Vec::new())?;
    encoder.finish(&Trailer::default(), &mut out);
    Ok((sum.finish(), String::from_utf8(out).unwrap()))
}

/// Puts a stream's events together as Anthropic's own documentation says, without any of our types.
fn described(raw: &str) -> Value {
    let mut message = Value::Null;
    let mut inputs = std::collections::BTreeMap::<usize, String>::new();
    let append = |text: &mut Value, more: &Value| {
        *text = json!(format!("{}{}", text.as_str().unwrap_or_default(), more.as_str().unwrap()));
    };
    for event in events(raw) {
        let index = event["index"].as_u64().map(|index| usize::try_from(index).unwrap());
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => message["content"].as_array_mut().unwrap().push(event["content_block"].clone()),
            "content_block_delta" => {
                let (index, delta) = (index.unwrap(), &event["delta"]);
                let block = &mut message["content"][index];
                match delta["type"].as_str().unwrap() {
                    "text_delta" => append(&mut block["text"], &delta["text"]),
                    "thinking_delta" => append(&mut block["thinking"], &delta["thinking"]),
                    "signature_delta" => append(&mut block["signature"], &delta["signature"]),
                    "input_json_delta" => {
                        inputs.entry(index).or_default().push_str(delta["partial_json"].as_str().unwrap());
                    }
                    "citations_delta" => match &mut block["citations"] {
                        Value::Array(citations) => citations.push(delta["citation"].clone()),
                        none => *none = json!([delta["citation"]]),
                    },
                    _ => {}
                }
            }
            "content_block_stop" => {
                if let Some(input) = inputs.remove(&index.unwrap()).filter(|input| !input.is_empty()) {
                    message["content"][index.unwrap()]["input"] = serde_json::from_str(&input).unwrap();
                }
            }
            "message_delta" => {
                for (name, value) in event["delta"].as_object().unwrap() {
                    message[name] = value.clone();
                }
                for (name, value) in event["usage"].as_object().unwrap() {
                    if !value.is_null() || message["usage"].get(name).is_none() {
                        message["usage"][name] = value.clone();
                    }
                }
                for (name, value) in event.as_object().unwrap() {
                    if !["type", "delta", "usage"].contains(&name.as_str()) {
                        message[name] = value.clone();
                    }
                }
            }
            _ => {}
        }
    }
    message
}

#[test]
fn errors_are_understood() {
    for (name, kind) in [
        ("error_400", ErrorKind::InvalidRequest),
        ("error_401", ErrorKind::ProviderAuth),
        ("error_429", ErrorKind::RateLimited),
        ("error_529", ErrorKind::Overloaded),
    ] {
        let exchange = named(name);
        let body = exchange.answer_body.unwrap();
        let head = ResponseHead { status: StatusCode::from_u16(exchange.status).unwrap(), ..ResponseHead::default() };
        let error = Anthropic.decode_error(&cx(), &head, &serde_json::to_vec(&body).unwrap());
        assert_eq!(error.kind(), kind, "{name}");
        assert_eq!(error.message(), body["error"]["message"]);
    }
}

#[test]
fn a_failed_stream_is_an_error_and_a_cut_one_is_not_whole() {
    let error = replay(&named("stream_error").raw.unwrap()).unwrap_err();
    assert_eq!(
        (error.kind(), error.message(), error.provider()),
        (ErrorKind::Overloaded, "Overloaded", Some("anthropic"))
    );
    let error = replay(&named("stream_cut").raw.unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cut);
}

#[test]
fn what_is_said_is_understood() {
    let answer = whole(&named("citations_and_cache").answer_body.unwrap());
    assert_eq!(answer.text(), "It was Grace until 1842..");
    let counts: Vec<_> = answer.usage().counts().collect();
    let wanted = [
        (Meter::Input, 7),
        (Meter::Output, 20),
        (Meter::CacheRead, 300),
        (Meter::CacheWrite, 500),
        (Meter::CacheWrite1h, 1000),
        (Meter::Query, 1),
    ];
    assert_eq!(counts, wanted);
    assert_eq!(answer.service_tier.as_deref(), Some("priority"));

    let (answer, _) = replay(&named("stream_thinking_and_tools").raw.unwrap()).unwrap();
    let arguments: Vec<&str> = answer.tool_calls().iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!(arguments, [r#"{"harbour": "Hull"}"#, "{}", r#"{"harbour":"Leith"}"#]);
    assert_eq!(answer.reasoning(), "Two harbours.");
    assert_eq!(answer.usage().get(Meter::Reasoning), 12);
    assert_eq!(answer.finish_reason(), Some(&FinishReason::ToolCalls));

    let reason = |name: &str| whole(&named(name).answer_body.unwrap()).finish_reason().cloned().unwrap();
    assert_eq!(reason("window_exceeded"), FinishReason::Length);
    assert_eq!(reason("server_tools"), FinishReason::Pause);
    assert_eq!(reason("refusal"), FinishReason::Refusal);
    assert_eq!(reason("stop_sequence"), FinishReason::StopSequence);
    assert_eq!(reason("unknown_members"), FinishReason::Unknown("drifted_off".to_owned()));
}
