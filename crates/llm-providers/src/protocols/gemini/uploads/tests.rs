use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Method};
use llm_core::codec::{Quirks, RequestHead, ResponseHead, Target};
use serde_json::json;

use super::{ADDRESS, address, addressee, begin, begins, piece, secret};

fn head(headers: &[(&'static str, &str)]) -> RequestHead {
    let mut head = RequestHead { method: Method::POST, ..RequestHead::default() };
    for (name, value) in headers {
        head.headers.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    head
}

fn before<T>(look: impl FnOnce(&Target<'_>) -> T) -> T {
    look(&Target {
        provider: "up",
        model: "",
        version: None,
        quirks: &Quirks::default(),
        variables: &BTreeMap::new(),
        stream: false,
        max_output: None,
        id_seed: "seed",
    })
}

#[test]
fn only_what_is_said_of_the_upload_goes_on() {
    let asked = head(&[
        ("x-goog-upload-protocol", "resumable"),
        ("x-goog-upload-command", "start"),
        ("x-goog-api-key", "sk-caller"),
        ("content-type", "application/json"),
    ]);
    assert!(begins(&asked) && !begins(&head(&[("x-goog-upload-protocol", "multipart")])));
    let sent = before(|target| begin(&asked, Bytes::from_static(b"{}"), target)).unwrap();
    assert_eq!((sent.path.as_str(), sent.headers.len()), ("/upload/v1beta/files", 3));
    assert_eq!(sent.headers["x-goog-upload-command"], "start");
}

#[test]
fn pieces_go_to_the_provider_whatever_host_the_address_names() {
    let mut told = ResponseHead::default();
    told.headers
        .insert(ADDRESS, HeaderValue::from_static("https://elsewhere.example/upload/v1beta/files?upload_id=a%2Bb&x=1"));
    let place = address(&told).unwrap();
    let asked = head(&[("x-goog-upload-offset", "0")]);
    let sent = before(|target| piece(&asked, &place, Bytes::from_static(b"abc"), target));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(sent.path, "/upload/v1beta/files");
    assert_eq!(sent.query, [pair("upload_id", "a+b"), pair("x", "1")]);
    assert!(address(&ResponseHead::default()).is_err());
    assert_eq!(secret(Some("x=1&upload_id=a%2Bb")).as_deref(), Some("a+b"));
    assert_eq!(secret(Some("upload_id=")), None);
}

#[test]
fn who_shall_keep_a_file_is_no_business_of_the_provider_s() {
    let body = Bytes::from(json!({"file": {"displayName": "x"}, "provider": "mine"}).to_string());
    let (provider, body) = addressee(&body).unwrap();
    assert_eq!((provider.as_deref(), &body[..]), (Some("mine"), &br#"{"file":{"displayName":"x"}}"#[..]));
    assert_eq!(addressee(&Bytes::new()).unwrap().0, None);
}
