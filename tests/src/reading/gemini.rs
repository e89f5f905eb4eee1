//! Gemini: a whole answer is a stream of one event.

use std::collections::BTreeMap;

use llm_core::Meter;
use serde_json::{Map, Value, json};

use super::{Call, Reading, count_at, items, meters, text_at};

pub(super) fn events(events: &[Value]) -> Reading {
    let mut reading = Reading::default();
    // The call of each candidate whose arguments still come.
    let mut open: BTreeMap<u64, Value> = BTreeMap::new();
    for event in events {
        for (place, candidate) in items(event, "/candidates").enumerate() {
            let index = count_at(candidate, "/index").unwrap_or(place as u64);
            let said = reading.choices.entry(index).or_default();
            for part in items(candidate, "/content/parts") {
                if part["thought"] != true {
                    said.text.push_str(&text_at(part, "/text"));
                }
                let Some(call) = part.get("functionCall") else { continue };
                if call["name"].is_string() {
                    said.calls.push(Call {
                        id: text_at(call, "/id"),
                        name: text_at(call, "/name"),
                        arguments: call.get("args").map(Value::to_string).unwrap_or_default(),
                    });
                    open.insert(index, json!({}));
                }
                let args = open.entry(index).or_default();
                for piece in items(call, "/partialArgs") {
                    add(args, piece);
                }
                if let Some(last) = said.calls.last_mut()
                    && args.as_object().is_some_and(|args| !args.is_empty())
                {
                    last.arguments = args.to_string();
                }
            }
            match &candidate["finishReason"] {
                Value::Null => {}
                Value::String(word) => said.finish = Some(word.clone()),
                other => said.finish = Some(other.to_string()),
            }
        }
        if let Some(usage) = event.get("usageMetadata").and_then(Value::as_object)
            && usage.keys().any(|name| name.ends_with("TokenCount"))
        {
            reading.usage = Some(usage_of(usage));
        }
    }
    reading
}

/// Texts at a path of one member, which is all that is recorded.
fn add(args: &mut Value, piece: &Value) {
    let path = text_at(piece, "/jsonPath");
    let all = &mut args[path.trim_start_matches("$.")];
    *all = json!(format!("{}{}", all.as_str().unwrap_or_default(), text_at(piece, "/stringValue")));
}

/// Tokens, disjoint: the prompt has what was read from a cache in it, the candidates have no thoughts in them, and what
/// the provider's tools put into the prompt stands beside both.
fn usage_of(usage: &Map<String, Value>) -> BTreeMap<Meter, u64> {
    let usage = Value::Object(usage.clone());
    let count = |name: &str| count_at(&usage, &format!("/{name}")).unwrap_or(0);
    let of = |list: &str, words: [&str; 2]| -> u64 {
        let is_it = |entry: &&Value| words.iter().any(|word| entry["modality"].to_string().trim_matches('"') == *word);
        items(&usage, &format!("/{list}")).filter(is_it).filter_map(|entry| entry["tokenCount"].as_u64()).sum()
    };
    let (audio, image) = (["AUDIO", "4"], ["IMAGE", "2"]);
    let cached = count("cachedContentTokenCount");
    let cached_audio = of("cacheTokensDetails", audio);
    let audio_in = of("promptTokensDetails", audio).saturating_sub(cached_audio);
    let image_in = of("promptTokensDetails", image).saturating_sub(of("cacheTokensDetails", image));
    let (audio_out, image_out) = (of("candidatesTokensDetails", audio), of("candidatesTokensDetails", image));
    meters(&[
        (Meter::Input, count("promptTokenCount") - cached - audio_in - image_in + count("toolUsePromptTokenCount")),
        (Meter::CacheRead, cached - cached_audio),
        (Meter::CacheReadAudio, cached_audio),
        (Meter::InputAudio, audio_in),
        (Meter::InputImage, image_in),
        (Meter::Output, count("candidatesTokenCount") - audio_out - image_out),
        (Meter::OutputAudio, audio_out),
        (Meter::OutputImage, image_out),
        (Meter::Reasoning, count("thoughtsTokenCount")),
    ])
}
