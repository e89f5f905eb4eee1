//! What the fuzz targets do with their input. The ordinary tests include this file and replay the corpora with it.

mod operation;
mod seal;

use llm_core::chat::{ChatAccumulator, ChatAnswer, ChatChunk};
use llm_core::codec::{
    AnswerContext, ChatProtocol, DecodeContext, Edits, Quirks, RequestHead, ResponseHead, Target as Provider, Trailer,
    Verdict,
};
use llm_core::{Error, Protocol, Usage};
use llm_providers::framing::{
    AwsEventStreamFramer, AwsMessage, Framer, JsonArrayFramer, NdjsonFramer, RawFrame, SseFramer, write_aws_message,
};
use llm_providers::protocols;
use serde_json::Value;

/// A target's name, which is its file's under `fuzz_targets` and its folder's under `corpus`, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("sse", sse),
    ("ndjson", ndjson),
    ("aws_event_stream", aws_event_stream),
    ("json_array", json_array),
    ("openai_chat_request", |data| request(Protocol::OpenAiChat, data)),
    ("openai_chat_response", |data| answer(Protocol::OpenAiChat, data)),
    ("openai_chat_stream", |data| stream(Protocol::OpenAiChat, data)),
    ("openai_chat_passthrough", |data| passthrough(Protocol::OpenAiChat, data)),
    ("openai_responses_request", |data| request(Protocol::OpenAiResponses, data)),
    ("openai_responses_response", |data| answer(Protocol::OpenAiResponses, data)),
    ("openai_responses_stream", |data| stream(Protocol::OpenAiResponses, data)),
    ("openai_responses_passthrough", |data| passthrough(Protocol::OpenAiResponses, data)),
    ("anthropic_request", |data| request(Protocol::Anthropic, data)),
    ("anthropic_response", |data| answer(Protocol::Anthropic, data)),
    ("anthropic_stream", |data| stream(Protocol::Anthropic, data)),
    ("anthropic_passthrough", |data| passthrough(Protocol::Anthropic, data)),
    ("bedrock_request", |data| request(Protocol::Bedrock, data)),
    ("bedrock_response", |data| answer(Protocol::Bedrock, data)),
    ("bedrock_stream", bedrock_stream),
    ("gemini_request", |data| request(Protocol::Gemini, data)),
    ("gemini_response", |data| answer(Protocol::Gemini, data)),
    ("gemini_stream", |data| stream(Protocol::Gemini, data)),
    ("gemini_passthrough", |data| passthrough(Protocol::Gemini, data)),
    ("cohere_request", |data| request(Protocol::Cohere, data)),
    ("cohere_response", |data| answer(Protocol::Cohere, data)),
    ("cohere_stream", |data| stream(Protocol::Cohere, data)),
    ("mistral_request", |data| request(Protocol::Mistral, data)),
    ("mistral_response", |data| answer(Protocol::Mistral, data)),
    ("mistral_stream", |data| stream(Protocol::Mistral, data)),
    ("ollama_request", |data| request(Protocol::Ollama, data)),
    ("ollama_response", |data| answer(Protocol::Ollama, data)),
    ("ollama_stream", |data| stream(Protocol::Ollama, data)),
    ("native_request", |data| request(Protocol::Native, data)),
    ("native_response", |data| answer(Protocol::Native, data)),
    ("native_stream", |data| stream(Protocol::Native, data)),
    ("complete", operation::any::<llm_core::completion::Complete>),
    ("embed", operation::any::<llm_core::embedding::Embed>),
    ("rerank", operation::any::<llm_core::rerank::Rerank>),
    ("moderate", operation::any::<llm_core::moderation::Moderate>),
    ("images", operation::any::<llm_core::image::Images>),
    ("speak", operation::any::<llm_core::audio::Speak>),
    ("transcribe", operation::any::<llm_core::audio::Transcribe>),
    ("count_tokens", operation::any::<llm_core::token_count::CountTokens>),
    ("models", operation::any::<llm_core::model_list::Models>),
    ("files", operation::any::<llm_core::file::Files>),
    ("batches", operation::any::<llm_core::batch::Batches>),
    ("seal", seal::seal),
];

