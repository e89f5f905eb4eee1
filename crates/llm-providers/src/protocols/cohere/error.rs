//! Errors: `{"id", "message"}`, now and then with an `error_type`.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use llm_core::Error;
use llm_core::codec::{DecodeContext, ErrorAnswer, ResponseHead};
use serde_json::{Map, Value, json};

use super::super::openai_chat;

/// Reads an answer of a status other than 2xx.
pub(super) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
    openai_chat::read_error(cx, head, body)
}

/// The error that an event says it is: one that is named so, or that has a message and no type.
pub(super) fn of_event(cx: &DecodeContext, event: &str, members: &Map<String, Value>, data: &[u8]) -> Option<Error> {
    let says_why = members.get("message").is_some_and(Value::is_string) && !members.contains_key("type");
    (event == "error" || says_why).then(|| openai_chat::error_of_members(cx, members, data))
}

/// An error as callers read it.
pub(super) fn encode(error: &Error) -> ErrorAnswer {
    let error = error.for_caller();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    ErrorAnswer { status: error.status_for_caller(), headers, body: Bytes::from(body(&error).to_string()) }
}

/// The error as JSON.
pub(super) fn body(error: &Error) -> Value {
    json!({"message": error.message(), "error_type": error.code().unwrap_or_else(|| error.kind().as_str())})
}
