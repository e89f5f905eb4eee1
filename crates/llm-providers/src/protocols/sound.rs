//! Sound on the wire: bytes without a shape of their own, told by their `content-type`.

use bytes::Bytes;
use http::header;
use llm_core::audio::SpeakAnswer;
use llm_core::codec::{DecodeContext, ResponseHead};
use llm_core::{Error, Result};

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

/// A whole file of sound. What is none is read by `failed`.
pub(crate) fn whole(
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
    failed: impl FnOnce(&[u8]) -> Error,
) -> Result<SpeakAnswer> {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.contains("json") || kind.contains("html") {
        return Err(failed(body));
    }
    let audio = Bytes::copy_from_slice(body);
    let provider = cx.provider.clone();
    Ok(SpeakAnswer { content_type: kind.to_owned(), audio, provider, ..SpeakAnswer::default() })
}
