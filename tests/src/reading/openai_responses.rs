//! OpenAI Responses.

use std::collections::BTreeMap;

use llm_core::Meter;
use serde_json::Value;

use super::{Call, ChoiceReading, Reading, count_at, items, meters, text_at};

pub(super) fn whole(body: &Value) -> Reading {
    let mut said = ChoiceReading { finish: body["status"].as_str().map(str::to_owned), ..ChoiceReading::default() };
    items(body, "/output").for_each(|item| take_in(item, &mut said));
    Reading { choices: [(0, said)].into(), usage: usage_of(body) }
}

fn take_in(item: &Value, said: &mut ChoiceReading) {
    match text_at(item, "/type").as_str() {
        "message" => {
            for part in items(item, "/content") {
                match text_at(part, "/type").as_str() {
                    "output_text" => said.text.push_str(&text_at(part, "/text")),
                    "refusal" => said.refusal.push_str(&text_at(part, "/refusal")),
                    _ => {}
                }
            }
        }
        kind @ ("function_call" | "custom_tool_call") => {
            let arguments = if kind == "function_call" { "/arguments" } else { "/input" };
            said.calls.push(Call {
                id: text_at(item, "/call_id"),
                name: text_at(item, "/name"),
                arguments: text_at(item, arguments),
            });
        }
        _ => {}
    }
}

/// A call's arguments are what its pieces say; texts are what theirs say, in the order in which their items began.
pub(super) fn events(events: &[Value]) -> Reading {
    let mut said: BTreeMap<u64, ChoiceReading> = BTreeMap::new();
    let mut reading = Reading::default();
    let mut finish = None;
    for event in events {
        let index = count_at(event, "/output_index").unwrap_or(0);
        let item = said.entry(index).or_default();
        let delta = text_at(event, "/delta");
        match text_at(event, "/type").as_str() {
            "response.output_text.delta" => item.text.push_str(&delta),
            "response.refusal.delta" => item.refusal.push_str(&delta),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                if let Some(call) = item.calls.last_mut() {
                    call.arguments.push_str(&delta);
                }
            }
            "response.output_item.added" => {
                let mut begun = ChoiceReading::default();
                take_in(&event["item"], &mut begun);
                begun.calls.iter_mut().for_each(|call| call.arguments.clear());
                item.calls = begun.calls;
            }
            "response.output_item.done" => {
                let mut whole = ChoiceReading::default();
                take_in(&event["item"], &mut whole);
                if item.calls.iter().all(|call| call.arguments.is_empty()) {
                    item.calls = whole.calls;
                }
            }
            "response.completed" | "response.incomplete" => {
                finish = event.pointer("/response/status").and_then(Value::as_str).map(str::to_owned);
                reading.usage = usage_of(&event["response"]);
            }
            _ => {}
        }
    }
    let mut all = ChoiceReading { finish, ..ChoiceReading::default() };
    for item in said.into_values() {
        all.text.push_str(&item.text);
        all.refusal.push_str(&item.refusal);
        all.calls.extend(item.calls);
    }
    reading.choices.insert(0, all);
    reading
}

/// Tokens, disjoint: cached and written ones stand within `input_tokens`, reasoning within `output_tokens`.
fn usage_of(response: &Value) -> Option<BTreeMap<Meter, u64>> {
    let usage = response.get("usage").filter(|usage| usage.is_object())?;
    let count = |pointer: &str| count_at(usage, pointer).unwrap_or(0);
    let (input, output) = (count("/input_tokens"), count("/output_tokens"));
    let cached = count("/input_tokens_details/cached_tokens").min(input);
    let written = count("/input_tokens_details/cache_write_tokens").min(input - cached);
    let reasoning = count("/output_tokens_details/reasoning_tokens").min(output);
    Some(meters(&[
        (Meter::Input, input - cached - written),
        (Meter::CacheRead, cached),
        (Meter::CacheWrite, written),
        (Meter::Output, output - reasoning),
        (Meter::Reasoning, reasoning),
    ]))
}
