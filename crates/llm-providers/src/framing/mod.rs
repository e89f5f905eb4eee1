//! How a body is cut into events. Pure: bytes in, frames out.
//!
//! The framing is chosen by the answer's `content-type` ([`for_content_type`]), never by the protocol alone: an error
//! often comes as plain JSON where a stream was asked for.

mod aws_event_stream;
mod buffer;
mod json_array;
mod ndjson;
mod sound;
mod sse;
mod whole;
mod wrapped;

use llm_core::codec::Frame;
use llm_core::{Error, Protocol, Result};

/// Whether an answer of this `content-type` is bytes of sound, which end with their body and have no frames.
pub fn is_sound(content_type: &str) -> bool {
    crate::protocols::sound::is_sound(content_type)
}

pub use aws_event_stream::{AwsEventStreamFramer, AwsMessage, write_aws_message};
pub use json_array::JsonArrayFramer;
pub use ndjson::NdjsonFramer;
pub use sound::SoundFramer;
pub use sse::SseFramer;
pub use whole::{WHOLE, WholeFramer};
pub(crate) use wrapped::Unwrapper;

/// The bound of one frame in bytes, unless a framer is made with another: 16 MiB.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// A frame, and the very bytes it was cut from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// The event.
    pub frame: Frame<'a>,
    /// Its bytes on the wire. All `raw` of a body, one behind the other, are exactly the body.
    pub raw: &'a [u8],
}

/// Cuts a body into frames, however its bytes are delivered.
///
/// ```
/// use llm_providers::framing::{Framer, SseFramer};
///
/// let mut framer = SseFramer::default();
/// framer.push(b"data: one\n\ndata: tw");
/// assert_eq!(framer.next_frame()?.unwrap().frame.data, b"one");
/// assert!(framer.next_frame()?.is_none());
/// framer.push(b"o");
/// assert_eq!(framer.finish()?.unwrap().frame.data, b"two");
/// assert!(framer.finish()?.is_none());
/// # Ok::<(), llm_providers::Error>(())
/// ```
pub trait Framer: Send {
    /// Takes in the next bytes of the body.
    fn push(&mut self, bytes: &[u8]);
    /// The next whole frame; none until more bytes are pushed. An error (a frame past its bound, a broken checksum)
    /// ends the body.
    fn next_frame(&mut self) -> Result<Option<RawFrame<'_>>>;
    /// The body has ended: the frames that are left, and at last the one that came without its end mark; none when
    /// nothing is left. The body may have been cut inside that last frame, so a payload in it that can't be parsed
    /// means a cut stream and not a wrong one.
    fn finish(&mut self) -> Result<Option<RawFrame<'_>>>;
}

/// The framing of a body of this `content-type`, with [`MAX_FRAME`] as its bound; none where the body is one whole,
/// such as `application/json`.
pub fn for_content_type(content_type: Option<&str>) -> Option<Box<dyn Framer>> {
    let essence = content_type?.split(';').next()?.trim();
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    if is("text/event-stream") {
        return Some(Box::new(SseFramer::default()));
    }
    if is("application/vnd.amazon.eventstream") {
        return Some(Box::new(AwsEventStreamFramer::default()));
    }
    if is_sound(essence) {
        return Some(Box::new(SoundFramer::new(essence)));
    }
    let lines = ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/stream+json"];
    lines.into_iter().any(is).then(|| Box::new(NdjsonFramer::default()) as Box<dyn Framer>)
}

/// The framing of a streamed answer in `protocol`: Gemini's is one JSON array, of no other type than any JSON, from hosts
/// that don't know server-sent events. Any other answer in JSON is one whole, as it is in [`of_passing_stream`].
pub fn of_stream(protocol: Protocol, content_type: Option<&str>) -> Option<Box<dyn Framer>> {
    if protocol == Protocol::Gemini && is_json(content_type) {
        return Some(Box::new(JsonArrayFramer::default()));
    }
    of_passing_stream(content_type)
}

/// The framing of an answer that passes where a stream was asked for. JSON comes as one frame named [`WHOLE`]: an error,
/// or the answer of a provider that does not stream.
pub fn of_passing_stream(content_type: Option<&str>) -> Option<Box<dyn Framer>> {
    if is_json(content_type) {
        return Some(Box::new(WholeFramer::default()));
    }
    for_content_type(content_type)
}

fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|kind| kind.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

/// Hands the frames that are left at the end of a body to `decode`. A payload there that can't be parsed was cut off, so
/// what `decode` says of it becomes [`Error::cut`]; an error that the provider itself said in a whole payload stays.
pub fn drain(framer: &mut dyn Framer, mut decode: impl FnMut(&RawFrame<'_>) -> Result<()>) -> Result<()> {
    while let Some(raw) = framer.finish()? {
        if let Err(error) = decode(&raw) {
            let is_whole = serde_json::from_slice::<serde::de::IgnoredAny>(raw.frame.data).is_ok();
            return Err(if is_whole { error } else { Error::cut() });
        }
    }
    Ok(())
}

/// The byte-order mark that some servers put before a UTF-8 body.
const BOM: &[u8] = b"\xEF\xBB\xBF";

fn too_long(max: usize) -> Error {
    Error::bad_answer(format!("the provider's stream holds an event of more than {max} bytes"))
}

#[cfg(test)]
mod tests;
