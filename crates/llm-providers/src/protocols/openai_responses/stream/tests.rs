use llm_core::chat::{
    Change, ChatAccumulator, ChatAnswer, ChatChunk, ChunkChoice, Content, Delta, FinishReason, Part, Reasoning,
    ToolCall,
};
use llm_core::codec::{AnswerContext, DecodeContext, Frame, StreamDecoder, StreamEncoder, Trailer};
use llm_core::{Error, ErrorKind, Meter, Native, Protocol, Result, Usage};
use serde_json::{Map, Value, json};

use super::*;

fn cx() -> DecodeContext {
    DecodeContext { provider: "host".to_owned(), ..DecodeContext::default() }
}

fn read(events: &[Value]) -> Result<Vec<ChatChunk>> {
    let mut decoder = Decoder::new(cx());
    let mut chunks = Vec::new();
    for event in events {
        let text = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
        decoder.decode(&Frame::data(text.as_bytes()), &mut chunks)?;
    }
    decoder.finish(&mut chunks)?;
    Ok(chunks)
}

fn sum(chunks: &[ChatChunk]) -> ChatAnswer {
    let mut sum = ChatAccumulator::new("host");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    sum.finish()
}

fn asked() -> AnswerContext {
    AnswerContext {
        model: "fast".to_owned(),
        stream: true,
        include_usage: true,
        id_seed: "s".to_owned(),
        created: 7,
        ..AnswerContext::default()
    }
}

fn write(chunks: &[ChatChunk]) -> Vec<Value> {
    let mut encoder = Encoder::new(asked());
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| encoder.encode(chunk, &mut out).unwrap());
    encoder.finish(&Trailer::default(), &mut out);
    events(&out)
}

fn events(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| data.into())).collect()
}

fn item(index: u64, kind: &str, item: Value) -> Value {
    json!({"type": format!("response.output_item.{kind}"), "output_index": index, "item": item})
}

fn piece(index: u64, kind: &str, text: &str) -> Value {
    json!({"type": format!("response.{kind}.delta"), "output_index": index, "content_index": 0, "delta": text, "x": 1})
}

