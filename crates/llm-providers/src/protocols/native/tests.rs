use llm_core::chat::{Change, ChatChunk, ChunkChoice, Delta, Effort, Part, Tool};
use llm_core::{Meter, NanoUsd, Usage};
use serde_json::json;

use super::*;
use crate::framing;

fn frames(body: &[u8], mut each: impl FnMut(&Frame<'_>)) {
    let mut framer = framing::for_content_type(Some("text/event-stream")).unwrap();
    framer.push(body);
    while let Some(raw) = framer.next_frame().unwrap() {
        each(&raw.frame);
    }
}

#[test]
fn a_request_arrives_as_it_left() {
    let request = ChatRequest::new("openai:gpt-4o")
        .system("be brief")
        .user_parts(vec![Part::text("what is this?").cached(), Part::image_url("data:image/png;base64,AA==")])
        .tool(Tool::function("look", "looks", json!({"type": "object"})))
        .effort(Effort::High)
        .max_tokens(7);
    let body = to_json(&Asked { request: &request, stream: true }).unwrap();
    let (read, cx) = NativeProtocol.decode_request(&RequestHead::default(), &body).unwrap();
    assert_eq!(read, request);
    assert!(cx.stream);
}

#[test]
fn a_stream_arrives_as_it_left_with_its_trailer() {
    let usage = Usage::default().with(Meter::Input, 3).with(Meter::Reasoning, 2);
    let delta = |change| Delta::new(0, change);
    let deltas = vec![delta(Change::Start(Part::text(""))), delta(Change::Text("Hi".into())), delta(Change::Stop)];
    let sent = vec![
        ChatChunk { choices: vec![ChunkChoice { deltas, ..ChunkChoice::default() }], ..ChatChunk::default() },
        ChatChunk { usage: Some(usage), ..ChatChunk::default() },
    ];
    let call = llm_core::chat::CallInfo { id: "c".into(), cost_usd: Some(NanoUsd(5)), attempts: 2 };
    let trailer = Trailer {
        provider: Some("openai".into()),
        call: Some(call),
        dropped_params: vec!["seed".into()],
        ..Trailer::default()
    };
    let mut body = Vec::new();
    for chunk in &sent {
        StreamEncoder::<Chat>::encode(&mut Encoder, chunk, &mut body).unwrap();
    }
    StreamEncoder::<Chat>::finish(&mut Encoder, &trailer, &mut body);

    let mut decoder = Decoder { trailer: None };
    let mut received: Vec<ChatChunk> = Vec::new();
    frames(&body, |frame| StreamDecoder::<Chat>::decode(&mut decoder, frame, &mut received).unwrap());
    assert_eq!(received, sent);
    StreamDecoder::<Chat>::finish(&mut decoder, &mut received).unwrap();
    assert_eq!(StreamDecoder::<Chat>::trailer(&decoder), trailer);
}

#[test]
fn a_stream_without_its_end_was_cut() {
    let mut decoder = Decoder { trailer: None };
    let error = StreamDecoder::<Chat>::finish(&mut decoder, &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cut);
}

#[test]
fn an_error_arrives_with_kind_status_and_provider() {
    let error = Error::new(ErrorKind::RateLimited, "slow down")
        .with_status(http::StatusCode::TOO_MANY_REQUESTS)
        .with_provider("openai")
        .with_code("rate_limit")
        .with_retry_after(std::time::Duration::from_millis(1500));
    let sent = NativeProtocol.encode_error(&error);
    assert_eq!(sent.headers["retry-after"], "2");
    let head = ResponseHead { status: sent.status, headers: sent.headers };
    let read = NativeProtocol.decode_error(&DecodeContext::default(), &head, &sent.body);
    assert_eq!(format!("{read:?}"), format!("{error:?}"));
}

#[test]
fn a_providers_word_on_our_credential_stays_here() {
    let error = Error::new(ErrorKind::ProviderAuth, "bad key sk-123").with_status(http::StatusCode::UNAUTHORIZED);
    let sent = NativeProtocol.encode_error(&error);
    assert_eq!(sent.status, http::StatusCode::BAD_GATEWAY);
    assert!(!String::from_utf8_lossy(&sent.body).contains("sk-123"));
}
