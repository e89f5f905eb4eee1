use llm_core::chat::{
    ChatAnswer, Choice, Citation, Content, FinishReason, Message, Part, Reasoning, Role, ServerToolCall, ToolCall,
};
use llm_core::codec::{AnswerContext, DecodeContext, ResponseHead};
use llm_core::{ErrorKind, Meter, Native, Protocol, Usage};
use serde_json::{Value, json};

fn cx() -> AnswerContext {
    AnswerContext { model: "fast".to_owned(), id_seed: "seed".to_owned(), created: 77, ..AnswerContext::default() }
}

fn decode(cx: &DecodeContext, body: &Value) -> llm_core::Result<ChatAnswer> {
    super::decode(cx, &ResponseHead::default(), body.to_string().as_bytes())
}

fn encode(answer: &ChatAnswer) -> Value {
    serde_json::from_slice(&super::encode(&cx(), answer).unwrap()).unwrap()
}

fn foreign(parts: Vec<Part>, finish_reason: Option<FinishReason>) -> ChatAnswer {
    let mut message = Message::new(Role::Assistant, parts);
    message.native = Native::new(Protocol::Anthropic, serde_json::Map::new());
    ChatAnswer {
        choices: vec![Choice { index: 0, message, finish_reason, logprobs: None, native: Native::NONE }],
        usage: Some(Usage::default().with(Meter::Input, 3).with(Meter::Output, 2)),
        ..ChatAnswer::default()
    }
}

#[test]
fn an_answer_of_another_protocol_has_all_that_sdks_need() {
    let thought = Reasoning {
        text: "hm".to_owned(),
        signature: Some("sig".to_owned()),
        provider: Some("anthropic".to_owned()),
        ..Reasoning::default()
    };
    let cited = Citation { url: Some("https://a.example".to_owned()), ..Citation::default() };
    let call = ToolCall::new("t1", "f", "");
    let answer = foreign(
        vec![
            thought.into(),
            Content::Text { text: "Hé".to_owned(), citations: vec![cited, Citation::default()] }.into(),
            ServerToolCall::default().into(),
            Content::Unknown { protocol: Protocol::Anthropic, value: json!({"type": "new"}) }.into(),
            call.into(),
        ],
        Some(FinishReason::ToolCalls),
    );
    let want = json!({
        "id": "chatcmpl-seed", "object": "chat.completion", "created": 77, "model": "fast",
        "choices": [{
            "index": 0, "logprobs": null, "finish_reason": "tool_calls",
            "message": {
                "role": "assistant", "content": "Hé", "refusal": null,
                "reasoning_content": "hm", "reasoning": "hm",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "hm", "signature": "sig", "provider": "anthropic", "index": 0}
                ],
                "annotations": [{
                    "type": "url_citation",
                    "url_citation": {"url": "https://a.example", "title": "", "start_index": 0, "end_index": 2}
                }],
                "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
            }
        }],
        "usage": {
            "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0, "audio_tokens": 0,
                "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0
            }
        }
    });
    assert_eq!(encode(&answer), want);
}

#[test]
fn finish_reasons_of_other_protocols_are_ones_that_sdks_know() {
    for (reason, word) in [
        (Some(FinishReason::StopSequence), "stop"),
        (Some(FinishReason::Refusal), "content_filter"),
        (Some(FinishReason::Unknown("new".to_owned())), "stop"),
        (None, "stop"),
    ] {
        assert_eq!(encode(&foreign(vec![Part::text("x")], reason))["choices"][0]["finish_reason"], word);
    }
}

