//! What is held beyond the first choice of a call: a dearer fallback, and the calls of a batch, ask all replicas as a call
//! does.

use std::time::Duration;

use futures_util::future::join_all;
use llm_gateway::limits::Scope;
use llm_tests::live::{Replicas, Seen, Upstream, openai};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn dearer_fallbacks_of_all_replicas_stay_within_a_budget() {
    let upstream = Upstream::start(|seen: &Seen| match seen.json()["model"].as_str() {
        Some("cheap") => openai::error(500, "server_error", "oops", "we broke"),
        _ => openai::echo(&seen.json(), &["a"; 100], 5).after(Duration::from_millis(100)),
    })
    .await;
    let config = format!(
        r#"
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{}"
        [[models]]
        name = "fast"
        retries = 0
        deployments = [{{ model = "mock:cheap", price = {{ input = "0", output = "1" }} }}]
        fallbacks = ["dear"]
        [[models]]
        name = "dear"
        retries = 0
        deployments = [{{ model = "mock:dear", price = {{ input = "0", output = "100" }} }}]
        "#,
        upstream.url
    );
    let replicas = Replicas::start("30s", &config).await;
    // An answer of 100 tokens costs 0.01 USD at the dear one: there is room for ten.
    let limits = json!([{"meter": "spend", "window": "total", "amount": "0.105"}]);
    let key = replicas.all[0].key(json!({"limits": limits})).await;
    replicas.refresh().await;
    let id = replicas.all[0].gateway.keys().authenticate(&key, jiff::Timestamp::now()).unwrap().id.clone();
    let budget = replicas.all[0].gateway.keys().limits_of(&Scope::key(id.as_str())).pop().unwrap();
    let body = json!({"model": "fast", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let calls = (0..60).map(|place| replicas.all[place % 3].post("/v1/chat/completions", &key, body.clone()));
    let (calls, over) = tokio::join!(join_all(calls), async {
        let (mut over, mut looks) = (0, 0);
        while looks < 100 {
            over += replicas.redis.counted().iter().filter(|(_, sum)| *sum > budget.spec.amount).count();
            looks += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        over
    });
    let passed = calls.iter().filter(|answer| answer.status == 200).count();
    // What the others hold for the cheap one as long as they wait may be in the way of the last.
    assert!((8..=10).contains(&passed), "{passed} passed");
    assert_eq!(over, 0, "the budget was passed for a while");
    replicas.agree(&budget, i64::try_from(passed).unwrap() * 10_000_000, 0).await;
    let asked_dear = upstream.seen().iter().filter(|seen| seen.json()["model"] == "dear").count();
    assert_eq!(asked_dear, passed);
}
