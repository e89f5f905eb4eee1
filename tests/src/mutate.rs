//! Exchanges as they may look tomorrow: members that nobody knows, values that nobody knows, another order.

mod random;

pub use random::Mutation;

use llm_providers::framing::{AwsMessage, write_aws_message};
use serde_json::{Map, Value, json};

use crate::exchange::Exchange;
use crate::replay::{Event, events_of};

/// A change of one JSON body.
type Change<'a> = &'a dyn Fn(&Value) -> Value;

/// The exchange with `change` made to its request and its answer, in a stream to every event.
pub fn changed(exchange: &Exchange, change: Change<'_>) -> Exchange {
    let mut changed = exchange.clone();
    if let Some(body) = changed.request.as_mut().and_then(|asked| asked.body.as_mut()) {
        *body = change(body);
    }
    if let Some(answered) = &mut changed.response {
        answered.body = answered.body.as_ref().map(change);
        let kind = answered.content_type().to_owned();
        if let Some(stream) = answered.stream().filter(|_| answered.status < 400)
            && let Ok(events) = events_of(&kind, &stream, stream.len())
        {
            answered.set_stream(stream_of(&kind, &events, change));
        }
    }
    changed
}

fn stream_of(kind: &str, events: &[Event], change: Change<'_>) -> Vec<u8> {
    let mut stream = Vec::new();
    for Event { name, data, is_error } in events {
        let data = match serde_json::from_slice::<Value>(data) {
            Ok(value) => change(&value).to_string(),
            Err(_) => String::from_utf8_lossy(data).into_owned(),
        };
        if kind.starts_with("application/vnd.amazon.eventstream") {
            let message = if *is_error { AwsMessage::Exception } else { AwsMessage::Event };
            write_aws_message(message, name, data.as_bytes(), &mut stream);
        } else if kind.starts_with("text/event-stream") {
            if !name.is_empty() {
                stream.extend_from_slice(format!("event: {name}\n").as_bytes());
            }
            stream.extend_from_slice(format!("data: {data}\n\n").as_bytes());
        } else if kind.starts_with("application/json") {
            stream.push(if stream.is_empty() { b'[' } else { b',' });
            stream.extend_from_slice(data.as_bytes());
        } else {
            stream.extend_from_slice(format!("{data}\n").as_bytes());
        }
    }
    if kind.starts_with("application/json") {
        stream.push(b']');
    }
    stream
}

/// A member that nobody knows, in every object at every level.
pub fn with_unknown_members(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(with_unknown_members).collect(),
        Value::Object(members) => {
            let mut more: Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), with_unknown_members(value))).collect();
            more.insert(
                "zz_unheard_of".to_owned(),
                json!({"deep": [null, 1.5, {"er": "x"}], "n": 9_007_199_254_740_993_u64}),
            );
            Value::Object(more)
        }
        other => other.clone(),
    }
}

/// The members of every object in the opposite order.
pub fn reordered(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(reordered).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().rev().map(|(name, value)| (name.clone(), reordered(value))).collect())
        }
        other => other.clone(),
    }
}

/// Members whose values come from a list that may grow.
const ENUMS: &[&str] = &[
    "type",
    "role",
    "finishReason",
    "blockReason",
    "modality",
    "mode",
    "serviceTier",
    "trafficType",
    "language",
    "outcome",
    "finish_reason",
    "stop_reason",
    "stopReason",
    "done_reason",
    "service_tier",
    "object",
    "effort",
];

/// The pointers of every text in a body that comes from a list which may grow.
pub fn enum_places(value: &Value) -> Vec<String> {
    let mut places = Vec::new();
    find_enums(value, String::new(), &mut places);
    places
}

fn find_enums(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_enums(item, format!("{at}/{index}"), places);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                if value.is_string() && ENUMS.contains(&name.as_str()) {
                    places.push(below.clone());
                }
                find_enums(value, below, places);
            }
        }
        _ => {}
    }
}

/// The body with a value that nobody knows at `pointer`.
pub fn with_unknown_value(value: &Value, pointer: &str) -> Value {
    let mut changed = value.clone();
    if let Some(place) = changed.pointer_mut(pointer) {
        *place = json!("zz_unheard_of");
    }
    changed
}
