//! A whole answer in pieces, for a caller who asked for a stream of a provider that answered whole.

use super::{Change, ChatAnswer, ChatChunk, ChunkChoice, Content, Delta, Part};
use crate::Native;

impl ChatAnswer {
    /// The chunks that add up to this answer: what is said, then why it ended, then what it used. What only the protocol
    /// of whole answers knows has no place in them.
    pub fn into_chunks(self) -> Vec<ChatChunk> {
        let mut said = Vec::new();
        let mut ended = Vec::new();
        for choice in self.choices {
            let index = choice.index;
            let deltas = (0..).zip(choice.message.parts).flat_map(|(number, part)| changes(number, part)).collect();
            said.push(ChunkChoice {
                index,
                role: Some(choice.message.role),
                deltas,
                logprobs: choice.logprobs,
                ..ChunkChoice::default()
            });
            ended.push(ChunkChoice { index, finish_reason: choice.finish_reason, ..ChunkChoice::default() });
        }
        let beginning = ChatChunk {
            id: Some(self.id).filter(|id| !id.is_empty()),
            model: Some(self.model).filter(|model| !model.is_empty()),
            created: self.created,
            choices: said,
            service_tier: self.service_tier,
            ..ChatChunk::default()
        };
        let end = ChatChunk { choices: ended, ..ChatChunk::default() };
        let usage = self.usage.map(|usage| ChatChunk { usage: Some(usage), ..ChatChunk::default() });
        [beginning, end].into_iter().chain(usage).collect()
    }
}

/// A part as it begins, what is added to it, and its end. Parts that can't grow begin whole.
fn changes(number: u32, mut part: Part) -> impl Iterator<Item = Delta> {
    let mut changes = Vec::new();
    let mut grows = true;
    match &mut part.content {
        Content::Text { text, citations } => {
            changes.push(Change::Text(std::mem::take(text)));
            changes.extend(std::mem::take(citations).into_iter().map(Change::Citation));
        }
        Content::Refusal { text } => changes.push(Change::Refusal(std::mem::take(text))),
        Content::Reasoning(reasoning) if reasoning.encrypted.is_none() => {
            changes.push(Change::Reasoning(std::mem::take(&mut reasoning.text)));
            changes.extend(reasoning.signature.take().map(Change::Signature));
        }
        Content::ToolCall(call) => changes.push(Change::Arguments(std::mem::take(&mut call.arguments))),
        Content::Reasoning(_) | Content::Media(_) => {}
        _ => grows = false,
    }
    if grows {
        // What a whole answer keeps of a part is not what an event keeps of it.
        part.native = Native::NONE;
    }
    std::iter::once(Change::Start(part))
        .chain(changes)
        .chain([Change::Stop])
        .map(move |change| Delta::new(number, change))
}

#[cfg(test)]
mod tests {
    use super::super::{
        ChatAccumulator, Choice, Citation, FinishReason, Media, MediaKind, MediaSource, Message, Reasoning, Role,
        ToolCall,
    };
    use super::*;
    use crate::Usage;

    #[test]
    fn the_chunks_of_an_answer_add_up_to_it() {
        let text = |text: &str| {
            Part::from(Content::Text {
                text: text.into(),
                citations: vec![Citation { url: Some("https://example.com".into()), ..Citation::default() }],
            })
        };
        let thought = Reasoning { text: "hm".into(), signature: Some("proof".into()), ..Reasoning::default() };
        let hidden = Reasoning { encrypted: Some("x".into()), ..Reasoning::default() };
        let call = ToolCall::new("1", "f", "{\"a\":1}");
        let image = MediaSource::Base64 { media_type: "image/png".into(), data: "AA==".into() };
        let choice = |index: u32, parts: Vec<Part>| Choice {
            index,
            message: Message::new(Role::Assistant, parts),
            finish_reason: Some(FinishReason::Stop),
            logprobs: None,
            native: Native::NONE,
        };
        let parts = vec![
            thought.into(),
            hidden.into(),
            text("one"),
            call.into(),
            Content::Refusal { text: "no".into() }.into(),
            Media::new(MediaKind::Image, image).into(),
        ];
        let answer = ChatAnswer {
            id: "a".into(),
            model: "m".into(),
            provider: "p".into(),
            created: Some(1),
            choices: vec![choice(0, parts), choice(1, vec![text("two")])],
            usage: Some(Usage::default()),
            ..ChatAnswer::default()
        };
        let mut sum = ChatAccumulator::new("p");
        answer.clone().into_chunks().iter().for_each(|chunk| sum.push(chunk));
        assert_eq!(sum.finish(), answer);
    }
}
