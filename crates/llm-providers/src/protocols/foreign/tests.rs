use llm_core::ErrorKind;
use llm_core::codec::{Chat, Encoded, Quirks, RequestHead, Target};
use serde_json::{Value, json};

use super::*;
use crate::protocols;

const OTHERS: [Protocol; 8] = [
    Protocol::OpenAiChat,
    Protocol::OpenAiResponses,
    Protocol::Anthropic,
    Protocol::Gemini,
    Protocol::Bedrock,
    Protocol::Cohere,
    Protocol::Mistral,
    Protocol::Ollama,
];

fn read(own: Protocol, body: &Value) -> ChatRequest {
    let head = RequestHead { path: "/v1beta/models/m:generateContent".to_owned(), ..RequestHead::default() };
    protocols::chat(own).unwrap().decode_request(&head, body.to_string().as_bytes()).unwrap().0
}

fn encode(request: &ChatRequest, own: Protocol, model: &str) -> Result<Encoded> {
    let target = Target {
        provider: "p",
        model,
        version: None,
        quirks: &Quirks::default(),
        variables: &Default::default(),
        stream: true,
        max_output: None,
        id_seed: "seed",
    };
    let codec: &dyn llm_core::codec::Upstream<Chat> = protocols::chat(own).unwrap();
    codec.encode_request(request, &target)
}

/// What every provider of another protocol is sent without.
fn left_out(own: Protocol, body: &Value) -> String {
    let request = read(own, body);
    let others = OTHERS.into_iter().filter(|other| *other != own);
    let told = others.map(|other| match encode(&request, other, "m") {
        Ok(encoded) => format!("{other}: {}", encoded.dropped.join(", ")),
        Err(error) => format!("{other}: refused: {}", error.message()),
    });
    told.collect::<Vec<_>>().join("\n")
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]})
}

/// As Claude Code asks a model whose name it takes for one that thinks by a budget.
fn claude_code() -> Value {
    json!({
        "model": "m",
        "max_tokens": 32000,
        "system": [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}]}],
        "tools": [{"name": "Bash", "description": "Runs.", "input_schema": schema()}],
        "metadata": {"user_id": "{\"device_id\":\"1\",\"session_id\":\"2\"}"},
        "thinking": {"type": "enabled", "budget_tokens": 31999},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "stream": true,
    })
}

/// As Codex asks a model that it does not know.
fn codex() -> Value {
    json!({
        "model": "m",
        "instructions": "You are an agent.",
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
        ],
        "tools": [
            {"type": "function", "name": "exec_command", "description": "Runs.", "strict": false, "parameters": schema()},
            {"type": "namespace", "name": "multi_agent", "description": "Agents.", "tools": [
                {"type": "function", "name": "close_agent", "strict": false, "parameters": schema()}]},
            {"type": "web_search", "external_web_access": true}
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": true,
        "reasoning": {"summary": "auto"},
        "store": false,
        "stream": true,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "key",
        "text": {"verbosity": "low"},
        "client_metadata": {"session_id": "2"},
    })
}

/// As Gemini CLI asks.
fn gemini_cli() -> Value {
    json!({
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "systemInstruction": {"role": "user", "parts": [{"text": "You are an agent."}]},
        "tools": [{"functionDeclarations": [{"name": "shell", "description": "Runs.", "parametersJsonSchema": schema()}]}],
        "generationConfig": {"temperature": 1, "topP": 0.95, "topK": 64,
            "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 8192}},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    })
}

/// As OpenAI's agents ask.
fn agents() -> Value {
    json!({
        "model": "m",
        "input": "Hello",
        "tools": [{"type": "function", "name": "shell", "strict": true, "parameters": {
            "type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"],
            "additionalProperties": false}}],
        "parallel_tool_calls": false,
    })
}

#[test]
fn agents_reach_every_provider_and_are_told_what_was_left_out() {
    let callers = [
        ("Claude Code", Protocol::Anthropic, claude_code()),
        ("Codex", Protocol::OpenAiResponses, codex()),
        ("Gemini CLI", Protocol::Gemini, gemini_cli()),
        ("OpenAI's agents", Protocol::OpenAiResponses, agents()),
    ];
    let told = callers.map(|(caller, own, body)| format!("{caller}\n{}\n", left_out(own, &body)));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_effort_stands_in_for_a_budget() {
    let request = read(Protocol::Anthropic, &claude_code());
    let sent = |own, model| -> Value { serde_json::from_slice(&encode(&request, own, model).unwrap().body).unwrap() };
    assert_eq!(sent(Protocol::OpenAiChat, "gpt-5")["reasoning_effort"], "high");
    assert_eq!(sent(Protocol::OpenAiResponses, "gpt-5")["reasoning"]["effort"], "high");
    assert_eq!(sent(Protocol::OpenAiChat, "gpt-4o")["reasoning_effort"], Value::Null);
    assert_eq!(sent(Protocol::OpenAiResponses, "gpt-4o")["reasoning"], Value::Null);
    let request = read(Protocol::Gemini, &gemini_cli());
    let sent = |model| -> Value {
        serde_json::from_slice(&encode(&request, Protocol::Anthropic, model).unwrap().body).unwrap()
    };
    let newer = sent("claude-opus-4-8");
    assert_eq!((&newer["thinking"]["type"], &newer["output_config"]["effort"]), (&json!("adaptive"), &json!("medium")));
    assert_eq!((&newer["temperature"], &newer["top_k"]), (&Value::Null, &Value::Null));
    let older = sent("claude-sonnet-4-5");
    assert_eq!((&older["thinking"]["budget_tokens"], &older["output_config"]), (&json!(8192), &Value::Null));
}

#[test]
fn a_tool_that_is_missed_is_refused_by_name() {
    let mut must = codex();
    must["tool_choice"] = json!("required");
    let mut alone = codex();
    alone["tools"] = json!([{"type": "web_search"}]);
    for body in [must, alone] {
        let error = encode(&read(Protocol::OpenAiResponses, &body), Protocol::Anthropic, "m").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedParameter);
        assert!(error.param().is_some_and(|param| param.starts_with("tools[")), "{error}");
    }
}

#[test]
fn filters_that_are_asked_for_are_refused_by_name() {
    let mut body = gemini_cli();
    body["safetySettings"] = json!([
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
        {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_ONLY_HIGH"},
    ]);
    let error = encode(&read(Protocol::Gemini, &body), Protocol::Anthropic, "m").unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::UnsupportedParameter, Some("safetySettings")));
}

#[test]
fn a_choice_among_no_tools_says_nothing() {
    let body =
        json!({"model": "m", "input": "Hello", "tools": [], "tool_choice": "auto", "parallel_tool_calls": false});
    let request = read(Protocol::OpenAiResponses, &body);
    for other in OTHERS {
        let encoded = encode(&request, other, "m").unwrap();
        let sent = String::from_utf8_lossy(&encoded.body);
        let is_own = other == Protocol::OpenAiResponses;
        assert_eq!((sent.contains("tool"), encoded.dropped.is_empty()), (is_own, true), "{other}: {sent}");
    }
}

#[test]
fn sampling_that_was_asked_for_is_kept() {
    let mut body = gemini_cli();
    body["generationConfig"] = json!({"temperature": 0.2, "topP": 0.95, "topK": 64});
    let sent: Value =
        serde_json::from_slice(&encode(&read(Protocol::Gemini, &body), Protocol::OpenAiChat, "m").unwrap().body)
            .unwrap();
    assert_eq!((&sent["temperature"], &sent["top_k"]), (&json!(0.2), &json!(64)));
}
