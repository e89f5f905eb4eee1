//! Files and batches through the gateway: whose they are, what each call of a batch costs and when, and that a restart
//! neither frees nor settles what is held.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on must fail loudly")]

mod elsewhere;
mod kill;
mod provider;
mod sdks;
mod shared;
mod unclear;

use std::time::Duration;

use http::Method;
use llm_core::batch::{BatchDraft, BatchState};
use llm_core::file::{FileList, FileUpload};
use llm_core::{ChatRequest, ErrorKind, NanoUsd};
use llm_gateway::record::{CallRecord, CallStatus};
use llm_tests::live::{Answer, TestGateway};
use provider::{Provider, State};
use serde_json::{Value, json};

fn config(provider: &Provider, poll: &str) -> String {
    format!(
        r#"
        [batches]
        poll = "{poll}"
        [providers.openai]
        api_key = "sk-upstream"
        base_url = "{0}/v1"
        [providers.anthropic]
        api_key = "sk-upstream"
        base_url = "{0}"
        [[models]]
        name = "fast"
        deployments = [{{ model = "openai:gpt-4o-mini", price = {{ input = "1", output = "2" }} }}]
        [[models]]
        name = "calm"
        deployments = [{{ model = "anthropic:claude-haiku-4-5", price = {{ input = "2", output = "4" }} }}]
        "#,
        provider.upstream.url
    )
}

/// What a test's gateway is asked as, and by whom.
struct Caller<'a> {
    gateway: &'a TestGateway,
    key: &'a str,
}

