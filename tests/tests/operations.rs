//! The other operations, by the client in process and through the gateway, by OpenAI's and Anthropic's routes, and what
//! each of them comes to.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use llm_core::audio::{AudioFile, SpeakRequest, TranscribeRequest};
use llm_core::completion::CompleteRequest;
use llm_core::embedding::EmbedRequest;
use llm_core::image::ImagesRequest;
use llm_core::moderation::ModerateRequest;
use llm_core::rerank::RerankRequest;
use llm_core::{ErrorKind, Meter, NanoUsd, Protocol};
use llm_providers::registry::ProviderRow;
use llm_providers::{ChatRequest, Client, Provider, Timeouts};
use llm_tests::live::{Piece, Script, Seen, TestGateway, Upstream};
use serde_json::{Value, json};

/// A provider of everything, in OpenAI's protocol and for counting in Anthropic's.
fn everything(seen: &Seen) -> Script {
    let body = seen.json();
    match seen.path.as_str() {
        "/embeddings" => {
            let count = body["input"].as_array().map_or(1, Vec::len);
            let item = |index: usize| match body["encoding_format"] == "base64" {
                true => json!({"object": "embedding", "index": index, "embedding": "AACAPwAAAMA="}),
                false => json!({"object": "embedding", "index": index, "embedding": [1.0, -2.0], "x": index}),
            };
            let data: Vec<Value> = (0..count).map(item).collect();
            let usage = json!({"prompt_tokens": 7, "total_tokens": 7});
            Script::json(200, &json!({"object": "list", "data": data, "model": "e-1", "usage": usage}))
        }
        "/rerank" => Script::json(
            200,
            &json!({"id": "r", "model": "r-1", "usage": {"total_tokens": 17},
                "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}),
        ),
        "/moderations" => Script::json(
            200,
            &json!({"id": "modr-1", "model": "o-1", "results": [
                {"flagged": true, "categories": {"violence": true}, "category_scores": {"violence": 0.8}}]}),
        ),
        "/completions" if body["stream"] == true => Script::sse([
            "data: {\"id\":\"c\",\"object\":\"text_completion\",\"created\":1,\"model\":\"c-1\",\"choices\":[{\"text\":\" upon\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}]}\n\n".to_owned(),
            "data: {\"id\":\"c\",\"object\":\"text_completion\",\"created\":1,\"model\":\"c-1\",\"choices\":[{\"text\":\" a time\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n".to_owned(),
            "data: {\"id\":\"c\",\"object\":\"text_completion\",\"created\":1,\"model\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,\"total_tokens\":5}}\n\n".to_owned(),
            "data: [DONE]\n\n".to_owned(),
        ]),
        "/completions" => Script::json(
            200,
            &json!({"id": "c", "object": "text_completion", "created": 1, "model": "c-1",
                "choices": [{"text": " upon a time", "index": 0, "logprobs": null, "finish_reason": "length"}],
                "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}}),
        ),
        "/images/generations" | "/images/edits" => {
            Script::json(200, &json!({"created": 5, "data": [{"b64_json": "aGk="}, {"url": "https://images.example/2"}]}))
        }
        "/audio/speech" if body["input"] == "cut" => {
            Script::body(200, "audio/mpeg", "ID3").then(Piece::Break)
        }
        "/audio/speech" => Script::body(200, "audio/mpeg", &b"ID3\x00\xFF"[..]).then(Piece::Bytes("more".into())),
        "/audio/transcriptions" => {
            Script::json(200, &json!({"text": "Ahoy", "usage": {"type": "duration", "seconds": 3}}))
        }
        "/v1/messages/count_tokens" => Script::json(200, &json!({"input_tokens": 42})),
        other => Script::json(404, &json!({"error": {"message": format!("nothing at {other}"), "type": "x"}})),
    }
}

/// Everything that the application saw, without what only a gateway says.
async fn program(client: &Client) -> Vec<Value> {
    let mut seen = Vec::new();
    macro_rules! saw {
        ($answer:expr) => {{
            let mut answer = $answer.await.unwrap();
            answer.call = None;
            seen.push(serde_json::to_value(&answer).unwrap());
        }};
    }
    saw!(client.embed(EmbedRequest::new("mock:e-1").text("a boat").text("a ship")));
    saw!(client.rerank(RerankRequest::new("mock:r-1", "boats").document("a tree").document("a ship").top_n(2)));
    saw!(client.moderate(ModerateRequest::new("mock:o-1").text("hit them")));
    saw!(client.complete(CompleteRequest::new("mock:c-1", "Once").max_tokens(3)));
    saw!(client.images(ImagesRequest::new("mock:i-1", "a boat").n(2)));
    let sound = AudioFile::new("ahoy.mp3", &b"ID3 ahoy"[..]);
    saw!(client.transcribe(TranscribeRequest::new("mock:t-1", sound)));
    saw!(async { client.speak(SpeakRequest::new("mock:s-1", "alloy", "Ahoy!")).await?.into_answer().await });
    saw!(client.count_tokens(ChatRequest::new("claude:m").user("Hi")));
    let lacking = client.embed(EmbedRequest::new("claude:m").text("Hi")).await.unwrap_err();
    assert_eq!(lacking.kind(), ErrorKind::NotImplemented);
    let cut = client.speak(SpeakRequest::new("mock:s-1", "alloy", "cut")).await.unwrap().into_answer().await;
    assert_eq!(cut.unwrap_err().kind(), ErrorKind::Cut);
    seen
}

fn config(url: &str) -> String {
    format!(
        r#"
        [providers.mock]
        protocol = "openai-chat"
        base_url = "{url}"
        [providers.claude]
        protocol = "anthropic"
        base_url = "{url}"
        [[models]]
        name = "drawn"
        deployments = [{{ model = "mock:i-1", price = {{ image = "0.04" }} }}]
        [[models]]
        name = "heard"
        deployments = [{{ model = "mock:t-1", price = {{ second = "0.0001" }} }}]
        [[models]]
        name = "spoken"
        deployments = [{{ model = "mock:s-1", price = {{ character = "0.000015" }} }}]
        [[models]]
        name = "vectors"
        deployments = [{{ model = "mock:e-1", price = {{ input = "0.02" }} }}]
        [[models]]
        name = "counted"
        deployments = [{{ model = "claude:m" }}]
        "#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_is_the_same_in_process_and_through_the_gateway() {
    let upstream = Upstream::start(everything).await;
    let provider = |id: &str, protocol| {
        Provider::new(id, ProviderRow::new(id, protocol, upstream.url.as_str()), None, Timeouts::default()).unwrap()
    };
    let client = Client::builder()
        .provider(provider("mock", Protocol::OpenAiChat))
        .provider(provider("claude", Protocol::Anthropic))
        .build();
    let in_process = program(&client).await;
    let gateway = TestGateway::start(&config(&upstream.url)).await;
    let key = gateway.key(json!({})).await;
    let through = program(&gateway.client(&key)).await;
    for (ours, theirs) in in_process.iter().zip(&through) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(in_process.len(), through.len());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_counted_in_tokens_is_charged_by_its_own_meter() {
    let upstream = Upstream::start(everything).await;
    let gateway = TestGateway::start(&config(&upstream.url)).await;
    // A spend limit applies, so a call without a bound or a price would be refused.
    let key = gateway.key(json!({"limits": [{"meter": "spend", "window": "day", "amount": "1"}]})).await;
    let ask = async |path: &str, body: Value| gateway.post(path, &key, body.to_string()).await;

    let drawn = ask("/v1/images/generations", json!({"model": "drawn", "prompt": "a boat", "n": 2})).await;
    assert_eq!((drawn.status.as_u16(), drawn.json()["data"][0]["b64_json"].clone()), (200, json!("aGk=")));
    let spoken = ask("/v1/audio/speech", json!({"model": "spoken", "input": "Grüße", "voice": "alloy"})).await;
    assert_eq!(spoken.status.as_u16(), 200);
    assert!(spoken.text.starts_with("ID3") && spoken.text.ends_with("more"), "{}", spoken.text);
    assert_eq!(spoken.headers["content-type"], "audio/mpeg");
    let vectors = ask("/v1/embeddings", json!({"model": "vectors", "input": "x", "encoding_format": "base64"})).await;
    assert_eq!(vectors.json()["data"][0]["embedding"], "AACAPwAAAMA=");
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nheard\r\n--b\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\nID3 ahoy\r\n--b--\r\n";
    let request = gateway.http().post(format!("{}/v1/audio/transcriptions", gateway.url)).bearer_auth(&key);
    let heard = request.header("content-type", "multipart/form-data; boundary=b").body(form).send().await.unwrap();
    assert_eq!(heard.status(), 200);
    let heard: Value = serde_json::from_slice(&heard.bytes().await.unwrap()).unwrap();
    assert_eq!(heard["text"], "Ahoy");
    let passed = String::from_utf8(upstream.last().body.to_vec()).unwrap();
    assert_eq!(passed, form.replace("heard", "t-1"), "nothing but the model is edited");
    let messages = json!({"model": "counted", "messages": [{"role": "user", "content": "Hi"}]});
    let counted = ask("/v1/messages/count_tokens", messages).await;
    assert_eq!(counted.json(), json!({"input_tokens": 42}));

    let calls = gateway.calls_once(5).await;
    let of = |operation: &str| calls.iter().find(|call| call.operation == operation).unwrap();
    let cost = |operation: &str| (of(operation).cost_usd, of(operation).estimated);
    assert_eq!(of("images").usage.get(Meter::Image), 2);
    assert_eq!(cost("images"), (Some(NanoUsd(80_000_000)), false));
    assert_eq!(of("speak").usage.get(Meter::Character), 5);
    assert_eq!(cost("speak"), (Some(NanoUsd(75_000)), false));
    assert_eq!(of("transcribe").usage.get(Meter::Second), 3);
    assert_eq!(cost("transcribe"), (Some(NanoUsd(300_000)), false));
    assert_eq!(cost("embed"), (Some(NanoUsd(140)), false));
    assert_eq!(cost("count_tokens"), (Some(NanoUsd::ZERO), false));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_that_breaks_off_never_ends_as_if_it_were_whole() {
    let upstream = Upstream::start(everything).await;
    let gateway = TestGateway::start(&config(&upstream.url)).await;
    let key = gateway.key(json!({})).await;
    let request = gateway.http().post(format!("{}/v1/audio/speech", gateway.url)).bearer_auth(&key);
    let body = json!({"model": "spoken", "input": "cut", "voice": "alloy"}).to_string();
    let answer = request.body(body).send().await.unwrap();
    assert!(answer.bytes().await.is_err(), "the body looks whole");
    gateway.stop().await;
}
