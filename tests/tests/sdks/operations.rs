//! The operations beside chat, as the official SDKs of OpenAI and Anthropic call them.

use llm_tests::live::{Runtime, Script, Seen, TestGateway, Upstream, anthropic, openai, run};
use serde_json::{Value, json};

use crate::wrong::Wrong;

/// A provider of everything, in OpenAI's protocol, and of messages and files in Anthropic's.
fn everything(seen: &Seen) -> Script {
    let body = seen.json();
    let file = json!({"id": "file_1", "type": "file", "filename": "notes.txt", "mime_type": "text/plain",
        "size_bytes": 5, "created_at": "2026-01-01T00:00:00Z", "downloadable": true});
    let text = String::from_utf8_lossy(&seen.body);
    match (seen.method.as_str(), seen.path.split('?').next().unwrap()) {
        (_, "/embeddings") => {
            let is_packed = body["encoding_format"] == "base64";
            let vector = if is_packed { json!("AACAPwAAAMA=") } else { json!([1.0, -2.0]) };
            let count = body["input"].as_array().map_or(1, Vec::len);
            let item = |index| json!({"object": "embedding", "index": index, "embedding": vector});
            let data: Vec<Value> = (0..count).map(item).collect();
            let usage = json!({"prompt_tokens": 2, "total_tokens": 2});
            Script::json(200, &json!({"object": "list", "data": data, "model": "embed", "usage": usage}))
        }
        (_, "/images/generations") => Script::json(200, &json!({"created": 5, "data": [{"b64_json": "bWFkZQ=="}]})),
        (_, "/images/edits") => Script::json(200, &json!({"created": 5, "data": [{"b64_json": "Y2hhbmdlZA=="}]})),
        (_, "/audio/transcriptions") if text.contains("\r\ntext\r\n") => Script::body(200, "text/plain", "Ahoy\n"),
        (_, "/audio/transcriptions") => {
            Script::json(200, &json!({"text": "Ahoy", "usage": {"type": "duration", "seconds": 3}}))
        }
        (_, "/audio/speech") => Script::body(200, "audio/mpeg", "ID3 ahoy"),
        (_, "/moderations") => Script::json(200, &json!({"id": "modr-1", "model": "judge", "results": [judged()]})),
        (_, "/completions") => completed(body["stream"] == true),
        (_, "/chat/completions") => openai::echo(&body, &["Hi", " there"], 3),
        (_, "/v1/messages/count_tokens") => Script::json(200, &json!({"input_tokens": 42})),
        (_, "/v1/messages") => Script::json(200, &anthropic::answer("Read", 3, 1)),
        ("DELETE", "/v1/files/file_1") => Script::json(200, &json!({"id": "file_1", "type": "file_deleted"})),
        (_, "/v1/files/file_1/content") => Script::body(200, "text/plain", "hello"),
        (_, "/v1/files" | "/v1/files/file_1") => Script::json(200, &file),
        (_, other) => openai::error(404, "invalid_request_error", "not_found", &format!("nothing at {other}")),
    }
}

/// A judgement in full.
fn judged() -> Value {
    let kinds = [
        "harassment",
        "harassment/threatening",
        "hate",
        "hate/threatening",
        "illicit",
        "illicit/violent",
        "self-harm",
        "self-harm/instructions",
        "self-harm/intent",
        "sexual",
        "sexual/minors",
        "violence",
        "violence/graphic",
    ];
    let of =
        |value: &dyn Fn(&str) -> Value| kinds.iter().map(|kind| ((*kind).to_owned(), value(kind))).collect::<Value>();
    json!({
        "flagged": true,
        "categories": of(&|kind| json!(kind == "violence")),
        "category_scores": of(&|_| json!(0.5)),
        "category_applied_input_types": of(&|_| json!(["text"])),
    })
}

