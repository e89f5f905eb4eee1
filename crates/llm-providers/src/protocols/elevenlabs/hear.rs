//! `POST /speech-to-text`: a form with a file in, words with their times out.

use bytes::Bytes;
use llm_core::audio::{AudioFile, Segment, Transcribe, TranscribeAnswer, TranscribeRequest, TranscriptForm, Word};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::{Meter, Native, Result, Usage};
use serde_json::{Map, Number, Value, json};

use super::{ElevenLabs, ME, error};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::multipart::{self, Part};
use crate::protocols::openai_chat::embed::answer_fields;
use crate::protocols::openai_chat::images::form::{add, parts_of, post};
use crate::protocols::openai_chat::transcribe::whole_seconds;
use crate::protocols::speaks::speaks;

const PATH: &str = "/speech-to-text";

fn encode_request(request: &TranscribeRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    body.set("model_id", target.model);
    body.set_some("language_code", request.language.as_deref());
    body.set_some("temperature", request.temperature);
    body.lacks("prompt", request.prompt.as_ref(), "it takes `keyterms` in place of a prompt")?;
    let form = request.form.as_ref();
    let subtitles = form.filter(|form| matches!(form, TranscriptForm::Srt | TranscriptForm::Vtt));
    body.lacks("response_format", subtitles, "it writes no subtitles as a whole answer")?;
    if form == Some(&TranscriptForm::Diarized) {
        body.set("diarize", true);
    }
    let (members, dropped) = body.members()?;
    let mut parts: Vec<Part> = members.iter().flat_map(|(name, value)| parts_of(name, value)).collect();
    let AudioFile { name, content_type, data } = request.file.clone();
    // Sound may be elsewhere, at a URL that stands among the members.
    if !data.is_empty() || !members.contains_key("cloud_storage_url") {
        let name = if name.is_empty() { "audio".to_owned() } else { name };
        parts.push(Part { name: "file".to_owned(), filename: Some(name), content_type, data });
    }
    Ok(post(PATH, &parts, dropped, target))
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(TranscribeRequest, AnswerContext)> {
    let (mut members, mut file) = (Map::new(), AudioFile::default());
    for part in multipart::read(&head.headers, body)? {
        match part.filename {
            Some(name) if part.name == "file" => {
                file = AudioFile { name, content_type: part.content_type, data: part.data };
            }
            _ => add(&mut members, &part),
        }
    }
    let mut fields = Fields::new(members);
    let model = fields.need_text("model_id")?;
    let request = TranscribeRequest {
        file,
        language: fields.want_text("language_code")?,
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(ME),
        model: model.clone(),
        ..TranscribeRequest::default()
    };
    Ok((request, AnswerContext { model, ..AnswerContext::default() }))
}

/// Reads an answer, which is kept whole: what is understood is looked at and stays.
fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<TranscribeAnswer> {
    let fields = answer_fields(cx, head, body, "text")?;
    let empty = Vec::new();
    let items = fields.get("words").and_then(Value::as_array).unwrap_or(&empty);
    let is_word = |item: &&Value| item.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "word");
    let number = |item: &Value, name: &str| item.get(name).and_then(Value::as_number).cloned();
    let words = items.iter().filter(is_word).map(|item| Word {
        word: text(item).to_owned(),
        start: number(item, "start"),
        end: number(item, "end"),
        native: Native::new(ME, Map::new()),
    });
    let duration = fields.get("audio_duration_secs").and_then(Value::as_number).cloned();
    // Where the length is not said, the sound goes on until its last word at least.
    let seconds = duration.clone().or_else(|| items.iter().rev().find_map(|item| number(item, "end")));
    let seconds = seconds.as_ref().and_then(Number::as_f64).map(whole_seconds);
    Ok(TranscribeAnswer {
        text: fields.text("text").unwrap_or_default().to_owned(),
        language: fields.text("language_code").map(str::to_owned),
        segments: by_speaker(items),
        words: words.collect(),
        duration,
        provider: cx.provider.clone(),
        usage: seconds.map(|seconds| Usage::default().with(Meter::Second, seconds)),
        native: fields.into_native(ME),
        ..TranscribeAnswer::default()
    })
}

fn text(item: &Value) -> &str {
    item.get("text").and_then(Value::as_str).unwrap_or_default()
}

/// What each speaker said in turn; nothing where speakers are not told apart.
fn by_speaker(items: &[Value]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for item in items {
        let Some(speaker) = item.get("speaker_id").and_then(Value::as_str) else { continue };
        let end = item.get("end").and_then(Value::as_number).cloned();
        match segments.last_mut().filter(|last| last.speaker.as_deref() == Some(speaker)) {
            Some(last) => {
                last.text.push_str(text(item));
                last.end = end.or(last.end.take());
            }
            None => segments.push(Segment {
                text: text(item).to_owned(),
                start: item.get("start").and_then(Value::as_number).cloned(),
                end,
                speaker: Some(speaker.to_owned()),
                native: Native::new(ME, Map::new()),
            }),
        }
    }
    segments
}

fn encode_answer(answer: &TranscribeAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    object.complete("text", || json!(answer.text));
    object.complete("language_code", || json!(answer.language));
    object.complete("words", || {
        let word = |word: &Word| json!({"text": word.word, "type": "word", "start": word.start, "end": word.end});
        answer.words.iter().map(word).collect()
    });
    object.bytes()
}

speaks! {
    ElevenLabs: Transcribe, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
}
