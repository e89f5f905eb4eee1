//! Ollama's `/api/chat`.

use serde_json::{Value, json};

use super::super::Script;
use super::{Broken, Speech, Stop};

pub(super) fn spell(speech: &Speech, request: &Value) -> Script {
    // Left out, it means true.
    if request["stream"] == false { whole(speech, request) } else { stream(speech, request) }
}

fn whole(speech: &Speech, request: &Value) -> Script {
    let mut message = json!({"role": "assistant", "content": speech.words.concat()});
    if !speech.thoughts.is_empty() {
        message["thinking"] = json!(speech.thoughts.concat());
    }
    if !speech.calls.is_empty() {
        message["tool_calls"] = calls(speech);
    }
    Script::json(200, &last(speech, request, &message))
}

fn stream(speech: &Speech, request: &Value) -> Script {
    let line = |message: Value| json!({"model": request["model"], "created_at": "2023-11-14T22:13:20Z", "message": message, "done": false});
    let mut lines = Vec::new();
    for thought in &speech.thoughts {
        lines.push(line(json!({"role": "assistant", "content": "", "thinking": thought})));
    }
    lines.extend(speech.words.iter().map(|word| line(json!({"role": "assistant", "content": word}))));
    if !speech.calls.is_empty() {
        // Each call comes whole and on a line of its own.
        for call in calls(speech).as_array().unwrap() {
            lines.push(line(json!({"role": "assistant", "content": "", "tool_calls": [call]})));
        }
    }
    match speech.broken {
        Some(Broken::Said) => lines.push(json!({"error": "model runner has unexpectedly stopped"})),
        Some(_) => {}
        None => lines.push(last(speech, request, &json!({"role": "assistant", "content": ""}))),
    }
    Script::lines(lines)
}

fn calls(speech: &Speech) -> Value {
    let calls = speech.calls.iter().enumerate();
    calls
        .map(|(index, call)| json!({"function": {"index": index, "name": call.name, "arguments": call.input()}}))
        .collect()
}

fn last(speech: &Speech, request: &Value, message: &Value) -> Value {
    let reason = if speech.stop == Stop::Length { "length" } else { "stop" };
    let tokens = speech.tokens;
    json!({
        "model": request["model"], "created_at": "2023-11-14T22:13:21Z", "message": message,
        "done": true, "done_reason": reason, "total_duration": 5_000_000, "load_duration": 1_000_000,
        "prompt_eval_count": tokens.input + tokens.cached, "prompt_eval_duration": 1_000_000,
        "eval_count": tokens.output + tokens.thought, "eval_duration": 2_000_000,
    })
}
