//! Streams of other protocols, as Anthropic's clients see them: checked against the grammar that the official SDKs
//! assume.

use std::collections::BTreeMap;

use llm_core::chat::{
    Change, ChatChunk, ChunkChoice, Citation, Content, Delta, FinishReason, Media, MediaKind, MediaSource, Part,
    Reasoning, Role, ServerToolCall, ToolCall,
};
use llm_core::codec::{AnswerContext, Chat, DecodeContext, Frame, StreamDecoder, StreamEncoder, Trailer};
use llm_core::{ChatAccumulator, Error, ErrorKind, Meter, Usage};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Decoder, Encoder};

/// Reads a stream as a client does and panics where it breaks the grammar: `message_start` once and first, blocks one
/// at a time and numbered from nought, deltas that fit their block, `message_delta` once, `message_stop` last. The
/// message that it adds up to is handed back.
fn read(stream: &str) -> Value {
    let mut message = Value::Null;
    let mut open: Option<(usize, String)> = None;
    let mut ended = false;
    let mut stopped = false;
    for event in events(stream) {
        assert!(!stopped, "{event} after `message_stop`");
        let kind = event["type"].as_str().unwrap();
        assert_eq!(message.is_null(), kind == "message_start", "`message_start` is first and once: {stream}");
        let index = || usize::try_from(event["index"].as_u64().unwrap()).unwrap();
        match kind {
            "message_start" => {
                message = event["message"].clone();
                for name in ["id", "model", "role", "type"] {
                    assert!(message[name].is_string(), "`{name}` in {message}");
                }
                assert!(message["usage"]["input_tokens"].is_u64() && message["usage"]["output_tokens"].is_u64());
                assert_eq!(message["content"], json!([]));
            }
            "content_block_start" => {
                assert!(open.is_none() && !ended, "{event} in {stream}");
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(index(), content.len());
                content.push(event["content_block"].clone());
                open = Some((index(), String::new()));
            }
            "content_block_delta" => {
                let (at, input) = open.as_mut().unwrap();
                assert_eq!(index(), *at);
                let block = &mut message["content"][*at];
                let delta = &event["delta"];
                let (wanted, member) = match delta["type"].as_str().unwrap() {
                    "text_delta" => ("text", "text"),
                    "thinking_delta" => ("thinking", "thinking"),
                    "signature_delta" => ("thinking", "signature"),
                    "input_json_delta" => ("tool_use", "partial_json"),
                    "citations_delta" => ("text", "citation"),
                    other => panic!("unknown delta `{other}`"),
                };
                assert_eq!(block["type"], wanted, "{event} in {stream}");
                match (member, delta[member].as_str()) {
                    ("partial_json", piece) => input.push_str(piece.unwrap()),
                    ("citation", _) => {
                        if block["citations"].is_null() {
                            block["citations"] = json!([]);
                        }
                        block["citations"].as_array_mut().unwrap().push(delta["citation"].clone());
                    }
                    (member, piece) => {
                        block[member] = json!(block[member].as_str().unwrap().to_owned() + piece.unwrap());
                    }
                }
            }
            "content_block_stop" => {
                let (at, input) = open.take().unwrap();
                assert_eq!(index(), at);
                if !input.is_empty() {
                    let input = serde_json::from_str(&input).unwrap_or(json!({ "garbled": input }));
                    message["content"][at]["input"] = input;
                }
            }
            "message_delta" => {
                assert!(open.is_none() && !ended, "{event} in {stream}");
                ended = true;
                assert!(event["delta"]["stop_reason"].is_string());
                assert!(event["usage"]["output_tokens"].is_u64());
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                message["usage"] = event["usage"].clone();
            }
            "message_stop" => {
                assert!(ended);
                stopped = true;
            }
            other => panic!("unknown event `{other}`"),
        }
    }
    assert!(stopped, "no `message_stop`: {stream}");
    message
}

fn events(stream: &str) -> Vec<Value> {
    let blocks = stream.strip_suffix("\n\n").unwrap().split("\n\n");
    blocks
        .map(|block| {
            let (event, data) = block.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["type"], event);
            data
        })
        .collect()
}