impl Caller<'_> {
    async fn upload(&self, lines: &str) -> Answer {
        self.form(&[("purpose", "batch")], "calls.jsonl", lines).await
    }

    async fn form(&self, members: &[(&str, &str)], name: &str, data: &str) -> Answer {
        let mut body = String::new();
        for (name, text) in members {
            body.push_str(&format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"));
        }
        body.push_str(&format!(
            "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{data}\r\n--cut--\r\n"
        ));
        let request = self.gateway.http().post(format!("{}/v1/files", self.gateway.url)).bearer_auth(self.key);
        let request = request.header("content-type", "multipart/form-data; boundary=cut").body(body);
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        Answer { status, headers, text: answer.text().await.unwrap() }
    }

    async fn create(&self, file: &str) -> Answer {
        let body = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
        self.gateway.post("/v1/batches", self.key, body.to_string()).await
    }

    /// A batch of `lines`, and its id.
    async fn made(&self, lines: &str) -> String {
        let file = self.upload(lines).await;
        assert_eq!(file.status, 200, "{}", file.text);
        let batch = self.create(file.json()["id"].as_str().unwrap()).await;
        assert_eq!(batch.status, 200, "{}", batch.text);
        batch.json()["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Answer {
        self.gateway.get(path, self.key).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.gateway.send(Method::DELETE, path, self.key).await
    }
}

/// Lines that ask `model`, each bounded at 10 tokens.
fn lines(model: &str, ids: &[&str]) -> String {
    let line = |id: &&str| {
        let messages = json!([{"role": "user", "content": "Hello"}]);
        let body = json!({"model": model, "messages": messages, "max_tokens": 10, "new_member": {"x": id}});
        format!("{}\n", json!({"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": body}))
    };
    ids.iter().map(line).collect()
}

/// The records of calls of batches, by their custom id.
fn of_batches(calls: Vec<CallRecord>) -> Vec<CallRecord> {
    let mut calls: Vec<_> = calls.into_iter().filter(|call| call.batch.is_some()).collect();
    calls.sort_by_key(|call| call.batch.as_ref().unwrap().custom_id.clone());
    calls
}

/// What a limit of a key holds: used, reserved.
async fn held(gateway: &TestGateway, key: &str) -> (String, String) {
    let key = gateway.gateway.keys().authenticate(key, jiff::Timestamp::now()).unwrap();
    let now = gateway.gateway.now_ms();
    let status = gateway.gateway.ledger().statuses(now, &key.scope());
    (NanoUsd(status[0].used).to_string(), NanoUsd(status[0].reserved).to_string())
}

const BUDGET: &str = r#"{"limits": [{"meter": "spend", "window": "month", "amount": "1.00"}]}"#;

fn budget() -> Value {
    serde_json::from_str(BUDGET).unwrap()
}

#[tokio::test]
async fn a_batch_is_held_line_by_line_and_settled_at_half_the_price() {
    let provider = Provider::start().await;
    let gateway = TestGateway::start(&config(&provider, "1h")).await;
    let key = gateway.key(budget()).await;
    let caller = Caller { gateway: &gateway, key: &key };
    let batch = caller.made(&lines("fast", &["a", "b", "bad"])).await;

    // What went up names the provider's model and keeps every other member.
    let sent = provider.file(0);
    assert_eq!(sent.matches("\"model\":\"gpt-4o-mini\"").count(), 3, "{sent}");
    assert_eq!(sent.matches("new_member").count(), 3);

    let (used, reserved) = held(&gateway, &key).await;
    assert_eq!(used, "0");
    assert!(reserved.parse::<f64>().unwrap() > 0.000_05, "{reserved}");
    assert!(of_batches(gateway.calls().await).is_empty());

    let early = caller.get(&format!("/v1/batches/{batch}")).await.json();
    assert_eq!((early["status"].as_str(), early["object"].as_str()), (Some("validating"), Some("batch")));
    provider.end(&batch, State::Completed);
    let done = caller.get(&format!("/v1/batches/{batch}")).await.json();
    assert_eq!(done["status"], "completed");

    let calls = of_batches(gateway.calls().await);
    let told = |call: &CallRecord| {
        let line = call.batch.clone().unwrap();
        (line.custom_id.to_string(), call.status, call.cost_usd.unwrap().to_string(), call.operation.to_string())
    };
    // 100 prompt tokens at 1 USD and 10 answered ones at 2 USD for a million, and half of that.
    let good = |id: &str| (id.to_owned(), CallStatus::Ok, "0.00006".to_owned(), "chat".to_owned());
    let bad = ("bad".to_owned(), CallStatus::Error, "0".to_owned(), "chat".to_owned());
    assert_eq!(calls.iter().map(told).collect::<Vec<_>>(), [good("a"), good("b"), bad]);
    assert!(calls.iter().all(|call| &*call.model == "fast" && call.batch.as_ref().unwrap().id.as_ref() == batch));
    assert_eq!(held(&gateway, &key).await, ("0.00012".to_owned(), "0".to_owned()));

    // Looked at again, nothing is settled again; the results are the caller's to read, in both files.
    let output = caller.get(&format!("/v1/files/{}/content", done["output_file_id"].as_str().unwrap())).await;
    assert_eq!((output.status.as_u16(), output.text.lines().count()), (200, 2));
    let errors = caller.get(&format!("/v1/files/{}/content", done["error_file_id"].as_str().unwrap())).await;
    assert_eq!((errors.status.as_u16(), errors.text.lines().count()), (200, 1));
    assert_eq!(of_batches(gateway.calls().await).len(), 3);
}

#[tokio::test]
async fn what_is_another_keys_is_nobodys() {
    let provider = Provider::start().await;
    let gateway = TestGateway::start(&config(&provider, "1h")).await;
    let (mine, other) = (gateway.key(json!({})).await, gateway.key(json!({})).await);
    let (mine, other) = (Caller { gateway: &gateway, key: &mine }, Caller { gateway: &gateway, key: &other });
    let file = mine.upload(&lines("fast", &["a"])).await.json()["id"].as_str().unwrap().to_owned();
    let batch = mine.create(&file).await.json()["id"].as_str().unwrap().to_owned();
    let reached = provider.upstream.seen().len();
    for path in [
        format!("/v1/files/{file}"),
        format!("/v1/files/{file}/content"),
        format!("/v1/batches/{batch}"),
        "/v1/files/file-unknown".to_owned(),
        "/v1/batches/batch_unknown".to_owned(),
        // Kinds don't stand for each other.
        format!("/v1/files/{batch}"),
    ] {
        let refused = other.get(&path).await;
        assert_eq!(refused.status, 404, "{path}: {}", refused.text);
        assert_eq!(refused.json()["error"]["code"], "not_found", "{path}");
    }
    assert_eq!(other.delete(&format!("/v1/files/{file}")).await.status, 404);
    let refused = other.create(&file).await;
    assert_eq!((refused.status.as_u16(), refused.json()["error"]["param"].as_str()), (404, Some("input_file_id")));
    let cancel = gateway.post(&format!("/v1/batches/{batch}/cancel"), other.key, "").await;
    assert_eq!(cancel.status, 404);
    assert_eq!(provider.upstream.seen().len(), reached, "a stranger reached the provider");

    for path in ["/v1/files", "/v1/batches"] {
        let ids = |answer: Answer| answer.json()["data"].as_array().unwrap().len();
        assert_eq!((ids(mine.get(path).await), ids(other.get(path).await)), (1, 0), "{path}");
    }
    let listed = mine.get("/v1/files?purpose=batch&limit=5").await.json();
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["filename"]), (&json!(file), &json!("calls.jsonl")));
    assert_eq!(mine.get("/v1/files?purpose=assistants").await.json()["data"], json!([]));
    let gone = mine.delete(&format!("/v1/files/{file}")).await.json();
    assert_eq!((&gone["id"], &gone["deleted"]), (&json!(file), &json!(true)));
    assert_eq!(mine.get(&format!("/v1/files/{file}")).await.status, 404);
}

