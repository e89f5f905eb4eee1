//! An answer in pieces, from the socket to chunks.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use llm_core::audio::{Speak, SpeakChunk};
use llm_core::chat::{CallInfo, ChatAccumulator, ChatAnswer, ChatChunk};
use llm_core::codec::{Chat, DecodeContext, Encoded, Operation, ResponseHead, Speaks, StreamDecoder, Trailer};
use llm_core::operation::Unit;
use llm_core::{Error, Protocol, Result, Usage};

use crate::framing::{self, Framer, WHOLE};
use crate::transport::{WireBody, WireResponse};

/// The chunks of any operation's streamed answer. Dropping it closes the connection to the provider. A stream that was
/// cut ends with an error, never as if it were whole.
pub struct ChunkStream<O: Operation> {
    provider: String,
    /// Whether errors of the provider's own carry other names than its own: it is a gateway.
    relayed: bool,
    body: WireBody,
    framer: Box<dyn Framer>,
    decoder: Box<dyn StreamDecoder<O>>,
    whole: WholeDecoder<O>,
    decoded: Vec<O::Chunk>,
    ready: VecDeque<O::Chunk>,
    failed: Option<Error>,
    ended: bool,
    dropped: Vec<String>,
}

impl<O: Operation> ChunkStream<O> {
    pub(crate) async fn new(codec: &'static dyn Speaks<O>, encoded: &Encoded, response: WireResponse) -> Result<Self> {
        let provider = encoded.context.provider.clone();
        let content_type = response.head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let framer = match (O::LINES, codec.protocol()) {
            // Its results stand in the batch itself, or in a file of lines.
            (true, Protocol::Gemini) => framing::of_passing_stream(content_type).or_else(|| Some(lines())),
            (true, protocol) if protocol != Protocol::Native => Some(lines()),
            (_, protocol) => framing::of_stream(protocol, content_type),
        };
        let Some(framer) = framer else {
            return Err(not_a_stream(codec, encoded, response).await.with_provider(provider));
        };
        Ok(Self {
            body: response.body,
            framer,
            decoder: codec.decode_stream(&encoded.context),
            whole: WholeDecoder::new(codec, &encoded.context, response.head),
            decoded: Vec::new(),
            ready: VecDeque::new(),
            failed: None,
            ended: false,
            dropped: encoded.dropped.clone(),
            relayed: codec.protocol() == Protocol::Native,
            provider,
        })
    }

    /// The provider that answers, or the gateway.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The next chunk; none at the end.
    pub async fn next(&mut self) -> Option<Result<O::Chunk>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// What was said of the whole call beside its chunks; only a gateway says anything.
    pub fn trailer(&self) -> Trailer {
        self.decoder.trailer()
    }

    /// Parameters that were left out because the provider can't take them.
    pub fn dropped_params(&self) -> &[String] {
        &self.dropped
    }

    /// The next chunk. `Pending` means that all that has arrived was given out.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<O::Chunk>>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if let Some(error) = self.failed.take() {
                return Poll::Ready(Some(Err(error)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let read = match ready!(self.body.poll_next(cx)) {
                Some(Ok(bytes)) => self.take_in(&bytes).map_err(|error| self.named(error)),
                Some(Err(error)) => Err(error.with_provider(self.provider.as_str())),
                None => self.end().map_err(|error| self.named(error)),
            };
            // Chunks decoded before the failure are given out first.
            self.ready.extend(self.decoded.drain(..));
            if let Err(error) = read {
                self.ended = true;
                self.failed = Some(error);
            }
        }
    }

    fn named(&self, error: Error) -> Error {
        if self.relayed { error } else { error.with_provider(self.provider.as_str()) }
    }

    fn take_in(&mut self, bytes: &[u8]) -> Result<()> {
        self.framer.push(bytes);
        while let Some(raw) = self.framer.next_frame()? {
            self.decoder.decode(&raw.frame, &mut self.decoded)?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.ended = true;
        let Self { framer, decoder, whole, decoded, .. } = self;
        let mut is_whole = false;
        framing::drain(framer.as_mut(), |raw| {
            is_whole |= raw.frame.event == WHOLE;
            if is_whole {
                decoded.extend(whole.decode(raw.frame.data)?);
                return Ok(());
            }
            decoder.decode(&raw.frame, decoded)
        })?;
        if is_whole { Ok(()) } else { decoder.finish(decoded) }
    }
}

/// Understands an answer that came whole where a stream was asked for.
pub struct WholeDecoder<O: Operation> {
    codec: &'static dyn Speaks<O>,
    cx: DecodeContext,
    head: ResponseHead,
}

impl<O: Operation> WholeDecoder<O> {
    /// For an answer in `codec`'s protocol with this `head`.
    pub fn new(codec: &'static dyn Speaks<O>, cx: &DecodeContext, head: ResponseHead) -> Self {
        Self { codec, cx: cx.clone(), head }
    }

