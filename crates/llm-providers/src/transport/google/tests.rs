use std::collections::HashMap;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};

use super::*;
use crate::transport::loopback::{Loopback, Reply};
use crate::transport::{Credentials, WireRequest};

fn find(variables: &[(&str, &str)]) -> Result<Google> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Google::find(&|name| variables.get(name).map(|value| (*value).to_owned()))
}

/// A token service that answers as often as it is asked.
async fn service(lifetime: u64) -> Loopback {
    let mut number = 0;
    let answer = move |_: &str| {
        number += 1;
        Reply::of(json!({"access_token": format!("ya29.{number}"), "expires_in": lifetime}).to_string())
    };
    Loopback::start(answer).await
}

async fn signed(credentials: &BearerTokens) -> String {
    let url = url::Url::parse("https://aiplatform.googleapis.com/v1").unwrap();
    let mut request =
        WireRequest { method: http::Method::POST, url, headers: HeaderMap::new(), body: bytes::Bytes::new() };
    credentials.sign(&mut request).await.unwrap();
    request.headers["authorization"].to_str().unwrap().to_owned()
}

fn write(folder: &Path, file: &Value) -> String {
    let path = folder.join("credentials.json");
    std::fs::write(&path, file.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn member(form: &str, name: &str) -> String {
    let body = form.rsplit("\r\n\r\n").next().unwrap();
    url::form_urlencoded::parse(body.as_bytes()).find(|(found, _)| found == name).unwrap().1.into_owned()
}

/// A folder that goes with the test.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_service_account_signs_who_it_is_and_keeps_its_token() {
    let mut service = service(3600).await;
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let der = STANDARD.encode((*der).as_ref());
    let file = json!({
        "type": "service_account", "project_id": "p-1", "private_key_id": "key-1",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n"),
        "client_email": "boats@p-1.iam.gserviceaccount.com", "token_uri": format!("{}/token", service.place),
    });
    let folder = folder();
    let path = write(folder.path(), &file);
    let source = find(&[(GOOGLE_APPLICATION_CREDENTIALS, &path)]).unwrap();
    assert!(!format!("{source:?}").contains("PRIVATE KEY"));
    let credentials = BearerTokens::new(source).unwrap();
    assert_eq!(signed(&credentials).await, "Bearer ya29.1");
    assert_eq!(signed(&credentials).await, "Bearer ya29.1", "the token is kept");

    let asked = service.asked();
    assert!(asked.starts_with("POST /token "), "{asked}");
    assert_eq!(member(&asked, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[format!("{}/token", service.place)]);
    let public = DecodingKey::from_rsa_der(key.public_key().as_ref());
    let assertion = jsonwebtoken::decode::<Value>(member(&asked, "assertion"), &public, &validation).unwrap();
    assert_eq!(assertion.header.kid.as_deref(), Some("key-1"));
    assert_eq!(assertion.claims["iss"], "boats@p-1.iam.gserviceaccount.com");
    assert_eq!(assertion.claims["scope"], SCOPE);
    let life = assertion.claims["exp"].as_u64().unwrap() - assertion.claims["iat"].as_u64().unwrap();
    assert_eq!(life, 3600);
}

#[tokio::test]
async fn a_user_refreshes_and_a_token_that_runs_out_is_asked_for_anew() {
    // So short that it never holds for the next call.
    let mut service = service(1).await;
    let file = json!({
        "type": "authorized_user", "client_id": "id", "client_secret": "se&cret", "refresh_token": "1//x",
        "token_uri": format!("{}/token", service.place),
    });
    let folder = folder();
    write(folder.path(), &file);
    std::fs::rename(folder.path().join("credentials.json"), folder.path().join("application_default_credentials.json"))
        .unwrap();
    let source = find(&[(CLOUDSDK_CONFIG, folder.path().to_str().unwrap())]).unwrap();
    assert!(!format!("{source:?}").contains("se&cret"));
    let credentials = BearerTokens::new(source).unwrap();
    assert_eq!(signed(&credentials).await, "Bearer ya29.1");
    assert_eq!(signed(&credentials).await, "Bearer ya29.2");
    let asked = service.asked();
    let said = ["grant_type", "client_id", "client_secret", "refresh_token"].map(|name| member(&asked, name));
    assert_eq!(said, ["refresh_token", "id", "se&cret", "1//x"]);
}

#[tokio::test]
async fn a_machine_asks_its_metadata_server() {
    let mut service = service(3600).await;
    let host = service.place.trim_start_matches("http://");
    let source = find(&[(GCE_METADATA_HOST, host), (CLOUDSDK_CONFIG, "/nonexistent")]).unwrap();
    assert_eq!(signed(&BearerTokens::new(source).unwrap()).await, "Bearer ya29.1");
    let asked = service.asked();
    let line = "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=https://www.googleapis.com";
    assert!(asked.starts_with(line), "{asked}");
    assert!(asked.contains("metadata-flavor: Google\r\n"), "{asked}");
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_its_secrets() {
    let folder = folder();
    let wrong = |file: &Value| {
        let path = write(folder.path(), file);
        find(&[(GOOGLE_APPLICATION_CREDENTIALS, &path)]).unwrap_err()
    };
    let other = wrong(&json!({"type": "external_account", "audience": "x"}));
    assert!(other.message().contains("not supported"), "{other}");
    let lacking = wrong(&json!({"type": "authorized_user", "client_id": "id", "refresh_token": "1//secret"}));
    assert!(!format!("{lacking:?}").contains("1//secret"), "{lacking:?}");
    let missing = find(&[(GOOGLE_APPLICATION_CREDENTIALS, "/nonexistent")]).unwrap_err();
    assert!(missing.message().contains("can't be read"), "{missing}");
    for error in [other, lacking, missing] {
        assert_eq!(error.kind(), ErrorKind::MissingCredential);
    }
}
