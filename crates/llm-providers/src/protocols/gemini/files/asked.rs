//! What callers ask of files.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use llm_core::codec::{AnswerContext, RequestHead};
use llm_core::fields::Fields;
use llm_core::file::{FileAsk, FileList, FileUpload, FilesRequest};
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::super::ME;
use super::super::name::{DISPLAY_NAME, MIME_TYPE};
use super::{FILES, UPLOAD, UPLOADED};
use crate::protocols::path::decoded;
use crate::protocols::{multipart, stored};

/// The most entries of a page that one can ask for; Google gives fewer, too, where more are asked for.
const MOST: u64 = 1000;

/// Understands a request about files.
pub(super) fn decode(head: &RequestHead, body: &[u8]) -> Result<(FilesRequest, AnswerContext)> {
    let mut model = String::new();
    let named = named(head, FILES);
    let (ask, form) = match (&head.method, named.as_ref().map(|(id, verb)| (id.clone(), *verb))) {
        (&Method::POST, None) if head.path.starts_with("/upload/") => {
            let (provider, file) = upload(&head.headers, body)?;
            if let Some(provider) = provider {
                model = format!("{provider}:");
            }
            (FileAsk::Upload(file), Some(UPLOADED))
        }
        (&Method::GET, None) => {
            let (limit, after, native) = paged(head)?;
            (FileAsk::List(FileList { limit, after, purpose: None, native }), Some(stored::PAGE))
        }
        (&Method::GET, Some((id, ""))) => (FileAsk::Get(id), None),
        (&Method::GET, Some((id, "download"))) => (FileAsk::Content(id), None),
        (&Method::DELETE, Some((id, ""))) => (FileAsk::Delete(id), None),
        _ => return Err(stored::nothing(head)),
    };
    Ok((FilesRequest { model, ask }, AnswerContext { form: form.map(str::to_owned), ..AnswerContext::default() }))
}

/// The id and the verb behind it in a caller's path; none where the collection itself is meant.
pub(in super::super) fn named<'a>(head: &'a RequestHead, collection: &str) -> Option<(String, &'a str)> {
    let rest = head.path.split_once(&format!("/{collection}/"))?.1;
    let (id, verb) = rest.split_once(':').unwrap_or((rest, ""));
    (!id.is_empty()).then(|| (decoded(id), verb))
}

/// What a caller's query asks of a page: the bound, where it begins, and whatever else is said.
pub(in super::super) fn paged(head: &RequestHead) -> Result<(Option<u64>, Option<String>, Native)> {
    let mut rest = Map::new();
    for (name, value) in form_urlencoded::parse(head.query.as_deref().unwrap_or_default().as_bytes()) {
        // The caller's key is no business of the provider's.
        if name != "key" {
            rest.insert(name.into_owned(), Value::from(value.into_owned()));
        }
    }
    let mut fields = Fields::new(rest);
    let limit = match fields.text("pageSize").map(str::parse::<u64>) {
        Some(Ok(limit)) => fields.take_text("pageSize").map(|_| limit),
        Some(Err(_)) => return Err(fields.wrong("pageSize", "a whole number that is not negative")),
        None => None,
    };
    let after = fields.take_nonempty("pageToken");
    // None at all stands for whatever is usual.
    Ok((limit.filter(|limit| *limit > 0).map(|limit| limit.min(MOST)), after, fields.into_native(ME)))
}

/// A file that comes in one body: with what is said of it in a part before it, or its bytes alone.
fn upload(headers: &HeaderMap, body: &[u8]) -> Result<(Option<String>, FileUpload)> {
    let text = |name: &http::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (protocol, kind) = (text(&UPLOAD), text(&header::CONTENT_TYPE));
    let is_related = kind.trim_start().to_ascii_lowercase().starts_with("multipart/related");
    if protocol.eq_ignore_ascii_case("multipart") || (protocol.is_empty() && is_related) {
        let mut parts = multipart::related(headers, body)?.into_iter();
        let (Some((_, said)), Some((kind, data)), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::invalid_request("an upload has two parts: what is said of the file, and the file"));
        };
        let (provider, mut file) = metadata(&said)?;
        file.content_type = file.content_type.or(kind);
        return Ok((provider, FileUpload { data, ..file }));
    }
    if protocol.is_empty() || protocol.eq_ignore_ascii_case("raw") {
        let kind = Some(kind).filter(|kind| !kind.is_empty()).map(str::to_owned);
        let data = Bytes::copy_from_slice(body);
        return Ok((None, FileUpload { content_type: kind, data, ..FileUpload::default() }));
    }
    let message = format!("`{protocol}` is no way to send a file: `resumable`, `multipart` and `raw` are");
    Err(Error::invalid_request(message).with_param(UPLOAD.as_str()))
}

/// What is said of a file, and who shall keep it, where the caller says so.
fn metadata(said: &[u8]) -> Result<(Option<String>, FileUpload)> {
    if said.trim_ascii().is_empty() {
        return Ok((None, FileUpload::default()));
    }
    let mut fields = Fields::parse(said)?;
    let provider = fields.want_text(super::super::uploads::PROVIDER)?;
    let mut upload = FileUpload::default();
    if let Some(mut file) = fields.want_object("file")? {
        upload.filename = DISPLAY_NAME.want(&mut file, Fields::want_text)?.unwrap_or_default();
        upload.content_type = MIME_TYPE.want(&mut file, Fields::want_text)?;
        let mut members = file.into_members();
        // Hints of how the two were spelled mean nothing to whom the file is sent on.
        members.retain(|_, value| !value.is_null());
        upload.native = Native::new(ME, members);
    }
    Ok((provider, upload))
}