fn encoder() -> Encoder {
    Encoder::new(&AnswerContext { model: "fast".to_owned(), id_seed: "7".to_owned(), ..AnswerContext::default() })
}

fn written(chunks: &[ChatChunk]) -> String {
    let mut encoder = encoder();
    let mut out = Vec::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut out).unwrap();
    }
    encoder.finish(&Trailer::default(), &mut out);
    String::from_utf8(out).unwrap()
}

fn chunk(part: u32, change: Change) -> ChatChunk {
    let choice = ChunkChoice { deltas: vec![Delta::new(part, change)], ..ChunkChoice::default() };
    ChatChunk { choices: vec![choice], ..ChatChunk::default() }
}

fn start(part: u32, what: impl Into<Part>) -> ChatChunk {
    chunk(part, Change::Start(what.into()))
}

fn text(part: u32, text: &str) -> ChatChunk {
    chunk(part, Change::Text(text.to_owned()))
}

fn arguments(part: u32, text: &str) -> ChatChunk {
    chunk(part, Change::Arguments(text.to_owned()))
}

fn finish(reason: FinishReason) -> ChatChunk {
    let choice = ChunkChoice { finish_reason: Some(reason), ..ChunkChoice::default() };
    ChatChunk { choices: vec![choice], ..ChatChunk::default() }
}

fn used(input: u64, output: u64) -> ChatChunk {
    let usage = Usage::default().with(Meter::Input, input).with(Meter::Output, output);
    ChatChunk { usage: Some(usage), ..ChatChunk::default() }
}

fn call(id: &str, name: &str) -> ToolCall {
    ToolCall::new(id, name, "")
}

