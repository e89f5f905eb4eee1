//! Sound on the wire: bytes without a shape of their own, told by their `content-type`.

use bytes::Bytes;
use http::{HeaderValue, header};
use llm_core::audio::{AudioFile, Speak, SpeakAnswer, SpeakChunk};
use llm_core::codec::{DecodeContext, Frame, ResponseHead, StreamDecoder, StreamEncoder, Trailer};
use llm_core::{Error, Result};
use serde_json::Value;

use super::openai_chat::error;

/// The beginning of the name of a frame that is a piece of sound; the media type follows.
pub(crate) const EVENT: &str = "sound:";

/// File formats and their media types.
const KINDS: [(&str, &str); 8] = [
    ("mp3", "audio/mpeg"),
    ("opus", "audio/ogg"),
    ("aac", "audio/aac"),
    ("flac", "audio/flac"),
    ("wav", "audio/wav"),
    ("pcm", "audio/pcm"),
    ("webm", "audio/webm"),
    ("mulaw", "audio/basic"),
];

/// The media type of a file format.
pub(crate) fn of_format(format: &str) -> &'static str {
    let known = KINDS.iter().find(|(name, _)| format.starts_with(name));
    known.map_or("application/octet-stream", |(_, kind)| kind)
}

/// The media type as this table spells it, if it is known.
pub(crate) fn known(kind: &str) -> Option<&'static str> {
    let essence = kind.split(';').next()?.trim();
    KINDS.iter().map(|(_, kind)| *kind).find(|known| known.eq_ignore_ascii_case(essence))
}

/// Whether an answer of this `content-type` is bytes of sound.
pub(crate) fn is_sound(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("audio/") || essence.ends_with("/octet-stream")
}

/// A whole file of sound.
pub(crate) fn whole(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<SpeakAnswer> {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.contains("json") || kind.contains("html") {
        return Err(failed(cx, head, body));
    }
    let audio = Bytes::copy_from_slice(body);
    let provider = cx.provider.clone();
    Ok(SpeakAnswer { content_type: kind.to_owned(), audio, provider, ..SpeakAnswer::default() })
}

/// A whole answer that should have been sound and is none, as hosts of OpenAI's kind say it.
fn failed(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => error::from_body(cx, None, &members, body),
        _ => error::unreadable(head, body),
    }
}

/// The media type of bytes of which nothing is known.
pub(crate) const ANY_BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The media type of a file: as its sender says, or by the ending of its name.
pub(crate) fn kind_of_file(file: &AudioFile) -> &str {
    let ending = || file.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    file.content_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or_else(|| of_format(ending()))
}

/// Bytes of sound as they come. The end of the body is the end of the file; one that breaks off is an error before.
pub(crate) struct Decoder {
    cx: DecodeContext,
}

impl Decoder {
    pub(crate) fn new(cx: &DecodeContext) -> Self {
        Self { cx: cx.clone() }
    }
}

impl StreamDecoder<Speak> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<SpeakChunk>) -> Result<()> {
        let Some(kind) = frame.event.strip_prefix(EVENT) else {
            return Err(failed(&self.cx, &ResponseHead::default(), frame.data));
        };
        let audio = Bytes::copy_from_slice(frame.data);
        out.push(SpeakChunk { content_type: kind.to_owned(), audio, ..SpeakChunk::default() });
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<SpeakChunk>) -> Result<()> {
        Ok(())
    }
}

/// The bare bytes.
#[derive(Default)]
pub(crate) struct Encoder {
    kind: Option<&'static str>,
}

impl StreamEncoder<Speak> for Encoder {
    fn content_type(&self) -> &'static str {
        self.kind.unwrap_or("application/octet-stream")
    }

    fn encode(&mut self, chunk: &SpeakChunk, out: &mut Vec<u8>) -> Result<()> {
        self.kind = known(&chunk.content_type).or(self.kind);
        out.extend_from_slice(&chunk.audio);
        Ok(())
    }

    fn finish(&mut self, _: &Trailer, _: &mut Vec<u8>) {}

    // Whoever reads bare bytes learns of it by the connection, which breaks.
    fn error(&mut self, _: &Error, _: &mut Vec<u8>) {}
}
