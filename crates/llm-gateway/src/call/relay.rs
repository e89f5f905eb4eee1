//! From the provider's stream to the caller's: bytes in, bytes out, usage on the side.

use http::HeaderValue;
use llm_core::codec::{
    Frame, Observed, Observer, Operation, Passthrough, StreamDecoder, StreamEncoder, Trailer, Verdict,
};
use llm_core::operation::Tells;
use llm_core::{Error, Result};
use llm_providers::framing::{self, Framer, RawFrame, WHOLE};
use llm_providers::stream::WholeDecoder;

/// One stream on its way through.
pub(crate) struct Relay {
    framer: Box<dyn Framer>,
    /// Set where both sides speak the same dialect, so that the bytes pass.
    observer: Option<Box<dyn Observer>>,
    /// Says what does not pass: a translated stream, an error after the first byte.
    talk: Box<dyn Talk>,
    /// What was seen of a translated stream, or of one that passed once it has ended.
    observed: Observed,
    /// Whether the provider may end a stream without saying so.
    no_done: bool,
    /// The `content-type` of sound that passes, which ends with its body.
    sound: Option<HeaderValue>,
}

/// The caller's side of a stream, and of a translated one the provider's.
pub(crate) trait Talk: Send {
    /// The `content-type` of the caller's stream.
    fn content_type(&self) -> &'static str;
    /// Translates the next event.
    fn frame(&mut self, frame: &Frame<'_>, observed: &mut Observed, out: &mut Vec<u8>) -> Result<()>;
    /// Translates an answer that came whole where a stream was asked for.
    fn whole(&mut self, body: &[u8], observed: &mut Observed, out: &mut Vec<u8>) -> Result<()>;
    /// The provider's events have ended. An error says that they were not all.
    fn end(&mut self, observed: &mut Observed, out: &mut Vec<u8>) -> Result<()>;
    /// Appends what ends a whole stream.
    fn finish(&mut self, trailer: &Trailer, out: &mut Vec<u8>);
    /// Appends an error.
    fn error(&mut self, error: &Error, out: &mut Vec<u8>);
}

/// Both sides of one operation's stream, with the chunks between them.
pub(crate) struct Dialogue<O: Operation> {
    decoder: Option<Box<dyn StreamDecoder<O>>>,
    encoder: Box<dyn StreamEncoder<O>>,
    /// Reads what is no stream.
    whole: WholeDecoder<O>,
    chunks: Vec<O::Chunk>,
}

impl<O: Operation> Dialogue<O> {
    /// `decoder`: none where the bytes pass.
    pub(crate) fn new(
        decoder: Option<Box<dyn StreamDecoder<O>>>,
        encoder: Box<dyn StreamEncoder<O>>,
        whole: WholeDecoder<O>,
    ) -> Self {
        Self { decoder, encoder, whole, chunks: Vec::new() }
    }

    fn write(&mut self, observed: &mut Observed, out: &mut Vec<u8>) -> Result<()> {
        for chunk in self.chunks.drain(..) {
            if chunk.has_content() {
                observed.content_chunks += 1;
            }
            self.encoder.encode(&chunk, out)?;
            if let Some(usage) = chunk.usage() {
                observed.usage = Some(usage.clone());
            }
            if let Some(tier) = chunk.service_tier() {
                observed.service_tier = Some(tier.to_owned());
            }
        }
        Ok(())
    }
}

impl<O: Operation> Talk for Dialogue<O> {
    fn content_type(&self) -> &'static str {
        self.encoder.content_type()
    }

    fn frame(&mut self, frame: &Frame<'_>, observed: &mut Observed, out: &mut Vec<u8>) -> Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let decoded = decoder.decode(frame, &mut self.chunks);
        self.write(observed, out)?;
        decoded
    }

    fn whole(&mut self, body: &[u8], observed: &mut Observed, out: &mut Vec<u8>) -> Result<()> {
        self.chunks = self.whole.decode(body)?;
        self.write(observed, out)
    }

    fn end(&mut self, observed: &mut Observed, out: &mut Vec<u8>) -> Result<()> {
        if let Some(decoder) = &mut self.decoder {
            decoder.finish(&mut self.chunks)?;
        }
        self.write(observed, out)
    }

