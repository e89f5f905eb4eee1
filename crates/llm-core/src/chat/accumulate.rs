//! Chunks in, the whole answer out.

use super::{Change, ChatAnswer, ChatChunk, Choice, ChunkChoice, Content, MediaSource, Message, Part, Role};
use crate::Native;

/// Puts the chunks of a stream together again.
///
/// The result equals what the provider would have answered without streaming, except that members which only the
/// chunks' protocol knows are kept as the chunks spelled them; later ones win.
#[derive(Clone, Debug, Default)]
pub struct ChatAccumulator {
    answer: ChatAnswer,
}

impl ChatAccumulator {
    /// An empty answer of `provider`.
    pub fn new(provider: impl Into<String>) -> Self {
        Self { answer: ChatAnswer { provider: provider.into(), ..ChatAnswer::default() } }
    }

    /// Takes in the next chunk.
    pub fn push(&mut self, chunk: &ChatChunk) {
        let answer = &mut self.answer;
        if let Some(id) = &chunk.id {
            answer.id.clone_from(id);
        }
        if let Some(model) = &chunk.model {
            answer.model.clone_from(model);
        }
        answer.created = chunk.created.or(answer.created);
        if let Some(usage) = &chunk.usage {
            answer.usage = Some(usage.clone());
        }
        if let Some(tier) = &chunk.service_tier {
            answer.service_tier = Some(tier.clone());
        }
        answer.native.merge(chunk.native.clone());
        for piece in &chunk.choices {
            choice_at(&mut answer.choices, piece.index).take_in(piece);
        }
    }

    /// What has arrived so far.
    pub fn answer(&self) -> &ChatAnswer {
        &self.answer
    }

    /// The answer as it stands.
    pub fn finish(self) -> ChatAnswer {
        self.answer
    }
}

fn choice_at(choices: &mut Vec<Choice>, index: u32) -> &mut Choice {
    let place = match choices.binary_search_by_key(&index, |choice| choice.index) {
        Ok(place) => place,
        Err(place) => {
            let message = Message::new(Role::Assistant, Vec::new());
            let choice = Choice { index, message, finish_reason: None, logprobs: None, native: Native::NONE };
            choices.insert(place, choice);
            place
        }
    };
    &mut choices[place]
}

impl Choice {
    fn take_in(&mut self, piece: &ChunkChoice) {
        if let Some(role) = &piece.role {
            self.message.role = role.clone();
        }
        if let Some(reason) = &piece.finish_reason {
            self.finish_reason = Some(reason.clone());
        }
        if let Some(logprobs) = &piece.logprobs {
            append_logprobs(&mut self.logprobs, logprobs);
        }
        self.native.merge(piece.native.clone());
        for delta in &piece.deltas {
            let place = delta.part as usize;
            if let Change::Start(part) = &delta.change {
                let parts = &mut self.message.parts;
                parts.insert(place.min(parts.len()), part.clone());
                continue;
            }
            if let Some(part) = self.message.parts.get_mut(place) {
                part.change(&delta.change);
                part.native.merge(delta.native.clone());
            }
        }
    }
}

impl Part {
    /// Applies a change to a part that has begun. A change that does not fit the part's kind is left out.
    fn change(&mut self, change: &Change) {
        match (&mut self.content, change) {
            (Content::Text { text, .. }, Change::Text(more)) | (Content::Refusal { text }, Change::Refusal(more)) => {
                text.push_str(more)
            }
            (Content::Text { citations, .. }, Change::Citation(citation)) => citations.push(citation.clone()),
            (Content::Reasoning(reasoning), Change::Reasoning(more)) => reasoning.text.push_str(more),
            (Content::Reasoning(reasoning), Change::Signature(more)) => {
                reasoning.signature.get_or_insert_default().push_str(more);
            }
            (Content::Reasoning(reasoning), Change::Encrypted(data)) => reasoning.encrypted = Some(data.clone()),
            (Content::ToolCall(call), Change::Arguments(more)) => call.arguments.push_str(more),
            (Content::ServerToolCall(call), Change::Arguments(more)) => call.input.push_str(more),
            (Content::Media(media), Change::Data(more)) => {
                if let MediaSource::Base64 { data, .. } = &mut media.source {
                    data.push_str(more);
                }
            }
            _ => {}
        }
    }
}

/// OpenAI's log probabilities are lists under `content` and `refusal`, which streams deliver in pieces.
fn append_logprobs(all: &mut Option<serde_json::Value>, piece: &serde_json::Value) {
    let Some(sum) = all.as_mut().and_then(|value| value.as_object_mut()) else {
        *all = Some(piece.clone());
        return;
    };
    for (name, value) in piece.as_object().into_iter().flatten() {
        match (sum.get_mut(name).and_then(|old| old.as_array_mut()), value.as_array()) {
            (Some(old), Some(new)) => old.extend(new.iter().cloned()),
            _ => {
                sum.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