/// Runs the target of that name.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(other, _)| *other == name).expect("a target has its name");
    target(data);
}

/// Server-sent events.
pub fn sse(data: &[u8]) {
    framing(SseFramer::default, data);
}

/// Newline-delimited JSON.
pub fn ndjson(data: &[u8]) {
    framing(NdjsonFramer::default, data);
}

/// AWS event stream.
pub fn aws_event_stream(data: &[u8]) {
    framing(AwsEventStreamFramer::default, data);
}

/// One JSON array.
pub fn json_array(data: &[u8]) {
    framing(JsonArrayFramer::default, data);
}

/// Any delivery gives the same frames, and their raw bytes are the body. The first byte says how it is delivered.
fn framing<F: Framer>(make: impl Fn() -> F, data: &[u8]) {
    let (size, body) = match data.split_first() {
        Some((&size, body)) => (usize::from(size).max(1), body),
        None => (1, data),
    };
    let whole = frames(make(), body, body.len().max(1));
    let pieces = frames(make(), body, size);
    assert_eq!(whole, pieces, "delivered in pieces of {size}");
}

/// Name and data of every frame that has any; none where the body is broken.
fn frames(mut framer: impl Framer, body: &[u8], size: usize) -> Option<Vec<(String, Vec<u8>)>> {
    let mut raw = Vec::new();
    let mut frames = Vec::new();
    let result = deliver(&mut framer, body, size, |found| {
        raw.extend_from_slice(found.raw);
        if !(found.frame.event.is_empty() && found.frame.data.is_empty()) {
            frames.push((found.frame.event.to_owned(), found.frame.data.to_vec()));
        }
        Ok(())
    });
    assert!(body.starts_with(&raw));
    result.ok()?;
    assert_eq!(raw, body);
    Some(frames)
}

