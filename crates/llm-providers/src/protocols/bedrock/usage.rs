//! Usage: Bedrock's object, and disjoint counts.
//!
//! `inputTokens` excludes what was read from or written to a cache. Both are said under two names; `cacheDetails` splits
//! what was written by age.

use llm_core::usage::Meter;
use llm_core::{Native, Usage};
use serde_json::{Map, Value, json};

use super::ME;

/// The counts of a usage object, and the object itself.
pub(super) fn read(object: Map<String, Value>) -> Usage {
    let count = |names: [&str; 2]| names.iter().find_map(|name| object.get(*name)?.as_u64());
    let (mut short, mut long) = (0_u64, 0_u64);
    for detail in object.get("cacheDetails").and_then(Value::as_array).into_iter().flatten() {
        let tokens = detail.get("inputTokens").and_then(Value::as_u64).unwrap_or(0);
        let age = if detail.get("ttl").and_then(Value::as_str) == Some("1h") { &mut long } else { &mut short };
        *age = age.saturating_add(tokens);
    }
    if let Some(written) = count(["cacheWriteInputTokens", "cacheWriteInputTokenCount"]) {
        long = long.min(written);
        short = written - long;
    }
    let mut usage = Usage::default()
        .with(Meter::Input, count(["inputTokens", "inputTokenCount"]).unwrap_or(0))
        .with(Meter::Output, count(["outputTokens", "outputTokenCount"]).unwrap_or(0))
        .with(Meter::CacheRead, count(["cacheReadInputTokens", "cacheReadInputTokenCount"]).unwrap_or(0))
        .with(Meter::CacheWrite, short)
        .with(Meter::CacheWrite1h, long);
    usage.native = Native::new(ME, object);
    usage
}

/// The object that `usage` came from, or one that says the same.
pub(super) fn write(usage: &Usage) -> Map<String, Value> {
    if usage.native.is_from(ME) {
        return usage.native.object(ME);
    }
    let (short, long) = (usage.get(Meter::CacheWrite), usage.get(Meter::CacheWrite1h));
    let read = usage.get(Meter::CacheRead).saturating_add(usage.get(Meter::CacheReadAudio));
    let written = short.saturating_add(long);
    let input = usage.input_tokens().saturating_sub(read).saturating_sub(written);
    let mut object = Map::new();
    let counts = [("inputTokens", input), ("outputTokens", usage.output_tokens()), ("totalTokens", usage.total())];
    for (name, count) in counts {
        object.insert(name.to_owned(), count.into());
    }
    for (name, count) in [("cacheReadInputTokens", read), ("cacheWriteInputTokens", written)] {
        if count > 0 {
            object.insert(name.to_owned(), count.into());
        }
    }
    if written > 0 {
        let ages = [("5m", short), ("1h", long)].into_iter().filter(|(_, count)| *count > 0);
        let details: Vec<Value> = ages.map(|(ttl, count)| json!({"ttl": ttl, "inputTokens": count})).collect();
        object.insert("cacheDetails".to_owned(), details.into());
    }
    object
}

#[cfg(test)]
mod tests;