    /// The answer in pieces, or the error that it is.
    pub fn decode(&self, body: &[u8]) -> Result<Vec<O::Chunk>> {
        let answer = self.codec.decode_answer(&self.cx, &self.head, body)?;
        O::pieces(answer).ok_or_else(|| {
            let body = Bytes::copy_from_slice(body);
            Error::bad_answer("the provider answered whole where a stream was asked for").with_body(body)
        })
    }
}

fn lines() -> Box<dyn Framer> {
    Box::new(framing::NdjsonFramer::default())
}

/// What stands in an answer of status 2xx that should have been a stream: mostly an error in plain JSON.
async fn not_a_stream<O: Operation>(codec: &dyn Speaks<O>, encoded: &Encoded, response: WireResponse) -> Error {
    const MOST: usize = 1024 * 1024;
    let head = response.head;
    match response.body.collect(MOST).await {
        Ok(body) => match codec.decode_answer(&encoded.context, &head, &body) {
            Ok(_) => Error::bad_answer("the provider answered whole where a stream was asked for").with_body(body),
            Err(error) => error,
        },
        Err(error) => error,
    }
}

impl<O: Operation> Stream for ChunkStream<O>
where
    O::Chunk: Unpin,
{
    type Item = Result<O::Chunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(cx)
    }
}

impl<O: Operation> fmt::Debug for ChunkStream<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkStream").field("provider", &self.provider).finish()
    }
}

/// A streamed answer of a chat.
///
/// Yields chunks, and holds the whole answer with its usage at the end ([`into_answer`](Self::into_answer)). Dropping
/// it closes the connection to the provider. A stream that was cut ends with an error, never as if it were whole.
#[derive(Debug)]
pub struct ChatStream {
    chunks: ChunkStream<Chat>,
    answer: ChatAccumulator,
}

impl ChatStream {
    pub(crate) fn new(chunks: ChunkStream<Chat>) -> Self {
        let answer = ChatAccumulator::new(chunks.provider());
        Self { chunks, answer }
    }

    /// The next chunk; none at the end.
    pub async fn next(&mut self) -> Option<Result<ChatChunk>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Reads what is left and gives the whole answer with its usage.
    pub async fn into_answer(mut self) -> Result<ChatAnswer> {
        while self.next().await.transpose()?.is_some() {}
        let trailer = self.chunks.trailer();
        let mut answer = self.answer.finish();
        if let Some(provider) = trailer.provider {
            answer.provider = provider;
        }
        answer.call = trailer.call;
        answer.dropped_params.append(&mut self.chunks.dropped);
        answer.dropped_params.extend(trailer.dropped_params);
        answer.emulated_params = trailer.emulated_params;
        Ok(answer)
    }

    /// What has arrived so far.
    pub fn answer_so_far(&self) -> &ChatAnswer {
        self.answer.answer()
    }

    /// Parameters that were left out because the provider can't take them.
    pub fn dropped_params(&self) -> &[String] {
        self.chunks.dropped_params()
    }

    /// The next chunk. `Pending` means that all that has arrived was given out.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatChunk>>> {
        let next = ready!(self.chunks.poll_chunk(cx));
        if let Some(Ok(chunk)) = &next {
            self.answer.push(chunk);
        }
        Poll::Ready(next)
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatChunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(cx)
    }
}

/// Sound on its way: a stream of the file's bytes. Dropping it closes the connection to the provider; one that was cut
/// ends with an error.
#[derive(Debug)]
pub struct SpeakStream {
    chunks: ChunkStream<Speak>,
    model: String,
    units: Vec<Unit>,
    content_type: String,
    usage: Option<Usage>,
}

impl SpeakStream {
    pub(crate) fn new(chunks: ChunkStream<Speak>, model: &str, units: Vec<Unit>) -> Self {
        // A gateway says by itself which model answered, and what was used.
        let (model, units) = if chunks.relayed { ("", Vec::new()) } else { (model, units) };
        Self { chunks, model: model.to_owned(), units, content_type: String::new(), usage: None }
    }

    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        std::future::poll_fn(|cx| self.poll_bytes(cx)).await
    }

    /// Reads what is left and gives what of the file has not been given out yet, with its usage.
    pub async fn into_answer(mut self) -> Result<llm_core::SpeakAnswer> {
        let mut audio = Vec::new();
        while let Some(bytes) = self.next().await.transpose()? {
            audio.extend_from_slice(&bytes);
        }
        let trailer = self.chunks.trailer();
        let mut answer = llm_core::SpeakAnswer {
            content_type: self.content_type,
            audio: audio.into(),
            model: trailer.model.unwrap_or(self.model),
            provider: trailer.provider.unwrap_or_else(|| self.chunks.provider.clone()),
            usage: self.usage.or(trailer.usage),
            dropped_params: self.chunks.dropped,
            call: trailer.call,
            ..llm_core::SpeakAnswer::default()
        };
        answer.dropped_params.extend(trailer.dropped_params);
        llm_core::operation::complete_usage(&mut answer, &self.units);
        Ok(answer)
    }

    /// The media type, such as `audio/mpeg`; empty before the first bytes, and where the provider does not say.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// What a gateway says of the call, at the end.
    pub fn call(&self) -> Option<CallInfo> {
        self.chunks.trailer().call
    }

    /// The next bytes. `Pending` means that all that has arrived was given out.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            match ready!(self.chunks.poll_chunk(cx)) {
                Some(Ok(SpeakChunk { content_type, audio, usage, .. })) => {
                    if !content_type.is_empty() {
                        self.content_type = content_type;
                    }
                    self.usage = usage.or(self.usage.take());
                    if !audio.is_empty() {
                        return Poll::Ready(Some(Ok(audio)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Stream for SpeakStream {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_bytes(cx)
    }
}
