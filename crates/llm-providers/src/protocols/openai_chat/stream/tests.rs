use llm_core::chat::{
    Change, ChatAccumulator, ChatAnswer, ChatChunk, ChunkChoice, Citation, Content, Delta, FinishReason, Media,
    MediaKind, MediaSource, Part, Reasoning, Role, ServerToolCall, ToolCall,
};
use llm_core::codec::{AnswerContext, DecodeContext, Frame, StreamDecoder, StreamEncoder, Trailer};
use llm_core::{Error, ErrorKind, Meter, Native, Protocol, Result, Usage};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Decoder, Encoder};

fn read(cx: &DecodeContext, events: &[Value]) -> Result<Vec<ChatChunk>> {
    let mut decoder = Decoder::new(cx.clone());
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

fn cx() -> DecodeContext {
    DecodeContext { provider: "host".to_owned(), id_seed: "s".to_owned(), ..DecodeContext::default() }
}

fn asked(include_usage: bool) -> AnswerContext {
    AnswerContext {
        model: "fast".to_owned(),
        stream: true,
        include_usage,
        id_seed: "s".to_owned(),
        created: 7,
        ..AnswerContext::default()
    }
}

fn write(cx: AnswerContext, chunks: &[ChatChunk]) -> Vec<Value> {
    let mut encoder = Encoder::new(cx);
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| encoder.encode(chunk, &mut out).unwrap());
    encoder.finish(&Trailer::default(), &mut out);
    events(&out)
}

fn events(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    assert!(text.ends_with("\n\n"), "the last event is whole");
    let payload = |event: &str| event.strip_prefix("data: ").unwrap().to_owned();
    text.split_terminator("\n\n")
        .map(|e| serde_json::from_str(&payload(e)).unwrap_or_else(|_| payload(e).into()))
        .collect()
}

fn delta(delta: Value) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]})
}

fn end(reason: &str) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

proptest! {
    /// Calls whose arguments are cut anywhere and interleaved anyhow come together again, and the events are the same.
    #[test]
    fn pieces_of_calls_come_together(
        texts in prop::collection::vec("[{}\":a-zé ]{0,12}", 1..4),
        order in prop::collection::vec((0_usize..4, 1_usize..5), 0..24),
        with_index: bool,
        said in "[a-z]{0,6}",
    ) {
        // Without an index only the last call can go on.
        let mut left: Vec<Vec<char>> = texts.iter().map(|text| text.chars().collect()).collect();
        let mut begun = vec![false; texts.len()];
        let mut events = vec![delta(json!({"role": "assistant", "content": said}))];
        let mut piece = |events: &mut Vec<Value>, which: usize, length: usize| {
            let length = length.min(left[which].len());
            let arguments: String = left[which].drain(..length).collect();
            let mut call = json!({"function": {"arguments": arguments}});
            if with_index {
                call["index"] = json!(which);
            }
            if !std::mem::replace(&mut begun[which], true) {
                call["id"] = json!(format!("id{which}"));
                call["type"] = json!("function");
                call["function"]["name"] = json!(format!("f{which}"));
            }
            events.push(delta(json!({"tool_calls": [call]})));
        };
        if with_index {
            for which in 0..texts.len() {
                piece(&mut events, which, 0);
            }
            for (which, length) in order {
                piece(&mut events, which % texts.len(), length);
            }
        }
        for (which, text) in texts.iter().enumerate() {
            piece(&mut events, which, 2);
            piece(&mut events, which, text.chars().count());
        }
        events.push(end("tool_calls"));
        events.push("[DONE]".into());
        let chunks = read(&cx(), &events).unwrap();
        let answer = sum(&chunks);
        let calls: Vec<_> = answer.tool_calls().into_iter().map(|c| (c.id.clone(), c.name.clone(), c.arguments.clone())).collect();
        let want: Vec<_> = texts.iter().enumerate().map(|(i, text)| (format!("id{i}"), format!("f{i}"), text.clone())).collect();
        prop_assert_eq!(calls, want);
        prop_assert_eq!(answer.text(), said);
        prop_assert_eq!(write(asked(true), &chunks), events);
    }

    /// Members that nobody knows survive at every level.
    #[test]
    fn unknown_members_survive(name in "x_[a-z]{1,4}", value in prop_oneof![Just(json!(null)), any::<i64>().prop_map(|n| json!(n)), ".{0,4}".prop_map(|t| json!({"a": [t]}))]) {
        let mut event = delta(json!({
            "content": "a", "reasoning": "b", "refusal": "c",
            "tool_calls": [{"index": 0, "id": "i", "function": {"name": "f", "arguments": "{}"}}],
            "reasoning_details": [{"type": "reasoning.text", "text": "b"}]
        }));
        event["usage"] = json!({"prompt_tokens": 1});
        for place in ["", "/choices/0", "/choices/0/delta", "/choices/0/delta/tool_calls/0", "/choices/0/delta/tool_calls/0/function", "/choices/0/delta/reasoning_details/0", "/usage"] {
            event.pointer_mut(place).unwrap()[&name] = value.clone();
        }
        let events = [event, end("new_reason"), "[DONE]".into()];
        let chunks = read(&cx(), &events).unwrap();
        prop_assert_eq!(write(asked(true), &chunks), events);
        let answer = sum(&chunks);
        prop_assert_eq!(answer.finish_reason(), Some(&FinishReason::Unknown("new_reason".to_owned())));
    }
}

