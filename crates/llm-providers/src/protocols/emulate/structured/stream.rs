//! The stand-in for structured output, in pieces.

use std::collections::{BTreeMap, BTreeSet};

use llm_core::Result;
use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, FinishReason, Part};
use llm_core::codec::EmulatedFormat;

use super::fence::Stripper;
use super::{check, is_whole, stopped};

/// Makes the answer of what stood in for it, as it comes.
pub(in super::super) struct Unfolding {
    format: EmulatedFormat,
    choices: BTreeMap<u32, State>,
}

/// One choice.
#[derive(Default)]
struct State {
    /// The part that is the tool's call.
    called: Option<u32>,
    /// The parts that are text of the model's own.
    texts: BTreeSet<u32>,
    /// The parts that the caller sees, in order: without text beside a call, they are fewer.
    shown: Vec<u32>,
    fence: Stripper,
    /// The answer so far.
    answer: String,
    /// Whether the model has said why it stopped, and the answer was checked.
    done: bool,
}

impl Unfolding {
    pub(in super::super) fn new(format: EmulatedFormat) -> Self {
        Self { format, choices: BTreeMap::new() }
    }

    /// # Errors
    /// Where the answer is whole and not what was asked for.
    pub(in super::super) fn unfold(&mut self, chunks: &mut [ChatChunk]) -> Result<()> {
        for choice in chunks.iter_mut().flat_map(|chunk| &mut chunk.choices) {
            let state = self.choices.entry(choice.index).or_default();
            let deltas = std::mem::take(&mut choice.deltas);
            choice.deltas = deltas.into_iter().filter_map(|delta| state.shown(delta, &self.format)).collect();
            if choice.finish_reason.is_some() && !state.done {
                choice.deltas.append(&mut state.end(choice.finish_reason.as_ref(), &self.format)?);
            }
            if state.called.is_some() {
                stopped(&mut choice.finish_reason, &mut choice.native);
            }
        }
        Ok(())
    }

    /// Says what is still to be said when nothing more comes: not every provider says why its model stopped.
    ///
    /// # Errors
    /// As [`Self::unfold`].
    pub(in super::super) fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<()> {
        for (&index, state) in self.choices.iter_mut().filter(|(_, state)| !state.done) {
            let deltas = state.end(None, &self.format)?;
            if !deltas.is_empty() {
                let choices = vec![ChunkChoice { index, deltas, ..ChunkChoice::default() }];
                out.push(ChatChunk { choices, ..ChatChunk::default() });
            }
        }
        Ok(())
    }
}

impl State {
    /// A change as the caller sees it, with its part's place among those that are shown.
    fn shown(&mut self, delta: Delta, format: &EmulatedFormat) -> Option<Delta> {
        let delta = self.delta(delta, format)?;
        Some(Delta { part: self.place(delta.part), ..delta })
    }

    fn place(&mut self, part: u32) -> u32 {
        let place = self.shown.iter().position(|other| *other == part).unwrap_or_else(|| {
            self.shown.push(part);
            self.shown.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    fn delta(&mut self, delta: Delta, format: &EmulatedFormat) -> Option<Delta> {
        let Delta { part, change, native } = delta;
        match change {
            Change::Start(Part { content: Content::ToolCall(call), .. })
                if format.tool.as_ref() == Some(&call.name) =>
            {
                self.called = Some(part);
                self.answer.clone_from(&call.arguments);
                Some(Delta::new(part, Change::Start(Part::text(call.arguments))))
            }
            Change::Arguments(piece) if self.called == Some(part) => {
                self.answer.push_str(&piece);
                Some(Delta::new(part, Change::Text(piece)))
            }
            Change::Start(Part { content: Content::Text { text, .. }, .. }) => {
                self.texts.insert(part);
                let text = self.text(&text);
                // Beside the call of a tool, text is not the answer.
                format.tool.is_none().then(|| Delta::new(part, Change::Start(Part::text(text))))
            }
            Change::Text(piece) => {
                let text = self.text(&piece);
                let shown = format.tool.is_none() && !text.is_empty();
                shown.then(|| Delta::new(part, Change::Text(text)))
            }
            _ if format.tool.is_some() && self.texts.contains(&part) => None,
            change => Some(Delta { part, change, native }),
        }
    }

    fn text(&mut self, piece: &str) -> String {
        let text = self.fence.push(piece);
        if self.called.is_none() {
            self.answer.push_str(&text);
        }
        text
    }

    /// What is still to be said when the model is done; an error where the answer is not what was asked for.
    fn end(
        &mut self,
        reason: Option<&FinishReason>,
        EmulatedFormat { tool, schema }: &EmulatedFormat,
    ) -> Result<Vec<Delta>> {
        self.done = true;
        if is_whole(reason) {
            check::check(schema, self.answer.trim())?;
        }
        if tool.is_none() || self.called.is_some() {
            return Ok(Vec::new());
        }
        // The model was to call the tool, and has said the answer instead.
        let part = self.texts.first().copied().unwrap_or(0);
        let part = self.place(part);
        let text = Part::text(std::mem::take(&mut self.answer));
        Ok(vec![Delta::new(part, Change::Start(text)), Delta::new(part, Change::Stop)])
    }
}
