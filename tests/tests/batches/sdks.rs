//! The official SDKs as callers: the whole life of a file and of a batch, and someone else's.

use llm_tests::live::{Runtime, TestGateway, run};
use serde_json::json;

use crate::provider::Provider;
use crate::{config, of_batches};

#[tokio::test]
async fn openais_sdk_keeps_files_and_makes_batches() {
    let provider = Provider::hasty().await;
    let gateway = TestGateway::start(&config(&provider, "1h")).await;
    let (key, other) = (gateway.key(json!({})).await, gateway.key(json!({})).await);
    let saw = run(Runtime::Python, &gateway, &key, "openai_batches.py", &[&other]).await;
    let want = json!({
        "file": ["calls.jsonl", true],
        "states": ["validating", "completed"],
        "results": [["a", "Hi"], ["b", "Hi"]],
        "errors": 1,
        "cancelled": "cancelling",
        "batches": true,
        "others": [0, 0],
        "deleted": true,
    });
    for (name, value) in want.as_object().unwrap() {
        assert_eq!(&saw[name], value, "{name}: {saw}");
    }
    assert!(saw["files"].as_array().unwrap().contains(&json!("batch")), "{saw}");
    for (name, raised) in saw["strange"].as_object().unwrap() {
        assert_eq!(raised["raised"], "NotFoundError", "{name}: {raised}");
    }
    assert_eq!(saw["gone"]["raised"], "NotFoundError");
    assert!(of_batches(gateway.calls().await).len() >= 3);
}

#[tokio::test]
async fn anthropics_sdk_makes_batches_there_and_elsewhere() {
    for model in ["calm", "fast"] {
        let provider = Provider::hasty().await;
        let gateway = TestGateway::start(&config(&provider, "1h")).await;
        let (key, other) = (gateway.key(json!({})).await, gateway.key(json!({})).await);
        let saw = run(Runtime::Python, &gateway, &key, "anthropic_batches.py", &[model, &other]).await;
        assert_eq!(saw["states"], json!(["in_progress", "ended"]), "{model}: {saw}");
        let results = saw["results"].as_array().unwrap();
        assert_eq!(results[0], json!(["a", "succeeded", "Hi"]), "{model}: {saw}");
        assert_eq!((saw["batches"].clone(), saw["others"].clone()), (json!([true]), json!(0)), "{model}: {saw}");
        for (name, raised) in saw["strange"].as_object().unwrap() {
            assert_eq!(raised["raised"], "NotFoundError", "{name}: {raised}");
        }
        assert_eq!(of_batches(gateway.calls().await).len(), 2, "{model}");
    }
}
