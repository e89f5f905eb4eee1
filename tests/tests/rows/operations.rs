//! Every operation that a row offers is asked for once, over a socket: what goes out, what is understood of a plausible
//! answer, and what is counted.

use std::sync::{Arc, Mutex};

use llm_core::audio::{AudioFile, Speak, SpeakRequest, Transcribe, TranscribeRequest};
use llm_core::completion::{Complete, CompleteRequest};
use llm_core::embedding::{Embed, EmbedRequest};
use llm_core::image::{Images, ImagesRequest};
use llm_core::model_list::{Models, ModelsRequest};
use llm_core::moderation::{Moderate, ModerateRequest};
use llm_core::operation::Answers;
use llm_core::rerank::{Rerank, RerankRequest};
use llm_core::token_count::{CountRequest, CountTokens};
use llm_core::{ChatRequest, ErrorKind, Meter, OperationKind, Protocol, Usage};
use llm_providers::Provider;
use llm_providers::protocols::Spoken;
use llm_providers::registry::{self, ProviderRow};
use llm_tests::live::{Script, Seen, Upstream};
use serde_json::{Value, json};

use super::{MODEL, check_proof, placed};

const TEXT: &str = "Ahoy!";

/// What a provider answers that is asked in `protocol` for an operation.
fn plausible(kind: OperationKind, protocol: Protocol, row: &ProviderRow) -> Script {
    use OperationKind as Kind;
    let tokens = json!({"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7});
    let results = json!([{"index": 0, "relevance_score": 0.9}]);
    let body = match (kind, protocol) {
        (Kind::Complete, _) => json!({"id": "c", "object": "text_completion", "created": 1, "model": MODEL,
            "choices": [{"text": " upon", "index": 0, "finish_reason": "stop"}], "usage": tokens}),
        (Kind::Embed, Protocol::Ollama) => json!({"model": MODEL, "embeddings": [[0.5, 1.0]], "prompt_eval_count": 7}),
        (Kind::Embed, Protocol::Cohere) => json!({"id": "e", "embeddings": {"float": [[0.5, 1.0]]},
            "meta": {"billed_units": {"input_tokens": 7}}}),
        (Kind::Embed, Protocol::Bedrock) => json!({"embedding": [0.5, 1.0], "inputTextTokenCount": 7}),
        (Kind::Embed, Protocol::Gemini) if row.variables.contains_key("project") => json!({"predictions": [
            {"embeddings": {"values": [0.5, 1.0], "statistics": {"token_count": 7}}}]}),
        (Kind::Embed, Protocol::Gemini) => {
            json!({"embeddings": [{"values": [0.5, 1.0]}], "usageMetadata": {"promptTokenCount": 7}})
        }
        (Kind::Embed, _) if row.quirks_of(Kind::Embed).int8_vectors => {
            json!({"model": MODEL, "data": [{"index": 0, "embedding": "AQI="}], "usage": tokens})
        }
        (Kind::Embed, _) => json!({"model": MODEL, "data": [{"index": 0, "embedding": [0.5, 1.0]}], "usage": tokens}),
        (Kind::Rerank, Protocol::Voyage) => json!({"model": MODEL, "data": results, "usage": {"total_tokens": 7}}),
        (Kind::Rerank, Protocol::Cohere) => {
            json!({"id": "r", "results": results, "meta": {"billed_units": {"search_units": 1}}})
        }
        (Kind::Rerank, Protocol::Bedrock) => json!({"results": results}),
        (Kind::Rerank, _) => json!({"model": MODEL, "results": results, "usage": {"total_tokens": 7}}),
        (Kind::Moderate, _) => json!({"id": "m", "model": MODEL, "results": [
            {"flagged": true, "categories": {"violence": true}, "category_scores": {"violence": 0.9}}]}),
        (Kind::Images, Protocol::Gemini) => json!({"candidates": [{"content": {"parts": [
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 9}}),
        (Kind::Images, _) => json!({"created": 1, "data": [{"b64_json": "aGk="}]}),
        (Kind::Speak, _) => return Script::body(200, "audio/mpeg", "ID3"),
        (Kind::Transcribe, Protocol::Deepgram) => json!({"metadata": {"duration": 2.5, "channels": 1},
            "results": {"channels": [{"alternatives": [{"transcript": TEXT}]}]}}),
        (Kind::Transcribe, Protocol::ElevenLabs) => json!({"text": TEXT, "words": [], "audio_duration_secs": 2.5}),
        (Kind::Transcribe, _) => json!({"text": TEXT, "usage": {"type": "duration", "seconds": 2.5}}),
        (Kind::CountTokens, Protocol::Gemini) => json!({"totalTokens": 7}),
        (Kind::CountTokens, Protocol::Bedrock) => json!({"inputTokens": 7}),
        (Kind::CountTokens, _) => json!({"input_tokens": 7}),
        (Kind::Models, Protocol::Gemini) => json!({"models": [{"name": format!("models/{MODEL}")}]}),
        (Kind::Models, Protocol::Cohere | Protocol::Ollama) => json!({"models": [{"name": MODEL, "model": MODEL}]}),
        (Kind::Models, Protocol::Bedrock) => json!({"modelSummaries": [{"modelId": MODEL}]}),
        (Kind::Models, Protocol::Deepgram) => json!({"stt": [{"canonical_name": MODEL}], "tts": []}),
        (Kind::Models, Protocol::ElevenLabs) => json!([{"model_id": MODEL}]),
        (Kind::Models, _) => json!({"object": "list", "data": [{"id": MODEL, "object": "model"}]}),
        // Chat is asked by the other tests of rows, and what is stored by those of files and batches.
        (Kind::Chat | Kind::Files | Kind::Batches, _) => Value::Null,
    };
    Script::json(200, &body)
}

/// One row at a provider that answers as it is told.
struct Bench<'a> {
    id: &'a str,
    provider: Arc<Provider>,
    upstream: &'a Upstream,
    answer: &'a Mutex<Script>,
}

impl Bench<'_> {
    /// Asks for an operation, and gives the answer; none where the row refuses it, before a byte is sent.
    async fn ask<O: Spoken>(&self, request: &O::Request) -> Option<O::Answer> {
        let (id, row, before) = (self.id, self.provider.row(), self.upstream.seen().len());
        let provider = match self.provider.having::<O>(row.protocol) {
            Ok(provider) => provider,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotImplemented, "{id} {}: {error:?}", O::KIND);
                assert!(!row.offers(O::KIND), "{id} says that it has `{}`", O::KIND);
                assert_eq!(self.upstream.seen().len(), before, "{id}: something was sent");
                return None;
            }
        };
        assert!(row.offers(O::KIND), "{id} does not say that it has `{}`", O::KIND);
        let protocol = provider.row().protocol_of(O::KIND).expect("a protocol");
        *self.answer.lock().expect("the script") = plausible(O::KIND, protocol, provider.row());
        let answer = provider.call::<O>(request, MODEL).await;
        let answer = answer.unwrap_or_else(|error| panic!("{id} {} in `{protocol}`: {error:?}", O::KIND));
        let seen = self.upstream.last();
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        check_proof(id, provider.row(), &seen, query);
        assert!(!path.contains(['{', '}']) && !path.contains("//"), "{id}: {path}");
        check_words(id, O::KIND, &seen);
        Some(answer)
    }
}

/// The model and what it is asked about stand in the request, wherever the protocol has them.
fn check_words(id: &str, kind: OperationKind, seen: &Seen) {
    let body = String::from_utf8_lossy(&seen.body);
    if kind == OperationKind::Models {
        return assert!(body.is_empty(), "{id}: {body}");
    }
    assert!(seen.path.contains(MODEL) || body.contains(MODEL), "{id} {kind}: {} {body}", seen.path);
    assert!(body.contains(TEXT), "{id} {kind}: {body}");
}

fn counted<A: Answers>(answer: &A) -> Usage {
    answer.usage().cloned().unwrap_or_default()
}

#[tokio::test]
async fn every_operation_of_every_row_is_asked_understood_and_counted() {
    let answer = Arc::new(Mutex::new(Script::json(200, &Value::Null)));
    let script = answer.clone();
    let upstream = Upstream::start(move |seen: &Seen| match seen.path.as_str() {
        "/token" => Script::json(200, &json!({"access_token": "a-token", "expires_in": 3600})),
        _ => script.lock().expect("the script").clone(),
    });
    let upstream = upstream.await;
    let mut asked = 0;
    for (id, row) in registry::rows() {
        let bench = Bench { id, provider: placed(id, row, &upstream), upstream: &upstream, answer: &answer };
        if let Some(done) = bench.ask::<Complete>(&CompleteRequest::new("", TEXT)).await {
            assert_eq!((done.choices.len(), counted(&done).get(Meter::Input)), (1, 7), "{id}");
            asked += 1;
        }
        if let Some(done) = bench.ask::<Embed>(&EmbedRequest::new("").text(TEXT)).await {
            assert_eq!((done.embeddings.len(), counted(&done).get(Meter::Input)), (1, 7), "{id}");
            asked += 1;
        }
        if let Some(done) = bench.ask::<Rerank>(&RerankRequest::new("", TEXT).document("a ship")).await {
            // Amazon says nothing of it; the gateway charges what the request can come to.
            let count = counted(&done).total() + counted(&done).get(Meter::Query);
            assert!(done.results.len() == 1 && (count > 0 || id == "bedrock"), "{id}");
            asked += 1;
        }
        if let Some(done) = bench.ask::<Moderate>(&ModerateRequest::new("").text(TEXT)).await {
            assert!(done.results[0].flagged, "{id}");
            asked += 1;
        }
        if let Some(done) = bench.ask::<Images>(&ImagesRequest::new("", TEXT)).await {
            assert_eq!(done.images[0].b64.as_deref(), Some("aGk="), "{id}");
            assert_eq!(counted(&done).get(Meter::Image), 1, "{id}");
            asked += 1;
        }
        if let Some(done) = bench.ask::<Speak>(&SpeakRequest::new("", "some", TEXT)).await {
            assert_eq!((&done.audio[..], counted(&done).get(Meter::Character)), (&b"ID3"[..], 5), "{id}");
            asked += 1;
        }
        let sound = AudioFile::new("ahoy.mp3", TEXT.as_bytes());
        if let Some(done) = bench.ask::<Transcribe>(&TranscribeRequest::new("", sound)).await {
            assert_eq!((done.text.as_str(), counted(&done).get(Meter::Second)), (TEXT, 3), "{id}");
            asked += 1;
        }
        if let Some(done) = bench.ask::<CountTokens>(&CountRequest(ChatRequest::new("").user(TEXT))).await {
            assert_eq!(done.input_tokens, 7, "{id}");
            asked += 1;
        }
        if let Some(done) = bench.ask::<Models>(&ModelsRequest::default()).await {
            assert_eq!(done.models[0].id, MODEL, "{id}");
            asked += 1;
        }
    }
    assert!(asked > 180, "{asked}");
    // Every operation is offered by some row.
    for kind in OperationKind::ALL {
        assert!(registry::rows().values().any(|row| row.offers(*kind)), "nobody offers `{kind}`");
    }
}
