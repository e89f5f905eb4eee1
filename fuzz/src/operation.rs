//! The targets of the operations beside chat. Each tries its input as a request, as an answer and as a stream, in every
//! protocol that has the operation.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use llm_core::codec::{
    AnswerContext, Edits, Operation, Passthrough, Quirks, RequestHead, ResponseHead, Speaks, Trailer,
};
use llm_core::operation::{Answers, Asks, Tells};
use llm_core::{Error, Protocol};
use llm_providers::framing::{Framer, SseFramer};
use llm_providers::protocols::Spoken;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use super::{Provider, alike, cx, deliver, same_counts};

/// What every part of an operation can be asked for here.
pub(crate) trait Part: Serialize + DeserializeOwned + PartialEq + Debug {}

impl<T: Serialize + DeserializeOwned + PartialEq + Debug> Part for T {}

/// The target of an operation.
pub(crate) fn any<O: Spoken>(data: &[u8])
where
    O::Request: Part,
    O::Answer: Part,
{
    for codec in codecs::<O>() {
        for head in heads_of(codec.protocol(), O::NAME, data) {
            request(codec, &head, data);
        }
        answer(codec, data);
        stream(codec, data);
    }
}

const PROTOCOLS: &[Protocol] = &[
    Protocol::OpenAiChat,
    Protocol::Anthropic,
    Protocol::Gemini,
    Protocol::Bedrock,
    Protocol::Cohere,
    Protocol::Mistral,
    Protocol::Ollama,
    Protocol::Voyage,
    Protocol::ElevenLabs,
    Protocol::Deepgram,
    Protocol::Native,
];

fn codecs<O: Spoken>() -> impl Iterator<Item = &'static dyn Speaks<O>> {
    PROTOCOLS.iter().filter_map(|protocol| O::codec(*protocol))
}

/// The heads that a caller may send the input with: Gemini's says there what is asked for, a form's where its parts end,
/// and one about things that are kept names them.
fn heads_of(protocol: Protocol, operation: &str, data: &[u8]) -> Vec<RequestHead> {
    let (gemini, kept) = (protocol == Protocol::Gemini, matches!(operation, "files" | "batches"));
    let path = match operation {
        "embed" if gemini => "/v1beta/models/m:embedContent".to_owned(),
        _ if gemini && !kept => "/v1beta/models/m:countTokens".to_owned(),
        "batches" if protocol == Protocol::Anthropic => "/v1/messages/batches".to_owned(),
        _ if kept => format!("/v1/{operation}"),
        _ => String::new(),
    };
    let mut head = RequestHead { method: Method::POST, path, ..RequestHead::default() };
    let first = data.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let boundary = first.strip_prefix(b"--").and_then(|name| std::str::from_utf8(name).ok());
    let kind = boundary.map(|name| format!("multipart/form-data; boundary=\"{name}\""));
    if let Some(kind) = kind.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        head.headers.insert(CONTENT_TYPE, kind);
    }
    let mut heads = vec![head.clone()];
    let methods: &[&str] = match operation {
        "embed" => &["batchEmbedContents", "predict"],
        "batches" => &["batchGenerateContent"],
        _ => &[],
    };
    for method in methods.iter().filter(|_| gemini) {
        heads.push(RequestHead { path: format!("/v1beta/models/m:{method}"), ..head.clone() });
    }
    if let (true, "files", Some(name)) = (gemini, operation, boundary) {
        let mut upload = RequestHead { path: "/upload/v1beta/files".to_owned(), ..head.clone() };
        let kind = HeaderValue::from_str(&format!("multipart/related; boundary=\"{name}\""));
        upload.headers.extend(kind.ok().map(|kind| (CONTENT_TYPE, kind)));
        heads.push(upload);
    }
    if let (true, Ok(text)) = (kept, std::str::from_utf8(data)) {
        let page = RequestHead { method: Method::GET, query: Some(text.to_owned()), ..head.clone() };
        let named = |method| RequestHead { method, path: format!("{}/{text}", head.path), ..head.clone() };
        heads.extend([page, named(Method::GET), named(Method::POST), named(Method::DELETE)]);
    }
    heads
}

fn target<'a>(cx: &'a AnswerContext, quirks: &'a Quirks, variables: &'a BTreeMap<String, String>) -> Provider<'a> {
    Provider {
        provider: "fuzz",
        model: &cx.model,
        version: cx.version.as_deref(),
        quirks,
        variables,
        stream: cx.stream,
        max_output: None,
        id_seed: "seed",
    }
}

/// A request is the same in the native protocol's JSON, can be said or refused in every protocol, and reads the same
/// where it was written in its own.
fn request<O: Spoken>(codec: &'static dyn Speaks<O>, head: &RequestHead, data: &[u8])
where
    O::Request: Part,
{
    let Ok((request, cx)) = codec.decode_request(head, data) else { return };
    same_in_json(&request);
    let _ = (request.skim(), request.text());
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = target(&cx, &quirks, &variables);
    for other in codecs::<O>() {
        // Refused or not, it must not panic.
        let _ = other.encode_request(&request, &target);
    }
    if let Some(passthrough) = codec.passthrough() {
        pass(codec, passthrough, &target, head, data, &request);
    }
    let Ok(written) = codec.encode_request(&request, &target) else { return };
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&written.query).finish();
    let head = RequestHead {
        method: written.method,
        path: written.path,
        query: (!query.is_empty()).then_some(query),
        headers: written.headers,
    };
    let (again, _) = codec.decode_request(&head, &written.body).expect("what was written can be read");
    let written_again = codec.encode_request(&again, &target).expect("and written");
    if serde_json::from_slice::<Value>(&written.body).is_ok() {
        alike(&written.body, &written_again.body);
    } else {
        assert_eq!(written.body, written_again.body);
    }
}

