//! Gemini: every event is a whole object, and every candidate says in the end why it ended, once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text;
use crate::replay::Event;

pub(super) fn check(events: &[Event]) -> Vec<String> {
    let mut found = Vec::new();
    let mut ended: BTreeMap<u64, bool> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        let value = event.value();
        let mut complain = |what: &str| found.push(format!("event {place}: {what}: {event}"));
        if !event.name.is_empty() {
            complain("has a name");
        }
        let Some(candidates) = value["candidates"].as_array() else {
            complain("has no candidates");
            continue;
        };
        if !value["modelVersion"].is_string() || text(&value, "/responseId").is_empty() {
            complain("does not say which model answers, and the answer's id");
        }
        for candidate in candidates {
            let Some(index) = candidate["index"].as_u64() else {
                complain("a candidate has no index");
                continue;
            };
            if candidate["content"]["role"] != "model" || !candidate["content"]["parts"].is_array() {
                complain("a candidate has no content of the model");
            }
            let ended = ended.entry(index).or_default();
            if *ended {
                complain("a candidate goes on after its end");
            }
            *ended |= candidate["finishReason"].is_string();
            for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
                let kinds = ["text", "functionCall", "inlineData", "fileData"];
                let is_call =
                    |part: &Value| part["functionCall"]["name"].is_string() && part["functionCall"]["args"].is_object();
                let fits = kinds.iter().filter(|kind| part.get(**kind).is_some()).count() == 1
                    && (part.get("functionCall").is_none() || is_call(part));
                if !fits {
                    complain("a part is not of one kind");
                }
            }
        }
    }
    if ended.is_empty() || ended.values().any(|ended| !ended) {
        found.push("does not say of every candidate why it ended".to_owned());
    }
    found
}
