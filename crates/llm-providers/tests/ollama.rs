//! Ollama's protocol on exchanges: our own, and the recorded ones where `LLM_RECORDINGS` names their folder.
//!
//! Nothing may be lost: requests, whole answers and every line of a stream are read, written again and compared as
//! JSON; also with their members in another order, and with members that nobody knows.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod exchange;

use exchange::{Exchange, same, variants};
use llm_core::chat::{ChatAccumulator, ChatAnswer, Content};
use llm_core::codec::{
    AnswerContext, Chat, DecodeContext, Downstream, Quirks, RequestHead, ResponseHead, Target, Upstream,
};
use llm_core::{ErrorKind, Meter, Result};
use llm_providers::framing;
use llm_providers::protocols::ollama::Ollama;
use serde_json::{Value, json};

fn cx() -> DecodeContext {
    DecodeContext { provider: "ollama".to_owned(), id_seed: "seed".to_owned(), ..DecodeContext::default() }
}

fn exchanges() -> Vec<Exchange> {
    exchange::all("ollama", &["chat"])
}

#[test]
fn requests_lose_nothing() {
    let exchanges = exchanges();
    let bodies = exchanges.iter().flat_map(|exchange| variants(&exchange.request_body).map(|body| (exchange, body)));
    for (exchange, body) in bodies {
        let bytes = serde_json::to_vec(&body).unwrap();
        let (request, context) = Ollama.decode_request(&RequestHead::default(), &bytes).unwrap();
        let quirks = Quirks::default();
        let target = Target {
            provider: "ollama",
            model: &context.model,
            version: None,
            quirks: &quirks,
            variables: &Default::default(),
            stream: context.stream,
            max_output: None,
            id_seed: "seed",
        };
        let encoded = Ollama.encode_request(&request, &target).unwrap();
        assert_eq!((encoded.method.as_str(), encoded.path.as_str()), ("POST", "/api/chat"));
        let again: Value = serde_json::from_slice(&encoded.body).unwrap();
        same(&again, &body, &exchange.name);
    }
}

#[test]
fn whole_answers_lose_nothing() {
    let mut seen = 0;
    for exchange in exchanges().into_iter().filter(|exchange| exchange.status == 200) {
        let Some(body) = &exchange.answer_body else { continue };
        seen += 1;
        for body in variants(body) {
            let bytes = serde_json::to_vec(&body).unwrap();
            let answer = Ollama.decode_answer(&cx(), &ResponseHead::default(), &bytes).unwrap();
            let again = Ollama.encode_answer(&AnswerContext::default(), &answer).unwrap();
            same(&serde_json::from_slice(&again).unwrap(), &body, &exchange.name);
            agrees(&answer, &[body], &exchange.name);
        }
    }
    assert!(seen >= 4);
}

#[test]
fn streams_lose_nothing() {
    let mut seen = 0;
    for exchange in exchanges() {
        let Some(raw) = &exchange.raw else { continue };
        if exchange.name.contains("error") {
            continue;
        }
        seen += 1;
        let lines: Value = raw.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
        for lines in variants(&lines) {
            let lines = lines.as_array().unwrap();
            let raw: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let (answer, written) = replay(&raw).unwrap();
            let written: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            same(&json!(written), &json!(lines), &exchange.name);
            agrees(&answer, lines, &exchange.name);
        }
    }
    assert!(seen >= 3);
}

/// What the answer must say, told from the lines without the codec.
fn agrees(answer: &ChatAnswer, lines: &[Value], name: &str) {
    let joined = |member: &str| -> String {
        lines.iter().filter_map(|line| line.pointer(&format!("/message/{member}"))?.as_str()).collect()
    };
    assert_eq!(answer.text(), joined("content"), "{name}");
    assert_eq!(answer.reasoning(), joined("thinking"), "{name}");
    let calls: Vec<&Value> =
        lines.iter().filter_map(|line| line.pointer("/message/tool_calls")?.as_array()).flatten().collect();
    let got = answer.tool_calls();
    assert_eq!(got.len(), calls.len(), "{name}");
    for (got, call) in got.iter().zip(calls) {
        assert_eq!(got.name, call["function"]["name"], "{name}");
        assert_eq!(serde_json::from_str::<Value>(&got.arguments).unwrap(), call["function"]["arguments"], "{name}");
        assert!(call.get("id").is_none_or(|id| *id == got.id), "{name}");
    }
    let mut ids: Vec<&str> = got.iter().map(|call| call.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), got.len(), "{name}: ids are unique");
    let last = lines.last().unwrap();
    assert_eq!(answer.usage().get(Meter::Input), last["prompt_eval_count"].as_u64().unwrap_or(0), "{name}");
    assert_eq!(answer.usage().get(Meter::Output), last["eval_count"].as_u64().unwrap_or(0), "{name}");
    let said = last["done_reason"].as_str().unwrap();
    let expected = if said == "stop" && !got.is_empty() { "tool_calls" } else { said };
    assert_eq!(answer.finish_reason().unwrap().as_str(), expected, "{name}");
}

