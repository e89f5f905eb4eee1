//! Money and limits under load: nothing is admitted beyond a limit, nothing is forgotten, nothing is charged twice.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::StreamExt;
use llm_core::chat::ChatRequest;
use llm_core::{Meter, NanoUsd};
use llm_gateway::keys::{KeyDraft, NewKey};
use llm_gateway::limits::LimitStatus;
use llm_gateway::record::{CallRecord, CallStatus};
use llm_providers::MessagesRequest;
use llm_tests::live::{Script, Seen, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};

/// Nano-dollars for a million tokens, in and out; chosen so that costs must be rounded.
const RATES: (i128, i128) = (1_234_567_890, 9_876_543_210);

async fn gateway_before(upstream: &Upstream) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{0}"
        [providers.claude]
        protocol = "anthropic"
        base_url = "{0}"
        [[models]]
        name = "fast"
        retries = 0
        deployments = [{{ model = "mock:m-1", price = {{ input = "1.23456789", output = "9.87654321" }} }}]
        [[models]]
        name = "clear"
        retries = 0
        deployments = [{{ model = "claude:m-2", price = {{ input = "1.23456789", output = "9.87654321" }} }}]
        "#,
        upstream.url
    ))
    .await
}

async fn key(gateway: &TestGateway, limits: Value) -> NewKey {
    let draft = json!({"name": "spender", "limits": limits});
    gateway.gateway.keys().create(serde_json::from_value::<KeyDraft>(draft).unwrap()).await.unwrap()
}

fn status(gateway: &TestGateway, key: &NewKey) -> LimitStatus {
    let all = gateway.gateway.ledger().statuses(gateway.gateway.now_ms(), &key.key.scope());
    all.into_iter().next().unwrap()
}

/// What `call` must have cost: usage times price as a fraction, rounded half up once.
fn cost_of(call: &CallRecord) -> i128 {
    let count = |meter| i128::from(call.usage.get(meter));
    let mut counted = call.usage.counts().map(|(meter, _)| meter);
    assert!(counted.all(|meter| matches!(meter, Meter::Input | Meter::Output)), "{:?}", call.usage);
    let (twice, million) = (2 * (count(Meter::Input) * RATES.0 + count(Meter::Output) * RATES.1), 1_000_000);
    (twice + million) / (2 * million)
}

/// Checks every record against its usage, and the limit against the sum of them.
fn add_up(calls: &[CallRecord], limit: &LimitStatus) {
    for call in calls {
        let cost = i128::from(call.cost_usd.unwrap().0);
        match call.estimated {
            false => assert_eq!(cost, cost_of(call), "{call:?}"),
            true => assert_eq!(cost, cost_of(call).min(i128::from(call.reserved_usd.unwrap().0)), "{call:?}"),
        }
    }
    let ids: BTreeSet<_> = calls.iter().map(|call| call.id.to_string()).collect();
    assert_eq!(ids.len(), calls.len(), "a call has two records");
    let sum: NanoUsd = calls.iter().map(|call| call.cost_usd.unwrap()).sum();
    assert_eq!((limit.used, limit.reserved), (sum.0, 0));
}

fn ask(text: &str) -> Value {
    json!({"model": "fast", "messages": [{"role": "user", "content": text}]})
}

