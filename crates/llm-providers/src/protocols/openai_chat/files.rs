//! `/files`: what OpenAI and its compatible hosts keep.
//! Source: OpenAI's API reference.

use llm_core::Protocol;
use llm_core::file::{Files, StoredFile};
use serde_json::{Value, json};

use super::{OpenAi, PROTOCOL, error};
use crate::protocols::files;
use crate::protocols::speaks::speaks;
use crate::protocols::stored::Store;

/// The store of a relative of this protocol.
pub(in crate::protocols) const fn store(protocol: Protocol) -> Store {
    Store { protocol, path: "/files", after: "after" }
}

const STORE: Store = store(PROTOCOL);

/// A file that came in another protocol.
pub(in crate::protocols) fn foreign(file: &StoredFile) -> Value {
    json!({
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": 0,
        "filename": file.filename,
        "purpose": file.purpose.as_deref().unwrap_or("user_data"),
        "status": "processed",
    })
}

/// What is said of a file that was deleted.
pub(in crate::protocols) fn gone(id: &str) -> Value {
    json!({"id": id, "object": "file", "deleted": true})
}

speaks! {
    OpenAi: Files, PROTOCOL, errors error,
    encode_request(request, target) files::encode_request(&STORE, request, target),
    decode_answer(cx, head, body) {
        files::decode_answer(&STORE, cx, head, body).ok_or_else(|| error::unreadable(head, body))
    },
    decode_request(head, body) files::decode_request(&STORE, head, body),
    encode_answer(cx, answer) Ok(files::encode_answer(&STORE, cx, answer, foreign, gone)),
}
