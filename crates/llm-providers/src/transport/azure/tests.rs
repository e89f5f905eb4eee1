use std::collections::HashMap;

use super::*;
use crate::transport::loopback::{Loopback, Reply};
use crate::transport::{Credentials, WireRequest};

fn find(variables: &[(&str, &str)]) -> Entra {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Entra::find(SCOPE, &|name| variables.get(name).map(|value| (*value).to_owned()))
}

async fn token_service() -> Loopback {
    let token = r#"{"token_type": "Bearer", "expires_in": "3599", "access_token": "entra"}"#;
    Loopback::start(move |_| Reply::of(token)).await
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
    let mut service = token_service().await;
    let source = find(&[
        (AZURE_TENANT_ID, "acme"),
        (AZURE_CLIENT_ID, "boats"),
        (AZURE_CLIENT_SECRET, "se&cret"),
        (AZURE_AUTHORITY_HOST, &format!("{}/", service.place)),
    ]);
    assert!(!format!("{source:?}").contains("se&cret"));
    assert_eq!(signed(source).await, "Bearer entra");
    let asked = service.asked();
    assert!(asked.starts_with("POST /acme/oauth2/v2.0/token "), "{asked}");
    let form = "grant_type=client_credentials&client_id=boats\
                &scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default&client_secret=se%26cret";
    assert!(asked.ends_with(form), "{asked}");
}

#[tokio::test]
async fn a_workload_shows_its_federated_token() {
    let mut service = token_service().await;
    let path = std::env::temp_dir().join(format!("llm-azure-{}", std::process::id()));
    std::fs::write(&path, "jwt\n").unwrap();
    let source = find(&[
        (AZURE_TENANT_ID, "acme"),
        (AZURE_CLIENT_ID, "boats"),
        (AZURE_FEDERATED_TOKEN_FILE, path.to_str().unwrap()),
        (AZURE_AUTHORITY_HOST, &service.place),
    ]);
    assert_eq!(signed(source).await, "Bearer entra");
    std::fs::remove_file(&path).unwrap();
    assert!(service.asked().ends_with("&client_assertion=jwt"));
}

#[tokio::test]
async fn a_managed_identity_is_asked_from_within() {
    let mut service = token_service().await;
    let source = find(&[(IDENTITY_ENDPOINT, &format!("{}/msi", service.place)), (IDENTITY_HEADER, "inside")]);
    assert_eq!(signed(source).await, "Bearer entra");
    let asked = service.asked();
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
