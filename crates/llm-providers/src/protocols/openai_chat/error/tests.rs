use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llm_core::codec::{DecodeContext, ResponseHead};
use llm_core::{Error, ErrorKind};
use serde_json::{Value, json};

fn decode(status: u16, body: &str) -> Error {
    let head = ResponseHead { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new() };
    let cx = DecodeContext { provider: "host".to_owned(), ..DecodeContext::default() };
    super::decode(&cx, &head, body.as_bytes())
}

#[test]
fn every_shape_is_read() {
    use ErrorKind as Kind;
    let cases: &[(u16, Value, Kind, &str, Option<&str>)] = &[
        (
            400,
            json!({"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}),
            Kind::InvalidRequest,
            "m",
            Some("c"),
        ),
        (401, json!({"error": {"code": "401", "message": "m"}}), Kind::ProviderAuth, "m", Some("401")),
        (401, json!({"error": {"message": "m", "code": 401}}), Kind::ProviderAuth, "m", None),
        (
            401,
            json!({"error": {"message": "m", "type": "authentication_error", "code": "invalid_request_error"}}),
            Kind::ProviderAuth,
            "m",
            Some("invalid_request_error"),
        ),
        (401, json!({"detail": "m"}), Kind::ProviderAuth, "m", None),
        (404, json!({"error": "m"}), Kind::ModelNotFound, "m", None),
        (
            400,
            json!({"code": "invalid-argument", "error": "Incorrect API key provided."}),
            Kind::ProviderAuth,
            "Incorrect API key provided.",
            Some("invalid-argument"),
        ),
        (400, json!({"code": "c", "message": "m", "type": "t"}), Kind::InvalidRequest, "m", Some("c")),
        (400, json!({"object": "error", "message": "m", "code": "3051"}), Kind::InvalidRequest, "m", Some("3051")),
        (
            422,
            json!({"detail": [{"loc": ["body", "n"], "msg": "too big"}]}),
            Kind::InvalidRequest,
            "body.n: too big",
            None,
        ),
        (
            400,
            json!({"error": {"message": "m", "code": "context_length_exceeded"}}),
            Kind::ContextLengthExceeded,
            "m",
            Some("context_length_exceeded"),
        ),
        (
            400,
            json!({"error": {"message": "m", "type": "too_many_prompt_tokens", "code": 400}}),
            Kind::ContextLengthExceeded,
            "m",
            None,
        ),
        (
            400,
            json!({"error": {"message": "prompt too long; exceeded max context length", "code": null}}),
            Kind::ContextLengthExceeded,
            "prompt too long; exceeded max context length",
            None,
        ),
        (
            400,
            json!({"error": {"message": "m", "code": "content_filter"}}),
            Kind::ContentFiltered,
            "m",
            Some("content_filter"),
        ),
        (
            429,
            json!({"error": {"message": "m", "type": "insufficient_quota", "code": "insufficient_quota"}}),
            Kind::QuotaExceeded,
            "m",
            Some("insufficient_quota"),
        ),
        (429, json!({"error": {"message": "m"}}), Kind::RateLimited, "m", None),
        (402, json!({"error": {"message": "m"}}), Kind::QuotaExceeded, "m", None),
        (500, json!({"error": {"message": "m"}}), Kind::ProviderError, "m", None),
        (503, json!({"error": {"message": "m"}}), Kind::Overloaded, "m", None),
        (529, json!({}), Kind::Overloaded, "the provider answered 529 <unknown status code> without a message", None),
    ];
    for (status, body, kind, message, code) in cases {
        let error = decode(*status, &body.to_string());
        let got = (error.kind(), error.message(), error.code(), error.status().as_u16(), error.provider());
        assert_eq!(got, (*kind, *message, *code, *status, Some("host")), "{body}");
        assert_eq!(error.body().map(|body| &body[..]), Some(body.to_string().as_bytes()));
    }
}

#[test]
fn html_is_never_shown() {
    let error = decode(502, " <html><body>10.0.0.7</body></html>");
    assert!(!error.message().contains('<') && !error.message().contains("10.0.0.7"), "{error:?}");
    assert!(error.hint().unwrap().contains("HTML"));
    assert_eq!(error.kind(), ErrorKind::ProviderError);
}

#[test]
fn the_envelope_names_kind_and_hint() {
    let error = Error::new(ErrorKind::ModelNotFound, "unknown model `fsat`").with_hint("did you mean `fast`?");
    let answer = super::encode(&error);
    assert_eq!(answer.status, 404);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let want = json!({"error": {
        "message": "unknown model `fsat` (hint: did you mean `fast`?)",
        "type": "invalid_request_error", "param": null, "code": "model_not_found"
    }});
    assert_eq!(body, want);
}

#[test]
fn a_spent_budget_is_not_to_be_tried_again() {
    let answer = super::encode(&Error::new(ErrorKind::QuotaExceeded, "the budget is spent"));
    assert_eq!((answer.status.as_u16(), &answer.headers["x-should-retry"]), (429, &"false".parse().unwrap()));
    let limited = Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_millis(1200));
    assert_eq!(super::encode(&limited).headers["retry-after"], "2");
}

#[test]
fn a_refused_credential_is_no_business_of_the_callers() {
    let error =
        decode(401, r#"{"error":{"message":"Incorrect API key provided: sk-secret","code":"invalid_api_key"}}"#);
    let answer = super::encode(&error);
    assert_eq!(answer.status, 502);
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(!body.contains("sk-secret") && body.contains("provider_auth"), "{body}");
}

#[test]
fn a_body_that_is_not_json_becomes_the_message() {
    let error = decode(500, "upstream connect error");
    assert_eq!(error.message(), "upstream connect error");
    assert_eq!(error.body(), Some(&Bytes::from_static(b"upstream connect error")));
}
