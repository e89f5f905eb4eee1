use std::collections::BTreeMap;

use llm_core::chat::{
    ChatRequest, Content, Effort, Media, MediaKind, MediaSource, Message, Part, Reasoning, ReasoningOptions, Role,
    Tool, ToolCall, ToolChoice, UnsupportedPolicy,
};
use llm_core::codec::{CacheMarkers, Encoded, Quirks, Target};
use llm_core::{Error, ErrorKind, Native, Protocol};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn target(quirks: &Quirks, stream: bool) -> Target<'_> {
    static VARIABLES: BTreeMap<String, String> = BTreeMap::new();
    Target {
        provider: "openai",
        model: "gpt",
        version: None,
        quirks,
        variables: &VARIABLES,
        stream,
        max_output: None,
        id_seed: "seed",
    }
}

fn write(request: &ChatRequest) -> Result<Encoded, Error> {
    encode(request, &target(&Quirks::default(), false))
}

fn body(request: &ChatRequest) -> Value {
    serde_json::from_slice(&write(request).unwrap().body).unwrap()
}

fn again(value: &Value) -> Value {
    let (request, cx) = decode(value.to_string().as_bytes()).unwrap();
    let encoded = encode(&request, &target(&Quirks::default(), cx.stream)).unwrap();
    serde_json::from_slice(&encoded.body).unwrap()
}

/// A request with everything in it.
fn everything() -> Value {
    json!({
        "model": "gpt",
        "instructions": "be brief",
        "input": [
            {"role": "user", "content": "Hello"},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "x"}]},
            {"role": "user", "content": [
                {"type": "input_text", "text": "look", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
                {"type": "input_image", "file_id": "file-1", "image_url": null},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"},
                {"type": "input_file", "file_url": "https://example.com/a.pdf"},
                {"type": "input_file", "file_data": "bare"},
                {"type": "input_new", "z": 1}
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}],
                "encrypted_content": "gAAA", "status": null},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "final", "content": [
                {"type": "output_text", "text": "Hi", "logprobs": [], "annotations": [
                    {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2},
                    {"type": "file_citation", "file_id": "f", "filename": "n", "index": 1}
                ]},
                {"type": "refusal", "refusal": "no"}
            ]},
            {"role": "assistant", "content": "bare"},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{\"a\": 1}"},
            {"type": "custom_tool_call", "call_id": "call_2", "name": "g", "input": "free text"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
            {"type": "function_call_output", "call_id": "call_1", "output": "{}"},
            {"type": "custom_tool_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "y"}]},
            {"type": "mcp_approval_response", "approve": true, "approval_request_id": "r"},
            {"role": "assistant", "content": [], "id": "msg_2"},
            {"type": "item_reference", "id": "msg_3"}
        ],
        "tools": [
            {"type": "function", "name": "f", "description": null, "parameters": {"type": "object"}, "x": 1},
            {"type": "custom", "name": "g", "format": {"type": "text"}},
            {"type": "web_search", "user_location": null}
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []},
        "parallel_tool_calls": true,
        "max_output_tokens": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_logprobs": 2,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs", "file_search_call.results"],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true, "y": 2},
            "verbosity": "low"},
        "reasoning": {"effort": "high", "summary": "auto"},
        "truncation": "disabled",
        "store": true,
        "stream": false,
        "user": "u",
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "previous_response_id": "resp_1",
        "prompt_cache_key": "k",
        "conversation": null
    })
}

#[test]
fn a_request_of_this_protocol_is_written_as_it_came() {
    let request = everything();
    assert_eq!(again(&request), request);
    for odd in [
        json!({"model": "gpt", "input": "Hello"}),
        json!({"model": "gpt", "input": []}),
        json!({"model": "gpt", "prompt": {"id": "p"}}),
        json!({"model": "gpt", "input": "x", "include": [], "tools": [], "reasoning": {}, "text": {}}),
        json!({"model": "gpt", "input": "x", "tool_choice": {"type": "function", "name": "f"}, "truncation": "auto"}),
        json!({"model": "gpt", "input": [{"role": "critic", "content": ""}], "stream": true}),
    ] {
        assert_eq!(again(&odd), odd);
    }
}

