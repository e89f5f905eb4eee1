use llm_core::chat::{
    ChatRequest, Content, Effort, MediaSource, Part, ReasoningOptions, ResponseFormat, Role, Tool, ToolChoice,
};
use llm_core::codec::{AnswerContext, RequestHead};
use llm_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::decode;

fn body(members: Value) -> Value {
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn decoded(members: Value) -> (ChatRequest, AnswerContext) {
    decode(&RequestHead::default(), body(members).to_string().as_bytes()).unwrap()
}

fn refused(members: Value) -> Error {
    decode(&RequestHead::default(), body(members).to_string().as_bytes()).unwrap_err()
}

fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

#[test]
fn what_is_wrong_is_said_by_name() {
    let block = |block: Value| user(json!([{"type": "text", "text": "a"}, block]));
    let tool = |tool: Value| json!({"tools": [tool]});
    for (members, param) in [
        (json!({"model": null}), "model"),
        (json!({"model": 3}), "model"),
        (json!({"max_tokens": null}), "max_tokens"),
        (json!({"max_tokens": "9"}), "max_tokens"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"messages": null}), "messages"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": {}}), "messages"),
        (json!({"messages": ["hi"]}), "messages[0]"),
        (json!({"messages": [{"content": "hi"}]}), "messages[0].role"),
        (json!({"messages": [{"role": 1, "content": "hi"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "tool", "content": "hi"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (user(Value::Null), "messages[0].content"),
        (user(json!(7)), "messages[0].content"),
        (user(json!(["hi"])), "messages[0].content[0]"),
        (block(json!({})), "messages[0].content[1].type"),
        (block(json!({"type": 5})), "messages[0].content[1].type"),
        (block(json!({"type": "text"})), "messages[0].content[1].text"),
        (block(json!({"type": "text", "text": null})), "messages[0].content[1].text"),
        (block(json!({"type": "text", "text": "a", "citations": "b"})), "messages[0].content[1].citations"),
        (block(json!({"type": "text", "text": "a", "cache_control": true})), "messages[0].content[1].cache_control"),
        (block(json!({"type": "image"})), "messages[0].content[1].source"),
        (block(json!({"type": "image", "source": "x"})), "messages[0].content[1].source"),
        (block(json!({"type": "tool_use", "id": "a", "name": "b"})), "messages[0].content[1].input"),
        (block(json!({"type": "tool_use", "id": "a", "name": "b", "input": "{}"})), "messages[0].content[1].input"),
        (block(json!({"type": "tool_use", "name": "b", "input": {}})), "messages[0].content[1].id"),
        (block(json!({"type": "tool_result"})), "messages[0].content[1].tool_use_id"),
        (block(json!({"type": "tool_result", "tool_use_id": "a", "content": 1})), "messages[0].content[1].content"),
        (
            block(json!({"type": "tool_result", "tool_use_id": "a", "content": [{}]})),
            "messages[0].content[1].content[0].type",
        ),
        (
            block(json!({"type": "tool_result", "tool_use_id": "a", "is_error": "no"})),
            "messages[0].content[1].is_error",
        ),
        (block(json!({"type": "thinking"})), "messages[0].content[1].thinking"),
        (json!({"system": 5}), "system"),
        (json!({"system": ["a"]}), "system[0]"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"top_k": 1.5}), "top_k"),
        (json!({"stream": "yes"}), "stream"),
        (json!({"stop_sequences": "END"}), "stop_sequences"),
        (json!({"stop_sequences": ["END", 1]}), "stop_sequences[1]"),
        (json!({"tools": {}}), "tools"),
        (tool(json!("f")), "tools[0]"),
        (tool(json!({})), "tools[0].name"),
        (tool(json!({"type": 1})), "tools[0].type"),
        (tool(json!({"name": "f", "input_schema": []})), "tools[0].input_schema"),
        (tool(json!({"name": "f", "cache_control": "x"})), "tools[0].cache_control"),
        (json!({"tool_choice": "auto"}), "tool_choice"),
        (json!({"tool_choice": {}}), "tool_choice.type"),
        (json!({"tool_choice": {"type": "tool"}}), "tool_choice.name"),
        (json!({"thinking": true}), "thinking"),
        (json!({"thinking": {}}), "thinking.type"),
        (json!({"thinking": {"type": "enabled", "budget_tokens": "many"}}), "thinking.budget_tokens"),
        (json!({"output_config": []}), "output_config"),
        (json!({"output_config": {"effort": 3}}), "output_config.effort"),
        (json!({"metadata": "me"}), "metadata"),
        (json!({"metadata": {"user_id": 5}}), "metadata.user_id"),
        (json!({"service_tier": 1}), "service_tier"),
    ] {
        let error = refused(members.clone());
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(param)), "{members}: {error}");
        assert!(error.message().contains(&format!("`{param}`")), "{error}");
    }
    for body in ["", "null", "[1]", "{\"model\":"] {
        let error = decode(&RequestHead::default(), body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{body}");
    }
}

#[test]
fn what_is_said_is_understood() {
    let (request, cx) = decoded(json!({
        "system": "be brief",
        "temperature": 1, "top_p": 0.5, "top_k": 7, "stop_sequences": ["END"],
        "stream": true, "service_tier": "auto",
        "metadata": {"user_id": "u"},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"effort": "xhigh", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": true}, {"type": "bash_20250124", "name": "bash"}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
    }));
    assert_eq!((cx.model.as_str(), cx.stream, cx.include_usage), ("m", true, true));
    let roles: Vec<_> = request.messages.iter().map(|message| message.role.clone()).collect();
    assert_eq!(roles, [Role::System, Role::User]);
    assert_eq!(request.messages[0].parts, [Part::text("be brief")]);
    assert_eq!((request.temperature, request.top_p, request.top_k), (Some(1.0), Some(0.5), Some(7)));
    assert_eq!((request.stop.as_slice(), request.user.as_deref()), (&["END".to_owned()][..], Some("u")));
    let Some(ReasoningOptions { effort, budget_tokens, enabled, .. }) = request.reasoning else { panic!() };
    assert_eq!((effort, budget_tokens, enabled), (Some(Effort::XHigh), Some(2000), Some(true)));
    let Some(ResponseFormat::JsonSchema { name, schema, .. }) = &request.response_format else { panic!() };
    assert_eq!((name.is_empty(), schema), (false, &json!({"type": "object"})));
    assert!(matches!(&request.tools[..], [Tool::Function { strict: Some(true), .. }, Tool::Provider { .. }]));
    assert_eq!((&request.tool_choice, request.parallel_tool_calls), (&Some(ToolChoice::Required), Some(false)));
}

#[test]
fn results_of_tools_become_messages_of_their_own() {
    let (request, _) = decoded(user(json!([
        {"type": "tool_result", "tool_use_id": "a", "content": "x"},
        {"type": "tool_result", "tool_use_id": "b", "is_error": true},
        {"type": "text", "text": "go on"},
        {"type": "tool_result", "tool_use_id": "c", "content": ""},
    ])));
    let said: Vec<_> = request.messages.iter().map(|message| (message.role.clone(), message.parts.len())).collect();
    assert_eq!(said, [(Role::Tool, 2), (Role::User, 1), (Role::Tool, 1)]);
    let Content::ToolResult(result) = &request.messages[0].parts[1].content else { panic!() };
    assert_eq!((result.call_id.as_str(), result.is_error, result.content.len()), ("b", Some(true), 0));
}

#[test]
fn blocks_become_parts() {
    let (request, _) = decoded(json!({"messages": [{"role": "assistant", "content": [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "thinking", "thinking": "u", "signature": ""},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "tool_use", "id": "i", "name": "n", "input": {"b": 1, "a": [2]}},
        {"type": "document", "title": "t", "source": {"type": "text", "media_type": "text/plain", "data": "x"}},
        {"type": "server_tool_use", "id": "i", "name": "n", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "i", "content": []},
        {"type": "image", "source": {"type": "future"}},
        {"type": "future"},
    ]}]}));
    let contents: Vec<_> = request.messages[0].parts.iter().map(|part| &part.content).collect();
    let [
        Content::Reasoning(signed),
        Content::Reasoning(unsigned),
        Content::Reasoning(hidden),
        Content::ToolCall(call),
        Content::Media(document),
        Content::ServerToolCall(_),
        Content::ServerToolResult(_),
        Content::Unknown { .. },
        Content::Unknown { .. },
    ] = contents[..]
    else {
        panic!("{contents:?}")
    };
    assert_eq!((signed.text.as_str(), signed.signature.as_deref(), &signed.provider), ("t", Some("s"), &None));
    assert_eq!((unsigned.signature.as_deref(), hidden.encrypted.as_deref()), (None, Some("d")));
    assert_eq!(call.arguments, r#"{"b":1,"a":[2]}"#);
    assert_eq!(document.name.as_deref(), Some("t"));
    assert!(matches!(&document.source, MediaSource::Text { text, .. } if text == "x"));
}

#[test]
fn the_version_and_betas_of_the_caller_are_kept() {
    let mut head = RequestHead::default();
    head.headers.insert("anthropic-version", "2023-06-01".parse().unwrap());
    head.headers.append("anthropic-beta", "one".parse().unwrap());
    head.headers.append("anthropic-beta", "two,three".parse().unwrap());
    let (request, cx) = decode(&head, body(json!({})).to_string().as_bytes()).unwrap();
    assert_eq!(cx.version.as_deref(), Some("2023-06-01"));
    assert_eq!(request.native.get(super::ME, "anthropic-beta"), Some(&json!("one,two,three")));
}
