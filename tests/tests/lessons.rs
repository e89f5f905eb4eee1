//! What went wrong in systems that do the same job, and must not here.

use std::collections::BTreeSet;
use std::time::Duration;

use llm_core::{Meter, NanoUsd};
use llm_gateway::record::CallStatus;
use llm_gateway::router::{APPLICATION_ROUTES, Metering};
use llm_tests::live::{Piece, Script, Seen, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};

const PROVIDER_KEY: &str = "pk-of-the-provider";
const PRICE: &str = r#"price = { input = "1", output = "2", cache_read = "0.5" }"#;

/// A gateway with `fast` before `upstream`, and whatever else.
async fn before(upstream: &Upstream, protocol: &str, more: &str) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        [providers.mock]
        protocol = "{protocol}"
        base_url = "{}"
        api_key = "{PROVIDER_KEY}"
        [[models]]
        name = "fast"
        retries = 0
        deployments = [{{ model = "mock:m-1", {PRICE} }}]
        {more}
        "#,
        upstream.url
    ))
    .await
}

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]})
}

fn ollama(seen: &Seen, words: &[&str], input: u64) -> Script {
    let line = |text: &str, done: bool| {
        let mut line = json!({"model": "m-1", "created_at": "2026-01-01T00:00:00Z",
                              "message": {"role": "assistant", "content": text}, "done": done});
        if done {
            line["done_reason"] = json!("stop");
            line["prompt_eval_count"] = json!(input);
            line["eval_count"] = json!(words.len());
        }
        line
    };
    if seen.json()["stream"] == false {
        return Script::json(200, &line(&words.concat(), true));
    }
    Script::lines(words.iter().map(|word| line(word, false)).chain([line("", true)]))
}

fn spoken(protocol: &str, seen: &Seen) -> Script {
    let words = ["a", "b", "c"];
    match protocol {
        "anthropic" if seen.json()["stream"] == true => anthropic::stream(&words, 9),
        "anthropic" => Script::json(200, &anthropic::answer("abc", 9, 3)),
        "ollama" => ollama(seen, &words, 9),
        _ => openai::echo(&seen.json(), &words, 9),
    }
}

#[tokio::test]
async fn a_streamed_call_costs_what_the_same_call_costs_whole() {
    for protocol in ["openai-chat", "anthropic", "ollama"] {
        let upstream = Upstream::start(move |seen| spoken(protocol, seen)).await;
        let gateway = before(&upstream, protocol, "").await;
        let key = gateway.key(json!({})).await;
        for path in ["/v1/chat/completions", "/v1/messages", "/api/v1/call/chat"] {
            for stream in [false, true] {
                let mut body = ask("fast", stream);
                if path.ends_with("/responses") {
                    body = json!({"model": "fast", "input": "Hello"});
                }
                if path.starts_with("/api") {
                    body["messages"] = json!([{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}]);
                }
                let answer = gateway.post(path, &key, body.to_string()).await;
                assert_eq!(answer.status, 200, "{protocol} {path} {}", answer.text);
            }
        }
        for call in gateway.calls_once(6).await {
            assert_eq!(call.status, CallStatus::Ok, "{call:?}");
            assert_eq!((call.usage.get(Meter::Input), call.usage.get(Meter::Output)), (9, 3), "{protocol} {call:?}");
            assert_eq!((call.cost_usd, call.estimated), (Some(NanoUsd(15_000)), false), "{protocol} {call:?}");
        }
    }
}

