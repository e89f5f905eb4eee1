//! Gemini's `:generateContent` and `:streamGenerateContent`.

use serde_json::{Value, json};

use super::super::Script;
use super::{Broken, Speech, Stop};

pub(super) fn spell(speech: &Speech, request: &Value) -> Script {
    if request["stream"] == true { stream(speech, request) } else { whole(speech, request) }
}

fn whole(speech: &Speech, request: &Value) -> Script {
    let mut parts = Vec::new();
    if !speech.thoughts.is_empty() {
        parts.push(json!({"text": speech.thoughts.concat(), "thought": true}));
    }
    if !speech.words.is_empty() {
        parts.push(json!({"text": speech.words.concat()}));
    }
    parts.extend(calls(speech));
    if speech.calls.is_empty()
        && let (Some(mark), Some(last)) = (speech.signature, parts.last_mut())
    {
        last["thoughtSignature"] = json!(mark);
    }
    Script::json(200, &event(speech, request, &json!(parts), true))
}

fn stream(speech: &Speech, request: &Value) -> Script {
    let thoughts = speech.thoughts.iter().map(|thought| json!([{"text": thought, "thought": true}]));
    let words = speech.words.iter().map(|word| json!([{ "text": word }]));
    let mut pieces: Vec<Value> = thoughts.chain(words).collect();
    if !speech.calls.is_empty() {
        pieces.push(json!(calls(speech)));
    }
    let mut events: Vec<Value> = pieces.iter().map(|parts| event(speech, request, parts, false)).collect();
    match speech.broken {
        Some(Broken::Said) => {
            events
                .push(json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}));
        }
        Some(_) => {}
        None => {
            let mut last = json!({"text": ""});
            if let Some(mark) = speech.signature.filter(|_| speech.calls.is_empty()) {
                last["thoughtSignature"] = json!(mark);
            }
            events.push(event(speech, request, &json!([last]), true));
        }
    }
    Script::sse(events.iter().map(|event| format!("data: {event}\r\n\r\n")))
}

/// Of parallel calls only the first is signed.
fn calls(speech: &Speech) -> Vec<Value> {
    let calls = speech.calls.iter().enumerate();
    calls
        .map(|(place, call)| {
            let mut part = json!({"functionCall": {"id": call.id, "name": call.name, "args": call.input()}});
            if let Some(mark) = speech.signature.filter(|_| place == 0) {
                part["thoughtSignature"] = json!(mark);
            }
            part
        })
        .collect()
}

fn event(speech: &Speech, request: &Value, parts: &Value, is_last: bool) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if is_last {
        candidate["finishReason"] = json!(match speech.stop {
            Stop::End | Stop::Tools | Stop::Sequence(_) => "STOP",
            Stop::Length => "MAX_TOKENS",
            Stop::Refusal => "SAFETY",
        });
    }
    let tokens = speech.tokens;
    let prompt = tokens.input + tokens.cached;
    let mut usage = json!({"promptTokenCount": prompt, "totalTokenCount": prompt});
    if is_last {
        usage["candidatesTokenCount"] = json!(tokens.output);
        usage["totalTokenCount"] = json!(prompt + tokens.output + tokens.thought);
        for (name, count) in [("thoughtsTokenCount", tokens.thought), ("cachedContentTokenCount", tokens.cached)] {
            if count > 0 {
                usage[name] = json!(count);
            }
        }
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage, "modelVersion": request["model"], "responseId": "resp-7",
    })
}
