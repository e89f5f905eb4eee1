//! `POST /audio/transcriptions`: a form with a file in, a transcript as JSON, text or server-sent events out.

mod stream;

use std::borrow::Cow;

use bytes::Bytes;
use http::header;
use llm_core::audio::{AudioFile, Segment, Transcribe, TranscribeAnswer, TranscribeRequest, TranscriptForm, Word};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Protocol, Result, Usage};
use serde_json::{Map, Number, Value, json};

use super::embed::answer_fields;
use super::images::form::{add, parts_of, post};
use super::{OpenAi, PROTOCOL, error};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::multipart::{self, Part};
use crate::protocols::pass::Pass;
use crate::protocols::speaks::speaks;

const PATH: &str = "/audio/transcriptions";
const GRANULARITIES: &str = "timestamp_granularities[]";

/// The request as a form; of OpenAI, and of Mistral, which keeps its own members under its own tag.
pub(in crate::protocols) fn encode_request(
    protocol: Protocol,
    request: &TranscribeRequest,
    target: &Target<'_>,
) -> Result<Encoded> {
    let mut body = Body::new(&request.native, protocol, request.unsupported, target)?;
    body.set("model", target.model);
    body.set_some("language", request.language.as_deref());
    body.set_some("prompt", request.prompt.as_deref());
    body.set_some("response_format", request.form.as_ref().map(TranscriptForm::as_str));
    let spelled = body.take("temperature");
    if let Some(temperature) = request.temperature {
        // A form has texts: `0` and `0.0` are two of them.
        let spelled = spelled.and_then(|text| text.as_str().map(str::to_owned));
        let same = spelled.filter(|text| text.parse::<f64>() == Ok(temperature));
        body.set("temperature", same.unwrap_or_else(|| temperature.to_string()));
    }
    if !request.timestamps.is_empty() {
        body.set(GRANULARITIES, request.timestamps.clone());
    }
    if target.stream {
        body.set("stream", "true");
    }
    let (members, dropped) = body.members()?;
    let mut parts: Vec<Part> = members.iter().flat_map(|(name, value)| parts_of(name, value)).collect();
    let AudioFile { name, content_type, data } = request.file.clone();
    let name = if name.is_empty() { "audio".to_owned() } else { name };
    parts.push(Part { name: "file".to_owned(), filename: Some(name), content_type, data });
    Ok(post(PATH, &parts, dropped, target))
}

pub(in crate::protocols) fn decode_request(
    protocol: Protocol,
    head: &RequestHead,
    body: &[u8],
) -> Result<(TranscribeRequest, AnswerContext)> {
    let (mut members, mut file) = (Map::new(), None);
    for part in multipart::read(&head.headers, body)? {
        if part.name == "file" && part.filename.is_some() {
            let name = part.filename.unwrap_or_default();
            file = Some(AudioFile { name, content_type: part.content_type, data: part.data });
        } else {
            add(&mut members, &part);
        }
    }
    let mut fields = Fields::new(members);
    let temperature = match fields.text("temperature").map(str::parse::<f64>) {
        // It stays, for how it is spelled.
        Some(Ok(temperature)) => Some(temperature),
        Some(Err(_)) => return Err(fields.wrong("temperature", "a number")),
        None => None,
    };
    let timestamps = match fields.take_list(GRANULARITIES) {
        Some(list) => list.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        None => Vec::new(),
    };
    let model = fields.need_text("model")?;
    // Mistral also takes a URL or the id of a stored file, which stay.
    let is_elsewhere = ["file_url", "file_id"].iter().any(|name| fields.get(name).is_some());
    let file = match file {
        Some(file) => file,
        None if is_elsewhere => AudioFile::default(),
        None => return Err(fields.missing("file")),
    };
    let form = fields.want_text("response_format")?.map(|form| TranscriptForm::from(form.as_str()));
    let stream = fields.text("stream") == Some("true");
    let request = TranscribeRequest {
        file,
        language: fields.want_text("language")?,
        prompt: fields.want_text("prompt")?,
        form: form.clone(),
        temperature,
        timestamps,
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(protocol),
        model: model.clone(),
    };
    let form = form.map(|form| form.as_str().to_owned());
    Ok((request, AnswerContext { model, stream, form, ..AnswerContext::default() }))
}

