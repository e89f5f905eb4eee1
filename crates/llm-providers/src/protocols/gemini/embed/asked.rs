//! What a caller asks to be embedded.
//!
//! A request of several holds the settings once for each input. What they have in common is understood; what differs,
//! and what only Google knows, is kept by name, a list of a value for each input, so that another protocol can refuse it
//! by that name. The empty shape of every input stays behind and tells how it was spelled.

use std::collections::BTreeSet;

use llm_core::chat::{Content, Part};
use llm_core::codec::{AnswerContext, RequestHead};
use llm_core::embedding::{EmbedInput, EmbedRequest, Purpose};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Native, Result};
use serde_json::{Map, Value, json};

use super::super::name::{Name, OUTPUT_DIMENSIONALITY, TASK_TYPE};
use super::super::part::{self, Ids};
use super::super::{ME, path};
use super::form::Form;

/// Google's words for what vectors are for, where we have our own.
pub(super) const TASKS: [(&str, Purpose); 4] = [
    ("RETRIEVAL_QUERY", Purpose::Query),
    ("RETRIEVAL_DOCUMENT", Purpose::Document),
    ("CLASSIFICATION", Purpose::Classification),
    ("CLUSTERING", Purpose::Clustering),
];

/// Understands a request of the form that the path names.
pub(super) fn decode(head: &RequestHead, body: &[u8]) -> Result<(EmbedRequest, AnswerContext)> {
    let (model, method) = path::split(&head.path)?;
    let form = Form::of_method(method)
        .ok_or_else(|| Error::new(ErrorKind::NotImplemented, format!("`{method}` embeds nothing")))?;
    let mut fields = Fields::parse(body)?;
    let mut request = EmbedRequest { model: model.clone(), ..EmbedRequest::default() };
    request.native = match form {
        Form::Single => {
            let mut items = [fields];
            settings(&mut items, &mut request)?;
            let [mut item] = items;
            request.input.push(input(&mut item)?);
            item.into_native(ME)
        }
        Form::Batch => {
            let mut items = items(&mut fields, form)?;
            settings(&mut items, &mut request)?;
            for item in &mut items {
                request.input.push(input(item)?);
            }
            let mut members = fields.into_members();
            let items = items.into_iter().map(Fields::into_members).collect();
            let shapes = by_name(items, &mut members);
            members.insert(form.input().to_owned(), shapes);
            Native::new(ME, members)
        }
        Form::Predict => {
            let items = items(&mut fields, form)?;
            request.input.extend(items.into_iter().map(|item| EmbedInput::Other(item.into_native(ME))));
            fields.put(form.input(), json!([]));
            fields.into_native(ME)
        }
    };
    Ok((request, AnswerContext { model, form: Some(method.to_owned()), ..AnswerContext::default() }))
}

/// The inputs of a request that lists them.
fn items(fields: &mut Fields, form: Form) -> Result<Vec<Fields>> {
    let name = form.input();
    let list = fields.want_list(name)?.ok_or_else(|| fields.missing(name))?;
    if list.is_empty() {
        return Err(Error::invalid_request(format!("`{name}` must not be empty")).with_param(name));
    }
    let items = list.into_iter().enumerate();
    items.map(|(place, item)| Fields::at(format!("{name}[{place}]"), item)).collect()
}

/// Takes what holds for all inputs alike.
fn settings(items: &mut [Fields], request: &mut EmbedRequest) -> Result<()> {
    let task = in_common(items, TASK_TYPE, Fields::want_text)?;
    let known = |task: &str| TASKS.iter().find(|(word, _)| *word == task).map(|(_, purpose)| purpose.clone());
    request.purpose = task.map(|task| known(&task).unwrap_or_else(|| Purpose::from(task.as_str())));
    request.dimensions = in_common(items, OUTPUT_DIMENSIONALITY, Fields::want_u64)?;
    for item in items {
        // Which model is asked, the path says; that it is repeated is kept.
        if item.take_text("model").is_some() {
            item.put("model", Value::Null);
        }
    }
    Ok(())
}

