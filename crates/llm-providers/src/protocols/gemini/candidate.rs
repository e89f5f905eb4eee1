//! Candidates: one answer each, whole or a piece of a stream.

use llm_core::chat::{Choice, Citation, Content, FinishReason};
use llm_core::fields::Fields;
use llm_core::{Native, Part};
use serde_json::{Map, Value};

use super::finish::{self, FINISH_REASON};
use super::part::{self, Parts};
use super::{ME, grounding, logprobs};

/// Marks a choice that stands for a blocked prompt, which has no candidate.
pub(super) const BLOCKED: &str = "blockedPrompt";

/// A candidate, taken apart.
pub(super) struct Candidate {
    pub(super) index: u32,
    pub(super) parts: Vec<Value>,
    /// The word or number itself; it stays in the rest, too.
    finish: Option<Value>,
    pub(super) logprobs: Option<Value>,
    pub(super) citations: Vec<Citation>,
    pub(super) rest: Map<String, Value>,
}

impl Candidate {
    /// Reads a candidate; `place` is its index where it says none. One that is no object comes back.
    pub(super) fn read(place: u32, value: Value) -> Result<Self, Value> {
        let Value::Object(members) = value else { return Err(value) };
        let mut fields = Fields::new(members);
        let stated = fields.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok());
        let mut parts = Vec::new();
        if let Some(mut content) = fields.take_object("content") {
            if let Some(list) = content.take_list("parts") {
                if list.is_empty() {
                    content.put("parts", Value::Array(Vec::new()));
                }
                parts = list;
            }
            fields.put("content", content.into_members().into());
        }
        let rest = fields.into_members();
        Ok(Self {
            index: stated.unwrap_or(place),
            parts,
            finish: rest.get(FINISH_REASON).cloned(),
            logprobs: logprobs::read(&rest),
            citations: grounding::read(&rest),
            rest,
        })
    }

    /// Why it ended, if it has.
    pub(super) fn finish_reason(&self, calls: bool) -> Option<FinishReason> {
        finish::read(self.finish.as_ref()?, calls)
    }
}

/// The candidate on the wire; none for a choice that stands for none.
pub(super) fn write(choice: &Choice) -> Option<Value> {
    let mut parts = Parts::default();
    choice.message.parts.iter().for_each(|part| part::answer(part, &mut parts));
    let texts = choice.message.parts.iter();
    let citations: Vec<&Citation> = texts.flat_map(citations_of).collect();
    let refuses = choice.message.parts.iter().any(|part| matches!(part.content, Content::Refusal { .. }));
    let reason = choice.finish_reason.clone().map(|reason| finish::with_refusal(reason, refuses));
    let mut object = outline(&choice.native, choice.index, parts.finish(), reason.as_ref(), choice.logprobs.as_ref())?;
    if !choice.native.is_from(ME) {
        grounding::write(&citations, &mut object);
    }
    Some(object.into())
}

fn citations_of(part: &Part) -> &[Citation] {
    match &part.content {
        Content::Text { citations, .. } => citations,
        _ => &[],
    }
}

/// What a candidate and a piece of one have in common.
pub(super) fn outline(
    native: &Native,
    index: u32,
    parts: Vec<Value>,
    reason: Option<&FinishReason>,
    logprobs: Option<&Value>,
) -> Option<Map<String, Value>> {
    if native.get(ME, BLOCKED).is_some() {
        return None;
    }
    let own = native.is_from(ME);
    let mut object = native.object(ME);
    if own {
        let mut content = match object.get("content") {
            Some(Value::Object(content)) => Some(content.clone()),
            _ => None,
        };
        if !parts.is_empty() {
            content.get_or_insert_default().insert("parts".to_owned(), parts.into());
        }
        if let Some(content) = content {
            object.insert("content".to_owned(), content.into());
        }
    } else {
        let mut content = Map::new();
        content.insert("parts".to_owned(), parts.into());
        content.insert("role".to_owned(), "model".into());
        object.insert("content".to_owned(), content.into());
        object.insert("index".to_owned(), index.into());
        logprobs::write(logprobs, &mut object);
    }
    if let Some(reason) = reason {
        object.insert(FINISH_REASON.to_owned(), finish::write(reason, native));
    }
    Some(object)
}
