//! Log probabilities: Google's lists of chosen and of top candidates, and OpenAI's list of tokens.

use serde_json::{Map, Value, json};

const RESULT: &str = "logprobsResult";

/// The log probabilities of a candidate in OpenAI's form. The member stays where it is.
pub(super) fn read(candidate: &Map<String, Value>) -> Option<Value> {
    let result = candidate.get(RESULT)?;
    let chosen = result.get("chosenCandidates")?.as_array()?;
    let tops = result.get("topCandidates").and_then(Value::as_array);
    let content = chosen.iter().enumerate().map(|(place, token)| {
        let top = tops.and_then(|tops| tops.get(place)).and_then(|top| top.get("candidates")).and_then(Value::as_array);
        let mut entry = token_of(token);
        let top: Vec<Value> = top.into_iter().flatten().map(|token| token_of(token).into()).collect();
        entry.insert("top_logprobs".to_owned(), top.into());
        Value::from(entry)
    });
    Some(json!({ "content": content.collect::<Vec<_>>() }))
}

fn token_of(token: &Value) -> Map<String, Value> {
    let text = token.get("token").and_then(Value::as_str).unwrap_or_default();
    let mut entry = Map::new();
    entry.insert("token".to_owned(), text.into());
    // What is certain is left out by Google.
    entry.insert("logprob".to_owned(), token.get("logProbability").cloned().unwrap_or_else(|| json!(0.0)));
    entry.insert("bytes".to_owned(), text.as_bytes().into());
    entry
}

/// Writes log probabilities in OpenAI's form as Google has them.
pub(super) fn write(logprobs: Option<&Value>, candidate: &mut Map<String, Value>) {
    let Some(tokens) = logprobs.and_then(|logprobs| logprobs.get("content")).and_then(Value::as_array) else { return };
    let entry = |token: &Value| json!({"token": token.get("token"), "logProbability": token.get("logprob")});
    let tops = tokens.iter().map(|token| {
        let top = token.get("top_logprobs").and_then(Value::as_array).into_iter().flatten();
        json!({ "candidates": top.map(entry).collect::<Vec<_>>() })
    });
    let tops: Vec<Value> = tops.collect();
    let chosen: Vec<Value> = tokens.iter().map(entry).collect();
    candidate.insert(RESULT.to_owned(), json!({"topCandidates": tops, "chosenCandidates": chosen}));
}
