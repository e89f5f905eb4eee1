//! `/files`: what Google keeps for two days, sent up with what is said of it in one body of two parts.
//!
//! Ids are those behind `files/`; requests name a file by its address. Source: Google's API reference.

mod asked;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, header};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, ResponseHead, Target, Unsupported};
use llm_core::file::{FileAsk, FileContent, FileUpload, Files, FilesAnswer, FilesRequest, StoredFile};
use llm_core::{Error, ErrorKind, Native, Result};
use serde_json::{Map, Value, json};

use super::{GeminiApi, ME, error, path};
use crate::protocols::body::answer_object;
use crate::protocols::path::segment;
use crate::protocols::speaks::speaks;
use crate::protocols::stored;

pub(super) use asked::{named, paged};

const FILES: &str = "files";
/// Where a page says that there are more, and how to ask for them.
pub(super) const NEXT: &str = "nextPageToken";
/// The form of an answer to who sent the file.
const UPLOADED: &str = "uploaded";
/// The media type of bytes of which nothing is known.
const BYTES: &str = "application/octet-stream";
pub(super) const UPLOAD: HeaderName = HeaderName::from_static("x-goog-upload-protocol");
/// What stands before the id, in the context of a request, where that is deleted: its answer says nothing.
pub(super) const GONE: &str = "gone:";

/// Vertex keeps its files and batches in buckets.
pub(super) fn only_here(target: &Target<'_>, what: &str) -> Result<()> {
    if !path::is_vertex(target) {
        return Ok(());
    }
    let message = format!("`{}` keeps no {what} of its own: they are in its cloud's storage", target.provider);
    Err(Error::new(ErrorKind::NotImplemented, message))
}

/// A request about one thing of a collection.
pub(super) fn ask(method: Method, collection: &str, id: &str, verb: &str, target: &Target<'_>) -> Encoded {
    let path = format!("{}/{collection}/{}{verb}", path::version(target), segment(id));
    // The answers to some of these name nothing.
    let model = if method == Method::DELETE { format!("{GONE}{id}") } else { id.to_owned() };
    let context = DecodeContext { model, ..DecodeContext::new(target) };
    let mut encoded = Encoded::post(path, Bytes::new(), context);
    encoded.method = method;
    encoded.headers.remove(header::CONTENT_TYPE);
    encoded
}

/// A page of a collection.
pub(super) fn page(collection: &str, limit: Option<u64>, after: Option<&str>, target: &Target<'_>) -> Encoded {
    let mut encoded =
        Encoded::post(format!("{}/{collection}", path::version(target)), Bytes::new(), DecodeContext::new(target));
    encoded.method = Method::GET;
    encoded.headers.remove(header::CONTENT_TYPE);
    encoded.query.extend(limit.map(|limit| ("pageSize".to_owned(), limit.to_string())));
    encoded.query.extend(after.map(|after| ("pageToken".to_owned(), after.to_owned())));
    encoded
}

/// The bytes of a file that a batch has written; those of others are not given out.
pub(super) fn content(id: &str, target: &Target<'_>) -> Encoded {
    let mut encoded = ask(Method::GET, FILES, id, ":download", target);
    encoded.path.insert_str(0, "/download");
    encoded.query.push(("alt".to_owned(), "media".to_owned()));
    encoded.context.is_bytes = true;
    encoded
}

fn encode_request(request: &FilesRequest, target: &Target<'_>) -> Result<Encoded> {
    only_here(target, FILES)?;
    Ok(match &request.ask {
        FileAsk::Upload(file) => upload(file, target)?,
        FileAsk::List(list) => page(FILES, list.limit, list.after.as_deref(), target),
        FileAsk::Get(id) => ask(Method::GET, FILES, id, "", target),
        FileAsk::Delete(id) => ask(Method::DELETE, FILES, id, "", target),
        FileAsk::Content(id) => content(id, target),
    })
}

/// What is said of the file, and its bytes, as `multipart/related` (RFC 2387).
fn upload(file: &FileUpload, target: &Target<'_>) -> Result<Encoded> {
    Unsupported::new(UnsupportedPolicy::Refuse, target.provider).foreign(&file.native, ME)?;
    let kind = file.content_type.as_deref().unwrap_or(BYTES);
    let mut said = file.native.object(ME);
    if !file.filename.is_empty() {
        said.insert("displayName".to_owned(), file.filename.as_str().into());
    }
    said.insert("mimeType".to_owned(), kind.into());
    let mut boundary = format!("llm-{}", target.id_seed);
    while memchr::memmem::find(&file.data, boundary.as_bytes()).is_some() {
        boundary.push('-');
    }
    let head = |kind: &str| format!("--{boundary}\r\nContent-Type: {kind}\r\n\r\n");
    let kind = HeaderValue::from_str(kind)
        .ok()
        .and_then(|kind| kind.to_str().ok().map(str::to_owned))
        .ok_or_else(|| Error::invalid_request("the file's media type can't be sent").with_param("content_type"))?;
    let mut body = BytesMut::with_capacity(file.data.len() + 512);
    body.put_slice(head("application/json; charset=utf-8").as_bytes());
    body.put_slice(json!({"file": said}).to_string().as_bytes());
    body.put_slice(format!("\r\n{}", head(&kind)).as_bytes());
    body.put_slice(&file.data);
    body.put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let path = format!("/upload{}/{FILES}", path::version(target));
    let mut encoded = Encoded::post(path, body.freeze(), DecodeContext::new(target));
    let related = HeaderValue::from_str(&format!("multipart/related; boundary={boundary}"))
        .map_err(|_| Error::new(ErrorKind::Internal, "the boundary of a body can't be sent"))?;
    encoded.headers.insert(header::CONTENT_TYPE, related);
    encoded.headers.insert(UPLOAD, HeaderValue::from_static("multipart"));
    Ok(encoded)
}

fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<FilesAnswer> {
    let answer = FilesAnswer { provider: cx.provider.clone(), ..FilesAnswer::default() };
    if cx.is_bytes {
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content =
            FileContent { content_type: kind.unwrap_or(BYTES).to_owned(), data: Bytes::copy_from_slice(body) };
        return Ok(FilesAnswer { content: Some(content), ..answer });
    }
    if let Some(id) = cx.model.strip_prefix(GONE) {
        return Ok(FilesAnswer { deleted: Some(id.to_owned()), ..answer });
    }
    let unreadable = || Error::bad_answer("the provider's answer is no file").with_body(Bytes::copy_from_slice(body));
    let members = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members,
        // An empty page has no members, and some hosts no body.
        _ => return Err(unreadable()),
    };
    if let Some(Value::Object(one)) = members.get("file") {
        return Ok(FilesAnswer { files: vec![file(one.clone()).ok_or_else(unreadable)?], ..answer });
    }
    if members.contains_key("name") {
        return Ok(FilesAnswer { files: vec![file(members).ok_or_else(unreadable)?], ..answer });
    }
    let listed = members.get(FILES).and_then(Value::as_array).cloned().unwrap_or_default();
    let files = listed.into_iter().filter_map(|one| match one {
        Value::Object(members) => file(members),
        _ => None,
    });
    let has_more = stored::text(&members, NEXT).is_some();
    Ok(FilesAnswer { files: files.collect(), has_more, native: rest(members), ..answer })
}

/// What a page says beside its files.
fn rest(mut members: Map<String, Value>) -> Native {
    members.shift_remove(FILES);
    Native::new(ME, members)
}

fn file(members: Map<String, Value>) -> Option<StoredFile> {
    let name = stored::text(&members, "name")?;
    let size = members.get("sizeBytes").and_then(|size| size.as_u64().or_else(|| size.as_str()?.parse().ok()));
    Some(StoredFile {
        id: name.strip_prefix("files/").unwrap_or(&name).to_owned(),
        filename: stored::text(&members, "displayName"),
        bytes: size,
        purpose: None,
        native: Native::new(ME, members),
    })
}

fn encode_answer(cx: &AnswerContext, answer: &FilesAnswer) -> Bytes {
    let written = |file: &StoredFile| match file.native.members(ME) {
        Some(members) => Value::Object(members.clone()),
        None => foreign(file),
    };
    if let Some(content) = &answer.content {
        return content.data.clone();
    }
    if answer.deleted.is_some() {
        return Bytes::from_static(b"{}");
    }
    match answer.files.as_slice() {
        [file] if cx.form.as_deref() == Some(UPLOADED) => Bytes::from(json!({"file": written(file)}).to_string()),
        [file] if !stored::is_page(cx) => Bytes::from(written(file).to_string()),
        files => {
            let last = files.last().map(|file| file.id.as_str());
            list(FILES, &answer.native, files.iter().map(written).collect(), last.filter(|_| answer.has_more))
        }
    }
}

/// A page of a collection on its way to a caller; `last` is the entry behind which the next one begins.
pub(super) fn list(collection: &str, native: &Native, items: Vec<Value>, last: Option<&str>) -> Bytes {
    let mut object = answer_object(native, ME);
    if !items.is_empty() {
        object.set(collection, items);
    }
    if let (Some(last), false) = (last, object.members.contains_key(NEXT)) {
        object.set(NEXT, last);
    }
    object.bytes()
}

/// A file that came in another protocol.
fn foreign(file: &StoredFile) -> Value {
    json!({
        "name": format!("{FILES}/{}", file.id),
        "displayName": file.filename,
        "mimeType": BYTES,
        "sizeBytes": file.bytes.map(|bytes| bytes.to_string()),
        "state": "ACTIVE",
    })
}

speaks! {
    GeminiApi: Files, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_request(head, body) asked::decode(head, body),
    encode_answer(cx, answer) Ok(encode_answer(cx, answer)),
}

#[cfg(test)]
mod tests;
