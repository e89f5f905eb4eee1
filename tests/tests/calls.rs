//! One call through a real gateway: whole and streamed, passed and translated, with its record.

use llm_core::{Meter, NanoUsd};
use llm_gateway::record::CallStatus;
use llm_tests::live::{Script, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};

const PRICED: &str = r#"price = { input = "1", output = "2" }"#;

async fn before(upstream: &Upstream, protocol: &str) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        [providers.mock]
        protocol = "{protocol}"
        base_url = "{}"
        [[models]]
        name = "fast"
        deployments = [{{ model = "mock:m-1", {PRICED} }}]
        "#,
        upstream.url
    ))
    .await
}

#[tokio::test]
async fn a_whole_answer_passes_byte_for_byte_and_is_charged() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["Hi", " there"], 10)).await;
    let gateway = before(&upstream, "openai-chat").await;
    let key = gateway.key(json!({})).await;
    let body = r#"{ "model": "fast","x_new": [1, 2.50],  "messages":[{"role":"user","content":"Hello"}] }"#;
    let answer = gateway.post("/v1/chat/completions", &key, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json(), openai::answer("Hi there", 10, 2));
    assert_eq!(upstream.last().body, body.replace("fast", "m-1"));
    assert_eq!(answer.headers["x-llm-cost-usd"], "0.000014");
    assert_eq!(answer.headers["x-llm-deployment"], "mock:m-1");
    let calls = gateway.calls_once(1).await;
    let call = &calls[0];
    assert_eq!(answer.headers["x-request-id"], call.id.to_string());
    assert_eq!(call.status, CallStatus::Ok);
    assert_eq!((call.usage.get(Meter::Input), call.usage.get(Meter::Output)), (10, 2));
    assert_eq!(call.cost_usd, Some(NanoUsd(14_000)));
    assert!(!call.estimated);
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_passes_and_the_usage_that_was_not_asked_for_is_taken_out() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["a", "b", "c"], 7)).await;
    let gateway = before(&upstream, "openai-chat").await;
    let key = gateway.key(json!({})).await;
    let body = json!({"model": "fast", "stream": true, "messages": [{"role": "user", "content": "Hello"}]});
    let answer = gateway.post("/v1/chat/completions", &key, body.to_string()).await;
    assert_eq!(upstream.last().json()["stream_options"]["include_usage"], true);
    let events = answer.events();
    assert_eq!(events.last(), Some(&Value::from("[DONE]")));
    assert!(events.iter().all(|event| event["usage"].is_null()), "{}", answer.text);
    let calls = gateway.calls_once(1).await;
    assert_eq!((calls[0].usage.get(Meter::Input), calls[0].usage.get(Meter::Output)), (7, 3));
    assert_eq!(calls[0].status, CallStatus::Ok);
    assert!(calls[0].ttft_ms.is_some());
}

#[tokio::test]
async fn bytes_pass_in_every_protocol_that_the_provider_speaks() {
    let upstream = Upstream::start(|seen| match seen.path.as_str() {
        "/claude/v1/messages" => Script::json(200, &anthropic::answer("ab", 9, 2)),
        _ => openai::echo(&seen.json(), &["ab"], 9),
    })
    .await;
    let gateway = TestGateway::start(&format!(
        r#"
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{}"
        api_key = "provider-key"
        also.anthropic = {{ base_url = "/claude", auth = {{ header = "x-api-key" }} }}
        [[models]]
        name = "fast"
        deployments = [{{ model = "mock:m-1", {PRICED} }}]
        "#,
        upstream.url
    ))
    .await;
    let key = gateway.key(json!({})).await;
    let body = json!({"model": "fast", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}], "x": 1});
    let answer = gateway.post("/v1/messages", &key, body.to_string()).await;
    assert_eq!(answer.json(), anthropic::answer("ab", 9, 2));
    let seen = upstream.last();
    assert_eq!(seen.body, body.to_string().replace("fast", "m-1"));
    assert_eq!(seen.headers["x-api-key"], "provider-key");
    assert_eq!(seen.headers.get("authorization"), None);
    let answer = gateway.post("/v1/chat/completions", &key, body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(upstream.last().headers["authorization"], "Bearer provider-key");
    let calls = gateway.calls_once(2).await;
    assert!(calls.iter().all(|call| call.usage.get(Meter::Input) == 9), "{calls:?}");
}

#[tokio::test]
async fn an_openai_caller_reaches_anthropic() {
    let upstream = Upstream::start(|seen| match seen.json()["stream"] == true {
        true => anthropic::stream(&["a", "b"], 9),
        false => Script::json(200, &anthropic::answer("ab", 9, 2)),
    })
    .await;
    let gateway = before(&upstream, "anthropic").await;
    let key = gateway.key(json!({})).await;
    let mut body = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello"}]});
    let whole = gateway.post("/v1/chat/completions", &key, body.to_string()).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "ab");
    assert_eq!(whole.json()["usage"]["prompt_tokens"], 9);
    body["stream"] = json!(true);
    let streamed = gateway.post("/v1/chat/completions", &key, body.to_string()).await;
    let text: String = streamed
        .events()
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(text, "ab", "{}", streamed.text);
    assert_eq!(streamed.events().last(), Some(&Value::from("[DONE]")));
    let calls = gateway.calls_once(2).await;
    assert_eq!(calls[0].usage, calls[1].usage);
    assert_eq!(calls[0].cost_usd, calls[1].cost_usd);
}

#[tokio::test]
async fn the_next_deployment_answers_for_one_that_fails() {
    let broken = Upstream::start(|_| openai::error(500, "server_error", "oops", "we broke")).await;
    let well = Upstream::start(|seen| openai::echo(&seen.json(), &["ok"], 1)).await;
    let gateway = TestGateway::start(&format!(
        r#"
        [providers.broken]
        protocol = "openai-chat"
        base_url = "{}"
        [providers.well]
        protocol = "openai-chat"
        base_url = "{}"
        [[models]]
        name = "fast"
        strategy = "priority"
        retries = 1
        deployments = [{{ model = "broken:m", {PRICED} }}, {{ model = "well:m", {PRICED} }}]
        "#,
        broken.url, well.url
    ))
    .await;
    let key = gateway.key(json!({})).await;
    let body = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello"}]});
    let answer = gateway.post("/v1/chat/completions", &key, body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["x-llm-attempts"], "2");
    let calls = gateway.calls_once(1).await;
    assert_eq!(calls[0].attempts.len(), 2);
    assert_eq!(calls[0].attempts[0].http_status, Some(500));
    assert_eq!(calls[0].provider.as_deref(), Some("well"));
}
