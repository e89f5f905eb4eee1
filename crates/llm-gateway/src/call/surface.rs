//! The operations and protocols in which applications can call, and how each is answered.

use axum::body::Body;
use axum::response::Response;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use llm_core::audio::{Speak, Transcribe};
use llm_core::codec::{Chat, RequestHead, Skim, Speaks};
use llm_core::completion::Complete;
use llm_core::embedding::Embed;
use llm_core::image::Images;
use llm_core::moderation::Moderate;
use llm_core::rerank::Rerank;
use llm_core::token_count::CountTokens;
use llm_core::{Error, OperationKind, Protocol, Result};
use llm_providers::protocols::Spoken;
use llm_providers::provider::{ANSWERED_BY, ERROR_WAS};

use super::spoken;

/// The id of a call, on every answer.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Where Anthropic's SDKs look for it.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Tells OpenAI's and Anthropic's SDKs not to try again.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Declares the operations that applications can call, each in any protocol that has it.
macro_rules! surfaces {
    ($($operation:ident),+ $(,)?) => {
        /// One operation in one protocol that applications speak to the gateway.
        #[derive(Clone, Copy)]
        pub(crate) enum Surface {
            $($operation(&'static dyn Speaks<$operation>),)+
        }

        impl Surface {
            /// The surface of an operation in a protocol; none where its codec is not built.
            pub(crate) fn of(kind: OperationKind, protocol: Protocol) -> Option<Self> {
                match kind {
                    $(OperationKind::$operation => $operation::codec(protocol).map(Self::$operation),)+
                    OperationKind::Models | OperationKind::Files | OperationKind::Batches => None,
                }
            }

            pub(crate) fn kind(self) -> OperationKind {
                match self {
                    $(Self::$operation(_) => OperationKind::$operation,)+
                }
            }
        }
    };
}

surfaces!(Chat, Complete, Embed, Rerank, Moderate, Images, Speak, Transcribe, CountTokens);

/// Does the same with a surface's codec, whatever its operation.
macro_rules! with_codec {
    ($surface:expr, $codec:ident => $body:expr) => {
        match $surface {
            $crate::call::surface::Surface::Chat($codec) => $body,
            $crate::call::surface::Surface::Complete($codec) => $body,
            $crate::call::surface::Surface::Embed($codec) => $body,
            $crate::call::surface::Surface::Rerank($codec) => $body,
            $crate::call::surface::Surface::Moderate($codec) => $body,
            $crate::call::surface::Surface::Images($codec) => $body,
            $crate::call::surface::Surface::Speak($codec) => $body,
            $crate::call::surface::Surface::Transcribe($codec) => $body,
            $crate::call::surface::Surface::CountTokens($codec) => $body,
        }
    };
}
pub(crate) use with_codec;

impl Surface {
    pub(crate) fn protocol(self) -> Protocol {
        with_codec!(self, codec => codec.protocol())
    }

    /// What routing and limits need to know of a request.
    pub(crate) fn skim(self, head: &RequestHead, body: &[u8]) -> Result<Skim> {
        with_codec!(self, codec => spoken::skim(codec, head, body))
    }

    /// An error in the caller's own envelope.
    pub(crate) fn error(self, error: &Error, request_id: Option<&str>) -> Response {
        let answer = with_codec!(self, codec => codec.encode_error(error));
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        if error.is_hopeless() {
            response.headers_mut().insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        // What the caller's envelope has no place for, and our own client wants to know.
        let shown = error.for_caller();
        let was = format!("{} {}", error.kind().as_str(), shown.status().as_u16());
        for (name, text) in [(ERROR_WAS, was.as_str()), (ANSWERED_BY, error.provider().unwrap_or_default())] {
            if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(text)) {
                response.headers_mut().insert(name, value);
            }
        }
        if let Some(id) = request_id {
            self.name_call(id, response.headers_mut());
        }
        response
    }

    /// The call's id, in the headers where the caller's SDK and everyone else look for it.
    pub(crate) fn name_call(self, id: &str, headers: &mut HeaderMap) {
        let Ok(id) = HeaderValue::from_str(id) else { return };
        if self.protocol() == Protocol::Anthropic {
            headers.insert(REQUEST_ID, id.clone());
        }
        headers.insert(X_REQUEST_ID, id);
    }
}

/// Headers of callers that every provider is sent; a row's `forward_headers` come on top.
const FORWARDED: [HeaderName; 5] = [
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
    HeaderName::from_static("openai-beta"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("traceparent"),
];

/// Copies the few headers of a caller that a provider is shown.
pub(crate) fn forward_headers(from: &HeaderMap, extra: &[String], to: &mut HeaderMap) {
    let extra = extra.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    for name in FORWARDED.into_iter().chain(extra) {
        if let Some(value) = from.get(&name) {
            to.insert(name, value.clone());
        }
    }
}