/// Reads a stream byte by byte and writes it again.
fn replay(raw: &str) -> Result<(ChatAnswer, String)> {
    let mut framer = framing::for_content_type(Some("application/x-ndjson")).unwrap();
    let mut decoder = Upstream::<Chat>::decode_stream(&Ollama, &cx());
    let mut chunks = Vec::new();
    for byte in raw.as_bytes().chunks(1) {
        framer.push(byte);
        while let Some(found) = framer.next_frame()? {
            decoder.decode(&found.frame, &mut chunks)?;
        }
    }
    while let Some(found) = framer.finish()? {
        decoder.decode(&found.frame, &mut chunks)?;
    }
    decoder.finish(&mut chunks)?;
    let mut encoder = Downstream::<Chat>::encode_stream(&Ollama, &AnswerContext::default());
    let mut accumulator = ChatAccumulator::new("ollama");
    let mut out = Vec::new();
    for chunk in &chunks {
        encoder.encode(chunk, &mut out)?;
        accumulator.push(chunk);
    }
    encoder.finish(&Default::default(), &mut out);
    Ok((accumulator.finish(), String::from_utf8(out).unwrap()))
}

#[test]
fn a_stream_is_whole_only_with_its_last_line() {
    let exchange = exchanges().into_iter().find(|exchange| exchange.name == "stream_text").unwrap();
    let raw = exchange.raw.unwrap();
    for cut in 0..raw.len() - 1 {
        if !raw.is_char_boundary(cut) {
            continue;
        }
        let error = replay(&raw[..cut]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cut, "cut at {cut}: {error}");
    }
    assert!(replay(raw.trim_end()).is_ok(), "the last line feed does not matter");
}

#[test]
fn an_error_inside_a_stream_is_an_error() {
    let exchange = exchanges().into_iter().find(|exchange| exchange.name == "stream_error").unwrap();
    let error = replay(&exchange.raw.unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderError);
    assert_eq!(error.provider(), Some("ollama"));
    assert!(error.message().ends_with("CUDA error"), "{error}");
}

#[test]
fn errors_keep_what_the_provider_said() {
    for exchange in exchanges().into_iter().filter(|exchange| exchange.status >= 400) {
        let Some(body) = &exchange.answer_body else { continue };
        let head = ResponseHead { status: exchange.status.try_into().unwrap(), ..ResponseHead::default() };
        let error = Ollama.decode_error(&cx(), &head, &serde_json::to_vec(body).unwrap());
        let kind = match exchange.name.as_str() {
            "error_window" => ErrorKind::ContextLengthExceeded,
            _ if exchange.status == 404 => ErrorKind::ModelNotFound,
            other => panic!("an error to think about: {other}"),
        };
        assert_eq!((error.kind(), error.message()), (kind, body["error"].as_str().unwrap()));
        let written = Ollama.encode_error(&error);
        assert_eq!(written.status, head.status);
        assert_eq!(serde_json::from_slice::<Value>(&written.body).unwrap(), *body);
    }
}

/// An answer goes back as the next request's history; an id that was made up here must not reach the provider.
#[test]
fn made_up_ids_stay_here() {
    let exchange = exchanges().into_iter().find(|exchange| exchange.name == "thinking_and_tools").unwrap();
    let bytes = serde_json::to_vec(exchange.answer_body.as_ref().unwrap()).unwrap();
    let answer = Ollama.decode_answer(&cx(), &ResponseHead::default(), &bytes).unwrap();
    let ids: Vec<&str> = answer.tool_calls().iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["call_seed_0", "call_k1"]);
    let written: Value =
        serde_json::from_slice(&Ollama.encode_answer(&AnswerContext::default(), &answer).unwrap()).unwrap();
    assert_eq!(written.pointer("/message/tool_calls/0/id"), None);
    assert_eq!(written.pointer("/message/tool_calls/1/id"), Some(&json!("call_k1")));
}

/// Results without ids belong to the calls of their tools, in order.
#[test]
fn results_find_their_calls() {
    let exchange = exchanges().into_iter().find(|exchange| exchange.name == "thinking_and_tools").unwrap();
    let bytes = serde_json::to_vec(&exchange.request_body).unwrap();
    let (request, _) = Ollama.decode_request(&RequestHead::default(), &bytes).unwrap();
    let results: Vec<&str> = request
        .messages
        .iter()
        .flat_map(|message| &message.parts)
        .filter_map(|part| match &part.content {
            Content::ToolResult(result) => Some(result.call_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(results, ["call_1_0", "call_9"]);
}