#[tokio::test]
async fn what_no_batch_can_hold_is_refused_with_its_line() {
    let provider = Provider::start().await;
    let gateway = TestGateway::start(&config(&provider, "1h")).await;
    let key = gateway.key(json!({"models": ["fast", "calm", "openai:gpt-4o-mini"]})).await;
    let caller = Caller { gateway: &gateway, key: &key };
    let with = |change: &dyn Fn(&mut Value)| {
        let mut line: Value = serde_json::from_str(&lines("fast", &["b"])).unwrap();
        change(&mut line);
        format!("{}{line}\n", lines("fast", &["a"]))
    };
    for (text, status, says) in [
        (String::new(), 400, "no call"),
        ("{".to_owned(), 400, "line 1: it is not valid JSON"),
        (with(&|line| line["custom_id"] = json!("a")), 400, "line 2: the `custom_id` `a` stands there twice"),
        (with(&|line| line["url"] = json!("/v1/audio/speech")), 400, "line 2: no call of a batch can go to"),
        (with(&|line| line["method"] = json!("GET")), 400, "line 2: `method`"),
        (with(&|line| line["body"]["stream"] = json!(true)), 400, "line 2: `stream`"),
        (with(&|line| line["body"]["model"] = json!("calm")), 400, "line 2: all calls of a batch go to one deployment"),
        (with(&|line| line["body"]["model"] = json!("openai:gpt-4o-mini")), 400, "are one model"),
        (with(&|line| line["body"]["model"] = json!("nonsense")), 404, "line 2: the model `nonsense`"),
        (with(&|line| line["body"]["model"] = json!("openai:gpt-4o")), 403, "line 2: this API key may not call"),
        (lines("calm", &["a"]), 501, "takes batches in this form"),
    ] {
        let refused = caller.upload(&text).await;
        assert!(refused.text.contains(says), "{says}: {}", refused.text);
        assert_eq!(refused.status, status, "{}", refused.text);
    }
    assert!(provider.upstream.seen().is_empty());
    // Two providers keep files, and nothing says which; but only one of them in the caller's protocol.
    let notes = caller.form(&[("purpose", "user_data")], "notes.txt", "hi").await;
    assert_eq!(notes.status, 200, "{}", notes.text);
    let not_calls = caller.create(notes.json()["id"].as_str().unwrap()).await;
    assert_eq!((not_calls.status.as_u16(), not_calls.json()["error"]["param"].as_str()), (400, Some("input_file_id")));
}

#[tokio::test]
async fn a_budget_that_a_batch_would_pass_refuses_all_of_it() {
    let provider = Provider::start().await;
    let gateway = TestGateway::start(&config(&provider, "1h")).await;
    let small = json!({"limits": [{"meter": "spend", "window": "month", "amount": "0.00005"}]});
    let key = gateway.key(small).await;
    let caller = Caller { gateway: &gateway, key: &key };
    let file = caller.upload(&lines("fast", &["a", "b", "c"])).await.json()["id"].as_str().unwrap().to_owned();
    let refused = caller.create(&file).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert!(refused.text.contains("budget") && refused.text.contains("call `"), "{}", refused.text);
    assert_eq!(held(&gateway, &key).await, ("0".to_owned(), "0".to_owned()));
    assert_eq!(gateway.calls().await.last().unwrap().status, CallStatus::Refused);
    assert!(provider.upstream.seen().iter().all(|seen| !seen.path.contains("batches")));
}

