//! Shares of limits at which to notify: each place is told once in each window, whatever happens on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use llm_gateway::store::query;
use llm_tests::live::{Script, Seen, TestGateway, Upstream, openai};
use serde_json::{Value, json};

async fn provider() -> Upstream {
    Upstream::start(|seen| openai::echo(&seen.json(), &["hi"], 9)).await
}

fn config(upstream: &Upstream, webhooks: &[(&Upstream, &str)]) -> String {
    let mut text: String = webhooks
        .iter()
        .map(|(place, form)| format!("[[webhooks]]\nurl = \"{}/secret\"\nform = \"{form}\"\n", place.url))
        .collect();
    text.push_str(&format!(
        "[providers.mock]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"\n[[models]]\nname = \"fast\"\n\
         deployments = [{{ model = \"mock:m-1\", price = {{ input = \"1\", output = \"1\" }} }}]\n",
        upstream.url
    ));
    text
}

async fn call(gateway: &TestGateway, key: &str) {
    let body = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5});
    assert_eq!(gateway.post("/v1/chat/completions", key, body.to_string()).await.status, 200);
}

/// Waits until a place has heard so often.
async fn heard(place: &Upstream, times: usize) -> Vec<Seen> {
    for _ in 0..400 {
        if place.seen().len() >= times {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seen = place.seen();
    assert_eq!(seen.len(), times);
    seen
}

/// Waits until the gateway has noted that it was not heard; before, whoever starts again leaves the other its time.
async fn written_off(gateway: &TestGateway) {
    const NOTED: &str = "SELECT count(*) FROM notifications WHERE attempts > 0 AND next_at < $1";
    let soon = gateway.gateway.now_ms() + 30_000;
    for _ in 0..400 {
        let (noted,) = query(NOTED).bind(soon).one::<(i64,)>(gateway.gateway.db()).await.unwrap();
        if noted > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the gateway never noted that it was not heard");
}

fn ok(_: &Seen) -> Script {
    Script::body(200, "text/plain", "ok")
}

#[tokio::test]
async fn every_place_is_told_once_in_its_own_form() {
    let (provider, slack, plain) = (provider().await, Upstream::start(ok).await, Upstream::start(ok).await);
    let gateway = TestGateway::start(&config(&provider, &[(&slack, "slack"), (&plain, "json")])).await;
    let limit = json!({"meter": "requests", "window": "day", "amount": 4, "notify_at": [50, 100]});
    let key = gateway.key(json!({"limits": [limit]})).await;
    call(&gateway, &key).await;
    call(&gateway, &key).await;
    call(&gateway, &key).await;
    let told = heard(&slack, 1).await[0].json();
    assert_eq!(told, json!({"text": "The key `test` has used 50 % of its limit `requests=4/day`: 2 left."}));
    let told = heard(&plain, 1).await[0].json();
    let members: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(members, ["event", "percent", "limit", "name", "text", "created_at"]);
    let limit = &told["limit"];
    assert_eq!((&told["percent"], &told["name"], &limit["used"]), (&json!(50), &json!("test"), &json!(2)));
    assert_eq!((&limit["scope"]["kind"], &limit["remaining"]), (&json!("key"), &json!(2)));
    assert!(limit["resets_at"].is_string());
    call(&gateway, &key).await;
    assert_eq!(heard(&plain, 2).await[1].json()["percent"], 100);
    // The address is a secret, and what stands in the database does not tell it.
    assert!(!format!("{:?}", gateway.gateway.config().webhooks).contains("secret\""));
}

#[tokio::test]
async fn a_place_that_does_not_hear_is_told_again_across_a_restart() {
    let provider = provider().await;
    let deaf = Arc::new(AtomicBool::new(true));
    let hears = deaf.clone();
    let place = Upstream::start(move |seen| match hears.load(SeqCst) {
        true => Script::body(500, "text/plain", "not now"),
        false => ok(seen),
    })
    .await;
    let config = config(&provider, &[(&place, "json")]);
    let gateway = TestGateway::start(&config).await;
    let limit = json!({"meter": "requests", "window": "month", "amount": 2, "notify_at": 50});
    let key = gateway.key(json!({"limits": [limit]})).await;
    call(&gateway, &key).await;
    heard(&place, 1).await;
    written_off(&gateway).await;
    let gateway = gateway.restart(&config).await;
    deaf.store(false, SeqCst);
    let said: Vec<Value> = heard(&place, 2).await.iter().map(Seen::json).collect();
    assert_eq!(said[0], said[1], "the same is said again, not what holds by now");

    // Whoever starts again finds the share crossed, and that it was told.
    let gateway = gateway.restart(&config).await;
    call(&gateway, &key).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    heard(&place, 2).await;
}
