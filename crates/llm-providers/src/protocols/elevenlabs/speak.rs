//! `POST /text-to-speech/VOICE`, and `/stream` below it: bytes of sound.

use llm_core::audio::{Speak, SpeakRequest};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, Encoded, RequestHead, Target};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::{ElevenLabs, ME, error};
use crate::protocols::body::Body;
use crate::protocols::path::{decoded, segment};
use crate::protocols::sound;
use crate::protocols::speaks::speaks;

const PATH: &str = "/text-to-speech/";
const STREAM: &str = "/stream";
const FORMAT: &str = "output_format";
const SETTINGS: &str = "voice_settings";

/// File formats by the names that callers elsewhere know, and what ElevenLabs calls the best that every plan may have.
/// A format of its own (`pcm_16000`) is named as it is.
const FORMATS: [(&str, &str); 5] = [
    ("mp3", "mp3_44100_128"),
    ("opus", "opus_48000_128"),
    ("pcm", "pcm_24000"),
    ("wav", "wav_24000"),
    ("mulaw", "ulaw_8000"),
];

fn encode_request(request: &SpeakRequest, target: &Target<'_>) -> Result<Encoded> {
    if request.voice.is_empty() {
        let error =
            Error::new(ErrorKind::InvalidRequest, format!("`{}` speaks with a voice that is named", target.model));
        return Err(error.with_param("voice").with_hint("name a voice by its id, as ElevenLabs lists it"));
    }
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    body.set("text", request.input.as_str());
    body.set("model_id", target.model);
    body.lacks("instructions", request.instructions.as_ref(), "it is told how to speak by `voice_settings`")?;
    if let Some(speed) = request.speed {
        let mut settings = match body.take(SETTINGS) {
            Some(Value::Object(settings)) => settings,
            _ => Map::new(),
        };
        settings.insert("speed".to_owned(), speed.into());
        body.set(SETTINGS, settings);
    }
    let streamed = if target.stream { STREAM } else { "" };
    let mut encoded = body.post(format!("{PATH}{}{streamed}", segment(&request.voice)))?;
    if let Some(format) = &request.format {
        let known = FORMATS.iter().find(|(name, _)| name == format).map_or(format.as_str(), |(_, own)| own);
        encoded.query.push((FORMAT.to_owned(), known.to_owned()));
    }
    Ok(encoded)
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(SpeakRequest, AnswerContext)> {
    let rest = head.path.split_once(PATH).map(|(_, rest)| rest).unwrap_or_default();
    let (voice, stream) = match rest.strip_suffix(STREAM) {
        Some(voice) => (voice, true),
        None => (rest, false),
    };
    let mut fields = Fields::parse(body)?;
    let model = fields.want_text("model_id")?.unwrap_or_default();
    let query = url::form_urlencoded::parse(head.query.as_deref().unwrap_or_default().as_bytes());
    let format = query.into_iter().find(|(name, _)| name == FORMAT).map(|(_, format)| format.into_owned());
    let request = SpeakRequest {
        input: fields.need_text("text")?,
        voice: decoded(voice),
        format,
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(ME),
        model: model.clone(),
        ..SpeakRequest::default()
    };
    Ok((request, AnswerContext { model, stream, ..AnswerContext::default() }))
}

speaks! {
    ElevenLabs: Speak, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) sound::whole(cx, head, body),
    decode_stream(cx) sound::Decoder::new(cx),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) Ok(answer.audio.clone()),
    encode_stream(_cx) sound::Encoder::default(),
    content_type(_cx, answer) answer.content_type.clone().into(),
}
