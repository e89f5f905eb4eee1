//! The commonest event of a translated stream, a piece of text, written without building it first.

use llm_core::chat::{Change, ChatChunk};
use serde::Serialize;

/// The event, with its members in the order in which the full form has them.
#[derive(Serialize)]
pub(super) struct TextEvent<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created: i64,
    pub(super) model: &'a str,
    pub(super) choices: [TextChoice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<&'a str>,
    /// Null where usage will come at the end, left out where it will not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<()>,
}

#[derive(Serialize)]
pub(super) struct TextChoice<'a> {
    index: u32,
    delta: TextDelta<'a>,
    logprobs: (),
    finish_reason: (),
}

#[derive(Serialize)]
struct TextDelta<'a> {
    content: &'a str,
}

/// The text, if the chunk says nothing else.
pub(super) fn only_text(chunk: &ChatChunk) -> Option<TextChoice<'_>> {
    let [choice] = chunk.choices.as_slice() else { return None };
    let [delta] = choice.deltas.as_slice() else { return None };
    let Change::Text(content) = &delta.change else { return None };
    let says_more = choice.finish_reason.is_some() || choice.logprobs.is_some() || chunk.usage.is_some();
    (!says_more).then_some(TextChoice {
        index: choice.index,
        delta: TextDelta { content },
        logprobs: (),
        finish_reason: (),
    })
}

impl TextChoice<'_> {
    pub(super) fn index(&self) -> u32 {
        self.index
    }

    pub(super) fn characters(&self) -> usize {
        self.delta.content.chars().count()
    }
}