#[test]
fn a_cut_stream_never_looks_whole() {
    let hello = delta(json!({"content": "Hello"}));
    let other = json!({"choices": [{"index": 1, "delta": {"content": "x"}}]});
    let kind = |cx: &DecodeContext, events: &[Value]| read(cx, events).map_err(|error: Error| error.kind()).err();
    let lenient = DecodeContext { no_done: true, ..cx() };
    for (events, strictly, leniently) in [
        (vec![], Some(ErrorKind::Cut), Some(ErrorKind::Cut)),
        (vec![hello.clone()], Some(ErrorKind::Cut), Some(ErrorKind::Cut)),
        (vec![hello.clone(), end("stop")], Some(ErrorKind::Cut), None),
        (vec![hello.clone(), other, end("stop")], Some(ErrorKind::Cut), Some(ErrorKind::Cut)),
        // Snowflake gives no reason, but an end.
        (vec![hello.clone(), "[DONE]".into()], None, None),
    ] {
        assert_eq!(kind(&cx(), &events), strictly, "{events:?}");
        assert_eq!(kind(&lenient, &events), leniently, "{events:?}");
    }
}

#[test]
fn a_failure_in_the_middle_is_an_error() {
    let failure = json!({"error": {"message": "gone", "code": 502}, "choices": [{"index": 0, "delta": {}}]});
    let error = read(&cx(), &[delta(json!({"content": "a"})), failure]).unwrap_err();
    assert_eq!((error.kind(), error.message(), error.provider()), (ErrorKind::ProviderError, "gone", Some("host")));
    let mut decoder = Decoder::new(cx());
    let named = Frame { event: "error", data: br#"{"message":"tool failed"}"#, is_error: false };
    assert_eq!(decoder.decode(&named, &mut Vec::new()).unwrap_err().message(), "tool failed");
    let broken = Frame::data(b"<html>");
    assert_eq!(decoder.decode(&broken, &mut Vec::new()).unwrap_err().kind(), ErrorKind::ProviderError);
}

#[test]
fn usage_is_found_wherever_it_stands() {
    let usage = |tokens: u64| json!({"prompt_tokens": tokens, "completion_tokens": 1});
    let mut own_event = json!({"choices": []});
    own_event["usage"] = usage(5);
    let mut beside = end("stop");
    beside["usage"] = usage(5);
    let mut groq = end("stop");
    groq["x_groq"] = json!({"usage": usage(5)});
    let mut running = delta(json!({"content": "a"}));
    running["usage"] = usage(3);
    for events in [vec![end("stop"), own_event], vec![beside.clone()], vec![groq], vec![running, beside]] {
        let all = [events, vec!["[DONE]".into()]].concat();
        let chunks = read(&cx(), &all).unwrap();
        assert_eq!(sum(&chunks).usage().get(Meter::Input), 5, "{all:?}");
        assert_eq!(write(asked(true), &chunks), all);
    }
}

#[test]
fn usage_that_nobody_asked_for_is_not_shown() {
    let events = [end("stop"), json!({"choices": [], "usage": {"prompt_tokens": 5}}), "[DONE]".into()];
    let chunks = read(&cx(), &events).unwrap();
    assert_eq!(write(asked(false), &chunks), [events[0].clone(), events[2].clone()]);
}

#[test]
fn thoughts_keep_text_signature_and_place() {
    let detail = |detail: Value| delta(json!({"reasoning_details": [detail]}));
    let events = [
        delta(json!({"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]})),
        detail(json!({"type": "reasoning.text", "text": "b", "index": 0, "format": "x"})),
        detail(json!({"type": "reasoning.text", "signature": "s", "index": 0})),
        detail(json!({"type": "reasoning.encrypted", "data": "d", "index": 1})),
        end("stop"),
        "[DONE]".into(),
    ];
    let chunks = read(&cx(), &events).unwrap();
    let answer = sum(&chunks);
    let parts = &answer.message().unwrap().parts;
    let thoughts: Vec<_> = parts
        .iter()
        .map(|part| match &part.content {
            Content::Reasoning(r) => (r.text.as_str(), r.signature.as_deref(), r.encrypted.as_deref()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(thoughts, [("ab", Some("s"), None), ("", None, Some("d"))]);
    assert_eq!(write(asked(true), &chunks), events);
}

#[test]
fn tags_in_pieces_are_thoughts_and_the_events_stay() {
    let cx = DecodeContext { think_tags: true, ..cx() };
    let pieces = ["<thi", "nk>", "hm", " 1 < 2</th", "ink>", "Yes", "."];
    let mut events: Vec<Value> = pieces.iter().map(|text| delta(json!({"content": text}))).collect();
    events.extend([end("stop"), "[DONE]".into()]);
    let chunks = read(&cx, &events).unwrap();
    let answer = sum(&chunks);
    assert_eq!((answer.reasoning().as_str(), answer.text().as_str()), ("hm 1 < 2", "Yes."));
    assert_eq!(write(asked(true), &chunks), events);
}

fn foreign(deltas: Vec<Delta>, finish_reason: Option<FinishReason>) -> ChatChunk {
    let choice = ChunkChoice { deltas, finish_reason, role: Some(Role::Assistant), ..ChunkChoice::default() };
    let native = Native::new(Protocol::Anthropic, serde_json::Map::new());
    ChatChunk { choices: vec![choice], native, ..ChatChunk::default() }
}

#[test]
fn a_stream_of_another_protocol_is_one_that_sdks_read() {
    let thought = Reasoning { provider: Some("p".to_owned()), ..Reasoning::default() };
    let call = |id: &str| Part::from(ToolCall::new(id, "f", ""));
    let cited = Citation { url: Some("https://a.example".to_owned()), ..Citation::default() };
    let chunks = [
        ChatChunk {
            id: Some("msg_1".to_owned()),
            usage: Some(Usage::default().with(Meter::Input, 4)),
            ..foreign(vec![], None)
        },
        foreign(vec![Delta::new(0, Change::Start(thought.into()))], None),
        foreign(vec![Delta::new(0, Change::Reasoning("hm".to_owned()))], None),
        foreign(vec![Delta::new(0, Change::Signature("sig".to_owned())), Delta::new(0, Change::Stop)], None),
        foreign(vec![Delta::new(1, Change::Start(ServerToolCall::default().into()))], None),
        foreign(vec![Delta::new(1, Change::Arguments("{}".to_owned()))], None),
        foreign(vec![Delta::new(2, Change::Start(Part::text("")))], None),
        foreign(vec![Delta::new(2, Change::Text("Hi".to_owned())), Delta::new(2, Change::Citation(cited))], None),
        foreign(vec![Delta::new(3, Change::Start(call("a")))], None),
        foreign(vec![Delta::new(3, Change::Arguments("{\"x\":1}".to_owned())), Delta::new(3, Change::Stop)], None),
        foreign(vec![Delta::new(4, Change::Start(call("b"))), Delta::new(4, Change::Stop)], None),
        ChatChunk {
            usage: Some(Usage::default().with(Meter::Input, 4).with(Meter::Output, 9)),
            ..foreign(vec![], Some(FinishReason::ToolCalls))
        },
    ];
    let events = write(asked(true), &chunks);
    let (last, chunks_written) = events.split_last().unwrap();
    assert_eq!(last, "[DONE]");
    let (usage, chunks_written) = chunks_written.split_last().unwrap();
    assert_eq!((&usage["choices"], &usage["usage"]["total_tokens"]), (&json!([]), &json!(13)));
    for event in chunks_written {
        assert_eq!((&event["id"], &event["object"]), (&json!("msg_1"), &json!("chat.completion.chunk")));
        assert_eq!((&event["model"], &event["created"]), (&json!("fast"), &json!(7)));
        assert!(event.get("usage").is_some_and(Value::is_null), "{event}");
    }
    let deltas: Vec<&Value> = chunks_written.iter().map(|event| &event["choices"][0]["delta"]).collect();
    let detail = |name: &str, text: &str| json!([{"type": "reasoning.text", "index": 0, name: text, "provider": "p"}]);
    let piece =
        |index: u64, arguments: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]});
    let begun = |index: u64, id: &str| json!({"index": index, "id": id, "type": "function", "function": {"name": "f", "arguments": ""}});
    assert_eq!(
        deltas,
        [
            &json!({"role": "assistant", "content": ""}),
            &json!({"reasoning_content": "hm", "reasoning": "hm", "reasoning_details": detail("text", "hm")}),
            &json!({"reasoning_details": detail("signature", "sig")}),
            &json!({"content": "Hi", "annotations": [{"type": "url_citation", "url_citation": {
                "url": "https://a.example", "title": "", "start_index": 0, "end_index": 2
            }}]}),
            &json!({"tool_calls": [begun(0, "a")]}),
            &piece(0, "{\"x\":1}"),
            &json!({"tool_calls": [begun(1, "b"), {"index": 1, "function": {"arguments": "{}"}}]}),
            &json!({}),
        ]
    );
    assert_eq!(chunks_written.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn a_piece_of_text_is_written_as_any_other_event() {
    let text = |text: &str| Delta::new(0, Change::Text(text.to_owned()));
    let begun = foreign(vec![Delta::new(0, Change::Start(Part::text("")))], None);
    for include_usage in [true, false] {
        let tier = ChatChunk { service_tier: Some("flex".to_owned()), ..begun.clone() };
        // Two changes take the long way.
        let short = write(asked(include_usage), &[tier.clone(), foreign(vec![text("a\"é")], None)]);
        let long = write(asked(include_usage), &[tier, foreign(vec![text("a\""), text("é")], None)]);
        assert_eq!(short, long);
        assert_eq!(short[1]["choices"][0]["delta"], json!({"content": "a\"é"}));
    }
}

#[test]
fn an_error_after_the_first_byte_is_told_and_nothing_looks_whole() {
    let mut encoder = Encoder::new(asked(true));
    let mut out = Vec::new();
    encoder.encode(&foreign(vec![Delta::new(0, Change::Start(Part::text("a")))], None), &mut out).unwrap();
    encoder.error(&Error::new(ErrorKind::Overloaded, "too much to do"), &mut out);
    let events = events(&out);
    assert_eq!(events.len(), 2);
    assert_eq!(
        events[1],
        json!({"error": {"message": "too much to do", "type": "server_error", "param": null, "code": "overloaded"}})
    );
}

#[test]
fn pictures_reach_callers_of_every_protocol_and_the_events_stay() {
    let picture = |n: u32, data: &str| json!({"type": "image_url", "index": n, "image_url": {"url": format!("data:image/png;base64,{data}"), "x": 1}});
    let events = [
        delta(
            json!({"role": "assistant", "content": "Here", "images": [picture(0, "AA=="), "odd", picture(1, "BB==")]}),
        ),
        delta(json!({"content": "", "images": [picture(2, "CC==")]})),
        end("stop"),
        json!("[DONE]"),
    ];
    let chunks = read(&cx(), &events).unwrap();
    assert_eq!(write(asked(true), &chunks), events);
    let parts = &sum(&chunks).choices[0].message.parts;
    let data = |part: &Part| match &part.content {
        Content::Media(Media { kind: MediaKind::Image, source: MediaSource::Base64 { data, .. }, .. }) => data.clone(),
        _ => String::new(),
    };
    assert_eq!(parts.iter().map(data).collect::<Vec<_>>(), ["", "AA==", "BB==", "CC=="]);
}

#[test]
fn pictures_of_another_protocol_are_told_whole() {
    let picture = |data: &str| {
        let source = MediaSource::Base64 { media_type: "image/png".to_owned(), data: data.to_owned() };
        Change::Start(Media::new(MediaKind::Image, source).into())
    };
    let written = write(
        asked(false),
        &[
            foreign(vec![Delta::new(0, picture("AA==")), Delta::new(0, Change::Stop)], None),
            foreign(vec![Delta::new(1, picture("")), Delta::new(1, Change::Data("BB".to_owned()))], None),
            foreign(vec![Delta::new(1, Change::Data("==".to_owned()))], None),
            foreign(vec![], Some(FinishReason::Stop)),
        ],
    );
    let told: Vec<&Value> =
        written.iter().filter_map(|event| event["choices"][0]["delta"].get("images")?.as_array()).flatten().collect();
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    assert_eq!(told, [&image("data:image/png;base64,AA=="), &image("data:image/png;base64,BB==")]);
}

#[test]
fn sources_that_every_event_repeats_are_cited_once() {
    let event = |delta: Value, reason: Value| {
        json!({
            "id": "c", "object": "chat.completion.chunk", "citations": ["https://a", "https://b", 5],
            "search_results": [{"title": "A", "url": "https://a", "date": "2026-01-01"}],
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]
        })
    };
    let events = [
        event(json!({"role": "assistant", "content": "One[1]"}), Value::Null),
        event(json!({"content": " two"}), Value::Null),
        event(json!({"content": ""}), json!("stop")),
        json!({"id": "c", "object": "chat.completion.chunk", "citations": ["https://late", "https://a"], "choices": []}),
        json!("[DONE]"),
    ];
    let chunks = read(&cx(), &events).unwrap();
    assert_eq!(write(asked(true), &chunks), events);
    let Content::Text { text, citations } = &sum(&chunks).choices[0].message.parts[0].content.clone() else { panic!() };
    let said: Vec<_> = citations.iter().map(|one| (one.url.as_deref().unwrap(), one.title.as_deref())).collect();
    assert_eq!(text, "One[1] two");
    assert_eq!(said, [("https://a", Some("A")), ("https://b", None), ("https://late", None)]);
}
