use llm_core::chat::ToolChoice;
use serde_json::json;

use super::super::request::decode;
use super::*;

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}, "strict": false})
}

fn asked() -> (ChatRequest, Grouped) {
    let body = json!({
        "model": "m",
        "tools": [function("shell"), {"type": "namespace", "name": "agents", "tools": [function("spawn"), function("wait")]}],
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [
                {"type": "namespace", "name": "mcp__files__", "tools": [function("read")]}, function("clock")]},
            {"role": "user", "content": "Hello"},
            {"type": "function_call", "call_id": "c1", "namespace": "agents", "name": "spawn", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "done"}
        ]
    });
    let (request, cx) = decode(body.to_string().as_bytes()).unwrap();
    (request, cx.grouped)
}

#[test]
fn groups_are_dissolved_for_others_and_calls_go_by_the_same_names() {
    let (request, grouped) = asked();
    let dissolved = dissolved(&request).unwrap().unwrap();
    let name = |tool: &Tool| match tool {
        Tool::Function { name, .. } => name.clone(),
        other => panic!("{other:?}"),
    };
    let names: Vec<String> = dissolved.tools.iter().map(name).collect();
    assert_eq!(names, ["shell", "agents__spawn", "agents__wait", "mcp__files__read", "clock"]);
    let parts: Vec<&Part> = dissolved.messages.iter().flat_map(|message| &message.parts).collect();
    let calls: Vec<&str> = parts
        .iter()
        .filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!((calls, parts.len(), dissolved.messages.len()), (vec!["agents__spawn"], 3, 3));
    let mut item = json!({"type": "function_call", "call_id": "c2", "name": "mcp__files__read", "arguments": "{}"});
    regroup(&mut item, &grouped);
    assert_eq!((&item["namespace"], &item["name"]), (&json!("mcp__files__"), &json!("read")));
    let mut item = json!({"type": "function_call", "call_id": "c2", "name": "shell"});
    regroup(&mut item, &grouped);
    assert_eq!(item["namespace"], Value::Null);
}

#[test]
fn a_request_without_groups_is_left_as_it_is() {
    let request = ChatRequest { tool_choice: Some(ToolChoice::Auto), ..ChatRequest::new("m").user("Hello") };
    assert_eq!(dissolved(&request).unwrap(), None);
}

#[test]
fn long_names_are_short_enough_and_differ() {
    let group = "g".repeat(60);
    let (one, other) = (flat(&group, "first_tool"), flat(&group, "first_toil"));
    assert_eq!((one.len(), other.len()), (64, 64));
    assert_ne!(one, other);
    assert_eq!(flat("", "exec"), "exec");
}

#[test]
fn a_tool_that_is_wrong_within_a_group_is_named() {
    let group = json!({"type": "namespace", "name": "agents", "tools": [{"type": "function"}]});
    let body = json!({"model": "m", "input": "x", "tools": [group]});
    let (request, _) = decode(body.to_string().as_bytes()).unwrap();
    let error = dissolved(&request).unwrap_err();
    assert_eq!(error.param(), Some("tools[0].tools[0].name"));
}
