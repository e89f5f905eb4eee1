//! What callers ask of batches.
//!
//! The calls of a batch stand in its request. A caller may tell them apart by a key each; who does not, gets the answers
//! in order, and keys are given here. What else stands beside a call is kept under its key.

use std::collections::HashSet;

use http::Method;
use llm_core::batch::{BatchAsk, BatchBody, BatchCall, BatchDraft, BatchList, BatchesRequest};
use llm_core::codec::{AnswerContext, RequestHead};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Native, Result};
use serde_json::{Map, Value, json};

use super::super::name::{DISPLAY_NAME, FILE_NAME, INPUT_CONFIG};
use super::super::{ME, files, path};
use super::{BATCHES, CANCELLED, MAKE, OUTER, REQUESTS};
use crate::protocols::stored;

/// Understands a request about batches.
pub(super) fn decode(head: &RequestHead, body: &[u8]) -> Result<(BatchesRequest, AnswerContext)> {
    let named = files::named(head, BATCHES);
    let (ask, form) = match (&head.method, named.as_ref().map(|(id, verb)| (id.clone(), *verb))) {
        (&Method::POST, None) => (BatchAsk::Create(draft(head, body)?), None),
        (&Method::GET, None) => {
            let (limit, after, native) = files::paged(head)?;
            (BatchAsk::List(BatchList { limit, after, native }), Some(stored::PAGE))
        }
        (&Method::GET, Some((id, ""))) => (BatchAsk::Get(id), None),
        (&Method::POST, Some((id, "cancel"))) => (BatchAsk::Cancel(id), Some(CANCELLED)),
        (&Method::DELETE, Some((id, ""))) => (BatchAsk::Delete(id), None),
        _ => return Err(stored::nothing(head)),
    };
    let cx = AnswerContext { form: form.map(str::to_owned), ..AnswerContext::default() };
    Ok((BatchesRequest { model: String::new(), ask, native: Native::NONE }, cx))
}

/// A batch to be made of a model's calls.
fn draft(head: &RequestHead, body: &[u8]) -> Result<BatchDraft> {
    let (model, method) = path::split(&head.path)?;
    if method != MAKE {
        return Err(stored::nothing(head));
    }
    let endpoint = head.path.strip_suffix(MAKE).map(|place| format!("{place}generateContent"));
    let endpoint = endpoint.ok_or_else(|| stored::nothing(head))?;
    let mut outer = Fields::parse(body)?;
    let mut batch = outer.want_object("batch")?.ok_or_else(|| outer.missing("batch"))?;
    let config = INPUT_CONFIG.of(&batch);
    let mut input = batch.want_object(config)?.ok_or_else(|| batch.missing(config))?;
    if FILE_NAME.get(&input).is_some() {
        let param = input.path_of(FILE_NAME.of(&input));
        let message = "the calls of a batch can't be checked where they stand in a file at Google";
        let error = Error::new(ErrorKind::NotImplemented, format!("`{param}` is not served: {message}"));
        return Err(error.with_param(param).with_hint("send them in the request itself, as `requests`"));
    }
    let mut listed = input.want_object(REQUESTS)?.ok_or_else(|| input.missing(REQUESTS))?;
    let list = listed.want_list(REQUESTS)?.ok_or_else(|| listed.missing(REQUESTS))?;
    let mut items = Vec::with_capacity(list.len());
    for (place, item) in list.into_iter().enumerate() {
        items.push(call(Fields::at(format!("{}[{place}]", listed.path_of(REQUESTS)), item)?, &model)?);
    }
    let said: HashSet<String> = items.iter().filter_map(|item| item.key.clone()).collect();
    let (mut calls, mut beside) = (Vec::with_capacity(items.len()), Map::new());
    for (place, Item { key, request, rest }) in items.into_iter().enumerate() {
        let custom_id = key.unwrap_or_else(|| {
            let mut made = format!("request-{}", place + 1);
            while said.contains(&made) {
                made.push('-');
            }
            made
        });
        if !rest.is_empty() {
            beside.insert(custom_id.clone(), Value::Object(rest));
        }
        let call = BatchBody::Raw { endpoint: endpoint.clone(), body: request };
        calls.push(BatchCall { custom_id, call });
    }
    let name = DISPLAY_NAME.want(&mut batch, Fields::want_text)?;
    let mut kept = batch.into_members();
    // A null tells how the name was spelled, which does not matter.
    kept.retain(|member, value| member != DISPLAY_NAME.snake || !value.is_null());
    if let Some(name) = name {
        kept.insert(DISPLAY_NAME.camel.to_owned(), name.into());
    }
    let (mut input, mut listed) = (input.into_members(), listed.into_members());
    listed.insert(REQUESTS.to_owned(), beside.into());
    input.insert(REQUESTS.to_owned(), listed.into());
    kept.insert(INPUT_CONFIG.camel.to_owned(), input.into());
    let outer = outer.into_members();
    if !outer.is_empty() {
        kept.insert(OUTER.to_owned(), outer.into());
    }
    Ok(BatchDraft { calls, native: Native::new(ME, kept), ..BatchDraft::default() })
}

/// One call, and what stands beside it.
struct Item {
    key: Option<String>,
    request: Value,
    rest: Map<String, Value>,
}

fn call(mut item: Fields, model: &str) -> Result<Item> {
    let request = item.want_object("request")?.ok_or_else(|| item.missing("request"))?;
    if let Some(said) = request.get("model").filter(|said| !said.is_null())
        && !path::repeats(said.to_string().as_bytes(), model)
    {
        let param = request.path_of("model");
        let message = format!("`{param}`: all calls of a batch go to the model of its path, `{model}`");
        return Err(Error::invalid_request(message).with_param(param));
    }
    let mut key = None;
    if let Some(mut metadata) = item.want_object("metadata")? {
        key = metadata.want_text("key")?.filter(|key| !key.is_empty());
        let metadata = metadata.into_members();
        if !metadata.is_empty() {
            item.put("metadata", metadata.into());
        }
    }
    Ok(Item { key, request: Value::Object(request.into_members()), rest: item.into_members() })
}

/// A call as Google takes it, with what stood beside it.
pub(super) fn written(custom_id: &str, request: &Value, beside: Option<&Value>) -> Value {
    let mut item = beside.and_then(Value::as_object).cloned().unwrap_or_default();
    item.insert("request".to_owned(), request.clone());
    match item.entry("metadata").or_insert_with(|| json!({})) {
        Value::Object(metadata) => drop(metadata.insert("key".to_owned(), custom_id.into())),
        other => *other = json!({ "key": custom_id }),
    }
    Value::Object(item)
}
