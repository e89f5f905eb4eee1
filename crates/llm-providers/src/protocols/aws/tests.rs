use http::{HeaderValue, StatusCode};

use super::*;

fn cx() -> DecodeContext {
    DecodeContext { provider: "bedrock".into(), ..DecodeContext::default() }
}

fn error(status: u16, name: Option<&'static str>, body: &str) -> Error {
    let mut head = ResponseHead { status: StatusCode::from_u16(status).unwrap(), ..ResponseHead::default() };
    if let Some(name) = name {
        head.headers.insert(ERROR_TYPE, HeaderValue::from_static(name));
    }
    decode_error(&cx(), &head, body.as_bytes())
}

#[test]
fn the_name_makes_the_status_finer() {
    let message = r#"{"message":"no"}"#;
    for (status, name, kind) in [
        (400, "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/", ErrorKind::InvalidRequest),
        (400, "ServiceQuotaExceededException", ErrorKind::RateLimited),
        (400, "SomethingNewException", ErrorKind::InvalidRequest),
        (403, "AccessDeniedException", ErrorKind::PermissionDenied),
        (403, "UnrecognizedClientException", ErrorKind::ProviderAuth),
        (403, "InvalidSignatureException", ErrorKind::ProviderAuth),
        (404, "ResourceNotFoundException", ErrorKind::ModelNotFound),
        (408, "ModelTimeoutException", ErrorKind::Timeout),
        (424, "ModelErrorException", ErrorKind::ProviderError),
        (429, "ThrottlingException", ErrorKind::RateLimited),
        (429, "ModelNotReadyException", ErrorKind::RateLimited),
        (500, "InternalServerException", ErrorKind::ProviderError),
        (503, "ServiceUnavailableException", ErrorKind::Overloaded),
    ] {
        let error = error(status, Some(name), message);
        assert_eq!((error.kind(), error.message(), error.status().as_u16()), (kind, "no", status), "{name}");
        assert_eq!(error.code(), name.split(':').next());
        assert_eq!(error.body().map(|body| body.as_ref()), Some(message.as_bytes()));
        assert_eq!(error.provider(), Some("bedrock"));
    }
}

#[test]
fn a_prompt_past_the_window_is_told_apart() {
    let body = r#"{"message":"Input is too long for requested model."}"#;
    assert_eq!(error(400, Some("ValidationException"), body).kind(), ErrorKind::ContextLengthExceeded);
    assert_eq!(error(400, None, body).kind(), ErrorKind::ContextLengthExceeded);
}

#[test]
fn an_error_without_a_name_or_message_is_still_one() {
    let named = error(400, None, r#"{"__type":"com.amazon.coral.service#ThrottlingException","Message":"slow"}"#);
    assert_eq!(
        (named.kind(), named.code(), named.message()),
        (ErrorKind::RateLimited, Some("ThrottlingException"), "slow")
    );
    assert_eq!(error(403, None, "{}").kind(), ErrorKind::PermissionDenied);
    let html = error(502, None, "<html>");
    assert_eq!(html.kind(), ErrorKind::ProviderError);
    assert!(html.message().contains("502"), "{html}");
}

#[test]
fn exceptions_in_streams() {
    let read = |event, data: &'static [u8]| exception(&cx(), &Frame { event, data, is_error: true });
    let throttled = read("throttlingException", br#"{"message":"Too many requests"}"#);
    assert_eq!((throttled.kind(), throttled.message()), (ErrorKind::RateLimited, "Too many requests"));
    assert_eq!(throttled.code(), Some("throttlingException"));
    let model = read("modelStreamErrorException", br#"{"originalStatusCode":500,"originalMessage":"odd"}"#);
    assert_eq!((model.kind(), model.message()), (ErrorKind::ProviderError, "odd"));
    assert_eq!(read("InternalFailure", b"plain words").message(), "plain words");
    assert_eq!(read("newException", b"").kind(), ErrorKind::ProviderError);
}