#[tokio::test]
async fn what_a_stopped_batch_did_not_answer_is_given_back() {
    for (state, code) in
        [(State::Cancelled, "batch_cancelled"), (State::Expired, "batch_expired"), (State::Failed, "batch_failed")]
    {
        let provider = Provider::start().await;
        let gateway = TestGateway::start(&config(&provider, "1h")).await;
        let key = gateway.key(budget()).await;
        let caller = Caller { gateway: &gateway, key: &key };
        let batch = caller.made(&lines("fast", &["a", "lost"])).await;
        let cancelling = gateway.post(&format!("/v1/batches/{batch}/cancel"), &key, "").await;
        assert_eq!(cancelling.json()["status"], "cancelling");
        assert!(of_batches(gateway.calls().await).is_empty());
        provider.end(&batch, state);
        caller.get(&format!("/v1/batches/{batch}")).await;
        let calls = of_batches(gateway.calls().await);
        let answered = if state == State::Failed { 0 } else { 1 };
        assert_eq!(calls.iter().filter(|call| call.status == CallStatus::Ok).count(), answered, "{state:?}");
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[1].error.as_deref(), Some(code));
        let used = if answered == 1 { "0.00006" } else { "0" };
        assert_eq!(held(&gateway, &key).await, (used.to_owned(), "0".to_owned()));
    }
}

#[tokio::test]
async fn results_are_found_where_nobody_asks() {
    let provider = Provider::start().await;
    let gateway = TestGateway::start(&config(&provider, "20ms")).await;
    let key = gateway.key(budget()).await;
    let batch = Caller { gateway: &gateway, key: &key }.made(&lines("fast", &["a", "b"])).await;
    provider.end(&batch, State::Completed);
    // The upload, the making, and the two calls.
    let calls = of_batches(gateway.calls_once(4).await);
    assert_eq!(calls.len(), 2);
    assert_eq!(held(&gateway, &key).await, ("0.00012".to_owned(), "0".to_owned()));
}

#[tokio::test]
async fn a_restart_neither_frees_nor_settles_and_a_torn_settlement_goes_on() {
    let provider = Provider::start().await;
    let gateway = TestGateway::start(&config(&provider, "1h")).await;
    let key = gateway.key(budget()).await;
    let batch = Caller { gateway: &gateway, key: &key }.made(&lines("fast", &["a", "b", "c"])).await;
    let before = held(&gateway, &key).await;
    let gateway = gateway.restart(&config(&provider, "1h")).await;
    assert_eq!(held(&gateway, &key).await, before);
    assert!(of_batches(gateway.calls().await).is_empty());

    // The results break off behind the first line: what came is settled, the rest goes on being held.
    provider.end(&batch, State::Torn);
    Caller { gateway: &gateway, key: &key }.get(&format!("/v1/batches/{batch}")).await;
    assert_eq!(of_batches(gateway.calls().await).len(), 1);
    let torn = held(&gateway, &key).await;
    assert_eq!(torn.0, "0.00006");
    let gateway = gateway.restart(&config(&provider, "1h")).await;
    assert_eq!(held(&gateway, &key).await, torn);

    provider.end(&batch, State::Completed);
    Caller { gateway: &gateway, key: &key }.get(&format!("/v1/batches/{batch}")).await;
    let calls = of_batches(gateway.calls().await);
    assert_eq!(calls.len(), 3);
    let sum: NanoUsd = calls.iter().map(|call| call.cost_usd.unwrap()).sum();
    assert_eq!(held(&gateway, &key).await, (sum.to_string(), "0".to_owned()));
    assert_eq!(sum.to_string(), "0.00018");
}

