//! What a call costs whose answer was not seen to its end: cut, left, or never begun. What a provider has said of it is
//! charged in any case, and only what nobody said is bounded by what was reserved.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use std::time::Duration;

use llm_core::{Meter, NanoUsd};
use llm_gateway::record::{CallRecord, CallStatus};
use llm_tests::live::{Piece, Script, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const PRICE: &str = r#"price = { input = "1", output = "2" }"#;
/// Longer than any of these tests waits.
const FOR_EVER: Piece = Piece::Pause(Duration::from_secs(600));

/// A gateway whose model `fast` is at `url`, in `protocol`, and whose `safe` falls back from there to `well`.
async fn before(url: &str, protocol: &str, well: &Upstream, more: &str) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        {more}
        [providers.mock]
        protocol = "{protocol}"
        base_url = "{url}"
        [providers.well]
        protocol = "openai-chat"
        base_url = "{}"
        [[models]]
        name = "fast"
        retries = 0
        deployments = [{{ model = "mock:m-1", {PRICE} }}]
        [[models]]
        name = "well"
        deployments = [{{ model = "well:m-1", {PRICE} }}]
        [[models]]
        name = "safe"
        retries = 0
        fallbacks = ["well"]
        deployments = [{{ model = "mock:m-1", {PRICE} }}]
        "#,
        well.url
    ))
    .await
}

async fn well() -> Upstream {
    Upstream::start(|seen| openai::echo(&seen.json(), &["a"], 10)).await
}

fn budget() -> Value {
    json!({"limits": [{"meter": "spend", "window": "day", "amount": "100"}]})
}

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]})
}

/// Asks, reads the first piece of the answer and goes away.
async fn read_a_little(gateway: &TestGateway, path: &str, key: &str, body: &Value) {
    let request = gateway.http().post(format!("{}{path}", gateway.url)).bearer_auth(key);
    let request = request.header("content-type", "application/json").body(body.to_string());
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.chunk().await.unwrap().unwrap();
}

/// What a limit of the only key has counted is what the records say.
fn adds_up(gateway: &TestGateway, calls: &[CallRecord]) {
    let key = gateway.gateway.keys().list(None, 1, |_| true).remove(0);
    let limit = gateway.gateway.ledger().statuses(gateway.gateway.now_ms(), &key.scope()).remove(0);
    let sum: NanoUsd = calls.iter().map(|call| call.cost_usd.unwrap()).sum();
    assert_eq!((NanoUsd(limit.used), limit.reserved), (sum, 0));
}

/// A stream that says of a document what no bytes tell: how many tokens it is. Then some text, and then `last`.
fn of_a_document(text: &[&str], last: Piece) -> Script {
    let mut message = anthropic::answer("", 300_000, 1);
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    let begin = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    let delta =
        |text: &&str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let events = [json!({"type": "message_start", "message": message}), begin];
    let events = events.into_iter().chain(text.iter().map(delta));
    Script::sse(events.map(|event| anthropic::event(&event))).then(last)
}

fn with_document(model: &str) -> Value {
    let source = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"});
    let content = json!([{"type": "document", "source": source}, {"type": "text", "text": "Sum up"}]);
    json!({"model": model, "stream": true, "max_tokens": 50, "messages": [{"role": "user", "content": content}]})
}

#[tokio::test]
async fn a_prompt_that_the_provider_counted_is_charged_as_it_said() {
    let well = well().await;
    for is_left in [false, true] {
        let last = move || if is_left { FOR_EVER } else { Piece::Break };
        let upstream = Upstream::start(move |_| of_a_document(&["a", "b"], last())).await;
        let gateway = before(&upstream.url, "anthropic", &well, "").await;
        let key = gateway.key(budget()).await;
        match is_left {
            true => read_a_little(&gateway, "/v1/messages", &key, &with_document("fast")).await,
            false => drop(gateway.post("/v1/messages", &key, with_document("fast").to_string()).await),
        }
        let calls = gateway.calls_once(1).await;
        let call = &calls[0];
        assert_eq!(call.status, if is_left { CallStatus::CallerGone } else { CallStatus::Cut });
        assert_eq!((call.usage.get(Meter::Input), call.usage.get(Meter::Output)), (300_000, 2), "{call:?}");
        // One of the two tokens was said; the other is an estimate beyond what was reserved.
        assert_eq!((call.cost_usd, call.estimated), (Some(NanoUsd(300_002_000)), true), "{call:?}");
        assert!(call.reserved_usd < Some(NanoUsd(10_000_000)), "{call:?}");
        assert_eq!(call.overrun_usd, call.cost_usd.unwrap() - call.reserved_usd.unwrap());
        adds_up(&gateway, &calls);
    }
}

#[tokio::test]
async fn an_attempt_that_broke_off_before_its_content_is_charged_as_the_provider_said() {
    let well = well().await;
    let upstream = Upstream::start(|_| of_a_document(&[], Piece::Break)).await;
    let gateway = before(&upstream.url, "anthropic", &well, "").await;
    let key = gateway.key(budget()).await;
    // The one who answers in the end has no place for a document.
    drop(gateway.post("/v1/messages", &key, with_document("fast").to_string()).await);
    let calls = gateway.calls_once(1).await;
    let call = &calls[0];
    assert_eq!((call.attempts.len(), call.attempts[0].usage.get(Meter::Input)), (1, 300_000), "{call:?}");
    // The message began with one token.
    assert_eq!((call.cost_usd, call.estimated), (Some(NanoUsd(300_002_000)), true), "{call:?}");
    adds_up(&gateway, &calls);
}

