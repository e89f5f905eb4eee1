//! Whole answers, read from providers and written to callers.

use bytes::Bytes;
use llm_core::chat::{ChatAnswer, ChatChunk, Choice, Citation, Content, FinishReason, Message, Part, Role};
use llm_core::codec::{AnswerContext, DecodeContext};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::candidate::{self, BLOCKED, Candidate};
use super::part::{self, Ids};
use super::searches::Searches;
use super::{ME, error, usage};

/// Understands a whole answer.
pub(super) fn decode(cx: &DecodeContext, body: &[u8]) -> Result<ChatAnswer> {
    let members = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(Error::bad_answer("the answer is not a JSON object").with_provider(&cx.provider)),
        Err(error) => {
            let message = format!("the answer is not valid JSON: {error}");
            return Err(Error::bad_answer(message).with_provider(&cx.provider).with_source(error));
        }
    };
    if error::is_one(&members) {
        return Err(error::in_answer(cx, &members).with_body(Bytes::copy_from_slice(body)));
    }
    let mut event = Event::read(members);
    let mut answer = ChatAnswer {
        id: event.id.take().unwrap_or_default(),
        model: event.model.take().unwrap_or_default(),
        provider: cx.provider.clone(),
        ..ChatAnswer::default()
    };
    let mut ids = Ids::new(format!("call_{}", cx.id_seed));
    let mut searches = Searches::default();
    searches.by(&answer.model);
    for candidate in event.candidates.drain(..) {
        searches.note_all(&candidate.rest);
        answer.choices.push(choice(cx, &mut ids, candidate));
    }
    if event.is_blocked {
        answer.choices.push(Choice {
            index: 0,
            message: Message::new(Role::Assistant, Vec::new()),
            finish_reason: Some(FinishReason::ContentFilter),
            logprobs: None,
            native: blocked(),
        });
    }
    if let Some(mut usage) = event.usage {
        usage.set(Meter::Query, searches.charged());
        answer.usage = Some(usage);
    }
    answer.service_tier = event.service_tier;
    answer.native = Native::new(ME, event.rest);
    Ok(answer)
}

fn choice(cx: &DecodeContext, ids: &mut Ids, mut candidate: Candidate) -> Choice {
    let mut parts = Vec::with_capacity(candidate.parts.len());
    for value in std::mem::take(&mut candidate.parts) {
        for part in part::of_provider(&cx.provider, ids, value) {
            part::append(part, &mut parts);
        }
    }
    let calls = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    cite(std::mem::take(&mut candidate.citations), &mut parts);
    Choice {
        index: candidate.index,
        finish_reason: candidate.finish_reason(calls),
        logprobs: candidate.logprobs,
        message: Message::new(Role::Assistant, parts),
        native: Native::new(ME, candidate.rest),
    }
}

/// Hands each citation to the text that has its words, else to the last one.
fn cite(citations: Vec<Citation>, parts: &mut [Part]) {
    for citation in citations {
        let has_words = |part: &Part| {
            let words = citation.cited_text.as_deref();
            words.is_some_and(|words| part.as_text().is_some_and(|text| text.contains(words)))
        };
        let place =
            parts.iter().position(has_words).or_else(|| parts.iter().rposition(|part| part.as_text().is_some()));
        if let Some(Content::Text { citations, .. }) =
            place.and_then(|place| parts.get_mut(place)).map(|part| &mut part.content)
        {
            citations.push(citation);
        }
    }
}

/// The native of a choice that stands for a blocked prompt.
pub(super) fn blocked() -> Native {
    let mut native = Native::NONE;
    native.insert(ME, BLOCKED, true.into());
    native
}

/// An answer, or an event of a streamed one, taken apart.
pub(super) struct Event {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) candidates: Vec<Candidate>,
    /// Whether the prompt was blocked, so that there is no candidate.
    pub(super) is_blocked: bool,
    pub(super) usage: Option<Usage>,
    pub(super) service_tier: Option<String>,
    pub(super) rest: Map<String, Value>,
}

impl Event {
    pub(super) fn read(members: Map<String, Value>) -> Self {
        let mut fields = Fields::new(members);
        let mut candidates = Vec::new();
        let mut odd = Vec::new();
        let list = fields.take_list("candidates");
        let was_list = list.is_some();
        for (place, value) in (0_u32..).zip(list.unwrap_or_default()) {
            match Candidate::read(place, value) {
                Ok(candidate) => candidates.push(candidate),
                // What is no candidate stays, with its place in the list.
                Err(value) => odd.push(json!([place, value])),
            }
        }
        if was_list && (candidates.is_empty() || !odd.is_empty()) {
            fields.put("candidates", odd.into());
        }
        let (mut usage, mut service_tier) = (None, None);
        if let Some(object) = fields.take_object("usageMetadata") {
            let object = object.into_members();
            service_tier = super::usage::tier(&object);
            match usage::read(object) {
                Ok(read) => usage = Some(read),
                Err(object) => fields.put("usageMetadata", object.into()),
            }
        }
        let feedback = fields.get("promptFeedback").and_then(|feedback| feedback.get("blockReason"));
        let is_blocked = candidates.is_empty() && feedback.is_some_and(|reason| !reason.is_null() && reason != 0);
        Self {
            id: fields.take_nonempty("responseId"),
            model: fields.take_nonempty("modelVersion"),
            candidates,
            is_blocked,
            usage,
            service_tier,
            rest: fields.into_members(),
        }
    }
}

/// A whole answer on the wire. One of this protocol is written as it came; any other with the members that the official
/// SDKs read.
pub(super) fn encode(cx: &AnswerContext, answer: &ChatAnswer) -> Bytes {
    let candidates = answer.choices.iter().filter_map(candidate::write).collect();
    let chunk = ChatChunk {
        id: Some(answer.id.clone()).filter(|id| !id.is_empty()),
        model: Some(answer.model.clone()).filter(|model| !model.is_empty()),
        usage: answer.usage.clone(),
        native: answer.native.clone(),
        ..ChatChunk::default()
    };
    Bytes::from(Value::Object(event(cx, &chunk, candidates)).to_string())
}

/// An answer or an event around its candidates.
pub(super) fn event(cx: &AnswerContext, chunk: &ChatChunk, mut candidates: Vec<Value>) -> Map<String, Value> {
    let own = chunk.native.is_from(ME);
    let mut object = Map::new();
    let mut rest = chunk.native.object(ME);
    if let Some(Value::Array(odd)) = rest.shift_remove("candidates") {
        for entry in odd {
            if let Some([place, value]) = entry.as_array().map(Vec::as_slice) {
                let place = place.as_u64().and_then(|place| usize::try_from(place).ok()).unwrap_or(usize::MAX);
                candidates.insert(place.min(candidates.len()), value.clone());
            }
        }
        object.insert("candidates".to_owned(), candidates.into());
    } else if !candidates.is_empty() || !own {
        object.insert("candidates".to_owned(), candidates.into());
    }
    object.extend(rest);
    if let Some(usage) = &chunk.usage {
        object.insert("usageMetadata".to_owned(), usage::write(usage).into());
    }
    let (mut model, mut id) = (chunk.model.clone(), chunk.id.clone());
    if !own {
        model = model.or_else(|| Some(cx.model.clone()));
        id = id.or_else(|| Some(cx.id_seed.clone()));
    }
    for (name, text) in [("modelVersion", model), ("responseId", id)] {
        if let Some(text) = text {
            object.insert(name.to_owned(), text.into());
        }
    }
    object
}
