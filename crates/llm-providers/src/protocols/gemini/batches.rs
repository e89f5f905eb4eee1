//! `:batchGenerateContent` and `/batches`: calls in the request itself, results in the batch.
//!
//! A batch is an operation: what is known of it stands in `metadata`, its results, once it is done, in `response`. An
//! entry is `{metadata: {key}, response | error}`; where a batch was made from a file elsewhere, its results are lines of
//! `{key, response | error}` in another file. Source: Google's API reference.

mod asked;

use bytes::Bytes;
use http::Method;
use llm_core::batch::{
    Batch, BatchAsk, BatchCounts, BatchDraft, BatchError, BatchResult, BatchState, Batches, BatchesAnswer,
    BatchesRequest,
};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, Target, Unsupported};
use llm_core::{Error, ErrorKind, Native, Result};
use serde_json::{Map, Value, json};

use super::name::INPUT_CONFIG;
use super::{GeminiApi, ME, answer, error, files, path};
use crate::protocols::batches::{self, Lines};
use crate::protocols::speaks::speaks;
use crate::protocols::stored;

const BATCHES: &str = "batches";
/// The method of a model that makes a batch.
const MAKE: &str = "batchGenerateContent";
/// The member that holds the calls, and within it the one that lists them. What is kept of a batch to be made has an
/// object in the place of the list: what stood beside each call, by its key.
const REQUESTS: &str = "requests";
/// What is kept of a batch to be made: what stood beside it.
const OUTER: &str = "beside it";
/// The form of an answer to who stopped a batch: it says nothing.
const CANCELLED: &str = "cancelled";
const STATES: [(&str, BatchState); 7] = [
    ("UNSPECIFIED", BatchState::Validating),
    ("PENDING", BatchState::Validating),
    ("RUNNING", BatchState::InProgress),
    ("SUCCEEDED", BatchState::Completed),
    ("FAILED", BatchState::Failed),
    ("CANCELLED", BatchState::Cancelled),
    ("EXPIRED", BatchState::Expired),
];

fn encode_request(request: &BatchesRequest, target: &Target<'_>) -> Result<Encoded> {
    files::only_here(target, "batches")?;
    Unsupported::new(UnsupportedPolicy::Refuse, target.provider).foreign(&request.native, ME)?;
    Ok(match &request.ask {
        BatchAsk::Create(draft) => create(draft, target)?,
        BatchAsk::List(list) => files::page(BATCHES, list.limit, list.after.as_deref(), target),
        BatchAsk::Get(id) => files::ask(Method::GET, BATCHES, id, "", target),
        BatchAsk::Cancel(id) => files::ask(Method::POST, BATCHES, id, ":cancel", target),
        BatchAsk::Delete(id) => files::ask(Method::DELETE, BATCHES, id, "", target),
        BatchAsk::Results(of) => match of.strip_prefix("files/") {
            Some(file) => files::content(file, target),
            None => files::ask(Method::GET, BATCHES, of, "", target),
        },
    })
}

fn create(draft: &BatchDraft, target: &Target<'_>) -> Result<Encoded> {
    let mut batch = batches::of_calls(draft, ME, target)?;
    let mut outer = object(&mut batch, OUTER);
    let mut input = object(&mut batch, INPUT_CONFIG.camel);
    let mut listed = object(&mut input, REQUESTS);
    let beside = object(&mut listed, REQUESTS);
    let (mut model, mut requests) = (None, Vec::with_capacity(draft.calls.len()));
    for call in &draft.calls {
        let (endpoint, body) = batches::written(call)?;
        let (named, method) = path::split(endpoint)?;
        if method != "generateContent" {
            let message = format!("no call of a batch of `{}` can go to `{method}`", target.provider);
            return Err(Error::new(ErrorKind::NotImplemented, message));
        }
        let first = model.get_or_insert_with(|| named.clone());
        if *first != named {
            let message = format!("all calls of a batch go to one model, not to `{first}` and `{named}`");
            return Err(Error::invalid_request(message).with_param("model"));
        }
        requests.push(asked::written(&call.custom_id, body, beside.get(&call.custom_id)));
    }
    let model = model.ok_or_else(|| Error::invalid_request("a batch needs a call").with_param("calls"))?;
    batch.entry("displayName").or_insert_with(|| json!(format!("batch-{}", target.id_seed)));
    listed.insert(REQUESTS.to_owned(), requests.into());
    input.insert(REQUESTS.to_owned(), listed.into());
    batch.insert(INPUT_CONFIG.camel.to_owned(), input.into());
    outer.insert("batch".to_owned(), batch.into());
    let path = path::to(&Target { model: &model, ..*target }, MAKE)?;
    Ok(Encoded::post(path, Bytes::from(Value::Object(outer).to_string()), DecodeContext::new(target)))
}

