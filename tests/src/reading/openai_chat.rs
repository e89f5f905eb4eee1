//! OpenAI Chat Completions, and its many relatives.

use std::collections::BTreeMap;

use llm_core::Meter;
use serde_json::Value;

use super::{Call, ChoiceReading, Reading, count_at, items, meters, text_at};

pub(super) fn whole(body: &Value) -> Reading {
    let mut reading = Reading { usage: usage_of(body), ..Reading::default() };
    for choice in items(body, "/choices") {
        let said = reading.choices.entry(count_at(choice, "/index").unwrap_or(0)).or_default();
        let mut calls = Calls::default();
        take_in(choice, "/message", said, &mut calls);
        said.calls = calls.list;
    }
    reading
}

pub(super) fn events(events: &[Value]) -> Reading {
    let mut reading = Reading::default();
    let mut calls: BTreeMap<u64, Calls> = BTreeMap::new();
    for event in events {
        if let Some(usage) = usage_of(event) {
            reading.usage = Some(usage);
        }
        for choice in items(event, "/choices") {
            let index = count_at(choice, "/index").unwrap_or(0);
            take_in(choice, "/delta", reading.choices.entry(index).or_default(), calls.entry(index).or_default());
        }
    }
    for (index, said) in &mut reading.choices {
        said.calls = calls.remove(index).unwrap_or_default().list;
    }
    reading
}

/// Tool calls in the making, by the index that the provider gives.
#[derive(Default)]
struct Calls {
    list: Vec<Call>,
    indices: Vec<Option<u64>>,
}

impl Calls {
    /// A piece belongs to the call of its index; without an index, a new id begins a new call.
    fn place(&mut self, piece: &Value) -> usize {
        let index = count_at(piece, "/index");
        let id = text_at(piece, "/id");
        let found = match index {
            Some(_) => self.indices.iter().position(|known| *known == index),
            None if id.is_empty() => self.list.len().checked_sub(1),
            None => self.list.iter().position(|call| call.id == id),
        };
        // Some hosts give every parallel call the index 0 and tell them apart by id alone.
        let found = found.filter(|&at| id.is_empty() || self.list[at].id.is_empty() || self.list[at].id == id);
        let found = found.or_else(|| {
            let same = |call: &Call| !id.is_empty() && call.id == id;
            self.list.iter().position(same)
        });
        found.unwrap_or_else(|| {
            self.list.push(Call::default());
            self.indices.push(index);
            self.list.len() - 1
        })
    }
}

fn take_in(choice: &Value, member: &str, said: &mut ChoiceReading, calls: &mut Calls) {
    let Some(message) = choice.pointer(member) else { return };
    match message.get("content") {
        Some(Value::String(text)) => said.text.push_str(text),
        Some(Value::Array(parts)) => {
            for part in parts.iter().filter(|part| part["type"] == "text") {
                said.text.push_str(&text_at(part, "/text"));
            }
        }
        _ => {}
    }
    said.refusal.push_str(&text_at(message, "/refusal"));
    for piece in items(message, "/tool_calls") {
        let at = calls.place(piece);
        let call = &mut calls.list[at];
        if call.id.is_empty() {
            call.id = text_at(piece, "/id");
        }
        let (name, arguments) =
            match piece.get("custom").is_some_and(Value::is_object) && piece.get("function").is_none() {
                true => ("/custom/name", "/custom/input"),
                false => ("/function/name", "/function/arguments"),
            };
        if call.name.is_empty() {
            call.name = text_at(piece, name);
        }
        match piece.pointer(arguments) {
            Some(Value::String(text)) => call.arguments.push_str(text),
            Some(Value::Null) | None => {}
            Some(other) => call.arguments.push_str(&other.to_string()),
        }
    }
    if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
        said.finish = Some(reason.to_owned());
    }
}

/// Tokens, disjoint. Cached, written, audio and image tokens stand within `prompt_tokens`, reasoning and audio within
/// `completion_tokens`; where the total is larger than both together, the rest is reasoning that was not counted in
/// the completion.
fn usage_of(body: &Value) -> Option<BTreeMap<Meter, u64>> {
    let usage =
        [body.get("usage"), body.pointer("/x_groq/usage")].into_iter().flatten().find(|usage| usage.is_object())?;
    let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| count_at(usage, pointer)).unwrap_or(0);

    let prompt = first(&["/prompt_tokens"]);
    let completion = first(&["/completion_tokens"]);
    let mut left = prompt;
    let mut from_prompt = |count: u64| {
        let count = count.min(left);
        left -= count;
        count
    };
    let cached = from_prompt(first(&[
        "/prompt_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
        "/cached_tokens",
        "/num_cached_tokens",
        "/cache_read_input_tokens",
    ]));
    let written = from_prompt(first(&["/prompt_tokens_details/cache_write_tokens", "/cache_creation_input_tokens"]));
    let audio_in = from_prompt(first(&["/prompt_tokens_details/audio_tokens"]));
    let image_in = from_prompt(first(&["/prompt_tokens_details/image_tokens"]));

    let surplus = first(&["/total_tokens"]).saturating_sub(prompt.saturating_add(completion));
    let mut rest = completion;
    let mut from_completion = |count: u64| {
        let count = count.min(rest);
        rest -= count;
        count
    };
    let reasoning = match surplus {
        0 => from_completion(first(&["/completion_tokens_details/reasoning_tokens", "/reasoning_tokens"])),
        surplus => surplus,
    };
    let audio_out = from_completion(first(&["/completion_tokens_details/audio_tokens"]));
    let image_out = from_completion(first(&["/completion_tokens_details/image_tokens"]));

    Some(meters(&[
        (Meter::Input, left),
        (Meter::CacheRead, cached),
        (Meter::CacheWrite, written),
        (Meter::InputAudio, audio_in),
        (Meter::InputImage, image_in),
        (Meter::Output, rest),
        (Meter::Reasoning, reasoning),
        (Meter::OutputAudio, audio_out),
        (Meter::OutputImage, image_out),
    ]))
}
