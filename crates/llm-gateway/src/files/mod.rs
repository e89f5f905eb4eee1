//! Files that providers keep: up, down, listed, looked at, deleted. Each belongs to the key that sent it (law 13).

mod pieces;
mod upload;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::TryStreamExt;
use http::{HeaderValue, Request, header};
use llm_core::codec::Speaks;
use llm_core::file::{FileAsk, FileContent, FileList, Files, FilesAnswer, FilesRequest, StoredFile};
use llm_core::{Error, Native, OperationKind, Protocol, Result};
use llm_providers::Provider;
use llm_providers::protocols::Spoken;
use llm_providers::protocols::gemini::uploads;
use serde_json::Value;

use crate::Gateway;
use crate::batches;
use crate::errand::{self, Keeper, Visit};
use crate::record::{Object, ObjectKind};
use crate::routing::Deployment;
use crate::store::Order;

pub(crate) use pieces::go_on;
pub(crate) use upload::models_of;

/// Entries of a page where the caller names no number.
const USUAL: u64 = 100;
/// The most entries of a page.
const MOST: u64 = 1000;
/// The member of an object's detail that holds the file as its provider described it.
const SHOWN: &str = "file";

/// Answers a request about files of a caller who speaks `protocol`.
pub(crate) async fn answer(gateway: Arc<Gateway>, protocol: Protocol, request: Request<Body>) -> Response {
    errand::answer(gateway, OperationKind::Files, protocol, request, |visit| async move { run(&visit).await }).await
}

async fn run(visit: &Arc<Visit>) -> Result<Response> {
    if visit.protocol == Protocol::Gemini && uploads::begins(&visit.head()) {
        return pieces::begin(visit).await;
    }
    let codec = Files::codec(visit.protocol).ok_or_else(|| errand::unspoken(visit.kind, visit.protocol))?;
    let (FilesRequest { model, ask }, cx) = codec.decode_request(&visit.head(), &visit.body)?;
    let answer = match ask {
        FileAsk::Upload(file) => upload::upload(visit, model.trim_end_matches(':'), file).await?,
        FileAsk::List(list) => listed(visit, &list).await?,
        FileAsk::Get(id) => {
            let object = owned(visit, &id).await?;
            told(visit, &object, FileAsk::Get(object.native_id().to_owned())).await?
        }
        FileAsk::Delete(id) => deleted(visit, &id).await?,
        FileAsk::Content(id) => return content(visit, codec, &id).await,
    };
    Ok(errand::json(codec.encode_answer(&cx, &answer)?))
}

/// What is recorded of the files that an answer tells of.
fn objects<'a>(visit: &'a Visit, answer: &'a FilesAnswer, at: &'a Keeper) -> impl Iterator<Item = Object> + 'a {
    answer.files.iter().map(move |file| Object { detail: detail(file), ..visit.object(ObjectKind::File, &file.id, at) })
}

async fn owned(visit: &Visit, id: &str) -> Result<Arc<Object>> {
    visit.gateway.objects.owned(visit.key.id.as_str(), ObjectKind::File, "", id).await
}

/// The provider that keeps a thing, as it is spoken to by callers of `protocol` for an operation.
pub(crate) fn keeper<O: Spoken>(visit: &Visit, object: &Object) -> Result<(Arc<Deployment>, Arc<Provider>)> {
    let deployment = visit.gateway.routes.keeper(object)?;
    let provider = deployment.provider.having::<O>(visit.protocol)?.clone();
    Ok((deployment, provider))
}

/// Asks the keeper of a file for what concerns this file alone.
async fn told(visit: &Visit, object: &Object, ask: FileAsk) -> Result<FilesAnswer> {
    let (deployment, provider) = keeper::<Files>(visit, object)?;
    let errand = visit.begin(Some(&object.provider), Some(&deployment.id)).await?;
    match provider.call::<Files>(&FilesRequest::new(provider.id(), ask), "").await {
        Ok(answer) => errand.done(Vec::new()).await.map(|()| answer),
        Err(error) => Err(errand.failed(error).await),
    }
}

