//! Usage: OpenAI's nested counts, and where the hosts put theirs.

use llm_core::{Meter, Native, Protocol, Usage};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::PROTOCOL;
use crate::protocols::reader::{Count, Nested};

/// The members of a usage object that are counts, wherever a host puts them. What is no count is as good as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::protocols) struct Said {
    pub(in crate::protocols) prompt_tokens: Count,
    pub(in crate::protocols) completion_tokens: Count,
    pub(in crate::protocols) total_tokens: Count,
    pub(in crate::protocols) prompt_tokens_details: Nested<Details>,
    pub(in crate::protocols) completion_tokens_details: Nested<Details>,
    prompt_cache_hit_tokens: Count,
    cached_tokens: Count,
    num_cached_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_creation: Nested<Written>,
    reasoning_tokens: Count,
    citation_tokens: Count,
    num_search_queries: Count,
    server_tool_use_details: Nested<ToolUse>,
    server_tool_use: Nested<ToolUse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::protocols) struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    reasoning_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    ephemeral_1h_input_tokens: Count,
}

/// What the provider's own tools did. Of the calls of tools that stand beside it, searches are a part.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolUse {
    web_search_requests: Count,
}

/// Reads a usage object into disjoint counts and keeps the whole of it.
pub(super) fn read(members: Map<String, Value>) -> Usage {
    // A reader for which every value is good enough can't fail.
    let said = Said::deserialize(&members).unwrap_or_default();
    let mut usage = said.counts();
    usage.native = Native::new(PROTOCOL, members);
    usage
}

/// Reads the counts of a usage object that stands at the beginning of `json`, and nothing else of it; none where
/// nothing there says how many tokens were used. With it goes the length of the object in bytes.
pub(super) fn skim(json: &[u8]) -> (Option<Usage>, usize) {
    let mut read = serde_json::Deserializer::from_slice(json).into_iter();
    let said = match read.next() {
        Some(Ok(said)) => Some((said, read.byte_offset())),
        // Of what stands there twice the last counts, as in an object that is built.
        _ => {
            let mut read = serde_json::Deserializer::from_slice(json).into_iter::<Value>();
            let built = read.next().and_then(|value| Said::deserialize(value.ok()?).ok());
            built.map(|said| (said, read.byte_offset()))
        }
    };
    let Some((said, length)) = said else { return (None, 0) };
    let is_usage =
        [said.prompt_tokens, said.completion_tokens, said.total_tokens].iter().any(|count| count.0.is_some());
    (is_usage.then(|| said.counts()), length)
}

impl Said {
    /// Cached, written, audio and image tokens stand within `prompt_tokens`; reasoning, audio and image tokens within
    /// `completion_tokens`. Where the stated total is larger than both together, the surplus is reasoning that the host
    /// did not count in the completion (xAI, Gemini).
    ///
    /// Perplexity's research counts what it read of its sources, what it thought about them and its searches beside
    /// prompt and completion, in the total or not, and charges for each ("Sonar Deep Research" in its documentation).
    pub(in crate::protocols) fn counts(&self) -> Usage {
        let mut usage = Usage::default();
        let Self { prompt_tokens_details: Nested(input), completion_tokens_details: Nested(output), .. } = self;

        let prompt = self.prompt_tokens.or_zero();
        let mut left = prompt;
        let mut share = |meter, count: u64| {
            let count = count.min(left);
            left -= count;
            usage.add(meter, count);
        };
        let read = input.cached_tokens.or(self.prompt_cache_hit_tokens).or(self.cached_tokens);
        share(Meter::CacheRead, read.or(self.num_cached_tokens).or(self.cache_read_input_tokens).or_zero());
        let written = input.cache_write_tokens.or(self.cache_creation_input_tokens).or_zero();
        let for_an_hour = self.cache_creation.0.ephemeral_1h_input_tokens.or_zero().min(written);
        share(Meter::CacheWrite1h, for_an_hour);
        share(Meter::CacheWrite, written - for_an_hour);
        share(Meter::InputAudio, input.audio_tokens.or_zero());
        share(Meter::InputImage, input.image_tokens.or_zero());
        let cited = self.citation_tokens.or_zero();
        usage.set(Meter::Input, left.saturating_add(cited));

        let completion = self.completion_tokens.or_zero();
        let surplus = self.total_tokens.or_zero().saturating_sub(prompt.saturating_add(completion));
        let researched = self.citation_tokens.or(self.num_search_queries).0.is_some();
        let beside = if researched { self.reasoning_tokens.or_zero() } else { 0 };
        let surplus = surplus.saturating_sub(cited).max(beside);
        let mut left = completion;
        let mut share = |meter, count: u64| {
            let count = count.min(left);
            left -= count;
            usage.add(meter, count);
        };
        if surplus == 0 {
            share(Meter::Reasoning, output.reasoning_tokens.or(self.reasoning_tokens).or_zero());
        }
        share(Meter::OutputAudio, output.audio_tokens.or_zero());
        share(Meter::OutputImage, output.image_tokens.or_zero());
        usage.set(Meter::Output, left);
        usage.add(Meter::Reasoning, surplus);
        let Self { server_tool_use_details: Nested(tools), server_tool_use: Nested(earlier), .. } = self;
        let searches = self.num_search_queries.or(tools.web_search_requests).or(earlier.web_search_requests);
        usage.set(Meter::Query, searches.or_zero());
        usage
    }
}

/// Reads the usage object of an operation that reads and writes nothing: all tokens are the prompt's, whatever the
/// object calls them. None where it counts no tokens.
pub(in crate::protocols) fn read_prompt(members: &Map<String, Value>, native: Protocol) -> Option<Usage> {
    let count = |path: &[&str]| count_at(members, path);
    let names: [&[&str]; 4] = [&["prompt_tokens"], &["input_tokens"], &["total_tokens"], &["prompt_eval_count"]];
    let tokens = names.iter().find_map(|path| count(path))?;
    let image = count(&["prompt_tokens_details", "image_tokens"]).unwrap_or(0).min(tokens);
    let mut usage = Usage::default().with(Meter::InputImage, image).with(Meter::Input, tokens - image);
    usage.native = Native::new(native, members.clone());
    Some(usage)
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
