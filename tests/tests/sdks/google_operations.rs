//! The operations beside chat, as the official Google SDK calls them, before Google and before a provider of OpenAI's
//! protocol.

use llm_tests::live::{Runtime, Script, TestGateway, Upstream, google, openai, run};
use serde_json::{Value, json};

use crate::wrong::Wrong;

async fn plain() -> Upstream {
    Upstream::start(|seen| match seen.path.as_str() {
        "/embeddings" => {
            let count = seen.json()["input"].as_array().map_or(1, Vec::len);
            let item = |index| json!({"object": "embedding", "index": index, "embedding": [1.0, -2.0]});
            let data: Vec<Value> = (0..count).map(item).collect();
            let usage = json!({"prompt_tokens": 2, "total_tokens": 2});
            Script::json(200, &json!({"object": "list", "data": data, "model": "e-1", "usage": usage}))
        }
        _ => openai::echo(&seen.json(), &["Hi"], 3),
    })
    .await
}

#[tokio::test]
async fn googles_sdk_counts_embeds_keeps_files_and_makes_batches() {
    let (upstream, other) = (google().await, plain().await);
    let gateway = TestGateway::start(&format!(
        r#"
        [providers.gemini]
        api_key = "up"
        base_url = "{}"
        [providers.other]
        protocol = "openai-chat"
        base_url = "{}"
        [[models]]
        name = "gemini"
        deployments = [{{ model = "gemini:gemini-2.5-flash", price = {{ input = "1", output = "2" }} }}]
        [[models]]
        name = "vectors"
        deployments = [{{ model = "gemini:gemini-embedding-2", price = {{ input = "1" }} }}]
        [[models]]
        name = "plain"
        deployments = [{{ model = "other:m", price = {{ input = "1", output = "2" }} }}]
        [[models]]
        name = "plain-vectors"
        deployments = [{{ model = "other:e-1", price = {{ input = "1" }} }}]
        "#,
        upstream.url, other.url
    ))
    .await;
    let (key, stranger) = (gateway.key(json!({})).await, gateway.key(json!({})).await);
    let saw = run(Runtime::Python, &gateway, &key, "google_operations.py", &[&stranger]).await;
    let mut wrong = Wrong::default();
    wrong.unless((&saw["counted"], &saw["estimated"]) == (&json!(5), &json!(7)), || format!("counts: {saw}"));
    wrong.unless_has("many", &saw["many"], &json!({"values": [[0.0, 0.5], [1.0, 0.5]], "tokens": 8}));
    wrong.unless_has("one", &saw["one"], &json!({"values": [[0.0, 0.5]], "tokens": 4}));
    wrong.unless_has("elsewhere", &saw["elsewhere"], &json!({"values": [[1.0, -2.0], [1.0, -2.0]], "tokens": 2}));
    wrong.unless_has("refused", &saw["refused"], &json!({"raised": "ClientError", "code": 400}));
    let named = saw["refused"]["message"].as_str().is_some_and(|message| message.contains("`title`"));
    wrong.unless(named, || format!("refused: {}", saw["refused"]));
    let files = json!({
        "kept": ["files/f1", "notes", "text/plain", 5], "again": 5, "listed": ["files/f1"], "asked": "Read",
    });
    wrong.unless_has("files", &saw["files"], &files);
    wrong.unless(saw["long_file"] == true, || format!("long file: {}", saw["long_file"]));
    let batches = json!({
        "states": ["JOB_STATE_PENDING", "JOB_STATE_SUCCEEDED"], "results": [["Hi", null], [null, "no"]],
        "listed": ["batches/b1"],
    });
    wrong.unless_has("batches", &saw["batches"], &batches);
    let gone = json!({"raised": "ClientError", "code": 404});
    for (what, names) in [("files", ["read", "delete", "named"]), ("batches", ["read", "cancel", "delete"])] {
        for name in names {
            wrong.unless_has(&format!("{what}, {name}"), &saw[what]["strangers"][name], &gone);
        }
        wrong.unless(saw[what]["strangers"]["listed"] == 0, || format!("{what} of others: {saw}"));
        wrong.unless_has(&format!("{what}, gone"), &saw[what]["gone"], &gone);
    }
    for name in ["by_file", "of_vectors"] {
        wrong.unless_has(name, &saw["batches"][name], &json!({"raised": "ServerError", "code": 501}));
    }
    wrong.finish();
}