#[test]
fn what_came_in_this_protocol_is_written_as_it_was() {
    let body = json!({
        "id": "", "created": 1.5, "new": [null], "model": "m",
        "choices": [{
            "message": {"content": [{"type": "text", "text": "a", "x": 1}, {"type": "odd"}], "tool_calls": [
                {"function": {"name": "f", "arguments": {"a": 1}}}, "odd", {"id": "", "function": {"arguments": ""}}
            ]},
            "finish_reason": "function_call"
        }],
        "usage": null
    });
    let answer = decode(&DecodeContext::default(), &body).unwrap();
    assert_eq!(answer.text(), "a");
    assert_eq!(answer.finish_reason(), Some(&FinishReason::ToolCalls));
    assert_eq!(answer.tool_calls()[0].arguments, r#"{"a":1}"#);
    assert_ne!(answer.tool_calls()[0].id, answer.tool_calls()[1].id, "calls without an id are given one each");
    assert_eq!(encode(&answer), body);
}

#[test]
fn a_changed_answer_is_written_as_it_is_now() {
    let body = json!({"id": "a", "choices": [{"index": 0, "message": {"role": "assistant", "content": "secret"}, "finish_reason": "eos"}]});
    let mut answer = decode(&DecodeContext::default(), &body).unwrap();
    answer.choices[0].message.parts = vec![Part::text("[removed]")];
    answer.choices[0].finish_reason = Some(FinishReason::ContentFilter);
    let written = encode(&answer);
    assert_eq!(written["choices"][0]["message"]["content"], "[removed]");
    assert_eq!(written["choices"][0]["finish_reason"], "content_filter");
}

#[test]
fn thoughts_between_tags_are_told_apart() {
    let cx = DecodeContext { think_tags: true, ..DecodeContext::default() };
    let body =
        json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes"}}]});
    let answer = decode(&cx, &body).unwrap();
    assert_eq!((answer.reasoning().as_str(), answer.text().as_str()), ("\nhm\n", "\n\nYes"));
    assert_eq!(encode(&answer), body);
    let plain = decode(&DecodeContext::default(), &body).unwrap();
    assert_eq!(plain.reasoning(), "");
}

#[test]
fn reasoning_in_two_places_is_one_thought() {
    let body = json!({"choices": [{"index": 0, "message": {
        "role": "assistant", "content": "x", "reasoning": "ab", "reasoning_content": "other",
        "reasoning_details": [
            {"type": "reasoning.summary", "summary": "a", "index": 0}, {"type": "reasoning.text", "text": "b", "signature": "s"}
        ]
    }}]});
    let cx = DecodeContext { provider: "host".to_owned(), ..DecodeContext::default() };
    let answer = decode(&cx, &body).unwrap();
    assert_eq!(answer.reasoning(), "ab");
    assert_eq!(encode(&answer), body);
}

#[test]
fn pictures_stand_in_a_member_of_their_own() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
    let answer = foreign(vec![Part::image_url("data:image/png;base64,AA==")], Some(FinishReason::Stop));
    let message = &encode(&answer)["choices"][0]["message"];
    assert_eq!((&message["content"], &message["images"]), (&Value::Null, &json!([picture])));

    let body = json!({"choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "", "images": [{"index": 0, "image_url": {"url": "https://a/b.png"}}, {"odd": null}, picture]
    }}]});
    let answer = decode(&DecodeContext::default(), &body).unwrap();
    assert!(matches!(&answer.choices[0].message.parts[..], [one, two] if [one, two].iter().all(|part| {
        matches!(part.content, Content::Media(_))
    })));
    assert_eq!(encode(&answer), body);
}

#[test]
fn sources_beside_the_choices_are_citations_of_the_text() {
    let cited = json!({"type": "url_citation", "url_citation": {"url": "https://c", "title": "C"}});
    let body = json!({
        "id": "x", "citations": ["https://a", "https://b", "https://c"],
        "search_results": [{"title": "A", "url": "https://a"}, {"title": "", "url": "https://b"}],
        "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": "See [1].", "annotations": [cited]
        }}]
    });
    let answer = decode(&DecodeContext::default(), &body).unwrap();
    let Content::Text { citations, .. } = &answer.choices[0].message.parts[0].content else { panic!() };
    let said: Vec<_> = citations.iter().map(|one| (one.url.as_deref().unwrap(), one.title.as_deref())).collect();
    assert_eq!(said, [("https://c", Some("C")), ("https://a", Some("A")), ("https://b", None)]);
    assert_eq!(encode(&answer), body);
}

#[test]
fn what_is_no_answer_is_an_error() {
    let cx = DecodeContext { provider: "host".to_owned(), ..DecodeContext::default() };
    let failed = decode(&cx, &json!({"error": {"message": "overloaded", "code": 503}})).unwrap_err();
    assert_eq!((failed.kind(), failed.message()), (ErrorKind::Overloaded, "overloaded"));
    assert_eq!(decode(&cx, &json!({"id": "x"})).unwrap_err().kind(), ErrorKind::ProviderError);
    let html = super::decode(&cx, &ResponseHead::default(), b"<html>10.0.0.7</html>").unwrap_err();
    assert_eq!(html.kind(), ErrorKind::ProviderError);
    assert!(!html.message().contains("10.0.0.7"));
}
