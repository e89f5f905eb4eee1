//! Texts of another protocol's answer that follow each other, as one text.
//!
//! Gemini says a text in as many parts as it likes. Callers of other protocols take each part for a whole one: their SDKs
//! parse each by itself where an answer in JSON was asked for.

use std::borrow::Cow;

use llm_core::chat::{Content, Part};

/// The parts of an answer with neighbouring texts in one. A text with citations stays by itself.
pub(super) fn joined(parts: &[Part]) -> Cow<'_, [Part]> {
    let follows = |two: &[Part]| two.iter().all(|part| plain_text(part).is_some());
    if !parts.windows(2).any(follows) {
        return Cow::Borrowed(parts);
    }
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match (plain_text(part), out.last_mut().and_then(plain_text_mut)) {
            (Some(text), Some(before)) => before.push_str(text),
            _ => out.push(part.clone()),
        }
    }
    Cow::Owned(out)
}

fn plain_text(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text { text, citations } if citations.is_empty() => Some(text),
        _ => None,
    }
}

fn plain_text_mut(part: &mut Part) -> Option<&mut String> {
    match &mut part.content {
        Content::Text { text, citations } if citations.is_empty() => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_text_and_others_stay() {
        let refusal = || Part::from(Content::Refusal { text: "no".to_owned() });
        let parts = [Part::text("{\"city\":"), Part::text(" \"Paris\"}"), refusal(), Part::text("Done")];
        let want = [Part::text("{\"city\": \"Paris\"}"), refusal(), Part::text("Done")];
        assert_eq!(joined(&parts).as_ref(), want);
        assert!(matches!(joined(&want), Cow::Borrowed(_)));
    }
}
