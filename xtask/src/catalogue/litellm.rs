//! Reads LiteLLM's `model_prices_and_context_window.json`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::value::RawValue;

use super::decimal::Decimal;
use super::facts::{Facts, Key, Prices};
use super::places;

type Entry = BTreeMap<String, Box<RawValue>>;

/// Every model of a provider of ours, by key.
pub(crate) fn read(text: &str) -> Result<BTreeMap<Key, Facts>> {
    let entries: BTreeMap<String, Entry> =
        serde_json::from_str(text).context("LiteLLM's price list is not an object of objects")?;
    let mut models = BTreeMap::new();
    for (key, entry) in &entries {
        let provider = text_of(entry, "litellm_provider").unwrap_or_default();
        let Some((ours, model)) = places::of_litellm(&provider, key) else { continue };
        let facts = facts(entry).with_context(|| format!("in LiteLLM's entry `{key}`"))?;
        // Where a model stands there with and without its provider's name, the longer key is the newer habit.
        let place = models.entry(format!("{ours}:{model}"));
        if key.contains('/') {
            *place.or_default() = facts;
        } else {
            place.or_insert(facts);
        }
    }
    Ok(models)
}

fn facts(entry: &Entry) -> Result<Facts> {
    let whole = |name: &str| Decimal::parse(entry.get(name)?.get()).ok()?.scaled(0, 1);
    let tokens = |name: &str| whole(name).and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0);
    let mode = mode(&text_of(entry, "mode").unwrap_or_default());
    Ok(Facts {
        mode,
        window: tokens("max_input_tokens"),
        max_output: tokens("max_output_tokens"),
        capabilities: capabilities(entry),
        prices: prices(entry, mode)?,
        deprecated_on: text_of(entry, "deprecation_date"),
    })
}

fn text_of(entry: &Entry, name: &str) -> Option<String> {
    serde_json::from_str(entry.get(name)?.get()).ok()
}

fn mode(name: &str) -> Option<&'static str> {
    Some(match name {
        "chat" => "chat",
        "responses" => "responses",
        "completion" => "completion",
        "embedding" => "embedding",
        "rerank" => "rerank",
        "moderation" => "moderation",
        "image_generation" | "image_edit" => "image",
        "audio_transcription" => "transcription",
        "audio_speech" => "speech",
        "realtime" => "realtime",
        "video_generation" => "video",
        "ocr" => "ocr",
        "" => return None,
        _ => "other",
    })
}

const FLAGS: &[(&str, &str)] = &[
    ("supports_vision", "vision"),
    ("supports_image_input", "vision"),
    ("supports_pdf_input", "pdf"),
    ("supports_audio_input", "audio"),
    ("supports_video_input", "video"),
    ("supports_audio_output", "audio_out"),
    ("supports_function_calling", "tools"),
    ("supports_parallel_function_calling", "parallel_tools"),
    ("supports_response_schema", "json_schema"),
    ("supports_native_structured_output", "json_schema"),
    ("supports_reasoning", "reasoning"),
    ("supports_prompt_caching", "cache"),
    ("supports_web_search", "web_search"),
];

fn capabilities(entry: &Entry) -> BTreeSet<&'static str> {
    let list = |name: &str| -> Vec<String> {
        entry.get(name).and_then(|value| serde_json::from_str(value.get()).ok()).unwrap_or_default()
    };
    let flags = FLAGS.iter().filter(|(flag, _)| entry.get(*flag).is_some_and(|value| value.get() == "true"));
    let mut found: BTreeSet<_> = flags.map(|(_, capability)| *capability).collect();
    for (name, pairs) in [
        ("supported_modalities", [("image", "vision"), ("audio", "audio"), ("video", "video")]),
        ("supported_output_modalities", [("image", "image_out"), ("audio", "audio_out"), ("", "")]),
    ] {
        let said = list(name);
        found.extend(pairs.iter().filter(|(kind, _)| said.iter().any(|said| said == kind)).map(|(_, ours)| *ours));
    }
    found
}

