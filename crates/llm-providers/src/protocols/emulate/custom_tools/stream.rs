//! Custom tools that functions stand in for, in pieces.

use std::collections::{BTreeMap, BTreeSet};

use llm_core::chat::{Change, ChatChunk, ChunkChoice, Content, Delta, Part};

use super::input::Input;

/// Makes the calls of the functions those of the tools, as they come.
#[derive(Debug)]
pub(in super::super) struct Unfolding {
    names: BTreeSet<String>,
    /// The calls that are not over, by choice and part.
    calls: BTreeMap<(u32, u32), Input>,
}

impl Unfolding {
    pub(in super::super) fn new(names: BTreeSet<String>) -> Self {
        Self { names, calls: BTreeMap::new() }
    }

    pub(in super::super) fn unfold(&mut self, chunks: &mut [ChatChunk]) {
        for choice in chunks.iter_mut().flat_map(|chunk| &mut chunk.choices) {
            let is_over = choice.finish_reason.is_some();
            for delta in std::mem::take(&mut choice.deltas) {
                self.take(choice.index, delta, &mut choice.deltas);
            }
            if is_over {
                self.end(|at| at.0 == choice.index, |_, delta| choice.deltas.push(delta));
            }
        }
    }

    fn take(&mut self, choice: u32, delta: Delta, out: &mut Vec<Delta>) {
        let at = (choice, delta.part);
        match delta.change {
            Change::Start(Part { content: Content::ToolCall(mut call), cache, native })
                if self.names.contains(&call.name) =>
            {
                call.is_custom = true;
                let mut input = Input::default();
                call.arguments = input.push(&call.arguments);
                self.calls.insert(at, input);
                let part = Part { content: Content::ToolCall(call), cache, native };
                out.push(Delta { change: Change::Start(part), ..delta });
            }
            Change::Arguments(piece) => match self.calls.get_mut(&at) {
                Some(input) => {
                    let text = input.push(&piece);
                    if !text.is_empty() {
                        out.push(Delta::new(delta.part, Change::Arguments(text)));
                    }
                }
                None => out.push(Delta { change: Change::Arguments(piece), ..delta }),
            },
            Change::Stop => {
                self.end(|of| of == at, |_, rest| out.push(rest));
                out.push(delta);
            }
            _ => out.push(delta),
        }
    }

    /// Says what is left of the calls that nothing said the end of.
    pub(in super::super) fn finish(&mut self, out: &mut Vec<ChatChunk>) {
        self.end(
            |_| true,
            |index, delta| {
                let choices = vec![ChunkChoice { index, deltas: vec![delta], ..ChunkChoice::default() }];
                out.push(ChatChunk { choices, ..ChatChunk::default() });
            },
        );
    }

    /// Ends the calls that `ends` names, and says what was left of each.
    fn end(&mut self, ends: impl Fn((u32, u32)) -> bool, mut say: impl FnMut(u32, Delta)) {
        for ((choice, part), mut input) in self.calls.extract_if(.., |at, _| ends(*at)) {
            let text = input.end();
            if !text.is_empty() {
                say(choice, Delta::new(part, Change::Arguments(text)));
            }
        }
    }
}
