//! Usage: Google's counts, and disjoint ones.
//!
//! `promptTokenCount` includes what was read from a cache; `candidatesTokenCount` has no thoughts in it; what tools of
//! the provider's own put into the prompt is counted beside both. Lists by modality say which of them are audio and
//! images; video and documents cost as text does.

use llm_core::{Meter, Native, Usage};
use serde_json::{Map, Value, json};

use super::ME;

/// The counts that say that an object is one of usage at all.
const COUNTS: [&str; 5] =
    ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount", "totalTokenCount"];

/// The counts of a usage object, and the object itself; the object as it came where it says none.
pub(super) fn read(object: Map<String, Value>) -> Result<Usage, Map<String, Value>> {
    let Some(mut usage) = counts_of(&object) else { return Err(object) };
    usage.native = Native::new(ME, object);
    Ok(usage)
}

/// The counts of a usage object alone, where it says any.
pub(super) fn counts_of(object: &Map<String, Value>) -> Option<Usage> {
    let says_some = COUNTS.iter().any(|name| object.get(*name).is_some_and(Value::is_u64));
    says_some.then(|| counts(object))
}

fn counts(object: &Map<String, Value>) -> Usage {
    let count = |name: &str| object.get(name).and_then(Value::as_u64).unwrap_or(0);
    let by = |name: &str, modality| of_modality(object.get(name), modality);
    let prompt = count("promptTokenCount");
    let cached = count("cachedContentTokenCount").min(prompt);
    let cached_audio = by("cacheTokensDetails", Modality::Audio).min(cached);
    let mut fresh = prompt - cached;
    let audio = by("promptTokensDetails", Modality::Audio).saturating_sub(cached_audio).min(fresh);
    fresh -= audio;
    let cached_image = by("cacheTokensDetails", Modality::Image);
    let image = by("promptTokensDetails", Modality::Image).saturating_sub(cached_image).min(fresh);
    fresh -= image;

    let mut tools = count("toolUsePromptTokenCount");
    let tools_audio = by("toolUsePromptTokensDetails", Modality::Audio).min(tools);
    tools -= tools_audio;
    let tools_image = by("toolUsePromptTokensDetails", Modality::Image).min(tools);
    tools -= tools_image;

    let mut said = count("candidatesTokenCount");
    let said_audio = by("candidatesTokensDetails", Modality::Audio).min(said);
    said -= said_audio;
    let said_image = by("candidatesTokensDetails", Modality::Image).min(said);
    said -= said_image;

    Usage::default()
        .with(Meter::Input, fresh.saturating_add(tools))
        .with(Meter::InputAudio, audio.saturating_add(tools_audio))
        .with(Meter::InputImage, image.saturating_add(tools_image))
        .with(Meter::CacheRead, cached - cached_audio)
        .with(Meter::CacheReadAudio, cached_audio)
        .with(Meter::Output, said)
        .with(Meter::OutputAudio, said_audio)
        .with(Meter::OutputImage, said_image)
        .with(Meter::Reasoning, count("thoughtsTokenCount"))
}

#[derive(Clone, Copy, PartialEq)]
enum Modality {
    Image,
    Audio,
}

/// The tokens of one modality in a list of `{modality, tokenCount}`.
fn of_modality(list: Option<&Value>, modality: Modality) -> u64 {
    let is_it = |entry: &&Value| match (entry.get("modality"), modality) {
        (Some(Value::String(word)), Modality::Image) => word == "IMAGE",
        (Some(Value::String(word)), Modality::Audio) => word == "AUDIO",
        (Some(Value::Number(number)), Modality::Image) => number.as_u64() == Some(2),
        (Some(Value::Number(number)), Modality::Audio) => number.as_u64() == Some(4),
        _ => false,
    };
    let entries = list.and_then(Value::as_array).into_iter().flatten();
    let counts = entries.filter(is_it).filter_map(|entry| entry.get("tokenCount").and_then(Value::as_u64));
    counts.fold(0, u64::saturating_add)
}

/// The service tier that a usage object names.
pub(super) fn tier(object: &Map<String, Value>) -> Option<String> {
    if let Some(tier) = object.get("serviceTier").and_then(Value::as_str) {
        return Some(tier.to_ascii_lowercase());
    }
    match object.get("trafficType")?.as_str()? {
        "ON_DEMAND_FLEX" => Some("flex".to_owned()),
        "ON_DEMAND_PRIORITY" => Some("priority".to_owned()),
        _ => None,
    }
}

/// The object that `usage` came from, or one that says the same.
pub(super) fn write(usage: &Usage) -> Map<String, Value> {
    if usage.native.is_from(ME) {
        return usage.native.object(ME);
    }
    let mut object = Map::new();
    let thoughts = usage.get(Meter::Reasoning);
    let said = usage.output_tokens().saturating_sub(thoughts);
    let cached = usage.get(Meter::CacheRead).saturating_add(usage.get(Meter::CacheReadAudio));
    object.insert("promptTokenCount".to_owned(), usage.input_tokens().into());
    object.insert("candidatesTokenCount".to_owned(), said.into());
    object.insert("totalTokenCount".to_owned(), usage.total().into());
    for (name, count) in [("thoughtsTokenCount", thoughts), ("cachedContentTokenCount", cached)] {
        if count > 0 {
            object.insert(name.to_owned(), count.into());
        }
    }
    let audio = usage.get(Meter::InputAudio).saturating_add(usage.get(Meter::CacheReadAudio));
    let image = usage.get(Meter::InputImage);
    details(&mut object, "promptTokensDetails", usage.input_tokens(), audio, image);
    details(&mut object, "cacheTokensDetails", cached, usage.get(Meter::CacheReadAudio), 0);
    details(&mut object, "candidatesTokensDetails", said, usage.get(Meter::OutputAudio), usage.get(Meter::OutputImage));
    object
}

/// A list by modality, where there is more than text to tell.
fn details(object: &mut Map<String, Value>, name: &str, all: u64, audio: u64, image: u64) {
    if audio == 0 && image == 0 {
        return;
    }
    let text = all.saturating_sub(audio).saturating_sub(image);
    let list = [("TEXT", text), ("AUDIO", audio), ("IMAGE", image)];
    let list = list.into_iter().filter(|(_, count)| *count > 0);
    let list: Vec<Value> = list.map(|(word, count)| json!({"modality": word, "tokenCount": count})).collect();
    object.insert(name.to_owned(), list.into());
}

#[cfg(test)]
mod tests;
