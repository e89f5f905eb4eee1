//! Usage: OpenAI's nested counts, and where the hosts put theirs.

use llm_core::{Meter, Native, Usage};
use serde_json::{Map, Value, json};

use super::PROTOCOL;

/// Reads a usage object into disjoint counts and keeps the whole of it.
///
/// Cached, written, audio and image tokens stand within `prompt_tokens`; reasoning, audio and image tokens within
/// `completion_tokens`. Where the stated total is larger than both together, the surplus is reasoning that the host
/// did not count in the completion (xAI, Gemini).
pub(super) fn read(members: Map<String, Value>) -> Usage {
    let mut usage = Usage::default();
    let count = |path: &[&str]| count_at(&members, path);
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| count(path)).unwrap_or(0);

    let prompt = first(&[&["prompt_tokens"]]);
    let mut left = prompt;
    let mut share = |meter, count: u64| {
        let count = count.min(left);
        left -= count;
        usage.add(meter, count);
    };
    share(
        Meter::CacheRead,
        first(&[
            &["prompt_tokens_details", "cached_tokens"],
            &["prompt_cache_hit_tokens"],
            &["cached_tokens"],
            &["num_cached_tokens"],
            &["cache_read_input_tokens"],
        ]),
    );
    let written = first(&[&["prompt_tokens_details", "cache_write_tokens"], &["cache_creation_input_tokens"]]);
    let for_an_hour = first(&[&["cache_creation", "ephemeral_1h_input_tokens"]]).min(written);
    share(Meter::CacheWrite1h, for_an_hour);
    share(Meter::CacheWrite, written - for_an_hour);
    share(Meter::InputAudio, first(&[&["prompt_tokens_details", "audio_tokens"]]));
    share(Meter::InputImage, first(&[&["prompt_tokens_details", "image_tokens"]]));
    usage.set(Meter::Input, left);

    let completion = first(&[&["completion_tokens"]]);
    let surplus = first(&[&["total_tokens"]]).saturating_sub(prompt.saturating_add(completion));
    let mut left = completion;
    let mut share = |meter, count: u64| {
        let count = count.min(left);
        left -= count;
        usage.add(meter, count);
    };
    if surplus == 0 {
        let thought = first(&[&["completion_tokens_details", "reasoning_tokens"], &["reasoning_tokens"]]);
        share(Meter::Reasoning, thought);
    }
    share(Meter::OutputAudio, first(&[&["completion_tokens_details", "audio_tokens"]]));
    share(Meter::OutputImage, first(&[&["completion_tokens_details", "image_tokens"]]));
    usage.set(Meter::Output, left);
    usage.add(Meter::Reasoning, surplus);
    usage.native = Native::new(PROTOCOL, members);
    usage
}

fn count_at(members: &Map<String, Value>, path: &[&str]) -> Option<u64> {
    let (first, rest) = path.split_first()?;
    let found = members.get(*first)?;
    rest.iter().try_fold(found, |value, name| value.get(name))?.as_u64()
}

/// Writes usage: the provider's own object where it came in this protocol, else OpenAI's full form.
pub(super) fn write(usage: &Usage) -> Value {
    if usage.native.is_from(PROTOCOL) {
        return Value::Object(usage.native.object(PROTOCOL));
    }
    json!({
        "prompt_tokens": usage.input_tokens(),
        "completion_tokens": usage.output_tokens(),
        "total_tokens": usage.total(),
        "prompt_tokens_details": {
            "cached_tokens": usage.get(Meter::CacheRead).saturating_add(usage.get(Meter::CacheReadAudio)),
            "cache_write_tokens": usage.get(Meter::CacheWrite).saturating_add(usage.get(Meter::CacheWrite1h)),
            "audio_tokens": usage.get(Meter::InputAudio).saturating_add(usage.get(Meter::CacheReadAudio)),
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.get(Meter::Reasoning),
            "audio_tokens": usage.get(Meter::OutputAudio),
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

#[cfg(test)]
mod tests;