#[tokio::test]
async fn usage_is_taken_wherever_it_stands() {
    // In the chunk that ends the choice, in every chunk, and with a part of the prompt from the cache.
    let upstream = Upstream::start(|seen| {
        let usage = json!({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11,
                           "prompt_tokens_details": {"cached_tokens": 4}});
        let everywhere = String::from_utf8_lossy(&seen.body).contains("everywhere");
        let event = |delta: Value, finish: Value, last: bool| {
            let mut event = json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
                                   "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
            if last || everywhere {
                event["usage"] = usage.clone();
            }
            format!("data: {event}\n\n")
        };
        Script::sse([
            event(json!({"role": "assistant", "content": "a"}), Value::Null, false),
            event(json!({"content": "b"}), json!("stop"), true),
            "data: [DONE]\n\n".to_owned(),
        ])
    })
    .await;
    let gateway = before(&upstream, "openai-chat", "").await;
    let key = gateway.key(json!({})).await;
    for (path, text) in [
        ("/v1/chat/completions", "last"),
        ("/v1/chat/completions", "everywhere"),
        ("/v1/messages", "last"),
        ("/v1/messages", "everywhere"),
    ] {
        let mut body = ask("fast", true);
        body["messages"][0]["content"] = json!(text);
        let answer = gateway.post(path, &key, body.to_string()).await;
        assert!(answer.text.contains("\"b\""), "{}", answer.text);
    }
    for call in gateway.calls_once(4).await {
        let counts: Vec<_> = call.usage.counts().collect();
        assert_eq!(counts, [(Meter::Input, 5), (Meter::Output, 2), (Meter::CacheRead, 4)]);
        assert_eq!(call.cost_usd, Some(NanoUsd(5_000 + 4_000 + 2_000)));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::start(|seen| openai::echo(&seen.json(), &["stolen"], 1)).await;
    let place = format!("{}/v1/chat/completions", elsewhere.url);
    for status in [301, 302, 307, 308] {
        let place = place.clone();
        let upstream =
            Upstream::start(move |_| Script::json(status, &json!({})).header("location", place.clone())).await;
        let gateway = before(&upstream, "openai-chat", "").await;
        let key = gateway.key(json!({})).await;
        for path in ["/v1/chat/completions", "/v1/messages"] {
            for stream in [false, true] {
                let answer = gateway.post(path, &key, ask("fast", stream).to_string()).await;
                assert_eq!(answer.status, 502, "{status} {path} {}", answer.text);
                assert!(!answer.headers.contains_key("location"));
            }
        }
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn only_named_headers_cross_and_no_key_does() {
    let upstream = Upstream::start(|seen| {
        spoken("anthropic", seen)
            .header("set-cookie", "a=b")
            .header("x-secret", "s")
            .header("anthropic-organization-id", "o")
    })
    .await;
    let more = "[providers.other]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9\"";
    let gateway = before(&upstream, "anthropic", more).await;
    let key = gateway.key(json!({})).await;
    for stream in [false, true] {
        let url = format!("{}/v1/messages?key=sk-in-the-query", gateway.url);
        let request = gateway.http().post(url).header("x-api-key", &key).header("cookie", "c=d").header("x-own", "o");
        let request = request.header("anthropic-beta", "new-1").header("anthropic-version", "2023-06-01");
        let request = request.header("x-forwarded-for", "10.0.0.1").header("traceparent", "00-ab-cd-01");
        let request = request.header("idempotency-key", "once").header("user-agent", "their-sdk/1");
        let answer = request.body(ask("fast", stream).to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let names: BTreeSet<_> = answer.headers().keys().map(|name| name.as_str().to_owned()).collect();
        let ours = |name: &String| {
            name.starts_with("x-llm-")
                || [
                    "content-type",
                    "content-length",
                    "request-id",
                    "x-request-id",
                    "date",
                    "transfer-encoding",
                    "cache-control",
                ]
                .contains(&name.as_str())
        };
        assert!(names.iter().all(ours), "{names:?}");
        assert!(!answer.text().await.unwrap().contains(PROVIDER_KEY));

        let seen = upstream.last();
        let names: BTreeSet<_> = seen.headers.keys().map(|name| name.as_str()).collect();
        let wanted = BTreeSet::from([
            "accept",
            "anthropic-beta",
            "anthropic-version",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "idempotency-key",
            "traceparent",
            "user-agent",
        ]);
        assert!(names.is_subset(&wanted), "{:?}", names.difference(&wanted).collect::<Vec<_>>());
        assert!(names.is_superset(&BTreeSet::from([
            "anthropic-beta",
            "anthropic-version",
            "idempotency-key",
            "traceparent"
        ])));
        assert_eq!(seen.headers["authorization"], format!("Bearer {PROVIDER_KEY}"));
        let sent = format!("{:?} {} {:?}", seen.headers, seen.path, seen.body);
        assert!(!sent.contains(&key) && !sent.contains("sk-in-the-query") && !sent.contains("their-sdk"), "{sent}");
    }
    let records = serde_json::to_string(&gateway.calls_once(2).await).unwrap();
    assert!(!records.contains(PROVIDER_KEY) && !records.contains(&key));
    assert!(!format!("{:?}", gateway.gateway).contains(PROVIDER_KEY));
}

#[tokio::test]
async fn a_price_belongs_to_the_deployment_that_served() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["a"], 1_000_000)).await;
    let more = "[[models]]\nname = \"dear\"\ndeployments = [{ model = \"mock:m-1\", price = { input = \"7\", output = \"7\" } }]\n\
                [[models]]\nname = \"free\"\ndeployments = [{ model = \"mock:m-1\", price = { input = \"0\", output = \"0\" } }]";
    let gateway = before(&upstream, "openai-chat", more).await;
    let key = gateway.key(json!({})).await;
    for (model, cost) in
        [("fast", Some("1.000002")), ("dear", Some("7.000007")), ("free", Some("0")), ("mock:m-1", None)]
    {
        let answer = gateway.post("/v1/chat/completions", &key, ask(model, false).to_string()).await;
        let said = answer.headers.get("x-llm-cost-usd").map(|cost| cost.to_str().unwrap());
        assert_eq!(said, cost, "{model}");
    }
}

#[tokio::test]
async fn retries_are_attempts_after_the_first_and_all_are_recorded() {
    let upstream = Upstream::start(|_| openai::error(503, "server_error", "busy", "come back")).await;
    let more =
        format!("[[models]]\nname = \"again\"\nretries = 2\ndeployments = [{{ model = \"mock:m-1\", {PRICE} }}]");
    let gateway = before(&upstream, "openai-chat", &more).await;
    let key = gateway.key(json!({})).await;
    for (number, stream) in [false, true].into_iter().enumerate() {
        let answer = gateway.post("/v1/chat/completions", &key, ask("again", stream).to_string()).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert_eq!(upstream.seen().len(), 3 * (number + 1));
    }
    for call in gateway.calls_once(2).await {
        assert_eq!((call.attempts.len(), call.status, call.cost_usd), (3, CallStatus::Error, Some(NanoUsd::ZERO)));
        assert!(call.attempts.iter().all(|attempt| attempt.http_status == Some(503)));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_not_tried_again() {
    let upstream = Upstream::start(|_| openai::error(400, "invalid_request_error", "bad", "no such tool")).await;
    let more = format!(
        "[[models]]\nname = \"again\"\nretries = 2\nfallbacks = [\"mock:m-2\"]\ndeployments = [{{ model = \"mock:m-1\", {PRICE} }}]"
    );
    let gateway = before(&upstream, "openai-chat", &more).await;
    let key = gateway.key(json!({})).await;
    let answer = gateway.post("/v1/chat/completions", &key, ask("again", false).to_string()).await;
    assert_eq!((answer.status.as_u16(), upstream.seen().len()), (400, 1));
}

#[tokio::test]
async fn a_dearer_fallback_tops_the_reservation_up_or_is_passed_over() {
    let broken = Upstream::start(|_| openai::error(500, "server_error", "oops", "we broke")).await;
    let dear = Upstream::start(|seen| openai::echo(&seen.json(), &["a"], 10)).await;
    let more = format!(
        "[providers.dear]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"\n\
         [[models]]\nname = \"dear\"\ndeployments = [{{ model = \"dear:m\", price = {{ input = \"1000\", output = \"2000\" }} }}]\n\
         [[models]]\nname = \"safe\"\nretries = 0\nfallbacks = [\"dear\"]\ndeployments = [{{ model = \"mock:m-1\", {PRICE} }}]",
        dear.url
    );
    let gateway = before(&broken, "openai-chat", &more).await;
    let body = ask("safe", false).to_string();
    // The dear one is reserved at some 0.12 dollars; the cheap one at a thousandth of that.
    let rich = gateway.key(json!({"limits": [{"meter": "spend", "window": "day", "amount": "0.5"}]})).await;
    let answer = gateway.post("/v1/chat/completions", &rich, body.clone()).await;
    assert_eq!((answer.status.as_u16(), dear.seen().len()), (200, 1), "{}", answer.text);
    let poor = gateway.key(json!({"limits": [{"meter": "spend", "window": "day", "amount": "0.05"}]})).await;
    let answer = gateway.post("/v1/chat/completions", &poor, body).await;
    assert_eq!((answer.status.as_u16(), dear.seen().len()), (502, 1), "{}", answer.text);
    let calls = gateway.calls_once(2).await;
    let (topped_up, passed_over) = (&calls[0], &calls[1]);
    assert_eq!(topped_up.cost_usd, Some(NanoUsd(12_000_000)));
    assert!(
        topped_up.reserved_usd > Some(NanoUsd(100_000_000)) && topped_up.overrun_usd == NanoUsd::ZERO,
        "{topped_up:?}"
    );
    assert!(passed_over.reserved_usd < Some(NanoUsd(1_000_000)), "{passed_over:?}");
    assert_eq!((passed_over.attempts.len(), passed_over.cost_usd), (1, Some(NanoUsd::ZERO)));
}

#[tokio::test]
async fn an_attempt_that_broke_off_is_charged_for_the_prompt_it_read() {
    let broken = Upstream::start(|seen| match seen.json()["stream"] == true {
        true => Script::sse([openai::chunk(&json!({"role": "assistant", "content": ""}), None)]).then(Piece::Break),
        false => Script::body(200, "application/json", "{").then(Piece::Break),
    })
    .await;
    let well = Upstream::start(|seen| openai::echo(&seen.json(), &["a"], 10)).await;
    let more = format!(
        "[providers.well]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"\n\
         [[models]]\nname = \"well\"\ndeployments = [{{ model = \"well:m\", {PRICE} }}]\n\
         [[models]]\nname = \"safe\"\nretries = 0\nfallbacks = [\"well\"]\ndeployments = [{{ model = \"mock:m-1\", {PRICE} }}]",
        well.url
    );
    let gateway = before(&broken, "openai-chat", &more).await;
    let key = gateway.key(json!({"limits": [{"meter": "spend", "window": "day", "amount": "1"}]})).await;
    for (model, stream) in [("safe", false), ("safe", true), ("fast", false), ("fast", true)] {
        gateway.post("/v1/chat/completions", &key, ask(model, stream).to_string()).await;
    }
    for call in gateway.calls_once(4).await {
        let lost = &call.attempts[0];
        assert!(lost.estimated && lost.usage.get(Meter::Input) > 0, "{call:?}");
        assert_eq!(lost.cost_usd, Some(NanoUsd(1_000 * i64::try_from(lost.usage.get(Meter::Input)).unwrap())));
        let sum: NanoUsd = call.attempts.iter().map(|attempt| attempt.cost_usd.unwrap()).sum();
        assert_eq!((call.cost_usd, call.estimated, call.overrun_usd), (Some(sum), true, NanoUsd::ZERO), "{call:?}");
        assert_eq!(call.usage.get(Meter::Input), call.attempts.iter().map(|a| a.usage.get(Meter::Input)).sum::<u64>());
        if &*call.model == "safe" {
            assert_eq!((call.status, call.attempts[1].cost_usd), (CallStatus::Ok, Some(NanoUsd(12_000))));
        }
    }
}

#[tokio::test]
async fn every_route_that_reaches_a_provider_is_metered() {
    let source = include_str!("../../crates/llm-gateway/src/router.rs");
    let named = |begin: &'static str| source.split(begin).skip(1).map(|rest| rest.split('"').next().unwrap());
    // Operations other than chat stand in a table, each with its kind; their calls and records have tests of their own.
    let tabled = source.lines().filter(|line| line.contains("OperationKind::") && line.trim_start().starts_with("(\""));
    let others: BTreeSet<_> = tabled.map(|line| line.split('"').nth(1).unwrap()).collect();
    let wired: BTreeSet<_> = named(".route(\"").chain(others.iter().copied()).collect();
    let stated: BTreeSet<_> = APPLICATION_ROUTES.iter().map(|(_, path, _)| *path).collect();
    assert_eq!(wired, stated);

    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["a"], 9)).await;
    let gateway = before(&upstream, "openai-chat", "").await;
    let key = gateway.key(json!({})).await;
    let mut records = 0;
    for (method, path, metering) in APPLICATION_ROUTES {
        let method_of_model = if *method == "POST" { "fast:generateContent" } else { "fast" };
        let place = path.replace("{*id}", method_of_model);
        if others.contains(path) || matches!(metering, Metering::Free | Metering::Later) {
            assert!(!others.contains(path) || *metering == Metering::Call, "{path}");
            let without = gateway.http().request(method.parse().unwrap(), format!("{}{place}", gateway.url));
            let without = without.send().await.unwrap();
            assert_eq!(without.status(), 401, "{path}");
            continue;
        }
        let before = upstream.seen().len();
        match *method {
            "GET" => drop(gateway.get(&place, &key).await),
            _ => {
                let mut body = ask("fast", false);
                if path.contains("/models/") {
                    body = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]});
                }
                if path.ends_with("/responses") {
                    body = json!({"model": "fast", "input": "Hello"});
                }
                if path.starts_with("/api") {
                    body["messages"] = json!([{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}]);
                }
                let answer = gateway.post(&place, &key, body.to_string()).await;
                assert_eq!(answer.status, 200, "{path} {}", answer.text);
            }
        }
        let reached = upstream.seen().len() > before;
        assert_eq!(reached, *metering == Metering::Call, "{path}");
        records += usize::from(reached);
        let calls = gateway.calls_once(records).await;
        assert_eq!(calls.len(), records);
        assert!(calls.iter().all(|call| call.cost_usd == Some(NanoUsd(11_000))));
        let without = gateway.http().request(method.parse().unwrap(), format!("{}{place}", gateway.url));
        assert_eq!(without.send().await.unwrap().status(), 401, "{path}");
    }
}

