use super::*;

fn cut(id: &str) -> Option<(&str, &str)> {
    split_model_id(id, |id| id == "local").ok()
}

#[test]
fn everything_after_the_first_colon_is_the_providers() {
    assert_eq!(cut("openai:gpt-4o"), Some(("openai", "gpt-4o")));
    assert_eq!(cut("ollama:qwen3:4b"), Some(("ollama", "qwen3:4b")));
    assert_eq!(cut("openai:ft:gpt-4o/team"), Some(("openai", "ft:gpt-4o/team")));
}

#[test]
fn a_slash_cuts_behind_known_providers_only() {
    assert_eq!(cut("local/llama/3:8b"), Some(("local", "llama/3:8b")));
    assert_eq!(cut("meta-llama/Llama-3"), None);
    assert_eq!(cut("meta-llama/Llama:free"), Some(("meta-llama/Llama", "free")));
    assert_eq!(cut("gpt-4o"), None);
    assert_eq!(cut(":x"), None);
    assert_eq!(cut("openai:"), None);
}

#[test]
fn an_unknown_provider_names_the_nearest() {
    let error = Client::builder().build().resolve("anthropc:claude").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
    assert_eq!(error.hint(), Some("did you mean `anthropic`?"));
}

#[test]
fn a_known_provider_without_a_key_names_the_variable() {
    let error = Client::builder().build().resolve("openai:gpt-4o").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingCredential);
    assert_eq!(error.hint(), Some("set `OPENAI_API_KEY`"));
}

#[tokio::test]
async fn the_sandbox_says_that_it_only_chats() {
    let client = Client::builder().provider(Provider::sandbox().unwrap()).build();
    assert!(client.chat(ChatRequest::new("sandbox:echo").user("Hello")).await.is_ok());
    let error = client.embed(crate::EmbedRequest::new("sandbox:echo").text("Hello")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotImplemented);
}

#[tokio::test]
async fn a_providers_own_list_is_not_asked_of_a_gateway_and_aliases_are_known() {
    let client = Client::of_gateway("http://127.0.0.1:1", None).unwrap();
    let error = client.list_models("openai").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.hint()),
        (ErrorKind::NotImplemented, Some("`models` says what can be called there"))
    );
    let error = Client::builder().build().list_models("openai:").await.unwrap_err();
    assert_eq!(error.hint(), Some("set `OPENAI_API_KEY`"));
}
