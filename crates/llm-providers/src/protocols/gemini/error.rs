//! Errors: Google's envelope in, our kinds out, and back.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use llm_core::codec::{DecodeContext, ErrorAnswer, ResponseHead, kind_of_status, retry_after};
use llm_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const QUOTA_FAILURE: &str = "type.googleapis.com/google.rpc.QuotaFailure";

/// Understands an answer of a status other than 2xx.
pub(super) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
    let members = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members,
        // Streams as arrays have their errors in arrays, too.
        Ok(Value::Array(list)) => match list.into_iter().next() {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        },
        _ => Map::new(),
    };
    let mut error = read(cx, Some(head.status), &members);
    if let Some(wait) = error.retry_after().or_else(|| retry_after(&head.headers)) {
        error = error.with_retry_after(wait);
    }
    error.with_body(Bytes::copy_from_slice(body))
}

/// Whether an answer of status 200 is an error.
pub(super) fn is_one(members: &Map<String, Value>) -> bool {
    members.get("error").is_some_and(|error| !error.is_null()) && !members.contains_key("candidates")
}

/// The error inside an answer of status 200.
pub(super) fn in_answer(cx: &DecodeContext, members: &Map<String, Value>) -> Error {
    let code = members.get("error").and_then(|error| error.get("code")).and_then(Value::as_u64);
    let status = code.and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok());
    read(cx, status.filter(|status| status.as_u16() >= 400), members)
}

/// The provider's message in a whole error body.
pub(super) fn message(members: &Map<String, Value>) -> String {
    let error = members.get("error");
    let said = error.and_then(|error| error.get("message").or(Some(error)).and_then(Value::as_str));
    said.unwrap_or("an error without a message").to_owned()
}

fn read(cx: &DecodeContext, status: Option<StatusCode>, members: &Map<String, Value>) -> Error {
    let said = members.get("error");
    let text = |name: &str| said.and_then(|error| error.get(name)).and_then(Value::as_str);
    let message = match said {
        Some(_) => message(members),
        None => match status {
            Some(status) => format!("the provider answered with status {}", status.as_u16()),
            None => "the provider answered with an error".to_owned(),
        },
    };
    let details = || said.and_then(|error| error.get("details")).and_then(Value::as_array).into_iter().flatten();
    let reason = details().find_map(|detail| detail.get("reason").and_then(Value::as_str));
    let per_day = details().flat_map(|detail| detail.get("violations").and_then(Value::as_array).into_iter().flatten());
    let per_day =
        per_day.filter_map(|violation| violation.get("quotaId")?.as_str()).any(|quota| quota.contains("PerDay"));
    let wait = details().find_map(|detail| delay(detail.get("retryDelay")?.as_str()?));
    let kind = kind(status, text("status"), reason, per_day, &message);
    let mut error = Error::new(kind, message).with_provider(&cx.provider);
    if let Some(status) = status {
        error = error.with_status(status);
    }
    if let Some(code) = reason.or(text("status")) {
        error = error.with_code(code);
    }
    match wait {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// A duration as Google writes it: seconds, with `s` behind.
fn delay(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    (0.0..=86_400.0 * 366.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn kind(
    status: Option<StatusCode>,
    word: Option<&str>,
    reason: Option<&str>,
    per_day: bool,
    message: &str,
) -> ErrorKind {
    let by_status = status.map_or_else(|| kind_of_word(word.unwrap_or_default()), kind_of_status);
    let about_key = reason.is_some_and(|reason| reason.starts_with("API_KEY_") || reason.starts_with("ACCESS_TOKEN_"));
    match by_status {
        // A bad key is a bad request to Google.
        ErrorKind::InvalidRequest | ErrorKind::PermissionDenied if about_key => ErrorKind::ProviderAuth,
        ErrorKind::PermissionDenied if message.contains("API key") => ErrorKind::ProviderAuth,
        ErrorKind::InvalidRequest if is_too_long(message) => ErrorKind::ContextLengthExceeded,
        ErrorKind::RateLimited if per_day => ErrorKind::QuotaExceeded,
        ErrorKind::ModelNotFound if !message.to_ascii_lowercase().contains("model") => ErrorKind::NotFound,
        by_status => by_status,
    }
}

fn is_too_long(message: &str) -> bool {
    ["exceeds the maximum number of tokens", "input token count", "input context is too long"]
        .iter()
        .any(|words| message.contains(words))
}

/// What a word of Google's says where no status does.
fn kind_of_word(word: &str) -> ErrorKind {
    match word {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => ErrorKind::InvalidRequest,
        "UNAUTHENTICATED" => ErrorKind::ProviderAuth,
        "PERMISSION_DENIED" => ErrorKind::PermissionDenied,
        "NOT_FOUND" => ErrorKind::ModelNotFound,
        "RESOURCE_EXHAUSTED" => ErrorKind::RateLimited,
        "UNAVAILABLE" => ErrorKind::Overloaded,
        "DEADLINE_EXCEEDED" => ErrorKind::Timeout,
        _ => ErrorKind::ProviderError,
    }
}

/// An error before the first byte.
pub(super) fn encode(error: &Error) -> ErrorAnswer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    ErrorAnswer { status: error.status_for_caller(), headers, body: Bytes::from(body(error).to_string()) }
}

/// Google's envelope, with the gateway's code as the reason in its details.
pub(super) fn body(error: &Error) -> Value {
    let shown = error.for_caller();
    let message = match shown.hint() {
        Some(hint) => format!("{} (hint: {hint})", shown.message()),
        None => shown.message().to_owned(),
    };
    let status = error.status_for_caller();
    let mut info = json!({"@type": ERROR_INFO, "reason": error.kind().as_str(), "domain": "llm-gateway"});
    let named = [("param", shown.param()), ("provider", shown.provider()), ("code", shown.code())];
    let metadata: Map<String, Value> =
        named.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?)))).collect();
    if !metadata.is_empty() {
        info["metadata"] = metadata.into();
    }
    let mut details = vec![info];
    // Gemini CLI tries every 429 again for minutes, but for quotas of a day.
    if error.is_hopeless() && status == StatusCode::TOO_MANY_REQUESTS {
        let violation = json!({"quotaId": "SpendPerDayOrLonger", "description": shown.message()});
        details.push(json!({"@type": QUOTA_FAILURE, "violations": [violation]}));
    }
    if let Some(seconds) = error.retry_after_seconds() {
        details.push(json!({"@type": RETRY_INFO, "retryDelay": format!("{seconds}s")}));
    }
    json!({"error": {"code": status.as_u16(), "message": message, "status": word(status), "details": details}})
}

/// Google's word for a status.
fn word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        502 | 503 | 529 => "UNAVAILABLE",
        504 | 408 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests;