/// Streams of a dozen words that take a while; whole answers; failures where the question asks for one.
fn mixed(seen: &Seen) -> Script {
    if String::from_utf8_lossy(&seen.body).contains("fail") {
        return openai::error(500, "server_error", "oops", "we broke");
    }
    let answer = openai::echo(&seen.json(), &["word "; 12], 9);
    if seen.json()["stream"] == true { answer.paced(Duration::from_millis(4)) } else { answer }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_callers_at_once_stay_within_a_spend_limit() {
    let upstream = Upstream::start(mixed).await;
    let gateway = Arc::new(gateway_before(&upstream).await);
    // Some twenty reservations fit at once, and some ninety calls as they come to cost.
    let key = Arc::new(key(&gateway, json!([{"meter": "spend", "window": "day", "amount": "0.012"}])).await);
    let (over, watching) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let watch = {
        let (gateway, key, over, watching) = (gateway.clone(), key.clone(), over.clone(), watching.clone());
        tokio::spawn(async move {
            while watching.load(SeqCst) {
                let limit = status(&gateway, &key);
                over.fetch_add(usize::from(limit.used + limit.reserved > limit.limit.spec.amount), SeqCst);
                tokio::task::yield_now().await;
            }
        })
    };
    let callers: Vec<_> = (0..200)
        .map(|number: usize| {
            let (gateway, key) = (gateway.clone(), key.clone());
            tokio::spawn(async move {
                let mut body = ask(if number % 10 == 7 { "fail" } else { "go on" });
                body["max_tokens"] = json!(50);
                body["stream"] = json!(number % 3 != 2);
                let request = gateway.http().post(format!("{}/v1/chat/completions", gateway.url));
                let request = request.bearer_auth(key.secret.expose()).body(body.to_string());
                let response = request.send().await.unwrap();
                let status = response.status().as_u16();
                let mut pieces = response.bytes_stream();
                if number.is_multiple_of(3) && status == 200 {
                    // A few words, and away.
                    pieces.next().await.unwrap().unwrap();
                    return status;
                }
                while let Some(piece) = pieces.next().await {
                    piece.unwrap();
                }
                status
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for caller in callers {
        statuses.push(caller.await.unwrap());
    }
    let calls = gateway.calls_once(200).await;
    watching.store(false, SeqCst);
    watch.await.unwrap();
    assert_eq!(over.load(SeqCst), 0, "the limit was passed");
    assert_eq!(calls.len(), 200);
    let limit = status(&gateway, &key);
    assert!(limit.used <= limit.limit.spec.amount);
    add_up(&calls, &limit);

    let of = |wanted: CallStatus| calls.iter().filter(move |call| call.status == wanted).collect::<Vec<_>>();
    let refused = of(CallStatus::Refused);
    assert_eq!(refused.len(), statuses.iter().filter(|status| **status == 429).count());
    assert!(refused.iter().all(|call| call.cost_usd == Some(NanoUsd::ZERO) && call.attempts.is_empty()));
    assert_eq!(upstream.seen().len(), 200 - refused.len(), "one request for each admitted call");
    assert!(!of(CallStatus::Ok).is_empty() && !refused.is_empty());
    for failed in of(CallStatus::Error) {
        assert_eq!(failed.cost_usd, Some(NanoUsd::ZERO));
    }
    let gone = of(CallStatus::CallerGone);
    assert!(!gone.is_empty());
    for call in gone {
        assert!(
            call.estimated && call.cost_usd > Some(NanoUsd::ZERO) && call.cost_usd <= call.reserved_usd,
            "{call:?}"
        );
        assert!(call.usage.get(Meter::Output) >= 1, "{call:?}");
    }
    assert!(
        upstream.at_work() == 0 || {
            tokio::time::sleep(Duration::from_millis(500)).await;
            upstream.at_work() == 0
        },
        "streams that nobody reads go on"
    );
}

#[tokio::test]
async fn what_nobody_bounded_may_pass_the_limit_by_what_was_in_flight() {
    // Three times what is assumed of an answer whose length nobody bounds.
    let upstream = Upstream::start(|_| Script::json(200, &openai::answer("long", 10, 3072))).await;
    let gateway = gateway_before(&upstream).await;
    let key = key(&gateway, json!([{"meter": "spend", "window": "day", "amount": "0.05"}])).await;
    for _ in 0..5 {
        gateway.post("/v1/chat/completions", key.secret.expose(), ask("go on").to_string()).await;
    }
    let calls = gateway.calls_once(5).await;
    let limit = status(&gateway, &key);
    add_up(&calls, &limit);
    let admitted: Vec<_> = calls.iter().filter(|call| call.status == CallStatus::Ok).collect();
    assert_eq!(admitted.len(), 2);
    let overrun: NanoUsd = admitted.iter().map(|call| call.overrun_usd).sum();
    assert!(overrun > NanoUsd::ZERO && limit.used <= limit.limit.spec.amount + overrun.0);
    for call in admitted {
        assert_eq!(call.overrun_usd, call.cost_usd.unwrap() - call.reserved_usd.unwrap());
    }
}

/// Answers with as many tokens as it may.
fn talkative(seen: &Seen) -> Script {
    let body = seen.json();
    let most = body["max_completion_tokens"].as_u64().or(body["max_tokens"].as_u64()).unwrap_or(100_000);
    match seen.path.ends_with("/messages") {
        true => Script::json(200, &anthropic::answer("long", 10, most)),
        false => Script::json(200, &openai::answer("long", 10, most)),
    }
}

#[tokio::test]
async fn a_strict_limit_is_kept_by_the_cap_that_goes_upstream() {
    let upstream = Upstream::start(talkative).await;
    let gateway = gateway_before(&upstream).await;
    let spend = json!([{"meter": "spend", "window": "day", "amount": "0.05", "strict": true}]);
    let spender = key(&gateway, spend).await;
    for _ in 0..6 {
        gateway.post("/v1/chat/completions", spender.secret.expose(), ask("go on").to_string()).await;
        let limit = status(&gateway, &spender);
        assert!(limit.used <= limit.limit.spec.amount);
    }
    assert_eq!(upstream.last().json()["max_completion_tokens"], 1024);
    assert!(gateway.calls_once(6).await.iter().any(|call| call.status == CallStatus::Refused));

    // What a limit on output tokens has left is the cap, whatever was asked for; in both protocols, passed or not.
    let tokens = json!([{"meter": "output_tokens", "window": "day", "amount": 100, "strict": true}]);
    for (path, model, name) in [
        ("/v1/chat/completions", "fast", "max_tokens"),
        ("/v1/chat/completions", "clear", "max_tokens"),
        ("/v1/messages", "clear", "max_tokens"),
        ("/v1/messages", "fast", "max_completion_tokens"),
    ] {
        let key = key(&gateway, tokens.clone()).await;
        let mut body = ask("go on");
        body["model"] = json!(model);
        body["max_tokens"] = json!(500);
        let answer = gateway.post(path, key.secret.expose(), body.to_string()).await;
        assert_eq!(answer.status, 200, "{path} {model} {}", answer.text);
        let sent = upstream.last().json();
        let cap = sent["max_tokens"].as_u64().or(sent["max_completion_tokens"].as_u64());
        assert_eq!(cap, Some(100), "{path} {model} {name} {sent}");
        assert_eq!(status(&gateway, &key).used, 100);
        let answer = gateway.post(path, key.secret.expose(), body.to_string()).await;
        assert_eq!(answer.status, 429, "{path} {model} {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_concurrency_limit_holds_and_lets_go() {
    let upstream = Upstream::start(|seen| match seen.json()["stream"] == true {
        true => openai::echo(&seen.json(), &["word "; 40], 9).paced(Duration::from_millis(20)),
        false => openai::echo(&seen.json(), &["ok"], 9).after(Duration::from_millis(50)),
    })
    .await;
    let gateway = gateway_before(&upstream).await;
    let key = key(&gateway, json!([{"meter": "concurrency", "amount": 3}])).await;
    let secret = key.secret.expose();
    let whole = ask("go on").to_string();
    let all =
        futures_util::future::join_all((0..30).map(|_| gateway.post("/v1/chat/completions", secret, whole.clone())))
            .await;
    let answered = all.iter().filter(|answer| answer.status == 200).count();
    assert!((3..30).contains(&answered), "{answered}");
    assert!(upstream.most_at_once() <= 3, "{}", upstream.most_at_once());
    for refused in all.iter().filter(|answer| answer.status != 200) {
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
        assert_eq!(refused.headers["retry-after"], "1");
    }
    assert_eq!(status(&gateway, &key).reserved, 0);

    // Callers who hang up give their place back at once.
    let mut streamed = ask("go on");
    streamed["stream"] = json!(true);
    for _ in 0..9 {
        let request = gateway.http().post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(secret);
        let response = request.body(streamed.to_string()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes_stream().next().await.unwrap().unwrap();
        for _ in 0..200 {
            if status(&gateway, &key).reserved == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(status(&gateway, &key).reserved, 0);
    }
}

#[tokio::test]
async fn a_refused_call_consumes_nothing_and_is_told_when_to_come_back() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["ok"], 9)).await;
    let gateway = gateway_before(&upstream).await;
    let key = key(&gateway, json!([{"meter": "requests", "window": "minute", "amount": 2}])).await;
    let post = || gateway.post("/v1/chat/completions", key.secret.expose(), ask("go on").to_string());
    let first = post().await;
    assert_eq!((first.status.as_u16(), first.headers["x-ratelimit-remaining-requests"].to_str().unwrap()), (200, "1"));
    assert_eq!(post().await.status, 200);
    for _ in 0..5 {
        let refused = post().await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((55..=62).contains(&wait), "{wait}");
        assert!(!refused.headers.contains_key("x-should-retry"));
    }
    assert_eq!((status(&gateway, &key).used, upstream.seen().len()), (2, 2));
    let calls = gateway.calls_once(7).await;
    assert_eq!(calls.iter().filter(|call| call.status == CallStatus::Refused).count(), 5);
}

#[tokio::test]
async fn a_call_that_can_never_fit_is_told_why_and_is_not_tried_again() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["ok"], 9)).await;
    let gateway = gateway_before(&upstream).await;
    let mut body = ask("go on");
    body["max_tokens"] = json!(10);
    for (limit, code, hint) in [
        (
            json!({"meter": "requests", "window": "minute", "amount": 0}),
            "rate_limit_exceeded",
            "admits no calls at all",
        ),
        (json!({"meter": "concurrency", "amount": 0}), "rate_limit_exceeded", "admits no calls at all"),
        (json!({"meter": "tokens", "window": "day", "amount": 12}), "rate_limit_exceeded", "or ask for fewer tokens"),
        (
            json!({"meter": "input_tokens", "window": "hour", "amount": 1}),
            "rate_limit_exceeded",
            "hint: shorten the prompt)",
        ),
        (
            json!({"meter": "output_tokens", "window": "hour", "amount": 9}),
            "rate_limit_exceeded",
            "hint: ask for fewer",
        ),
        (json!({"meter": "spend", "window": "total", "amount": "0"}), "insufficient_quota", "only what costs nothing"),
        (json!({"meter": "spend", "window": "total", "amount": "0.000001"}), "insufficient_quota", "a cheaper model"),
    ] {
        let key = key(&gateway, json!([limit])).await;
        for path in ["/v1/chat/completions", "/v1/messages"] {
            let answer = gateway.post(path, key.secret.expose(), body.to_string()).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (429, &json!(code)), "{limit}");
            assert_eq!(answer.headers.get("x-should-retry").unwrap(), "false", "{limit}");
            assert!(!answer.headers.contains_key("retry-after"), "{limit}");
            assert!(answer.text.contains(hint), "{limit}: {}", answer.text);
        }
        // Our own client is told the same, in the native protocol and in another.
        let client = gateway.client(key.secret.expose());
        let native = client.chat(ChatRequest::new("fast").user("go on").max_tokens(10)).await.unwrap_err();
        assert!(native.is_hopeless() && !native.is_retryable(), "{limit}: {native:?}");
        let other = client.messages(MessagesRequest::new("fast", 10).user("go on")).await.unwrap_err();
        assert!(other.is_hopeless() && !other.is_retryable(), "{limit}: {other:?}");
    }
    assert!(upstream.seen().is_empty());
    // What is used up for ever is no different.
    let key = key(&gateway, json!([{"meter": "requests", "window": "total", "amount": 1}])).await;
    let post = || gateway.post("/v1/chat/completions", key.secret.expose(), body.to_string());
    assert_eq!(post().await.status, 200);
    assert_eq!(post().await.headers.get("x-should-retry").unwrap(), "false");
}

#[tokio::test]
async fn a_spent_budget_is_called_one_and_is_not_tried_again() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["ok"], 9)).await;
    let gateway = gateway_before(&upstream).await;
    let key = key(&gateway, json!([{"meter": "spend", "window": "month", "amount": "0.000001"}])).await;
    let mut body = ask("go on");
    body["max_tokens"] = json!(10);
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let answer = gateway.post(path, key.secret.expose(), body.to_string()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (429, &json!("insufficient_quota")));
        assert_eq!(answer.headers["x-should-retry"], "false");
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains("budget"), "{}", answer.text);
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_under_a_budget_and_else_recorded_without_cost() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["ok"], 9)).await;
    let gateway = gateway_before(&upstream).await;
    let mut body = ask("go on");
    body["model"] = json!("mock:nobody-knows");
    let limited = key(&gateway, json!([{"meter": "spend", "window": "month", "amount": "100"}])).await;
    let refused = gateway.post("/v1/chat/completions", limited.secret.expose(), body.to_string()).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (400, &json!("model_not_priced")));
    assert!(refused.text.contains("`llm-gateway price set"), "{}", refused.text);
    assert!(upstream.seen().is_empty());
    let free = key(&gateway, json!([])).await;
    let answer = gateway.post("/v1/chat/completions", free.secret.expose(), body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!answer.headers.contains_key("x-llm-cost-usd"));
    let calls = gateway.calls_once(2).await;
    let recorded = calls.iter().find(|call| call.status == CallStatus::Ok).unwrap();
    assert_eq!((recorded.cost_usd, recorded.usage.total()), (None, 10));
}

#[tokio::test]
async fn a_long_prompt_is_looked_at_twice_before_it_is_refused() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["ok"], 9)).await;
    let gateway = gateway_before(&upstream).await;
    // 30,000 bytes are 6,000 tokens or so: too much by the first look, well within by the second.
    let key = key(&gateway, json!([{"meter": "input_tokens", "window": "day", "amount": 15_000}])).await;
    let post = |words: usize| {
        let mut body = ask(&"word ".repeat(words));
        body["max_tokens"] = json!(5);
        gateway.post("/v1/chat/completions", key.secret.expose(), body.to_string())
    };
    let answer = post(6_000).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(post(20_000).await.status, 429);
    assert_eq!((status(&gateway, &key).used, upstream.seen().len()), (9, 1));
}