fn deliver(
    framer: &mut dyn Framer,
    body: &[u8],
    size: usize,
    mut take: impl FnMut(RawFrame<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    for piece in body.chunks(size) {
        framer.push(piece);
        while let Some(found) = framer.next_frame()? {
            take(found)?;
        }
    }
    while let Some(found) = framer.finish()? {
        take(found)?;
    }
    Ok(())
}

fn cx() -> DecodeContext {
    DecodeContext { provider: "fuzz".to_owned(), id_seed: "seed".to_owned(), ..DecodeContext::default() }
}

/// The head of a caller's request. Gemini's says there which model is asked for what.
fn head_of(protocol: Protocol) -> RequestHead {
    let path = if protocol == Protocol::Gemini { "/v1beta/models/m:generateContent" } else { "" };
    RequestHead { path: path.to_owned(), ..RequestHead::default() }
}

/// A request that was read and written again reads the same.
fn request(protocol: Protocol, data: &[u8]) {
    let Some(codec) = protocols::chat(protocol) else { return };
    let Some((first, head)) = rewritten(codec, &head_of(protocol), data) else { return };
    let (second, _) = rewritten(codec, &head, &first).expect("what was written can be read and written");
    alike(&first, &second);
}

fn rewritten(codec: &dyn ChatProtocol, head: &RequestHead, body: &[u8]) -> Option<(Vec<u8>, RequestHead)> {
    let (request, cx) = codec.decode_request(head, body).ok()?;
    let target = Provider {
        provider: "fuzz",
        model: &cx.model,
        version: cx.version.as_deref(),
        quirks: &Quirks::default(),
        variables: &Default::default(),
        stream: cx.stream,
        max_output: None,
        id_seed: "seed",
    };
    for other in all_codecs() {
        // Refused or not, it must not panic.
        let _ = other.encode_request(&request, &target);
    }
    let encoded = codec.encode_request(&request, &target).ok()?;
    Some((
        encoded.body.to_vec(),
        RequestHead { headers: encoded.headers, path: encoded.path, ..RequestHead::default() },
    ))
}

/// A whole answer that was read and written again reads the same; so does an error.
fn answer(protocol: Protocol, data: &[u8]) {
    let Some(codec) = protocols::chat(protocol) else { return };
    let head = ResponseHead::default();
    let error = codec.decode_error(&cx(), &head, data);
    codec.encode_error(&error);
    let Ok(read) = codec.decode_answer(&cx(), &head, data) else { return };
    if let Some(passthrough) = codec.passthrough() {
        let seen = passthrough.observe(data);
        same_counts(seen.usage.as_ref(), read.usage.as_ref());
    }
    for other in all_codecs() {
        other.encode_error(&error);
        if let Ok(written) = other.encode_answer(&AnswerContext::default(), &read) {
            other.decode_answer(&cx(), &head, &written).expect("an answer of another protocol can be read");
        }
    }
    let Ok(first) = codec.encode_answer(&AnswerContext::default(), &read) else { return };
    let read = codec.decode_answer(&cx(), &head, &first).expect("what was written can be read");
    let second = codec.encode_answer(&AnswerContext::default(), &read).expect("and written");
    alike(&first, &second);
}

/// A stream that was read and written again says the same, and in every other protocol it is whole as well.
fn stream(protocol: Protocol, data: &[u8]) {
    let Some(codec) = protocols::chat(protocol) else { return };
    let Ok((read, trailer)) = decoded(codec, data) else { return };
    let first = accumulated(&read);
    for other in all_codecs() {
        let Ok(written) = written(other, &read, &trailer) else { continue };
        let chunks = match decoded(other, &written) {
            Ok((chunks, _)) => chunks,
            // Where the end of a stream can't be written, the stream says so in its last event.
            Err(error) => {
                assert!(error.message().contains("are not valid JSON"), "what was written can't be read: {error}");
                continue;
            }
        };
        if other.protocol() == protocol {
            let second = accumulated(&chunks);
            let texts = |answer: &ChatAnswer| [answer.text(), answer.reasoning()];
            match protocol {
                Protocol::Anthropic => nothing_lost(texts(&first), texts(&second), read.iter().any(is_whole_piece)),
                _ => assert_eq!(texts(&first), texts(&second)),
            }
            assert_eq!(first.tool_calls().len(), second.tool_calls().len());
        }
    }
}

/// The way for bytes that pass sees the same usage.
fn same_counts(seen: Option<&Usage>, read: Option<&Usage>) {
    // That nothing was used and that nothing is known cost the same.
    let counts = |usage: Option<&Usage>| -> Vec<_> { usage.unwrap_or(Usage::NONE).counts().collect() };
    assert_eq!(counts(seen), counts(read));
}

/// Anthropic's blocks that came in turns are written one behind the other: the order changes, and nothing else. But a
/// piece that was kept whole names a block that may have another number now, so that it is read after all.
fn nothing_lost(before: [String; 2], after: [String; 2], kept_whole: bool) {
    for (before, after) in before.iter().map(|text| letters(text)).zip(after.iter().map(|text| letters(text))) {
        let mut letters = after.chars();
        let is_there = before.chars().all(|letter| letters.any(|other| other == letter));
        assert!(if kept_whole { is_there } else { before == after }, "{before:?} became {after:?}");
    }
}

/// Whether this is a piece of a block of Anthropic's that was kept as it came.
fn is_whole_piece(chunk: &ChatChunk) -> bool {
    let event = chunk.native.get(Protocol::Anthropic, "event");
    event.is_some_and(|event| event.get("type").is_some_and(|kind| kind == "content_block_delta"))
}

/// The letters of a text, sorted.
fn letters(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}

/// Lines of an event's name and its payload, since a changed byte of a binary stream breaks no more than a checksum. A
/// name that begins with `!` is an exception's.
fn bedrock_stream(data: &[u8]) {
    let mut body = Vec::new();
    for line in data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let (name, payload) = line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
        let name = String::from_utf8_lossy(name);
        let (message, name) = match name.strip_prefix('!') {
            Some(name) => (AwsMessage::Exception, name),
            None => (AwsMessage::Event, name.as_ref()),
        };
        write_aws_message(message, name, payload.trim_ascii_start(), &mut body);
    }
    stream(Protocol::Bedrock, &body);
}

