use std::process::Command;
use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::json;

use super::*;
use crate::transport::loopback::{Loopback, Reply};

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

/// What a machine's metadata service (IMDS) says to whoever has asked it for a session before, as its second version wants.
fn metadata(asked: &str) -> Reply {
    let line = asked.lines().next().unwrap();
    if line.starts_with("PUT /latest/api/token ") && asked.contains("x-aws-ec2-metadata-token-ttl-seconds: ") {
        return Reply { head: "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n", ..Reply::of("the-session") };
    }
    if !asked.contains("x-aws-ec2-metadata-token: the-session\r\n") {
        return Reply { status: 401, ..Reply::of("") };
    }
    let path = line.split(' ').nth(1).unwrap();
    match path.strip_prefix("/latest/meta-data/iam/security-credentials/") {
        Some("") => Reply::of("boats"),
        Some("boats") => Reply::of(
            json!({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
                   "AccessKeyId": "ASIAMACHINE", "SecretAccessKey": "secret", "Token": "of-the-machine",
                   "Expiration": "2099-01-01T00:00:00Z"})
            .to_string(),
        ),
        _ => Reply { status: 404, ..Reply::of("") },
    }
}

/// Signs with what the environment says, which is that of a machine only where the next test has made it so.
#[tokio::test]
#[ignore = "it is run by the test of a machine, in an environment of its own"]
async fn signs_by_the_environment() {
    let signer = AwsSigner::new("bedrock", &BTreeMap::new());
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse";
    for _ in 0..2 {
        let mut request = request(Method::POST, url, Some("application/json"), "{}");
        signer.sign(&mut request).await.unwrap();
        let authorization = request.headers[header::AUTHORIZATION].to_str().unwrap();
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=ASIAMACHINE/"), "{authorization}");
        assert_eq!(request.headers["x-amz-security-token"], "of-the-machine");
    }
}

/// Where nothing else is found, the machine's own role signs. The environment belongs to the whole process, so another one
/// is started for it.
#[tokio::test]
async fn a_machine_signs_with_its_role() {
    let mut service = Loopback::start(metadata).await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "transport::aws::tests::signs_by_the_environment", "--ignored"]);
    child.env_clear().env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service.place);
    child.env("AWS_CONFIG_FILE", "/nonexistent").env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(service.asked().starts_with("PUT /latest/api/token "), "a session comes first");
}
