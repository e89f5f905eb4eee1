//! Calls that are tried again, on a socket.
#![expect(clippy::expect_used, reason = "a test that can't be set up must fail loudly")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use llm_core::chat::ChatRequest;
use llm_core::{ErrorKind, Protocol};
use llm_providers::registry::ProviderRow;
use llm_providers::{Provider, Retries, Timeouts};
use llm_tests::live::{Piece, Script, Upstream, openai};

const SOON: Retries = Retries { most: 2, first_wait: Duration::from_millis(1), longest_wait: Duration::from_millis(2) };

/// A provider whose answers are scripted by the number of the request.
async fn scripted(script: impl Fn(usize) -> Script + Send + Sync + 'static) -> (Upstream, Provider) {
    let count = AtomicUsize::new(0);
    let upstream = Upstream::start(move |_| script(count.fetch_add(1, Ordering::SeqCst))).await;
    let mut row = ProviderRow::new("Mock", Protocol::OpenAiChat, format!("{}/v1", upstream.url));
    row.idempotency_header = Some("idempotency-key".to_owned());
    let provider = Provider::new("mock", row, None, Timeouts::default()).expect("a provider");
    (upstream, provider)
}

fn question() -> ChatRequest {
    ChatRequest::new("m").user("Hello")
}

fn busy() -> Script {
    openai::error(503, "server_error", "overloaded", "busy")
}

#[tokio::test]
async fn an_overloaded_provider_is_asked_again_with_the_same_key() {
    let (upstream, provider) =
        scripted(|at| if at < 2 { busy() } else { Script::json(200, &openai::answer("yes", 3, 1)) }).await;
    let answer = provider.retrying(SOON).chat(&question(), "m").await.expect("answered");
    assert_eq!(answer.text(), "yes");
    let keys: Vec<_> = upstream.seen().iter().map(|seen| seen.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn without_retries_and_for_the_callers_mistakes_there_is_one_attempt() {
    let (upstream, provider) = scripted(|_| busy()).await;
    assert_eq!(provider.chat(&question(), "m").await.expect_err("busy").kind(), ErrorKind::Overloaded);
    assert_eq!(upstream.seen().len(), 1);
    let (upstream, provider) = scripted(|_| openai::error(400, "invalid_request_error", "bad", "no")).await;
    provider.retrying(SOON).chat(&question(), "m").await.expect_err("refused");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_wait_past_the_deadline_is_not_begun() {
    let (upstream, provider) = scripted(|_| busy().header("retry-after", "9000")).await;
    let error = provider.retrying(SOON).chat(&question(), "m").await.expect_err("busy");
    assert_eq!((error.retry_after(), upstream.seen().len()), (Some(Duration::from_secs(9000)), 1));
}

#[tokio::test]
async fn nothing_is_tried_again_after_the_first_byte() {
    let begun = move |_| {
        let first = openai::chunk(&serde_json::json!({"content": "a"}), None);
        Script::sse([first]).then(Piece::Break)
    };
    let (upstream, provider) = scripted(begun).await;
    let mut stream = provider.retrying(SOON).chat_stream(&question(), "m").await.expect("begun");
    let mut failed = false;
    while let Some(chunk) = stream.next().await {
        failed |= chunk.is_err();
    }
    assert!(failed);
    assert_eq!(upstream.seen().len(), 1);
}