fn completed(is_streamed: bool) -> Script {
    let piece = |text: &str, finish: Value| {
        json!({"id": "c", "object": "text_completion", "created": 1, "model": "write",
            "choices": [{"text": text, "index": 0, "logprobs": null, "finish_reason": finish}]})
    };
    if is_streamed {
        let pieces = [piece(" upon", Value::Null), piece(" a time", json!("stop"))];
        let frames = pieces.iter().map(|piece| format!("data: {piece}\n\n"));
        return Script::sse(frames.chain(["data: [DONE]\n\n".to_owned()]));
    }
    let mut whole = piece(" upon a time", json!("length"));
    whole["usage"] = json!({"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5});
    Script::json(200, &whole)
}

async fn before(more: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(everything).await;
    let url = &upstream.url;
    let gateway = TestGateway::start(&format!(
        "{more}\n[providers.up]\nprotocol = \"openai-chat\"\nbase_url = \"{url}\"\n\
         [providers.claude]\nprotocol = \"anthropic\"\nbase_url = \"{url}\""
    ))
    .await;
    (upstream, gateway)
}

#[tokio::test]
async fn openais_sdk_asks_for_vectors_pictures_sound_and_judgements() {
    ask_for_everything(&[]).await;
}

#[tokio::test]
async fn openais_sdk_for_azure_asks_for_the_same() {
    ask_for_everything(&["azure"]).await;
}

async fn ask_for_everything(arguments: &[&str]) {
    let (_upstream, gateway) = before("").await;
    let key = gateway.key(json!({})).await;
    let saw = run(Runtime::Python, &gateway, &key, "openai_operations.py", arguments).await;
    let mut wrong = Wrong::default();
    let vectors = json!({"vectors": [[1.0, -2.0], [1.0, -2.0]], "floats": [1.0, -2.0], "tokens": 2, "unknown": []});
    wrong.unless_has("vectors", &saw["vectors"], &vectors);
    wrong.unless(saw["pictures"] == json!(["made", "changed"]), || format!("pictures: {}", saw["pictures"]));
    let sound = json!({"heard": "Ahoy", "text": "Ahoy", "said": "ID3 ahoy", "kind": "audio/mpeg"});
    wrong.unless_has("sound", &saw["sound"], &sound);
    wrong.unless(saw["moderated"] == json!([true]), || format!("moderated: {}", saw["moderated"]));
    wrong.unless(saw["chatted"] == json!(["Hi there", "Hi there", "Hi there"]), || {
        format!("chatted: {}", saw["chatted"])
    });
    let completed = json!({"whole": " upon a time", "streamed": [" upon", " a time"]});
    wrong.unless_has("completed", &saw["completed"], &completed);
    wrong.unless(saw["lacking"]["status_code"] == 501, || format!("lacking: {}", saw["lacking"]));
    wrong.finish();
    let calls = gateway.calls_once(12).await;
    let names: std::collections::BTreeSet<_> = calls.iter().map(|call| call.operation.to_string()).collect();
    let all = ["complete", "embed", "images", "moderate", "speak", "transcribe"];
    assert!(all.iter().all(|name| names.contains(*name)), "{names:?}");
}

#[tokio::test]
async fn anthropics_sdk_counts_tokens_and_keeps_files() {
    let (_upstream, gateway) = before("").await;
    let (key, other) = (gateway.key(json!({})).await, gateway.key(json!({})).await);
    let saw = run(Runtime::Python, &gateway, &key, "anthropic_operations.py", &[&other]).await;
    assert_eq!((&saw["tokens"], &saw["uncounted"]["status_code"]), (&json!(42), &json!(501)), "{saw}");
    let mut wrong = Wrong::default();
    let files = json!({
        "kept": ["file_1", "notes.txt", []], "again": 5, "listed": ["file_1"], "content": "hello", "asked": "Read",
        "deleted": "file_deleted",
    });
    wrong.unless_has("files", &saw["files"], &files);
    let gone = json!({"raised": "NotFoundError", "status_code": 404});
    for (name, raised) in [
        ("gone", &saw["files"]["gone"]),
        ("read", &saw["files"]["strangers"][0]),
        ("named", &saw["files"]["strangers"][1]),
    ] {
        wrong.unless_has(name, raised, &gone);
    }
    wrong.unless(saw["files"]["strangers"][2] == 0, || format!("a stranger's list: {}", saw["files"]["strangers"]));
    wrong.finish();
}

#[tokio::test]
async fn openais_sdk_goes_on_from_responses_that_the_gateway_keeps() {
    let (upstream, gateway) = before("[responses]\nstore = true").await;
    let key = gateway.key(json!({})).await;
    let saw = run(Runtime::Python, &gateway, &key, "kept_calls.py", &["up:m"]).await;
    let mut wrong = Wrong::default();
    let hi = "Hi there";
    let kept = json!({"said": [hi, hi, hi], "chain": [true, true], "again": hi, "items": ["And you?"]});
    wrong.unless_has("kept", &saw, &kept);
    wrong.unless_has("cancelled", &saw["cancelled"], &json!({"raised": "BadRequestError", "status_code": 400}));
    for name in ["deleted", "broken", "unstored"] {
        wrong.unless_has(name, &saw[name], &json!({"raised": "NotFoundError", "status_code": 404}));
    }
    wrong.finish();
    let longest = upstream.seen().iter().map(|seen| seen.json()["messages"].as_array().map_or(0, Vec::len)).max();
    assert_eq!(longest, Some(5));
}
