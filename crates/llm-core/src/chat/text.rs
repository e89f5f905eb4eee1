//! What a conversation says in all, for counting and for bounding it, and what every operation must be able to say.

use super::{ChatAnswer, ChatChunk, ChatRequest, Content, MediaSource, Message, Part, Tool, stored};
use crate::Usage;
use crate::codec::{Skim, Stored};
use crate::operation::{Asks, Tells, answers};

impl Asks for ChatRequest {
    fn model(&self) -> &str {
        &self.model
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn skim(&self) -> Skim {
        let parts = || self.messages.iter().flat_map(|message: &Message| &message.parts);
        Skim {
            model: self.model.clone(),
            max_tokens: self.max_tokens,
            choices: self.n.unwrap_or(1).max(1),
            text_bytes: Asks::text(self).len() as u64,
            messages: self.messages.len() as u64,
            tools: self.tools.len() as u64,
            media: parts().map(media_in).sum(),
            unbounded: self.tools.iter().any(|tool| matches!(tool, Tool::Provider { .. })),
            user: self.user.clone(),
            service_tier: self.service_tier.clone(),
            stored: self.stored(),
            ..Skim::default()
        }
    }

    fn stored(&self) -> Vec<Stored> {
        stored::named(self)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for message in &self.messages {
            append_parts(&message.parts, &mut text);
        }
        for tool in &self.tools {
            match tool {
                Tool::Function { name, description, parameters, .. } => {
                    append(name, &mut text);
                    append(description.as_deref().unwrap_or_default(), &mut text);
                    if let Some(parameters) = parameters {
                        append(&parameters.to_string(), &mut text);
                    }
                }
                Tool::Custom { name, description, grammar, .. } => {
                    append(name, &mut text);
                    append(description.as_deref().unwrap_or_default(), &mut text);
                    if let Some(grammar) = grammar {
                        append(&grammar.definition, &mut text);
                    }
                }
                Tool::Provider { .. } => {}
            }
        }
        text
    }

    fn cap_output(&mut self, tokens: u64) {
        self.max_tokens = Some(self.max_tokens.map_or(tokens, |wanted| wanted.min(tokens)));
    }
}

answers!(ChatAnswer, {
    fn service_tier(&self) -> Option<&str> {
        self.service_tier.as_deref()
    }
    fn text(&self) -> String {
        let mut text = String::new();
        for choice in &self.choices {
            append_parts(&choice.message.parts, &mut text);
        }
        text
    }
});

impl Tells for ChatChunk {
    fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn service_tier(&self) -> Option<&str> {
        self.service_tier.as_deref()
    }

    fn has_content(&self) -> bool {
        self.choices.iter().any(|choice| !choice.deltas.is_empty())
    }
}

fn media_in(part: &Part) -> u64 {
    match &part.content {
        Content::Media(_) => 1,
        Content::ToolResult(result) => result.content.iter().map(media_in).sum(),
        _ => 0,
    }
}

fn append_parts(parts: &[Part], text: &mut String) {
    for part in parts {
        match &part.content {
            Content::Text { text: more, .. } | Content::Refusal { text: more } => append(more, text),
            Content::Reasoning(reasoning) => append(&reasoning.text, text),
            Content::ToolCall(call) => {
                append(&call.name, text);
                append(&call.arguments, text);
            }
            Content::ToolResult(result) => append_parts(&result.content, text),
            Content::ServerToolCall(call) => append(&call.input, text),
            Content::ServerToolResult(result) => append(&result.content.to_string(), text),
            Content::Media(media) => {
                if let MediaSource::Text { text: more, .. } = &media.source {
                    append(more, text);
                }
            }
            Content::Unknown { value, .. } => append(&value.to_string(), text),
        }
    }
}

fn append(more: &str, text: &mut String) {
    text.push_str(more);
    text.push('\n');
}
