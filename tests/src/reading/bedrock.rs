//! Bedrock Converse.

use std::collections::BTreeMap;

use llm_core::Meter;
use serde_json::Value;

use super::{Call, ChoiceReading, Reading, count_at, items, meters, text_at};

pub(super) fn whole(body: &Value) -> Reading {
    let mut said = ChoiceReading::default();
    for block in items(body, "/output/message/content") {
        said.text.push_str(&text_at(block, "/text"));
        for piece in items(block, "/citationsContent/content") {
            said.text.push_str(&text_at(piece, "/text"));
        }
        if let Some(tool) = block.get("toolUse").filter(|tool| is_the_callers(tool)) {
            let arguments = tool.get("input").filter(|input| input.is_object()).map(Value::to_string);
            let arguments = arguments.unwrap_or_default();
            said.calls.push(Call { id: text_at(tool, "/toolUseId"), name: text_at(tool, "/name"), arguments });
        }
    }
    said.finish = body.get("stopReason").and_then(Value::as_str).map(str::to_owned);
    Reading { choices: [(0, said)].into(), usage: body.get("usage").map(usage_of) }
}

pub(super) fn events(events: &[Value]) -> Reading {
    let mut said = ChoiceReading::default();
    let mut calls: BTreeMap<u64, (Call, Option<String>)> = BTreeMap::new();
    let mut usage = None;
    for event in events {
        let index = count_at(event, "/contentBlockIndex").unwrap_or(0);
        if let Some(tool) = event.pointer("/start/toolUse").filter(|tool| is_the_callers(tool)) {
            let call = Call { id: text_at(tool, "/toolUseId"), name: text_at(tool, "/name"), arguments: String::new() };
            calls.insert(index, (call, tool.get("input").map(Value::to_string)));
        }
        said.text.push_str(&text_at(event, "/delta/text"));
        if let Some((call, _)) = calls.get_mut(&index) {
            call.arguments.push_str(&text_at(event, "/delta/toolUse/input"));
        }
        if let Some(reason) = event.get("stopReason").and_then(Value::as_str) {
            said.finish = Some(reason.to_owned());
        }
        usage = event.get("usage").map(usage_of).or(usage);
    }
    // Input that the first event gives holds where no pieces of it follow.
    let whole = |(call, given): (Call, Option<String>)| match given.filter(|_| call.arguments.is_empty()) {
        Some(arguments) => Call { arguments, ..call },
        None => call,
    };
    said.calls = calls.into_values().map(whole).collect();
    Reading { choices: [(0, said)].into(), usage }
}

/// Tools that Bedrock runs itself say so. A call without an id could be answered by nobody.
fn is_the_callers(tool: &Value) -> bool {
    !text_at(tool, "/type").starts_with("server_") && tool.get("toolUseId").is_some_and(Value::is_string)
}

/// Tokens, disjoint: here `inputTokens` has neither cache reads nor writes in it.
fn usage_of(usage: &Value) -> BTreeMap<Meter, u64> {
    let count = |pointers: [&str; 2]| pointers.iter().find_map(|pointer| count_at(usage, pointer)).unwrap_or(0);
    let written = count(["/cacheWriteInputTokens", "/cacheWriteInputTokenCount"]);
    let hour = items(usage, "/cacheDetails").filter(|detail| text_at(detail, "/ttl") == "1h");
    let hour = hour.filter_map(|detail| count_at(detail, "/inputTokens")).sum::<u64>().min(written);
    meters(&[
        (Meter::Input, count(["/inputTokens", "/inputTokens"])),
        (Meter::CacheRead, count(["/cacheReadInputTokens", "/cacheReadInputTokenCount"])),
        (Meter::CacheWrite, written - hour),
        (Meter::CacheWrite1h, hour),
        (Meter::Output, count(["/outputTokens", "/outputTokens"])),
    ])
}