#[test]
fn a_text_stream_of_another_protocol() {
    let first = ChatChunk {
        id: Some("chatcmpl-1".to_owned()),
        model: Some("gpt-x".to_owned()),
        choices: vec![ChunkChoice { role: Some(Role::Assistant), ..ChunkChoice::default() }],
        ..ChatChunk::default()
    };
    let chunks = [
        first,
        start(0, Part::text("")),
        text(0, "He"),
        text(0, ""),
        text(0, "y"),
        finish(FinishReason::Stop),
        used(5, 2),
    ];
    insta::assert_snapshot!(written(&chunks), @r#"
    event: message_start
    data: {"type":"message_start","message":{"id":"msg_7","type":"message","role":"assistant","model":"gpt-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"He"}}

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"y"}}

    event: content_block_stop
    data: {"type":"content_block_stop","index":0}

    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":5,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}

    event: message_stop
    data: {"type":"message_stop"}
    "#);
}

#[test]
fn interleaved_calls_come_one_after_the_other() {
    let stream = written(&[
        start(0, call("a", "first")),
        start(1, call("b", "second")),
        arguments(1, "{\"n\":"),
        arguments(0, "{\"m\""),
        arguments(1, "2}"),
        arguments(0, ":1}"),
        start(2, call("", "third")),
        finish(FinishReason::Stop),
    ]);
    let message = read(&stream);
    assert_eq!(
        message["content"],
        json!([
            {"type": "tool_use", "id": "a", "name": "first", "input": {"m": 1}},
            {"type": "tool_use", "id": "b", "name": "second", "input": {"n": 2}},
            {"type": "tool_use", "id": "toolu_7_2", "name": "third", "input": {}},
        ])
    );
    assert_eq!(message["stop_reason"], "tool_use");
}

#[test]
fn calls_that_follow_each_other_are_not_held_up() {
    let mut encoder = encoder();
    let mut out = Vec::new();
    for chunk in [
        start(0, Reasoning::default()),
        chunk(0, Change::Reasoning("hm".to_owned())),
        start(1, Part::text("")),
        text(1, "Look:"),
        start(2, call("a", "first")),
        arguments(2, "{\"m\":\"}\\\"\"}"),
        start(3, call("b", "second")),
        arguments(3, "{"),
    ] {
        encoder.encode(&chunk, &mut out).unwrap();
    }
    let kinds: Vec<String> = events(std::str::from_utf8(&out).unwrap())
        .iter()
        .filter_map(|event| event.pointer("/content_block/type")?.as_str().map(str::to_owned))
        .collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use", "tool_use"]);
}

#[test]
fn what_comes_for_an_ended_block_begins_another() {
    let message = read(&written(&[
        start(0, Part::text("a")),
        start(1, Reasoning::default()),
        chunk(1, Change::Reasoning("b".to_owned())),
        text(0, "c"),
        chunk(1, Change::Signature("s".to_owned())),
    ]));
    assert_eq!(
        message["content"],
        json!([
            {"type": "text", "text": "a"},
            {"type": "thinking", "thinking": "b", "signature": ""},
            {"type": "text", "text": "c"},
            {"type": "thinking", "thinking": "", "signature": "s"},
        ])
    );
}

#[test]
fn every_kind_of_part_is_said() {
    let citation = Citation { url: Some("https://example.org".to_owned()), ..Citation::default() };
    let hidden = Reasoning { encrypted: Some("aGlk".to_owned()), ..Reasoning::default() };
    let png = MediaSource::Base64 { media_type: "image/png".to_owned(), data: "AA".to_owned() };
    let foreign = ServerToolCall { kind: "web_search_call".to_owned(), ..ServerToolCall::default() };
    let message = read(&written(&[
        start(0, hidden),
        start(1, Part::text("")),
        text(1, "said"),
        chunk(1, Change::Citation(citation)),
        start(2, foreign),
        arguments(2, "{}"),
        start(3, Media::new(MediaKind::Image, png)),
        chunk(3, Change::Data("BB".to_owned())),
        start(4, Part::from(Content::Refusal { text: String::new() })),
        chunk(4, Change::Refusal("no".to_owned())),
    ]));
    assert_eq!(
        message["content"],
        json!([
            {"type": "redacted_thinking", "data": "aGlk"},
            {"type": "text", "text": "said", "citations": [{
                "type": "web_search_result_location", "url": "https://example.org", "title": null, "cited_text": "", "encrypted_index": "",
            }]},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AABB"}},
            {"type": "text", "text": "no"},
        ])
    );
    assert_eq!(message["stop_reason"], "refusal");
}

#[test]
fn nothing_at_all_is_still_a_message() {
    let message = read(&written(&[]));
    assert_eq!(
        (&message["id"], &message["model"], &message["stop_reason"]),
        (&json!("msg_7"), &json!("fast"), &json!("end_turn"))
    );
    // Usage alone begins nothing, since the names are still to come.
    let named = ChatChunk { model: Some("m".to_owned()), ..ChatChunk::default() };
    assert_eq!(read(&written(&[used(1, 2), named]))["model"], "m");
}

#[test]
fn an_error_after_the_first_byte_never_looks_whole() {
    let mut encoder = encoder();
    let mut out = Vec::new();
    encoder.encode(&text(0, "so far"), &mut out).unwrap();
    encoder.error(&Error::new(ErrorKind::Overloaded, "busy").with_hint("wait"), &mut out);
    encoder.finish(&Trailer::default(), &mut out);
    let events = events(std::str::from_utf8(&out).unwrap());
    assert!(events.iter().all(|event| event["type"] != "message_stop" && event["type"] != "message_delta"));
    let error = json!({"type": "overloaded_error", "message": "busy (hint: wait)", "code": "overloaded"});
    assert_eq!(events.last().unwrap(), &json!({"type": "error", "error": error}));
}

fn decode(events: &[Value]) -> (Vec<ChatChunk>, llm_core::Result<()>) {
    let mut decoder = Decoder::new(&DecodeContext { provider: "p".to_owned(), ..DecodeContext::default() });
    let mut chunks = Vec::new();
    for event in events {
        let data = event.to_string();
        let frame = Frame::data(data.as_bytes());
        if let Err(error) = StreamDecoder::<Chat>::decode(&mut decoder, &frame, &mut chunks) {
            return (chunks, Err(error));
        }
    }
    let end = StreamDecoder::<Chat>::finish(&mut decoder, &mut chunks);
    (chunks, end)
}

#[test]
fn a_host_that_knows_the_grammar_less_well_is_understood() {
    let begin = json!({"type": "message_start", "message": {"id": "m", "model": "x", "usage": {"input_tokens": 3}}});
    let (chunks, end) = decode(&[
        begin.clone(),
        begin,
        json!({"type": "content_block_start", "index": 4, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 4, "delta": {"type": "text_delta", "text": "a"}}),
        // Neither stopped nor begun anew.
        json!({"type": "content_block_start", "index": 7, "content_block": {"type": "tool_use", "id": "t", "name": "f"}}),
        // Never begun.
        json!({"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "b"}}),
        json!({"type": "content_block_stop", "index": 7}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}),
        json!({"type": "message_stop"}),
    ]);
    end.unwrap();
    let mut sum = ChatAccumulator::new("p");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    let answer = sum.finish();
    assert_eq!((answer.text().as_str(), answer.tool_calls()[0].arguments.as_str()), ("ab", "{}"));
    assert_eq!(answer.usage().counts().collect::<Vec<_>>(), [(Meter::Input, 3), (Meter::Output, 4)]);
}

/// A host that begins to count anew has a block renumbered, and what comes for a block that never began stays its own.
#[test]
fn numbers_that_begin_anew_mix_nothing_up() {
    let text = |index: u64, text: &str| json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}});
    let begin = || json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    let (chunks, end) = decode(&[
        json!({"type": "message_start", "message": {"id": "m", "model": "x", "usage": {"input_tokens": 3}}}),
        begin(),
        text(0, "a"),
        json!({"type": "content_block_stop", "index": 0}),
        begin(),
        text(1, "b"),
        text(0, "c"),
        // No piece of a text is one of a call, nor does it end the call.
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "t", "name": "f"}}),
        text(2, "d"),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"x\":1}"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}),
        json!({"type": "message_stop"}),
    ]);
    end.unwrap();
    let again: Vec<Value> = events(&written(&chunks));
    let (again, end) = decode(&again);
    end.unwrap();
    for chunks in [chunks, again] {
        let mut sum = ChatAccumulator::new("p");
        chunks.iter().for_each(|chunk| sum.push(chunk));
        let answer = sum.finish();
        let mut letters: Vec<char> = answer.text().chars().collect();
        letters.sort_unstable();
        assert_eq!(letters, ['a', 'b', 'c', 'd']);
        assert_eq!(answer.tool_calls()[0].arguments, r#"{"x":1}"#);
    }
}

