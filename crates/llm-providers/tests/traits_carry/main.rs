//! The codec traits carry the two protocols whose URLs, framing and errors differ most from the others: Gemini and
//! Bedrock Converse. Gemini's codec here is a spike that understands what the exchanges hold and no more.
//!
//! The exchanges are our own; the recorded ones are replayed too where `LLM_RECORDINGS` names their folder.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bedrock;
#[path = "../exchange/mod.rs"]
mod exchange;
mod gemini;

use std::collections::BTreeMap;

use exchange::Exchange;
use llm_core::chat::{
    ChatAccumulator, ChatAnswer, ChatRequest, Content, Message, Part, ResponseFormat, Role, Tool, ToolCall,
};
use llm_core::codec::{Chat, DecodeContext, Encoded, Quirks, Target, Upstream};
use llm_core::{Error, ErrorKind, Meter, Result};
use llm_providers::framing::{self, Framer, JsonArrayFramer};
use llm_providers::protocols::bedrock::Bedrock;
use serde_json::{Value, json};

/// What our own exchanges ask.
fn request() -> ChatRequest {
    let call = ToolCall::new("call_1", "tide", "{\"port\":\"Brest\"}");
    let schema = json!({"type": "object", "properties": {"port": {"type": "string"}}});
    ChatRequest::new("boat")
        .system("Be brief.")
        .user("Is the harbour open?")
        .message(Message::new(Role::Assistant, vec![call.into()]))
        .tool_result("call_1", "{\"metres\":2.5}")
        .tool(Tool::function("tide", "Height of the tide.", schema))
        .temperature(0.5)
        .max_tokens(64)
        .response_format(ResponseFormat::Text)
}

fn encode(codec: &dyn Upstream<Chat>, request: &ChatRequest, model: &str, stream: bool) -> Encoded {
    let target = Target {
        provider: "boats",
        model,
        version: None,
        quirks: &Quirks::default(),
        variables: &BTreeMap::new(),
        stream,
        max_output: None,
        id_seed: "seed",
    };
    codec.encode_request(request, &target).unwrap()
}

fn cx() -> DecodeContext {
    DecodeContext { provider: "boats".into(), id_seed: "seed".into(), ..DecodeContext::default() }
}

/// Reads a streamed answer that is delivered in pieces of `size` bytes.
fn replay(codec: &dyn Upstream<Chat>, mut framer: Box<dyn Framer>, body: &[u8], size: usize) -> Result<ChatAnswer> {
    let mut decoder = codec.decode_stream(&cx());
    let mut chunks = Vec::new();
    for piece in body.chunks(size) {
        framer.push(piece);
        while let Some(found) = framer.next_frame()? {
            decoder.decode(&found.frame, &mut chunks)?;
        }
    }
    while let Some(found) = framer.finish()? {
        decoder.decode(&found.frame, &mut chunks)?;
    }
    decoder.finish(&mut chunks)?;
    let mut accumulator = ChatAccumulator::new("boats");
    chunks.iter().for_each(|chunk| accumulator.push(chunk));
    Ok(accumulator.finish())
}

fn asks_for(exchange: &Exchange, encoded: &Encoded) {
    // A colon may stand in a path as it is, except where our own exchanges say otherwise.
    let path = |path: &str| if exchange.is_own { path.to_owned() } else { path.replace("%3A", ":") };
    let asked = exchange.path.trim_start_matches("/v1beta").trim_start_matches("/v1");
    assert_eq!(path(asked), path(&encoded.path), "{}", exchange.name);
    let query: BTreeMap<String, String> = encoded.query.iter().cloned().collect();
    let asked = exchange.query.iter().filter(|(name, _)| *name != "key");
    assert!(asked.eq(&query), "{}: {query:?}", exchange.name);
}

fn body_of(encoded: &Encoded) -> Value {
    serde_json::from_slice(&encoded.body).unwrap()
}

/// What our own streams say, in either protocol.
fn says_what_we_wrote(answer: &ChatAnswer, name: &str) {
    assert_eq!(answer.reasoning(), "Two lookups.", "{name}");
    assert_eq!(answer.text(), "It is high: é 🚢", "{name}");
    let call = answer.tool_calls()[0];
    assert_eq!((call.name.as_str(), call.arguments.as_str()), ("tide", "{\"port\":\"Nice\"}"), "{name}");
    assert_eq!(answer.finish_reason().unwrap().as_str(), "tool_calls", "{name}");
    assert_eq!(answer.usage().input_tokens(), 20 + answer.usage().get(Meter::CacheRead) * u64::from(name == "bedrock"));
}

#[test]
fn gemini_is_asked_by_path_and_query() {
    for exchange in exchange::all("gemini", &["generate_content"]) {
        let Some((model, method)) = exchange.path.split_once("/models/").and_then(|(_, rest)| rest.split_once(':'))
        else {
            continue;
        };
        let encoded = encode(&gemini::Gemini, &request(), model, method == "streamGenerateContent");
        if exchange.name == "stream_array" {
            continue;
        }
        asks_for(&exchange, &encoded);
        if exchange.is_own {
            exchange::same(&body_of(&encoded), &exchange.request_body, &exchange.name);
        }
    }
}

