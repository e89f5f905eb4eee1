use std::collections::HashMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::transport::{Credentials, WireRequest};

fn find(variables: &[(&str, &str)]) -> Entra {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Entra::find(SCOPE, &|name| variables.get(name).map(|value| (*value).to_owned()))
}

/// Answers one request with a token, and gives what was asked.
async fn token_service() -> (String, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = socket.read(&mut buffer).await.unwrap();
            asked.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&asked);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break;
            }
        }
        let body = r#"{"token_type": "Bearer", "expires_in": "3599", "access_token": "entra"}"#;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        String::from_utf8(asked).unwrap()
    });
    (place, asked)
}

async fn signed(source: Entra) -> String {
    let url = url::Url::parse("https://acme.openai.azure.com/openai/v1/chat/completions").unwrap();
    let mut request =
        WireRequest { method: http::Method::POST, url, headers: HeaderMap::new(), body: bytes::Bytes::new() };
    BearerTokens::new(source).unwrap().sign(&mut request).await.unwrap();
    request.headers["authorization"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_application_shows_its_secret() {
    let (place, asked) = token_service().await;
    let source = find(&[
        (AZURE_TENANT_ID, "acme"),
        (AZURE_CLIENT_ID, "boats"),
        (AZURE_CLIENT_SECRET, "se&cret"),
        (AZURE_AUTHORITY_HOST, &format!("{place}/")),
    ]);
    assert!(!format!("{source:?}").contains("se&cret"));
    assert_eq!(signed(source).await, "Bearer entra");
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("POST /acme/oauth2/v2.0/token "), "{asked}");
    let form = "grant_type=client_credentials&client_id=boats\
                &scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default&client_secret=se%26cret";
    assert!(asked.ends_with(form), "{asked}");
}

#[tokio::test]
async fn a_workload_shows_its_federated_token() {
    let (place, asked) = token_service().await;
    let path = std::env::temp_dir().join(format!("llm-azure-{}", std::process::id()));
    std::fs::write(&path, "jwt\n").unwrap();
    let source = find(&[
        (AZURE_TENANT_ID, "acme"),
        (AZURE_CLIENT_ID, "boats"),
        (AZURE_FEDERATED_TOKEN_FILE, path.to_str().unwrap()),
        (AZURE_AUTHORITY_HOST, &place),
    ]);
    assert_eq!(signed(source).await, "Bearer entra");
    std::fs::remove_file(&path).unwrap();
    assert!(asked.await.unwrap().ends_with("&client_assertion=jwt"));
}

#[tokio::test]
async fn a_managed_identity_is_asked_from_within() {
    let (place, asked) = token_service().await;
    let source = find(&[(IDENTITY_ENDPOINT, &format!("{place}/msi")), (IDENTITY_HEADER, "inside")]);
    assert_eq!(signed(source).await, "Bearer entra");
    let asked = asked.await.unwrap();
    let line = "GET /msi?api-version=2019-08-01&resource=https%3A%2F%2Fcognitiveservices.azure.com ";
    assert!(asked.starts_with(line), "{asked}");
    assert!(asked.contains("x-identity-header: inside\r\n"), "{asked}");
}

#[test]
fn a_machine_asks_at_the_address_that_only_it_can_reach() {
    let Entra::Managed { url, header } = find(&[(AZURE_CLIENT_ID, "boats")]) else { panic!("not a managed identity") };
    let want = "?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=boats";
    assert_eq!(url, format!("{MACHINE}{want}"));
    assert_eq!(header["metadata"], "true");
}