/// A member that every input says, and all of them alike.
fn in_common<T>(
    items: &mut [Fields],
    name: Name,
    want: impl Fn(&mut Fields, &str) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let mut said = items.iter().map(|item| name.get(item));
    let first = said.next().flatten();
    if first.is_none() || said.any(|other| other != first) {
        return Ok(None);
    }
    let mut common = None;
    for item in items {
        common = name.want(item, &want)?;
    }
    Ok(common)
}

/// Takes an input's content.
fn input(item: &mut Fields) -> Result<EmbedInput> {
    let mut content = item.want_object("content")?.ok_or_else(|| item.missing("content"))?;
    let list = content.want_list("parts")?.ok_or_else(|| content.missing("parts"))?;
    let path = content.path_of("parts");
    let (mut ids, mut parts) = (Ids::new("call_gemini"), Vec::with_capacity(list.len()));
    for (place, value) in list.into_iter().enumerate() {
        let mut read = part::of_caller(format!("{path}[{place}]"), &mut ids, value.clone())?;
        let known = |part: &Part| matches!(part.content, Content::Text { .. } | Content::Media(_));
        parts.push(match read.pop().filter(|part| read.is_empty() && known(part)) {
            Some(part) => part,
            None => Part::from(Content::Unknown { protocol: ME, value }),
        });
    }
    if content.text("role") == Some("user") {
        // It goes without saying, and is said by Google's own clients.
        content.put("role", Value::Null);
    }
    item.put("content", content.into_members().into());
    Ok(match parts.as_mut_slice() {
        [Part { content: Content::Text { text, .. }, native, .. }] if native.members(ME).is_none() => {
            EmbedInput::Text(std::mem::take(text))
        }
        _ => EmbedInput::Parts(parts),
    })
}

/// Stands in a shape for what was put elsewhere. Like other empty shapes, it says nothing to anyone.
fn note() -> Value {
    json!([[]])
}

/// The shapes of the inputs, after whatever else they say was put among `members`: by name, a list of a value for each
/// input, in whose shape a note stands for it.
fn by_name(items: Vec<Map<String, Value>>, members: &mut Map<String, Value>) -> Value {
    let count = items.len();
    let mut shapes = Vec::with_capacity(count);
    for (place, item) in items.into_iter().enumerate() {
        let mut shape = Map::new();
        for (name, value) in item {
            if name == "content" || value.is_null() {
                shape.insert(name, value);
                continue;
            }
            let list = members.entry(name.clone()).or_insert_with(|| Value::Array(vec![Value::Null; count]));
            // A member of that name at the top is not one that Google knows: it stays, and so does this one.
            match list.as_array_mut().and_then(|list| list.get_mut(place)).filter(|free| free.is_null()) {
                Some(free) => {
                    *free = value;
                    shape.insert(name, note());
                }
                None => drop(shape.insert(name, value)),
            }
        }
        shapes.push(Value::Object(shape));
    }
    Value::Array(shapes)
}

/// The inputs as they were: shapes with their values put back.
pub(super) fn put_back(shapes: Vec<Value>, mut take: impl FnMut(&str) -> Option<Value>) -> Vec<Map<String, Value>> {
    let objects = shapes.into_iter().map(|shape| match shape {
        Value::Object(shape) => shape,
        _ => Map::new(),
    });
    let mut items: Vec<Map<String, Value>> = objects.collect();
    let noted = |item: &Map<String, Value>| -> Vec<String> {
        item.iter().filter(|(_, value)| **value == note()).map(|(name, _)| name.clone()).collect()
    };
    let names: BTreeSet<String> = items.iter().flat_map(noted).collect();
    for name in names {
        let Some(Value::Array(values)) = take(&name) else { continue };
        for (item, value) in items.iter_mut().zip(values).filter(|(_, value)| !value.is_null()) {
            item.insert(name.clone(), value);
        }
    }
    items
}
