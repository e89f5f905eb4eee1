use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use llm_core::codec::{DecodeContext, ResponseHead};
use llm_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::{decode, encode};

fn decoded(status: u16, body: &str) -> Error {
    let cx = DecodeContext { provider: "anthropic".to_owned(), ..DecodeContext::default() };
    let head = ResponseHead { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new() };
    decode(&cx, &head, body.as_bytes())
}

fn envelope(kind: &str, message: &str) -> String {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}).to_string()
}

#[test]
fn the_kind_is_told_by_status_and_type() {
    use ErrorKind::*;
    for (status, kind, message, wanted) in [
        (400, "invalid_request_error", "max_tokens: field required", InvalidRequest),
        (400, "invalid_request_error", "prompt is too long: 300000 tokens > 200000 maximum", ContextLengthExceeded),
        (400, "billing_error", "no credit", QuotaExceeded),
        (401, "authentication_error", "invalid x-api-key", ProviderAuth),
        (403, "permission_error", "not for you", PermissionDenied),
        (404, "not_found_error", "model: claude-sonet", ModelNotFound),
        (404, "not_found_error", "file not there", NotFound),
        (413, "request_too_large", "too much", RequestTooLarge),
        (429, "rate_limit_error", "slow down", RateLimited),
        (500, "api_error", "oops", ProviderError),
        (500, "overloaded_error", "busy", Overloaded),
        (504, "timeout_error", "slow", Timeout),
        (529, "overloaded_error", "busy", Overloaded),
        // The status is judged first.
        (429, "authentication_error", "odd", RateLimited),
    ] {
        let error = decoded(status, &envelope(kind, message));
        assert_eq!((error.kind(), error.message(), error.code()), (wanted, message, Some(kind)), "{status} {kind}");
        assert_eq!(error.status().as_u16(), status);
        assert_eq!(error.provider(), Some("anthropic"));
        assert!(error.body().is_some());
    }
}

#[test]
fn any_other_body_is_kept_and_html_never_shown() {
    let html = "<html><body>502 Bad Gateway</body></html>";
    for (status, body, message) in [
        (502, html, "the provider answered with status 502 and no readable message"),
        (529, "", "the provider answered with status 529 and no readable message"),
        (503, "upstream connect error", "upstream connect error"),
        (400, r#"{"message":"bad model"}"#, "bad model"),
        (400, r#"{"detail":"bad"}"#, "bad"),
        (400, r#"{"error":"plain"}"#, "plain"),
        (400, "[1]", "the provider answered with status 400 and no readable message"),
    ] {
        let error = decoded(status, body);
        assert_eq!(error.message(), message);
        assert_eq!(error.body().unwrap(), body.as_bytes());
    }
    assert_eq!(decoded(529, "").kind(), ErrorKind::Overloaded);
}

#[test]
fn the_wait_is_kept() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("7"));
    let head = ResponseHead { status: StatusCode::TOO_MANY_REQUESTS, headers };
    let error = decode(&DecodeContext::default(), &head, b"");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

fn encoded(error: &Error) -> (u16, HeaderMap, Value) {
    let answer = encode(error);
    (answer.status.as_u16(), answer.headers, serde_json::from_slice(&answer.body).unwrap())
}

#[test]
fn callers_get_anthropics_envelope() {
    let error =
        Error::new(ErrorKind::RateLimited, "slow down").with_hint("wait").with_retry_after(Duration::from_millis(1200));
    let (status, headers, body) = encoded(&error);
    assert_eq!(status, 429);
    assert_eq!(headers["retry-after"], "2");
    assert!(!headers.contains_key("x-should-retry"));
    let error = json!({"type": "rate_limit_error", "message": "slow down (hint: wait)", "code": "rate_limit_exceeded"});
    assert_eq!(body, json!({"type": "error", "error": error}));
}

#[test]
fn a_spent_budget_is_not_worth_a_retry() {
    let (status, headers, body) = encoded(&Error::new(ErrorKind::QuotaExceeded, "the budget is spent"));
    assert_eq!((status, &headers["x-should-retry"]), (429, &HeaderValue::from_static("false")));
    assert_eq!(body["error"]["code"], "insufficient_quota");
}

/// Claude Code tries a refused key again and again unless it is told not to.
#[test]
fn a_refused_key_is_not_worth_a_retry() {
    for (kind, want) in [(ErrorKind::InvalidApiKey, 401), (ErrorKind::KeyBlocked, 403), (ErrorKind::KeyExpired, 403)] {
        let (status, headers, _) = encoded(&Error::new(kind, "no"));
        assert_eq!((status, headers["x-should-retry"].to_str().unwrap()), (want, "false"));
    }
}

#[test]
fn our_own_refused_credential_is_nobodys_business() {
    let error = decoded(401, &envelope("authentication_error", "key sk-ant-123 is invalid"));
    let (status, _, body) = encoded(&error);
    assert_eq!((status, body["error"]["type"].as_str()), (502, Some("api_error")));
    assert!(!body.to_string().contains("sk-ant"), "{body}");
}
