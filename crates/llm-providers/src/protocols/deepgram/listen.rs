//! `POST /listen`: a file of sound in, what was said in it out.

use bytes::Bytes;
use http::{HeaderValue, header};
use llm_core::audio::{AudioFile, Segment, Transcribe, TranscribeAnswer, TranscribeRequest, TranscriptForm, Word};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::{Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::{Deepgram, ME, error, query};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::openai_chat::embed::answer_fields;
use crate::protocols::openai_chat::transcribe::whole_seconds;
use crate::protocols::sound;
use crate::protocols::speaks::speaks;

const PATH: &str = "/listen";
/// The body's member where sound is to be fetched, and the hint in a request that it was named so.
const URL: &str = "url";

fn encode_request(request: &TranscribeRequest, target: &Target<'_>) -> Result<Encoded> {
    let is_own = request.native.is_from(ME);
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    let elsewhere = body.take(URL);
    body.set("model", target.model);
    body.set_some("language", request.language.as_deref());
    body.lacks("prompt", request.prompt.as_ref(), "it takes `keyterm` in place of a prompt")?;
    body.lacks("temperature", request.temperature, "it does not sample")?;
    if !is_own {
        // A transcript elsewhere reads as people write, with full stops and capitals.
        body.set("smart_format", true);
        let form = request.form.as_ref();
        let subtitles = form.filter(|form| matches!(form, TranscriptForm::Srt | TranscriptForm::Vtt));
        body.lacks("response_format", subtitles, "it writes no subtitles")?;
        let is_diarized = form == Some(&TranscriptForm::Diarized);
        if is_diarized {
            body.set("diarize", true);
        }
        if is_diarized || form == Some(&TranscriptForm::Verbose) {
            body.set("utterances", true);
        }
    }
    let (members, dropped) = body.members()?;
    let mut encoded = Encoded::post(PATH, request.file.data.clone(), DecodeContext::new(target));
    match elsewhere {
        Some(url) => encoded.body = Bytes::from(json!({ URL: url }).to_string()),
        None => {
            let kind = sound::kind_of_file(&request.file);
            encoded.headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap_or(sound::ANY_BYTES));
        }
    }
    encoded.query = query::write(&members);
    encoded.dropped = dropped;
    Ok(encoded)
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(TranscribeRequest, AnswerContext)> {
    let mut options = Fields::new(query::read(head.query.as_deref()));
    let model = options.need_text("model")?;
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let file = if kind.starts_with("application/json") {
        let url = Fields::parse(body)?.need_text(URL)?;
        options.put(URL, json!(url));
        AudioFile::default()
    } else {
        let content_type = Some(kind.to_owned()).filter(|kind| !kind.is_empty());
        AudioFile { name: String::new(), content_type, data: Bytes::copy_from_slice(body) }
    };
    let request = TranscribeRequest {
        file,
        language: options.want_text("language")?,
        unsupported: UnsupportedPolicy::default(),
        native: options.into_native(ME),
        model: model.clone(),
        ..TranscribeRequest::default()
    };
    Ok((request, AnswerContext { model, ..AnswerContext::default() }))
}

fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<TranscribeAnswer> {
    let fields = answer_fields(cx, head, body, "results")?;
    let list = |at: &Value, name: &str| at.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let results = fields.get("results").cloned().unwrap_or_default();
    let channels = list(&results, "channels");
    // What is most likely, of each channel.
    let heard: Vec<&Value> = channels.iter().filter_map(|channel| channel.get("alternatives")?.get(0)).collect();
    let text = |at: &Value, name: &str| at.get(name).and_then(Value::as_str).map(str::to_owned);
    let said = heard.iter().filter_map(|best| text(best, "transcript")).filter(|said| !said.is_empty());
    let duration = fields.get("metadata").and_then(|metadata| metadata.get("duration")?.as_number().cloned());
    // Each channel that was listened to is charged.
    let seconds = duration.as_ref().and_then(serde_json::Number::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "a file has few channels")]
    let seconds = seconds.map(|seconds| whole_seconds(seconds * channels.len().max(1) as f64));
    Ok(TranscribeAnswer {
        text: said.collect::<Vec<_>>().join("\n"),
        language: channels.first().and_then(|channel| text(channel, "detected_language")),
        duration,
        segments: list(&results, "utterances").iter().map(segment).collect(),
        words: heard.iter().flat_map(|best| list(best, "words")).map(|item| word(&item)).collect(),
        provider: cx.provider.clone(),
        usage: seconds.map(|seconds| Usage::default().with(Meter::Second, seconds)),
        native: fields.into_native(ME),
        ..TranscribeAnswer::default()
    })
}

fn segment(item: &Value) -> Segment {
    Segment {
        text: item.get("transcript").and_then(Value::as_str).unwrap_or_default().to_owned(),
        start: item.get("start").and_then(Value::as_number).cloned(),
        end: item.get("end").and_then(Value::as_number).cloned(),
        speaker: item.get("speaker").and_then(Value::as_u64).map(|speaker| speaker.to_string()),
        native: Native::new(ME, Map::new()),
    }
}

fn word(item: &Value) -> Word {
    let spelled = ["punctuated_word", "word"].iter().find_map(|name| item.get(*name)?.as_str());
    Word {
        word: spelled.unwrap_or_default().to_owned(),
        start: item.get("start").and_then(Value::as_number).cloned(),
        end: item.get("end").and_then(Value::as_number).cloned(),
        native: Native::new(ME, Map::new()),
    }
}

/// Writes an answer: as it came, or the least that this protocol's callers look for.
fn encode_answer(answer: &TranscribeAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    object.complete("metadata", || json!({"duration": answer.duration, "channels": 1}));
    object.complete("results", || {
        let words = answer.words.iter().map(|word| json!({"word": word.word, "start": word.start, "end": word.end}));
        let words: Vec<Value> = words.collect();
        json!({"channels": [{"alternatives": [{"transcript": answer.text, "words": words}]}]})
    });
    object.bytes()
}

speaks! {
    Deepgram: Transcribe, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
}
