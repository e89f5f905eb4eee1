//! Usage: Anthropic's object, and disjoint counts.
//!
//! `input_tokens` excludes what was read from or written to a cache; `output_tokens` includes thinking. A `compaction`
//! entry of `iterations` is billed beside the top-level counts, every other entry is part of them.

use llm_core::usage::Meter;
use llm_core::{Native, Usage};
use serde_json::{Map, Value, json};

use super::ME;

/// The counts of a usage object, and the object itself.
pub(super) fn read(object: Map<String, Value>) -> Usage {
    let mut usage = counts(&object);
    usage.native = Native::new(ME, object);
    usage
}

/// The counts alone.
pub(super) fn counts(object: &Map<String, Value>) -> Usage {
    let mut usage = Usage::default();
    add(&mut usage, object);
    for iteration in object.get("iterations").and_then(Value::as_array).into_iter().flatten() {
        if let Value::Object(iteration) = iteration
            && iteration.get("type").and_then(Value::as_str) == Some("compaction")
        {
            add(&mut usage, iteration);
        }
    }
    usage
}

fn add(usage: &mut Usage, object: &Map<String, Value>) {
    let count = |name: &str| object.get(name).and_then(Value::as_u64);
    let inner = |outer: &str, name: &str| object.get(outer).and_then(|inner| inner.get(name)).and_then(Value::as_u64);
    usage.add(Meter::Input, count("input_tokens").unwrap_or(0));
    usage.add(Meter::CacheRead, count("cache_read_input_tokens").unwrap_or(0));
    let short = inner("cache_creation", "ephemeral_5m_input_tokens").unwrap_or(0);
    let long = inner("cache_creation", "ephemeral_1h_input_tokens").unwrap_or(0);
    let (short, long) = split_writes(count("cache_creation_input_tokens"), short, long);
    usage.add(Meter::CacheWrite, short);
    usage.add(Meter::CacheWrite1h, long);
    let output = count("output_tokens").unwrap_or(0);
    let thinking = inner("output_tokens_details", "thinking_tokens").unwrap_or(0).min(output);
    usage.add(Meter::Output, output - thinking);
    usage.add(Meter::Reasoning, thinking);
    usage.add(Meter::Query, inner("server_tool_use", "web_search_requests").unwrap_or(0));
}

/// Cache writes by age. In streams the total grows while its split is only said at the start, so the total counts, and
/// what the split does not cover has the age of what it does.
fn split_writes(total: Option<u64>, short: u64, long: u64) -> (u64, u64) {
    let Some(total) = total else { return (short, long) };
    if short == 0 && long > 0 {
        return (0, total);
    }
    let long = long.min(total);
    (total - long, long)
}

/// Takes in a later object of the same stream: counts are running totals, and a null says nothing.
pub(super) fn merge(sum: &mut Map<String, Value>, later: &Map<String, Value>) {
    for (name, value) in later {
        if !value.is_null() || !sum.contains_key(name) {
            sum.insert(name.clone(), value.clone());
        }
    }
}

/// The object that `usage` came from, or one that says the same. Official SDKs require both token counts.
pub(super) fn write(usage: &Usage) -> Map<String, Value> {
    if usage.native.is_from(ME) {
        return usage.native.object(ME);
    }
    let (short, long) = (usage.get(Meter::CacheWrite), usage.get(Meter::CacheWrite1h));
    let read = usage.get(Meter::CacheRead).saturating_add(usage.get(Meter::CacheReadAudio));
    let written = short.saturating_add(long);
    let input = usage.input_tokens().saturating_sub(read).saturating_sub(written);
    let mut object = Map::new();
    object.insert("input_tokens".to_owned(), input.into());
    object.insert("cache_creation_input_tokens".to_owned(), written.into());
    object.insert("cache_read_input_tokens".to_owned(), read.into());
    if written > 0 {
        let split = json!({"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long});
        object.insert("cache_creation".to_owned(), split);
    }
    object.insert("output_tokens".to_owned(), usage.output_tokens().into());
    let thinking = usage.get(Meter::Reasoning);
    if thinking > 0 {
        object.insert("output_tokens_details".to_owned(), json!({"thinking_tokens": thinking}));
    }
    let queries = usage.get(Meter::Query);
    if queries > 0 {
        let tools = json!({"web_search_requests": queries, "web_fetch_requests": 0});
        object.insert("server_tool_use".to_owned(), tools);
    }
    object
}

#[cfg(test)]
mod tests;
