//! What Google does beside chats: counts, vectors, files and batches, remembered as far as it matters.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{Script, Seen, Upstream};

/// What was sent up, and the batch that was made.
#[derive(Default)]
struct Kept {
    /// The file, piece by piece.
    file: Vec<u8>,
    /// Its name and media type.
    said: Value,
    /// The items of the batch.
    batch: Vec<Value>,
    is_cancelled: bool,
}

/// A provider that speaks Google's protocol, and answers each call of a batch "Hi", but for those whose key is `bad`.
pub async fn google() -> Upstream {
    let kept = Mutex::new(Kept::default());
    Upstream::start(move |seen| answer(seen, &mut kept.lock().unwrap())).await
}

fn answer(seen: &Seen, kept: &mut Kept) -> Script {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let body = seen.json();
    match (seen.method.as_str(), path) {
        ("POST", "/v1beta/models/gemini-2.5-flash:countTokens") => {
            // Spelled oddly, to see whether the bytes pass.
            Script::body(200, "application/json", "{ \"totalTokens\" : 5,\"promptTokensDetails\":[ ] }")
        }
        ("POST", "/v1beta/models/gemini-embedding-2:batchEmbedContents") => {
            let asked = body["requests"].as_array().unwrap();
            assert!(asked.iter().all(|one| one["model"] == "models/gemini-embedding-2"), "{body}");
            let vectors: Vec<Value> = (0..asked.len()).map(|place| json!({"values": [place, 0.5]})).collect();
            let usage = json!({"promptTokenCount": 4 * asked.len()});
            Script::json(200, &json!({"embeddings": vectors, "usageMetadata": usage}))
        }
        // The older model counts nothing.
        ("POST", "/v1beta/models/gemini-embedding-001:embedContent") => {
            Script::json(200, &json!({"embedding": {"values": [0.25]}}))
        }
        ("POST", "/upload/v1beta/files") => upload(seen, query, kept),
        ("GET", "/v1beta/files/f1") => Script::json(200, &file(kept)),
        ("DELETE", "/v1beta/files/f1") => Script::json(200, &json!({})),
        ("GET", "/download/v1beta/files/f1:download") => Script::body(200, "text/plain", kept.file.clone()),
        ("POST", "/v1beta/models/gemini-2.5-flash:batchGenerateContent") => {
            kept.batch = body["batch"]["inputConfig"]["requests"]["requests"].as_array().unwrap().clone();
            kept.is_cancelled = false;
            Script::json(200, &batch(kept, false))
        }
        ("GET", "/v1beta/batches/b1") => Script::json(200, &batch(kept, true)),
        ("POST", "/v1beta/batches/b1:cancel") => {
            kept.is_cancelled = true;
            Script::json(200, &json!({}))
        }
        ("DELETE", "/v1beta/batches/b1") => Script::json(200, &json!({})),
        ("POST", "/v1beta/models/gemini-2.5-flash:generateContent") => Script::json(
            200,
            &json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Read"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}}),
        ),
        (method, other) => {
            let message = format!("nothing at {method} {other}");
            Script::json(404, &json!({"error": {"code": 404, "message": message, "status": "NOT_FOUND"}}))
        }
    }
}

fn file(kept: &Kept) -> Value {
    let either = |camel, snake| kept.said.get(camel).or(kept.said.get(snake));
    json!({
        "name": "files/f1",
        "displayName": either("displayName", "display_name"),
        "mimeType": either("mimeType", "mime_type"),
        "sizeBytes": kept.file.len().to_string(),
        "uri": "https://generativelanguage.googleapis.com/v1beta/files/f1",
        "state": "ACTIVE",
    })
}

fn upload(seen: &Seen, query: &str, kept: &mut Kept) -> Script {
    let said = |name: &str| seen.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    if said("x-goog-upload-protocol") == "multipart" {
        let text = String::from_utf8_lossy(&seen.body);
        let mut lines = text.split("\r\n");
        kept.said = lines.find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap()["file"].clone();
        kept.file = lines.nth(3).unwrap().as_bytes().to_vec();
        return Script::json(200, &json!({"file": file(kept)}));
    }
    let address =
        "https://generativelanguage.googleapis.com/upload/v1beta/files?upload_id=theirs&upload_protocol=resumable";
    if !query.contains("upload_id=theirs") {
        assert_eq!(said("x-goog-upload-command"), "start");
        kept.said = seen.json()["file"].clone();
        kept.file.clear();
        let begun = Script::json(200, &json!({})).header("x-goog-upload-status", "active");
        return begun.header("x-goog-upload-url", address).header("x-goog-upload-chunk-granularity", "4");
    }
    assert_eq!(said("x-goog-upload-offset"), kept.file.len().to_string());
    kept.file.extend_from_slice(&seen.body);
    if said("x-goog-upload-command").contains("finalize") {
        return Script::json(200, &json!({"file": file(kept)})).header("x-goog-upload-status", "final");
    }
    Script::body(200, "text/plain", "").header("x-goog-upload-status", "active")
}

fn batch(kept: &Kept, is_done: bool) -> Value {
    let results = kept.batch.iter().map(|item| match item["metadata"]["key"].as_str() {
        Some("bad") => {
            let error = json!({"code": 400, "message": "no", "status": "INVALID_ARGUMENT"});
            json!({"error": error, "metadata": item["metadata"]})
        }
        _ => json!({"metadata": item["metadata"], "response": {
            "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}}}),
    });
    let results = json!({"inlinedResponses": {"inlinedResponses": results.collect::<Vec<_>>()}});
    let state = match (kept.is_cancelled, is_done) {
        (true, _) => "BATCH_STATE_CANCELLED",
        (_, true) => "BATCH_STATE_SUCCEEDED",
        _ => "BATCH_STATE_PENDING",
    };
    let mut told = json!({
        "name": "batches/b1",
        "metadata": {"name": "batches/b1", "model": "models/gemini-2.5-flash", "state": state,
            "batchStats": {"requestCount": kept.batch.len().to_string()}},
    });
    if is_done && !kept.is_cancelled {
        told["done"] = json!(true);
        told["metadata"]["output"] = results.clone();
        told["response"] = results;
    }
    told
}
