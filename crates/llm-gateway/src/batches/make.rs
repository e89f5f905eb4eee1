//! Making a batch: what its calls may cost is held and written down, then the provider is asked.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use http::HeaderMap;
use llm_core::batch::{Batch, BatchBody, BatchCall, BatchDraft, Batches};
use llm_core::file::Files;
use llm_core::{Error, ErrorKind, Protocol, Result};
use llm_providers::Provider;

use super::answer::made;
use super::input::{Call, Known, check_stored, read_calls, read_input};
use super::open::{OpenBatch, close};
use super::rows::{self, Prices, Saved};
use super::{Input, price};
use crate::Gateway;
use crate::call::{HeldLine, refuse_other_models};
use crate::errand::{Keeper, Visit};
use crate::files;
use crate::record::{CallId, CallRecord, ObjectKind};
use crate::routing::Deployment;

/// How many calls of a batch are held together.
const TOGETHER: usize = 32;

/// Makes a batch of what a caller sent.
pub(super) async fn make(visit: &Arc<Visit>, draft: BatchDraft) -> Result<Batch> {
    match draft.input_file.clone() {
        Some(file) => of_file(visit, &file, draft).await,
        None => of_calls(visit, draft).await,
    }
}

/// From a file that was sent up before. It is read back, so that what is held is what it holds.
async fn of_file(visit: &Arc<Visit>, file: &str, mut draft: BatchDraft) -> Result<Batch> {
    const PARAM: &str = "input_file_id";
    let object = visit.gateway.objects.owned(visit.key.id.as_str(), ObjectKind::File, PARAM, file).await?;
    let Some(models) = files::models_of(&object) else {
        let message = format!("the file `{file}` was not sent up with the purpose `batch`");
        return Err(Error::invalid_request(message).with_param(PARAM));
    };
    let keeper = visit.gateway.routes.keeper(&object)?;
    let provider = keeper.provider.having::<Batches>(Protocol::OpenAiChat)?.clone();
    let content = files::read(visit, &object).await?;
    let known = Known { keeper: keeper.clone(), models };
    let Input { calls, .. } = read_input(visit, &content.data, Some(known)).await?;
    if let Some(call) = calls.iter().find(|call| draft.endpoint.as_ref().is_some_and(|said| *said != call.endpoint)) {
        let message =
            format!("call `{}` goes to `{}`, and not to the batch's `endpoint`", call.custom_id, call.endpoint);
        return Err(Error::invalid_request(message).with_param("endpoint"));
    }
    draft.input_file = Some(object.native_id().to_owned());
    held(visit, &keeper, &provider, &calls, draft).await
}

/// From calls that the request holds itself.
async fn of_calls(visit: &Arc<Visit>, mut draft: BatchDraft) -> Result<Batch> {
    let (reader, listed) = (visit.clone(), std::mem::take(&mut draft.calls));
    let reading = tokio::task::spawn_blocking(move || read_calls(&reader, listed));
    let calls = reading.await.map_err(|_| Error::new(ErrorKind::Internal, "the calls could not be read"))??;
    check_stored(visit, &calls).await?;
    let Some(first) = calls.first() else { return Err(Error::invalid_request("a batch needs a call")) };
    let keeper = first.deployment.clone();
    let provider = keeper.provider.having::<Batches>(visit.protocol)?.clone();
    if provider.row().protocol == Protocol::OpenAiChat {
        // Its calls go up in a file.
        provider.codec::<Files>()?;
    }
    let same = Some(&*provider).filter(|provider| provider.row().protocol == visit.protocol);
    let written = calls.iter().map(|call| {
        let body = call.line.written(&call.endpoint, &call.deployment, same)?;
        Ok(BatchCall { custom_id: call.custom_id.clone(), call: body })
    });
    draft.calls = written.collect::<Result<_>>()?;
    held(visit, &keeper, &provider, &calls, draft).await
}

