//! `POST /audio/speech`: bytes of sound, or server-sent events of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use llm_core::audio::{Speak, SpeakChunk, SpeakRequest};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, Frame, StreamDecoder, StreamEncoder, Target, Trailer};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::{OpenAi, PROTOCOL, error};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::pass::Pass;
use crate::protocols::sound;
use crate::protocols::speaks::speaks;

const PATH: &str = "/audio/speech";

fn encode_request(request: &SpeakRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, PROTOCOL, request.unsupported, target)?;
    body.set("model", target.model);
    body.set("input", request.input.as_str());
    if !request.voice.is_empty() {
        body.set("voice", request.voice.as_str());
    }
    body.set_some("instructions", request.instructions.as_deref());
    body.set_some("response_format", request.format.as_deref());
    body.set_some("speed", request.speed);
    body.post(PATH)
}

fn decode_request(body: &[u8]) -> Result<(SpeakRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let model = fields.need_text("model")?;
    let input = fields.need_text("input")?;
    // A voice of one's own is an object, and stays.
    let voice = if fields.get("voice").is_some_and(Value::is_object) { None } else { fields.want_text("voice")? };
    let format = fields.want_text("response_format")?;
    let events = fields.text("stream_format") == Some("sse");
    let request = SpeakRequest {
        input,
        voice: voice.unwrap_or_default(),
        instructions: fields.want_text("instructions")?,
        format: format.clone(),
        speed: fields.want_f64("speed")?,
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(PROTOCOL),
        model: model.clone(),
    };
    let form = if events { "sse".to_owned() } else { format.unwrap_or_else(|| "mp3".to_owned()) };
    // Sound is handed on as it comes, whether or not a caller asks for that.
    Ok((request, AnswerContext { model, stream: true, form: Some(form), ..AnswerContext::default() }))
}

/// The usage of the last event.
fn read_usage(members: &Map<String, Value>) -> Option<Usage> {
    let count = |name: &str| members.get(name).and_then(Value::as_u64);
    let mut usage = Usage::default().with(Meter::Input, count("input_tokens")?);
    usage.set(Meter::OutputAudio, count("output_tokens").unwrap_or(0));
    usage.native = Native::new(PROTOCOL, members.clone());
    Some(usage)
}

/// The type of the last event.
const DONE: &str = "speech.audio.done";

/// Bytes of sound as they come, or events that hold them in base64.
pub(in crate::protocols) struct Decoder {
    cx: DecodeContext,
    /// Whether bare bytes came, which are whole when their body is. Events say when they are over.
    bare: bool,
    done: bool,
}

impl Decoder {
    pub(in crate::protocols) fn new(cx: &DecodeContext) -> Self {
        Self { cx: cx.clone(), bare: false, done: false }
    }
}

impl StreamDecoder<Speak> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<SpeakChunk>) -> Result<()> {
        if let Some(kind) = frame.event.strip_prefix(sound::EVENT) {
            let audio = Bytes::copy_from_slice(frame.data);
            self.bare = true;
            out.push(SpeakChunk { content_type: kind.to_owned(), audio, ..SpeakChunk::default() });
            return Ok(());
        }
        let data = frame.data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(data) else {
            return Err(Error::bad_answer("an event of the provider's stream is not a JSON object")
                .with_body(Bytes::copy_from_slice(data)));
        };
        error::of_event(&self.cx, frame.event, data, &members)?;
        let mut fields = Fields::new(members);
        self.done |= fields.text("type") == Some(DONE);
        let audio = fields.text("audio").and_then(|audio| STANDARD.decode(audio).ok()).map(Bytes::from);
        if audio.is_some() {
            fields.take("audio");
        }
        let usage = fields.get("usage").and_then(Value::as_object).and_then(read_usage);
        if usage.is_some() {
            fields.take("usage");
        }
        let audio = audio.unwrap_or_default();
        out.push(SpeakChunk { content_type: String::new(), audio, usage, native: fields.into_native(PROTOCOL) });
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<SpeakChunk>) -> Result<()> {
        if self.done || self.bare { Ok(()) } else { Err(Error::cut()) }
    }
}

/// The bare bytes, or events.
struct Encoder {
    kind: &'static str,
    events: bool,
    /// Whether the last event stands on the wire.
    done: bool,
}

impl Encoder {
    /// Of a file in the format `form`, or of events where that is `sse`.
    fn new(form: &str) -> Self {
        Self { kind: sound::of_format(form), events: form == "sse", done: false }
    }
}

impl StreamEncoder<Speak> for Encoder {
    fn content_type(&self) -> &'static str {
        if self.events { "text/event-stream" } else { self.kind }
    }

    fn encode(&mut self, chunk: &SpeakChunk, out: &mut Vec<u8>) -> Result<()> {
        if !self.events {
            if let Some(kind) = sound::known(&chunk.content_type) {
                self.kind = kind;
            }
            out.extend_from_slice(&chunk.audio);
            return Ok(());
        }
        let mut object = answer_object(&chunk.native, PROTOCOL);
        if !chunk.audio.is_empty() {
            object.set("audio", STANDARD.encode(&chunk.audio));
        }
        object.complete("type", || json!("speech.audio.delta"));
        if let Some(said) = chunk.usage.as_ref().filter(|usage| usage.native.is_from(PROTOCOL)) {
            object.set("usage", said.native.object(PROTOCOL));
        }
        self.done |= object.members.get("type").is_some_and(|kind| kind == DONE);
        event(&Value::Object(object.members), out);
        Ok(())
    }

    fn finish(&mut self, _: &Trailer, out: &mut Vec<u8>) {
        if self.events && !self.done {
            event(&json!({"type": DONE}), out);
        }
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        if self.events {
            event(&error::envelope(error), out);
        }
    }
}

fn event(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("data: {value}\n\n").as_bytes());
}

static PASS: Pass<Speak> = Pass { codec: &OpenAi, path: PATH, elsewhere: &[] };

speaks! {
    OpenAi: Speak, PROTOCOL, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) sound::whole(cx, head, body),
    decode_stream(cx) Decoder::new(cx),
    decode_request(_head, body) decode_request(body),
    encode_answer(_cx, answer) Ok(answer.audio.clone()),
    encode_stream(cx) Encoder::new(cx.form.as_deref().unwrap_or_default()),
    content_type(_cx, answer) answer.content_type.clone().into(),
    passthrough &PASS,
}
