//! Options that stand in the query: a list is a name that stands there several times.

use serde_json::{Map, Value, json};

/// The members as pairs of a query, not yet encoded.
pub(super) fn write(members: &Map<String, Value>) -> Vec<(String, String)> {
    members.iter().flat_map(|(name, value)| texts(value).into_iter().map(|text| (name.clone(), text))).collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// The pairs of a query as members; every value is a text, or a list of them.
pub(super) fn read(query: Option<&str>) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let value = json!(value);
        match members.get_mut(name.as_ref()) {
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = json!([first.take(), value]),
            None => drop(members.insert(name.into_owned(), value)),
        }
    }
    members
}
