//! Errors: the many shapes in which hosts say them, and the one shape in which callers read them.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use llm_core::codec::{DecodeContext, ErrorAnswer, ResponseHead, kind_of_status, retry_after};
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

/// The most of a plain-text body that becomes a message.
const MAX_TEXT: usize = 500;

/// Reads an answer of a status other than 2xx.
pub(in crate::protocols) fn decode(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
    let error = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => from_body(cx, Some(head.status), &members, body),
        Ok(Value::String(text)) => without_json(head.status, &text).with_body(Bytes::copy_from_slice(body)),
        _ => unreadable(head, body),
    };
    let error = error.with_provider(cx.provider.as_str());
    match retry_after(&head.headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// A body that is not a JSON object. HTML is never shown.
pub(in crate::protocols) fn unreadable(head: &ResponseHead, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_html = content_type.contains("html") || text.starts_with('<');
    let error = if head.status.is_success() {
        let what = if is_html { "HTML" } else { "something" };
        Error::bad_answer(format!("the provider answered with {what} that is not the JSON of this protocol"))
    } else if is_html {
        without_json(head.status, "").with_hint("the provider sent HTML in place of JSON: check its base URL")
    } else {
        without_json(head.status, text)
    };
    error.with_body(Bytes::copy_from_slice(body))
}

fn without_json(status: StatusCode, text: &str) -> Error {
    let message = match text.is_empty() {
        true => format!("the provider answered {status} without a message"),
        false => text.chars().take(MAX_TEXT).collect(),
    };
    let said = Said { message: Some(message.as_str()), ..Said::default() };
    Error::new(kind(Some(status), &said), message.as_str()).with_status(status)
}

/// Reads an error's members, of a body or of an event. Without a status, the body's own number counts.
pub(in crate::protocols) fn from_body(
    cx: &DecodeContext,
    status: Option<StatusCode>,
    members: &Map<String, Value>,
    body: &[u8],
) -> Error {
    let said = Said::read(members);
    let status = status.or(said.status);
    let kind = kind(status, &said);
    let message = match (said.message, &said.listed) {
        (Some(message), _) => message.to_owned(),
        (None, Some(listed)) => listed.clone(),
        (None, None) => match status {
            Some(status) => format!("the provider answered {status} without a message"),
            None => "the provider says that it failed, and not why".to_owned(),
        },
    };
    let mut error =
        Error::new(kind, message).with_provider(cx.provider.as_str()).with_body(Bytes::copy_from_slice(body));
    if let Some(status) = status {
        error = error.with_status(status);
    }
    if let Some(code) = said.code {
        error = error.with_code(code);
    }
    if let Some(param) = said.param {
        error = error.with_param(param);
    }
    error
}

/// What an error's body says, wherever it says it.
#[derive(Default)]
struct Said<'a> {
    message: Option<&'a str>,
    listed: Option<String>,
    code: Option<&'a str>,
    kind: Option<&'a str>,
    param: Option<&'a str>,
    status: Option<StatusCode>,
}

impl<'a> Said<'a> {
    fn read(members: &'a Map<String, Value>) -> Self {
        let outer = |name: &str| members.get(name);
        let inner = |name: &str| members.get("error").and_then(|error| error.get(name));
        let detail = |name: &str| members.get("detail").and_then(|detail| detail.get(name));
        let text = |value: Option<&'a Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty());
        let either = |name: &str| text(inner(name)).or_else(|| text(outer(name)));
        Self {
            message: text(inner("message"))
                .or_else(|| text(outer("error")))
                .or_else(|| text(outer("message")))
                .or_else(|| text(outer("detail")))
                .or_else(|| text(detail("message")))
                .or_else(|| text(outer("err_msg"))),
            listed: outer("detail").and_then(Value::as_array).map(|list| listed(list)),
            code: either("code")
                .or_else(|| text(detail("code")))
                .or_else(|| text(detail("status")))
                .or_else(|| text(outer("err_code")))
                .or_else(|| text(outer("category"))),
            kind: either("type").or_else(|| text(outer("error_type"))),
            param: either("param"),
            status: [inner("status_code"), inner("code"), inner("status"), outer("status"), outer("code")]
                .into_iter()
                .find_map(super::answer::status_of),
        }
    }
}

/// FastAPI's list of what is wrong with a body.
fn listed(list: &[Value]) -> String {
    let said = list.iter().filter_map(|item| {
        let message = item.get("msg")?.as_str()?;
        let place = item.get("loc").and_then(Value::as_array).map(|place| {
            let names = place.iter().map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned));
            names.collect::<Vec<_>>().join(".")
        });
        Some(match place {
            Some(place) => format!("{place}: {message}"),
            None => message.to_owned(),
        })
    });
    said.collect::<Vec<_>>().join("; ")
}

