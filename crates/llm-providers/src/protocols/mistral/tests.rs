use std::collections::BTreeMap;

use llm_core::chat::{
    ChatRequest, Content, Media, MediaKind, MediaSource, Part, Reasoning, Role, ToolChoice, UnsupportedPolicy,
};
use llm_core::codec::{
    AnswerContext, DecodeContext, Downstream, Encoded, Frame, Quirks, RequestHead, ResponseHead, Target, Trailer,
    Upstream,
};
use llm_core::{ChatAccumulator, ErrorKind, Message, Result};
use serde_json::{Value, json};

use super::super::openai_chat::OpenAiChat;
use super::Mistral;

fn encode(request: &ChatRequest) -> Result<Encoded> {
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "mistral",
        model: "m",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "s",
    };
    Mistral.encode_request(request, &target)
}

fn sent(request: &ChatRequest) -> Value {
    serde_json::from_slice(&encode(request).expect("sent").body).expect("JSON")
}

fn cx() -> DecodeContext {
    DecodeContext { provider: "mistral".to_owned(), id_seed: "s".to_owned(), ..DecodeContext::default() }
}

#[test]
fn a_request_of_this_protocol_is_written_as_it_was() {
    for choice in ["any", "required", "auto"] {
        let body = json!({
            "model": "m", "random_seed": 7, "max_tokens": 5, "safe_prompt": false, "prompt_cache_key": "k",
            "tool_choice": choice, "stop": null,
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "look"},
                    {"type": "document_url", "document_url": "https://example.com/a.pdf"},
                    {"type": "input_audio", "input_audio": "UklGRg=="}]},
                {"role": "assistant", "prefix": false, "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "ok"}]},
            ],
        });
        let (request, _) = Mistral.decode_request(&RequestHead::default(), body.to_string().as_bytes()).expect("read");
        assert_eq!(request.seed, Some(7));
        assert_eq!(sent(&request), body);
    }
}

#[test]
fn other_callers_are_heard_in_mistrals_words() {
    let media = |kind, media_type: &str| {
        let source = MediaSource::Base64 { media_type: media_type.to_owned(), data: "AAAA".to_owned() };
        Part::from(Media::new(kind, source))
    };
    let mut request = ChatRequest::new("m")
        .message(Message::text(Role::Developer, "be brief"))
        .user_parts(vec![
            Part::text("hear"),
            media(MediaKind::Audio, "audio/wav"),
            media(MediaKind::Document, "application/pdf"),
        ])
        .tool_choice(ToolChoice::Required)
        .max_tokens(9);
    request.seed = Some(3);
    let body = sent(&request);
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["messages"][1]["content"][1], json!({"type": "input_audio", "input_audio": "AAAA"}));
    let document = json!({"type": "document_url", "document_url": "data:application/pdf;base64,AAAA"});
    assert_eq!(body["messages"][1]["content"][2], document);
    assert_eq!(
        (&body["tool_choice"], &body["random_seed"], &body["max_tokens"]),
        (&json!("any"), &json!(3), &json!(9))
    );
}

fn of_chat(body: &Value) -> ChatRequest {
    OpenAiChat.decode_request(&RequestHead::default(), body.to_string().as_bytes()).expect("read").0
}

#[test]
fn messages_that_openais_sdk_sends_back_are_cut_to_what_mistral_knows() {
    let request = of_chat(&json!({"model": "m", "messages": [
        {"role": "user", "content": "hi", "name": null},
        {"role": "assistant", "content": "ho", "refusal": null, "annotations": [], "audio": null, "function_call": null,
            "tool_calls": null, "prefix": false},
        {"role": "assistant", "content": null, "refusal": "no", "annotations": [{"type": "url_citation"}],
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "name": "f", "content": "1"},
        {"role": "assistant", "content": null, "refusal": "never"},
        {"role": "user", "content": "on"},
    ], "tools": [{"type": "function", "function": {"name": "f"}}]}));
    let body = sent(&request);
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "ho", "prefix": false},
            {"role": "assistant", "content": "no", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "name": "f", "content": "1"},
            {"role": "assistant", "content": "never"},
            {"role": "user", "content": "on"},
        ])
    );
    assert_eq!(body["tools"][0]["function"], json!({"name": "f", "parameters": {"type": "object", "properties": {}}}));
}

#[test]
fn what_mistral_lacks_is_refused_by_name_or_dropped_and_told() {
    let hi = json!([{"role": "user", "content": "hi", "name": "ann"}]);
    for (body, param) in [
        (json!({"model": "m", "messages": hi}), "messages[0].name"),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "service_tier": "flex"}),
            "service_tier",
        ),
    ] {
        let mut request = of_chat(&body);
        let error = encode(&request).expect_err("refused");
        assert_eq!((error.kind(), error.param()), (ErrorKind::UnsupportedParameter, Some(param)));
        request.unsupported = UnsupportedPolicy::Drop;
        let encoded = encode(&request).expect("sent");
        assert_eq!(encoded.dropped, [param]);
        let body: Value = serde_json::from_slice(&encoded.body).expect("JSON");
        assert_eq!(body, json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}));
    }
    for (tier, word) in [("auto", "auto"), ("default", "standard_only"), ("standard_only", "standard_only")] {
        let request =
            of_chat(&json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "service_tier": tier}));
        assert_eq!(sent(&request)["service_tier"], word);
    }
}

