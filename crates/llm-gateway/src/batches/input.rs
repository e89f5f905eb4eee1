//! The calls of a batch: read, each as it would be by itself, and all for one place.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use llm_core::batch::{BatchBody, BatchCall, Batches};
use llm_core::file::Files;
use llm_core::{Error, ErrorKind, Protocol, Result};
use llm_providers::Provider;
use llm_providers::protocols::gemini::split_path;
use serde_json::{Map, Value};

use crate::call::{Arrival, Line, refuse_other_models};
use crate::errand::Visit;
use crate::record::CallId;
use crate::routing::Deployment;

/// The most calls of one batch; no provider takes more.
const MOST: usize = 100_000;

/// The calls of a batch that a file holds.
pub(crate) struct Input {
    /// Who answers them.
    pub(crate) deployment: Arc<Deployment>,
    /// The file with every model named as its provider knows it.
    pub(crate) lines: Bytes,
    /// By which name each of the models was asked for.
    pub(crate) models: BTreeMap<String, String>,
    /// The calls.
    pub(super) calls: Vec<Call>,
}

/// One call.
pub(super) struct Call {
    pub(super) custom_id: String,
    pub(super) endpoint: String,
    pub(super) line: Line,
    pub(super) deployment: Arc<Deployment>,
}

/// Who answers a file's calls, as its upload found, and by which name each model was asked for.
pub(crate) struct Known {
    pub(super) keeper: Arc<Deployment>,
    pub(super) models: BTreeMap<String, String>,
}

/// Makes sure that what calls name of a provider's stores is the key's own, and that the deployment that answers them
/// has it (law 13).
pub(super) async fn check_stored(visit: &Visit, calls: &[Call]) -> Result<()> {
    for call in calls {
        for stored in call.line.stored() {
            let found = visit.gateway.objects.find(visit.key.id.as_str(), &stored.id).await?;
            let is_there = found.is_some_and(|object| {
                object.provider == call.deployment.provider_id && object.account == call.deployment.account
            });
            if !is_there {
                let message = format!(
                    "call `{}`: nothing of the id `{}` was made with this key at `{}`",
                    call.custom_id, stored.id, call.deployment.provider_id
                );
                return Err(Error::new(ErrorKind::NotFound, message).with_param(stored.param));
            }
        }
    }
    Ok(())
}

/// Reads the calls in a file of OpenAI's lines: as the caller sent it, or as it was sent up to the deployment that
/// `known` names. Off the runtime's threads, for it may be long.
pub(crate) async fn read_input(visit: &Arc<Visit>, data: &Bytes, known: Option<Known>) -> Result<Input> {
    let (stored, visit, data) = (visit.clone(), visit.clone(), data.clone());
    let reading = tokio::task::spawn_blocking(move || read(&visit, &data, known.as_ref()));
    let input = reading.await.map_err(|_| Error::new(ErrorKind::Internal, "the file could not be read"))??;
    check_stored(&stored, &input.calls).await?;
    Ok(input)
}

fn read(visit: &Visit, data: &[u8], known: Option<&Known>) -> Result<Input> {
    let mut place = Place { keeper: known.map(|known| known.keeper.clone()) };
    let (mut calls, mut lines, mut models) = (Vec::new(), Vec::with_capacity(data.len()), BTreeMap::new());
    let mut seen = HashSet::new();
    for (number, text) in data.split(|byte| *byte == b'\n').enumerate() {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let read = || -> Result<Call> {
            let mut members = object(text)?;
            let mut call = call(visit, &mut members, known, &mut place)?;
            let asked = models.entry(call.deployment.model.clone()).or_insert_with(|| call.line.model().to_owned());
            if asked != call.line.model() {
                let message = format!("`{asked}` and `{}` are one model: name it by one of them", call.line.model());
                return Err(Error::invalid_request(message).with_param("model"));
            }
            lines.extend_from_slice(Value::Object(members).to_string().as_bytes());
            lines.push(b'\n');
            if !seen.insert(call.custom_id.clone()) {
                let message = format!("the `custom_id` `{}` stands there twice", call.custom_id);
                return Err(Error::invalid_request(message).with_param("custom_id"));
            }
            call.custom_id.shrink_to_fit();
            Ok(call)
        };
        let mut read = read;
        calls.push(read().map_err(|error| in_line(number + 1, &error))?);
        if calls.len() > MOST {
            return Err(Error::invalid_request(format!("a batch has at most {MOST} calls")));
        }
    }
    match place.keeper {
        Some(deployment) if !calls.is_empty() => Ok(Input { deployment, lines: lines.into(), models, calls }),
        _ => {
            Err(Error::invalid_request("the file holds no call: it must have a JSON object a line").with_param("file"))
        }
    }
}

fn object(text: &[u8]) -> Result<Map<String, Value>> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Error::invalid_request("it is no JSON object")),
        Err(error) => Err(Error::invalid_request(format!("it is not valid JSON: {error}"))),
    }
}

/// The same error, with the line that it is about.
fn in_line(number: usize, error: &Error) -> Error {
    let mut told = Error::new(error.kind(), format!("line {number}: {}", error.message()));
    if let Some(param) = error.param() {
        told = told.with_param(param);
    }
    match error.hint() {
        Some(hint) => told.with_hint(hint),
        None => told,
    }
}