#[test]
fn gemini_streams_as_sse_and_as_an_array() {
    let mut seen = 0;
    for exchange in exchange::all("gemini", &["generate_content"]) {
        let Some(raw) = &exchange.raw else { continue };
        seen += 1;
        let framer = || -> Box<dyn Framer> {
            framing::for_content_type(exchange.content_type.as_deref())
                .unwrap_or_else(|| Box::new(JsonArrayFramer::default()))
        };
        let answer = replay(&gemini::Gemini, framer(), raw.as_bytes(), usize::MAX).unwrap();
        assert_eq!(replay(&gemini::Gemini, framer(), raw.as_bytes(), 1).unwrap(), answer, "{}", exchange.name);
        gemini::agrees(&answer, raw, &exchange.name);
        if exchange.is_own {
            says_what_we_wrote(&answer, "gemini");
        }
    }
    assert!(seen >= 2);
}

/// The stream's parts are the whole answer's, signatures included, each where it came.
#[test]
fn gemini_streams_say_what_whole_answers_say() {
    let own = exchange::all("gemini", &[]);
    let named = |name: &str| own.iter().find(|exchange| exchange.name == name).unwrap();
    let body = serde_json::to_vec(named("whole").answer_body.as_ref().unwrap()).unwrap();
    let whole = gemini::Gemini.decode_answer(&cx(), &Default::default(), &body).unwrap();
    let framer = framing::for_content_type(Some("text/event-stream")).unwrap();
    let streamed = replay(&gemini::Gemini, framer, named("stream_sse").raw.as_ref().unwrap().as_bytes(), 7).unwrap();
    assert_eq!(streamed.usage, whole.usage);
    let signatures = |answer: &ChatAnswer| -> Vec<Value> {
        let parts = answer.choices[0].message.parts.iter();
        parts.filter_map(|part| part.native.get(llm_core::Protocol::Gemini, "thoughtSignature").cloned()).collect()
    };
    assert_eq!(signatures(&whole), ["c2lnLTE=", "c2lnLTI=", "c2lnLTM="]);
    assert_eq!(signatures(&streamed), signatures(&whole));
    let kinds =
        |answer: &ChatAnswer| -> Vec<&'static str> { answer.choices[0].message.parts.iter().map(kind).collect() };
    assert_eq!(kinds(&streamed), ["reasoning", "text", "tool call", "tool call", "unknown", "text"]);
    assert_eq!(answer_ids(&streamed), ["fc_2", "call_seed_1"]);
    assert_eq!(answer_ids(&streamed), answer_ids(&whole));
}

fn answer_ids(answer: &ChatAnswer) -> Vec<&str> {
    answer.tool_calls().iter().map(|call| call.id.as_str()).collect()
}

fn kind(part: &Part) -> &'static str {
    match part.content {
        Content::Text { .. } => "text",
        Content::Reasoning(_) => "reasoning",
        Content::ToolCall(_) => "tool call",
        _ => "unknown",
    }
}

#[test]
fn a_gemini_stream_without_its_last_event_is_cut() {
    let own = exchange::all("gemini", &[]);
    let raw = own.iter().find(|exchange| exchange.name == "stream_sse").unwrap().raw.as_ref().unwrap();
    let end = raw.trim_end().rfind("data: ").unwrap();
    let framer = framing::for_content_type(Some("text/event-stream")).unwrap();
    let error = replay(&gemini::Gemini, framer, &raw.as_bytes()[..end], usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cut);
}

#[test]
fn bedrock_is_asked_with_its_model_encoded_in_the_path() {
    for exchange in exchange::all("bedrock", &["converse_stream", "converse"]) {
        let Some((model, method)) = exchange.path.strip_prefix("/model/").and_then(|rest| rest.rsplit_once('/')) else {
            continue;
        };
        let model = model.replace("%3A", ":").replace("%2F", "/");
        let encoded = encode(&Bedrock, &request(), &model, method == "converse-stream");
        asks_for(&exchange, &encoded);
        if exchange.is_own {
            exchange::same(&body_of(&encoded), &exchange.request_body, &exchange.name);
        }
    }
}

#[test]
fn bedrock_streams_as_aws_event_stream() {
    let mut seen = 0;
    for exchange in exchange::all("bedrock", &["converse_stream"]) {
        let Some(body) = exchange.binary() else { continue };
        let framer = || framing::for_content_type(exchange.content_type.as_deref()).unwrap();
        let answer = replay(&Bedrock, framer(), &body, usize::MAX);
        if exchange.name == "stream_exception" {
            let error: Error = answer.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::RateLimited, Some("throttlingException")));
            assert_eq!(error.message(), "Too many requests, please wait.");
            continue;
        }
        seen += 1;
        let answer = answer.unwrap();
        assert_eq!(replay(&Bedrock, framer(), &body, 1).unwrap(), answer, "{}", exchange.name);
        bedrock::agrees(&answer, framer(), &body, &exchange.name);
        if exchange.is_own {
            says_what_we_wrote(&answer, "bedrock");
            assert_eq!(answer.usage().get(Meter::CacheRead), 4);
        }
        let cut = replay(&Bedrock, framer(), &body[..body.len() / 2], usize::MAX).unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::Cut, "{}", exchange.name);
    }
    assert!(seen >= 1);
}
