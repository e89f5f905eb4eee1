use std::collections::BTreeMap;

use llm_core::chat::{
    CacheControl, ChatRequest, Content, Effort, Media, MediaKind, MediaSource, Message, Part, Reasoning, Role, Tool,
    ToolCall, ToolResult, UnsupportedPolicy,
};
use llm_core::codec::{CacheMarkers, DocumentForm, Encoded, Quirks, Target};
use llm_core::{ErrorKind, Native, Protocol, Result};
use serde_json::{Map, Value, json};

fn encode(request: &ChatRequest, quirks: &Quirks, stream: bool) -> Result<Encoded> {
    let target = Target {
        provider: "host",
        model: "m",
        version: None,
        quirks,
        variables: &BTreeMap::new(),
        stream,
        max_output: None,
        id_seed: "seed",
    };
    super::encode(request, &target)
}

fn body(request: &ChatRequest, quirks: &Quirks) -> Value {
    serde_json::from_slice(&encode(request, quirks, false).unwrap().body).unwrap()
}

fn decode(body: &Value) -> ChatRequest {
    super::decode(body.to_string().as_bytes()).unwrap().0
}

fn ask(members: Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let (Some(all), Value::Object(members)) = (body.as_object_mut(), members) else { panic!("an object") };
    all.extend(members);
    body
}

#[test]
fn what_is_wrong_is_said_by_name() {
    let messages = |list: Value| json!({"model": "m", "messages": list});
    for (body, param) in [
        (json!({"messages": []}), "model"),
        (json!({"model": 5, "messages": []}), "model"),
        (json!({"model": "m"}), "messages"),
        (json!({"model": "m", "messages": null}), "messages"),
        (json!({"model": "m", "messages": []}), "messages"),
        (json!({"model": "m", "messages": "hi"}), "messages"),
        (messages(json!(["hi"])), "messages[0]"),
        (messages(json!([{"content": "hi"}])), "messages[0].role"),
        (messages(json!([{"role": "user"}])), "messages[0].content"),
        (messages(json!([{"role": "user", "content": null}])), "messages[0].content"),
        (messages(json!([{"role": "user", "content": 5}])), "messages[0].content"),
        (messages(json!([{"role": "assistant", "content": null}])), "messages[0].content"),
        (messages(json!([{"role": "user", "content": ["hi"]}])), "messages[0].content[0]"),
        (messages(json!([{"role": "user", "content": [{"text": "hi"}]}])), "messages[0].content[0].type"),
        (messages(json!([{"role": "user", "content": [{"type": "text"}]}])), "messages[0].content[0].text"),
        (
            messages(json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}])),
            "messages[0].content[0].image_url.url",
        ),
        (messages(json!([{"role": "tool", "content": "x"}])), "messages[0].tool_call_id"),
        (
            messages(json!([{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}])),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (ask(json!({"max_tokens": "10"})), "max_tokens"),
        (ask(json!({"max_completion_tokens": -1})), "max_completion_tokens"),
        (ask(json!({"temperature": "hot"})), "temperature"),
        (ask(json!({"stream": "yes"})), "stream"),
        (ask(json!({"stream_options": {"include_usage": 1}})), "stream_options.include_usage"),
        (ask(json!({"n": 0})), "n"),
        (ask(json!({"stop": [1]})), "stop"),
        (ask(json!({"tools": [{}]})), "tools[0].type"),
        (ask(json!({"tools": [{"type": "function"}]})), "tools[0].function"),
        (ask(json!({"tools": [{"type": "function", "function": {"name": 1}}]})), "tools[0].function.name"),
        (ask(json!({"response_format": {"type": "json_schema"}})), "response_format.json_schema"),
    ] {
        let error = super::decode(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(param)), "{body}: {error}");
        assert!(error.message().contains(param), "{error}");
    }
    for body in ["", "null", "[]", "{\"model\":", "\u{feff}{}"] {
        assert_eq!(super::decode(body.as_bytes()).unwrap_err().kind(), ErrorKind::InvalidRequest, "{body}");
    }
}

