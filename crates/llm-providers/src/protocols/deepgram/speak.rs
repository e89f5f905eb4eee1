//! `POST /speak`: a text in, bytes of sound out, as they come.

use bytes::Bytes;
use llm_core::audio::{Speak, SpeakAnswer, SpeakRequest};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::{Meter, Result, Usage};
use serde_json::json;

use super::{Deepgram, ME, error, query};
use crate::protocols::body::Body;
use crate::protocols::sound;
use crate::protocols::speaks::speaks;

const PATH: &str = "/speak";
/// The header with what is charged.
const CHARACTERS: &str = "dg-char-count";
/// The sampling rate of OpenAI's bare samples, which callers who ask for `pcm` reckon with.
const SAMPLES_A_SECOND: u64 = 24_000;

/// File formats, and how Deepgram is asked for them.
fn write_format(format: &str, body: &mut Body<'_>) {
    match format {
        "wav" => {
            body.set("encoding", "linear16");
            body.set("container", "wav");
        }
        "pcm" => {
            body.set("encoding", "linear16");
            body.set("container", "none");
            body.set("sample_rate", SAMPLES_A_SECOND);
        }
        // Every other is one of its own encodings, or refused by Deepgram's own list of them.
        other => body.set("encoding", other),
    }
}

/// The model that speaks with a voice of a family (`aura-2` and `thalia`), or is that voice already.
fn voiced(model: &str, voice: &str) -> Option<String> {
    let is_within = model.split('-').any(|step| step.eq_ignore_ascii_case(voice));
    if voice.is_empty() || is_within || model == voice {
        return Some(model.to_owned());
    }
    if voice.strip_prefix(model).is_some_and(|rest| rest.starts_with('-')) {
        return Some(voice.to_owned());
    }
    let is_family = model == "aura" || model.strip_prefix("aura-").is_some_and(|rest| rest.parse::<u32>().is_ok());
    is_family.then(|| if voice.contains('-') { format!("{model}-{voice}") } else { format!("{model}-{voice}-en") })
}

fn encode_request(request: &SpeakRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    match voiced(target.model, &request.voice) {
        Some(model) => body.set("model", model),
        None => {
            body.set("model", target.model);
            body.lacks("voice", Some(()), "the model is one voice")?;
        }
    }
    body.lacks("instructions", request.instructions.as_ref(), "it can't be told how to speak")?;
    if let Some(format) = &request.format {
        write_format(format, &mut body);
    }
    body.set_some("speed", request.speed);
    let (members, dropped) = body.members()?;
    let text = Bytes::from(json!({"text": request.input}).to_string());
    let mut encoded = Encoded::post(PATH, text, DecodeContext::new(target));
    encoded.query = query::write(&members);
    encoded.dropped = dropped;
    Ok(encoded)
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(SpeakRequest, AnswerContext)> {
    let input = Fields::parse(body)?.need_text("text")?;
    let mut options = Fields::new(query::read(head.query.as_deref()));
    let model = options.need_text("model")?;
    let request = SpeakRequest {
        input,
        unsupported: UnsupportedPolicy::default(),
        native: options.into_native(ME),
        model: model.clone(),
        ..SpeakRequest::default()
    };
    Ok((request, AnswerContext { model, stream: true, ..AnswerContext::default() }))
}

fn characters(head: &ResponseHead) -> Option<Usage> {
    let count = head.headers.get(CHARACTERS)?.to_str().ok()?.trim().parse().ok()?;
    Some(Usage::default().with(Meter::Character, count))
}

speaks! {
    Deepgram: Speak, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) {
        Ok(SpeakAnswer { usage: characters(head), ..sound::whole(cx, head, body)? })
    },
    decode_stream(cx) sound::Decoder::new(cx),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) Ok(answer.audio.clone()),
    encode_stream(_cx) sound::Encoder::default(),
    content_type(_cx, answer) answer.content_type.clone().into(),
}
