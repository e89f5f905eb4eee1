//! OpenAI Chat Completions.

use serde_json::{Value, json};

use super::super::Script;
use super::{Broken, Speech, Stop};

pub(super) fn spell(speech: &Speech, request: &Value) -> Script {
    if request["stream"] == true { stream(speech, request) } else { whole(speech, request) }
}

fn whole(speech: &Speech, request: &Value) -> Script {
    let mut message = json!({"role": "assistant", "content": null, "refusal": null});
    let text = speech.words.concat();
    match speech.stop {
        Stop::Refusal => message["refusal"] = json!(text),
        _ if !text.is_empty() => message["content"] = json!(text),
        _ => {}
    }
    if !speech.thoughts.is_empty() {
        message["reasoning_content"] = json!(speech.thoughts.concat());
    }
    if !speech.calls.is_empty() {
        let calls = speech.calls.iter().map(|call| {
            let function = json!({"name": call.name, "arguments": arguments(&call.arguments.concat())});
            json!({"id": call.id, "type": "function", "function": function})
        });
        message["tool_calls"] = calls.collect();
    }
    let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": reason(speech)});
    let mut body = envelope("chat.completion", request);
    body["choices"] = json!([choice]);
    body["usage"] = usage(speech);
    Script::json(200, &body)
}

fn stream(speech: &Speech, request: &Value) -> Script {
    let mut events = Vec::new();
    let mut push = |delta: Value, finish: Value| {
        let mut event = envelope("chat.completion.chunk", request);
        event["choices"] = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        events.push(event);
    };
    push(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null);
    for thought in &speech.thoughts {
        push(json!({"reasoning_content": thought}), Value::Null);
    }
    let member = if speech.stop == Stop::Refusal { "refusal" } else { "content" };
    for word in &speech.words {
        push(json!({member: word}), Value::Null);
    }
    for (index, call) in speech.calls.iter().enumerate() {
        let function = json!({"name": call.name, "arguments": ""});
        let begun = json!({"index": index, "id": call.id, "type": "function", "function": function});
        push(json!({"tool_calls": [begun]}), Value::Null);
        for piece in &call.arguments {
            push(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}), Value::Null);
        }
        if call.arguments.is_empty() {
            push(json!({"tool_calls": [{"index": index, "function": {"arguments": "{}"}}]}), Value::Null);
        }
    }
    match speech.broken {
        Some(Broken::Said) => events.push(json!({"error": {
            "message": "The server had an error while processing your request", "type": "server_error",
            "param": null, "code": null,
        }})),
        Some(_) => {}
        None => push(json!({}), json!(reason(speech))),
    }
    let mut frames: Vec<String> = events.into_iter().map(|event| format!("data: {event}\n\n")).collect();
    if speech.broken.is_none() {
        if request["stream_options"]["include_usage"] == true {
            let mut event = envelope("chat.completion.chunk", request);
            event["choices"] = json!([]);
            event["usage"] = usage(speech);
            frames.push(format!("data: {event}\n\n"));
        }
        frames.push("data: [DONE]\n\n".to_owned());
    }
    Script::sse(frames)
}

fn envelope(object: &str, request: &Value) -> Value {
    json!({"id": "chatcmpl-7", "object": object, "created": 1_700_000_000, "model": request["model"]})
}

/// No arguments are an empty object, never an empty text.
fn arguments(text: &str) -> &str {
    if text.is_empty() { "{}" } else { text }
}

fn reason(speech: &Speech) -> &'static str {
    match speech.stop {
        Stop::End | Stop::Sequence(_) | Stop::Refusal => "stop",
        Stop::Tools => "tool_calls",
        Stop::Length => "length",
    }
}

fn usage(speech: &Speech) -> Value {
    let tokens = speech.tokens;
    let (prompt, completion) = (tokens.input + tokens.cached, tokens.output + tokens.thought);
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens_details": {"reasoning_tokens": tokens.thought},
    })
}
