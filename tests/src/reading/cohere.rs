//! Cohere's chat, version 2. The plan is what is said beside tool calls, so it counts as text.

use std::collections::BTreeMap;

use llm_core::Meter;
use serde_json::Value;

use super::{Call, ChoiceReading, Reading, count_at, items, meters, text_at};

pub(super) fn whole(body: &Value) -> Reading {
    let mut said = ChoiceReading { text: text_at(body, "/message/tool_plan"), ..ChoiceReading::default() };
    match body.pointer("/message/content") {
        Some(Value::String(text)) => said.text.push_str(text),
        _ => items(body, "/message/content")
            .filter(|part| part["type"] == "text")
            .for_each(|part| said.text.push_str(&text_at(part, "/text"))),
    }
    said.calls = items(body, "/message/tool_calls").map(call_of).collect();
    said.finish = body.get("finish_reason").and_then(Value::as_str).map(str::to_owned);
    Reading { choices: [(0, said)].into(), usage: usage_of(body.get("usage")) }
}

pub(super) fn events(events: &[Value]) -> Reading {
    let mut reading = Reading::default();
    let mut said = ChoiceReading::default();
    let mut calls: BTreeMap<u64, Call> = BTreeMap::new();
    for event in events {
        let index = count_at(event, "/index").unwrap_or(0);
        match event["type"].as_str().unwrap_or_default() {
            "tool-plan-delta" => said.text.push_str(&text_at(event, "/delta/message/tool_plan")),
            "content-start" | "content-delta" => said.text.push_str(&text_at(event, "/delta/message/content/text")),
            "tool-call-start" => {
                calls.insert(index, call_of(&event["delta"]["message"]["tool_calls"]));
            }
            "tool-call-delta" => {
                let more = text_at(event, "/delta/message/tool_calls/function/arguments");
                calls.entry(index).or_default().arguments.push_str(&more);
            }
            "message-end" => {
                said.finish = event.pointer("/delta/finish_reason").and_then(Value::as_str).map(str::to_owned);
                reading.usage = usage_of(event.pointer("/delta/usage"));
            }
            _ => {}
        }
    }
    said.calls = calls.into_values().collect();
    reading.choices.insert(0, said);
    reading
}

fn call_of(call: &Value) -> Call {
    Call {
        id: text_at(call, "/id"),
        name: text_at(call, "/function/name"),
        arguments: text_at(call, "/function/arguments"),
    }
}

/// What is billed, disjoint; tokens where nothing is said of billing.
fn usage_of(usage: Option<&Value>) -> Option<BTreeMap<Meter, u64>> {
    let usage = usage.filter(|usage| usage.is_object())?;
    let count = |pointer: &str| {
        let value = usage.pointer(pointer)?;
        value.as_u64().or_else(|| value.as_f64().filter(|count| count.fract() == 0.0).map(|count| count as u64))
    };
    let (input, cached) = match count("/billed_units/input_tokens") {
        Some(billed) => (billed, 0),
        None => {
            let input = count("/tokens/input_tokens").unwrap_or(0);
            let cached = count("/cached_tokens").unwrap_or(0).min(input);
            (input - cached, cached)
        }
    };
    let images = count("/tokens/image_tokens").unwrap_or(0).min(input);
    let output = count("/billed_units/output_tokens").or_else(|| count("/tokens/output_tokens")).unwrap_or(0);
    let reasoning = count("/tokens/reasoning_tokens").unwrap_or(0).min(output);
    Some(meters(&[
        (Meter::Input, input - images),
        (Meter::CacheRead, cached),
        (Meter::InputImage, images),
        (Meter::Output, output - reasoning),
        (Meter::Reasoning, reasoning),
    ]))
}
