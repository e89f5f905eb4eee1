//! Errors as every AWS service says them: a name in `x-amzn-errortype` or in the frame of a stream, and
//! `{"message": text}` beside it.
//!
//! Source: "Common errors" and the errors of `Converse` and `InvokeModelWithResponseStream` in Amazon Bedrock's API
//! reference, and recorded traffic.

use bytes::Bytes;
use http::HeaderMap;
use llm_core::codec::{DecodeContext, Frame, ResponseHead, kind_of_status, retry_after};
use llm_core::{Error, ErrorKind};
use serde_json::Value;

/// The header with the error's name.
pub(crate) const ERROR_TYPE: &str = "x-amzn-errortype";

/// The error's name in the headers, without the namespace behind it.
pub(crate) fn error_type(headers: &HeaderMap) -> Option<&str> {
    let name = headers.get(ERROR_TYPE)?.to_str().ok()?;
    let name = name.split(':').next()?.trim();
    (!name.is_empty()).then_some(name)
}

/// Understands an answer of any other status than 2xx.
pub(crate) fn decode_error(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
    let said: Option<Value> = serde_json::from_slice(body).ok();
    let code = error_type(&head.headers).or_else(|| name_in(said.as_ref()?));
    let message = match said.as_ref().and_then(message_in) {
        Some(message) => message.to_owned(),
        None => format!("the provider answered with status {} and no readable message", head.status.as_u16()),
    };
    let by_status = kind_of_status(head.status);
    let kind = match (by_status, code.and_then(|code| kind(code, &message))) {
        // The status is coarse; only where it says no more than that something is wrong does the name decide.
        (ErrorKind::InvalidRequest | ErrorKind::ProviderError | ErrorKind::PermissionDenied, Some(kind)) => kind,
        (ErrorKind::InvalidRequest, None) if is_too_long(&message) => ErrorKind::ContextLengthExceeded,
        (by_status, _) => by_status,
    };
    let mut error = Error::new(kind, message)
        .with_provider(&cx.provider)
        .with_status(head.status)
        .with_body(Bytes::copy_from_slice(body));
    if let Some(code) = code {
        error = error.with_code(code);
    }
    match retry_after(&head.headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// Understands an exception in the middle of a stream.
pub(crate) fn exception(cx: &DecodeContext, frame: &Frame<'_>) -> Error {
    let said: Option<Value> = serde_json::from_slice(frame.data).ok();
    let plain = || std::str::from_utf8(frame.data).ok().map(str::trim).filter(|text| !text.is_empty());
    let message = match &said {
        Some(said) => message_in(said).or(said.as_str()),
        None => plain(),
    };
    let message = message.unwrap_or("the provider broke the stream off with an error and no message");
    let kind = kind(frame.event, message).unwrap_or(ErrorKind::ProviderError);
    let error = Error::new(kind, message).with_provider(&cx.provider).with_body(Bytes::copy_from_slice(frame.data));
    if frame.event.is_empty() { error } else { error.with_code(frame.event) }
}

fn message_in(said: &Value) -> Option<&str> {
    ["message", "Message", "originalMessage"].iter().find_map(|name| said.get(name)?.as_str())
}

/// Some services name the error in the body.
fn name_in(said: &Value) -> Option<&str> {
    let name = said.get("__type").or_else(|| said.get("code"))?.as_str()?;
    name.rsplit('#').next()
}

/// What an error's name says; it is spelled `ThrottlingException` in headers and `throttlingException` in streams.
fn kind(name: &str, message: &str) -> Option<ErrorKind> {
    let bare = name.strip_suffix("Exception").unwrap_or(name).to_ascii_lowercase();
    Some(match bare.as_str() {
        "validation" if is_too_long(message) => ErrorKind::ContextLengthExceeded,
        "validation" | "conflict" => ErrorKind::InvalidRequest,
        "throttling" | "servicequotaexceeded" | "modelnotready" => ErrorKind::RateLimited,
        "accessdenied" => ErrorKind::PermissionDenied,
        "unrecognizedclient"
        | "invalidsignature"
        | "expiredtoken"
        | "invalidclienttokenid"
        | "incompletesignature"
        | "missingauthenticationtoken"
        | "signaturedoesnotmatch"
        | "notauthorized" => ErrorKind::ProviderAuth,
        "resourcenotfound" => ErrorKind::ModelNotFound,
        "modeltimeout" => ErrorKind::Timeout,
        "modelerror" | "modelstreamerror" | "internalserver" | "internalfailure" | "internalstreamfailure" => {
            ErrorKind::ProviderError
        }
        "serviceunavailable" => ErrorKind::Overloaded,
        _ => return None,
    })
}

fn is_too_long(message: &str) -> bool {
    const WORDS: [&str; 4] =
        ["prompt is too long", "Input is too long", "exceed context limit", "maximum context length"];
    WORDS.iter().any(|words| message.contains(words))
}

/// The name that a caller is told for a kind of error.
pub(crate) fn name_of(kind: ErrorKind) -> &'static str {
    use ErrorKind as Kind;
    match kind {
        Kind::RateLimited => "ThrottlingException",
        Kind::QuotaExceeded => "ServiceQuotaExceededException",
        Kind::InvalidApiKey => "UnrecognizedClientException",
        Kind::PermissionDenied | Kind::KeyBlocked | Kind::KeyExpired | Kind::ModelNotAllowed => "AccessDeniedException",
        Kind::ModelNotFound | Kind::NotFound => "ResourceNotFoundException",
        Kind::Timeout => "ModelTimeoutException",
        Kind::Overloaded | Kind::NoDeploymentAvailable | Kind::JournalUnavailable => "ServiceUnavailableException",
        Kind::InvalidRequest
        | Kind::UnsupportedParameter
        | Kind::ContextLengthExceeded
        | Kind::ContentFiltered
        | Kind::ModelNotPriced
        | Kind::RequestTooLarge
        | Kind::Conflict
        | Kind::NotImplemented => "ValidationException",
        _ => "InternalServerException",
    }
}

#[cfg(test)]
mod tests;
