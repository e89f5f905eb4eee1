//! What stands around a call: the list of models, headers, and bodies as they are on the wire.

use llm_core::Protocol;
use serde_json::{Value, json};

use crate::scene::Scene;

#[tokio::test]
async fn openais_sdk_lists_models_and_reads_headers_and_raw_streams() {
    let scene = Scene::before(Protocol::Anthropic).await;
    let saw = scene.run("openai_around.py", &[]).await;
    models(&scene, &saw);
    assert_eq!(saw["first"], "assistant");
    let [with, without, unasked] = ["with_usage", "without_usage", "unasked_usage"].map(|name| events(&saw[name]));
    for events in [&with, &without, &unasked] {
        assert_eq!(events.last(), Some(&json!("[DONE]")), "{events:?}");
    }
    assert_eq!(with[with.len() - 2]["choices"], json!([]));
    assert_eq!(with[with.len() - 2]["usage"]["total_tokens"], 27);
    assert!(with[..with.len() - 2].iter().all(|event| event.get("usage") == Some(&Value::Null)), "{with:?}");
    assert_eq!(with.len(), without.len() + 1);
    for events in [&without, &unasked] {
        assert!(events.iter().all(|event| event.get("usage").is_none()), "{events:?}");
    }
    // What a caller left is settled too.
    let calls = scene.gateway.calls_once(5).await;
    assert_eq!(calls.len(), 5);
}

#[tokio::test]
async fn anthropics_sdk_lists_models_and_reads_headers_and_raw_streams() {
    let scene = Scene::before(Protocol::OpenAiChat).await;
    let saw = scene.run("anthropic_around.py", &[]).await;
    models(&scene, &saw);
    assert!(saw["streamed_id"].is_string(), "{saw}");
    let lines = saw["lines"].as_array().unwrap().iter().filter_map(Value::as_str);
    let names: Vec<_> = lines.filter_map(|line| line.strip_prefix("event: ")).collect();
    let deltas = ["content_block_delta"; 3];
    let want = [
        &["message_start", "content_block_start"],
        &deltas[..],
        &["content_block_stop", "message_delta", "message_stop"],
    ]
    .concat();
    assert_eq!(names, want, "{saw}");
}

#[tokio::test]
async fn a_spent_budget_is_not_tried_again() {
    let mut scene = Scene::before(Protocol::Anthropic).await;
    let limits = json!({"limits": [{"meter": "spend", "window": "day", "amount": "0.000001"}]});
    scene.key = scene.gateway.key(limits).await;
    let saw = scene.run("spent.py", &[]).await;
    for sdk in ["openai", "anthropic"] {
        assert_eq!(saw[sdk]["raised"], "RateLimitError", "{saw}");
        assert!(saw[sdk]["message"].as_str().unwrap().contains("budget"), "{saw}");
        assert_eq!(saw[sdk]["headers"]["x-should-retry"], "false", "{saw}");
    }
    // One refusal each, and nobody was asked.
    assert_eq!(scene.gateway.calls().await.len(), 2);
    assert_eq!(scene.upstream.seen().len(), 0);
}

fn models(scene: &Scene, saw: &Value) {
    assert_eq!(saw["models"], json!(["quick"]));
    assert_eq!(saw["one"], "quick");
    assert_eq!(saw["unknown"], json!([]));
    assert_eq!(saw["none"]["raised"], "NotFoundError", "{saw}");
    assert_eq!(saw["raw"], "Hello there");
    assert_eq!(saw["request_id"], saw["headers"]["x-request-id"]);
    assert!(saw["request_id"].is_string(), "{saw}");
    assert_eq!(saw["headers"]["x-llm-provider"], scene.provider);
    assert_eq!(saw["headers"]["x-llm-attempts"], "1");
}

fn events(lines: &Value) -> Vec<Value> {
    let lines = lines.as_array().unwrap().iter().filter_map(Value::as_str);
    let data = lines.filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
}
