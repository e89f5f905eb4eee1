use llm_core::chat::{ChatAccumulator, ChatChunk, FinishReason};
use llm_core::codec::{AnswerContext, DecodeContext, Frame, StreamDecoder, StreamEncoder, Trailer};
use llm_core::{ErrorKind, Meter};
use serde_json::{Value, json};

use super::{Decoder, Encoder};

fn decode(events: &[Value]) -> (Vec<ChatChunk>, Result<(), llm_core::Error>) {
    let cx = DecodeContext { provider: "cohere".to_owned(), id_seed: "s".to_owned(), ..DecodeContext::default() };
    let mut decoder = Decoder::new(&cx);
    let mut chunks = Vec::new();
    for event in events {
        let name = event["type"].as_str().unwrap_or_default();
        let frame = Frame { event: name, data: &event.to_string().into_bytes(), is_error: false };
        if let Err(error) = decoder.decode(&frame, &mut chunks) {
            return (chunks, Err(error));
        }
    }
    let end = decoder.finish(&mut chunks);
    (chunks, end)
}

/// The events that callers of Cohere's see, without the mark behind them.
fn written(chunks: &[ChatChunk]) -> Vec<Value> {
    let mut encoder = Encoder::new(&AnswerContext::default());
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| encoder.encode(chunk, &mut out).expect("written"));
    encoder.finish(&Trailer::default(), &mut out);
    let text = String::from_utf8(out).expect("text");
    let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, rest) = data.split_last().expect("events");
    assert_eq!(*last, "[DONE]");
    rest.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn message(kind: &str, index: u64, inner: Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": inner}})
}

fn spoken() -> Vec<Value> {
    vec![
        json!({"id": "1", "type": "message-start", "delta": {"message": {"role": "assistant", "content": []}}}),
        message("content-start", 0, json!({"content": {"type": "thinking", "thinking": ""}})),
        message("content-delta", 0, json!({"content": {"thinking": "hm"}})),
        json!({"type": "content-end", "index": 0}),
        message("content-start", 1, json!({"content": {"type": "text", "text": ""}})),
        message("content-delta", 1, json!({"content": {"text": "Paris"}})),
        message(
            "citation-start",
            0,
            json!({"citations": {"start": 0, "end": 5, "text": "Paris", "content_index": 1,
            "sources": [{"type": "document", "document": {"title": "Map"}}]}}),
        ),
        json!({"type": "citation-end", "index": 0}),
        json!({"type": "content-end", "index": 1}),
        json!({"type": "new-event", "index": 7, "more": true}),
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE",
            "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}}}}),
    ]
}

#[test]
fn log_probabilities_come_with_their_text() {
    let mut events = spoken();
    events[5]["logprobs"] = json!({"text": "Paris", "token_ids": [7, 8], "logprobs": [-0.5, -0.25]});
    let (chunks, _) = decode(&events);
    let mut sum = ChatAccumulator::new("cohere");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    let answer = sum.finish();
    let bytes: &[u8] = b"Paris";
    let said = json!({"content": [{"token": "Paris", "logprob": -0.75, "bytes": bytes, "top_logprobs": []}]});
    assert_eq!(answer.choices[0].logprobs, Some(said));
    assert_eq!(written(&chunks), events, "callers of Cohere's see their own");
}

#[test]
fn thoughts_text_and_citations_add_up() {
    let (chunks, end) = decode(&spoken());
    assert!(end.is_ok());
    let mut sum = ChatAccumulator::new("cohere");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    let answer = sum.finish();
    assert_eq!((answer.id.as_str(), answer.text().as_str(), answer.reasoning().as_str()), ("1", "Paris", "hm"));
    assert_eq!(answer.finish_reason(), Some(&FinishReason::Stop));
    assert_eq!(answer.usage().get(Meter::Input), 3);
    let llm_core::chat::Content::Text { citations, .. } = &answer.choices[0].message.parts[1].content else { panic!() };
    assert_eq!(citations[0].title.as_deref(), Some("Map"));
}

#[test]
fn parallel_calls_and_the_plan_stay_apart() {
    let call = |id: &str, name: &str| json!({"tool_calls": {"id": id, "type": "function", "function": {"name": name, "arguments": ""}}});
    let more = |text: &str| json!({"tool_calls": {"function": {"arguments": text}}});
    let (chunks, end) = decode(&[
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will "}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "look."}}}),
        message("tool-call-start", 0, call("a", "one")),
        message("tool-call-start", 1, call("b", "two")),
        message("tool-call-delta", 1, more("{\"y\":2}")),
        message("tool-call-delta", 0, more("{\"x\":1}")),
        json!({"type": "tool-call-end", "index": 0}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"}}),
    ]);
    assert!(end.is_ok());
    let mut sum = ChatAccumulator::new("cohere");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    let answer = sum.answer();
    assert_eq!(answer.text(), "I will look.");
    let calls: Vec<_> = answer.tool_calls().iter().map(|call| (call.id.clone(), call.arguments.clone())).collect();
    assert_eq!(calls, [("a".to_owned(), "{\"x\":1}".to_owned()), ("b".to_owned(), "{\"y\":2}".to_owned())]);
    assert_eq!(answer.finish_reason(), Some(&FinishReason::ToolCalls));
}

#[test]
fn a_stream_without_its_end_was_cut() {
    let events = spoken();
    let (_, end) = decode(&events[..events.len() - 1]);
    assert_eq!(end.expect_err("cut").kind(), ErrorKind::Cut);
}

#[test]
fn an_event_that_is_an_error_ends_the_stream() {
    let (_, end) = decode(&[json!({"message": "internal server error", "id": "x"})]);
    assert_eq!(end.expect_err("failed").message(), "internal server error");
}

#[test]
fn what_was_read_is_written_again() {
    let events = spoken();
    let (chunks, _) = decode(&events);
    assert_eq!(written(&chunks), events);
}
