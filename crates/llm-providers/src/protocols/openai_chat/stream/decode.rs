//! Events in, chunks out.

use std::collections::BTreeMap;

use llm_core::chat::{ChatChunk, ChunkChoice};
use llm_core::codec::{Chat, DecodeContext, Frame, StreamDecoder};
use llm_core::fields::Fields;
use llm_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::super::events::{self, Event};
use super::super::message::sources::Sources;
use super::super::{PROTOCOL, usage};
use super::choice::ChoiceState;

/// The decoder of one streamed answer.
pub(in super::super) struct Decoder {
    cx: DecodeContext,
    choices: BTreeMap<u32, ChoiceState>,
    sources: Sources,
    done: bool,
}

impl Decoder {
    /// At the beginning of a stream.
    pub(in super::super) fn new(cx: DecodeContext) -> Self {
        Self { cx, choices: BTreeMap::new(), sources: Sources::default(), done: false }
    }

    fn chunk(&mut self, members: Map<String, Value>) -> ChatChunk {
        let mut fields = Fields::new(members);
        let used = match fields.take_object("usage") {
            Some(members) => {
                fields.put("usage", json!({}));
                Some(usage::read(members.into_members()))
            }
            // Groq states the usage of an unasked stream here, and of an asked one in both places.
            None => fields
                .get("x_groq")
                .and_then(|own| own.get("usage"))
                .and_then(Value::as_object)
                .map(|members| usage::read(members.clone())),
        };
        self.sources.look(&fields);
        let choices = match fields.take_list("choices") {
            Some(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
                (0u32..).zip(list).filter_map(|(place, value)| self.choice(place, value)).collect()
            }
            Some(list) => {
                fields.put("choices", Value::Array(list));
                Vec::new()
            }
            None => Vec::new(),
        };
        ChatChunk {
            id: fields.take_nonempty("id"),
            model: fields.take_nonempty("model"),
            created: fields.take_i64("created"),
            choices,
            usage: used,
            service_tier: fields.take_nonempty("service_tier"),
            native: fields.into_native(PROTOCOL),
        }
    }

    fn choice(&mut self, place: u32, value: Value) -> Option<ChunkChoice> {
        let fields = Fields::at("choices", value).ok()?;
        let index = fields.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok());
        let index = index.unwrap_or(place);
        let state = self.choices.entry(index).or_insert_with(|| ChoiceState::new(index, self.cx.think_tags));
        Some(state.read(&self.cx, fields, &mut self.sources))
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        if self.done {
            return Ok(());
        }
        match events::read(&self.cx, frame)? {
            Event::Nothing => {}
            Event::Done => self.done = true,
            Event::Object(members) => out.push(self.chunk(members)),
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<()> {
        let all_finished = !self.choices.is_empty() && self.choices.values().all(ChoiceState::is_finished);
        let is_whole = self.done || (self.cx.no_done && all_finished);
        if !is_whole {
            return Err(Error::cut());
        }
        let mut held: Vec<ChunkChoice> = self.choices.values_mut().filter_map(ChoiceState::finish).collect();
        // Sources that were said after the choice's end.
        held.extend(self.choices.values_mut().next().and_then(|choice| choice.cite_sources(&mut self.sources)));
        if !held.is_empty() {
            out.push(ChatChunk { choices: held, ..ChatChunk::default() });
        }
        Ok(())
    }
}