fn all_codecs() -> impl Iterator<Item = &'static dyn ChatProtocol> {
    let all = [
        Protocol::OpenAiChat,
        Protocol::OpenAiResponses,
        Protocol::Anthropic,
        Protocol::Bedrock,
        Protocol::Gemini,
        Protocol::Ollama,
        Protocol::Native,
    ];
    all.into_iter().filter_map(protocols::chat)
}

fn decoded(codec: &dyn ChatProtocol, body: &[u8]) -> Result<(Vec<ChatChunk>, Trailer), Error> {
    let mut framer: Box<dyn Framer> = match codec.protocol() {
        Protocol::Bedrock => Box::new(AwsEventStreamFramer::default()),
        Protocol::Ollama => Box::new(NdjsonFramer::default()),
        _ => Box::new(SseFramer::default()),
    };
    let mut decoder = codec.decode_stream(&cx());
    let mut chunks = Vec::new();
    deliver(&mut *framer, body, body.len().max(1), |found| decoder.decode(&found.frame, &mut chunks))?;
    decoder.finish(&mut chunks)?;
    Ok((chunks, decoder.trailer()))
}

fn written(codec: &dyn ChatProtocol, chunks: &[ChatChunk], trailer: &Trailer) -> Result<Vec<u8>, Error> {
    let mut encoder = codec.encode_stream(&AnswerContext { include_usage: true, ..AnswerContext::default() });
    let mut written = Vec::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut written)?;
    }
    encoder.finish(trailer, &mut written);
    Ok(written)
}

fn accumulated(chunks: &[ChatChunk]) -> ChatAnswer {
    let mut accumulator = ChatAccumulator::new("fuzz");
    chunks.iter().for_each(|chunk| accumulator.push(chunk));
    accumulator.finish()
}

/// A body without edits stays as it is, an edited one changes where it was told to, and no stream breaks an observer.
fn passthrough(protocol: Protocol, data: &[u8]) {
    let Some(pass) = protocols::chat(protocol).and_then(ChatProtocol::passthrough) else { return };
    let body = data.to_vec().into();
    let _ = pass.observe(data);
    let mut observer = pass.observe_stream(true);
    let _ = deliver(&mut SseFramer::default(), data, data.len().max(1), |found| {
        let verdict = observer.frame(&found.frame);
        assert!(matches!(verdict, Verdict::Forward | Verdict::Drop));
        Ok(())
    });
    let _ = observer.observed();
    if pass.skim(&head_of(protocol), data).is_err() {
        return;
    }
    if let Ok(same) = pass.edit(&body, &Edits::default()) {
        assert_eq!(same, body);
    }
    let edits =
        Edits { model: Some("other \"model\"".to_owned()), ask_usage: true, cap_output: Some(7), ..Edits::default() };
    let Ok(edited) = pass.edit(&body, &edits) else { return };
    // Texts that nobody looks at are passed on as they are, UTF-8 or not.
    let Ok(original) = serde_json::from_slice::<Value>(data) else { return };
    let edited: Value = serde_json::from_slice(&edited).expect("an edited body is JSON");
    if protocol != Protocol::Gemini {
        assert_eq!(edited["model"], "other \"model\"");
    }
    let kept = |body: &Value| ["messages", "contents"].map(|name| body.get(name).cloned());
    assert_eq!(kept(&edited), kept(&original));
}

/// Panics where two JSON texts differ in more than the last digit of a number.
fn alike(first: &[u8], second: &[u8]) {
    let parse = |text| serde_json::from_slice::<Value>(text).expect("what was written is JSON");
    let (first, second) = (parse(first), parse(second));
    assert!(are_alike(&first, &second), "\n{first}\n{second}");
}

fn are_alike(first: &Value, second: &Value) -> bool {
    match (first, second) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| are_alike(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| are_alike(a, b)),
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= a.abs() * 1e-12,
            _ => a == b,
        },
        _ => first == second,
    }
}
