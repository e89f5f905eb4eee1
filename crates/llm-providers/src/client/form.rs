//! Calls whose bodies stand in the form of a protocol: natively where the provider speaks it, else through the
//! vocabulary of every protocol. Either way what the caller reads is that protocol's own JSON.

use std::collections::VecDeque;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use llm_core::chat::{ChatAnswer, ChatRequest};
use llm_core::codec::{AnswerContext, Chat, ChatProtocol, RequestHead, StreamEncoder};
use llm_core::{Error, ErrorKind, Protocol, Result};
use serde_json::{Map, Value};

use super::Client;
use crate::framing::{self, Framer, SseFramer};
use crate::protocols;
use crate::provider::{Provider, fresh_seed};
use crate::stream::ChatStream;

/// A request that was read, and to whom it goes.
struct Asked<'c> {
    codec: &'static dyn ChatProtocol,
    provider: &'c Provider,
    model: String,
    request: ChatRequest,
    cx: AnswerContext,
}

impl Client {
    fn read_form(&self, protocol: Protocol, body: &Map<String, Value>) -> Result<Asked<'_>> {
        let codec = protocols::chat(protocol)
            .ok_or_else(|| Error::new(ErrorKind::NotImplemented, format!("`{protocol}` is not built")))?;
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::new(ErrorKind::Internal, "the request can't be written").with_source(error))?;
        let (request, cx) = codec.decode_request(&RequestHead::default(), &body)?;
        let (provider, model) = self.route(&request.model)?;
        let provider = provider.speaking(protocol).unwrap_or(provider);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let created = i64::try_from(since.as_secs()).unwrap_or_default();
        let cx = AnswerContext { id_seed: fresh_seed(), created, include_usage: true, ..cx };
        let model = model.to_owned();
        Ok(Asked { codec, provider, model, request, cx })
    }

    /// Makes a call and gives the answer in the protocol's form, and in the vocabulary.
    pub(super) async fn call_in(
        &self,
        protocol: Protocol,
        body: &Map<String, Value>,
    ) -> Result<(Map<String, Value>, ChatAnswer)> {
        let Asked { codec, provider, model, request, cx } = self.read_form(protocol, body)?;
        let answer = provider.chat(&request, &model).await?;
        match serde_json::from_slice(&codec.encode_answer(&cx, &answer)?) {
            Ok(Value::Object(body)) => Ok((body, answer)),
            _ => Err(Error::new(ErrorKind::Internal, "the answer can't be written")),
        }
    }

    /// Makes a call and gives the events of the protocol as they come.
    pub(super) async fn stream_in(&self, protocol: Protocol, body: &Map<String, Value>) -> Result<EventStream> {
        let Asked { codec, provider, model, request, cx } = self.read_form(protocol, body)?;
        let chunks = provider.chat_stream(&request, &model).await?;
        let encoder = codec.encode_stream(&AnswerContext { stream: true, ..cx });
        Ok(EventStream { chunks, encoder, ready: VecDeque::new(), ended: false })
    }
}

/// A streamed answer in the events of a protocol. Dropping it closes the connection; a stream that was cut ends with
/// an error, never as if it were whole.
pub struct EventStream {
    chunks: ChatStream,
    encoder: Box<dyn StreamEncoder<Chat>>,
    ready: VecDeque<Value>,
    ended: bool,
}

impl EventStream {
    /// The next event, as JSON; none at the end.
    pub async fn next(&mut self) -> Option<Result<Value>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if self.ended {
                return None;
            }
            let mut out = Vec::new();
            let written = match self.chunks.next().await {
                Some(Ok(chunk)) => self.encoder.encode(&chunk, &mut out),
                Some(Err(error)) => Err(error),
                None => {
                    self.ended = true;
                    self.encoder.finish(&llm_core::codec::Trailer::default(), &mut out);
                    Ok(())
                }
            };
            if let Err(error) = written.and_then(|()| self.take_in(&out)) {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }

    /// Reads what is left and gives the whole answer with its usage.
    pub async fn into_answer(self) -> Result<ChatAnswer> {
        self.chunks.into_answer().await
    }

    fn take_in(&mut self, events: &[u8]) -> Result<()> {
        let mut framer = SseFramer::default();
        framer.push(events);
        let ready = &mut self.ready;
        framing::drain(&mut framer, |raw| {
            // End marks of a stream are no events.
            ready.extend(serde_json::from_slice::<Value>(raw.frame.data).ok());
            Ok(())
        })
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("chunks", &self.chunks).finish()
    }
}

/// Gives the types of one protocol's requests and answers what they have in common.
macro_rules! form {
    ($request:ident, $answer:ident, $what:literal) => {
        impl $request {
            #[doc = concat!("Sets any member of the ", $what, " request, also one that this version does not know.")]
            #[must_use]
            pub fn set(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
                self.body.insert(name.into(), value.into());
                self
            }

            /// The body as it is.
            pub fn body(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.body
            }
        }

        impl From<serde_json::Map<String, serde_json::Value>> for $request {
            fn from(body: serde_json::Map<String, serde_json::Value>) -> Self {
                Self { body }
            }
        }

        impl $answer {
            /// The provider's id of the answer, or ours where it is a provider of another protocol.
            pub fn id(&self) -> &str {
                self.body.get("id").and_then(serde_json::Value::as_str).unwrap_or_default()
            }

            /// All text of the answer, joined.
            pub fn text(&self) -> String {
                self.answer.text()
            }

            /// What the call used; all zero where the provider did not say.
            pub fn usage(&self) -> &llm_core::Usage {
                self.answer.usage()
            }

            #[doc = concat!("The body in the form of ", $what, ", members that this version does not know included.")]
            pub fn body(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.body
            }

            /// The same answer in the vocabulary of every protocol; what [`Client::cost`](crate::Client::cost) prices.
            pub fn answer(&self) -> &llm_core::chat::ChatAnswer {
                &self.answer
            }
        }
    };
}
pub(super) use form;
