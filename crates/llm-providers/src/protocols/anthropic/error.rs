//! Errors: `{"type": "error", "error": {"type", "message"}}`, read from providers and written to callers.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use llm_core::codec::{DecodeContext, ErrorAnswer, ResponseHead, kind_of_status, retry_after};
use llm_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::protocols::aws;

/// The longest body that is no JSON and still read as a message, in bytes.
const PLAIN_TEXT: usize = 500;

/// Understands an answer of any other status than 2xx.
pub(super) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let said = Said::of(parsed.as_ref());
    let message = match said.message.or_else(|| plain_text(body)) {
        Some(message) => message.to_owned(),
        None => format!("the provider answered with status {} and no readable message", head.status.as_u16()),
    };
    if said.code.is_none() && aws::error_type(&head.headers).is_some() {
        return aws::decode_error(cx, head, body);
    }
    let kind = kind(kind_of_status(head.status), said.code, &message);
    let mut error = Error::new(kind, message)
        .with_provider(&cx.provider)
        .with_status(head.status)
        .with_body(Bytes::copy_from_slice(body));
    if let Some(code) = said.code {
        error = error.with_code(code);
    }
    if let Some(wait) = retry_after(&head.headers) {
        error = error.with_retry_after(wait);
    }
    error
}

/// Understands an error that came with status 200, as a body or as an event of a stream.
pub(super) fn in_answer(cx: &DecodeContext, members: &Map<String, Value>) -> Error {
    let error = members.get("error").unwrap_or(&Value::Null);
    let said = Said::of_error(error);
    let message = said.message.unwrap_or("the provider sent an error without a message");
    let mut error = Error::new(kind(ErrorKind::ProviderError, said.code, message), message);
    if let Some(code) = said.code {
        error = error.with_code(code);
    }
    error.with_provider(&cx.provider)
}

/// What an error's body says.
#[derive(Default)]
struct Said<'a> {
    message: Option<&'a str>,
    code: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn of(body: Option<&'a Value>) -> Self {
        let Some(body) = body else { return Self::default() };
        match body.get("error") {
            Some(error @ Value::Object(_)) => Self::of_error(error),
            Some(Value::String(message)) => Self { message: Some(message), code: None },
            // Hosts in front of the model have envelopes of their own.
            _ => Self { message: ["message", "detail"].iter().find_map(|name| text(body, name)), code: None },
        }
    }

    fn of_error(error: &'a Value) -> Self {
        Self { message: text(error, "message"), code: text(error, "type") }
    }
}

fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A short body of plain text; never a page of HTML.
fn plain_text(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let readable = !text.is_empty() && text.len() <= PLAIN_TEXT && !text.contains(['<', '{', '[']);
    readable.then_some(text)
}

/// The status is judged first; the type makes it finer, or says it where the status was 200.
fn kind(by_status: ErrorKind, code: Option<&str>, message: &str) -> ErrorKind {
    let by_code = match code {
        Some("invalid_request_error") => ErrorKind::InvalidRequest,
        Some("authentication_error") => ErrorKind::ProviderAuth,
        Some("billing_error") => ErrorKind::QuotaExceeded,
        Some("permission_error") => ErrorKind::PermissionDenied,
        Some("not_found_error") => ErrorKind::ModelNotFound,
        Some("request_too_large") => ErrorKind::RequestTooLarge,
        Some("rate_limit_error") => ErrorKind::RateLimited,
        Some("timeout_error") => ErrorKind::Timeout,
        Some("overloaded_error") => ErrorKind::Overloaded,
        Some("conflict_error") => ErrorKind::Conflict,
        _ => by_status,
    };
    match by_status {
        ErrorKind::InvalidRequest if by_code == ErrorKind::InvalidRequest && is_too_long(message) => {
            ErrorKind::ContextLengthExceeded
        }
        ErrorKind::InvalidRequest | ErrorKind::ProviderError => by_code,
        ErrorKind::ModelNotFound if !message.to_ascii_lowercase().contains("model") => ErrorKind::NotFound,
        by_status => by_status,
    }
}

fn is_too_long(message: &str) -> bool {
    ["prompt is too long", "exceed context limit", "context window"].iter().any(|words| message.contains(words))
}

/// An error before the first byte.
pub(super) fn encode(error: &Error) -> ErrorAnswer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.is_hopeless() {
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
    }
    ErrorAnswer { status: error.status_for_caller(), headers, body: Bytes::from(body(error).to_string()) }
}

/// The member that asks Anthropic to hold the conversation. The SDKs' runners of tools say it unasked, and do without where
/// the error's details tell them to.
pub(super) const THREAD: &str = "thread";

/// The envelope: Anthropic's type and the message, and beside them the gateway's code.
pub(super) fn body(error: &Error) -> Value {
    let shown = error.for_caller();
    let message = match shown.hint() {
        Some(hint) => format!("{} (hint: {hint})", shown.message()),
        None => shown.message().to_owned(),
    };
    let code = error.kind().as_str();
    let mut body = json!({"type": "error", "error": {"type": word(error.kind()), "message": message, "code": code}});
    if error.kind() == ErrorKind::UnsupportedParameter && error.param() == Some(THREAD) {
        body["error"]["details"] = json!({"error_code": "thread_unsupported_request", "unsupported": [THREAD]});
    }
    body
}

/// Anthropic's word for a kind of error.
fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest
        | ErrorKind::UnsupportedParameter
        | ErrorKind::ContextLengthExceeded
        | ErrorKind::ContentFiltered
        | ErrorKind::ModelNotPriced
        | ErrorKind::Conflict => "invalid_request_error",
        ErrorKind::InvalidApiKey | ErrorKind::MissingCredential => "authentication_error",
        ErrorKind::KeyBlocked | ErrorKind::KeyExpired | ErrorKind::ModelNotAllowed | ErrorKind::PermissionDenied => {
            "permission_error"
        }
        ErrorKind::ModelNotFound | ErrorKind::NotFound => "not_found_error",
        ErrorKind::RequestTooLarge => "request_too_large",
        ErrorKind::RateLimited | ErrorKind::QuotaExceeded => "rate_limit_error",
        ErrorKind::Overloaded | ErrorKind::NoDeploymentAvailable | ErrorKind::JournalUnavailable => "overloaded_error",
        ErrorKind::Timeout => "timeout_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests;
