//! Sending a file up: who keeps it, and what becomes of the lines of a batch's input.

use std::collections::BTreeMap;
use std::sync::Arc;

use llm_core::file::{FileAsk, FileUpload, Files, FilesAnswer, FilesRequest};
use llm_core::{Error, ErrorKind, Protocol, Result};
use llm_providers::Provider;
use serde_json::{Value, json};

use super::objects;
use crate::batches::{self, Input};
use crate::errand::{Keeper, Visit};
use crate::record::Object;

/// The purpose of a file that holds the calls of a batch.
const BATCH: &str = "batch";
/// The member of a form that says who shall keep a file of which nothing else says it.
const PROVIDER: &str = "provider";
/// The member of an object's detail that says by which name each of the file's models was asked for.
const MODELS: &str = "models";

/// By which name each of the models in an input file was asked for; none where it is no such file.
pub(crate) fn models_of(object: &Object) -> Option<BTreeMap<String, String>> {
    serde_json::from_value(object.detail.get(MODELS)?.clone()).ok()
}

/// Sends `file` up to who shall keep it. `provider` is who the caller names, if anyone.
pub(super) async fn upload(visit: &Arc<Visit>, provider: &str, mut file: FileUpload) -> Result<FilesAnswer> {
    if file.purpose.as_deref() == Some(BATCH) && visit.protocol != Protocol::Anthropic {
        return upload_input(visit, file).await;
    }
    let named = match provider {
        "" => take_provider(visit.protocol, &mut file),
        provider => Some(provider.to_owned()),
    };
    let (keeper, provider) = chosen(visit, named.as_deref())?;
    send(visit, &provider, by_itself(&provider), keeper, file, None).await
}

/// A provider that keeps a file of which no model is named.
pub(super) fn by_itself(provider: &Provider) -> Keeper {
    let id: Arc<str> = provider.id().into();
    Keeper { provider: id.clone(), deployment: id, account: None }
}

/// Sends the input of a batch up to the deployment that its lines name, with the models named as that knows them.
async fn upload_input(visit: &Arc<Visit>, mut file: FileUpload) -> Result<FilesAnswer> {
    take_provider(visit.protocol, &mut file);
    let Input { deployment, lines, models, .. } = batches::read_input(visit, &file.data, None).await?;
    file.data = lines;
    let provider = deployment.provider.having::<Files>(Protocol::OpenAiChat)?.clone();
    send(visit, &provider, Keeper::of(&deployment), &deployment.id.clone(), file, Some(models)).await
}

async fn send(
    visit: &Visit,
    provider: &Arc<Provider>,
    at: Keeper,
    deployment: &str,
    file: FileUpload,
    models: Option<BTreeMap<String, String>>,
) -> Result<FilesAnswer> {
    let errand = visit.begin(Some(&at.provider), Some(deployment)).await?;
    let request = FilesRequest::new(provider.id(), FileAsk::Upload(file));
    let answer = match provider.call::<Files>(&request, "").await {
        Ok(answer) => answer,
        Err(error) => return Err(errand.failed(error).await),
    };
    let made = objects(visit, &answer, &at).map(|mut object| {
        if let (Some(models), Some(members)) = (&models, object.detail.as_object_mut()) {
            members.insert(MODELS.to_owned(), json!(models));
        }
        object
    });
    errand.done(made.collect()).await?;
    Ok(answer)
}

/// Takes the member that names a provider out of a form: providers don't know it.
fn take_provider(protocol: Protocol, file: &mut FileUpload) -> Option<String> {
    let mut members = file.native.object(protocol);
    let Some(Value::String(named)) = members.shift_remove(PROVIDER) else { return None };
    file.native = llm_core::Native::new(protocol, members);
    Some(named)
}

/// Who keeps a file that names no model: who the caller says, or the only one who could.
pub(super) fn chosen<'a>(visit: &'a Visit, named: Option<&str>) -> Result<(&'a str, Arc<Provider>)> {
    let routes = &visit.gateway.routes;
    let having = |provider: &Arc<Provider>| keeping(visit, provider).ok();
    let allowed = |provider: &&Arc<Provider>| routes.may_use(&visit.key, provider.id());
    if let Some(named) = named {
        let found = routes.providers().filter(allowed).find(|provider| provider.id() == named);
        let found = found.ok_or_else(|| {
            Error::invalid_request(format!("no provider `{named}` is configured for this key")).with_param(PROVIDER)
        })?;
        return Ok((found.id(), keeping(visit, found)?));
    }
    let all: Vec<_> =
        routes.providers().filter(allowed).filter_map(|provider| Some((provider.id(), having(provider)?))).collect();
    let same = |(_, provider): &&(&str, Arc<Provider>)| provider.row().protocol == visit.protocol;
    let own: Vec<_> = all.iter().filter(same).cloned().collect();
    match (own.as_slice(), all.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one.clone()),
        (_, []) => Err(Error::new(ErrorKind::NotImplemented, "no configured provider keeps files")),
        _ => {
            let ids: Vec<&str> = all.iter().map(|(id, _)| *id).collect();
            let message = format!("several providers keep files: `{}`", ids.join("`, `"));
            Err(Error::invalid_request(message)
                .with_param(PROVIDER)
                .with_hint("name one of them in the form's member `provider`"))
        }
    }
}

/// A provider as it keeps files of the visit's caller. What Google's callers say of a file means nothing elsewhere.
fn keeping(visit: &Visit, provider: &Arc<Provider>) -> Result<Arc<Provider>> {
    let found = provider.having::<Files>(visit.protocol)?;
    if visit.protocol == Protocol::Gemini && found.row().protocol != Protocol::Gemini {
        let message = format!("provider `{}` keeps no files as Google's SDKs send them", provider.id());
        return Err(Error::new(ErrorKind::NotImplemented, message));
    }
    Ok(found.clone())
}
