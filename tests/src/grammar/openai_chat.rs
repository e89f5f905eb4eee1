//! OpenAI Chat Completions as a caller who asked for usage expects them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{is_count, text};
use crate::replay::Event;

const FINISH_REASONS: &[&str] = &["stop", "length", "tool_calls", "content_filter", "function_call"];

/// What is known of one choice so far.
#[derive(Default)]
struct Choice {
    begun: bool,
    finished: bool,
    calls: BTreeMap<u64, String>,
}

pub(super) fn check(events: &[Event]) -> Vec<String> {
    let mut found = Vec::new();
    let Some((last, chunks)) = events.split_last() else { return vec!["no events".to_owned()] };
    if last.data != b"[DONE]" {
        found.push(format!("ends with {last} instead of `[DONE]`"));
    }
    let mut ids = BTreeSet::new();
    let mut choices: BTreeMap<u64, Choice> = BTreeMap::new();
    let mut usage_seen = false;
    for (place, event) in chunks.iter().enumerate() {
        let chunk = event.value();
        let mut complain = |what: &str| found.push(format!("event {place}: {what}: {event}"));
        if !event.name.is_empty() {
            complain("has a name");
        }
        if text(&chunk, "/object") != "chat.completion.chunk" {
            complain("is no chunk");
        }
        if text(&chunk, "/id").is_empty() || !chunk["model"].is_string() || !chunk["created"].is_i64() {
            complain("lacks id, model or time");
        }
        ids.insert(text(&chunk, "/id").to_owned());
        if usage_seen {
            complain("comes after the usage");
        }
        let Some(list) = chunk["choices"].as_array() else {
            complain("has no list of choices");
            continue;
        };
        if chunk["usage"].is_object() {
            usage_seen = true;
            if !list.is_empty() {
                complain("has both usage and choices");
            }
            let counts = ["/usage/prompt_tokens", "/usage/completion_tokens", "/usage/total_tokens"];
            if !counts.iter().all(|count| is_count(&chunk, count)) {
                complain("has usage without counts");
            }
        }
        for choice in list {
            let known = choices.entry(choice["index"].as_u64().unwrap_or(u64::MAX)).or_default();
            check_choice(choice, known, &mut complain);
        }
    }
    if ids.len() > 1 {
        found.push(format!("several ids: {ids:?}"));
    }
    for (index, choice) in &choices {
        if !choice.finished {
            found.push(format!("choice {index} never finishes"));
        }
    }
    found
}

fn check_choice(choice: &Value, known: &mut Choice, complain: &mut impl FnMut(&str)) {
    if !choice["index"].is_u64() {
        complain("has a choice without an index");
    }
    let delta = &choice["delta"];
    if !delta.is_object() {
        return complain("has a choice without a delta");
    }
    if known.finished {
        complain("goes on after the choice finished");
    }
    if !known.begun && text(delta, "/role") != "assistant" {
        complain("begins a choice without a role");
    }
    known.begun = true;
    for call in delta["tool_calls"].as_array().into_iter().flatten() {
        let Some(index) = call["index"].as_u64() else {
            complain("has a tool call without an index");
            continue;
        };
        let id = text(call, "/id");
        match known.calls.get(&index) {
            None => {
                let named = match text(call, "/type") {
                    "function" => text(call, "/function/name"),
                    "custom" => text(call, "/custom/name"),
                    _ => "",
                };
                if id.is_empty() || named.is_empty() {
                    complain("begins a tool call without id, type or name");
                }
                if index != known.calls.len() as u64 {
                    complain("numbers its tool calls with a gap");
                }
                known.calls.insert(index, id.to_owned());
            }
            Some(begun) if !id.is_empty() && begun != id => complain("changes the id of a tool call"),
            Some(_) => {}
        }
        let is_text = |at: &str| call.pointer(at).is_none_or(Value::is_string);
        if !is_text("/function/arguments") || !is_text("/custom/input") {
            complain("has arguments that are no text");
        }
    }
    match &choice["finish_reason"] {
        Value::Null => {}
        Value::String(reason) if FINISH_REASONS.contains(&reason.as_str()) => known.finished = true,
        _ => {
            known.finished = true;
            complain("has a finish reason that no SDK knows");
        }
    }
}
