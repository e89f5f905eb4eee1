//! Messages: the pieces that requests, answers and streams have in common.

pub(super) mod calls;
pub(super) mod chunks;
pub(super) mod citations;
pub(super) mod images;
pub(super) mod media;
pub(super) mod parts;
pub(super) mod reasoning;
pub(super) mod sources;
pub(super) mod think;

use serde_json::Value;

/// Puts a list together again from the shape that was left of it, in which null stands for what was understood.
pub(in crate::protocols) fn refill(shape: Option<Value>, items: Vec<Value>) -> Vec<Value> {
    let mut items = items.into_iter();
    let mut list = match shape {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    for place in list.iter_mut().filter(|place| place.is_null()) {
        let Some(item) = items.next() else { break };
        *place = item;
    }
    list.extend(items);
    list
}
