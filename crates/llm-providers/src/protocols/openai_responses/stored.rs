//! Requests about what a provider stores: responses and conversations. Their bodies and answers are the protocol's own
//! JSON, and pass as they are.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use llm_core::codec::{DecodeContext, Encoded, Stored, Target};
use llm_core::{Error, ErrorKind, Result};

use super::passthrough::named_in_items;

/// A request to `path` below the base URL, percent-encoded; `body` is JSON, or empty.
pub fn request(
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Bytes,
    target: &Target<'_>,
) -> Encoded {
    let mut headers = HeaderMap::new();
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Encoded { method, path, query, headers, body, context: DecodeContext::new(target), dropped: Vec::new() }
}

/// What the body of such a request names that a provider stores: in the items that a conversation is made of, or gets.
/// An error where a body that is not empty is no JSON object.
pub fn named(body: &[u8]) -> Result<Vec<Stored>> {
    if body.is_empty() { Ok(Vec::new()) } else { named_in_items(body) }
}

/// An error of such a request: a provider that does not know an id has no such thing, rather than no such model.
pub fn error(error: Error) -> Error {
    if error.kind() == ErrorKind::ModelNotFound { error.with_kind(ErrorKind::NotFound) } else { error }
}
