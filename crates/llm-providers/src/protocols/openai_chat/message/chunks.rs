//! Thoughts as parts of the content list: `{type: thinking, thinking: [{type: text, text}]}`, as Mistral's models give
//! them wherever they run.
//!
//! The part keeps the whole of it in its native, and is written back so as long as it says the same.

use llm_core::Native;
use llm_core::chat::{Part, Reasoning};
use serde_json::{Value, json};

use super::super::PROTOCOL;

const THINKING: &str = "thinking";

/// Reads a part of a content list that is a thought of `thinker`.
pub(in super::super) fn read(value: &Value, thinker: &str) -> Option<Part> {
    let text = text_of(value)?;
    let signature = value.get("signature").and_then(Value::as_str).map(str::to_owned);
    let thought = Reasoning { text, signature, provider: Some(thinker.to_owned()), ..Reasoning::default() };
    Some(Part::from(thought).with_native(Native::new(PROTOCOL, value.as_object()?.clone())))
}

/// What a part of a content list thinks; none where it is something else.
pub(in super::super) fn text_of(value: &Value) -> Option<String> {
    if value.get("type")? != THINKING {
        return None;
    }
    match value.get(THINKING)? {
        Value::String(text) => Some(text.clone()),
        Value::Array(pieces) => Some(pieces.iter().filter_map(|piece| piece.get("text")?.as_str()).collect()),
        _ => None,
    }
}

/// Writes a thought that was a part of a content list.
pub(in super::super) fn write(text: &str, native: &Native) -> Value {
    let mut whole = Value::Object(native.object(PROTOCOL));
    if text_of(&whole).as_deref() != Some(text) {
        whole[THINKING] = json!([{"type": "text", "text": text}]);
    }
    whole
}