#[test]
fn a_stream_ends_properly_or_is_an_error() {
    let begin = json!({"type": "message_start", "message": {}});
    assert_eq!(decode(std::slice::from_ref(&begin)).1.unwrap_err().kind(), ErrorKind::Cut);
    let reason = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}});
    assert_eq!(decode(&[begin.clone(), reason]).1.unwrap_err().kind(), ErrorKind::Cut);
    for (kind, wanted) in [
        ("overloaded_error", ErrorKind::Overloaded),
        ("rate_limit_error", ErrorKind::RateLimited),
        ("api_error", ErrorKind::ProviderError),
        ("strange_error", ErrorKind::ProviderError),
    ] {
        let error = json!({"type": "error", "error": {"type": kind, "message": "no"}});
        let error = decode(&[begin.clone(), error]).1.unwrap_err();
        assert_eq!((error.kind(), error.message(), error.code()), (wanted, "no", Some(kind)));
    }
    assert_eq!(decode(&[json!([1])]).1.unwrap_err().kind(), ErrorKind::ProviderError);
}

/// What happens next in a stream: which kind of part begins, or which part goes on or ends.
#[derive(Clone, Debug)]
enum Op {
    Begin(u8),
    More(prop::sample::Index),
    Stop(prop::sample::Index),
    Used,
    Reason,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        2 => (0..4_u8).prop_map(Op::Begin),
        8 => any::<prop::sample::Index>().prop_map(Op::More),
        1 => any::<prop::sample::Index>().prop_map(Op::Stop),
        1 => Just(Op::Used),
        1 => Just(Op::Reason),
    ];
    prop::collection::vec(op, 0..60)
}

/// A part as the test makes it up.
struct Made {
    kind: u8,
    pieces: Vec<String>,
    stopped: bool,
}

