//! The way for bytes that need no translation, for operations whose requests are small or rare enough to be read whole:
//! requests are decoded for a look and edited by member, answers decoded for their usage.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use llm_core::codec::{
    DecodeContext, Edits, Encoded, Frame, Observed, Observer, Operation, Passthrough, RequestHead, ResponseHead, Skim,
    Speaks, StreamDecoder, Target, Verdict,
};
use llm_core::operation::{Answers, Asks, Tells};
use llm_core::{Error, Result};
use serde_json::Value;

use super::splice::Splice;
use super::{multipart, sound};

/// The bytes' way of one operation in one protocol.
pub(crate) struct Pass<O: Operation> {
    /// The codec that reads requests and answers.
    pub(crate) codec: &'static dyn Speaks<O>,
    /// Where a request goes.
    pub(crate) path: &'static str,
    /// Paths of callers, by their ends, whose requests go elsewhere.
    pub(crate) elsewhere: &'static [(&'static str, &'static str)],
}

impl<O: Operation> Passthrough for Pass<O> {
    fn skim(&self, head: &RequestHead, body: &[u8]) -> Result<Skim> {
        let (request, cx) = self.codec.decode_request(head, body)?;
        Ok(Skim { stream: cx.stream, include_usage: cx.include_usage, ..request.skim() })
    }

    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        let Some(model) = &edits.model else { return Ok(body.clone()) };
        if body.trim_ascii_start().starts_with(b"--") {
            return multipart::set_field(body, "model", model);
        }
        let mut splice = Splice::new(body)?;
        splice.set("model", Value::from(model.as_str()).to_string());
        Ok(splice.finish())
    }

    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        Ok(Encoded::post(self.path, Bytes::new(), DecodeContext::new(target)))
    }

    fn follow(&self, head: &RequestHead, encoded: &mut Encoded) {
        if let Some((_, path)) = self.elsewhere.iter().find(|(end, _)| head.path.ends_with(end)) {
            (*path).clone_into(&mut encoded.path);
        }
        if let Some(kind) = form_of(&head.headers) {
            encoded.headers.insert(header::CONTENT_TYPE, kind.clone());
        }
    }

    fn observe(&self, body: &[u8]) -> Observed {
        // What is no JSON is a transcript.
        let kind = if body.trim_ascii_start().starts_with(b"{") { "application/json" } else { "text/plain" };
        let mut head = ResponseHead::default();
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        match self.codec.decode_answer(&DecodeContext::default(), &head, body) {
            Ok(answer) => Observed { usage: answer.usage().cloned(), complete: true, ..Observed::default() },
            Err(error) => Observed { error: Some(error.message().to_owned()), ..Observed::default() },
        }
    }

    fn observe_stream(&self, _: bool) -> Box<dyn Observer> {
        let decoder = self.codec.decode_stream(&DecodeContext::default());
        Box::new(Watch::<O> { decoder, chunks: Vec::new(), seen: Observed::default() })
    }
}

/// Watches a stream by decoding it.
struct Watch<O: Operation> {
    decoder: Box<dyn StreamDecoder<O>>,
    chunks: Vec<O::Chunk>,
    seen: Observed,
}

impl<O: Operation> Observer for Watch<O> {
    fn frame(&mut self, frame: &Frame<'_>) -> Verdict {
        if let Err(error) = self.decoder.decode(frame, &mut self.chunks) {
            self.seen.error.get_or_insert_with(|| error.message().to_owned());
        }
        for chunk in self.chunks.drain(..) {
            self.seen.content_chunks += u64::from(chunk.has_content());
            if let Some(usage) = chunk.usage() {
                self.seen.usage = Some(usage.clone());
            }
        }
        if frame.event.starts_with(sound::EVENT) {
            // Sound has no end mark: it is whole when its body is.
            self.seen.finished = self.seen.error.is_none();
        } else if !self.seen.complete {
            // Asking costs nothing: decoders of these operations hold nothing back.
            self.seen.complete = self.seen.error.is_none() && self.decoder.finish(&mut self.chunks).is_ok();
        }
        Verdict::Forward
    }

    fn observed(&self) -> &Observed {
        &self.seen
    }
}

/// The `content-type` of a body of several parts, as it came; none where the body is JSON.
pub(crate) fn form_of(headers: &HeaderMap) -> Option<&HeaderValue> {
    let kind = headers.get(header::CONTENT_TYPE)?;
    let is_form = kind.to_str().ok()?.trim_start().to_ascii_lowercase().starts_with("multipart/form-data");
    is_form.then_some(kind)
}

/// The error for a form where its boundary is not said.
pub(crate) fn no_boundary() -> Error {
    Error::invalid_request("the form's `content-type` does not say its `boundary`")
}