#[test]
fn a_request_is_written_as_it_was_read() {
    let body_in = ask(json!({
        "max_tokens": 5, "max_completion_tokens": null, "temperature": 1, "stop": "x", "seed": -3, "top_k": -1,
        "tool_choice": {"function": {"name": "f"}}, "response_format": {"type": "json_object", "schema": {}},
        "tools": [{"type": "web_search", "x": 1}, {"function": {"name": "f", "new": null}}],
        "reasoning_effort": "low", "thinking": {"type": "enabled", "clear": true}, "logprobs": 3, "user": null,
        "new": {"a": [1.5, null]}
    }));
    assert_eq!(body(&decode(&body_in), &Quirks::default()), body_in);
}

#[test]
fn tool_results_in_a_users_turn_come_first() {
    let result = ToolResult::new("t1", vec![Part::text("18"), Part::text("C")]);
    let request = ChatRequest::new("x")
        .message(Message::new(
            Role::Assistant,
            vec![
                Reasoning { text: "hm".to_owned(), ..Reasoning::default() }.into(),
                Part::text("Let "),
                Part::text("me."),
                ToolCall::new("t1", "f", "").into(),
            ],
        ))
        .user_parts(vec![Part::text("And?"), result.into()]);
    let want = json!([
        {"role": "assistant", "content": "Let me.", "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "t1", "content": [{"type": "text", "text": "18"}, {"type": "text", "text": "C"}]},
        {"role": "user", "content": "And?"}
    ]);
    assert_eq!(body(&request, &Quirks::default())["messages"], want);
}

#[test]
fn media_of_other_protocols_find_their_place() {
    let pdf = MediaSource::Base64 { media_type: "application/pdf".to_owned(), data: "JVBE".to_owned() };
    let wav = MediaSource::Base64 { media_type: "audio/mpeg".to_owned(), data: "UklG".to_owned() };
    let request = ChatRequest::new("x").user_parts(vec![
        Part::image_url("data:image/png;base64,AAAA"),
        Media::new(MediaKind::Document, pdf).into(),
        Media::new(MediaKind::Audio, wav).into(),
    ]);
    let want = json!([
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "document.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}}
    ]);
    assert_eq!(body(&request, &Quirks::default())["messages"][0]["content"], want);
    let bare = Quirks { documents: DocumentForm::FileUrl, ..Quirks::default() };
    assert_eq!(
        body(&request, &bare)["messages"][0]["content"][1],
        json!({"type": "file_url", "file_url": {"url": "JVBE"}})
    );
}

#[test]
fn what_has_no_place_is_refused_by_name_or_dropped_and_told() {
    let foreign = Native::new(Protocol::Anthropic, Map::from_iter([("type".to_owned(), json!("web_search"))]));
    let at_url = Media::new(MediaKind::Document, MediaSource::Url { url: "https://a.example/x.pdf".to_owned() });
    let unknown = Content::Unknown { protocol: Protocol::Anthropic, value: json!({}) };
    let mut with_top_k = ChatRequest::new("x").user("hi");
    with_top_k.top_k = Some(5);
    let mut with_budget = ChatRequest::new("x").user("hi");
    with_budget.reasoning.get_or_insert_default().budget_tokens = Some(5);
    let refusing = Quirks { refuse: ["top_k".to_owned()].into(), ..Quirks::default() };
    for (mut request, param) in [
        (ChatRequest::new("x").user_parts(vec![Part::text("a"), at_url.into()]), "messages[0].content[1]"),
        (ChatRequest::new("x").message(Message::new(Role::Assistant, vec![unknown.into()])), "messages[0].content[0]"),
        (ChatRequest::new("x").user("hi").tool(Tool::Provider { native: foreign }), "tools[0]"),
        (ChatRequest::new("x").user_parts(vec![Part::text("a").cached()]), "cache_control"),
        (with_budget, "thinking.budget_tokens"),
        (with_top_k, "top_k"),
    ] {
        let error = encode(&request, &refusing, false).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::UnsupportedParameter, Some(param)));
        request.unsupported = UnsupportedPolicy::Drop;
        assert_eq!(encode(&request, &refusing, false).unwrap().dropped, [param]);
    }
}

