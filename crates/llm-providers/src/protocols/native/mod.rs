//! The native protocol: the types of `llm-core` as versioned JSON and SSE, spoken between [`Client`] and gateway.
//!
//! `POST /api/v1/call/{operation}` takes the operation's request (`chat`: a [`ChatRequest`]) with `"stream": true`
//! beside its members where a stream is wanted. A whole answer is the operation's answer (a [`ChatAnswer`](llm_core::ChatAnswer)). A stream is
//! SSE: `chunk` events hold a chunk each (a [`ChatChunk`](llm_core::ChatChunk)), the `end` event a [`Trailer`]; an `error` event holds an
//! [`Error`] and is the last one. An error before the first byte is `{"error": Error}`. The version stands in the path.
//!
//! [`Client`]: crate::client::Client

use bytes::Bytes;
use http::HeaderMap;
use llm_core::audio::{Speak, Transcribe};
use llm_core::batch::Batches;
use llm_core::chat::ChatRequest;
use llm_core::codec::{
    AnswerContext, Chat, DecodeContext, Downstream, Encoded, ErrorAnswer, Frame, Operation, Passthrough, RequestHead,
    ResponseHead, Speaks, StreamDecoder, StreamEncoder, Target, Trailer, Upstream, kind_of_status, retry_after,
};
use llm_core::completion::Complete;
use llm_core::embedding::{Embed, EmbedRequest};
use llm_core::file::Files;
use llm_core::image::Images;
use llm_core::moderation::Moderate;
use llm_core::operation::Asks;
use llm_core::rerank::Rerank;
use llm_core::token_count::CountTokens;
use llm_core::{Error, ErrorKind, Protocol, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The native protocol's codec.
#[derive(Debug)]
pub struct NativeProtocol;

/// The codec of every operation; that of chat is [`NativeProtocol`].
#[derive(Debug)]
pub struct NativeApi;

/// An operation whose values have a JSON form.
pub trait Wired:
    Operation<
        Request: Serialize + DeserializeOwned,
        Answer: Serialize + DeserializeOwned,
        Chunk: Serialize + DeserializeOwned,
    >
{
    /// Says what a request lacks. A model must be there in any case.
    fn check(request: &Self::Request) -> Result<()> {
        let _ = request;
        Ok(())
    }
}

impl Wired for Chat {
    fn check(request: &ChatRequest) -> Result<()> {
        if request.messages.is_empty() {
            return Err(Error::invalid_request("`messages` must hold a message").with_param("messages"));
        }
        Ok(())
    }
}
impl Wired for Complete {}
impl Wired for Embed {
    fn check(request: &EmbedRequest) -> Result<()> {
        if request.input.is_empty() {
            return Err(Error::invalid_request("`input` must hold something to embed").with_param("input"));
        }
        Ok(())
    }
}
impl Wired for Rerank {}
impl Wired for Moderate {}
impl Wired for Images {}
impl Wired for Speak {}
impl Wired for Transcribe {}
impl Wired for CountTokens {}
impl Wired for Files {}
impl Wired for Batches {}

/// A request with the one member that is not the request's own.
#[derive(Serialize)]
struct Asked<'a, R> {
    #[serde(flatten)]
    request: &'a R,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Deserialize)]
struct StreamMember {
    #[serde(default)]
    stream: bool,
}

#[derive(Serialize, Deserialize)]
struct ErrorBody<E> {
    error: E,
}

fn encode_request<O: Wired>(request: &O::Request, target: &Target<'_>) -> Result<Encoded> {
    let mut request = request.clone();
    request.set_model(target.model);
    let body = to_json(&Asked { request: &request, stream: target.stream })?;
    Ok(Encoded::post(format!("/api/v1/call/{}", O::NAME), body, DecodeContext::new(target)))
}

fn decode_answer<O: Wired>(body: &[u8]) -> Result<O::Answer> {
    serde_json::from_slice(body)
        .map_err(|error| Error::bad_answer("the gateway's answer can't be read").with_source(error))
}

fn decode_error(head: &ResponseHead, body: &[u8]) -> Error {
    if let Ok(body) = serde_json::from_slice::<ErrorBody<Error>>(body) {
        return body.error;
    }
    let error = of_other_routes(head, body).unwrap_or_else(|| {
        let message = format!("the gateway answered {} without a word of its own", head.status);
        Error::new(kind_of_status(head.status), message)
    });
    let error = error.with_status(head.status).with_body(Bytes::copy_from_slice(body));
    match retry_after(&head.headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// What the gateway's other routes say, in the envelope of OpenAI: the code is the error's kind.
fn of_other_routes(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    #[derive(Deserialize)]
    struct Said {
        message: String,
        code: Option<Value>,
    }
    let said = serde_json::from_slice::<ErrorBody<Said>>(body).ok()?.error;
    let kind = said.code.and_then(|code| serde_json::from_value(code).ok());
    Some(Error::new(kind.unwrap_or_else(|| kind_of_status(head.status)), said.message))
}

fn decode_request<O: Wired>(body: &[u8]) -> Result<(O::Request, AnswerContext)> {
    let wrong = |error: serde_json::Error| Error::invalid_request(format!("the request can't be read: {error}"));
    let request: O::Request = serde_json::from_slice(body).map_err(wrong)?;
    let StreamMember { stream } = serde_json::from_slice(body).map_err(wrong)?;
    if request.model().is_empty() {
        return Err(Error::invalid_request("missing required parameter `model`").with_param("model"));
    }
    O::check(&request)?;
    let model = request.model().to_owned();
    Ok((request, AnswerContext { model, stream, include_usage: true, ..AnswerContext::default() }))
}

fn encode_error(error: &Error) -> ErrorAnswer {
    let body = to_json(&ErrorBody { error: &error.for_caller() }).unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(http::header::RETRY_AFTER, seconds.into());
    }
    ErrorAnswer { status: error.status_for_caller(), headers, body }
}

/// The three traits, in which everything but the operation is the same.
macro_rules! native {
    ($codec:ty $(, $generic:ident: $bound:ident)?; $operation:ty) => {
        impl$(<$generic: $bound>)? Upstream<$operation> for $codec {
            fn encode_request(
                &self,
                request: &<$operation as Operation>::Request,
                target: &Target<'_>,
            ) -> Result<Encoded> {
                encode_request::<$operation>(request, target)
            }
            fn decode_answer(
                &self,
                _: &DecodeContext,
                _: &ResponseHead,
                body: &[u8],
            ) -> Result<<$operation as Operation>::Answer> {
                decode_answer::<$operation>(body)
            }
            fn decode_stream(&self, _: &DecodeContext) -> Box<dyn StreamDecoder<$operation>> {
                Box::new(Decoder { trailer: None })
            }
            fn decode_error(&self, _: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
                decode_error(head, body)
            }
        }

        impl$(<$generic: $bound>)? Downstream<$operation> for $codec {
            fn decode_request(
                &self,
                _: &RequestHead,
                body: &[u8],
            ) -> Result<(<$operation as Operation>::Request, AnswerContext)> {
                decode_request::<$operation>(body)
            }
            fn encode_answer(&self, _: &AnswerContext, answer: &<$operation as Operation>::Answer) -> Result<Bytes> {
                to_json(answer)
            }
            fn encode_stream(&self, _: &AnswerContext) -> Box<dyn StreamEncoder<$operation>> {
                Box::new(Encoder)
            }
            fn encode_error(&self, error: &Error) -> ErrorAnswer {
                encode_error(error)
            }
        }

        impl$(<$generic: $bound>)? Speaks<$operation> for $codec {
            fn protocol(&self) -> Protocol {
                Protocol::Native
            }
            fn passthrough(&self) -> Option<&dyn Passthrough> {
                None
            }
        }
    };
}

native!(NativeProtocol; Chat);
native!(NativeApi, O: Wired; O);

struct Decoder {
    trailer: Option<Trailer>,
}

impl<O: Wired> StreamDecoder<O> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<O::Chunk>) -> Result<()> {
        let unreadable = |error| Error::bad_answer("the gateway's stream can't be read").with_source(error);
        match frame.event {
            "chunk" => out.push(serde_json::from_slice(frame.data).map_err(unreadable)?),
            "end" => self.trailer = Some(serde_json::from_slice(frame.data).map_err(unreadable)?),
            "error" => return Err(serde_json::from_slice(frame.data).map_err(unreadable)?),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<O::Chunk>) -> Result<()> {
        if self.trailer.is_some() { Ok(()) } else { Err(Error::cut()) }
    }

    fn trailer(&self) -> Trailer {
        self.trailer.clone().unwrap_or_default()
    }
}

struct Encoder;

impl<O: Wired> StreamEncoder<O> for Encoder {
    fn encode(&mut self, chunk: &O::Chunk, out: &mut Vec<u8>) -> Result<()> {
        event("chunk", chunk, out)
    }

    fn finish(&mut self, trailer: &Trailer, out: &mut Vec<u8>) {
        // A trailer is strings and numbers, which always have a JSON form.
        let _ = event("end", trailer, out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        let _ = event("error", &error.for_caller(), out);
    }
}

fn event(name: &str, payload: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    serde_json::to_writer(&mut *out, payload).map_err(unwritable)?;
    out.extend_from_slice(b"\n\n");
    Ok(())
}

fn to_json(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "a value has no JSON form").with_source(error)
}

#[cfg(test)]
mod tests;
