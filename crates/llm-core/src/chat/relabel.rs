//! Taking a request, an answer or a piece of one for another protocol's.
//!
//! For a codec that is made of another one: what the inner codec kept as its own becomes the outer's, so that encoders
//! of the inner protocol see nothing of it, and the other way round before the inner codec writes it.

use super::{
    CacheControl, Change, ChatAnswer, ChatChunk, ChatRequest, Choice, ChunkChoice, Content, Message, Part,
    ResponseFormat, Tool, ToolChoice,
};
use crate::{Native, Protocol, Usage};

/// Something that keeps what only its own protocol knows.
pub trait Relabel {
    /// Makes everything that was kept for `from` be kept for `to`. What was kept for others stays theirs.
    fn relabel(&mut self, from: Protocol, to: Protocol);
}

impl Relabel for Native {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        if self.is_from(from) {
            *self = Native::new(to, std::mem::take(self).into_members());
        }
    }
}

impl<T: Relabel> Relabel for Vec<T> {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.iter_mut().for_each(|item| item.relabel(from, to));
    }
}

impl<T: Relabel> Relabel for Option<T> {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.iter_mut().for_each(|item| item.relabel(from, to));
    }
}

impl Relabel for ChatRequest {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
        self.messages.relabel(from, to);
        for tool in &mut self.tools {
            match tool {
                Tool::Function { cache, native, .. } => {
                    cache.relabel(from, to);
                    native.relabel(from, to);
                }
                Tool::Custom { native, .. } | Tool::Provider { native } => native.relabel(from, to),
            }
        }
        if let Some(ToolChoice::Native(native)) = &mut self.tool_choice {
            native.relabel(from, to);
        }
        if let Some(ResponseFormat::JsonSchema { native, .. } | ResponseFormat::Native { native }) =
            &mut self.response_format
        {
            native.relabel(from, to);
        }
        if let Some(options) = &mut self.reasoning {
            options.native.relabel(from, to);
        }
    }
}

impl Relabel for ChatAnswer {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
        self.choices.relabel(from, to);
        self.usage.relabel(from, to);
    }
}

impl Relabel for ChatChunk {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
        self.choices.relabel(from, to);
        self.usage.relabel(from, to);
    }
}

impl Relabel for Choice {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
        self.message.relabel(from, to);
    }
}

impl Relabel for ChunkChoice {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
        for delta in &mut self.deltas {
            delta.native.relabel(from, to);
            match &mut delta.change {
                Change::Start(part) => part.relabel(from, to),
                Change::Citation(citation) => citation.native.relabel(from, to),
                _ => {}
            }
        }
    }
}

impl Relabel for Usage {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
    }
}

impl Relabel for CacheControl {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
    }
}

impl Relabel for Message {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
        self.parts.relabel(from, to);
    }
}

impl Relabel for Part {
    fn relabel(&mut self, from: Protocol, to: Protocol) {
        self.native.relabel(from, to);
        self.cache.relabel(from, to);
        match &mut self.content {
            Content::Text { citations, .. } => {
                citations.iter_mut().for_each(|citation| citation.native.relabel(from, to));
            }
            Content::ToolResult(result) => result.content.relabel(from, to),
            Content::Unknown { protocol, .. } if *protocol == from => *protocol = to,
            _ => {}
        }
    }
}
