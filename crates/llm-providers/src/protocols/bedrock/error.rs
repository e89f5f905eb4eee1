//! Errors as a caller is told them; reading them is the same for every AWS service.

use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use llm_core::Error;
use llm_core::codec::ErrorAnswer;
use serde_json::{Value, json};

use super::aws;

/// An error before the first byte.
pub(super) fn encode(error: &Error) -> ErrorAnswer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let name = aws::name_of(error.kind());
    headers.insert(HeaderName::from_static(aws::ERROR_TYPE), HeaderValue::from_static(name));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    ErrorAnswer { status: error.status_for_caller(), headers, body: body(error).to_string().into() }
}

/// The message, as every AWS service says it.
pub(super) fn body(error: &Error) -> Value {
    json!({ "message": error.for_caller().message() })
}
