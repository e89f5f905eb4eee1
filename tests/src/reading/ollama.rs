//! Ollama's own `/api/chat`: a whole answer is a stream of one object.

use llm_core::Meter;
use serde_json::Value;

use super::{Call, ChoiceReading, Reading, count_at, items, meters, text_at};

pub(super) fn events(events: &[Value]) -> Reading {
    let mut said = ChoiceReading::default();
    let mut usage = None;
    for event in events {
        said.text.push_str(&text_at(event, "/message/content"));
        for call in items(event, "/message/tool_calls") {
            said.calls.push(Call {
                id: text_at(call, "/id"),
                name: text_at(call, "/function/name"),
                arguments: call.pointer("/function/arguments").map(Value::to_string).unwrap_or_default(),
            });
        }
        if let Some(reason) = event.get("done_reason").and_then(Value::as_str) {
            said.finish = Some(reason.to_owned());
        }
        let (prompt, answer) = (count_at(event, "/prompt_eval_count"), count_at(event, "/eval_count"));
        if prompt.is_some() || answer.is_some() {
            usage = Some(meters(&[(Meter::Input, prompt.unwrap_or(0)), (Meter::Output, answer.unwrap_or(0))]));
        }
    }
    Reading { choices: [(0, said)].into(), usage }
}