/// The status decides; the body may only say more of it.
fn kind(status: Option<StatusCode>, said: &Said<'_>) -> ErrorKind {
    let base = status.map_or(ErrorKind::ProviderError, kind_of_status);
    let message = said.message.unwrap_or_default().to_lowercase();
    let is = |words: &[&str]| [said.code, said.kind].iter().flatten().any(|word| words.contains(word));
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match base {
        ErrorKind::RateLimited | ErrorKind::ProviderError
            if is(&["insufficient_quota", "billing_hard_limit_reached", "quota_exceeded", "insufficient_balance"])
                || (base == ErrorKind::RateLimited
                    && says(&["exceeded your current quota", "insufficient balance"])) =>
        {
            ErrorKind::QuotaExceeded
        }
        ErrorKind::ProviderError if status.is_none() && is(&["rate_limit_exceeded", "rate_limit_error"]) => {
            ErrorKind::RateLimited
        }
        ErrorKind::ProviderError if status.is_none() && is(&["overloaded_error", "overloaded"]) => {
            ErrorKind::Overloaded
        }
        // ElevenLabs answers 401 where nothing is left to spend.
        ErrorKind::ProviderAuth if is(&["quota_exceeded"]) => ErrorKind::QuotaExceeded,
        ErrorKind::PermissionDenied if is(&["content_filter", "content_policy_violation"]) => {
            ErrorKind::ContentFiltered
        }
        ErrorKind::InvalidRequest | ErrorKind::RequestTooLarge if is_too_long(&is, &says) => {
            ErrorKind::ContextLengthExceeded
        }
        ErrorKind::InvalidRequest if is(&["content_filter", "content_policy_violation", "data_inspection_failed"]) => {
            ErrorKind::ContentFiltered
        }
        ErrorKind::InvalidRequest if is(&["model_not_found", "invalid_model", "DeploymentNotFound"]) => {
            ErrorKind::ModelNotFound
        }
        ErrorKind::InvalidRequest if is(&["unsupported_parameter", "unsupported_value"]) => {
            ErrorKind::UnsupportedParameter
        }
        // xAI and Google answer 400 to a wrong key.
        ErrorKind::InvalidRequest
            if is(&["invalid_api_key"]) || says(&["incorrect api key", "api key not valid", "invalid api key"]) =>
        {
            ErrorKind::ProviderAuth
        }
        _ => base,
    }
}

fn is_too_long(is: &impl Fn(&[&str]) -> bool, says: &impl Fn(&[&str]) -> bool) -> bool {
    is(&["context_length_exceeded", "too_many_prompt_tokens", "TOO_MANY_TOKENS", "exceed_context_size_error"])
        || says(&[
            "maximum context length",
            "max context length",
            "context window",
            "context length",
            "prompt too long",
            "prompt is too long",
            "too many tokens",
            "exceeds the available context size",
            "total length of all messages is too long",
        ])
}

/// An error as callers read it: OpenAI's envelope.
pub(in crate::protocols) fn encode(error: &Error) -> ErrorAnswer {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.is_hopeless() {
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    let status = Some(error.status_for_caller()).filter(|status| status.is_client_error() || status.is_server_error());
    ErrorAnswer {
        status: status.unwrap_or_else(|| error.kind().default_status()),
        headers,
        body: Bytes::from(envelope(error).to_string()),
    }
}

/// `{"error": {message, type, param, code}}`.
pub(in crate::protocols) fn envelope(error: &Error) -> Value {
    let error = error.for_caller();
    let message = match error.hint() {
        Some(hint) => format!("{} (hint: {hint})", error.message()),
        None => error.message().to_owned(),
    };
    json!({"error": {
        "message": message,
        "type": kind_name(&error),
        "param": error.param(),
        "code": error.code().unwrap_or_else(|| error.kind().as_str()),
    }})
}

/// OpenAI's word for the kind of error.
fn kind_name(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::InvalidApiKey | ErrorKind::MissingCredential => "authentication_error",
        ErrorKind::KeyBlocked | ErrorKind::KeyExpired | ErrorKind::ModelNotAllowed | ErrorKind::PermissionDenied => {
            "permission_error"
        }
        ErrorKind::RateLimited => "rate_limit_error",
        ErrorKind::QuotaExceeded => "insufficient_quota",
        kind if kind.default_status().is_client_error() => "invalid_request_error",
        _ => "server_error",
    }
}

/// An event's payload that says that the stream failed; none where it is not an error.
pub(super) fn of_event(cx: &DecodeContext, event: &str, data: &[u8], members: &Map<String, Value>) -> Result<()> {
    if event == "error" || members.get("error").is_some_and(|error| !error.is_null()) {
        return Err(from_body(cx, None, members, data));
    }
    Ok(())
}

/// An error event whose payload is not a JSON object.
pub(in crate::protocols) fn of_text(cx: &DecodeContext, data: &[u8]) -> Error {
    let text: String = String::from_utf8_lossy(data).chars().take(MAX_TEXT).collect();
    Error::bad_answer(text).with_provider(cx.provider.as_str()).with_body(Bytes::copy_from_slice(data))
}

#[cfg(test)]
mod tests;