async fn deleted(visit: &Visit, id: &str) -> Result<FilesAnswer> {
    let object = owned(visit, id).await?;
    let (deployment, provider) = keeper::<Files>(visit, &object)?;
    let errand = visit.begin(Some(&object.provider), Some(&deployment.id)).await?;
    let ask = FileAsk::Delete(object.native_id().to_owned());
    match provider.call::<Files>(&FilesRequest::new(provider.id(), ask), "").await {
        Ok(answer) => {
            errand.done(vec![object.gone(visit.arrival.at)]).await?;
            Ok(FilesAnswer { deleted: Some(id.to_owned()), ..answer })
        }
        Err(error) => Err(errand.failed(error).await),
    }
}

/// The bytes as they come from the provider; in the native protocol, whole.
async fn content(visit: &Visit, codec: &dyn Speaks<Files>, id: &str) -> Result<Response> {
    let object = owned(visit, id).await?;
    batches::seen_results(visit, &object).await;
    let (deployment, provider) = keeper::<Files>(visit, &object)?;
    let errand = visit.begin(Some(&object.provider), Some(&deployment.id)).await?;
    let request = FilesRequest::new(provider.id(), FileAsk::Content(object.native_id().to_owned()));
    if visit.protocol == Protocol::Native {
        return match provider.call::<Files>(&request, "").await {
            Ok(answer) => {
                errand.done(Vec::new()).await?;
                Ok(errand::json(codec.encode_answer(&llm_core::codec::AnswerContext::default(), &answer)?))
            }
            Err(error) => Err(errand.failed(error).await),
        };
    }
    match provider.open::<Files>(&request, "").await {
        Ok(opened) => {
            errand.done(Vec::new()).await?;
            let kind = opened.head.headers.get(header::CONTENT_TYPE).cloned();
            let mut body = opened.body;
            let pieces = futures_util::stream::poll_fn(move |cx| body.poll_next(cx));
            let mut response = Response::new(Body::from_stream(pieces.map_err(std::io::Error::other)));
            let bytes = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, kind.unwrap_or(bytes));
            Ok(response)
        }
        Err(error) => Err(errand.failed(error).await),
    }
}

/// The key's own files. What a provider said of each when it was made is what is shown: no provider lists them.
async fn listed(visit: &Visit, list: &FileList) -> Result<FilesAnswer> {
    let errand = visit.begin(None, None).await?;
    let page = match own_page(visit, ObjectKind::File, list.limit, list.after.as_deref(), &list.native).await {
        Ok(page) => page,
        Err(error) => return Err(errand.failed(error).await),
    };
    errand.done(Vec::new()).await?;
    let wanted = |file: &StoredFile| list.purpose.is_none() || list.purpose == file.purpose;
    let files = page.data.iter().map(|object| shown(object)).filter(wanted).collect();
    Ok(FilesAnswer { files, has_more: page.has_more, ..FilesAnswer::default() })
}

/// A page of what the key has of a kind.
pub(crate) async fn own_page(
    visit: &Visit,
    kind: ObjectKind,
    limit: Option<u64>,
    after: Option<&str>,
    more: &Native,
) -> Result<crate::store::ObjectPage> {
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Error::invalid_request(format!("`limit` must be from 1 to {MOST}")).with_param("limit"));
    }
    let order = match more.get(visit.protocol, "order").and_then(Value::as_str) {
        Some("asc") => Order::Ascending,
        _ => Order::Descending,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    visit.gateway.objects.list(visit.key.id.as_str(), kind, after, limit, order).await
}

/// The file as it was described when it was made.
fn shown(object: &Object) -> StoredFile {
    let known = object.detail.get(SHOWN).and_then(|file| serde_json::from_value::<StoredFile>(file.clone()).ok());
    StoredFile { id: object.id.to_string(), ..known.unwrap_or_default() }
}

/// What is remembered of a file.
pub(crate) fn detail(file: &StoredFile) -> Value {
    serde_json::json!({ SHOWN: file })
}

/// The bytes of a file that `object` names, whole.
pub(crate) async fn read(visit: &Visit, object: &Object) -> Result<FileContent> {
    let (_, provider) = keeper::<Files>(visit, object)?;
    let request = FilesRequest::new(provider.id(), FileAsk::Content(object.native_id().to_owned()));
    let answer = provider.call::<Files>(&request, "").await?;
    answer.content.ok_or_else(|| Error::bad_answer("the provider did not give the file's content"))
}