    fn finish(&mut self, trailer: &Trailer, out: &mut Vec<u8>) {
        self.encoder.finish(trailer, out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.encoder.error(error, out);
    }
}

impl Relay {
    /// A stream whose bytes pass. `hide_usage`: the caller did not ask for the usage that we asked for. `no_done`: the
    /// provider may end it without a terminator. `sound`: the `content-type`, where the stream is bytes of sound.
    pub(crate) fn pass(
        framer: Box<dyn Framer>,
        passthrough: &dyn Passthrough,
        hide_usage: bool,
        no_done: bool,
        sound: Option<&str>,
        talk: Box<dyn Talk>,
    ) -> Self {
        let observer = Some(passthrough.observe_stream(hide_usage));
        let sound = sound.and_then(|sound| HeaderValue::from_str(sound).ok());
        let no_done = no_done || sound.is_some();
        Self { framer, observer, talk, observed: Observed::default(), no_done, sound }
    }

    /// A stream that is decoded from one protocol and encoded in another.
    pub(crate) fn translate(framer: Box<dyn Framer>, talk: Box<dyn Talk>) -> Self {
        Self { framer, observer: None, talk, observed: Observed::default(), no_done: false, sound: None }
    }

    /// What was seen so far.
    pub(crate) fn observed(&self) -> &Observed {
        match &self.observer {
            Some(observer) if !self.observed.complete => observer.observed(),
            _ => &self.observed,
        }
    }

    /// The `content-type` of the caller's stream.
    pub(crate) fn content_type(&self) -> HeaderValue {
        self.sound.clone().unwrap_or_else(|| HeaderValue::from_static(self.talk.content_type()))
    }

    /// Whether the caller's stream has no place for an error, so that only breaking it off can say that it is not
    /// whole.
    pub(crate) fn breaks_off(&self) -> bool {
        self.sound.is_some() || framing::is_sound(self.talk.content_type())
    }

    /// Takes in the next bytes of the provider, and appends what they mean for the caller. An error is the
    /// provider's, or the framing's: nothing more will come.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.framer.push(bytes);
        while let Some(raw) = self.framer.next_frame()? {
            match &mut self.observer {
                Some(observer) => watch(observer.as_mut(), &raw, out),
                None => self.talk.frame(&raw.frame, &mut self.observed, out)?,
            }
        }
        Ok(())
    }

    /// The provider's body has ended. An error says that it was not whole.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let Self { framer, observer, talk, observed, no_done, .. } = self;
        let mut is_whole = false;
        framing::drain(framer.as_mut(), |raw| match observer {
            _ if raw.frame.event == WHOLE => {
                is_whole = true;
                talk.whole(raw.frame.data, observed, out)
            }
            Some(observer) => {
                watch(observer.as_mut(), raw, out);
                Ok(())
            }
            None => talk.frame(&raw.frame, observed, out),
        })?;
        if is_whole {
            // Nothing passed: what the caller sees was written here, and so is its end.
            *observer = None;
            observed.complete = true;
            return Ok(());
        }
        let Some(observer) = observer else {
            talk.end(observed, out)?;
            observed.complete = true;
            return Ok(());
        };
        let seen = observer.observed();
        if *no_done && seen.finished && seen.error.is_none() {
            *observed = Observed { complete: true, ..seen.clone() };
            return Ok(());
        }
        if seen.complete || seen.error.is_some() { Ok(()) } else { Err(Error::cut()) }
    }

    /// Appends what ends a whole stream. The bytes of a stream that passes have said it already.
    pub(crate) fn finish(&mut self, trailer: &Trailer, out: &mut Vec<u8>) {
        if self.observer.is_none() {
            self.talk.finish(trailer, out);
        }
    }

    /// Appends an error in the caller's own protocol. Nothing may follow.
    pub(crate) fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        self.talk.error(error, out);
    }
}

fn watch(observer: &mut dyn Observer, raw: &RawFrame<'_>, out: &mut Vec<u8>) {
    if observer.frame(&raw.frame) == Verdict::Forward {
        out.extend_from_slice(raw.raw);
    }
}
