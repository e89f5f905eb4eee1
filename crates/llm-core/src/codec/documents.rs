//! What a request asks about the documents in it, for protocols that have no place for it.

use super::Unsupported;
use crate::Result;
use crate::chat::{Content, Media, Message};

impl Unsupported<'_> {
    /// Says of every document that answers can't cite it, where they should, and that its context can't be sent.
    pub fn documents(&mut self, messages: &[Message]) -> Result<()> {
        for (number, message) in messages.iter().enumerate() {
            for (place, part) in message.parts.iter().enumerate() {
                match &part.content {
                    Content::Media(media) => {
                        self.document(media, || format!("messages[{number}].content[{place}]"))?;
                    }
                    Content::ToolResult(result) => {
                        for (inner, piece) in result.content.iter().enumerate() {
                            let Content::Media(media) = &piece.content else { continue };
                            self.document(media, || format!("messages[{number}].content[{place}].content[{inner}]"))?;
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn document(&mut self, media: &Media, at: impl Fn() -> String) -> Result<()> {
        if media.cite == Some(true) {
            self.param(&format!("{}.citations", at()), "its answers cite no documents that are sent along")?;
        }
        if media.context.as_ref().is_some_and(|context| !context.is_empty()) {
            self.param(&format!("{}.context", at()), "it has no place for what there is to know of a document")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{MediaKind, MediaSource, Part, Role, ToolResult, UnsupportedPolicy};

    #[test]
    fn what_is_asked_about_documents_is_refused_or_told() {
        let source = MediaSource::Text { media_type: "text/plain".to_owned(), text: "x".to_owned() };
        let plain = Media::new(MediaKind::Document, source);
        let cited = Media { cite: Some(true), context: Some("c".to_owned()), ..plain.clone() };
        let result = ToolResult::new("c", vec![Part::text("x"), Part::from(cited.clone())]);
        let messages = |parts: Vec<Part>| [Message::new(Role::User, parts)];

        let mut lenient = Unsupported::new(UnsupportedPolicy::Drop, "p");
        lenient.documents(&messages(vec![plain.into(), cited.clone().into(), result.into()])).unwrap();
        let within = "messages[0].content[2].content[1]";
        let want = ["messages[0].content[1].citations", "messages[0].content[1].context"].map(str::to_owned);
        let want: Vec<String> =
            want.into_iter().chain([format!("{within}.citations"), format!("{within}.context")]).collect();
        assert_eq!(lenient.into_dropped(), want);

        let error = Unsupported::new(UnsupportedPolicy::Refuse, "p").documents(&messages(vec![cited.into()]));
        assert_eq!(error.unwrap_err().param(), Some("messages[0].content[0].citations"));
    }
}
