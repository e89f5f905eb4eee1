use std::time::Duration;

use http::{HeaderMap, Method};

use super::*;

/// Access key, secret and time of AWS's published test vectors (`aws-sig-v4-test-suite`).
fn keys(token: Option<&str>) -> Keys {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    Keys::new("AKIDEXAMPLE", secret, token.map(str::to_owned), None, "test")
}

/// 2015-08-30T12:36:00Z.
fn time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

fn request(method: Method, url: &str, content_type: Option<&'static str>, body: &'static str) -> WireRequest {
    let mut headers = HeaderMap::new();
    if let Some(kind) = content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    WireRequest { method, url: url::Url::parse(url).unwrap(), headers, body: body.into() }
}

fn signature(mut request: WireRequest, token: Option<&str>, service: &str) -> (HeaderMap, String) {
    sign_with(&mut request, keys(token), "us-east-1", service, time()).unwrap();
    let authorization = request.headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
    (request.headers, authorization)
}

#[test]
fn the_published_vectors() {
    let form = "application/x-www-form-urlencoded";
    let cases = [
        (
            request(Method::GET, "https://example.amazonaws.com/", None, ""),
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            request(Method::POST, "https://example.amazonaws.com/", None, ""),
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            request(Method::GET, "https://example.amazonaws.com/?Param2=value2&Param1=value1", None, ""),
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            request(Method::POST, "https://example.amazonaws.com/", Some(form), "Param1=value1"),
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ];
    for (request, signed, want) in cases {
        let (headers, authorization) = signature(request, None, "service");
        let credential = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
        assert_eq!(
            authorization,
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={want}")
        );
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
    }
}

/// The finished URL's `%3A` is encoded once more in what is signed, as AWS does on its side. The signature was computed
/// by hand after AWS's description of the algorithm.
#[test]
fn a_model_with_a_colon_and_a_session() {
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/acme.boat-2-v1%3A0/converse";
    let mut request = request(Method::POST, url, Some("application/json"), r#"{"messages":[]}"#);
    request.headers.insert("traceparent", HeaderValue::from_static("00-aa-bb-01"));
    let (headers, authorization) = signature(request, Some("session"), "bedrock");
    assert_eq!(headers["x-amz-security-token"], "session");
    let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token";
    assert!(authorization.contains(signed), "{authorization}");
    let want = "72b54375fbaf0b65a540ef5aae1644a794852f7821cdcf1465ea19efbb58e920";
    assert!(authorization.ends_with(want), "{authorization}");
    assert!(headers.values().filter(|value| value.is_sensitive()).count() >= 2);
}

#[test]
fn a_signer_prints_no_secret() {
    let signer = AwsSigner::new("bedrock", &BTreeMap::from([("profile".to_owned(), "work".to_owned())]));
    assert_eq!(format!("{signer:?}"), "AwsSigner");
    assert_eq!((signer.region.as_str(), signer.profile.as_deref()), ("us-east-1", Some("work")));
}