/// Reads usage: tokens, or seconds; Mistral counts sound beside the prompt. None where nothing is counted.
fn read_usage(protocol: Protocol, members: &Map<String, Value>) -> Option<Usage> {
    let count = |name: &str| members.get(name).and_then(Value::as_u64);
    let within = |object: &str, name: &str| members.get(object).and_then(|object| object.get(name)?.as_u64());
    let mut usage = Usage::default();
    if let Some(seconds) = members.get("seconds").and_then(Value::as_f64) {
        usage.set(Meter::Second, whole_seconds(seconds));
    } else if let Some(input) = count("input_tokens") {
        let audio = within("input_token_details", "audio_tokens").unwrap_or(0).min(input);
        usage.set(Meter::InputAudio, audio);
        usage.set(Meter::Input, input - audio);
        usage.set(Meter::Output, count("output_tokens").unwrap_or(0));
    } else {
        let (prompt, output) = (count("prompt_tokens")?, count("completion_tokens").unwrap_or(0));
        let audio = within("prompt_tokens_details", "audio_tokens").unwrap_or(0);
        // The total says whether sound is counted within the prompt or beside it.
        let beside = count("total_tokens").is_some_and(|total| total >= prompt + audio + output);
        usage.set(Meter::InputAudio, audio);
        usage.set(Meter::Input, if beside { prompt } else { prompt.saturating_sub(audio) });
        usage.set(Meter::Output, output);
        if let Some(seconds) = members.get("prompt_audio_seconds").and_then(Value::as_f64) {
            usage.set(Meter::Second, whole_seconds(seconds));
        }
    }
    usage.native = Native::new(protocol, members.clone());
    Some(usage)
}

/// Seconds, begun ones counted.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded first")]
pub(in crate::protocols) fn whole_seconds(seconds: f64) -> u64 {
    seconds.ceil().clamp(0.0, 1e9) as u64
}

fn take_usage(protocol: Protocol, fields: &mut Fields) -> Option<Usage> {
    let read = read_usage(protocol, fields.get("usage")?.as_object()?)?;
    fields.take("usage");
    Some(read)
}

fn take_number(fields: &mut Fields, name: &str) -> Option<Number> {
    let number = fields.get(name)?.as_number().cloned()?;
    fields.take(name);
    Some(number)
}

fn segment(protocol: Protocol, item: Value) -> Result<Segment> {
    let mut fields = Fields::at("segments", item).map_err(|error| Error::bad_answer(error.message()))?;
    Ok(Segment {
        text: fields.take_text("text").unwrap_or_default(),
        start: take_number(&mut fields, "start"),
        end: take_number(&mut fields, "end"),
        // The name stays where it is not the first.
        speaker: fields.take_nonempty("speaker").or_else(|| fields.text("speaker_id").map(str::to_owned)),
        native: fields.into_native(protocol),
    })
}

fn word(protocol: Protocol, item: Value) -> Result<Word> {
    let mut fields = Fields::at("words", item).map_err(|error| Error::bad_answer(error.message()))?;
    Ok(Word {
        word: fields.take_text("word").unwrap_or_default(),
        start: take_number(&mut fields, "start"),
        end: take_number(&mut fields, "end"),
        native: fields.into_native(protocol),
    })
}

/// A list of objects, each read; another list stays.
fn take_objects<T>(fields: &mut Fields, name: &str, read: impl Fn(Value) -> Result<T>) -> Result<Vec<T>> {
    match fields.take_list(name) {
        Some(list) if !list.is_empty() && list.iter().all(Value::is_object) => list.into_iter().map(read).collect(),
        Some(list) => {
            fields.put(name, Value::Array(list));
            Ok(Vec::new())
        }
        None => Ok(Vec::new()),
    }
}

pub(in crate::protocols) fn decode_answer(
    protocol: Protocol,
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
) -> Result<TranscribeAnswer> {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("text/") && !kind.contains("html") {
        return Ok(text_answer(protocol, cx, kind, body));
    }
    let mut fields = answer_fields(cx, head, body, "text")?;
    let mut answer = TranscribeAnswer {
        text: fields.take_text("text").unwrap_or_default(),
        language: fields.take_nonempty("language"),
        segments: take_objects(&mut fields, "segments", |item| segment(protocol, item))?,
        words: take_objects(&mut fields, "words", |item| word(protocol, item))?,
        model: fields.take_nonempty("model").unwrap_or_default(),
        provider: cx.provider.clone(),
        usage: take_usage(protocol, &mut fields),
        ..TranscribeAnswer::default()
    };
    // The older interface says lengths as texts, which stay.
    answer.duration = take_number(&mut fields, "duration");
    if answer.usage.is_none() {
        let seconds = answer.duration.as_ref().and_then(Number::as_f64);
        answer.usage = seconds.map(|seconds| Usage::default().with(Meter::Second, whole_seconds(seconds)));
    }
    answer.native = fields.into_native(protocol);
    Ok(answer)
}

