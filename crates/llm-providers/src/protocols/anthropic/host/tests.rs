use std::collections::BTreeMap;

use llm_core::chat::{ChatAccumulator, ChatAnswer, ChatRequest, Part};
use llm_core::codec::{Chat, Frame, Quirks, StreamDecoder, Upstream};
use llm_core::{ErrorKind, Meter, Protocol};

use super::super::Anthropic;
use super::*;

fn encode(request: &ChatRequest, host: Host, model: &str, stream: bool) -> Result<Encoded> {
    let quirks = Quirks { host, refuse: ["source.url".to_owned()].into(), ..Quirks::default() };
    let target = Target {
        provider: "cloud",
        model,
        version: None,
        quirks: &quirks,
        variables: &BTreeMap::new(),
        stream,
        max_output: None,
        id_seed: "seed",
    };
    Anthropic.encode_request(request, &target)
}

fn hello() -> ChatRequest {
    ChatRequest::new("x").user("Hello").max_tokens(16)
}

fn body(encoded: &Encoded) -> Value {
    serde_json::from_slice(&encoded.body).unwrap()
}

#[test]
fn bedrock_is_asked_by_path_and_told_the_version_in_the_body() {
    let encoded = encode(&hello(), Host::Bedrock, "us.anthropic.claude-haiku-4-5-20251001-v1:0", false).unwrap();
    assert_eq!(encoded.path, "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke");
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let want = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 16, "messages": messages});
    assert_eq!(body(&encoded), want);
    assert_eq!(encoded.headers.len(), 1);

    let newer = encode(&hello(), Host::Bedrock, "us.anthropic.claude-opus-4-8", true).unwrap();
    assert_eq!(newer.path, "/model/us.anthropic.claude-opus-4-8/invoke-with-response-stream");
    assert_eq!(body(&newer)["anthropic_version"], "2026-10-21");
    assert_eq!(body(&newer).get("stream"), None);
}

#[test]
fn bedrock_takes_betas_in_the_body() {
    let mut request = hello();
    request.native.insert(Protocol::Anthropic, BETA, "one-2025,two-2026".into());
    request.native.insert(Protocol::Anthropic, "stream", false.into());
    let encoded = encode(&request, Host::Bedrock, "claude", false).unwrap();
    assert_eq!(body(&encoded)["anthropic_beta"], json!(["one-2025", "two-2026"]));
    assert_eq!((body(&encoded).get("stream"), encoded.headers.get(BETA)), (None, None));
}

#[test]
fn vertex_is_asked_by_path_and_told_the_version_in_the_body() {
    let encoded = encode(&hello(), Host::Vertex, "claude-haiku-4-5@20251001", true).unwrap();
    assert_eq!(encoded.path, "/publishers/anthropic/models/claude-haiku-4-5%4020251001:streamRawPredict");
    assert_eq!(body(&encoded)["anthropic_version"], "vertex-2023-10-16");
    assert_eq!((body(&encoded).get("model"), &body(&encoded)["stream"]), (None, &json!(true)));
}

#[test]
fn media_elsewhere_is_refused_by_name() {
    let request = hello().user_parts(vec![Part::image_url("https://example.com/cat.png")]);
    let error = encode(&request, Host::Bedrock, "claude", false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedParameter);
    assert_eq!(error.param(), Some("messages[1].content[0].source"));
}

/// A frame of Bedrock's around an event.
fn wrapped(event: &Value) -> Vec<u8> {
    json!({"bytes": STANDARD.encode(event.to_string()), "p": "abc"}).to_string().into_bytes()
}

fn read(frames: &[Vec<u8>], last: Option<&Frame<'_>>) -> Result<ChatAnswer> {
    let cx = DecodeContext { provider: "bedrock_anthropic".into(), ..DecodeContext::default() };
    let mut decoder: Box<dyn StreamDecoder<Chat>> = Anthropic.decode_stream(&cx);
    let mut chunks = Vec::new();
    for data in frames {
        decoder.decode(&Frame { event: CHUNK, data, is_error: false }, &mut chunks)?;
    }
    last.map_or(Ok(()), |frame| decoder.decode(frame, &mut chunks))?;
    decoder.finish(&mut chunks)?;
    let mut sum = ChatAccumulator::new("bedrock_anthropic");
    chunks.iter().for_each(|chunk| sum.push(chunk));
    Ok(sum.finish())
}

fn events() -> Vec<Vec<u8>> {
    [
        json!({"type": "message_start", "message": {"id": "msg_bdrk_1", "type": "message", "role": "assistant",
            "model": "claude", "content": [], "usage": {"input_tokens": 7, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Ahoy"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 7}}),
    ]
    .iter()
    .map(wrapped)
    .collect()
}

#[test]
fn bedrock_wraps_every_event() {
    let answer = read(&events(), None).unwrap();
    assert_eq!((answer.text().as_str(), answer.usage().get(Meter::Input)), ("Ahoy", 7));
    assert_eq!(answer.usage().get(Meter::Output), 3);
    assert_eq!(read(&events()[..5], None).unwrap_err().kind(), ErrorKind::Cut);
}

#[test]
fn an_exception_breaks_the_stream_off() {
    let exception = Frame { event: "throttlingException", data: br#"{"message":"Too many tokens"}"#, is_error: true };
    let error = read(&events()[..3], Some(&exception)).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::RateLimited, "Too many tokens"));
    assert_eq!(error.provider(), Some("bedrock_anthropic"));
    for garbage in [&b"{}"[..], br#"{"bytes":"%"}"#, b"nothing"] {
        let odd = Frame { event: CHUNK, data: garbage, is_error: false };
        assert_eq!(read(&[], Some(&odd)).unwrap_err().kind(), ErrorKind::ProviderError);
    }
}
