//! Streamed answers: OpenAI's, kept for this protocol.

use llm_core::chat::{ChatChunk, Relabel};
use llm_core::codec::{
    AnswerContext, Chat, DecodeContext, Downstream, Frame, StreamDecoder, StreamEncoder, Trailer, Upstream,
};
use llm_core::{Error, Result};

use super::{INNER, MISTRAL, OpenAiChat};

/// The decoder of one streamed answer.
pub(super) struct Decoder(Box<dyn StreamDecoder<Chat>>);

impl Decoder {
    pub(super) fn new(cx: &DecodeContext) -> Self {
        Self(OpenAiChat.decode_stream(cx))
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        let known = out.len();
        let result = self.0.decode(frame, out);
        out.iter_mut().skip(known).for_each(|chunk| chunk.relabel(INNER, MISTRAL));
        result
    }

    fn finish(&mut self, out: &mut Vec<ChatChunk>) -> Result<()> {
        let known = out.len();
        let result = self.0.finish(out);
        out.iter_mut().skip(known).for_each(|chunk| chunk.relabel(INNER, MISTRAL));
        result
    }
}

/// The encoder of one streamed answer.
pub(super) struct Encoder(Box<dyn StreamEncoder<Chat>>);

impl Encoder {
    pub(super) fn new(cx: &AnswerContext) -> Self {
        // Usage comes unasked here.
        Self(OpenAiChat.encode_stream(&AnswerContext { include_usage: true, ..cx.clone() }))
    }
}

impl StreamEncoder<Chat> for Encoder {
    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
        let mut chunk = chunk.clone();
        chunk.relabel(MISTRAL, INNER);
        self.0.encode(&chunk, out)
    }

    fn finish(&mut self, trailer: &Trailer, out: &mut Vec<u8>) {
        self.0.finish(trailer, out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.0.error(error, out);
    }
}