/// Takes an object out of another; an empty one where there is none.
fn object(members: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match members.shift_remove(name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// Reads an operation, or what it tells of the batch by itself.
fn batch(members: Map<String, Value>) -> Option<Batch> {
    let within = members.get("metadata").and_then(Value::as_object);
    let looked = |name: &str| within.and_then(|within| within.get(name)).or_else(|| members.get(name));
    let name = looked("name").filter(|name| name.is_string()).or_else(|| members.get("name"))?.as_str()?;
    let id = name.strip_prefix("batches/").unwrap_or(name).to_owned();
    let has_failed = members.get("error").is_some_and(Value::is_object);
    let said = looked("state").and_then(Value::as_str).unwrap_or_default();
    let word = ["BATCH_STATE_", "JOB_STATE_"].iter().find_map(|prefix| said.strip_prefix(prefix)).unwrap_or(said);
    let known = STATES.iter().find(|(name, _)| *name == word).map(|(_, state)| state.clone());
    let state = match known {
        Some(state) => state,
        None if has_failed => BatchState::Failed,
        None if word.is_empty() => BatchState::Validating,
        None => BatchState::from(said),
    };
    // Numbers of 64 bits are texts in this protocol's JSON.
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let stats = looked("batchStats");
    let counted = |name: &str| stats.and_then(|stats| number(stats.get(name)?)).unwrap_or(0);
    let results = match output(&members) {
        Some(Output::File(file)) => vec![file.to_owned()],
        Some(Output::Entries(_)) => vec![id.clone()],
        None => Vec::new(),
    };
    Some(Batch {
        id,
        state,
        counts: BatchCounts {
            total: counted("requestCount"),
            completed: counted("successfulRequestCount"),
            failed: counted("failedRequestCount"),
        },
        input_file: None,
        results,
        native: Native::new(ME, members),
    })
}

/// Where the results of a batch stand.
enum Output<'a> {
    Entries(&'a [Value]),
    File(&'a str),
}

fn output(members: &Map<String, Value>) -> Option<Output<'_>> {
    let places = [
        members.get("response"),
        members.get("metadata").and_then(|within| within.get("output")),
        members.get("output"),
    ];
    places.into_iter().flatten().find_map(|place| {
        if let Some(file) = place.get("responsesFile").and_then(Value::as_str) {
            return Some(Output::File(file));
        }
        let inlined = place.get("inlinedResponses")?;
        let list = inlined.get("inlinedResponses").unwrap_or(inlined);
        list.as_array().map(|list| Output::Entries(list))
    })
}

/// Reads the result of one call.
fn entry(cx: &DecodeContext, members: &Map<String, Value>) -> Result<BatchResult> {
    let key = members.get("metadata").and_then(|within| within.get("key")).or_else(|| members.get("key"));
    let custom_id = key.and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut result = BatchResult { custom_id, ..BatchResult::default() };
    match members.get("response") {
        Some(response) => {
            result.answer(answer::decode(cx, response.to_string().as_bytes())?);
            result.body = Some(response.clone());
        }
        None => result.error = Some(BatchError(error::in_answer(cx, members))),
    }
    Ok(result)
}

/// Reads a line of a file of results.
fn line(cx: &DecodeContext, line: &[u8]) -> Result<BatchResult> {
    entry(cx, &batches::members_of(line)?)
}

fn decode_answer(cx: &DecodeContext, body: &[u8]) -> Result<BatchesAnswer> {
    let answer = BatchesAnswer { provider: cx.provider.clone(), ..BatchesAnswer::default() };
    let unreadable = || Error::bad_answer("the provider's answer is no batch").with_body(Bytes::copy_from_slice(body));
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else { return Err(unreadable()) };
    if cx.stream {
        let results = match output(&members) {
            Some(Output::Entries(entries)) => {
                let entries = entries.iter().filter_map(Value::as_object);
                entries.map(|members| entry(cx, members)).collect::<Result<_>>()?
            }
            _ => Vec::new(),
        };
        return Ok(BatchesAnswer { results, ..answer });
    }
    // What is stopped or deleted is answered with nothing.
    if members.is_empty() {
        return Ok(match cx.model.strip_prefix(files::GONE) {
            Some(id) => BatchesAnswer { deleted: Some(id.to_owned()), ..answer },
            None => {
                let members = Map::from_iter([("name".to_owned(), json!(format!("{BATCHES}/{}", cx.model)))]);
                let batch = batch(members).map(|batch| Batch { state: BatchState::Cancelling, ..batch });
                BatchesAnswer { batches: batch.into_iter().collect(), ..answer }
            }
        });
    }
    if let Some(Value::Array(list)) = members.get_mut("operations").map(Value::take) {
        let objects = list.into_iter().filter_map(|one| match one {
            Value::Object(members) => Some(members),
            _ => None,
        });
        let has_more = stored::text(&members, files::NEXT).is_some();
        members.shift_remove("operations");
        let native = Native::new(ME, members);
        return Ok(BatchesAnswer { batches: objects.filter_map(batch).collect(), has_more, native, ..answer });
    }
    let batch = batch(members).ok_or_else(unreadable)?;
    Ok(BatchesAnswer { batches: vec![batch], ..answer })
}

fn encode_answer(cx: &AnswerContext, answer: &BatchesAnswer) -> Bytes {
    if answer.deleted.is_some() || cx.form.as_deref() == Some(CANCELLED) {
        return Bytes::from_static(b"{}");
    }
    let written = |batch: &Batch| match batch.native.members(ME) {
        Some(members) => Value::Object(members.clone()),
        None => foreign(batch),
    };
    match answer.batches.as_slice() {
        [batch] if !stored::is_page(cx) => Bytes::from(written(batch).to_string()),
        batches => {
            let last = batches.last().map(|batch| batch.id.as_str());
            let items = batches.iter().map(written).collect();
            files::list("operations", &answer.native, items, last.filter(|_| answer.has_more))
        }
    }
}

/// A batch that came in another protocol.
fn foreign(batch: &Batch) -> Value {
    let word = STATES.iter().rev().find(|(_, state)| *state == batch.state).map_or("RUNNING", |(word, _)| word);
    json!({
        "name": format!("{BATCHES}/{}", batch.id),
        "metadata": {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "name": format!("{BATCHES}/{}", batch.id),
            "state": format!("BATCH_STATE_{word}"),
            "batchStats": {
                "requestCount": batch.counts.total.to_string(),
                "successfulRequestCount": batch.counts.completed.to_string(),
                "failedRequestCount": batch.counts.failed.to_string(),
            },
        },
        "done": batch.state.is_final(),
    })
}

speaks! {
    GeminiApi: Batches, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, _head, body) decode_answer(cx, body),
    decode_stream(cx) Lines { cx: cx.clone(), read: line },
    decode_request(head, body) asked::decode(head, body),
    encode_answer(cx, answer) Ok(encode_answer(cx, answer)),
}

#[cfg(test)]
mod tests;
