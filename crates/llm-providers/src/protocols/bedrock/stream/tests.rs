use llm_core::chat::{
    Change, ChatAccumulator, ChatAnswer, ChatChunk, Content, Delta, FinishReason, Part, Reasoning, ToolCall,
};
use llm_core::codec::{AnswerContext, Chat, DecodeContext, Downstream, Frame, StreamDecoder, Trailer, Upstream};
use llm_core::{Error, ErrorKind, Meter, Result, Usage};
use serde_json::{Value, json};

use super::super::Bedrock;
use crate::framing::{AwsEventStreamFramer, Framer};

fn cx() -> DecodeContext {
    DecodeContext { provider: "bedrock".into(), model: "acme.boat-2".into(), ..DecodeContext::default() }
}

fn read(events: &[(&str, Value)]) -> Result<ChatAnswer> {
    let mut decoder: Box<dyn StreamDecoder<Chat>> = Bedrock.decode_stream(&cx());
    let mut chunks = Vec::new();
    for (event, data) in events {
        let data = data.to_string();
        let is_error = event.ends_with("Exception");
        decoder.decode(&Frame { event, data: data.as_bytes(), is_error }, &mut chunks)?;
    }
    decoder.finish(&mut chunks)?;
    let mut sum = ChatAccumulator::new("bedrock");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    Ok(sum.finish())
}

fn text(index: u64, text: &str) -> (&'static str, Value) {
    ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": {"text": text}, "p": "ab"}))
}

fn end() -> [(&'static str, Value); 2] {
    [
        ("messageStop", json!({"stopReason": "end_turn"})),
        (
            "metadata",
            json!({"usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}, "metrics": {"latencyMs": 9}}),
        ),
    ]
}

#[test]
fn a_stream_is_whole_when_it_has_said_what_it_used() {
    let start = ("messageStart", json!({"role": "assistant"}));
    let [stop, metadata] = end();
    let whole = [start.clone(), text(0, "Ahoy"), stop.clone(), metadata.clone()];
    let answer = read(&whole).unwrap();
    assert_eq!((answer.text().as_str(), answer.model.as_str()), ("Ahoy", "acme.boat-2"));
    assert_eq!((answer.usage().get(Meter::Input), answer.usage().get(Meter::Output)), (5, 2));
    assert_eq!(answer.native.get(llm_core::Protocol::Bedrock, "metrics"), Some(&json!({"latencyMs": 9})));
    for cut in [&whole[..3], &whole[..2], &[]] {
        assert_eq!(read(cut).unwrap_err().kind(), ErrorKind::Cut);
    }
    let gone = ("serviceUnavailableException", json!({"message": "gone"}));
    let error = read(&[start, text(0, "Ah"), gone]).unwrap_err();
    assert_eq!((error.kind(), error.message(), error.provider()), (ErrorKind::Overloaded, "gone", Some("bedrock")));
}

#[test]
fn parallel_calls_keep_their_pieces_apart() {
    let start = |index: u64, id: &str| {
        let tool = json!({"toolUseId": id, "name": "tide"});
        ("contentBlockStart", json!({"contentBlockIndex": index, "start": {"toolUse": tool}}))
    };
    let piece = |index: u64, input: &str| {
        ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": {"toolUse": {"input": input}}}))
    };
    let stop = |index: u64| ("contentBlockStop", json!({ "contentBlockIndex": index }));
    let [end, metadata] = end();
    let events = [
        start(1, "a"),
        start(2, "b"),
        piece(2, "{\"port\":"),
        piece(1, "{\"port\":\"Brest\"}"),
        piece(2, "\"Nice\"}"),
        stop(1),
        stop(2),
        start(3, "c"),
        stop(3),
        end,
        metadata,
    ];
    let answer = read(&events).unwrap();
    let calls: Vec<_> = answer.tool_calls().iter().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("a", "{\"port\":\"Brest\"}"), ("b", "{\"port\":\"Nice\"}"), ("c", "{}")]);
}

#[test]
fn thoughts_know_whose_they_are() {
    let delta = |index: u64, what: Value| {
        ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": {"reasoningContent": what}}))
    };
    let [end, metadata] = end();
    let events = [
        delta(0, json!({"text": "Two "})),
        delta(0, json!({"text": "lookups."})),
        delta(0, json!({"signature": "c2ln"})),
        delta(1, json!({"redactedContent": "aGlkZGVu"})),
        end,
        metadata,
    ];
    let answer = read(&events).unwrap();
    let thoughts: Vec<_> = answer.choices[0]
        .message
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::Reasoning(reasoning) => reasoning.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    let own = Reasoning { provider: Some("bedrock".into()), ..Reasoning::default() };
    let spoken = Reasoning { text: "Two lookups.".into(), signature: Some("c2ln".into()), ..own.clone() };
    assert_eq!(thoughts, [spoken, Reasoning { encrypted: Some("aGlkZGVu".into()), ..own }]);
}

#[test]
fn events_that_are_no_json_end_the_stream() {
    let mut decoder = Bedrock.decode_stream(&cx());
    for data in [&b"{"[..], b"[]", b"\xff"] {
        let frame = Frame { event: "messageStart", data, is_error: false };
        let error = decoder.decode(&frame, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderError);
    }
}

fn written(chunks: &[ChatChunk], error: Option<&Error>) -> Vec<(String, Value)> {
    let mut encoder = Bedrock.encode_stream(&AnswerContext::default());
    let mut out = Vec::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut out).unwrap();
    }
    match error {
        Some(error) => encoder.error(error, &mut out),
        None => encoder.finish(&Trailer::default(), &mut out),
    }
    encoder.finish(&Trailer::default(), &mut out);
    let mut framer = AwsEventStreamFramer::default();
    framer.push(&out);
    let mut events = Vec::new();
    while let Some(raw) = framer.next_frame().unwrap() {
        events.push((raw.frame.event.to_owned(), serde_json::from_slice(raw.frame.data).unwrap()));
    }
    events
}

