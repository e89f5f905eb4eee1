//! What can be asked of batches, each of which belongs to the key that made it (law 13).

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Request;
use llm_core::batch::{Batch, BatchAsk, BatchList, Batches, BatchesAnswer, BatchesRequest};
use llm_core::file::StoredFile;
use llm_core::{Error, Native, OperationKind, Protocol, Result};
use llm_providers::Provider;
use llm_providers::protocols::Spoken;
use serde_json::{Value, json};

use super::make::make;
use super::results;
use super::settle::settle;
use super::watch::look;
use crate::Gateway;
use crate::errand::{self, Errand, Visit};
use crate::files::{self, keeper, own_page};
use crate::record::{Object, ObjectKind};

/// How many batches of a list are looked at together.
const TOGETHER: usize = 8;
/// The member of a file's detail that names the batch that it belongs to.
pub(super) const BATCH: &str = "batch";

/// Answers a request about batches of a caller who speaks `protocol`.
pub(crate) async fn answer(gateway: Arc<Gateway>, protocol: Protocol, request: Request<Body>) -> Response {
    errand::answer(gateway, OperationKind::Batches, protocol, request, |visit| async move { run(&visit).await }).await
}

async fn run(visit: &Arc<Visit>) -> Result<Response> {
    let codec = Batches::codec(visit.protocol).ok_or_else(|| errand::unspoken(visit.kind, visit.protocol))?;
    let (BatchesRequest { ask, native, .. }, cx) = codec.decode_request(&visit.head(), &visit.body)?;
    let one = |batch| BatchesAnswer { batches: vec![batch], ..BatchesAnswer::default() };
    let answer = match ask {
        BatchAsk::Create(draft) => one(make(visit, draft).await?),
        BatchAsk::List(list) => listed(visit, &list).await?,
        BatchAsk::Get(id) => one(told(visit, &id, BatchAsk::Get, native).await?),
        BatchAsk::Cancel(id) => one(told(visit, &id, BatchAsk::Cancel, native).await?),
        BatchAsk::Delete(id) => deleted(visit, &id).await?,
        BatchAsk::Results(of) => return results::answer(visit, codec, &cx, &of).await,
    };
    Ok(errand::json(codec.encode_answer(&cx, &answer)?))
}

pub(super) async fn owned(visit: &Visit, id: &str) -> Result<Arc<Object>> {
    visit.gateway.objects.owned(visit.key.id.as_str(), ObjectKind::Batch, "", id).await
}

/// Asks how a batch is doing, or for its end, and settles it where it has ended.
async fn told(visit: &Visit, id: &str, ask: impl Fn(String) -> BatchAsk, native: Native) -> Result<Batch> {
    let object = owned(visit, id).await?;
    let (deployment, provider) = keeper::<Batches>(visit, &object)?;
    let errand = visit.begin(Some(&object.provider), Some(&deployment.id)).await?;
    let mut request = BatchesRequest::new(provider.id(), ask(object.native_id().to_owned()));
    request.native = native;
    seen(visit, &object, &provider, errand, provider.call::<Batches>(&request, "").await).await
}

/// The batch with its results here: where a provider says where they are, the caller's key would go there.
fn here(mut batch: Batch) -> Batch {
    const URL: &str = "results_url";
    if batch.native.get(Protocol::Anthropic, URL).is_some_and(|url| !url.is_null()) {
        let url = format!("/v1/messages/batches/{}/results", batch.id);
        batch.native.insert(Protocol::Anthropic, URL, url.into());
    }
    batch
}

/// Records what an answer says of a batch, and settles it where it has ended.
async fn seen(
    visit: &Visit,
    object: &Object,
    provider: &Arc<Provider>,
    errand: Errand,
    answer: Result<BatchesAnswer>,
) -> Result<Batch> {
    let batch = answer.and_then(|answer| {
        answer.batches.into_iter().next().ok_or_else(|| Error::bad_answer("the provider's answer holds no batch"))
    });
    let batch = match batch {
        Ok(batch) => batch,
        Err(error) => return Err(errand.failed(error).await),
    };
    errand.done(files_of(visit, object, &batch).await?).await?;
    settle_now(&visit.gateway, object, provider, &batch).await;
    Ok(here(batch))
}

/// Settles a batch that has ended. What can't be settled now is tried again by the task that looks for results.
pub(super) async fn settle_now(gateway: &Gateway, object: &Object, provider: &Arc<Provider>, batch: &Batch) {
    let Some(open) = gateway.batches.of(&object.key, &object.id) else { return };
    if let Err(error) = settle(gateway, &open, provider, batch).await {
        tracing::warn!(batch = %open.object, %error, "a batch can't be settled yet; it is tried again");
    }
}