#[test]
fn cache_markers_are_written_as_the_row_takes_them() {
    let hour = CacheControl { ttl: Some("1h".to_owned()), ..CacheControl::default() };
    let mut request = ChatRequest::new("x").user_parts(vec![Part { cache: Some(hour), ..Part::text("a") }]);
    let part = |request: &ChatRequest, cache_markers| {
        body(request, &Quirks { cache_markers, ..Quirks::default() })["messages"][0]["content"][0].clone()
    };
    assert_eq!(
        part(&request, CacheMarkers::CacheControl),
        json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}})
    );
    request.messages[0].parts[0].cache = Some(CacheControl::default());
    assert_eq!(
        part(&request, CacheMarkers::Breakpoint),
        json!({"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}})
    );
}

#[test]
fn signatures_go_to_nobody_else() {
    let thought = |provider: &str| Reasoning {
        text: "hm".to_owned(),
        signature: Some("sig".to_owned()),
        provider: Some(provider.to_owned()),
        ..Reasoning::default()
    };
    let request = |provider| {
        ChatRequest::new("x").message(Message::new(Role::Assistant, vec![thought(provider).into(), Part::text("a")]))
    };
    let details = Quirks { reasoning_details: true, ..Quirks::default() };
    let own = body(&request("host"), &details);
    assert_eq!(
        own["messages"][0]["reasoning_details"],
        json!([{"type": "reasoning.text", "text": "hm", "signature": "sig"}])
    );
    let other = body(&request("anthropic"), &details);
    assert_eq!(other["messages"][0]["reasoning_details"], json!([{"type": "reasoning.text", "text": "hm"}]));
    let plain = Quirks { replay_reasoning: true, reasoning_field: Some("reasoning".to_owned()), ..Quirks::default() };
    assert_eq!(body(&request("host"), &plain)["messages"][0]["reasoning"], "hm");
    assert_eq!(body(&request("host"), &Quirks::default())["messages"][0], json!({"role": "assistant", "content": "a"}));
}

#[test]
fn thinking_is_asked_for_as_the_row_wants_it() {
    let with = |effort| ChatRequest::new("x").user("hi").effort(effort);
    let object = Quirks { reasoning_object: true, ..Quirks::default() };
    assert_eq!(body(&with(Effort::High), &object)["reasoning"], json!({"effort": "high"}));
    let switch = Quirks { thinking_object: true, ..Quirks::default() };
    let off = body(&with(Effort::None), &switch);
    assert_eq!((&off["thinking"], off.get("reasoning_effort")), (&json!({"type": "disabled"}), None));
    let budget = decode(&ask(json!({"thinking": {"type": "enabled", "budget_tokens": 9}})));
    assert_eq!(body(&budget, &object)["reasoning"], json!({"max_tokens": 9}));
    let takes_it = Quirks { thinking_budget: true, ..Quirks::default() };
    assert_eq!(body(&budget, &takes_it)["thinking"], json!({"type": "enabled", "budget_tokens": 9}));
}

#[test]
fn usage_is_asked_for_in_streams_unless_the_row_can_not() {
    let request = ChatRequest::new("x").user("hi").max_tokens(7);
    let streamed =
        |quirks: &Quirks| -> Value { serde_json::from_slice(&encode(&request, quirks, true).unwrap().body).unwrap() };
    let usual = streamed(&Quirks::default());
    assert_eq!((&usual["stream"], &usual["stream_options"]), (&json!(true), &json!({"include_usage": true})));
    assert_eq!(usual["max_completion_tokens"], 7);
    let renamed = BTreeMap::from_iter([("max_completion_tokens".to_owned(), "max_tokens".to_owned())]);
    let odd = streamed(&Quirks { no_stream_options: true, rename: renamed, ..Quirks::default() });
    assert_eq!((odd.get("stream_options"), &odd["max_tokens"]), (None, &json!(7)));
}

#[test]
fn pictures_of_an_earlier_turn_go_on_as_they_stood() {
    let asked = json!({"model": "m", "messages": [
        {"role": "user", "content": "draw"},
        {"role": "assistant", "content": "", "images": [
            {"type": "image_url", "index": 0, "image_url": {"url": "data:image/png;base64,AA=="}}
        ]},
        {"role": "user", "content": "larger"}
    ]});
    let request = decode(&asked);
    assert!(matches!(request.messages[1].parts[0].content, Content::Media(_)));
    assert_eq!(body(&request, &Quirks::default()), asked);
}
