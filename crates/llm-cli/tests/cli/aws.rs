//! Bedrock by AWS's own credentials, found where AWS's own tools find them.

use serde_json::json;

use crate::command::{Llm, llm};
use crate::server::Server;

fn bedrock() -> Server {
    Server::json(
        200,
        &json!({"output": {"message": {"role": "assistant", "content": [{"text": "Ahoy."}]}}, "stopReason": "end_turn",
            "usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}, "metrics": {"latencyMs": 9}}),
    )
}

fn ask(server: &Server) -> Llm {
    llm(&["-m", "bedrock:acme.boat-2-v1:0", "--no-stream", "Hello"])
        .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url(""))
        .env("AWS_REGION", "eu-west-1")
}

/// Asks, and gives the head of the request that was sent.
fn asked(server: Server, llm: Llm) -> String {
    let outcome = llm.run();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "Ahoy.\n"), "{}", outcome.stderr);
    let head = server.request().head;
    assert!(head.starts_with("POST /model/acme.boat-2-v1%3A0/converse HTTP/1.1"), "{head}");
    head
}

#[test]
fn keys_of_the_environment_sign() {
    let server = bedrock();
    let llm = ask(&server)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_SESSION_TOKEN", "session");
    let head = asked(server, llm);
    assert!(head.contains("authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{head}");
    assert!(head.contains("/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date;"), "{head}");
    assert!(head.contains("x-amz-security-token: session"), "{head}");
}

#[test]
fn a_profile_of_the_shared_file_signs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    std::fs::write(&file, "[boats]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n").unwrap();
    let server = bedrock();
    let llm = ask(&server)
        .env("AWS_PROFILE", "boats")
        .env("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
        .env("AWS_CONFIG_FILE", folder.path().join("none").to_str().unwrap());
    let head = asked(server, llm);
    assert!(head.contains("Credential=AKIDPROFILE/"), "{head}");
}

#[test]
fn the_role_of_a_container_signs() {
    let (server, roles) = (bedrock(), role());
    let llm = ask(&server)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", roles.url("") + "/role")
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-within");
    let head = asked(server, llm);
    assert!(head.contains("Credential=ASIAROLE/") && head.contains("x-amz-security-token: of-the-role"), "{head}");
    let head = roles.request().head;
    assert!(head.starts_with("GET /role ") && head.to_lowercase().contains("authorization: from-within"), "{head}");
}

/// What the place that knows a role answers.
fn role() -> Server {
    Server::json(
        200,
        &json!({"AccessKeyId": "ASIAROLE", "SecretAccessKey": "secret", "Token": "of-the-role",
            "Expiration": "2099-01-01T00:00:00Z"}),
    )
}

#[test]
fn a_bedrock_key_is_a_bearer_token_and_wins() {
    let server = bedrock();
    let llm = ask(&server)
        .env("AWS_BEARER_TOKEN_BEDROCK", "bedrock-key")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    let head = asked(server, llm);
    assert!(head.contains("authorization: Bearer bedrock-key\r\n"), "{head}");
    assert!(!head.contains("x-amz-date"), "{head}");
}

#[test]
fn without_any_credential_it_says_what_to_set() {
    let outcome = llm(&["-m", "bedrock:acme.boat-2-v1:0", "Hello"]).run();
    assert_eq!(outcome.status, Some(2), "{outcome}");
    assert!(outcome.stderr.contains("set `AWS_BEARER_TOKEN_BEDROCK` or `AWS_ACCESS_KEY_ID`"), "{}", outcome.stderr);
}
