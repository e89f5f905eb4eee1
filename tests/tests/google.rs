//! Google's callers beside chat: what passes untouched, what it comes to, whose it is, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test that can't go on must fail loudly")]

use llm_core::{NanoUsd, Protocol};
use llm_gateway::keys::{KeyDraft, KeyPatch};
use llm_gateway::record::{CallRecord, CallStatus};
use llm_tests::live::{Answer, Script, TestGateway, Upstream, google};
use serde_json::{Value, json};

async fn before(upstream: &Upstream) -> TestGateway {
    TestGateway::start(&format!(
        r#"
        [providers.gemini]
        api_key = "up"
        base_url = "{0}"
        [providers.claude]
        protocol = "anthropic"
        base_url = "{0}"
        [[models]]
        name = "gemini"
        deployments = [{{ model = "gemini:gemini-2.5-flash", price = {{ input = "1", output = "2" }} }}]
        [[models]]
        name = "vectors"
        deployments = [{{ model = "gemini:gemini-embedding-2", price = {{ input = "1" }} }}]
        [[models]]
        name = "older"
        deployments = [{{ model = "gemini:gemini-embedding-001", price = {{ input = "1" }} }}]
        [[models]]
        name = "calm"
        deployments = [{{ model = "claude:m", price = {{ input = "1", output = "2" }} }}]
        "#,
        upstream.url
    ))
    .await
}