proptest! {
    #[test]
    fn any_order_of_chunks_becomes_a_valid_stream_that_lost_nothing(
        ops in ops(),
        inputs in prop::collection::vec(prop::collection::vec("[a-z{}\\[\\]\"\\\\]{0,6}", 0..4), 60),
    ) {
        let mut parts: Vec<Made> = Vec::new();
        let mut rests: Vec<Vec<String>> = Vec::new();
        let mut chunks = Vec::new();
        let mut output = 0;
        for op in ops {
            match op {
                Op::Begin(kind) => {
                    let number = u32::try_from(parts.len()).unwrap();
                    // The text of an argument list, cut in pieces wherever it falls.
                    let words = &inputs[parts.len()];
                    let whole = json!({ "words": words }).to_string();
                    let pieces = whole.as_bytes().chunks(5).map(|piece| String::from_utf8(piece.to_vec()).unwrap());
                    rests.push(pieces.rev().collect());
                    chunks.push(match kind {
                        0 => start(number, Part::text("")),
                        1 => start(number, Reasoning::default()),
                        _ => start(number, call(&format!("c{number}"), "f")),
                    });
                    parts.push(Made { kind, pieces: Vec::new(), stopped: false });
                }
                Op::More(place) if !parts.is_empty() => {
                    let place = place.index(parts.len());
                    more(place, &mut parts, &mut rests, &mut chunks);
                }
                Op::Stop(place) if !parts.is_empty() => {
                    let place = place.index(parts.len());
                    let rest = &rests[place];
                    if !parts[place].stopped && (parts[place].kind < 2 || rest.is_empty()) {
                        parts[place].stopped = true;
                        chunks.push(chunk(u32::try_from(place).unwrap(), Change::Stop));
                    }
                }
                Op::Used => {
                    output += 3;
                    chunks.push(used(10, output));
                }
                Op::Reason => chunks.push(finish(FinishReason::Stop)),
                Op::More(_) | Op::Stop(_) => {}
            }
        }
        // What is still to come of the arguments comes in turns.
        for _ in 0..100 {
            for place in 0..parts.len() {
                if parts[place].kind > 1 && !rests[place].is_empty() {
                    more(place, &mut parts, &mut rests, &mut chunks);
                }
            }
        }
        let stream = written(&chunks);
        let message = read(&stream);
        let blocks = message["content"].as_array().unwrap();

        // Every piece of text and thought says whose it is, so that its order can be told.
        let mut said: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for block in blocks {
            let (kind, text) = match block["type"].as_str().unwrap() {
                "text" => (0, &block["text"]),
                "thinking" => (1, &block["thinking"]),
                _ => continue,
            };
            for piece in text.as_str().unwrap().split_terminator(';') {
                let place: usize = piece.split_once(':').unwrap().0.parse().unwrap();
                prop_assert_eq!(parts[place].kind, kind);
                said.entry(place).or_default().push(format!("{piece};"));
            }
        }
        let mut calls = blocks.iter().filter(|block| block["type"] == "tool_use");
        for (place, part) in parts.iter().enumerate() {
            if part.kind < 2 {
                prop_assert_eq!(said.remove(&place).unwrap_or_default(), part.pieces.clone());
            } else {
                let call = calls.next().unwrap();
                prop_assert_eq!(&call["id"], &json!(format!("c{place}")));
                prop_assert_eq!(&call["input"], &serde_json::from_str::<Value>(&part.pieces.concat()).unwrap());
            }
        }
        prop_assert!(calls.next().is_none());
        let wanted = if parts.iter().any(|part| part.kind > 1) { "tool_use" } else { "end_turn" };
        prop_assert_eq!(&message["stop_reason"], wanted);
        prop_assert_eq!(&message["usage"]["output_tokens"], output);
    }
}

/// One more piece of a part, unless it has ended.
fn more(place: usize, parts: &mut [Made], rests: &mut [Vec<String>], chunks: &mut Vec<ChatChunk>) {
    let part = &mut parts[place];
    if part.stopped {
        return;
    }
    let piece = match part.kind {
        0 | 1 => format!("{place}:{};", part.pieces.len()),
        _ => match rests[place].pop() {
            Some(piece) => piece,
            None => return,
        },
    };
    part.pieces.push(piece.clone());
    let change = match part.kind {
        0 => Change::Text(piece),
        1 => Change::Reasoning(piece),
        _ => Change::Arguments(piece),
    };
    chunks.push(chunk(u32::try_from(place).unwrap(), change));
}
