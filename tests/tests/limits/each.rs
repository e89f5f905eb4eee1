//! End users and tags: how a call names them, and limits on each of them.

use std::time::Duration;

use llm_gateway::limits::{LimitDraft, Scope, ScopeKind};
use llm_tests::live::{Answer, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};

fn config(upstream: &Upstream) -> String {
    format!(
        r#"
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{0}"
        [providers.claude]
        protocol = "anthropic"
        base_url = "{0}"
        [[models]]
        name = "fast"
        deployments = [{{ model = "mock:m-1", price = {{ input = "1", output = "10" }} }}]
        [[models]]
        name = "clear"
        deployments = [{{ model = "claude:m-2", price = {{ input = "1", output = "10" }} }}]
        "#,
        upstream.url
    )
}

async fn upstream() -> Upstream {
    Upstream::start(|seen| {
        let request = seen.json();
        match seen.path.ends_with("/messages") {
            true => llm_tests::live::Script::json(200, &anthropic::answer("hi", 9, 1)),
            false => openai::echo(&request, &["hi"], 9),
        }
    })
    .await
}

async fn limit(gateway: &TestGateway, kind: ScopeKind, id: &str, spec: Value) {
    let mut limit = spec;
    limit["scope"] = json!({"kind": kind, "id": id});
    let draft: LimitDraft = serde_json::from_value(limit).unwrap();
    gateway.gateway.keys().create_limit(draft).await.unwrap();
}

async fn ask(gateway: &TestGateway, key: &str, members: Value, headers: &[(&str, &str)]) -> Answer {
    let mut body = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let path = if body["model"] == "clear" { "/v1/messages" } else { "/v1/chat/completions" };
    let mut request = gateway.http().post(format!("{}{path}", gateway.url)).bearer_auth(key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

#[tokio::test]
async fn an_end_user_has_many_names() {
    let upstream = upstream().await;
    let gateway = TestGateway::start(&config(&upstream)).await;
    let key = gateway.key(json!({})).await;
    let header = [("x-llm-end-user", "by-header")];
    for (members, headers) in [
        (json!({"user": "by-user"}), &[][..]),
        (json!({"user": "by-user", "safety_identifier": "by-identifier"}), &[]),
        (json!({"model": "clear", "metadata": {"user_id": "by-metadata"}}), &[]),
        (json!({"user": "by-user"}), &header),
        (json!({}), &header),
        (json!({"user": ""}), &[]),
    ] {
        assert_eq!(ask(&gateway, &key, members, headers).await.status, 200);
    }
    let named: Vec<_> = gateway.calls().await.iter().map(|call| call.end_user.as_deref().map(str::to_owned)).collect();
    let named: Vec<_> = named.iter().map(Option::as_deref).collect();
    let header = Some("by-header");
    assert_eq!(named, [Some("by-user"), Some("by-identifier"), Some("by-metadata"), header, header, None]);
    assert!(upstream.seen().iter().all(|seen| !seen.headers.contains_key("x-llm-end-user")));
    let long = ask(&gateway, &key, json!({"user": "x".repeat(300)}), &[]).await;
    assert_eq!((long.status.as_u16(), &long.json()["error"]["param"]), (400, &json!("user")));
}

#[tokio::test]
async fn tags_of_a_call_come_on_top_of_its_keys() {
    let upstream = upstream().await;
    let gateway = TestGateway::start(&config(&upstream)).await;
    let key = gateway.key(json!({"tags": ["own"]})).await;
    let day = json!({"meter": "requests", "window": "day", "amount": 1});
    limit(&gateway, ScopeKind::Tag, "batch", day).await;
    let tags = |tags: &'static str| [("x-llm-tags", tags)];
    assert_eq!(ask(&gateway, &key, json!({}), &tags("batch, own,,night")).await.status, 200);
    assert_eq!(gateway.calls().await[0].tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["own", "batch", "night"]);
    assert_eq!(ask(&gateway, &key, json!({}), &tags("night")).await.status, 200);
    let refused = ask(&gateway, &key, json!({}), &tags("batch")).await;
    assert_eq!(refused.status, 429);
    assert!(refused.text.contains("the tag's (`batch`) limit on requests of 1 per day"), "{}", refused.text);
    let many = (0..40).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let response = ask(&gateway, &key, json!({}), &[("x-llm-tags", &many)]).await;
    assert_eq!((response.status.as_u16(), &response.json()["error"]["param"]), (400, &json!("x-llm-tags")));
}

#[tokio::test]
async fn who_was_idle_finds_what_it_has_used() {
    let upstream = upstream().await;
    let gateway = TestGateway::start(&config(&upstream)).await;
    let key = gateway.key(json!({})).await;
    limit(&gateway, ScopeKind::EndUser, "*", json!({"meter": "requests", "window": "month", "amount": 2})).await;
    let call = async |gateway: &TestGateway, user: &str| {
        ask(gateway, &key, json!({ "user": user }), &[]).await.status.as_u16()
    };
    assert_eq!(call(&gateway, "ada").await, 200);
    assert_eq!(call(&gateway, "bob").await, 200);
    let ada = Scope::new(ScopeKind::EndUser, "ada");
    let in_memory = |gateway: &TestGateway| gateway.gateway.ledger().statuses(gateway.gateway.now_ms(), &ada).len();
    assert_eq!(in_memory(&gateway), 1);
    for _ in 0..2 {
        gateway.gateway.sweep(Duration::from_secs(5)).await;
    }
    assert_eq!(in_memory(&gateway), 0);
    assert_eq!(call(&gateway, "ada").await, 200);
    assert_eq!(call(&gateway, "ada").await, 429);

    // Nor does a restart forget it, and it is read only for those who call.
    let gateway = gateway.restart(&config(&upstream)).await;
    assert_eq!(in_memory(&gateway), 0);
    assert_eq!(call(&gateway, "ada").await, 429);
    assert_eq!(call(&gateway, "bob").await, 200);
    assert_eq!(call(&gateway, "bob").await, 429);
    assert_eq!(call(&gateway, "eve").await, 200);
}

#[tokio::test]
async fn names_that_never_come_again_leave_nothing_in_memory() {
    let upstream = upstream().await;
    let gateway = TestGateway::start(&config(&upstream)).await;
    let key = gateway.key(json!({})).await;
    limit(&gateway, ScopeKind::EndUser, "*", json!({"meter": "spend", "window": "total", "amount": "1"})).await;
    for number in 0..50 {
        let user = format!("stranger-{number}");
        assert_eq!(ask(&gateway, &key, json!({ "user": user }), &[]).await.status, 200);
    }
    gateway.gateway.flush().await.unwrap();
    assert_eq!(
        (
            gateway.gateway.ledger().sweep(gateway.gateway.now_ms()),
            gateway.gateway.ledger().sweep(gateway.gateway.now_ms())
        ),
        (50, 0)
    );
    assert_eq!(gateway.gateway.ledger().len(), 1);
}

#[tokio::test]
async fn without_the_database_end_users_are_served() {
    let upstream = upstream().await;
    let gateway = TestGateway::start(&config(&upstream)).await;
    let key = gateway.key(json!({})).await;
    limit(&gateway, ScopeKind::EndUser, "*", json!({"meter": "requests", "window": "day", "amount": 1})).await;
    gateway.gateway.db().close().await;
    assert_eq!(ask(&gateway, &key, json!({"user": "ada"}), &[]).await.status, 200);
    assert_eq!(ask(&gateway, &key, json!({"user": "ada"}), &[]).await.status, 429);
}
