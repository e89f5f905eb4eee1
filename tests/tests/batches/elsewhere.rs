//! Batches and files at Google and Mistral, whose protocols have their own: by the client in process, through the
//! gateway, and by Anthropic's callers.

use std::sync::Mutex;

use llm_core::batch::{BatchDraft, BatchState};
use llm_core::file::{FileList, FileUpload};
use llm_core::{ChatRequest, ErrorKind};
use llm_gateway::record::CallStatus;
use llm_tests::live::{Script, Seen, TestGateway, Upstream, openai};
use serde_json::{Value, json};

use crate::{budget, held, of_batches};

/// What was asked in the one batch of each, by custom id.
#[derive(Default)]
struct Asked {
    google: Vec<String>,
    mistral: Vec<String>,
}

/// Every call is answered "Hi", but for those called `bad`.
fn answer(seen: &Seen, asked: &Mutex<Asked>) -> Script {
    let mut asked = asked.lock().unwrap();
    let path = seen.path.split('?').next().unwrap();
    let body = seen.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let file = json!({"name": "files/f1", "displayName": "notes.txt", "mimeType": "text/plain", "sizeBytes": "5"});
    let job = |status: &str, output: Value| {
        json!({"id": "j1", "object": "batch", "input_files": ["in"], "endpoint": "/v1/chat/completions",
            "status": status, "output_file": output, "total_requests": 2, "succeeded_requests": 1, "failed_requests": 1})
    };
    match (seen.method.as_str(), path) {
        ("POST", "/v1beta/models/gemini-2.5-flash:batchGenerateContent") => {
            let requests = body["batch"]["inputConfig"]["requests"]["requests"].as_array().unwrap();
            asked.google = requests.iter().map(|request| text(&request["metadata"]["key"])).collect();
            assert_eq!(requests[0]["request"]["contents"][0]["parts"][0]["text"], "Hello");
            Script::json(200, &json!({"name": "batches/b1", "metadata": {"state": "BATCH_STATE_PENDING"}}))
        }
        ("GET", "/v1beta/batches/b1") => {
            let result = |key: &String| match key.as_str() {
                "bad" => {
                    json!({"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}, "metadata": {"key": key}})
                }
                _ => json!({"metadata": {"key": key}, "response": {
                    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
                    "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}}}),
            };
            let results: Vec<Value> = asked.google.iter().map(result).collect();
            Script::json(
                200,
                &json!({"name": "batches/b1", "done": true,
                "metadata": {"state": "BATCH_STATE_SUCCEEDED", "batchStats": {"requestCount": "2", "successfulRequestCount": "1"}},
                "response": {"inlinedResponses": {"inlinedResponses": results}}}),
            )
        }
        ("POST", "/upload/v1beta/files") => Script::json(200, &json!({ "file": file })),
        ("GET", "/v1beta/files/f1") => Script::json(200, &file),
        ("GET", "/v1beta/files") => Script::json(200, &json!({"files": [file]})),
        ("DELETE", "/v1beta/files/f1") => Script::json(200, &json!({})),
        ("POST", "/v1/files") => {
            let form = String::from_utf8_lossy(&seen.body);
            let lines = form.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let calls: Vec<Value> = lines.filter(|line| line.get("custom_id").is_some()).collect();
            assert!(
                calls.iter().all(|call| call["body"]["model"] == "mistral-small-latest" && call.get("url").is_none())
            );
            if !calls.is_empty() {
                asked.mistral = calls.iter().map(|call| text(&call["custom_id"])).collect();
            }
            let id = if calls.is_empty() { "f1" } else { "in" };
            Script::json(
                200,
                &json!({"id": id, "object": "file", "bytes": 5, "filename": "notes.txt", "purpose": "batch"}),
            )
        }
        ("POST", "/v1/batch/jobs") => {
            assert_eq!((&body["input_files"], &body["model"]), (&json!(["in"]), &json!("mistral-small-latest")));
            Script::json(200, &job("QUEUED", Value::Null))
        }
        ("GET", "/v1/batch/jobs/j1") => Script::json(200, &job("SUCCESS", json!("out"))),
        ("GET", "/v1/files/out/content") => {
            let line = |id: &String| match id.as_str() {
                "bad" => json!({"custom_id": id, "response": {"status_code": 400, "body": {"message": "no"}}}),
                _ => json!({"custom_id": id, "response": {"status_code": 200, "body": openai::answer("Hi", 100, 10)}}),
            };
            let lines: String = asked.mistral.iter().map(|id| format!("{}\n", line(id))).collect();
            Script::body(200, "application/octet-stream", lines)
        }
        ("GET", "/v1/files/f1") => {
            Script::json(200, &json!({"id": "f1", "object": "file", "bytes": 5, "filename": "notes.txt"}))
        }
        ("DELETE", "/v1/files/f1") => Script::json(200, &json!({"id": "f1", "object": "file", "deleted": true})),
        (method, other) => openai::error(404, "invalid", "not_found", &format!("nothing at {method} {other}")),
    }
}

async fn upstream() -> Upstream {
    let asked = Mutex::new(Asked::default());
    Upstream::start(move |seen| answer(seen, &asked)).await
}

async fn gateway(upstream: &Upstream) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        [providers.gemini]
        api_key = "up"
        base_url = "{0}"
        [providers.mistral]
        api_key = "up"
        base_url = "{0}/v1"
        [[models]]
        name = "g"
        deployments = [{{ model = "gemini:gemini-2.5-flash", price = {{ input = "1", output = "2" }} }}]
        [[models]]
        name = "m"
        deployments = [{{ model = "mistral:mistral-small-latest", price = {{ input = "1", output = "2" }} }}]
        "#,
        upstream.url
    ))
    .await
}

#[tokio::test]
async fn the_client_makes_batches_and_keeps_files_at_google_and_mistral() {
    let upstream = upstream().await;
    let gateway = gateway(&upstream).await;
    let key = gateway.key(budget()).await;
    let (alone, through) = (upstream.client(&[("gemini", ""), ("mistral", "/v1")]), gateway.client(&key));
    for (client, id, model) in [
        (&alone, "gemini", "gemini:gemini-2.5-flash"),
        (&alone, "mistral", "mistral:mistral-small-latest"),
        (&through, "gemini", "g"),
        (&through, "mistral", "m"),
    ] {
        let batches = client.batches(id).unwrap();
        let ask = || ChatRequest::new(model).user("Hello").max_tokens(10);
        let batch = batches.create(BatchDraft::default().chat("a", ask()).chat("bad", ask())).await.unwrap();
        assert_eq!(batch.state, BatchState::Validating, "{id}");
        let batch = batches.get(&batch.id).await.unwrap();
        assert_eq!(batch.state, BatchState::Completed, "{id}");
        let (mut results, mut seen) = (batches.results(&batch), Vec::new());
        while let Some(result) = results.next().await.transpose().unwrap() {
            let error = result.error.map(|error| error.0.kind());
            seen.push((result.custom_id, result.chat.map(|chat| chat.text()), error));
        }
        let want =
            [("a".to_owned(), Some("Hi".to_owned()), None), ("bad".to_owned(), None, Some(ErrorKind::InvalidRequest))];
        assert_eq!(seen, want, "{id}");

        let files = client.files(id).unwrap();
        let kept = files.upload(FileUpload::new("notes.txt", "hello").content_type("text/plain")).await.unwrap();
        assert_eq!((kept.id.as_str(), kept.bytes), ("f1", Some(5)), "{id}");
        assert_eq!(files.get("f1").await.unwrap().filename.as_deref(), Some("notes.txt"));
        files.delete("f1").await.unwrap();
    }
    assert_eq!(through.files("gemini").unwrap().get("f1").await.unwrap_err().status(), 404, "it is deleted");
    assert!(alone.files("gemini").unwrap().list(FileList::default()).await.unwrap().files.len() == 1);
    // Half of 100 prompt tokens at 1 USD and 10 answered ones at 2 USD for a million.
    let calls = of_batches(gateway.calls().await);
    let costs: Vec<_> = calls.iter().map(|call| (call.status, call.cost_usd.unwrap().to_string())).collect();
    let (good, bad) = ((CallStatus::Ok, "0.00006".to_owned()), (CallStatus::Error, "0".to_owned()));
    assert_eq!(costs, [good.clone(), good, bad.clone(), bad]);
    assert_eq!(held(&gateway, &key).await, ("0.00012".to_owned(), "0".to_owned()));
}

#[tokio::test]
async fn anthropics_callers_make_batches_there() {
    for (model, id) in [("g", "b1"), ("m", "j1")] {
        let upstream = upstream().await;
        let gateway = gateway(&upstream).await;
        let (key, other) = (gateway.key(budget()).await, gateway.key(budget()).await);
        let call = |id: &str| json!({"custom_id": id, "params": {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}});
        let body = json!({"requests": [call("a"), call("bad")]}).to_string();
        let made = gateway.post("/v1/messages/batches", &key, body).await;
        assert_eq!((made.status.as_u16(), made.json()["id"].as_str()), (200, Some(id)), "{}", made.text);
        let path = format!("/v1/messages/batches/{id}");
        assert_eq!(gateway.get(&path, &other).await.status, 404);
        assert_eq!(gateway.get(&path, &key).await.json()["processing_status"], "ended");
        let results = gateway.get(&format!("{path}/results"), &key).await;
        let lines: Vec<Value> = results.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["result"]["message"]["content"][0]["text"], "Hi", "{}", results.text);
        assert_eq!((&lines[1]["custom_id"], &lines[1]["result"]["type"]), (&json!("bad"), &json!("errored")));
    }
}
