//! The events of every stream of this protocol: JSON objects, and `[DONE]` behind the last.

use bytes::Bytes;
use llm_core::codec::{DecodeContext, Frame};
use llm_core::{Error, Result};
use serde_json::{Map, Value};

use super::error;

/// What an event says.
pub(super) enum Event {
    /// Nothing: only white space.
    Nothing,
    /// The end of the stream.
    Done,
    /// A JSON object, which is not an error.
    Object(Map<String, Value>),
}

/// Reads an event. Errors are those that the provider says in the stream, and what is no JSON object.
pub(super) fn read(cx: &DecodeContext, frame: &Frame<'_>) -> Result<Event> {
    let data = frame.data.trim_ascii();
    match data {
        b"" => return Ok(Event::Nothing),
        b"[DONE]" => return Ok(Event::Done),
        _ => {}
    }
    match serde_json::from_slice(data) {
        Ok(Value::Object(members)) => {
            error::of_event(cx, frame.event, data, &members)?;
            Ok(Event::Object(members))
        }
        _ if frame.event == "error" || frame.is_error => Err(error::of_text(cx, data)),
        _ => Err(Error::bad_answer("an event of the provider's stream is not a JSON object")
            .with_body(Bytes::copy_from_slice(data))),
    }
}

/// Writes an event without a name.
pub(super) fn write(value: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("data: {value}\n\n").as_bytes());
}

/// Writes the end of the stream.
pub(super) fn write_done(out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: [DONE]\n\n");
}