#[tokio::test]
async fn what_the_provider_counted_of_an_unbounded_answer_is_charged_as_it_said() {
    let well = well().await;
    for is_left in [false, true] {
        let chunk = |output: u64| {
            let content = json!({"role": "model", "parts": [{"text": "a"}]});
            let usage = json!({"promptTokenCount": 9, "candidatesTokenCount": output, "thoughtsTokenCount": 500,
                               "totalTokenCount": output + 509});
            let event = json!({"candidates": [{"content": content, "index": 0}], "usageMetadata": usage,
                               "modelVersion": "m-1", "responseId": "r"});
            format!("data: {event}\r\n\r\n")
        };
        let last = move || if is_left { FOR_EVER } else { Piece::Break };
        let upstream = Upstream::start(move |_| Script::sse([chunk(8_000)]).then(last())).await;
        let gateway = before(&upstream.url, "gemini", &well, "").await;
        let key = gateway.key(budget()).await;
        let own = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]});
        let mut other = ask("fast", true);
        other.as_object_mut().unwrap().remove("max_tokens");
        for (path, body) in
            [("/v1beta/models/fast:streamGenerateContent?alt=sse", own), ("/v1/chat/completions", other)]
        {
            match is_left {
                true => read_a_little(&gateway, path, &key, &body).await,
                false => drop(gateway.post(path, &key, body.to_string()).await),
            }
        }
        let calls = gateway.calls_once(2).await;
        for call in &calls {
            let counted = [Meter::Input, Meter::Output, Meter::Reasoning].map(|meter| call.usage.get(meter));
            assert_eq!((counted, call.estimated), ([9, 8_000, 500], true), "{call:?}");
            assert_eq!(call.cost_usd, Some(NanoUsd(9_000 + 17_000_000)), "{call:?}");
            assert_eq!(call.overrun_usd, call.cost_usd.unwrap() - call.reserved_usd.unwrap());
        }
        adds_up(&gateway, &calls);
    }
}

/// A place that takes connections, reads until the prompt has come and then hangs up.
async fn hanging_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut read = Vec::new();
            while !read.ends_with(b"}") {
                if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                    break;
                }
            }
        }
    });
    url
}

/// Asks for `safe` and `fast`, whole and streamed, where the first provider gives no answer, and gives the first attempts.
async fn without_a_head(url: &str, patience: &str) -> Vec<CallRecord> {
    let well = well().await;
    let patience = format!("[providers.mock.timeouts]\nfirst_byte = \"{patience}\"");
    let gateway = before(url, "openai-chat", &well, &patience).await;
    let key = gateway.key(budget()).await;
    for (model, stream) in [("safe", false), ("safe", true), ("fast", false), ("fast", true)] {
        let answer = gateway.post("/v1/chat/completions", &key, ask(model, stream).to_string()).await;
        assert_eq!(answer.status == 200, model == "safe", "{}", answer.text);
    }
    let calls = gateway.calls_once(4).await;
    adds_up(&gateway, &calls);
    calls
}

