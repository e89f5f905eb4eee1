//! Batches of which it is not clear whether they were made, and the moment before it is known who made one.

use std::any::Any;
use std::time::Duration;

use llm_core::NanoUsd;
use llm_gateway::record::{CallRecord, CallStatus};
use llm_gateway::store::Db;
use llm_tests::live::{Answer, Piece, Script, TestGateway, openai};
use serde_json::{Value, json};

use crate::provider::{Provider, State};
use crate::{Caller, budget, config, held, lines, of_batches};

/// The records of calls whose end nobody saw.
fn interrupted(calls: Vec<CallRecord>) -> Vec<CallRecord> {
    calls.into_iter().filter(|call| call.status == CallStatus::Interrupted).collect()
}

/// A configuration whose provider must answer soon.
fn hurried(provider: &Provider) -> String {
    format!("{}\n[timeouts]\nfirst_byte = \"2s\"\n", config(provider, "1h"))
}

/// Makes a batch of two calls at a provider that answers with `making`.
async fn batch_made(making: fn(Script) -> Script) -> (Provider, TestGateway, String, Answer) {
    let provider = Provider::start().await;
    let gateway = TestGateway::start(&hurried(&provider)).await;
    let key = gateway.key(budget()).await;
    let caller = Caller { gateway: &gateway, key: &key };
    let file = caller.upload(&lines("fast", &["a", "b"])).await.json()["id"].as_str().unwrap().to_owned();
    provider.answers(making);
    let answer = caller.create(&file).await;
    (provider, gateway, key, answer)
}

#[tokio::test]
async fn a_batch_that_may_have_been_made_is_charged_as_it_was_held() {
    let unclear: [fn(Script) -> Script; 4] = [
        |made| made.after(Duration::from_secs(600)),
        |_| Script::body(200, "application/json", "{\"id\": \"bat").then(Piece::Break),
        |_| Script::body(200, "text/html", "<html>"),
        |_| Script::body(504, "text/html", "<html>gateway time-out"),
    ];
    for (at, making) in unclear.into_iter().enumerate() {
        let (provider, gateway, key, answer) = batch_made(making).await;
        assert!(answer.status.is_server_error(), "{at}: {}", answer.text);
        let calls = interrupted(gateway.calls().await);
        let sum: NanoUsd = calls.iter().map(|call| call.cost_usd.unwrap()).sum();
        assert!(calls.len() == 2 && sum > NanoUsd::ZERO, "{at}: {calls:?}");
        assert!(calls.iter().all(|call| call.estimated && call.cost_usd == call.reserved_usd), "{at}: {calls:?}");
        let spent = (sum.to_string(), "0".to_owned());
        assert_eq!(held(&gateway, &key).await, spent, "{at}");
        let gateway = gateway.restart(&hurried(&provider)).await;
        assert_eq!((held(&gateway, &key).await, interrupted(gateway.calls().await).len()), (spent, 2), "{at}");
    }
}

#[tokio::test]
async fn a_batch_that_was_refused_costs_nothing() {
    let refusals: [fn(Script) -> Script; 3] = [
        |_| openai::error(400, "invalid_request_error", "odd", "no"),
        |_| openai::error(429, "rate_limit_error", "busy", "later"),
        |_| openai::error(500, "server_error", "oops", "we broke"),
    ];
    let nothing = ("0".to_owned(), "0".to_owned());
    for making in refusals {
        let (_provider, gateway, key, answer) = batch_made(making).await;
        assert_ne!(answer.status, 200);
        assert_eq!((held(&gateway, &key).await, interrupted(gateway.calls().await).len()), (nothing.clone(), 0));
    }
    // What never left, because nobody is there, and because the calls' file could not be sent up.
    let provider = Provider::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = hurried(&provider).replace(&provider.upstream.url, &format!("http://{closed}"));
    let torn =
        llm_tests::live::Upstream::start(|_| Script::body(200, "application/json", "{").then(Piece::Break)).await;
    let torn = hurried(&provider).replace(&provider.upstream.url, &torn.url);
    for (config, model) in [(&away, "calm"), (&away, "fast"), (&torn, "fast")] {
        let gateway = TestGateway::start(config).await;
        let key = gateway.key(budget()).await;
        let answer = asked_as_anthropic(&gateway, &key, model, &["a", "b"]).await;
        assert_eq!(answer.0, 502, "{}", answer.1);
        assert_eq!((held(&gateway, &key).await, interrupted(gateway.calls().await).len()), (nothing.clone(), 0));
    }
}

/// Makes a batch as Anthropic's callers do, with its calls in the request: status and body.
async fn asked_as_anthropic(gateway: &TestGateway, key: &str, model: &str, ids: &[&str]) -> (u16, String) {
    let params = json!({"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]});
    let requests: Vec<Value> = ids.iter().map(|id| json!({"custom_id": id, "params": params})).collect();
    let request = gateway.http().post(format!("{}/v1/messages/batches", gateway.url)).header("x-api-key", key);
    let request = request.header("anthropic-version", "2023-06-01").header("content-type", "application/json");
    let answer = request.body(json!({"requests": requests}).to_string()).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// One of the database's connections, until it is dropped.
async fn connection(db: &Db) -> Box<dyn Any + Send> {
    match db {
        Db::Sqlite(pool) => Box::new(pool.acquire().await.unwrap()),
        Db::Postgres(pool) => Box::new(pool.acquire().await.unwrap()),
    }
}

#[tokio::test]
async fn a_batch_is_not_given_up_before_it_is_known_whose_it_is() {
    let provider = Provider::start().await;
    // It is looked at all the time; and when it is made, the database is slow.
    let gateway = TestGateway::start(&config(&provider, "10ms")).await;
    let key = gateway.key(budget()).await;
    provider.answers(|made| made.after(Duration::from_millis(300)));
    let slow = async {
        while !provider.upstream.seen().iter().any(|seen| seen.path.ends_with("/batches")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let db = gateway.gateway.db();
        let mut taken = Vec::new();
        // All but what somebody keeps for ever, as who listens for changes does.
        while let Ok(connection) = tokio::time::timeout(Duration::from_millis(300), connection(db)).await {
            taken.push(connection);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        // One statement after another gets its turn, with time for a look in between.
        for _ in 0..4 {
            drop(taken.pop());
            taken.push(connection(db).await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ((status, made), ()) = tokio::join!(asked_as_anthropic(&gateway, &key, "fast", &["a", "b"]), slow);
    assert_eq!(status, 200, "{made}");
    assert_eq!(interrupted(gateway.calls().await).len(), 0);
    let id = serde_json::from_str::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
    provider.end(&id, State::Completed);
    let calls = of_batches(gateway.calls_once(3).await);
    assert_eq!(calls.len(), 2);
    assert_eq!(held(&gateway, &key).await, ("0.00012".to_owned(), "0".to_owned()));
}