/// Asks with what Google's clients say of an upload.
async fn asked(
    gateway: &TestGateway,
    method: http::Method,
    place: &str,
    headers: &[(&'static str, &str)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let url = if place.starts_with("http") { place.to_owned() } else { format!("{}{place}", gateway.url) };
    let mut request = gateway.http().request(method, url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.unwrap() }
}

fn of(operation: &str, calls: Vec<CallRecord>) -> Vec<CallRecord> {
    calls.into_iter().filter(|call| &*call.operation == operation).collect()
}

#[tokio::test]
async fn counts_pass_to_google_and_are_free() {
    let upstream = google().await;
    let gateway = before(&upstream).await;
    let key = gateway.key(json!({})).await;
    let bare = "{ \"contents\" : [{\"parts\":[{\"text\":\"H\\u0065llo\"}]}]}";
    let answer = gateway.post("/v1beta/models/gemini:countTokens", &key, bare).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, "{ \"totalTokens\" : 5,\"promptTokensDetails\":[ ] }")
    );
    assert_eq!(upstream.last().body, bare);
    assert_eq!(answer.headers["x-llm-cost-usd"], "0");
    let whole = |model: &str| {
        format!(
            "{{\"generateContentRequest\": {{\"model\":\"{model}\",\"contents\":[{{\"parts\":[{{\"text\":\"x\"}}]}}]}} }}"
        )
    };
    let answer = gateway.post("/v1beta/models/gemini:countTokens", &key, whole("models/gemini")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(upstream.last().body, whole("models/gemini-2.5-flash"));
    let calls = of("count_tokens", gateway.calls_once(2).await);
    assert!(calls.len() == 2 && calls.iter().all(|call| call.cost_usd == Some(NanoUsd::ZERO) && !call.estimated));
    // Another key's file is looked for wherever a body names it.
    let named = "{\"contents\":[{\"parts\":[{\"fileData\":{\"fileUri\":\"files/f1\"}}]}]}";
    let answer = gateway.post("/v1beta/models/gemini:countTokens", &key, named).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["status"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn counts_reach_providers_that_count_and_are_estimated_for_those_that_do_not() {
    let upstream = Upstream::start(|seen| match seen.path.as_str() {
        "/v1/messages/count_tokens" => Script::json(200, &json!({"input_tokens": 42})),
        other => Script::json(404, &json!({"error": {"message": other, "type": "x"}})),
    })
    .await;
    let gateway = TestGateway::start(&format!(
        "[providers.claude]\nprotocol = \"anthropic\"\nbase_url = \"{0}\"\n\
         [providers.other]\nprotocol = \"openai-chat\"\nbase_url = \"{0}\"",
        upstream.url
    ))
    .await;
    let key = gateway.key(json!({})).await;
    let body = json!({"contents": [{"parts": [{"text": "Hello there, how are you?"}]}]}).to_string();
    let counted = gateway.post("/v1beta/models/claude:m:countTokens", &key, body.clone()).await;
    assert_eq!((counted.json(), counted.headers.get("x-llm-estimated")), (json!({"totalTokens": 42}), None));
    let guessed = gateway.post("/v1beta/models/other:m:countTokens", &key, body).await;
    assert_eq!(guessed.json(), json!({"totalTokens": 7}));
    assert_eq!(guessed.headers["x-llm-estimated"], "true");
    assert_eq!(upstream.seen().len(), 1, "nobody was asked for the second");
}

#[tokio::test]
async fn vectors_pass_to_google_and_are_charged() {
    let upstream = google().await;
    let gateway = before(&upstream).await;
    let key = gateway.key(json!({"limits": [{"meter": "spend", "window": "day", "amount": "1"}]})).await;
    let many = "{\"requests\" :[ {\"model\": \"models/vectors\",\"content\":{\"parts\":[{\"text\":\"\\u0061\"}]}, \"zz\":1.50} ] }";
    let answer = gateway.post("/v1beta/models/vectors:batchEmbedContents", &key, many).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        upstream.last().body,
        many.replace("models/vectors", "models/gemini-embedding-2"),
        "only the model changes"
    );
    assert_eq!(answer.json()["embeddings"], json!([{"values": [0, 0.5]}]));
    let one = json!({"content": {"parts": [{"text": "Hello there, how are you?"}]}}).to_string();
    let answer = gateway.post("/v1beta/models/older:embedContent", &key, one.clone()).await;
    assert_eq!(answer.json(), json!({"embedding": {"values": [0.25]}}));
    assert_eq!(upstream.last().body, one);
    let calls = of("embed", gateway.calls_once(2).await);
    let mut seen: Vec<_> = calls.iter().map(|call| (call.estimated, call.cost_usd.unwrap(), call.protocol)).collect();
    seen.sort_by_key(|call| call.0);
    // Four tokens that Google said, and seven that were counted here, at a dollar for a million.
    let (said, counted) = ((false, NanoUsd(4_000), Protocol::Gemini), (true, NanoUsd(7_000), Protocol::Gemini));
    assert_eq!(seen, [said, counted]);
    for (path, body) in [
        ("vectors:batchEmbedContents", json!({"requests": []})),
        ("vectors:embedContent", json!({"content": 1})),
        ("gemini:predict", json!({"instances": []})),
    ] {
        let answer = gateway.post(&format!("/v1beta/models/{path}"), &key, body.to_string()).await;
        assert!(answer.status.is_client_error() || answer.status.as_u16() == 501, "{path} {}", answer.text);
        assert!(answer.json()["error"]["status"].is_string(), "{path} {}", answer.text);
    }
}

#[tokio::test]
async fn a_file_goes_up_in_one_body_and_belongs_to_its_key() {
    let upstream = google().await;
    let gateway = before(&upstream).await;
    let (key, other) = (gateway.key(json!({})).await, gateway.key(json!({})).await);
    let body = "--cut\r\nContent-Type: application/json\r\n\r\n{\"file\":{\"display_name\":\"notes\"}}\r\n\
                --cut\r\nContent-Type: text/plain\r\n\r\nhello\r\n--cut--\r\n";
    let headers = [
        ("x-goog-api-key", key.as_str()),
        ("x-goog-upload-protocol", "multipart"),
        ("content-type", "multipart/related; boundary=cut"),
    ];
    let kept = asked(&gateway, http::Method::POST, "/upload/v1beta/files", &headers, body).await;
    assert_eq!((kept.status.as_u16(), &kept.json()["file"]["name"]), (200, &json!("files/f1")), "{}", kept.text);
    assert_eq!(
        (&kept.json()["file"]["displayName"], &kept.json()["file"]["mimeType"]),
        (&json!("notes"), &json!("text/plain"))
    );
    let read = gateway.get("/v1beta/files/f1", &key).await;
    assert_eq!((read.status.as_u16(), &read.json()["sizeBytes"]), (200, &json!("5")));
    for place in ["/v1beta/files/f1:download?alt=media", "/download/v1beta/files/f1:download?alt=media"] {
        assert_eq!(gateway.get(place, &key).await.text, "hello");
        assert_eq!(gateway.get(place, &other).await.status, 404);
    }
    let list = gateway.get("/v1beta/files?pageSize=1", &key).await;
    assert_eq!((list.json()["files"][0]["name"].clone(), list.json().get("nextPageToken")), (json!("files/f1"), None));
    assert_eq!(gateway.get("/v1beta/files", &other).await.json(), json!({}));
    assert_eq!(gateway.send(http::Method::DELETE, "/v1beta/files/f1", &other).await.status, 404);
    assert_eq!(gateway.send(http::Method::DELETE, "/v1beta/files/f1", &key).await.json(), json!({}));
    let gone = gateway.get("/v1beta/files/f1", &key).await;
    assert_eq!((gone.status.as_u16(), &gone.json()["error"]["status"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn a_file_goes_up_in_pieces_and_only_its_address_lets_them_in() {
    let upstream = google().await;
    let gateway = before(&upstream).await;
    let key = gateway.key(json!({})).await;
    let start =
        [("x-goog-api-key", key.as_str()), ("x-goog-upload-protocol", "resumable"), ("x-goog-upload-command", "start")];
    let said = json!({"file": {"displayName": "notes", "mimeType": "text/plain"}}).to_string();
    let begun = asked(&gateway, http::Method::POST, "/upload/v1beta/files", &start, said.clone()).await;
    assert_eq!((begun.status.as_u16(), &begun.headers["x-goog-upload-status"]), (200, &"active".parse().unwrap()));
    let address = begun.headers["x-goog-upload-url"].to_str().unwrap().to_owned();
    assert!(address.starts_with(&gateway.url) && !address.contains("theirs"), "{address}");
    let forged = format!("{}x", address.split('&').next().unwrap());
    for wrong in [forged.as_str(), "/upload/v1beta/files?upload_id=theirs", "/upload/v1beta/files?upload_id=a.b"] {
        let answer = asked(&gateway, http::Method::POST, wrong, &[("x-goog-upload-command", "upload")], "hel").await;
        assert_eq!(answer.status, 404, "{wrong} {}", answer.text);
    }
    let piece = |command: &'static str, offset: &'static str| {
        [("x-goog-upload-command", command), ("x-goog-upload-offset", offset)]
    };
    let first = asked(&gateway, http::Method::POST, &address, &piece("upload", "0"), "hel").await;
    assert_eq!((first.status.as_u16(), &first.headers["x-goog-upload-status"]), (200, &"active".parse().unwrap()));
    let last = asked(&gateway, http::Method::POST, &address, &piece("upload, finalize", "3"), "lo").await;
    assert_eq!(&last.headers["x-goog-upload-status"], "final");
    assert_eq!(last.json()["file"]["sizeBytes"], "5");
    assert!(upstream.seen().iter().all(|seen| seen.headers["x-goog-api-key"] == "up"));
    assert_eq!(gateway.get("/v1beta/files/f1", &key).await.status, 200);
    let over = asked(&gateway, http::Method::POST, &address, &piece("upload", "5"), "more").await;
    assert_eq!(over.status, 404, "the upload is over");
}

#[tokio::test]
async fn a_file_goes_on_at_another_replica() {
    let upstream = google().await;
    let folder = tempfile::tempdir().unwrap();
    let database = llm_gateway::testing::url(&folder.path().join("test.db"));
    let config = format!("[providers.gemini]\napi_key = \"up\"\nbase_url = \"{}\"", upstream.url);
    let share = |config: &mut llm_gateway::config::Config| config.database = database.parse().unwrap();
    let (one, other) = (TestGateway::start_with(&config, share).await, TestGateway::start_with(&config, share).await);
    let draft: KeyDraft = serde_json::from_value(json!({"name": "test"})).unwrap();
    let made = one.gateway.keys().create(draft).await.unwrap();
    let key = made.secret.expose();
    other.gateway.keys().refresh().await.unwrap();
    let start = [("x-goog-api-key", key), ("x-goog-upload-protocol", "resumable"), ("x-goog-upload-command", "start")];
    let begun = asked(&one, http::Method::POST, "/upload/v1/files", &start, "").await;
    let address = begun.headers["x-goog-upload-url"].to_str().unwrap();
    let place = address.strip_prefix(&one.url).unwrap();
    let all = [("x-goog-upload-command", "upload, finalize"), ("x-goog-upload-offset", "0")];
    let done = asked(&other, http::Method::POST, place, &all, "hello").await;
    assert_eq!((done.status.as_u16(), &done.json()["file"]["name"]), (200, &json!("files/f1")), "{}", done.text);
    let read = asked(&other, http::Method::GET, "/v1/files/f1", &start[..1], "").await;
    assert_eq!((read.status.as_u16(), &read.json()["name"]), (200, &json!("files/f1")), "{}", read.text);
    // A key that is blocked lets no piece in either.
    let begun = asked(&one, http::Method::POST, "/upload/v1/files", &start, "").await;
    let address = begun.headers["x-goog-upload-url"].to_str().unwrap().to_owned();
    let block = KeyPatch { blocked: Some(true), ..KeyPatch::default() };
    one.gateway.keys().patch(&made.key.id, block).await.unwrap();
    let late = asked(&one, http::Method::POST, &address, &all, "hello").await;
    assert_eq!(
        (late.status.as_u16(), &late.json()["error"]["status"]),
        (403, &json!("PERMISSION_DENIED")),
        "{}",
        late.text
    );
}

#[tokio::test]
async fn a_batch_is_held_settled_and_shown_as_google_shows_it() {
    let upstream = google().await;
    let gateway = before(&upstream).await;
    let limits = json!({"limits": [{"meter": "spend", "window": "month", "amount": "1"}]});
    let (key, other) = (gateway.key(limits).await, gateway.key(json!({})).await);
    let request = |key: Option<&str>| {
        let request =
            json!({"contents": [{"parts": [{"text": "Hello"}]}], "generationConfig": {"maxOutputTokens": 10}});
        match key {
            Some(key) => json!({"request": request, "metadata": {"key": key, "own": "x"}}),
            None => json!({ "request": request }),
        }
    };
    let body = json!({"batch": {"display_name": "two", "input_config": {"requests": {"requests": [request(None), request(Some("bad"))]}}}});
    let made = gateway.post("/v1beta/models/gemini:batchGenerateContent", &key, body.to_string()).await;
    assert_eq!((made.status.as_u16(), &made.json()["name"]), (200, &json!("batches/b1")), "{}", made.text);
    let sent = upstream.last().json();
    assert_eq!(sent["batch"]["displayName"], "two");
    let sent = &sent["batch"]["inputConfig"]["requests"]["requests"];
    assert_eq!(
        (&sent[0]["metadata"], &sent[1]["metadata"]),
        (&json!({"key": "request-1"}), &json!({"key": "bad", "own": "x"}))
    );
    assert_eq!(sent[0]["request"], request(None)["request"]);

    assert_eq!(gateway.get("/v1beta/batches/b1", &other).await.status, 404);
    assert_eq!(gateway.get("/v1beta/batches", &other).await.json(), json!({}));
    let cancel = gateway.post("/v1beta/batches/b1:cancel", &other, "").await;
    assert_eq!((cancel.status.as_u16(), &cancel.json()["error"]["status"]), (404, &json!("NOT_FOUND")));
    let seen = gateway.get("/v1beta/batches/b1", &key).await.json();
    assert_eq!(
        seen["response"]["inlinedResponses"]["inlinedResponses"][0]["response"]["candidates"][0]["content"]["parts"][0]
            ["text"],
        "Hi"
    );
    assert_eq!(gateway.get("/v1beta/batches", &key).await.json()["operations"][0]["name"], "batches/b1");
    // Half of 100 prompt tokens at 1 USD and 10 answered ones at 2 USD for a million, and nothing for what failed.
    let calls = gateway.calls().await;
    let mut costs: Vec<_> = calls
        .iter()
        .filter_map(|call| Some((call.batch.as_ref()?.custom_id.to_string(), call.status, call.cost_usd.unwrap())))
        .collect();
    costs.sort_by(|one, other| one.0.cmp(&other.0));
    let bad = ("bad".to_owned(), CallStatus::Error, NanoUsd::ZERO);
    assert_eq!(costs, [bad, ("request-1".to_owned(), CallStatus::Ok, NanoUsd(60_000))]);
    assert_eq!(gateway.send(http::Method::DELETE, "/v1beta/batches/b1", &key).await.json(), json!({}));
    assert_eq!(gateway.get("/v1beta/batches/b1", &key).await.status, 404);
}

#[tokio::test]
async fn a_batch_that_can_t_be_checked_is_refused_by_name() {
    let upstream = google().await;
    let gateway = before(&upstream).await;
    let key = gateway.key(json!({})).await;
    let contents = json!([{"parts": [{"text": "Hello"}]}]);
    let of = |requests: Value| json!({"batch": {"inputConfig": {"requests": {"requests": requests}}}});
    let call = |key: &str| json!({"request": {"contents": contents}, "metadata": {"key": key}});
    for (path, body, status, said) in [
        ("gemini:batchGenerateContent", json!({"batch": {"inputConfig": {"fileName": "files/f1"}}}), 501, "fileName"),
        ("gemini:batchGenerateContent", json!({"batch": {"inputConfig": {}}}), 400, "requests"),
        ("gemini:batchGenerateContent", of(json!([])), 400, "from 1 to"),
        ("gemini:batchGenerateContent", of(json!([call("a"), call("a")])), 400, "`a`"),
        ("gemini:batchGenerateContent", of(json!([{"request": {}}])), 400, "contents"),
        (
            "gemini:batchGenerateContent",
            of(json!([{"request": {"contents": contents, "model": "models/x"}}])),
            400,
            "model",
        ),
        (
            "gemini:batchGenerateContent",
            of(json!([{"request": {"contents": [{"parts": [{"fileData": {"fileUri": "files/f1"}}]}]}}])),
            404,
            "f1",
        ),
        ("calm:batchGenerateContent", of(json!([call("a")])), 501, "calm"),
        ("nonesuch:batchGenerateContent", of(json!([call("a")])), 404, "nonesuch"),
        ("vectors:asyncBatchEmbedContent", json!({"batch": {}}), 501, "asyncBatchEmbedContent"),
    ] {
        let answer = gateway.post(&format!("/v1beta/models/{path}"), &key, body.to_string()).await;
        assert_eq!(answer.status, status, "{path} {body} {}", answer.text);
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains(said), "{path} {body} {message}");
    }
    assert!(upstream.seen().is_empty(), "nothing was sent");
    let cancelled = {
        let made =
            gateway.post("/v1beta/models/gemini:batchGenerateContent", &key, of(json!([call("a")])).to_string()).await;
        assert_eq!(made.status, 200, "{}", made.text);
        gateway.post("/v1beta/batches/b1:cancel", &key, "").await
    };
    assert_eq!((cancelled.status.as_u16(), cancelled.json()), (200, json!({})));
}
