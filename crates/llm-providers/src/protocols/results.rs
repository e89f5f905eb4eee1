//! Media in the results of tools, for protocols that take media from the user only: it follows in a message of the
//! user's, behind the results that it belongs to.

use llm_core::chat::{Content, Message, Part, Role, ToolResult};

/// What a result says that has nothing but media.
const ELSEWHERE: &str = "The result follows in a message of the user's.";

/// Media that is still to be said.
#[derive(Debug, Default)]
pub(super) struct Held {
    parts: Vec<Part>,
}

impl Held {
    /// Takes the media out of a result; what is left of it is returned. None where there is none.
    pub(super) fn take_from(&mut self, result: &ToolResult) -> Option<Vec<Part>> {
        let is_media = |part: &&Part| matches!(part.content, Content::Media(_));
        let (media, mut rest): (Vec<&Part>, Vec<&Part>) = result.content.iter().partition(is_media);
        if media.is_empty() {
            return None;
        }
        self.parts.push(Part::text(format!("The result of tool call `{}`:", result.call_id)));
        self.parts.extend(media.into_iter().cloned());
        rest.retain(|part| part.as_text().is_none_or(|text| !text.is_empty()));
        Some(if rest.is_empty() { vec![Part::text(ELSEWHERE)] } else { rest.into_iter().cloned().collect() })
    }

    /// The message that says it, once the results are over.
    pub(super) fn message(&mut self) -> Option<Message> {
        let parts = std::mem::take(&mut self.parts);
        (!parts.is_empty()).then(|| Message::new(Role::User, parts))
    }
}
