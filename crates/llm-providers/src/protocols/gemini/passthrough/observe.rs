//! Watches answers go by: only what carries usage, the end or an error is looked at.

use std::collections::BTreeMap;

use llm_core::Meter;
use llm_core::codec::{Frame, Observed, Observer, Verdict};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::super::{error, finish, usage};

/// The members of an answer or event that matter here. Whatever else there is, is skipped unread.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Seen {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Map<String, Value>>,
    error: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Candidate {
    index: Option<u32>,
    content: Option<Content>,
    finish_reason: Value,
    grounding_metadata: Option<Grounding>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    parts: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Grounding {
    web_search_queries: Option<Vec<IgnoredAny>>,
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
    watch.observed.complete = watch.observed.error.is_none() && (seen.candidates.is_some() || watch.blocked);
    watch.observed
}

/// Watches a stream. Only the end of its connection ends one, so it never says that it is complete, but that every
/// candidate has finished.
#[derive(Default)]
pub(super) struct Watch {
    observed: Observed,
    /// Whether each candidate has said why it ended.
    finished: BTreeMap<u32, bool>,
    blocked: bool,
    queries: u64,
}

impl Watch {
    fn read(&mut self, data: &[u8]) -> Option<Seen> {
        let seen: Seen = serde_json::from_slice(data).ok()?;
        if !seen.error.is_null() && seen.candidates.is_none() {
            let mut members = Map::new();
            members.insert("error".to_owned(), seen.error.clone());
            self.observed.error = Some(error::message(&members));
        }
        let candidates = seen.candidates.as_deref().unwrap_or_default();
        let mut says_something = false;
        for (place, candidate) in (0_u32..).zip(candidates) {
            let finished = self.finished.entry(candidate.index.unwrap_or(place)).or_default();
            *finished |= finish::read(&candidate.finish_reason, false).is_some();
            let parts = candidate.content.as_ref().and_then(|content| content.parts.as_ref());
            says_something |= parts.is_some_and(|parts| !parts.is_empty());
            let queries = candidate.grounding_metadata.as_ref().and_then(|found| found.web_search_queries.as_ref());
            self.queries = self.queries.max(queries.map_or(0, |queries| queries.len() as u64));
        }
        if candidates.is_empty() && self.finished.is_empty() {
            let reason = seen.prompt_feedback.as_ref().map(|feedback| &feedback.block_reason);
            self.blocked |= reason.is_some_and(|reason| !reason.is_null() && *reason != 0);
        }
        self.observed.content_chunks += u64::from(says_something);
        if let Some(object) = &seen.usage_metadata {
            self.observed.service_tier = usage::tier(object).or(self.observed.service_tier.take());
            if let Some(mut usage) = usage::counts_of(object) {
                usage.set(Meter::Query, self.queries);
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
