//! What is reserved for the answer, what goes upstream as its cap, and what a refusal says.

use llm_tests::live::{TestGateway, Upstream, openai};
use serde_json::{Value, json};

async fn setup(more: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(|seen| {
        let request = seen.json();
        let bound = request["max_completion_tokens"].as_u64().or(request["max_tokens"].as_u64()).unwrap_or(8);
        openai::echo(&request, &["w "; 8][..bound.min(8) as usize], 9)
    })
    .await;
    let gateway = TestGateway::start(&format!(
        r#"
        {more}
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{0}"
        [[models]]
        name = "fast"
        deployments = [{{ model = "mock:m-1", price = {{ input = "0", output = "1000" }} }}]
        [providers.openai]
        api_key = "up"
        base_url = "{0}"
        [[models]]
        name = "known"
        deployments = [{{ model = "openai:gpt-4o" }}]
        "#,
        upstream.url
    ))
    .await;
    (upstream, gateway)
}

fn body(members: Value) -> String {
    let mut body = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello"}]});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body.to_string()
}

fn cap(upstream: &Upstream) -> Value {
    let seen = upstream.last().json();
    seen.get("max_completion_tokens").or(seen.get("max_tokens")).cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn a_strict_limit_caps_what_counts_and_nothing_else() {
    let (upstream, gateway) = setup("").await;
    let key = |limit: Value| {
        let gateway = &gateway;
        async move { gateway.key(json!({"limits": [limit]})).await }
    };
    let strict =
        |meter: &str, amount: Value| json!({"meter": meter, "window": "day", "amount": amount, "strict": true});
    let mut tokens = strict("output_tokens", json!(10));
    tokens["assume_output"] = json!(6);
    let tokens = key(tokens).await;
    for (expected, status) in [(json!(6), 200), (json!(4), 200), (Value::Null, 429)] {
        let answer = gateway.post("/v1/chat/completions", &tokens, body(json!({}))).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 200 {
            assert_eq!(cap(&upstream), expected);
        }
    }
    // What the caller states is lowered, never raised.
    let spend = key(strict("spend", json!("1"))).await;
    gateway.post("/v1/chat/completions", &spend, body(json!({"max_tokens": 3}))).await;
    assert_eq!(cap(&upstream), 3);
    let requests = key(strict("requests", json!(10))).await;
    gateway.post("/v1/chat/completions", &requests, body(json!({}))).await;
    assert_eq!(cap(&upstream), Value::Null, "requests are exact without a cap");
    let hosted = json!({"web_search_options": {}});
    let refused = gateway.post("/v1/chat/completions", &spend, body(hosted)).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
}

#[tokio::test]
async fn media_reserve_the_window_under_a_strict_limit() {
    let (upstream, gateway) = setup("").await;
    let picture = |model: &str| {
        let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
        body(json!({"model": model, "max_tokens": 3, "messages": [{"role": "user", "content": [image]}]}))
    };
    let limit = |strict: bool| json!({"meter": "input_tokens", "window": "day", "amount": 20_000, "strict": strict});
    let spend = |strict: bool| json!({"meter": "spend", "window": "day", "amount": "0.1", "strict": strict});
    for limit in [limit(true), spend(true)] {
        let key = gateway.key(json!({"limits": [limit]})).await;
        let refused = gateway.post("/v1/chat/completions", &key, picture("fast")).await;
        assert_eq!((refused.status.as_u16(), refused.text.contains("window")), (400, true), "{}", refused.text);
    }
    assert!(upstream.seen().is_empty(), "nobody knows the window of that model");
    // Its catalogued window is 128,000 tokens.
    for (limit, status) in [(limit(true), 429), (limit(false), 200), (spend(false), 200), (spend(true), 429)] {
        let key = gateway.key(json!({"limits": [limit]})).await;
        let answer = gateway.post("/v1/chat/completions", &key, picture("known")).await;
        assert_eq!(answer.status, status, "{limit}: {}", answer.text);
    }
}

#[tokio::test]
async fn an_unstated_answer_is_reserved_at_what_is_said_or_usual() {
    let (_upstream, gateway) = setup("[limits]\nassume_output = 700").await;
    let reserved = async |key: &str| {
        gateway.post("/v1/chat/completions", key, body(json!({}))).await;
        // A token of answer costs a thousandth of a dollar.
        gateway.calls().await.last().unwrap().reserved_usd.unwrap().0 / 1_000_000
    };
    let plain = gateway.key(json!({})).await;
    assert_eq!(reserved(&plain).await, 700);
    let limit = json!({"meter": "tokens", "window": "day", "amount": 100_000, "assume_output": 300});
    let limited = gateway.key(json!({"limits": [limit]})).await;
    assert_eq!(reserved(&limited).await, 300);
    let own = gateway.key(json!({"limits": [limit], "assume_output": 50})).await;
    assert_eq!(reserved(&own).await, 50);

    let (_upstream, gateway) = setup("").await;
    let plain = gateway.key(json!({})).await;
    let reserved = async || {
        gateway.post("/v1/chat/completions", &plain, body(json!({}))).await;
        gateway.calls().await.last().unwrap().reserved_usd.unwrap().0 / 1_000_000
    };
    assert_eq!(reserved().await, 1_024);
    for _ in 0..20 {
        gateway.post("/v1/chat/completions", &plain, body(json!({"max_tokens": 8}))).await;
    }
    assert_eq!(reserved().await, 8);
}

#[tokio::test]
async fn a_refusal_says_which_limit_how_much_is_left_and_when_it_frees() {
    let (_upstream, gateway) = setup("").await;
    let limits = json!([
        {"meter": "requests", "window": "minute", "amount": 1},
        {"meter": "requests", "window": "hour", "amount": 100},
    ]);
    let key = gateway.key(json!({ "limits": limits })).await;
    let first = gateway.post("/v1/chat/completions", &key, body(json!({"max_tokens": 5}))).await;
    assert_eq!(first.headers["x-ratelimit-remaining-requests"], "0");
    assert_eq!(first.headers["x-ratelimit-limit-requests"], "1");
    let refused = gateway.post("/v1/chat/completions", &key, body(json!({"max_tokens": 5}))).await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((55..=61).contains(&wait), "{wait}");
    assert_eq!(refused.headers["x-ratelimit-limit-requests"], "1");
    assert_eq!(refused.headers["x-ratelimit-remaining-requests"], "0");
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    let known =
        "the key's limit on requests of 1 per minute is used up: 0 left, the call may use 1; enough is free in ";
    assert!(message.starts_with(known), "{message}");

    let budget = json!([{"meter": "spend", "window": "total", "amount": "0.001"}]);
    let key = gateway.key(json!({ "limits": budget })).await;
    let refused = gateway.post("/v1/chat/completions", &key, body(json!({"max_tokens": 1}))).await;
    assert_eq!(refused.status, 200, "{}", refused.text);
    let refused = gateway.post("/v1/chat/completions", &key, body(json!({"max_tokens": 1}))).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (429, &json!("insufficient_quota")));
    assert_eq!(refused.headers["x-should-retry"], "false");
    assert!(!refused.headers.contains_key("retry-after"), "a budget that never resets is worth no wait");
    assert!(refused.text.contains("budget") && refused.text.contains("does not reset"), "{}", refused.text);
}
