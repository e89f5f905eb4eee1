//! One turn of a conversation that the gateway keeps: the detail of its object.

use llm_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::record::Object;

/// What was said and answered.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Turn {
    /// The response that it went on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<String>,
    /// The items that the caller sent in this turn.
    pub(super) said: Vec<Value>,
    /// The response as its caller saw it.
    pub(super) response: Value,
    /// Whether it was larger than what is kept, so that nothing of it is here but that it was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) too_large: bool,
}

impl Turn {
    /// Reads what an object holds. What was too large to be kept is not found, and that is why.
    pub(super) fn of(object: &Object) -> Result<Self> {
        let turn = Self::deserialize(&object.detail).map_err(|error| {
            Error::new(ErrorKind::Internal, format!("the response `{}` can't be read", object.id)).with_source(error)
        })?;
        if turn.too_large {
            let message = format!("the response `{}` was larger than what this gateway keeps", object.id);
            return Err(Error::new(ErrorKind::NotFound, message).with_hint("see `max_size` in its `[responses]`"));
        }
        Ok(turn)
    }

    /// The items that the model answered with.
    pub(super) fn answered(&self) -> &[Value] {
        self.response.get("output").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The items of a request's `input`, which may be a text.
pub(super) fn items(input: Option<Value>) -> Vec<Value> {
    match input {
        Some(Value::Array(items)) => items,
        Some(Value::String(text)) => {
            vec![json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})]
        }
        _ => Vec::new(),
    }
}
