//! The native protocol: the types of `llm-core` as versioned JSON and SSE, spoken between [`Client`] and gateway.
//!
//! `POST /api/v1/call/chat` takes a [`ChatRequest`] with `"stream": true` beside its members where a stream is wanted.
//! A whole answer is a [`ChatAnswer`]. A stream is SSE: `chunk` events hold a [`ChatChunk`] each, the `end` event a
//! [`Trailer`]; an `error` event holds an [`Error`] and is the last one. An error before the first byte is
//! `{"error": Error}`. The version stands in the path.
//!
//! [`Client`]: crate::client::Client

use bytes::Bytes;
use http::HeaderMap;
use llm_core::chat::{ChatAnswer, ChatChunk, ChatRequest};
use llm_core::codec::{
    AnswerContext, Chat, ChatProtocol, DecodeContext, Downstream, Encoded, ErrorAnswer, Frame, Passthrough,
    RequestHead, ResponseHead, StreamDecoder, StreamEncoder, Target, Trailer, Upstream, kind_of_status, retry_after,
};
use llm_core::{Error, ErrorKind, Protocol, Result};
use serde::{Deserialize, Serialize};

/// The native protocol's codec.
#[derive(Debug)]
pub struct NativeProtocol;

/// A request with the one member that is not the request's own.
#[derive(Serialize)]
struct Asked<'a> {
    #[serde(flatten)]
    request: &'a ChatRequest,
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

impl Upstream<Chat> for NativeProtocol {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        let mut request = request.clone();
        target.model.clone_into(&mut request.model);
        let body = to_json(&Asked { request: &request, stream: target.stream })?;
        Ok(Encoded::post("/api/v1/call/chat", body, DecodeContext::new(target)))
    }

    fn decode_answer(&self, _: &DecodeContext, _: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        serde_json::from_slice(body)
            .map_err(|error| Error::bad_answer("the gateway's answer can't be read").with_source(error))
    }

    fn decode_stream(&self, _: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        Box::new(Decoder { trailer: None })
    }

    fn decode_error(&self, _: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        match serde_json::from_slice::<ErrorBody<Error>>(body) {
            Ok(body) => body.error,
            Err(_) => {
                let message = format!("the gateway answered {} without a word of its own", head.status);
                let error = Error::new(kind_of_status(head.status), message).with_status(head.status);
                let error = error.with_body(Bytes::copy_from_slice(body));
                match retry_after(&head.headers) {
                    Some(wait) => error.with_retry_after(wait),
                    None => error,
                }
            }
        }
    }
}

struct Decoder {
    trailer: Option<Trailer>,
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        let unreadable = |error| Error::bad_answer("the gateway's stream can't be read").with_source(error);
        match frame.event {
            "chunk" => out.push(serde_json::from_slice(frame.data).map_err(unreadable)?),
            "end" => self.trailer = Some(serde_json::from_slice(frame.data).map_err(unreadable)?),
            "error" => return Err(serde_json::from_slice(frame.data).map_err(unreadable)?),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<ChatChunk>) -> Result<()> {
        if self.trailer.is_some() { Ok(()) } else { Err(Error::cut()) }
    }

    fn trailer(&self) -> Trailer {
        self.trailer.clone().unwrap_or_default()
    }
}

impl Downstream<Chat> for NativeProtocol {
    fn decode_request(&self, _: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
        let wrong = |error: serde_json::Error| Error::invalid_request(format!("the request can't be read: {error}"));
        let request: ChatRequest = serde_json::from_slice(body).map_err(wrong)?;
        let StreamMember { stream } = serde_json::from_slice(body).map_err(wrong)?;
        if request.model.is_empty() {
            return Err(Error::invalid_request("missing required parameter `model`").with_param("model"));
        }
        if request.messages.is_empty() {
            return Err(Error::invalid_request("`messages` must hold a message").with_param("messages"));
        }
        let cx =
            AnswerContext { model: request.model.clone(), stream, include_usage: true, ..AnswerContext::default() };
        Ok((request, cx))
    }

    fn encode_answer(&self, _: &AnswerContext, answer: &ChatAnswer) -> Result<Bytes> {
        to_json(answer)
    }

    fn encode_stream(&self, _: &AnswerContext) -> Box<dyn StreamEncoder<Chat>> {
        Box::new(Encoder)
    }

    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        let body = to_json(&ErrorBody { error: &error.for_caller() }).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        if let Some(seconds) = error.retry_after_seconds() {
            headers.insert(http::header::RETRY_AFTER, seconds.into());
        }
        ErrorAnswer { status: error.status_for_caller(), headers, body }
    }
}

struct Encoder;

impl StreamEncoder<Chat> for Encoder {
    fn encode(&mut self, chunk: &ChatChunk, out: &mut Vec<u8>) -> Result<()> {
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

impl ChatProtocol for NativeProtocol {
    fn protocol(&self) -> Protocol {
        Protocol::Native
    }

    fn passthrough(&self) -> Option<&dyn Passthrough> {
        None
    }
}

#[cfg(test)]
mod tests;
