//! Errors: `{"error": "text"}`, before an answer or as a line of a stream.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use llm_core::codec::{DecodeContext, ErrorAnswer, ResponseHead, kind_of_status, retry_after};
use llm_core::{Error, ErrorKind};
use serde_json::{Value, json};

pub(super) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
    let said = serde_json::from_slice::<Value>(body).ok().and_then(|body| Some(message_of(&body)?.to_owned()));
    let message = said.unwrap_or_else(|| format!("the provider answered {}", head.status));
    let kind = if is_window_passed(&message) { ErrorKind::ContextLengthExceeded } else { kind_of_status(head.status) };
    let error = Error::new(kind, message)
        .with_status(head.status)
        .with_provider(cx.provider.as_str())
        .with_body(Bytes::copy_from_slice(body));
    match retry_after(&head.headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// The error that an answer of status 200, or a line of a stream, says it is.
pub(super) fn inside(cx: &DecodeContext, body: &Value) -> Option<Error> {
    let message = message_of(body)?;
    let kind = if is_window_passed(message) { ErrorKind::ContextLengthExceeded } else { ErrorKind::ProviderError };
    Some(Error::new(kind, message).with_provider(cx.provider.as_str()).with_body(body.to_string().into()))
}

pub(super) fn encode(error: &Error) -> ErrorAnswer {
    let error = error.for_caller();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    ErrorAnswer { status: error.status_for_caller(), headers, body: line(&error).into() }
}

/// The error as one JSON text.
pub(super) fn line(error: &Error) -> String {
    json!({ "error": error.message() }).to_string()
}

/// Servers in front of Ollama wrap the text as OpenAI does.
fn message_of(body: &Value) -> Option<&str> {
    let error = body.get("error")?;
    error.as_str().or_else(|| error.get("message")?.as_str())
}

fn is_window_passed(message: &str) -> bool {
    message.contains("context length") || message.contains("context window")
}