fn text_answer(protocol: Protocol, cx: &DecodeContext, kind: &str, body: &[u8]) -> TranscribeAnswer {
    let text = String::from_utf8_lossy(body).into_owned();
    let form = match kind {
        kind if kind.contains("vtt") || text.starts_with("WEBVTT") => TranscriptForm::Vtt,
        _ if text.contains(" --> ") => TranscriptForm::Srt,
        _ => TranscriptForm::Text,
    };
    TranscribeAnswer {
        text,
        form: Some(form),
        provider: cx.provider.clone(),
        native: Native::new(protocol, Map::new()),
        ..TranscribeAnswer::default()
    }
}

pub(in crate::protocols) fn encode_answer(protocol: Protocol, cx: &AnswerContext, answer: &TranscribeAnswer) -> Bytes {
    if is_text(cx, answer) {
        let mut text = answer.text.clone();
        if answer.form.is_none() && !text.ends_with('\n') {
            text.push('\n');
        }
        return Bytes::from(text);
    }
    let mut object = answer_object(&answer.native, protocol);
    object.set("text", answer.text.as_str());
    // The plain form has the text and no more.
    let is_full = object.is_own || !matches!(cx.form.as_deref(), None | Some("json"));
    if is_full {
        object.set_some("language", answer.language.as_deref());
        object.set_some("duration", answer.duration.clone());
        let segments = answer.segments.iter().map(|segment| {
            let mut item = answer_object(&segment.native, protocol);
            item.set("text", segment.text.as_str());
            item.set_some("start", segment.start.clone());
            item.set_some("end", segment.end.clone());
            if !item.members.contains_key("speaker_id") {
                item.set_some("speaker", segment.speaker.as_deref());
            }
            Value::Object(item.members)
        });
        let segments: Vec<Value> = segments.collect();
        if !segments.is_empty() {
            object.set("segments", segments);
        }
        let words = answer.words.iter().map(|word| {
            let mut item = answer_object(&word.native, protocol);
            item.set("word", word.word.as_str());
            item.set_some("start", word.start.clone());
            item.set_some("end", word.end.clone());
            Value::Object(item.members)
        });
        let words: Vec<Value> = words.collect();
        if !words.is_empty() {
            object.set("words", words);
        }
    }
    if object.is_own && !answer.model.is_empty() {
        object.set("model", answer.model.as_str());
    }
    if let Some(said) = &answer.usage {
        if said.native.is_from(protocol) {
            object.set("usage", said.native.object(protocol));
        } else if said.get(Meter::Second) > 0 {
            object.complete("usage", || json!({"type": "duration", "seconds": said.get(Meter::Second)}));
        }
    }
    object.bytes()
}

/// Whether the caller gets bare text: it came so, or the caller asked for it and the provider answered in JSON.
fn is_text(cx: &AnswerContext, answer: &TranscribeAnswer) -> bool {
    answer.form.as_ref().is_some_and(TranscriptForm::is_text) || cx.form.as_deref() == Some("text")
}

static PASS: Pass<Transcribe> = Pass { codec: &OpenAi, path: PATH, elsewhere: &[] };

speaks! {
    OpenAi: Transcribe, PROTOCOL, errors error,
    encode_request(request, target) encode_request(PROTOCOL, request, target),
    decode_answer(cx, head, body) decode_answer(PROTOCOL, cx, head, body),
    decode_stream(cx) stream::Decoder::new(cx),
    decode_request(head, body) decode_request(PROTOCOL, head, body),
    encode_answer(cx, answer) Ok(encode_answer(PROTOCOL, cx, answer)),
    encode_stream(_cx) stream::Encoder,
    content_type(cx, answer) {
        Cow::Borrowed(if is_text(cx, answer) { "text/plain; charset=utf-8" } else { "application/json" })
    },
    passthrough &PASS,
}
