//! An answer in pieces, from the socket to chunks.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use llm_core::chat::{ChatAccumulator, ChatAnswer, ChatChunk};
use llm_core::codec::{Chat, ChatProtocol, Encoded, StreamDecoder};
use llm_core::{Error, Protocol, Result};

use crate::framing::{self, Framer};
use crate::transport::{WireBody, WireResponse};

/// A streamed answer.
///
/// Yields chunks, and holds the whole answer with its usage at the end ([`into_answer`](Self::into_answer)). Dropping
/// it closes the connection to the provider. A stream that was cut ends with an error, never as if it were whole.
pub struct ChatStream {
    provider: String,
    /// Whether errors of the provider's own carry other names than its own: it is a gateway.
    relayed: bool,
    body: WireBody,
    framer: Box<dyn Framer>,
    decoder: Box<dyn StreamDecoder<Chat>>,
    decoded: Vec<ChatChunk>,
    ready: VecDeque<ChatChunk>,
    failed: Option<Error>,
    ended: bool,
    answer: ChatAccumulator,
    dropped: Vec<String>,
}

impl ChatStream {
    pub(crate) async fn new(codec: &dyn ChatProtocol, encoded: &Encoded, response: WireResponse) -> Result<Self> {
        let provider = encoded.context.provider.clone();
        let content_type = response.head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let Some(framer) = framing::of_stream(codec.protocol(), content_type) else {
            return Err(not_a_stream(codec, encoded, response).await.with_provider(provider));
        };
        Ok(Self {
            body: response.body,
            framer,
            decoder: codec.decode_stream(&encoded.context),
            decoded: Vec::new(),
            ready: VecDeque::new(),
            failed: None,
            ended: false,
            answer: ChatAccumulator::new(provider.as_str()),
            dropped: encoded.dropped.clone(),
            relayed: codec.protocol() == Protocol::Native,
            provider,
        })
    }

    /// The next chunk; none at the end.
    pub async fn next(&mut self) -> Option<Result<ChatChunk>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Reads what is left and gives the whole answer with its usage.
    pub async fn into_answer(mut self) -> Result<ChatAnswer> {
        while self.next().await.transpose()?.is_some() {}
        let trailer = self.decoder.trailer();
        let mut answer = self.answer.finish();
        if let Some(provider) = trailer.provider {
            answer.provider = provider;
        }
        answer.call = trailer.call;
        answer.dropped_params.append(&mut self.dropped);
        answer.dropped_params.extend(trailer.dropped_params);
        Ok(answer)
    }

    /// What has arrived so far.
    pub fn answer_so_far(&self) -> &ChatAnswer {
        self.answer.answer()
    }

    /// Parameters that were left out because the provider can't take them.
    pub fn dropped_params(&self) -> &[String] {
        &self.dropped
    }

    /// The next chunk. `Pending` means that all that has arrived was given out.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatChunk>>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                self.answer.push(&chunk);
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
        framing::drain(self.framer.as_mut(), |raw| self.decoder.decode(&raw.frame, &mut self.decoded))?;
        self.decoder.finish(&mut self.decoded)
    }
}

/// What stands in an answer of status 2xx that should have been a stream: mostly an error in plain JSON.
async fn not_a_stream(codec: &dyn ChatProtocol, encoded: &Encoded, response: WireResponse) -> Error {
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

impl Stream for ChatStream {
    type Item = Result<ChatChunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(cx)
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream").field("provider", &self.provider).finish()
    }
}
