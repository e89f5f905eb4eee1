//! Transcripts on their way: `transcript.text.delta`, `transcript.text.segment`, `transcript.text.done`.

use llm_core::audio::{Transcribe, TranscribeChunk};
use llm_core::codec::{DecodeContext, Frame, StreamDecoder, StreamEncoder, Trailer};
use llm_core::fields::Fields;
use llm_core::{Error, Result};
use serde_json::Value;

use super::super::events::{self, Event};
use super::super::{PROTOCOL, error};
use super::take_usage;
use crate::protocols::body::answer_object;

/// The event that adds text.
const DELTA: &str = "transcript.text.delta";
/// The last event.
const DONE: &str = "transcript.text.done";

pub(super) struct Decoder {
    cx: DecodeContext,
    done: bool,
}

impl Decoder {
    pub(super) fn new(cx: &DecodeContext) -> Self {
        Self { cx: cx.clone(), done: false }
    }
}

impl StreamDecoder<Transcribe> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<TranscribeChunk>) -> Result<()> {
        let Event::Object(members) = events::read(&self.cx, frame)? else { return Ok(()) };
        let mut fields = Fields::new(members);
        let event = fields.take_text("type").unwrap_or_else(|| frame.event.to_owned());
        self.done |= event == DONE;
        let text = if event == DELTA { fields.take_text("delta") } else { None };
        out.push(TranscribeChunk {
            text: text.unwrap_or_default(),
            usage: take_usage(PROTOCOL, &mut fields),
            native: fields.into_native(PROTOCOL),
            event,
        });
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<TranscribeChunk>) -> Result<()> {
        if self.done { Ok(()) } else { Err(Error::cut()) }
    }
}

pub(super) struct Encoder;

impl StreamEncoder<Transcribe> for Encoder {
    fn encode(&mut self, chunk: &TranscribeChunk, out: &mut Vec<u8>) -> Result<()> {
        let mut object = answer_object(&chunk.native, PROTOCOL);
        object.set("type", chunk.event.as_str());
        if chunk.event == DELTA {
            object.set("delta", chunk.text.as_str());
        }
        if let Some(said) = chunk.usage.as_ref().filter(|usage| usage.native.is_from(PROTOCOL)) {
            object.set("usage", said.native.object(PROTOCOL));
        }
        events::write(&Value::Object(object.members), out);
        Ok(())
    }

    fn finish(&mut self, _: &Trailer, out: &mut Vec<u8>) {
        events::write_done(out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        events::write(&error::envelope(error), out);
    }
}