fn end(output: Value) -> Value {
    json!({"type": "response.completed", "response": {
        "id": "resp_1", "object": "response", "model": "m", "created_at": 5, "status": "completed", "output": output,
        "service_tier": "flex", "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    }})
}

/// A thought, a text, two calls at once, and a tool of the provider's own.
fn whole() -> Vec<Value> {
    let thought = json!({"id": "rs_1", "type": "reasoning", "summary": []});
    let thought_done = json!({"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAA", "summary": [
        {"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]});
    let search = json!({"id": "ws_1", "type": "web_search_call", "status": "completed"});
    let message = |content: Value, status: &str| json!({"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content});
    let cited =
        json!({"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2});
    let text = json!({"type": "output_text", "text": "Hi!", "annotations": [cited], "logprobs": []});
    let call = |id: &str, arguments: &str, status: &str| {
        json!({"id": format!("fc_{id}"), "type": "function_call", "call_id": id, "name": "f", "arguments": arguments,
            "status": status})
    };
    let summary_part = |index: u64| {
        json!({"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": index,
            "part": {"type": "summary_text", "text": ""}})
    };
    let mut events = vec![
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 5, "status": "in_progress"}}),
        json!({"type": "response.in_progress", "response": {"id": "resp_1", "model": "m"}}),
        item(0, "added", thought),
        summary_part(0),
        piece(0, "reasoning_summary_text", "a"),
        summary_part(1),
        piece(0, "reasoning_summary_text", "b"),
        item(0, "done", thought_done.clone()),
        item(1, "added", json!({"id": "ws_1", "type": "web_search_call", "status": "in_progress"})),
        json!({"type": "response.web_search_call.searching", "output_index": 1, "item_id": "ws_1"}),
        item(1, "done", search.clone()),
        item(2, "added", message(json!([]), "in_progress")),
        json!({"type": "response.content_part.added", "output_index": 2, "content_index": 0,
            "part": {"type": "output_text", "text": "", "annotations": []}}),
        piece(2, "output_text", "Hi"),
        piece(2, "output_text", "!"),
        json!({"type": "response.output_text.annotation.added", "output_index": 2, "content_index": 0,
            "annotation_index": 0, "annotation": cited}),
        json!({"type": "response.output_text.done", "output_index": 2, "content_index": 0, "text": "Hi!"}),
        json!({"type": "response.content_part.done", "output_index": 2, "content_index": 0, "part": text}),
        item(2, "done", message(json!([text]), "completed")),
        item(3, "added", call("a", "", "in_progress")),
        item(4, "added", call("b", "", "in_progress")),
        piece(4, "function_call_arguments", "{}"),
        piece(3, "function_call_arguments", "{\"x\""),
        piece(3, "function_call_arguments", ":1}"),
        item(4, "done", call("b", "{}", "completed")),
        item(3, "done", call("a", "{\"x\":1}", "completed")),
        end(json!([
            thought_done,
            search,
            message(json!([text]), "completed"),
            call("a", "{\"x\":1}", "completed"),
            call("b", "{}", "completed")
        ])),
    ];
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events
}

#[test]
fn a_stream_is_read_and_written_as_it_came() {
    let mut events = whole();
    // OpenRouter's mark.
    events.push("[DONE]".into());
    let chunks = read(&events).unwrap();
    assert_eq!(write(&chunks), events);
}

#[test]
fn pieces_come_together_as_the_whole_answer() {
    let events = whole();
    let answer = sum(&read(&events).unwrap());
    let response = &events.last().unwrap()["response"];
    let want = super::super::answer::decode(&cx(), &Default::default(), response.to_string().as_bytes()).unwrap();
    assert_eq!((answer.text(), answer.reasoning()), (want.text(), want.reasoning()));
    assert_eq!(answer.message().unwrap().parts, want.message().unwrap().parts);
    assert_eq!(answer.finish_reason(), Some(&FinishReason::ToolCalls));
    assert_eq!((&answer.usage, &answer.service_tier), (&want.usage, &want.service_tier));
    // It is written as if it had come whole.
    let body = super::super::answer::encode(&asked(), &answer).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), *response);
}

#[test]
fn what_no_piece_says_is_taken_from_the_end() {
    let text = |text: &str| json!([{"type": "output_text", "text": text, "annotations": []}]);
    let message = |content: Value| json!({"id": "m", "type": "message", "role": "assistant", "content": content});
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":1}"});
    // Only whole items, only the last event, and pieces without a beginning.
    for events in [
        vec![item(0, "done", message(text("Hi"))), item(1, "done", call.clone()), end(json!([]))],
        vec![
            item(0, "added", message(json!([]))),
            item(0, "done", message(text("Hi"))),
            end(json!([message(text("Hi")), call])),
        ],
        vec![end(json!([message(text("Hi")), call]))],
        vec![
            piece(0, "output_text", "H"),
            piece(0, "output_text", "i"),
            item(1, "added", call.clone()),
            end(json!([message(text("Hi")), call])),
        ],
    ] {
        let chunks = read(&events).unwrap();
        let answer = sum(&chunks);
        assert_eq!(answer.text(), "Hi", "{events:?}");
        if events.len() != 4 {
            assert_eq!(answer.tool_calls()[0].arguments, "{\"a\":1}", "{events:?}");
        }
        assert_eq!(write(&chunks), events);
    }
}

#[test]
fn log_probabilities_are_those_of_chat() {
    let mut event = piece(0, "output_text", "Hi");
    event["logprobs"] = json!([{"token": "Hi", "logprob": -0.5}]);
    let answer = sum(&read(&[event.clone(), event, end(json!([]))]).unwrap());
    let one = json!({"token": "Hi", "logprob": -0.5});
    assert_eq!(answer.choices[0].logprobs, Some(json!({"content": [one, one]})));
}

#[test]
fn a_cut_stream_never_looks_whole_and_a_failed_one_is_an_error() {
    let events = whole();
    for length in 0..events.len() {
        assert_eq!(read(&events[..length]).unwrap_err().kind(), ErrorKind::Cut, "{length}");
    }
    let error = |event: Value| read(&[event]).unwrap_err();
    let failed = error(json!({"type": "response.failed", "response": {"status": "failed",
        "error": {"code": "insufficient_quota", "message": "no money"}}}));
    assert_eq!(
        (failed.kind(), failed.message(), failed.provider()),
        (ErrorKind::QuotaExceeded, "no money", Some("host"))
    );
    for event in [
        json!({"type": "error", "error": {"code": "insufficient_quota", "message": "no money"}}),
        json!({"type": "error", "code": "insufficient_quota", "message": "no money", "param": null}),
    ] {
        assert_eq!((error(event.clone()).kind(), error(event).message()), (ErrorKind::QuotaExceeded, "no money"));
    }
    assert_eq!(error("<html>".into()).kind(), ErrorKind::ProviderError);
}

fn foreign(deltas: Vec<Delta>) -> ChatChunk {
    let native = Native::new(Protocol::Anthropic, Map::new());
    ChatChunk { choices: vec![ChunkChoice { deltas, ..ChunkChoice::default() }], native, ..ChatChunk::default() }
}

fn one(part: u32, change: Change) -> ChatChunk {
    foreign(vec![Delta::new(part, change)])
}

#[test]
fn a_stream_of_another_protocol_is_one_that_sdks_read() {
    let thought = Reasoning { provider: Some("p".to_owned()), ..Reasoning::default() };
    let call = |id: &str| Part::from(ToolCall::new(id, "f", ""));
    let mut last = foreign(Vec::new());
    last.choices[0].finish_reason = Some(FinishReason::Length);
    last.usage = Some(Usage::default().with(Meter::Input, 4).with(Meter::Output, 2));
    let chunks = [
        ChatChunk { id: Some("msg_1".to_owned()), model: Some("claude".to_owned()), ..foreign(Vec::new()) },
        one(0, Change::Start(thought.into())),
        one(0, Change::Reasoning("hm".to_owned())),
        one(0, Change::Signature("sig".to_owned())),
        one(1, Change::Start(Part::text(""))),
        one(1, Change::Text("Hi".to_owned())),
        one(2, Change::Start(call("a"))),
        one(3, Change::Start(call("b"))),
        one(3, Change::Arguments("{}".to_owned())),
        one(2, Change::Arguments("{\"x\":1}".to_owned())),
        one(2, Change::Stop),
        one(1, Change::Text(" again".to_owned())),
        last,
    ];
    let events = write(&chunks);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.incomplete",
        ]
    );
    let response = &events.last().unwrap()["response"];
    assert_eq!(
        (&response["id"], &response["model"], &response["status"]),
        (&json!("resp_s"), &json!("claude"), &json!("incomplete"))
    );
    assert_eq!(response["usage"]["total_tokens"], 6);
    let done: Vec<&Value> = events.iter().filter(|event| event["type"] == "response.output_item.done").collect();
    for event in done {
        let index = usize::try_from(event["output_index"].as_u64().unwrap()).unwrap();
        assert_eq!(response["output"][index], event["item"]);
    }
    assert_eq!(response["output"][0]["encrypted_content"], "llm:s:p:sig");
    // What was written is what was said.
    let again = sum(&read(&events).unwrap());
    assert_eq!((again.text().as_str(), again.reasoning().as_str()), ("Hi again", "hm"));
    let calls: Vec<_> =
        again.tool_calls().into_iter().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("a", "{\"x\":1}"), ("b", "{}")]);
}