#[tokio::test]
async fn anthropics_callers_make_batches_there_and_elsewhere() {
    for (model, price) in [("calm", "0.00012"), ("fast", "0.00006")] {
        let provider = Provider::start().await;
        let gateway = TestGateway::start(&config(&provider, "1h")).await;
        let (key, other) = (gateway.key(budget()).await, gateway.key(json!({})).await);
        let ask = |method: http::Method, path: String, key: String, body: Option<Value>| {
            let request = gateway.http().request(method, format!("{}{path}", gateway.url));
            let request = request.header("x-api-key", key).header("anthropic-version", "2023-06-01");
            let request = request.header("content-type", "application/json");
            let request = body.into_iter().fold(request, |request, body| request.body(body.to_string()));
            async move {
                let answer = request.send().await.unwrap();
                (answer.status().as_u16(), answer.text().await.unwrap())
            }
        };
        let params = json!({"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]});
        let requests: Vec<Value> = ["a", "bad"].iter().map(|id| json!({"custom_id": id, "params": params})).collect();
        let body = json!({"requests": requests});
        let (status, made) = ask(http::Method::POST, "/v1/messages/batches".to_owned(), key.clone(), Some(body)).await;
        assert_eq!(status, 200, "{model}: {made}");
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!((&made["type"], &made["processing_status"]), (&json!("message_batch"), &json!("in_progress")));
        let id = made["id"].as_str().unwrap();
        let place = format!("/v1/messages/batches/{id}");
        let (status, refused) = ask(http::Method::GET, place.clone(), other, None).await;
        assert_eq!(status, 404);
        assert!(refused.contains("not_found_error"), "{refused}");

        provider.end(id, State::Completed);
        let (status, results) = ask(http::Method::GET, format!("{place}/results"), key.clone(), None).await;
        assert_eq!(status, 200, "{results}");
        let results: Vec<Value> = results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(results[0]["result"]["message"]["content"][0]["text"], "Hi");
        assert_eq!((results.len(), &results[1]["result"]["type"]), (2, &json!("errored")));
        let calls = of_batches(gateway.calls().await);
        assert_eq!(calls.len(), 2, "{model}");
        assert_eq!((calls[0].cost_usd.unwrap().to_string(), calls[1].status), (price.to_owned(), CallStatus::Error));
        assert_eq!(held(&gateway, &key).await, (price.to_owned(), "0".to_owned()));
    }
}

#[tokio::test]
async fn the_client_crosses_over() {
    let provider = Provider::start().await;
    let gateway = TestGateway::start(&config(&provider, "1h")).await;
    let key = gateway.key(budget()).await;
    for (client, id) in [
        (provider.client(), "openai"),
        (provider.client(), "anthropic"),
        (gateway.client(&key), "openai"),
        (gateway.client(&key), "anthropic"),
    ] {
        let model = if id == "openai" { "openai:gpt-4o-mini" } else { "anthropic:claude-haiku-4-5" };
        let batches = client.batches(id).unwrap();
        let ask = || ChatRequest::new(model).user("Hello").max_tokens(10);
        let batch = batches.create(BatchDraft::default().chat("a", ask()).chat("bad", ask())).await.unwrap();
        assert!(!batch.state.is_final());
        provider.end(&batch.id, State::Completed);
        let batch = batches.get(&batch.id).await.unwrap();
        assert_eq!(batch.state, BatchState::Completed);
        let (mut results, mut seen) = (batches.results(&batch), Vec::new());
        while let Some(result) = results.next().await.transpose().unwrap() {
            seen.push((
                result.custom_id,
                result.chat.map(|chat| chat.text()),
                result.error.map(|error| error.0.kind()),
            ));
        }
        assert_eq!(seen[0], ("a".to_owned(), Some("Hi".to_owned()), None), "{id}");
        assert_eq!((seen[1].0.as_str(), seen[1].2), ("bad", Some(ErrorKind::InvalidRequest)), "{id}");

        let files = client.files(id).unwrap();
        let kept = files.upload(FileUpload::new("notes.txt", "hello").purpose("user_data")).await.unwrap();
        assert_eq!(files.get(&kept.id).await.unwrap().filename.as_deref(), Some("notes.txt"));
        assert_eq!(&files.content(&kept.id).await.unwrap().data[..], b"hello");
        assert!(files.list(FileList::default()).await.unwrap().files.iter().any(|file| file.id == kept.id));
        files.delete(&kept.id).await.unwrap();
        assert_eq!(files.get(&kept.id).await.unwrap_err().status(), 404);
    }
    let calls = of_batches(gateway.calls().await);
    assert_eq!(calls.iter().filter(|call| call.status == CallStatus::Ok).count(), 2);
    let none = gateway.client(&key).batches("ollama").unwrap().list(Default::default()).await;
    drop(none);
    let lacking = provider.client().batches("ollama").unwrap_err();
    assert!(matches!(lacking.kind(), ErrorKind::NotImplemented | ErrorKind::MissingCredential), "{lacking:?}");
    tokio::time::timeout(Duration::from_secs(30), gateway.stop()).await.unwrap();
}
