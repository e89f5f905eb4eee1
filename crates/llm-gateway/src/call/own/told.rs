//! Calls about responses that the gateway keeps itself. No provider is asked.

use axum::response::Response;
use bytes::Bytes;
use llm_core::{Error, Result};
use serde_json::{Value, json};

use super::turn::Turn;
use crate::errand::{self, Visit};
use crate::record::Object;

/// Items of a page where the caller names no number.
const USUAL: usize = 20;
/// The most items of a page.
const MOST: usize = 100;

/// Answers a call about `object`. It counts as a request, and is recorded.
pub(in super::super) async fn tell(visit: &Visit, object: &Object, query: &[(String, String)]) -> Result<Response> {
    let errand = visit.begin(None, None).await?;
    let told = match visit.operation {
        "responses.delete" => Ok(json!({"id": &*object.id, "object": "response", "deleted": true})),
        "responses.input_items" => Turn::of(object).and_then(|turn| page(object, &turn, query)),
        "responses.cancel" => Turn::of(object).and_then(|_| {
            let message = "only a response that is made in the background can be cancelled, and this one is whole";
            Err(Error::invalid_request(message))
        }),
        _ => whole(object, query),
    };
    let told = match told {
        Ok(told) => told,
        Err(error) => return Err(errand.failed(error).await),
    };
    let is_gone = visit.operation == "responses.delete";
    errand.done(is_gone.then(|| object.erased(visit.arrival.at)).into_iter().collect()).await?;
    Ok(errand::json(Bytes::from(told.to_string())))
}

fn whole(object: &Object, query: &[(String, String)]) -> Result<Value> {
    if asked_for(query, "stream") == Some("true") {
        let error = Error::invalid_request("`stream`: only a response that is made in the background can be streamed");
        return Err(error.with_param("stream"));
    }
    Turn::of(object).map(|turn| turn.response)
}

/// A page of what was said in this turn, the last of it first unless `order` is `asc`.
fn page(object: &Object, turn: &Turn, query: &[(String, String)]) -> Result<Value> {
    let wrong = |name: &'static str, why: String| Err(Error::invalid_request(why).with_param(name));
    let limit = match asked_for(query, "limit").map(str::parse::<usize>) {
        None => USUAL,
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
        Some(_) => return wrong("limit", format!("`limit` must be from 1 to {MOST}")),
    };
    let mut items: Vec<Value> =
        turn.said.iter().enumerate().map(|(place, item)| in_full(item.clone(), object, place)).collect();
    match asked_for(query, "order") {
        Some("asc") => {}
        None | Some("desc") => items.reverse(),
        Some(_) => return wrong("order", "`order` must be `asc` or `desc`".to_owned()),
    }
    if let Some(after) = asked_for(query, "after") {
        let Some(place) = items.iter().position(|item| item.get("id").and_then(Value::as_str) == Some(after)) else {
            return wrong("after", "`after` must be the id of an item of this response".to_owned());
        };
        items.drain(..=place);
    }
    let has_more = items.len() > limit;
    items.truncate(limit);
    let id = |item: Option<&Value>| item.and_then(|item| item.get("id")).cloned().unwrap_or_default();
    Ok(json!({
        "object": "list", "first_id": id(items.first()), "last_id": id(items.last()), "has_more": has_more, "data": items,
    }))
}

/// An item as SDKs read it: with its type and an id, and the content of a message as a list of parts.
fn in_full(mut item: Value, object: &Object, place: usize) -> Value {
    let Some(members) = item.as_object_mut() else { return item };
    if members.get("type").is_none_or(Value::is_null) {
        members.insert("type".to_owned(), json!("message"));
    }
    if members.get("id").is_none_or(Value::is_null) {
        let seed = object.id.strip_prefix("resp_").unwrap_or(&object.id);
        members.insert("id".to_owned(), json!(format!("in_{seed}_{place}")));
    }
    if members.get("type").and_then(Value::as_str) == Some("message") {
        members.entry("status").or_insert_with(|| json!("completed"));
        let is_models = members.get("role").and_then(Value::as_str) == Some("assistant");
        let kind = if is_models { "output_text" } else { "input_text" };
        if let Some(Value::String(text)) = members.get("content") {
            let mut part = json!({"type": kind, "text": text});
            if is_models {
                part["annotations"] = json!([]);
            }
            members.insert("content".to_owned(), json!([part]));
        }
    }
    item
}

fn asked_for<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
