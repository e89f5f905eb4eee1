use std::collections::BTreeMap;

use llm_core::chat::{ChatRequest, Content, Effort, Part, Reasoning, Role, Tool, ToolCall, ToolChoice};
use llm_core::codec::{Quirks, Target};
use llm_core::{Error, Message};
use serde_json::{Value, json};

use super::{decode, encode};

fn sent(request: &ChatRequest) -> Result<Value, Error> {
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "cohere",
        model: "command-a",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "s",
    };
    encode(request, &target).map(|encoded| serde_json::from_slice(&encoded.body).expect("JSON"))
}

fn refused(request: &ChatRequest) -> String {
    sent(request).expect_err("refused").param().unwrap_or_default().to_owned()
}

#[test]
fn a_request_of_this_protocol_is_written_as_it_was() {
    let body = json!({
        "model": "command-a", "stream": false, "safety_mode": "NONE", "documents": [{"id": "d", "data": {"text": "t"}}],
        "messages": [
            {"role": "system", "content": "be brief", "odd": null},
            {"role": "user", "content": [{"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}]},
            {"role": "assistant", "tool_plan": "I will look.", "tool_calls":
                [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}]},
            {"role": "tool", "tool_call_id": "a", "content":
                [{"type": "document", "document": {"id": "1", "data": {"output": "5"}}}]},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": "REQUIRED", "strict_tools": true, "max_tokens": 5, "p": 0.5, "k": 3, "seed": 1,
        "stop_sequences": ["END"], "frequency_penalty": 0.25, "logprobs": true,
        "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
        "thinking": {"type": "enabled", "token_budget": 64},
    });
    let (request, _) = decode(body.to_string().as_bytes()).expect("read");
    assert_eq!((request.top_p, request.top_k, request.stop.len()), (Some(0.5), Some(3), 1));
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    assert_eq!(sent(&request).expect("written"), body);
}

#[test]
fn what_is_said_beside_calls_is_the_plan() {
    let call = ToolCall::new("a", "f", "");
    let thought = Reasoning { text: "hm".to_owned(), ..Reasoning::default() };
    let said = Message::new(Role::Assistant, vec![thought.into(), Part::text("Let me see."), call.into()]);
    let request = ChatRequest::new("m").user("hello").message(said).tool_result("a", "5");
    let body = sent(&request).expect("sent");
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let want = json!([
        {"role": "user", "content": "hello"},
        {"role": "assistant", "tool_plan": "Let me see.", "content": [{"type": "thinking", "thinking": "hm"}],
            "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "5"},
    ]);
    assert_eq!(body["messages"], want);
}

#[test]
fn what_it_has_no_word_for_is_refused_by_name() {
    let request = || ChatRequest::new("m").user("hello");
    assert_eq!(refused(&request().effort(Effort::High)), "reasoning_effort");
    assert_eq!(refused(&request().tool_choice(ToolChoice::Function("f".to_owned()))), "tool_choice");
    assert_eq!(refused(&ChatRequest { n: Some(2), ..request() }), "n");
    assert_eq!(refused(&ChatRequest { user: Some("u".to_owned()), ..request() }), "user");
    let marked = ChatRequest::new("m").user_parts(vec![Part::text("long").cached()]);
    assert_eq!(refused(&marked), "cache_control");
    let unknown = Content::Unknown { protocol: llm_core::Protocol::Anthropic, value: json!({}) };
    assert_eq!(refused(&ChatRequest::new("m").user_parts(vec![unknown.into()])), "messages[0].content[0]");
}

#[test]
fn strictness_is_for_all_tools_or_none() {
    let tool = |strict| match Tool::function("f", "does", json!({"type": "object"})) {
        Tool::Function { name, description, parameters, cache, native, .. } => {
            Tool::Function { name, description, parameters, strict, cache, native }
        }
        other => other,
    };
    let all = ChatRequest::new("m").user("x").tool(tool(Some(true))).tool(tool(Some(true)));
    assert_eq!(sent(&all).expect("sent")["strict_tools"], true);
    let some = ChatRequest::new("m").user("x").tool(tool(Some(true))).tool(tool(None));
    assert_eq!(refused(&some), "tools.strict");
}

#[test]
fn probabilities_of_other_tokens_are_told_to_be_missing() {
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "cohere",
        model: "m",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "s",
    };
    let request =
        ChatRequest { logprobs: Some(true), top_logprobs: Some(3), ..ChatRequest::new("m").user("yes or no?") };
    assert_eq!(encode(&request, &target).expect("sent").dropped, ["top_logprobs"]);
}