/// An edited body asks for the other model, and for the same otherwise.
fn pass<O: Spoken>(
    codec: &'static dyn Speaks<O>,
    passthrough: &dyn Passthrough,
    target: &Provider<'_>,
    head: &RequestHead,
    data: &[u8],
    request: &O::Request,
) where
    O::Request: Part,
{
    let body = Bytes::copy_from_slice(data);
    // Google's protocol has the model in the path, and two spellings: members in both are refused before they pass.
    let in_path = codec.protocol() == Protocol::Gemini;
    let skim = match passthrough.skim(head, data) {
        Err(_) if in_path => return,
        looked => looked.expect("what can be read can be looked at"),
    };
    assert_eq!(skim.model, request.model());
    if !passthrough.can_pass(target, head, data) {
        return;
    }
    if let Ok(same) = passthrough.edit(&body, &Edits::default()) {
        assert_eq!(same, body);
    }
    const OTHER: &str = "other \"model\"";
    let edits = Edits { model: Some(OTHER.to_owned()), ..Edits::default() };
    let Ok(edited) = passthrough.edit(&body, &edits) else { return };
    let (edited, _) = codec.decode_request(head, &edited).expect("an edited body can be read");
    let mut wanted = request.clone();
    if !in_path {
        wanted.set_model(OTHER);
    }
    assert_eq!(edited, wanted);
}

/// A whole answer, likewise; and the way for bytes that pass sees the same usage.
fn answer<O: Spoken>(codec: &'static dyn Speaks<O>, data: &[u8])
where
    O::Answer: Part,
{
    for kind in ["application/json", "text/plain", "audio/mpeg"] {
        let mut head = ResponseHead::default();
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        codec.encode_error(&codec.decode_error(&cx(), &head, data));
        let Ok(read) = codec.decode_answer(&cx(), &head, data) else { continue };
        same_in_json(&read);
        for other in codecs::<O>() {
            let _ = other.encode_answer(&AnswerContext::default(), &read);
        }
        if kind == "application/json"
            && data.trim_ascii_start().starts_with(b"{")
            && let Some(passthrough) = codec.passthrough()
        {
            same_counts(passthrough.observe(data).usage.as_ref(), read.usage());
        }
        let Ok(first) = codec.encode_answer(&AnswerContext::default(), &read) else { continue };
        if serde_json::from_slice::<Value>(&first).is_err() {
            continue;
        }
        let read = codec.decode_answer(&cx(), &head, &first).expect("what was written can be read");
        let second = codec.encode_answer(&AnswerContext::default(), &read).expect("and written");
        alike(&first, &second);
    }
}

/// A stream that was read is whole when it is written again, and one that passes is seen with the same usage.
fn stream<O: Spoken>(codec: &'static dyn Speaks<O>, data: &[u8]) {
    let watched = codec.passthrough().map(|passthrough| {
        let mut observer = passthrough.observe_stream(false);
        let framed = deliver(&mut SseFramer::default(), data, data.len().max(1), |found| {
            observer.frame(&found.frame);
            Ok(())
        });
        (framed.is_ok(), observer)
    });
    let Ok(chunks) = chunks(codec, data) else {
        if let Some((_, observer)) = watched {
            let seen = observer.observed();
            assert!(!seen.complete || seen.error.is_some(), "what can't be read is no whole stream");
        }
        return;
    };
    if let Some((true, observer)) = watched {
        same_counts(observer.observed().usage.as_ref(), chunks.iter().rev().find_map(Tells::usage));
    }
    let mut encoder = codec.encode_stream(&AnswerContext { include_usage: true, ..AnswerContext::default() });
    let mut written = Vec::new();
    for chunk in &chunks {
        if encoder.encode(chunk, &mut written).is_err() {
            return;
        }
    }
    encoder.finish(&Trailer::default(), &mut written);
    if encoder.content_type() == "text/event-stream" {
        self::chunks(codec, &written).expect("what was written is whole");
    }
}

fn chunks<O: Operation>(codec: &dyn Speaks<O>, data: &[u8]) -> Result<Vec<O::Chunk>, Error> {
    let (mut framer, mut decoder, mut chunks) = (SseFramer::default(), codec.decode_stream(&cx()), Vec::new());
    deliver(&mut framer as &mut dyn Framer, data, data.len().max(1), |found| {
        decoder.decode(&found.frame, &mut chunks)
    })?;
    decoder.finish(&mut chunks)?;
    Ok(chunks)
}

fn same_in_json<T: Part>(value: &T) {
    let text = serde_json::to_string(value).expect("every value has a JSON form");
    let again: T = serde_json::from_str(&text).expect("which can be read again");
    // The last digit of a number may differ.
    alike(text.as_bytes(), serde_json::to_string(&again).expect("and written").as_bytes());
}