async fn held(
    visit: &Arc<Visit>,
    keeper: &Arc<Deployment>,
    provider: &Arc<Provider>,
    calls: &[Call],
    draft: BatchDraft,
) -> Result<Batch> {
    let gateway = &visit.gateway;
    // What is wrong with the calls is found before anything is held.
    let draft = provider.write_calls(&keeper.provider_id, draft)?;
    for BatchCall { custom_id, call } in &draft.calls {
        if let BatchBody::Raw { body, .. } = call {
            refuse_other_models(provider, &HeaderMap::new(), body.to_string().as_bytes())
                .map_err(|error| Error::new(error.kind(), format!("call `{custom_id}`: {}", error.message())))?;
        }
    }
    for call in calls {
        call.line.recall(&visit.gateway).await;
    }
    let (lines, prices) = hold_all(visit, calls).await?;
    let saved = Saved {
        id: CallId::new(visit.arrival.at).to_string(),
        key: visit.key.id.as_str().to_owned(),
        object: None,
        prices,
    };
    let opened = lines.iter().map(|(custom_id, line)| (custom_id.as_str(), &line.open));
    if let Err(error) = rows::add(&gateway.db, gateway.journal.id(), &saved, opened).await {
        release(lines);
        return Err(error);
    }
    let asked = async {
        let errand = visit.begin(Some(&keeper.provider_id), Some(&keeper.id)).await?;
        match provider.make_batch(&keeper.provider_id, draft).await {
            Ok(batch) => Ok((errand, batch)),
            Err(error) => Err(errand.failed(error).await),
        }
    };
    let (errand, batch) = match asked.await {
        Ok(made) => made,
        Err(error) => {
            match error.is_in_doubt() {
                true => charge(gateway, lines),
                false => release(lines),
            }
            rows::remove(&gateway.db, &saved.id).await?;
            return Err(error);
        }
    };
    // From here on the batch runs: whatever goes wrong, its results are waited for, and its calls settled.
    if let Err(error) = rows::made(&gateway.db, &saved.id, &batch.id).await {
        tracing::error!(batch = %batch.id, %error, "a restart would not know this batch, and charge it as it was held");
    }
    let object = visit.object(ObjectKind::Batch, &batch.id, &Keeper::of(keeper));
    let objects = made(visit, object.clone(), &batch).await.unwrap_or_else(|error| {
        tracing::warn!(batch = %batch.id, %error, "the files of a batch are not known yet");
        vec![object]
    });
    let recorded = errand.done(objects).await;
    // Not before it is known whose it is: one that is looked at, and is nobody's, is given up.
    let held: HashMap<_, _> = lines.into_iter().map(|(custom_id, line)| (custom_id, line.reservation)).collect();
    gateway.batches.insert(OpenBatch::new(saved, &batch.id, held));
    recorded?;
    Ok(batch)
}

type Held = Vec<(String, HeldLine)>;

/// Takes what all calls may cost from every limit that applies, or nothing. Some ask at a time: where limits are shared,
/// each waits for a word of others.
async fn hold_all(visit: &Visit, calls: &[Call]) -> Result<(Held, Prices)> {
    let (mut held, mut prices) = (Held::with_capacity(calls.len()), Prices::new());
    for some in calls.chunks(TOGETHER) {
        let asked = some.iter().map(|call| {
            let price = prices.entry(call.deployment.id.to_string()).or_insert_with(|| price::of(&call.deployment));
            let price = price.clone();
            async move { (call, call.line.hold(&visit.gateway, &call.deployment, &price).await) }
        });
        let mut refused = None;
        for (call, word) in join_all(asked.collect::<Vec<_>>()).await {
            match word {
                Ok(line) => held.push((call.custom_id.clone(), line)),
                Err(error) => refused = refused.or(Some((call, error))),
            }
        }
        if let Some((call, error)) = refused {
            release(held);
            let told = Error::new(error.kind(), format!("call `{}`: {}", call.custom_id, error.message()));
            let told = error.retry_after().map_or(told.clone(), |wait| told.with_retry_after(wait));
            return Err(visit.refused(told));
        }
    }
    Ok((held, prices))
}

/// Nothing was made of the calls.
fn release(lines: Held) {
    lines.into_iter().for_each(|(_, line)| line.reservation.cancel());
}

/// Nobody knows whether anything was made of the calls: they cost what they hold, as after a crash.
fn charge(gateway: &Gateway, lines: Held) {
    for (_, line) in lines {
        drop(line.reservation);
        close(&gateway.journal, CallRecord::interrupted(line.open));
    }
}