#[tokio::test]
async fn bytes_pass_between_equal_dialects_and_only_there() {
    // Odd spacing, an unknown member, a number that no float holds, an escape that a writer would not choose.
    let odd = |model: &str, more: &str| {
        format!(
            "{{ \"x_new\" : [1e2, 123456789012345678901234567890],\n\"model\":\"{model}\", \"max_tokens\": 50,{more} \
             \"messages\":[ {{\"role\":\"user\",\"content\":\"\\u0048ello\"}} ] }}"
        )
    };
    for protocol in ["openai-chat", "anthropic", "ollama"] {
        let upstream = Upstream::start(move |seen| {
            let script = spoken(protocol, seen);
            match (seen.json()["stream"] == true, protocol) {
                (false, "openai-chat") => odd_answer(&openai::answer("abc", 9, 3)),
                (false, "anthropic") => odd_answer(&anthropic::answer("abc", 9, 3)),
                _ => script,
            }
        })
        .await;
        let gateway = before(&upstream, protocol, "").await;
        let key = gateway.key(json!({})).await;
        for (path, dialect) in [("/v1/chat/completions", "openai-chat"), ("/v1/messages", "anthropic")] {
            let asked = odd("fast", "");
            let answer = gateway.post(path, &key, asked.clone()).await;
            if dialect != protocol {
                // What the other protocol has no place for is refused by name, and the rest is said anew.
                assert_eq!(answer.status, 400, "{protocol} {path} {}", answer.text);
                assert!(answer.text.contains("x_new"), "{}", answer.text);
                let asked = ask("fast", false).to_string();
                let answer = gateway.post(path, &key, asked.clone()).await;
                assert_eq!(answer.status, 200, "{protocol} {path} {}", answer.text);
                assert_ne!(upstream.last().body, asked.replace("fast", "m-1"));
                assert!(!answer.text.contains("x_odd"), "{}", answer.text);
                continue;
            }
            assert_eq!(answer.status, 200, "{protocol} {path} {}", answer.text);
            assert_eq!(upstream.last().body, asked.replace("fast", "m-1"), "only the model is edited");
            assert!(answer.text.contains("\"x_odd\" :\t[ 1.50 ]"), "the answer's bytes pass: {}", answer.text);
            let streamed = odd("mock:m-1", "\"stream\" : true, \"stream_options\": {\"include_usage\": true},");
            let answer = gateway.post(path, &key, streamed.clone()).await;
            let sent = upstream.last().body;
            assert_eq!(sent, streamed.replace("mock:m-1", "m-1"));
            let theirs = gateway.http().post(format!("{}/x", upstream.url)).body(sent).send().await.unwrap();
            assert_eq!(answer.text, theirs.text().await.unwrap(), "a stream's bytes pass");
        }
    }
}

/// An answer as no writer of ours would spell it.
fn odd_answer(answer: &Value) -> Script {
    let text = answer.to_string();
    Script::body(200, "application/json", format!("{{\"x_odd\" :\t[ 1.50 ], {}", &text[1..]))
}

#[tokio::test]
async fn a_caller_who_hangs_up_ends_the_call_upstream() {
    let upstream =
        Upstream::start(|seen| openai::echo(&seen.json(), &["word "; 500], 9).paced(Duration::from_millis(20))).await;
    let gateway = before(&upstream, "openai-chat", "").await;
    let key = gateway.key(json!({})).await;
    let request = gateway.http().post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&key);
    let mut answer = request.body(ask("fast", true).to_string()).send().await.unwrap();
    answer.chunk().await.unwrap();
    assert_eq!(upstream.at_work(), 1);
    drop(answer);
    let calls = gateway.calls_once(1).await;
    assert_eq!((calls[0].status, calls[0].estimated), (CallStatus::CallerGone, true));
    for _ in 0..100 {
        if upstream.at_work() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the provider still answers, for nobody");
}