fn chunk(deltas: Vec<Delta>) -> ChatChunk {
    let choice = llm_core::chat::ChunkChoice { deltas, ..Default::default() };
    ChatChunk { choices: vec![choice], ..ChatChunk::default() }
}

#[test]
fn chunks_of_another_protocol_become_events_that_are_read_the_same() {
    let call = ToolCall::new("a", "tide", "");
    let mut last = chunk(vec![Delta::new(1, Change::Arguments("{\"x\":1}".into()))]);
    last.choices[0].finish_reason = Some(FinishReason::ToolCalls);
    last.usage = Some(Usage::default().with(Meter::Input, 3).with(Meter::Output, 4));
    let chunks = [
        chunk(vec![Delta::new(0, Change::Start(Part::text(""))), Delta::new(0, Change::Text("Ahoy".into()))]),
        chunk(vec![Delta::new(1, Change::Start(call.into()))]),
        last,
    ];
    let events = written(&chunks, None);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let want = [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ];
    assert_eq!(names, want);
    let borrowed: Vec<(&str, Value)> = events.iter().map(|(name, data)| (name.as_str(), data.clone())).collect();
    let answer = read(&borrowed).unwrap();
    assert_eq!((answer.text().as_str(), answer.tool_calls()[0].arguments.as_str()), ("Ahoy", "{\"x\":1}"));
    assert_eq!(answer.finish_reason(), Some(&FinishReason::ToolCalls));
    assert_eq!(answer.usage().total(), 7);
}

#[test]
fn an_error_is_an_exception_and_nothing_follows() {
    let said = chunk(vec![Delta::new(0, Change::Start(Part::text("Ah")))]);
    let events = written(&[said], Some(&Error::new(ErrorKind::RateLimited, "slow down")));
    assert_eq!(events.last().unwrap(), &("throttlingException".to_owned(), json!({"message": "slow down"})));
}
