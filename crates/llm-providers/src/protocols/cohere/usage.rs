//! Usage: what was charged, and what was read and written.
//!
//! Cohere says both. `billed_units` is what stands on the invoice: it leaves out the provider's own instructions, which
//! `tokens` counts, and of which most of `cached_tokens` are. So the meters are the billed units, and the whole object
//! is kept. Where nothing is said of billing, the tokens count, cached ones apart.

use llm_core::{Meter, Native, Usage};
use serde_json::{Map, Value, json};

use super::COHERE;

/// Reads a usage object into disjoint counts and keeps the whole of it.
pub(super) fn read(members: Map<String, Value>) -> Usage {
    let count = |group: &str, name: &str| members.get(group).and_then(|group| group.get(name)).and_then(whole);
    let mut usage = Usage::default();
    let mut left = match count("billed_units", "input_tokens") {
        Some(billed) => billed,
        None => {
            let read = count("tokens", "input_tokens").unwrap_or(0);
            let cached = members.get("cached_tokens").and_then(whole).unwrap_or(0).min(read);
            usage.set(Meter::CacheRead, cached);
            read - cached
        }
    };
    let images = count("tokens", "image_tokens").unwrap_or(0).min(left);
    left -= images;
    usage.set(Meter::InputImage, images);
    usage.set(Meter::Input, left);

    let written = count("billed_units", "output_tokens").or_else(|| count("tokens", "output_tokens")).unwrap_or(0);
    let thought = count("tokens", "reasoning_tokens").unwrap_or(0).min(written);
    usage.set(Meter::Reasoning, thought);
    usage.set(Meter::Output, written - thought);
    usage.set(Meter::Query, count("billed_units", "search_units").unwrap_or(0));
    usage.native = Native::new(COHERE, members);
    usage
}

/// A count. Cohere's schema says that they are numbers with a fraction, which they never have.
fn whole(value: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and not negative")]
    let of_float = |number: f64| (number >= 0.0 && number.fract() == 0.0 && number < 9e15).then_some(number as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(of_float))
}

/// Writes usage: the provider's own object where it came in this protocol.
pub(super) fn write(usage: &Usage) -> Value {
    if usage.native.is_from(COHERE) {
        return Value::Object(usage.native.object(COHERE));
    }
    let mut out = json!({
        "billed_units": {"input_tokens": usage.input_tokens(), "output_tokens": usage.output_tokens()},
        "tokens": {"input_tokens": usage.input_tokens(), "output_tokens": usage.output_tokens()},
    });
    let cached = usage.get(Meter::CacheRead).saturating_add(usage.get(Meter::CacheReadAudio));
    if cached > 0 {
        out["cached_tokens"] = json!(cached);
    }
    out
}

#[cfg(test)]
mod tests;
