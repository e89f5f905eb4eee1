//! Watches answers go by: only what carries usage, the end or an error is looked at.

use std::collections::BTreeMap;

use llm_core::Meter;
use llm_core::codec::{Frame, Observed, Observer, Verdict};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::super::searches::Searches;
use super::super::{error, finish, usage};
use crate::protocols::reader::{Count, Items, Nested, known};

/// The members of an answer or event that matter here. Whatever else there is, is skipped unread; what has another shape
/// than expected hides nothing of the rest.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Seen {
    candidates: Items<Nested<Candidate>>,
    model_version: Value,
    prompt_feedback: Nested<Feedback>,
    usage_metadata: Value,
    error: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Candidate {
    index: Count,
    content: Nested<Content>,
    finish_reason: Value,
    grounding_metadata: Nested<Grounding>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    parts: Items<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Grounding {
    web_search_queries: Items<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Feedback {
    block_reason: Value,
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Observed {
    let mut watch = Watch::default();
    let Some(seen) = watch.read(body) else { return watch.observed };
    watch.observed.complete = watch.observed.error.is_none() && (seen.candidates.0.is_some() || watch.blocked);
    watch.observed
}

/// Watches a stream. Only the end of its connection ends one, so it never says that it is complete, but that every
/// candidate has finished.
#[derive(Default)]
pub(super) struct Watch {
    observed: Observed,
    /// Whether each candidate has said why it ended.
    finished: BTreeMap<u64, bool>,
    blocked: bool,
    searches: Searches,
}

impl Watch {
    fn read(&mut self, data: &[u8]) -> Option<Seen> {
        let seen: Seen = known(data)?;
        if !seen.error.is_null() && seen.candidates.0.is_none() {
            let mut members = Map::new();
            members.insert("error".to_owned(), seen.error.clone());
            self.observed.error = Some(error::message(&members));
        }
        let candidates = seen.candidates.0.as_deref().unwrap_or_default();
        let mut says_something = false;
        if let Some(model) = seen.model_version.as_str() {
            self.searches.by(model);
        }
        for (place, Nested(candidate)) in (0..).zip(candidates) {
            let finished = self.finished.entry(candidate.index.0.unwrap_or(place)).or_default();
            *finished |= finish::read(&candidate.finish_reason, false).is_some();
            says_something |= candidate.content.0.parts.count() > 0;
            let named = candidate.grounding_metadata.0.web_search_queries.0.iter().flatten();
            named.filter_map(Value::as_str).for_each(|words| self.searches.note(words));
        }
        if candidates.is_empty() && self.finished.is_empty() {
            let reason = &seen.prompt_feedback.0.block_reason;
            self.blocked |= !reason.is_null() && *reason != 0;
        }
        self.observed.content_chunks += u64::from(says_something);
        if let Value::Object(object) = &seen.usage_metadata {
            self.observed.service_tier = usage::tier(object).or(self.observed.service_tier.take());
            if let Some(mut usage) = usage::counts_of(object) {
                usage.set(Meter::Query, self.searches.charged());
                self.observed.usage = Some(usage);
            }
        }
        let all = !self.finished.is_empty() && self.finished.values().all(|finished| *finished);
        self.observed.finished = all || self.blocked;
        Some(seen)
    }
}

impl Observer for Watch {
    fn frame(&mut self, frame: &Frame<'_>) -> Verdict {
        if !frame.data.is_empty() {
            self.read(frame.data);
        }
        Verdict::Forward
    }

    fn observed(&self) -> &Observed {
        &self.observed
    }
}