/// LiteLLM's names for costs, per single unit, and our meters.
const COSTS: &[(&str, &str)] = &[
    ("input_cost_per_token", "input"),
    ("output_cost_per_token", "output"),
    ("cache_read_input_token_cost", "cache_read"),
    ("cache_creation_input_token_cost_above_1hr", "cache_write_1h"),
    ("cache_creation_input_token_cost", "cache_write"),
    ("output_cost_per_reasoning_token", "reasoning"),
    ("input_cost_per_audio_token", "input_audio"),
    ("cache_read_input_audio_token_cost", "cache_read_audio"),
    ("input_cost_per_image_token", "input_image"),
    ("output_cost_per_audio_token", "output_audio"),
    ("output_cost_per_image_token", "output_image"),
    ("input_cost_per_request", "request"),
    ("output_cost_per_image", "image"),
    ("input_cost_per_second", "second"),
    ("input_cost_per_character", "character"),
    ("input_cost_per_query", "query"),
    ("ocr_cost_per_page", "page"),
];

fn prices(entry: &Entry, mode: Option<&str>) -> Result<Prices> {
    let mut prices = Prices::new();
    let mut add = |name: &str, above: Option<u64>, number: &str| -> Result<()> {
        let Some(cost) = Cost::parse(name) else { return Ok(()) };
        if number == "null" || !cost.is_of(mode) {
            return Ok(());
        }
        let amount = Decimal::parse(number).with_context(|| format!("in `{name}`"))?;
        let amount = amount.scaled(15, 1).with_context(|| format!("`{name}` is out of range"))?;
        let steps = prices.entry((cost.meter, cost.service)).or_default();
        steps.insert(above.unwrap_or(cost.above), amount);
        Ok(())
    };
    for (name, value) in entry {
        add(name, None, value.get())?;
    }
    let tiers: Vec<Entry> =
        entry.get("tiered_pricing").and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default();
    for tier in &tiers {
        let range: Vec<Box<RawValue>> = match tier.get("range") {
            Some(range) => serde_json::from_str(range.get())?,
            None => continue,
        };
        let start = range.first().context("an empty range in `tiered_pricing`")?;
        let start = Decimal::parse(start.get())?.scaled(0, 1).context("a range out of range")?;
        for (name, value) in tier.iter().filter(|(name, _)| *name != "range") {
            add(name, Some(u64::try_from(start)?), value.get())?;
        }
    }
    if let Some(query) = search_query(entry)? {
        prices.entry(("query", String::new())).or_default().entry(0).or_insert(query);
    }
    Ok(prices)
}

/// The price of a web search, where it is the same for every size of its context.
fn search_query(entry: &Entry) -> Result<Option<i64>> {
    let Some(sizes) = entry.get("search_context_cost_per_query") else { return Ok(None) };
    let sizes: BTreeMap<String, Box<RawValue>> = serde_json::from_str(sizes.get())?;
    let mut amounts = BTreeSet::new();
    for size in sizes.values() {
        amounts.insert(Decimal::parse(size.get())?.scaled(15, 1));
    }
    Ok(if amounts.len() == 1 { amounts.pop_first().flatten() } else { None })
}

/// What the name of a cost says: `input_cost_per_token_above_272k_tokens_priority`.
#[derive(Debug, PartialEq)]
struct Cost {
    meter: &'static str,
    above: u64,
    service: String,
}

impl Cost {
    fn parse(name: &str) -> Option<Self> {
        let (stem, meter) = COSTS.iter().find(|(stem, _)| name.starts_with(stem))?;
        let rest = &name[stem.len()..];
        let (above, rest) = match rest.strip_prefix("_above_") {
            Some(rest) => {
                let (thousands, rest) = rest.split_once("k_tokens")?;
                (thousands.parse::<u64>().ok()?.checked_mul(1000)?, rest)
            }
            None => (0, rest),
        };
        let service = match rest {
            "" => "",
            "_batches" => "batch",
            "_flex" => "flex",
            "_priority" => "priority",
            "_balanced" => "balanced",
            "_ultrafast" => "ultrafast",
            _ => return None,
        };
        Some(Self { meter, above, service: service.to_owned() })
    }

    /// Seconds are seconds of audio, and images are images made.
    fn is_of(&self, mode: Option<&str>) -> bool {
        match self.meter {
            "second" => matches!(mode, Some("transcription" | "realtime")),
            "image" => matches!(mode, Some("image" | "chat" | "responses")),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests;