#[test]
fn thoughts_go_back_as_parts_and_signatures_to_their_maker_only() {
    let thought = |provider: &str| Reasoning {
        text: "hm".to_owned(),
        signature: Some("sig".to_owned()),
        provider: Some(provider.to_owned()),
        ..Reasoning::default()
    };
    let said = |provider| {
        let parts = vec![thought(provider).into(), Part::text("ok")];
        sent(&ChatRequest::new("m").user("x").message(Message::new(Role::Assistant, parts)))
    };
    let own = json!([{"type": "thinking", "signature": "sig", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "ok"}]);
    assert_eq!(said("mistral")["messages"][1]["content"], own);
    assert_eq!(said("anthropic")["messages"][1]["content"][0].get("signature"), None);
}

#[test]
fn an_answer_that_thinks_is_understood_and_written_again() {
    let content = json!([
        {"type": "thinking", "thinking": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "closed": true},
        {"type": "text", "text": "yes"},
        {"type": "reference", "reference_ids": [1]},
    ]);
    let body = json!({"id": "1", "object": "chat.completion", "model": "m", "created": 1, "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, "tool_calls": null}}]});
    let answer = Mistral.decode_answer(&cx(), &ResponseHead::default(), body.to_string().as_bytes()).expect("read");
    assert_eq!((answer.text().as_str(), answer.reasoning().as_str()), ("yes", "ab"));
    let again = Mistral.encode_answer(&AnswerContext::default(), &answer).expect("written");
    assert_eq!(serde_json::from_slice::<Value>(&again).expect("JSON"), body);
    // Callers of OpenAI's protocol see one text.
    let told = OpenAiChat.encode_answer(&AnswerContext::default(), &answer).expect("written");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    let message = &told["choices"][0]["message"];
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("yes"), &json!("ab")));
    // And what the client sends back is what it got.
    let request = ChatRequest::new("m").user("x").message(answer.choices[0].message.clone());
    assert_eq!(sent(&request)["messages"][1]["content"], body["choices"][0]["message"]["content"]);
}

fn decode(deltas: &[Value]) -> (Vec<llm_core::ChatChunk>, Vec<Value>) {
    let mut decoder = Mistral.decode_stream(&cx());
    let mut chunks = Vec::new();
    let mut events: Vec<Value> = deltas
        .iter()
        .map(|delta| json!({"id": "1", "p": "abc", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
        .collect();
    let end = json!({"id": "1", "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "num_cached_tokens": 4}});
    events.push(end);
    for event in &events {
        let data = event.to_string();
        decoder.decode(&Frame::data(data.as_bytes()), &mut chunks).expect("read");
    }
    decoder.decode(&Frame::data(b"[DONE]"), &mut chunks).expect("read");
    decoder.finish(&mut chunks).expect("whole");
    (chunks, events)
}

#[test]
fn content_turns_from_text_into_list_and_back() {
    let thinks = |text: &str| json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]});
    let (chunks, events) = decode(&[
        json!({"role": "assistant", "content": ""}),
        thinks("h"),
        thinks("m"),
        json!({"content": "ye"}),
        json!({"content": [{"type": "text", "text": "s"}]}),
        json!({"tool_calls": [{"id": "abcdefghi", "function": {"name": "f", "arguments": "{}"}}]}),
    ]);
    let mut sum = ChatAccumulator::new("mistral");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    let answer = sum.answer();
    assert_eq!((answer.text().as_str(), answer.reasoning().as_str()), ("yes", "hm"));
    assert_eq!(answer.tool_calls()[0].id, "abcdefghi");
    assert_eq!(answer.usage().get(llm_core::Meter::CacheRead), 4);
    let mut encoder = Mistral.encode_stream(&AnswerContext::default());
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| encoder.encode(chunk, &mut out).expect("written"));
    encoder.finish(&Trailer::default(), &mut out);
    let text = String::from_utf8(out).expect("text");
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(lines.last(), Some(&"[DONE]"));
    let again: Vec<Value> =
        lines[..lines.len() - 1].iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(again, events);
}

#[test]
fn both_shapes_of_errors_are_read() {
    let read = |status: u16, body: Value| {
        let head = ResponseHead { status: http::StatusCode::from_u16(status).expect("status"), ..Default::default() };
        Mistral.decode_error(&cx(), &head, body.to_string().as_bytes())
    };
    let error = read(401, json!({"detail": "Unauthorized"}));
    assert_eq!((error.kind(), error.message()), (ErrorKind::ProviderAuth, "Unauthorized"));
    let error = read(
        400,
        json!({"object": "error", "message": "no", "type": "invalid_request_invalid_args",
        "param": null, "code": "3051", "raw_status_code": 400}),
    );
    assert_eq!((error.kind(), error.message(), error.code()), (ErrorKind::InvalidRequest, "no", Some("3051")));
    let told: Value = serde_json::from_slice(&Mistral.encode_error(&error).body).expect("JSON");
    assert_eq!((&told["object"], &told["message"]), (&json!("error"), &json!("no")));
}

#[test]
fn unknown_parts_of_callers_of_openai_pass() {
    let body = json!({"model": "m", "prompt_cache_key": "k", "messages":
        [{"role": "user", "content": [{"type": "document_url", "document_url": "https://example.com/a.pdf"}]}]});
    let (request, _) = OpenAiChat.decode_request(&RequestHead::default(), body.to_string().as_bytes()).expect("read");
    assert!(matches!(request.messages[0].parts[0].content, Content::Unknown { .. }));
    assert_eq!(sent(&request), body);
}