#[test]
fn the_models_items_are_one_turn() {
    let (request, cx) = decode(everything().to_string().as_bytes()).unwrap();
    let roles: Vec<&str> = request.messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "developer", "user", "assistant", "tool", "tool", "tool", "assistant"]);
    let calls: Vec<_> = request.messages[4]
        .parts
        .iter()
        .filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some((call.id.as_str(), call.arguments.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(calls, [("call_1", "{\"a\": 1}"), ("call_2", "free text")]);
    assert_eq!((request.max_tokens, request.logprobs, request.top_logprobs), (Some(100), Some(true), Some(2)));
    assert_eq!(request.reasoning.unwrap().effort, Some(Effort::High));
    assert!(cx.include_usage && !cx.stream);
}

#[test]
fn what_is_wrong_is_said_by_name() {
    for (body, param) in [
        (json!({"input": "x"}), "model"),
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": 1}), "input"),
        (json!({"model": "m", "input": [{"role": "user"}]}), "input[0].content"),
        (json!({"model": "m", "input": [{"content": "x"}]}), "input[0].role"),
        (json!({"model": "m", "input": [{"type": "function_call", "name": "f"}]}), "input[0].call_id"),
        (json!({"model": "m", "input": [{"role": "user", "content": [{"text": "x"}]}]}), "input[0].content[0].type"),
        (json!({"model": "m", "input": "x", "tools": [{"name": "f"}]}), "tools[0].type"),
        (json!({"model": "m", "input": "x", "max_output_tokens": "9"}), "max_output_tokens"),
        (json!({"model": "m", "input": "x", "include": "all"}), "include"),
    ] {
        let error = decode(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(param)), "{body}");
    }
}

#[test]
fn a_request_of_another_protocol_is_written_in_full() {
    let call = ToolCall::new("c", "f", "");
    let document = Media::new(MediaKind::Document, MediaSource::from_url("data:application/pdf;base64,AA".to_owned()));
    let request = ChatRequest::new("openai:gpt")
        .system("one")
        .system("two")
        .user_parts(vec![Part::text("see"), Part::image_url("https://a.example/x.png"), Part::from(document)])
        .message(Message::new(Role::Assistant, vec![Part::text("Hm"), Part::from(call)]))
        .tool_result("c", "18")
        .tool(Tool::function("f", "does", json!({"type": "object"})))
        .tool_choice(ToolChoice::Function("f".to_owned()))
        .max_tokens(9)
        .effort(Effort::Low);
    assert_eq!(
        body(&request),
        json!({
            "model": "gpt",
            "instructions": "one\n\ntwo",
            "input": [
                {"role": "user", "content": [
                    {"type": "input_text", "text": "see"},
                    {"type": "input_image", "image_url": "https://a.example/x.png", "detail": "auto"},
                    {"type": "input_file", "file_data": "data:application/pdf;base64,AA", "filename": "document.pdf"}
                ]},
                {"role": "assistant", "content": "Hm"},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "18"}
            ],
            "tools": [
                {"type": "function", "name": "f", "description": "does", "parameters": {"type": "object"}, "strict": false}
            ],
            "tool_choice": {"type": "function", "name": "f"},
            "max_output_tokens": 9,
            "reasoning": {"effort": "low"}
        })
    );
}

#[test]
fn thoughts_go_back_to_whom_they_came_from() {
    let thought = |provider: &str| {
        Part::from(Reasoning {
            text: "hm".to_owned(),
            encrypted: Some("gAAA".to_owned()),
            id: Some("rs_1".to_owned()),
            provider: Some(provider.to_owned()),
            ..Reasoning::default()
        })
    };
    let request = ChatRequest::new("m")
        .user("x")
        .message(Message::new(Role::Assistant, vec![thought("openai"), thought("other"), Part::text("y")]));
    let sent = body(&request);
    assert_eq!(
        sent["input"][1],
        json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "gAAA"})
    );
    assert_eq!(sent["input"][2], json!({"role": "assistant", "content": "y"}));
    assert_eq!((&sent["store"], &sent["include"]), (&json!(false), &json!(["reasoning.encrypted_content"])));
}