#[test]
fn a_refusal_and_hidden_thoughts_have_their_place() {
    let hidden =
        Reasoning { encrypted: Some("data".to_owned()), provider: Some("p".to_owned()), ..Reasoning::default() };
    let refusal = Content::Refusal { text: String::new() };
    let events = write(&[
        one(0, Change::Start(hidden.into())),
        one(1, Change::Start(refusal.into())),
        one(1, Change::Refusal("no".to_owned())),
    ]);
    let response = &events.last().unwrap()["response"];
    assert_eq!(
        response["output"][0],
        json!({"id": "rs_s_0", "type": "reasoning", "summary": [], "encrypted_content": "llm:e:p:data"})
    );
    assert_eq!(response["output"][1]["content"], json!([{"type": "refusal", "refusal": "no"}]));
    assert_eq!(response["status"], "completed");
}

#[test]
fn an_error_after_the_first_byte_is_told_and_nothing_looks_whole() {
    let mut encoder = Encoder::new(asked());
    let mut out = Vec::new();
    encoder.encode(&one(0, Change::Start(Part::text("a"))), &mut out).unwrap();
    encoder.error(&Error::new(ErrorKind::Overloaded, "too much to do"), &mut out);
    encoder.finish(&Trailer::default(), &mut out);
    let events = events(&out);
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["error"]["message"]), (&json!("error"), &json!("too much to do")));
    assert_eq!(last["sequence_number"], events.len() - 1);
    assert_eq!(read(&events).unwrap_err().message(), "too much to do");
}

#[test]
fn encrypted_thoughts_reach_the_callers_of_other_protocols() {
    let chunks = read(&whole()).unwrap();
    for (protocol, want) in [(Protocol::OpenAiChat, "\"data\":\"gAAA\""), (Protocol::Anthropic, "redacted_thinking")] {
        let mut encoder = crate::protocols::chat(protocol).unwrap().encode_stream(&asked());
        let mut out = Vec::new();
        chunks.iter().for_each(|chunk| encoder.encode(chunk, &mut out).unwrap());
        encoder.finish(&Trailer::default(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(want), "{text}");
    }
}
