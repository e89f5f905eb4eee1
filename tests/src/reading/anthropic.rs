//! Anthropic Messages.

use std::collections::BTreeMap;

use llm_core::Meter;
use serde_json::{Map, Value};

use super::{Call, ChoiceReading, Reading, count_at, items, meters, text_at};

pub(super) fn whole(body: &Value) -> Reading {
    let mut said = ChoiceReading::default();
    for block in items(body, "/content") {
        match text_at(block, "/type").as_str() {
            "text" => said.text.push_str(&text_at(block, "/text")),
            "tool_use" => said.calls.push(Call {
                id: text_at(block, "/id"),
                name: text_at(block, "/name"),
                arguments: block.get("input").map(Value::to_string).unwrap_or_default(),
            }),
            _ => {}
        }
    }
    said.finish = body.get("stop_reason").and_then(Value::as_str).map(str::to_owned);
    Reading { choices: [(0, said)].into(), usage: body.get("usage").and_then(Value::as_object).map(usage_of) }
}

pub(super) fn events(events: &[Value]) -> Reading {
    let mut said = ChoiceReading::default();
    let mut calls: BTreeMap<u64, (Call, Value)> = BTreeMap::new();
    let mut usage: Option<Map<String, Value>> = None;
    let mut add = |more: Option<&Value>| {
        // Counts are cumulative, so a later member replaces the earlier one.
        if let Some(more) = more.and_then(Value::as_object) {
            let sum = usage.get_or_insert_default();
            sum.extend(more.iter().filter(|(_, value)| !value.is_null()).map(|(name, v)| (name.clone(), v.clone())));
        }
    };
    for event in events {
        match text_at(event, "/type").as_str() {
            "message_start" => add(event.pointer("/message/usage")),
            "message_delta" => {
                add(event.get("usage"));
                if let Some(reason) = event.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    said.finish = Some(reason.to_owned());
                }
            }
            "content_block_start" => {
                let block = &event["content_block"];
                said.text.push_str(&text_at(block, "/text"));
                if block["type"] == "tool_use" {
                    let call =
                        Call { id: text_at(block, "/id"), name: text_at(block, "/name"), arguments: String::new() };
                    calls.insert(count_at(event, "/index").unwrap_or(0), (call, block["input"].clone()));
                }
            }
            "content_block_delta" => match text_at(event, "/delta/type").as_str() {
                "text_delta" => said.text.push_str(&text_at(event, "/delta/text")),
                "input_json_delta" => {
                    if let Some((call, _)) = count_at(event, "/index").and_then(|index| calls.get_mut(&index)) {
                        call.arguments.push_str(&text_at(event, "/delta/partial_json"));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    said.calls = calls
        .into_values()
        .map(|(mut call, input)| {
            if call.arguments.is_empty() {
                call.arguments = input.to_string();
            }
            call
        })
        .collect();
    Reading { choices: [(0, said)].into(), usage: usage.as_ref().map(usage_of) }
}

/// Tokens, disjoint: here `input_tokens` has neither cache reads nor writes in it. What shortening the prompt took is
/// counted in its `iterations` alone.
fn usage_of(usage: &Map<String, Value>) -> BTreeMap<Meter, u64> {
    let usage = Value::Object(usage.clone());
    let mut sum = counts_of(&usage);
    for iteration in items(&usage, "/iterations").filter(|iteration| text_at(iteration, "/type") == "compaction") {
        for (meter, count) in counts_of(iteration) {
            *sum.entry(meter).or_default() += count;
        }
    }
    sum
}

fn counts_of(usage: &Value) -> BTreeMap<Meter, u64> {
    let count = |pointer: &str| count_at(usage, pointer).unwrap_or(0);
    let hour = count("/cache_creation/ephemeral_1h_input_tokens");
    let written = count("/cache_creation_input_tokens").max(hour + count("/cache_creation/ephemeral_5m_input_tokens"));
    let output = count("/output_tokens");
    let reasoning = count("/output_tokens_details/thinking_tokens").min(output);
    meters(&[
        (Meter::Input, count("/input_tokens")),
        (Meter::CacheRead, count("/cache_read_input_tokens")),
        (Meter::CacheWrite, written - hour),
        (Meter::CacheWrite1h, hour),
        (Meter::Output, output - reasoning),
        (Meter::Reasoning, reasoning),
    ])
}
