//! Parts of other protocols' streams that this one says whole: function calls, media, the signature of thoughts.

use llm_core::Part;
use llm_core::chat::{Change, Content, Delta, MediaSource};
use serde_json::Value;

use super::super::part::{self, Parts};

/// The parts that have begun and can't be said yet, in order.
#[derive(Debug, Default)]
pub(super) struct Held {
    parts: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    number: u32,
    part: Part,
    /// Whether the provider said that it is whole.
    ended: bool,
}

impl Open {
    fn is_whole(&self) -> bool {
        match &self.part.content {
            Content::ToolCall(call) => {
                serde_json::from_str::<Value>(&call.arguments).is_ok_and(|args| args.is_object())
            }
            _ => true,
        }
    }
}

impl Held {
    /// Takes in a change, and appends what can be said now.
    pub(super) fn take(&mut self, delta: &Delta, out: &mut Parts) {
        if let Change::Start(part) = &delta.change {
            // Whatever is whole before it has ended.
            for open in &mut self.parts {
                open.ended |= open.is_whole();
            }
            self.release(false, out);
            self.begin(delta.part, part, out);
            return;
        }
        let Some(open) = self.parts.iter_mut().find(|open| open.number == delta.part) else {
            if let Change::Text(text) | Change::Refusal(text) = &delta.change {
                part::answer(&Part::text(text.as_str()), out);
            }
            return;
        };
        match (&mut open.part.content, &delta.change) {
            (Content::Reasoning(_), Change::Reasoning(text)) => out.push_thoughts(text),
            (Content::Reasoning(reasoning), Change::Signature(more)) => {
                reasoning.signature.get_or_insert_default().push_str(more);
            }
            (Content::ToolCall(call), Change::Arguments(more)) => call.arguments.push_str(more),
            (Content::Media(media), Change::Data(more)) => {
                if let MediaSource::Base64 { data, .. } = &mut media.source {
                    data.push_str(more);
                }
            }
            (_, Change::Stop) => {
                open.ended = true;
                self.release(false, out);
            }
            _ => {}
        }
    }

    fn begin(&mut self, number: u32, part: &Part, out: &mut Parts) {
        let mut part = part.clone();
        match &mut part.content {
            Content::Reasoning(reasoning) => out.push_thoughts(&std::mem::take(&mut reasoning.text)),
            Content::ToolCall(_) | Content::Media(_) => {}
            _ => return part::answer(&part, out),
        }
        self.parts.push(Open { number, part, ended: false });
    }

    /// Appends what has ended, in order; everything where `all` has.
    pub(super) fn release(&mut self, all: bool, out: &mut Parts) {
        let waiting = self.parts.iter().position(|open| !open.ended && !all).unwrap_or(self.parts.len());
        for open in self.parts.drain(..waiting) {
            part::answer(&open.part, out);
        }
    }
}
