//! The protocols in which applications can call, and how each is answered.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use llm_core::codec::{ChatProtocol, Host, Passthrough, RequestHead, Skim};
use llm_core::{Error, Protocol, Result};
use llm_providers::Provider;

use super::skim::skim_of;

/// The id of a call, on every answer.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Where Anthropic's SDKs look for it.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Tells OpenAI's and Anthropic's SDKs not to try again.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// One protocol that applications speak to the gateway.
#[derive(Clone, Copy)]
pub(crate) struct Surface {
    codec: &'static dyn ChatProtocol,
}

impl Surface {
    /// The surface that speaks `protocol`; none where its codec is not built.
    pub(crate) fn of(protocol: Protocol) -> Option<Self> {
        llm_providers::protocols::chat(protocol).map(|codec| Self { codec })
    }

    pub(crate) fn codec(self) -> &'static dyn ChatProtocol {
        self.codec
    }

    pub(crate) fn protocol(self) -> Protocol {
        self.codec.protocol()
    }

    /// What routing and limits need to know of a request.
    pub(crate) fn skim(self, head: &RequestHead, body: &[u8]) -> Result<Skim> {
        match self.codec.passthrough() {
            Some(passthrough) => passthrough.skim(head, body),
            None => {
                let (request, cx) = self.codec.decode_request(head, body)?;
                Ok(skim_of(&request, &cx))
            }
        }
    }

    /// The provider as it is spoken to for this surface's callers: in their own protocol where it speaks that, else in
    /// its main one.
    pub(crate) fn spoken_by(self, provider: &Arc<Provider>) -> &Arc<Provider> {
        provider.speaking(self.protocol()).unwrap_or(provider)
    }

    /// The way for bytes that need no translation to `provider`'s dialect, if there is one for this body.
    pub(crate) fn passes(self, provider: &Provider, body: &[u8]) -> Option<&'static dyn Passthrough> {
        let row = provider.row();
        let quirks = &row.quirks;
        let touched = quirks.rename.keys().chain(&quirks.refuse).any(|name| names_member(body, name));
        // In another cloud, the URL, the body and the framing of streams are others.
        let same_dialect = row.protocol == self.protocol() && quirks.host == Host::Own;
        if same_dialect && !touched && quirks.members.is_empty() { self.codec.passthrough() } else { None }
    }

    /// An error in the caller's own envelope.
    pub(crate) fn error(self, error: &Error, request_id: Option<&str>) -> Response {
        let answer = self.codec.encode_error(error);
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        if error.kind() == llm_core::ErrorKind::QuotaExceeded {
            response.headers_mut().insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
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

/// Whether a body may say what a row's quirk is about: a member of that name, wherever it stands, or for a dotted quirk
/// (`response_format.json_schema`) its last word. Rather too often than not at all: such a body is translated, which
/// reads it properly.
fn names_member(body: &[u8], quirk: &str) -> bool {
    let (word, is_dotted) = quirk.rsplit_once('.').map_or((quirk, false), |(_, last)| (last, true));
    let quoted = format!("\"{word}\"");
    memchr::memmem::find_iter(body, quoted.as_bytes()).any(|at| {
        let rest = body.get(at + quoted.len()..).unwrap_or_default();
        is_dotted || rest.trim_ascii_start().starts_with(b":")
    })
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