#[test]
fn what_the_protocol_lacks_is_refused_by_name_or_reported() {
    let ask = || ChatRequest::new("m").user("x");
    let budget = ReasoningOptions { budget_tokens: Some(9), ..ReasoningOptions::default() };
    let sound = Media::new(MediaKind::Audio, MediaSource::from_url("data:audio/wav;base64,AA".to_owned()));
    let marked = Part::text("x").cached();
    let foreign = Tool::Provider { native: Native::new(Protocol::Anthropic, serde_json::Map::new()) };
    for (request, param) in [
        (ChatRequest { stop: vec!["x".to_owned()], ..ask() }, "stop"),
        (ChatRequest { seed: Some(1), ..ask() }, "seed"),
        (ChatRequest { n: Some(2), ..ask() }, "n"),
        (ChatRequest { top_k: Some(2), ..ask() }, "top_k"),
        (ChatRequest { presence_penalty: Some(0.5), ..ask() }, "presence_penalty"),
        (ChatRequest { frequency_penalty: Some(0.5), ..ask() }, "frequency_penalty"),
        (ChatRequest { reasoning: Some(budget), ..ask() }, "thinking.budget_tokens"),
        (ask().user_parts(vec![sound.into()]), "messages[1].content[0]"),
        (ask().user_parts(vec![marked]), "cache_control"),
        (ask().tool(foreign), "tools[0]"),
    ] {
        let error = write(&request).unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::UnsupportedParameter, Some(param)));
        let lenient = ChatRequest { unsupported: UnsupportedPolicy::Drop, ..request };
        assert_eq!(write(&lenient).unwrap().dropped, [param]);
    }
    // These ask for nothing.
    assert!(write(&ChatRequest { n: Some(1), presence_penalty: Some(0.0), ..ask() }).is_ok());
}

#[test]
fn cache_markers_are_written_where_the_row_takes_them() {
    let quirks = Quirks { cache_markers: CacheMarkers::Breakpoint, ..Quirks::default() };
    let request =
        ChatRequest::new("m").message(Message::new(Role::System, vec![Part::text("long").cached()])).user("x");
    let sent: Value = serde_json::from_slice(&encode(&request, &target(&quirks, true)).unwrap().body).unwrap();
    let marked = json!({"type": "input_text", "text": "long", "prompt_cache_breakpoint": {"mode": "explicit"}});
    assert_eq!(sent["input"][0], json!({"role": "system", "content": [marked]}));
    assert_eq!(sent["stream"], true);
}

#[test]
fn what_only_this_protocol_has_is_refused_elsewhere() {
    let to_chat = |body: Value| {
        let (request, _) = decode(body.to_string().as_bytes()).unwrap();
        let codec = crate::protocols::chat(Protocol::OpenAiChat).unwrap();
        codec.encode_request(&request, &target(&Quirks::default(), false))
    };
    let mut body = json!({"model": "m", "input": "x", "truncation": "disabled", "store": false, "background": false,
        "include": ["reasoning.encrypted_content"], "stream": true, "previous_response_id": null});
    to_chat(body.clone()).unwrap();
    for (name, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!({"id": "c"})),
        ("background", json!(true)),
        ("truncation", json!("auto")),
    ] {
        let before = std::mem::replace(&mut body[name], value);
        assert_eq!(to_chat(body.clone()).unwrap_err().param(), Some(name));
        body[name] = before;
    }
}

proptest! {
    /// Members that nobody knows survive at every level.
    #[test]
    fn unknown_members_survive(
        name in "x_[a-z]{1,4}",
        value in prop_oneof![Just(json!(null)), any::<i64>().prop_map(|n| json!(n)), ".{0,4}".prop_map(|t| json!({"a": [t]}))],
    ) {
        let mut request = everything();
        for place in [
            "", "/input/0", "/input/2", "/input/2/content/0", "/input/2/content/1", "/input/3", "/input/4",
            "/input/4/content/0", "/input/4/content/1", "/input/4/content/0/annotations/0", "/input/6", "/input/7",
            "/input/8", "/input/9", "/input/10", "/input/10/output/0", "/tools/0", "/tools/1", "/text", "/text/format",
            "/reasoning",
        ] {
            request.pointer_mut(place).unwrap()[&name] = value.clone();
        }
        prop_assert_eq!(again(&request), request);
    }

    /// No body makes the reader panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = decode(&bytes);
    }
}
