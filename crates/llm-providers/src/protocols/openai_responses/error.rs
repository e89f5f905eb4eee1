//! Errors inside streams.

use llm_core::Error;
use serde_json::{Value, json};

use crate::protocols::openai_chat;

/// The event that says that a stream failed. Some SDKs read its own members, others those of `error`.
pub(super) fn event(error: &Error, sequence: u64) -> Value {
    let envelope = openai_chat::error::envelope(error);
    let inner = envelope.get("error").cloned().unwrap_or_default();
    json!({
        "type": "error",
        "sequence_number": sequence,
        "code": inner.get("code"),
        "message": inner.get("message"),
        "param": inner.get("param"),
        "error": inner,
    })
}
