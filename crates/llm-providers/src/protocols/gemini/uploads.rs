//! Files that go up in pieces, as Google's SDKs send them.
//!
//! A first request says what will come and is answered with an address; the pieces go there, each with what it is in
//! headers, and the last one is answered with the file. The address is the secret that lets a piece in. Source: Google's
//! documentation of its Files API.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use llm_core::codec::{DecodeContext, Encoded, RequestHead, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::{Error, Result};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::files::{UPLOAD, only_here};
use super::path;

/// The member, beside the file's own, that says who shall keep it.
pub const PROVIDER: &str = "provider";
/// The member of the query that holds the secret of an address.
pub const ID: &str = "upload_id";
/// Where an answer says to which address the pieces go.
pub const ADDRESS: HeaderName = HeaderName::from_static("x-goog-upload-url");
/// Where an answer says how the upload is doing: `active`, `final` or `cancelled`.
pub const STATUS: HeaderName = HeaderName::from_static("x-goog-upload-status");

/// What a request says of the upload and of its piece.
const ASKED: [HeaderName; 6] = [
    UPLOAD,
    HeaderName::from_static("x-goog-upload-command"),
    HeaderName::from_static("x-goog-upload-offset"),
    HeaderName::from_static("x-goog-upload-header-content-length"),
    HeaderName::from_static("x-goog-upload-header-content-type"),
    HeaderName::from_static("x-goog-upload-file-name"),
];
/// What an answer says of it that is true of any address.
const TOLD: [HeaderName; 3] = [
    STATUS,
    HeaderName::from_static("x-goog-upload-size-received"),
    HeaderName::from_static("x-goog-upload-chunk-granularity"),
];

/// Whether a request begins an upload in pieces.
pub fn begins(head: &RequestHead) -> bool {
    let protocol = head.headers.get(UPLOAD).and_then(|value| value.to_str().ok());
    head.method == Method::POST && protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("resumable"))
}

/// The secret in the query of a piece; none where there is none.
pub fn secret(query: Option<&str>) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(name, value)| name == ID && !value.is_empty()).map(|(_, value)| value.into_owned())
}

/// Who shall keep the file, where the caller says so, and the body without that.
pub fn addressee(body: &Bytes) -> Result<(Option<String>, Bytes)> {
    if body.trim_ascii().is_empty() {
        return Ok((None, body.clone()));
    }
    let mut fields = Fields::parse(body)?;
    let Some(provider) = fields.want_text(PROVIDER)? else { return Ok((None, body.clone())) };
    Ok((Some(provider), Bytes::from(Value::Object(fields.into_members()).to_string())))
}

/// The request that begins an upload at `target`.
pub fn begin(head: &RequestHead, body: Bytes, target: &Target<'_>) -> Result<Encoded> {
    only_here(target, "files")?;
    Ok(sent(head, format!("/upload{}/files", path::version(target)), body, target))
}

/// The address in the answer to it: path and query, for it is at the provider's own host that the upload goes on.
pub fn address(head: &ResponseHead) -> Result<String> {
    let said = head.headers.get(ADDRESS).and_then(|value| value.to_str().ok());
    let url = said.and_then(|said| Url::parse(said).ok());
    let url = url.ok_or_else(|| Error::bad_answer("the provider gave no address for the pieces of the file"))?;
    Ok(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
}

/// A piece on its way to the address that the provider gave.
pub fn piece(head: &RequestHead, address: &str, body: Bytes, target: &Target<'_>) -> Encoded {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut encoded = sent(head, path.to_owned(), body, target);
    encoded.query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    encoded
}

fn sent(head: &RequestHead, path: String, body: Bytes, target: &Target<'_>) -> Encoded {
    let mut encoded = Encoded::post(path, body, DecodeContext::new(target));
    encoded.headers.remove(header::CONTENT_TYPE);
    copy(&head.headers, ASKED.into_iter().chain([header::CONTENT_TYPE]), &mut encoded.headers);
    encoded
}

/// What an answer says of the upload, for the caller.
pub fn told(head: &ResponseHead, headers: &mut HeaderMap) {
    copy(&head.headers, TOLD.into_iter(), headers);
}

/// Whether an answer says that nothing more will come.
pub fn is_over(head: &ResponseHead) -> bool {
    head.headers.get(STATUS).is_some_and(|status| status != HeaderValue::from_static("active"))
}

fn copy(from: &HeaderMap, names: impl Iterator<Item = HeaderName>, to: &mut HeaderMap) {
    for name in names {
        if let Some(value) = from.get(&name) {
            to.insert(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests;