/// What there is once a batch is made: itself, and the files that belong to it.
pub(super) async fn made(visit: &Visit, object: Object, batch: &Batch) -> Result<Vec<Object>> {
    let mut objects = files_of(visit, &object, batch).await?;
    objects.push(object);
    Ok(objects)
}

/// The files of a batch that are not known yet: they are its maker's, too.
async fn files_of(visit: &Visit, object: &Object, batch: &Batch) -> Result<Vec<Object>> {
    let mut new = Vec::new();
    for id in batch.input_file.iter().chain(&batch.results).filter(|id| **id != batch.id) {
        if visit.gateway.objects.find(&object.key, id).await?.is_some() {
            continue;
        }
        let is_input = batch.input_file.as_ref() == Some(id);
        let purpose = if is_input { "batch" } else { "batch_output" };
        let file = StoredFile { id: id.clone(), purpose: Some(purpose.to_owned()), ..StoredFile::default() };
        let mut detail = files::detail(&file);
        if let Some(members) = detail.as_object_mut().filter(|_| !is_input) {
            members.insert(BATCH.to_owned(), json!(object.id));
        }
        let at = visit.arrival.at;
        let kind = ObjectKind::File;
        new.push(Object {
            id: id.as_str().into(),
            kind,
            native_id: None,
            made_at: at,
            gone_at: None,
            detail,
            ..object.clone()
        });
    }
    Ok(new)
}

/// Before the content of a file is given out that holds results, they are settled.
pub(crate) async fn seen_results(visit: &Visit, file: &Object) {
    let Some(batch) = file.detail.get(BATCH).and_then(Value::as_str) else { return };
    look_now(visit, file, batch).await;
}

/// Settles a batch now, if it has ended.
pub(super) async fn look_now(visit: &Visit, object: &Object, batch: &str) {
    let Some(open) = visit.gateway.batches.of(&object.key, batch) else { return };
    if let Err(error) = look(&visit.gateway, &open).await {
        tracing::warn!(batch, %error, "a batch can't be settled yet; it is tried again");
    }
}

async fn deleted(visit: &Visit, id: &str) -> Result<BatchesAnswer> {
    let object = owned(visit, id).await?;
    let (deployment, provider) = keeper::<Batches>(visit, &object)?;
    // Its results are seen before they are gone.
    look_now(visit, &object, &object.id).await;
    if let Some(open) = visit.gateway.batches.of(&object.key, &object.id) {
        let message = format!("the results of the batch `{}` are not seen yet", open.object);
        return Err(Error::new(llm_core::ErrorKind::Conflict, message).with_hint("cancel it, or try again later"));
    }
    let request = BatchesRequest::new(provider.id(), BatchAsk::Delete(object.native_id().to_owned()));
    let errand = visit.begin(Some(&object.provider), Some(&deployment.id)).await?;
    match provider.call::<Batches>(&request, "").await {
        Ok(answer) => {
            errand.done(vec![object.gone(visit.arrival.at)]).await?;
            Ok(BatchesAnswer { deleted: Some(id.to_owned()), ..answer })
        }
        Err(error) => Err(errand.failed(error).await),
    }
}

/// The key's own batches, each as its provider describes it now.
async fn listed(visit: &Visit, list: &BatchList) -> Result<BatchesAnswer> {
    const USUAL: u64 = 20;
    let errand = visit.begin(None, None).await?;
    let page = async {
        let limit = Some(list.limit.unwrap_or(USUAL));
        let page = own_page(visit, ObjectKind::Batch, limit, list.after.as_deref(), &list.native).await?;
        let has_more = page.has_more;
        let looks = page.data.into_iter().map(|object| async move {
            let (_, provider) = keeper::<Batches>(visit, &object)?;
            let request = BatchesRequest::new(provider.id(), BatchAsk::Get(object.native_id().to_owned()));
            let answer = provider.call::<Batches>(&request, "").await?;
            let batch = answer.batches.into_iter().next();
            let batch = batch.ok_or_else(|| Error::bad_answer("the provider's answer holds no batch"))?;
            let new = files_of(visit, &object, &batch).await?;
            Ok::<_, Error>((here(batch), new))
        });
        let seen: Vec<_> = stream::iter(looks).buffered(TOGETHER).try_collect().await?;
        Ok::<_, Error>((seen, has_more))
    };
    match page.await {
        Ok((seen, has_more)) => {
            let (batches, new): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
            errand.done(new.into_iter().flatten().collect()).await?;
            Ok(BatchesAnswer { batches, has_more, ..BatchesAnswer::default() })
        }
        Err(error) => Err(errand.failed(error).await),
    }
}