fn call(visit: &Visit, members: &mut Map<String, Value>, known: Option<&Known>, place: &mut Place) -> Result<Call> {
    let text = |name: &'static str, members: &Map<String, Value>| match members.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Error::invalid_request(format!("`{name}` must be a text")).with_param(name)),
    };
    let (custom_id, endpoint) = (text("custom_id", members)?, text("url", members)?);
    if !text("method", members)?.eq_ignore_ascii_case("post") {
        return Err(Error::invalid_request("`method` must be `POST`").with_param("method"));
    }
    if split_path(&endpoint).is_ok() {
        let message =
            format!("no line of a file can go to `{endpoint}`: Google's models are asked in the request itself");
        return Err(Error::invalid_request(message).with_param("url"));
    }
    let Some(Value::Object(body)) = members.get_mut("body") else {
        return Err(Error::invalid_request("`body` must be an object").with_param("body"));
    };
    if let (Some(known), Some(model)) = (known, body.get_mut("model")) {
        let asked = model.as_str().and_then(|model| known.models.get(model));
        *model = Value::from(asked.map_or_else(|| model.as_str().unwrap_or_default().to_owned(), Clone::clone));
    }
    let bytes = Bytes::from(Value::Object(body.clone()).to_string());
    let line = line(visit, &endpoint, bytes)?;
    let takes_lines = |provider: &Arc<Provider>| provider.row().protocol == Protocol::OpenAiChat;
    let deployment = place.find(visit, &line, |Deployment { provider, .. }| {
        provider.having::<Files>(Protocol::OpenAiChat).is_ok_and(takes_lines)
            && provider.having::<Batches>(Protocol::OpenAiChat).is_ok_and(takes_lines)
    })?;
    body.insert("model".to_owned(), deployment.model.as_str().into());
    if !deployment.provider.row().other_models.is_empty() {
        let body = Value::Object(body.clone()).to_string();
        refuse_other_models(&deployment.provider, &HeaderMap::new(), body.as_bytes())?;
    }
    Ok(Call { custom_id, endpoint, line, deployment })
}

/// Reads calls that a request holds itself.
pub(super) fn read_calls(visit: &Visit, calls: Vec<BatchCall>) -> Result<Vec<Call>> {
    if calls.is_empty() || calls.len() > MOST {
        let message = format!("a batch has from 1 to {MOST} calls");
        return Err(Error::invalid_request(message).with_param("requests"));
    }
    let (mut place, mut seen) = (Place { keeper: None }, HashSet::new());
    let mut read = Vec::with_capacity(calls.len());
    for BatchCall { custom_id, call } in calls {
        if !seen.insert(custom_id.clone()) {
            let message = format!("two calls have the `custom_id` `{custom_id}`");
            return Err(Error::invalid_request(message).with_param("custom_id"));
        }
        let (endpoint, body) = match call {
            BatchBody::Raw { endpoint, body } => (endpoint, body.to_string()),
            BatchBody::Chat(request) => ("/api/v1/call/chat".to_owned(), json(&request)?),
            BatchBody::Embed(request) => ("/api/v1/call/embed".to_owned(), json(&request)?),
        };
        let named = |error: Error| {
            let message = format!("call `{custom_id}`: {}", error.message());
            let told = Error::new(error.kind(), message);
            error.param().map_or(told.clone(), |param| told.with_param(param))
        };
        let line = line(visit, &endpoint, body.into()).map_err(named)?;
        let has = |deployment: &Deployment| {
            let provider = deployment.provider.having::<Batches>(visit.protocol);
            // Google's callers find the results in the batch, where no other protocol has them.
            provider.is_ok_and(|provider| visit.protocol != Protocol::Gemini || speaks_google(provider))
        };
        let deployment = place.find(visit, &line, has).map_err(named)?;
        read.push(Call { custom_id, endpoint, line, deployment });
    }
    Ok(read)
}

fn json(request: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(request)
        .map_err(|error| Error::new(ErrorKind::Internal, "a request has no JSON form").with_source(error))
}

fn speaks_google(provider: &Provider) -> bool {
    provider.row().protocol == Protocol::Gemini
}

/// Reads one call. Each has an id of its own, by the time of the request that brought it.
fn line(visit: &Visit, endpoint: &str, body: Bytes) -> Result<Line> {
    let arrival = Arrival { id: CallId::new(visit.arrival.at), ..visit.arrival };
    Line::read(&visit.gateway, &visit.key, &visit.parts, endpoint, body, arrival)
}

/// Where the calls go: all of them to one provider, with one credential.
struct Place {
    keeper: Option<Arc<Deployment>>,
}

impl Place {
    /// The deployment there that serves a call.
    fn find(&mut self, visit: &Visit, line: &Line, has: impl Fn(&Deployment) -> bool) -> Result<Arc<Deployment>> {
        let Some(keeper) = &self.keeper else {
            let usable = line.usable(&visit.gateway);
            let found = usable.iter().find(|deployment| has(deployment));
            let found = found.cloned().ok_or_else(|| {
                let message = format!("no deployment of `{}` takes batches in this form", line.model());
                Error::new(ErrorKind::NotImplemented, message).with_param("model").with_hint(
                    "batches in a file of lines are OpenAI's and its relatives'; `/v1/messages/batches` reaches others",
                )
            })?;
            self.keeper = Some(found.clone());
            return Ok(found);
        };
        let same = |deployment: &&Arc<Deployment>| {
            deployment.provider_id == keeper.provider_id && deployment.account == keeper.account
        };
        line.usable(&visit.gateway).iter().find(same).cloned().ok_or_else(|| {
            let message = format!(
                "all calls of a batch go to one deployment: `{}` is not served by `{}`, which serves the first",
                line.model(),
                keeper.provider_id
            );
            Error::invalid_request(message).with_param("model")
        })
    }
}
