//! Files, as OpenAI, Anthropic and Mistral have them: forms up, JSON down, and the bytes themselves.

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::file::{FileAsk, FileContent, FileList, FileUpload, FilesAnswer, FilesRequest, StoredFile};
use llm_core::{Error, Native, Protocol, Result};
use serde_json::{Map, Value, json};

use super::body::answer_object;
use super::multipart::{self, Part};
use super::stored::{self, Store, Told};

/// The media type of bytes of which nothing is known.
const BYTES: &str = "application/octet-stream";

pub(super) fn encode_request(store: &Store, request: &FilesRequest, target: &Target<'_>) -> Result<Encoded> {
    Ok(match &request.ask {
        FileAsk::Upload(upload) => upload_form(store, upload, target)?,
        FileAsk::List(list) => {
            let mut encoded = store.page(list.limit, list.after.as_deref(), &list.native, target);
            encoded.query.extend(list.purpose.clone().map(|purpose| ("purpose".to_owned(), purpose)));
            encoded
        }
        FileAsk::Get(id) => store.ask(Method::GET, Some(id), "", target),
        FileAsk::Delete(id) => store.ask(Method::DELETE, Some(id), "", target),
        FileAsk::Content(id) => {
            let mut encoded = store.ask(Method::GET, Some(id), "/content", target);
            encoded.context.is_bytes = true;
            encoded
        }
    })
}

fn upload_form(store: &Store, upload: &FileUpload, target: &Target<'_>) -> Result<Encoded> {
    let kept = upload.native.members(store.protocol).into_iter().flatten();
    let purpose = upload.purpose.iter().map(|purpose| Part::text("purpose", purpose.as_str()));
    let mut parts: Vec<Part> = purpose.collect();
    parts.extend(kept.filter_map(|(name, value)| Some(Part::text(name.as_str(), value.as_str()?))));
    parts.push(Part {
        name: "file".to_owned(),
        filename: Some(upload.filename.clone()),
        content_type: Some(upload.content_type.clone().unwrap_or_else(|| BYTES.to_owned())),
        data: upload.data.clone(),
    });
    let (body, kind) = multipart::write(&parts, target.id_seed);
    let kind = HeaderValue::from_str(&kind).map_err(|_| Error::invalid_request("the form has no boundary"))?;
    let mut encoded = Encoded::post(store.path, body, DecodeContext::new(target));
    encoded.headers.insert(header::CONTENT_TYPE, kind);
    Ok(encoded)
}

/// Reads an answer; none where it is not what the protocol answers with.
pub(super) fn decode_answer(
    store: &Store,
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
) -> Option<FilesAnswer> {
    let answer = FilesAnswer { provider: cx.provider.clone(), ..FilesAnswer::default() };
    if cx.is_bytes {
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = kind.unwrap_or(BYTES).to_owned();
        let content = Some(FileContent { content_type, data: Bytes::copy_from_slice(body) });
        return Some(FilesAnswer { content, ..answer });
    }
    Some(match store.read(body)? {
        Told::One(members) if !members.contains_key("id") => return None,
        Told::One(members) => FilesAnswer { files: vec![file(store.protocol, members)], ..answer },
        Told::Page { items, has_more, rest } => {
            let files = items.into_iter().map(|members| file(store.protocol, members)).collect();
            FilesAnswer { files, has_more, native: rest, ..answer }
        }
        Told::Deleted { id, rest } => FilesAnswer { deleted: Some(id), native: rest, ..answer },
    })
}

fn file(protocol: Protocol, members: Map<String, Value>) -> StoredFile {
    let size = ["bytes", "size_bytes"].iter().find_map(|name| members.get(*name)?.as_u64());
    StoredFile {
        id: stored::text(&members, "id").unwrap_or_default(),
        filename: stored::text(&members, "filename"),
        bytes: size,
        purpose: stored::text(&members, "purpose"),
        native: Native::new(protocol, members),
    }
}

