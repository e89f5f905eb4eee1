//! Usage, in the names of Responses.

use llm_core::{Meter, Native, Usage};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::PROTOCOL;
use crate::protocols::openai_chat::usage::{Details, Said};
use crate::protocols::reader::{Count, Nested};

/// The members of a usage object that are counts: those of Chat Completions under other names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    input_tokens: Count,
    output_tokens: Count,
    total_tokens: Count,
    input_tokens_details: Nested<Details>,
    output_tokens_details: Nested<Details>,
}

/// Reads a usage object into disjoint counts and keeps the whole of it.
pub(super) fn read(members: Map<String, Value>) -> Usage {
    // A reader for which every value is good enough can't fail.
    let named = Named::deserialize(&members).unwrap_or_default();
    let mut said = Said::default();
    said.prompt_tokens = named.input_tokens;
    said.completion_tokens = named.output_tokens;
    said.total_tokens = named.total_tokens;
    said.prompt_tokens_details = named.input_tokens_details;
    said.completion_tokens_details = named.output_tokens_details;
    let mut usage = said.counts();
    usage.native = Native::new(PROTOCOL, members);
    usage
}

/// Writes usage: the provider's own object where it came in this protocol, else OpenAI's full form.
pub(super) fn write(usage: &Usage) -> Value {
    if usage.native.is_from(PROTOCOL) {
        return Value::Object(usage.native.object(PROTOCOL));
    }
    json!({
        "input_tokens": usage.input_tokens(),
        "input_tokens_details": {
            "cached_tokens": usage.get(Meter::CacheRead).saturating_add(usage.get(Meter::CacheReadAudio)),
            "cache_write_tokens": usage.get(Meter::CacheWrite).saturating_add(usage.get(Meter::CacheWrite1h)),
        },
        "output_tokens": usage.output_tokens(),
        "output_tokens_details": {"reasoning_tokens": usage.get(Meter::Reasoning)},
        "total_tokens": usage.total(),
    })
}
