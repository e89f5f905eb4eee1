//! Anthropic Messages.

use serde_json::{Value, json};

use super::super::Script;
use super::{Broken, Speech, Stop};

pub(super) fn spell(speech: &Speech, request: &Value) -> Script {
    if request["stream"] == true { stream(speech, request) } else { whole(speech, request) }
}

fn whole(speech: &Speech, request: &Value) -> Script {
    let mut blocks = Vec::new();
    if !speech.thoughts.is_empty() {
        let signature = speech.signature.unwrap_or_default();
        blocks.push(json!({"type": "thinking", "thinking": speech.thoughts.concat(), "signature": signature}));
    }
    if !speech.words.is_empty() {
        blocks.push(json!({"type": "text", "text": speech.words.concat()}));
    }
    for call in &speech.calls {
        blocks.push(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.input()}));
    }
    let (reason, sequence) = reason(speech);
    let mut body = envelope(request);
    body["content"] = json!(blocks);
    body["stop_reason"] = json!(reason);
    body["stop_sequence"] = sequence;
    body["usage"] = usage(speech);
    Script::json(200, &body)
}

fn stream(speech: &Speech, request: &Value) -> Script {
    let mut message = envelope(request);
    message["usage"] = usage(speech);
    message["usage"]["output_tokens"] = json!(1);
    let mut events = vec![json!({"type": "message_start", "message": message})];
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<Value>| {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        if index == 0 {
            events.push(json!({"type": "ping"}));
        }
        let deltas = deltas.into_iter();
        events.extend(deltas.map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
        events.push(json!({"type": "content_block_stop", "index": index}));
        index += 1;
    };
    if !speech.thoughts.is_empty() {
        let mut deltas: Vec<_> =
            speech.thoughts.iter().map(|thought| json!({"type": "thinking_delta", "thinking": thought})).collect();
        deltas.extend(speech.signature.map(|mark| json!({"type": "signature_delta", "signature": mark})));
        block(json!({"type": "thinking", "thinking": "", "signature": ""}), deltas);
    }
    if !speech.words.is_empty() {
        let deltas = speech.words.iter().map(|word| json!({"type": "text_delta", "text": word})).collect();
        block(json!({"type": "text", "text": ""}), deltas);
    }
    for call in &speech.calls {
        let start = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
        let pieces = [""].iter().chain(&call.arguments);
        block(start, pieces.map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect());
    }
    match speech.broken {
        Some(Broken::Said) => {
            let error = json!({"type": "overloaded_error", "message": "Overloaded"});
            events.push(json!({"type": "error", "error": error}));
        }
        Some(_) => {}
        None => {
            let (reason, sequence) = reason(speech);
            let delta = json!({"stop_reason": reason, "stop_sequence": sequence});
            let mut counts = usage(speech);
            counts.as_object_mut().unwrap().remove("service_tier");
            events.push(json!({"type": "message_delta", "delta": delta, "usage": counts}));
            events.push(json!({"type": "message_stop"}));
        }
    }
    let name = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
    Script::sse(events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", name(event))))
}

fn envelope(request: &Value) -> Value {
    json!({
        "id": "msg_7", "type": "message", "role": "assistant", "model": request["model"], "content": [],
        "stop_reason": null, "stop_sequence": null,
    })
}

fn reason(speech: &Speech) -> (&'static str, Value) {
    match speech.stop {
        Stop::End => ("end_turn", Value::Null),
        Stop::Tools => ("tool_use", Value::Null),
        Stop::Length => ("max_tokens", Value::Null),
        Stop::Sequence(text) => ("stop_sequence", json!(text)),
        Stop::Refusal => ("refusal", Value::Null),
    }
}

fn usage(speech: &Speech) -> Value {
    let tokens = speech.tokens;
    let mut usage = json!({
        "input_tokens": tokens.input, "cache_read_input_tokens": tokens.cached,
        "cache_creation_input_tokens": tokens.written,
        "output_tokens": tokens.output + tokens.thought, "service_tier": "standard",
    });
    if tokens.thought > 0 {
        usage["output_tokens_details"] = json!({"thinking_tokens": tokens.thought});
    }
    usage
}
