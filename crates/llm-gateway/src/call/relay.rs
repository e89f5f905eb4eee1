//! From the provider's stream to the caller's: bytes in, bytes out, usage on the side.

use llm_core::chat::ChatChunk;
use llm_core::codec::{
    Chat, ChatProtocol, DecodeContext, Frame, Observed, Observer, Passthrough, StreamDecoder, StreamEncoder, Trailer,
    Verdict,
};
use llm_core::{Error, Result};
use llm_providers::framing::{self, Framer};

/// One stream on its way through.
pub(crate) struct Relay {
    framer: Box<dyn Framer>,
    way: Way,
    /// Writes what only the gateway says: an error after the first byte, the end of a translated stream.
    encoder: Box<dyn StreamEncoder<Chat>>,
    /// What was seen of a translated stream, or of one that passed once it has ended.
    observed: Observed,
    /// Whether the provider may end a stream without saying so.
    no_done: bool,
}

enum Way {
    /// The same dialect on both sides.
    Pass(Box<dyn Observer>),
    /// Two dialects, with the chunks between them.
    Translate { decoder: Box<dyn StreamDecoder<Chat>>, chunks: Vec<ChatChunk> },
}

impl Relay {
    /// A stream whose bytes pass. `hide_usage`: the caller did not ask for the usage that we asked for. `no_done`: the
    /// provider may end it without a terminator.
    pub(crate) fn pass(
        framer: Box<dyn Framer>,
        passthrough: &dyn Passthrough,
        hide_usage: bool,
        no_done: bool,
        encoder: Box<dyn StreamEncoder<Chat>>,
    ) -> Self {
        let way = Way::Pass(passthrough.observe_stream(hide_usage));
        Self { framer, way, encoder, observed: Observed::default(), no_done }
    }

    /// A stream that is decoded from one protocol and encoded in another.
    pub(crate) fn translate(
        framer: Box<dyn Framer>,
        upstream: &dyn ChatProtocol,
        cx: &DecodeContext,
        encoder: Box<dyn StreamEncoder<Chat>>,
    ) -> Self {
        let way = Way::Translate { decoder: upstream.decode_stream(cx), chunks: Vec::new() };
        Self { framer, way, encoder, observed: Observed::default(), no_done: false }
    }

    /// What was seen so far.
    pub(crate) fn observed(&self) -> &Observed {
        match &self.way {
            Way::Pass(observer) if !self.observed.complete => observer.observed(),
            Way::Pass(_) | Way::Translate { .. } => &self.observed,
        }
    }

    /// The `content-type` of the caller's stream.
    pub(crate) fn content_type(&self) -> &'static str {
        self.encoder.content_type()
    }

    /// Takes in the next bytes of the provider, and appends what they mean for the caller. An error is the
    /// provider's, or the framing's: nothing more will come.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.framer.push(bytes);
        while let Some(raw) = self.framer.next_frame()? {
            self.way.frame(&raw.frame, raw.raw, self.encoder.as_mut(), &mut self.observed, out)?;
        }
        Ok(())
    }

    /// The provider's body has ended. An error says that it was not whole.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let (way, encoder, observed) = (&mut self.way, self.encoder.as_mut(), &mut self.observed);
        framing::drain(self.framer.as_mut(), |raw| way.frame(&raw.frame, raw.raw, encoder, observed, out))?;
        match &mut self.way {
            Way::Pass(observer) => {
                let seen = observer.observed();
                if self.no_done && seen.finished && seen.error.is_none() {
                    self.observed = Observed { complete: true, ..seen.clone() };
                    return Ok(());
                }
                if seen.complete || seen.error.is_some() { Ok(()) } else { Err(Error::cut()) }
            }
            Way::Translate { decoder, chunks } => {
                decoder.finish(chunks)?;
                write_chunks(chunks, self.encoder.as_mut(), &mut self.observed, out)?;
                self.observed.complete = true;
                Ok(())
            }
        }
    }

    /// Appends what ends a whole stream. The bytes of a stream that passes have said it already.
    pub(crate) fn finish(&mut self, trailer: &Trailer, out: &mut Vec<u8>) {
        if let Way::Translate { .. } = self.way {
            self.encoder.finish(trailer, out);
        }
    }

    /// Appends an error in the caller's own protocol. Nothing may follow.
    pub(crate) fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.encoder.error(error, out);
    }
}

impl Way {
    fn frame(
        &mut self,
        frame: &Frame<'_>,
        raw: &[u8],
        encoder: &mut dyn StreamEncoder<Chat>,
        observed: &mut Observed,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match self {
            Self::Pass(observer) => {
                if observer.frame(frame) == Verdict::Forward {
                    out.extend_from_slice(raw);
                }
                Ok(())
            }
            Self::Translate { decoder, chunks } => {
                let decoded = decoder.decode(frame, chunks);
                write_chunks(chunks, encoder, observed, out)?;
                decoded
            }
        }
    }
}

fn write_chunks(
    chunks: &mut Vec<ChatChunk>,
    encoder: &mut dyn StreamEncoder<Chat>,
    observed: &mut Observed,
    out: &mut Vec<u8>,
) -> Result<()> {
    for chunk in chunks.drain(..) {
        if chunk.choices.iter().any(|choice| !choice.deltas.is_empty()) {
            observed.content_chunks += 1;
        }
        encoder.encode(&chunk, out)?;
        observed.usage = chunk.usage.or(observed.usage.take());
        observed.service_tier = chunk.service_tier.or(observed.service_tier.take());
    }
    Ok(())
}