pub(super) fn decode_request(store: &Store, head: &RequestHead, body: &[u8]) -> Result<(FilesRequest, AnswerContext)> {
    let named = store.named(head);
    let ask = match (&head.method, named) {
        (&Method::POST, None) => FileAsk::Upload(read_form(store, head, body)?),
        (&Method::GET, None) => {
            let (limit, after, native) = store.asked(head)?;
            let mut fields = Fields::new(native.into_members());
            let purpose = fields.take_nonempty("purpose");
            FileAsk::List(FileList { limit, after, purpose, native: fields.into_native(store.protocol) })
        }
        (&Method::GET, Some((id, verb))) if verb == "content" => FileAsk::Content(id),
        (&Method::GET, Some((id, verb))) if verb.is_empty() => FileAsk::Get(id),
        (&Method::DELETE, Some((id, verb))) if verb.is_empty() => FileAsk::Delete(id),
        _ => return Err(stored::nothing(head)),
    };
    let form = matches!(ask, FileAsk::List(_)).then(|| stored::PAGE.to_owned());
    Ok((FilesRequest { model: String::new(), ask }, AnswerContext { form, ..AnswerContext::default() }))
}

fn read_form(store: &Store, head: &RequestHead, body: &[u8]) -> Result<FileUpload> {
    let (mut upload, mut rest, mut has_file) = (FileUpload::default(), Map::new(), false);
    for part in multipart::read(&head.headers, body)? {
        if part.name == "file" && !has_file {
            has_file = true;
            upload.filename = part.filename.unwrap_or_default();
            upload.content_type = part.content_type;
            upload.data = part.data;
            continue;
        }
        let Some(text) = part.as_text() else {
            let message = format!("the form's part `{}` is not text", part.name);
            return Err(Error::invalid_request(message).with_param(part.name));
        };
        rest.insert(part.name.clone(), Value::from(text));
    }
    let mut fields = Fields::new(rest);
    if !has_file {
        return Err(fields.missing("file"));
    }
    upload.purpose = fields.take_nonempty("purpose");
    upload.native = fields.into_native(store.protocol);
    Ok(upload)
}

/// Writes an answer; `foreign` writes a file that came in another protocol, and `gone` that one was deleted.
pub(super) fn encode_answer(
    store: &Store,
    cx: &AnswerContext,
    answer: &FilesAnswer,
    foreign: impl Fn(&StoredFile) -> Value,
    gone: impl Fn(&str) -> Value,
) -> Bytes {
    let written = |file: &StoredFile| match file.native.members(store.protocol) {
        Some(members) => Value::Object(members.clone()),
        None => foreign(file),
    };
    if let Some(content) = &answer.content {
        return content.data.clone();
    }
    if let Some(id) = &answer.deleted {
        return match answer.native.members(store.protocol) {
            Some(members) => Bytes::from(Value::Object(members.clone()).to_string()),
            None => Bytes::from(gone(id).to_string()),
        };
    }
    match answer.files.as_slice() {
        // What has no id was never a thing of its own.
        [file] if !stored::is_page(cx) && !file.id.is_empty() => Bytes::from(written(file).to_string()),
        files => page(store.protocol, &answer.native, answer.has_more, files.iter().map(written).collect()),
    }
}

/// A page of anything that has an `id`.
pub(super) fn page(protocol: Protocol, native: &Native, has_more: bool, items: Vec<Value>) -> Bytes {
    let mut object = answer_object(native, protocol);
    if protocol != Protocol::Anthropic {
        object.complete("object", || json!("list"));
    }
    let id = |item: Option<&Value>| item.and_then(|item| item.get("id")).cloned().unwrap_or(Value::Null);
    object.set("first_id", id(items.first()));
    object.set("last_id", id(items.last()));
    object.set("data", items);
    object.set("has_more", json!(has_more));
    object.bytes()
}
