//! Images on their way: `image_generation.partial_image`, `image_generation.completed`, and the same of edits.

use llm_core::codec::{DecodeContext, Frame, StreamDecoder, StreamEncoder, Trailer};
use llm_core::fields::Fields;
use llm_core::image::{Images, ImagesChunk};
use llm_core::{Error, Result};
use serde_json::Value;

use super::super::events::{self, Event};
use super::super::{PROTOCOL, error};
use super::take_usage;
use crate::protocols::body::answer_object;

pub(super) struct Decoder {
    cx: DecodeContext,
    completed: bool,
}

impl Decoder {
    pub(super) fn new(cx: &DecodeContext) -> Self {
        Self { cx: cx.clone(), completed: false }
    }
}

impl StreamDecoder<Images> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ImagesChunk>) -> Result<()> {
        let Event::Object(members) = events::read(&self.cx, frame)? else { return Ok(()) };
        let mut fields = Fields::new(members);
        let event = fields.take_text("type").unwrap_or_else(|| frame.event.to_owned());
        self.completed |= event.ends_with(".completed");
        out.push(ImagesChunk {
            event,
            b64: fields.take_nonempty("b64_json"),
            usage: take_usage(&mut fields),
            native: fields.into_native(PROTOCOL),
        });
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<ImagesChunk>) -> Result<()> {
        if self.completed { Ok(()) } else { Err(Error::cut()) }
    }
}

pub(super) struct Encoder;

impl StreamEncoder<Images> for Encoder {
    fn encode(&mut self, chunk: &ImagesChunk, out: &mut Vec<u8>) -> Result<()> {
        let mut object = answer_object(&chunk.native, PROTOCOL);
        object.set("type", chunk.event.as_str());
        object.set_some("b64_json", chunk.b64.as_deref());
        if let Some(said) = &chunk.usage {
            object.set("usage", said.native.object(PROTOCOL));
        }
        event(&chunk.event, &Value::Object(object.members), out);
        Ok(())
    }

    fn finish(&mut self, _: &Trailer, _: &mut Vec<u8>) {}

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        event("error", &error::envelope(error), out);
    }
}

fn event(name: &str, data: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}
