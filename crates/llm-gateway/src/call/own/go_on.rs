//! A request that names a response of the gateway's own, or an item of one: what it stands for is put in its place.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use llm_core::stored::referred_item;
use llm_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::turn::{Turn, items};
use super::{Keep, Own};
use crate::Gateway;
use crate::call::asked::Asked;
use crate::record::{Object, ObjectKind};

const PREVIOUS: &str = "previous_response_id";
const INPUT: &str = "input";
/// The longest conversation that is put together, in turns.
const LONGEST: usize = 1_000;

/// What a request says of keeping its answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    store: Value,
}

/// The request as it is with everything in it that the gateway knows of what it goes on from.
pub(in super::super) async fn go_on(gateway: &Gateway, mut asked: Asked) -> Result<Asked> {
    let mut own = Own::default();
    let named = named(gateway, &asked).await?;
    if !named.is_empty() {
        own = put_together(gateway, &mut asked, &named).await?;
    }
    if gateway.config.responses.store {
        let wish: Wish = serde_json::from_slice(&asked.body).unwrap_or_default();
        let size = match &own.said {
            Some(said) => said.iter().map(|item| item.to_string().len()).sum(),
            None => asked.body.len(),
        };
        own.keep = match size as u64 > gateway.config.responses.max_size.0 {
            _ if wish.store == false => Keep::No,
            true => Keep::TooLarge,
            false => Keep::Yes,
        };
    }
    asked.own = (own.keep != Keep::No || own.previous.is_some()).then_some(own);
    Ok(asked)
}

/// What the request names that the gateway keeps.
async fn named(gateway: &Gateway, asked: &Asked) -> Result<HashMap<String, Arc<Object>>> {
    let mut named = HashMap::new();
    for stored in asked.skim.stored.iter().filter(|stored| [PREVIOUS, INPUT].contains(&stored.param)) {
        let found = gateway.objects.find(asked.key.id.as_str(), &stored.id).await?;
        if let Some(object) = found.filter(|object| object.kind.is_own()) {
            named.insert(stored.id.clone(), object);
        }
    }
    Ok(named)
}

/// Writes the request anew.
async fn put_together(gateway: &Gateway, asked: &mut Asked, named: &HashMap<String, Arc<Object>>) -> Result<Own> {
    let mut members: Map<String, Value> = serde_json::from_slice(&asked.body)
        .map_err(|error| Error::invalid_request(format!("the request body is not a JSON object: {error}")))?;
    let key = asked.key.id.as_str();
    let mut said = items(members.shift_remove(INPUT));
    for item in &mut said {
        if let Some(object) = referred_item(item).and_then(|id| named.get(id)) {
            *item = referred(gateway, key, object).await?;
        }
    }
    let previous = members.get(PREVIOUS).and_then(Value::as_str).and_then(|id| named.get(id)).cloned();
    let mut input = Vec::new();
    if let Some(object) = &previous {
        members.shift_remove(PREVIOUS);
        input = said_before(gateway, key, object.clone()).await?;
    }
    input.extend(said.iter().cloned());
    members.insert(INPUT.to_owned(), Value::Array(input));
    let body = serde_json::to_vec(&members)
        .map_err(|error| Error::new(ErrorKind::Internal, "the request can't be written").with_source(error))?;
    if body.len() > gateway.max_body {
        let message =
            format!("the conversation that `{PREVIOUS}` goes on from is larger than {} bytes", gateway.max_body);
        return Err(Error::new(ErrorKind::RequestTooLarge, message).with_param(PREVIOUS));
    }
    asked.body = Bytes::from(body);
    asked.skim = asked.surface.skim(&asked.head, &asked.body)?;
    Ok(Own { previous: previous.map(|object| object.id.to_string()), said: Some(said), keep: Keep::No })
}

/// The item that an `item_reference` stands for.
async fn referred(gateway: &Gateway, key: &str, item: &Object) -> Result<Value> {
    let gone = || {
        let message = format!("the response that the item `{}` belongs to is gone", item.id);
        Error::new(ErrorKind::NotFound, message).with_param(INPUT)
    };
    let of = item.detail.get("of").and_then(Value::as_str).ok_or_else(gone)?;
    let response = gateway.objects.find(key, of).await?.filter(|found| found.kind == ObjectKind::OwnResponse);
    let response = response.ok_or_else(gone)?;
    let turn = Turn::of(&response).map_err(|error| error.with_param(INPUT))?;
    let is_it = |one: &&Value| one.get("id").and_then(Value::as_str) == Some(&*item.id);
    turn.answered().iter().find(is_it).cloned().ok_or_else(gone)
}

/// Everything that was said and answered up to a response, in order.
async fn said_before(gateway: &Gateway, key: &str, last: Arc<Object>) -> Result<Vec<Value>> {
    let (mut turns, mut next) = (Vec::new(), Some(last));
    let mut size = 0;
    while let Some(object) = next {
        let mut turn = Turn::of(&object).map_err(|error| error.with_param(PREVIOUS))?;
        next = match turn.previous.take() {
            Some(id) => {
                let before = gateway.objects.find(key, &id).await?;
                let before = before.filter(|found| found.kind == ObjectKind::OwnResponse);
                let gone = || {
                    let message = format!("the response `{id}`, from which `{}` goes on, is gone", object.id);
                    Error::new(ErrorKind::NotFound, message).with_param(PREVIOUS)
                };
                Some(before.ok_or_else(gone)?)
            }
            None => None,
        };
        let items: Vec<Value> = turn.said.iter().chain(turn.answered()).cloned().collect();
        size += items.iter().map(|item| item.to_string().len()).sum::<usize>();
        turns.push(items);
        if turns.len() > LONGEST || size > gateway.max_body {
            let message = format!(
                "the conversation that `{PREVIOUS}` goes on from has more than {LONGEST} turns or {} bytes",
                gateway.max_body
            );
            return Err(Error::new(ErrorKind::RequestTooLarge, message).with_param(PREVIOUS));
        }
    }
    Ok(turns.into_iter().rev().flatten().collect())
}