#[tokio::test]
async fn a_provider_that_had_the_prompt_and_never_answered_is_charged_for_it() {
    let silent = Upstream::start(|_| Script::json(200, &json!({})).after(Duration::from_secs(600))).await;
    for url in [silent.url.clone(), hanging_up().await] {
        for call in without_a_head(&url, "500ms").await {
            let lost = &call.attempts[0];
            assert!(lost.estimated && lost.usage.get(Meter::Input) > 0, "{call:?}");
            assert_eq!(lost.usage.total(), lost.usage.get(Meter::Input), "{call:?}");
            assert_eq!(lost.cost_usd, Some(NanoUsd(1_000 * i64::try_from(lost.usage.get(Meter::Input)).unwrap())));
            assert!(call.estimated && call.overrun_usd == NanoUsd::ZERO, "{call:?}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_never_had_the_prompt_is_not_charged_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    // Nobody listens; and one that takes the connection and never says hello.
    for url in [format!("http://{closed}"), format!("https://{place}")] {
        for call in without_a_head(&url, "500ms").await {
            let lost = &call.attempts[0];
            assert_eq!(
                (lost.usage.total(), lost.cost_usd, lost.estimated),
                (0, Some(NanoUsd::ZERO), false),
                "{call:?}"
            );
        }
    }
    // A refusal is an answer, whatever its status.
    for status in [500, 502, 503, 504] {
        let refusing = Upstream::start(move |_| openai::error(status, "server_error", "busy", "come back")).await;
        for call in without_a_head(&refusing.url, "60s").await {
            assert_eq!(call.attempts[0].cost_usd, Some(NanoUsd::ZERO), "{call:?}");
        }
    }
}

/// A stream whose rest is ready at once, a while after its beginning, which was read: `rest` in pieces, and whether the
/// provider says its usage.
fn with_a_rest(rest: &[String], says_usage: bool) -> Script {
    let pause = Piece::Pause(Duration::from_millis(300));
    let mut script = Script::sse([openai::chunk(&json!({"content": "a "}), None)]).then(pause);
    for text in rest {
        script = script.then(Piece::Bytes(openai::chunk(&json!({"content": text}), None).into()));
    }
    script = script.then(Piece::Bytes(openai::chunk(&json!({}), Some("stop")).into()));
    if says_usage {
        script = script.then(Piece::Bytes(openai::usage(9, 70_000).into()));
    }
    script.then(Piece::Bytes("data: [DONE]\n\n".into()))
}

#[tokio::test]
async fn what_is_read_for_nobody_is_read_to_its_end_and_counted() {
    let well = well().await;
    let (much, little) = (vec!["word ".repeat(20_000); 6], vec!["word ".repeat(1_000)]);
    for (rest, says_usage) in [(much, true), (little, false)] {
        let upstream = Upstream::start(move |_| with_a_rest(&rest, says_usage)).await;
        let gateway = before(&upstream.url, "openai-chat", &well, "on_disconnect = \"drain\"").await;
        let key = gateway.key(budget()).await;
        let mut body = ask("fast", true);
        body["max_tokens"] = json!(100_000);
        read_a_little(&gateway, "/v1/chat/completions", &key, &body).await;
        let calls = gateway.calls_once(1).await;
        let (call, output) = (&calls[0], calls[0].usage.get(Meter::Output));
        assert_eq!((call.status, call.estimated), (CallStatus::CallerGone, !says_usage), "{call:?}");
        match says_usage {
            true => assert_eq!((output, call.cost_usd), (70_000, Some(NanoUsd(9_000 + 140_000_000))), "{call:?}"),
            false => assert!((900..2_000).contains(&output), "{call:?}"),
        }
        adds_up(&gateway, &calls);
    }
}

#[tokio::test]
async fn what_is_read_for_nobody_goes_on_where_more_is_ready_than_is_read_at_once() {
    let well = well().await;
    let more = "on_disconnect = \"drain\"\n[[models]]\nname = \"all\"\ndeployments = [{ model = \"sandbox:echo\" }]";
    let gateway = before("http://127.0.0.1:9", "openai-chat", &well, more).await;
    let key = gateway.key(budget()).await;
    // All of its answer is ready at once, and it is more than what sockets hold for a caller who reads no further.
    let text = "a ".repeat(120_000);
    let body = json!({"model": "all", "stream": true, "max_tokens": 200_000,
                      "messages": [{"role": "user", "content": text}]});
    read_a_little(&gateway, "/v1/chat/completions", &key, &body).await;
    let calls = gateway.calls_once(1).await;
    assert_eq!((calls[0].status, calls[0].estimated), (CallStatus::CallerGone, false), "{calls:?}");
    assert_eq!(calls[0].usage.get(Meter::Input), 120_000);
    assert!(calls[0].usage.get(Meter::Output) > 120_000);
    adds_up(&gateway, &calls);
}

#[tokio::test]
async fn what_a_provider_stores_is_noted_also_where_nobody_reads_it() {
    let well = well().await;
    let upstream = Upstream::start(|seen| {
        let event = |kind: &str, mut event: Value| {
            event["type"] = json!(kind);
            format!("event: {kind}\ndata: {event}\n\n")
        };
        if seen.json()["stream"] != true {
            return Script::json(
                200,
                &json!({"id": "resp_2", "object": "response", "status": "completed",
                "model": "m-1", "output": [], "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}),
            );
        }
        let run = json!({"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "1",
                         "container_id": "cntr_1", "outputs": null});
        let text = json!({"output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "Hi"});
        let whole = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m-1", "output": [run],
                           "usage": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}});
        let pause = Piece::Pause(Duration::from_millis(300));
        let begun = json!({"response": {"id": "resp_1", "model": "m-1", "status": "in_progress", "output": []}});
        let done = event("response.output_item.done", json!({"output_index": 1, "item": run}));
        Script::sse([event("response.created", begun), event("response.output_text.delta", text)])
            .then(pause.clone())
            .then(Piece::Bytes(done.into()))
            .then(pause)
            .then(Piece::Bytes(event("response.completed", json!({"response": whole})).into()))
    })
    .await;
    let gateway = before(&upstream.url, "openai-responses", &well, "on_disconnect = \"drain\"").await;
    let key = gateway.key(budget()).await;
    read_a_little(&gateway, "/v1/responses", &key, &json!({"model": "fast", "stream": true, "input": "Hello"})).await;
    let calls = gateway.calls_once(1).await;
    assert_eq!((calls[0].status, calls[0].cost_usd), (CallStatus::CallerGone, Some(NanoUsd(14_000))), "{calls:?}");
    let tools = json!([{"type": "code_interpreter", "container": "cntr_1"}]);
    let named = json!({"model": "fast", "input": "Hello", "tools": tools}).to_string();
    let answer = gateway.post("/v1/responses", &key, named).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}
