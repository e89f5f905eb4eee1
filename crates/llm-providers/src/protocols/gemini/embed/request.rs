//! A request on its way to Google.

use llm_core::Result;
use llm_core::chat::{Content, Part};
use llm_core::codec::{Encoded, Target};
use llm_core::embedding::{EmbedInput, EmbedRequest, Purpose};
use serde_json::{Map, Value, json};

use super::super::name::{OUTPUT_DIMENSIONALITY, TASK_TYPE};
use super::super::{ME, part, path};
use super::asked::{TASKS, put_back};
use super::form::Form;
use crate::protocols::body::Body;

/// Google's word for what vectors are for.
fn task(purpose: &Purpose) -> &str {
    TASKS.iter().find(|(_, known)| known == purpose).map_or(purpose.as_str(), |(word, _)| word)
}

/// The request in the form that the target takes.
pub(super) fn encode(request: &EmbedRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    body.lacks("user", request.user.as_ref(), "it has no end users")?;
    let was = request.native.members(ME).and_then(Form::of_request);
    let form = Form::for_target(target, was);
    let mut kept = shapes(was, request, &mut body).into_iter();
    let mut items = Vec::with_capacity(request.input.len());
    for input in &request.input {
        let shape = kept.next().unwrap_or_default();
        let item = match form {
            Form::Predict => instance(request, input, shape),
            form => item(request, input, shape, target, form),
        };
        match item {
            Some(item) => items.push(item),
            None => body.lacks("input", Some(()), "it embeds texts and media, and nothing else")?,
        }
    }
    match form {
        Form::Single => match <[_; 1]>::try_from(items) {
            Ok([one]) => one.into_iter().for_each(|(name, value)| body.set(&name, value)),
            Err(_) => body.lacks("input", Some(()), "the model embeds one input a call")?,
        },
        Form::Batch => body.set(form.input(), items),
        Form::Predict => {
            body.set(form.input(), items);
            if let Some(dimensions) = request.dimensions {
                let mut parameters = match body.take("parameters") {
                    Some(Value::Object(parameters)) => parameters,
                    _ => Map::new(),
                };
                parameters.insert("outputDimensionality".to_owned(), json!(dimensions));
                body.set("parameters", parameters);
            }
        }
    }
    body.post(path::to(target, form.method())?)
}

/// What the request kept of each input, taken out of the body.
fn shapes(was: Option<Form>, request: &EmbedRequest, body: &mut Body<'_>) -> Vec<Map<String, Value>> {
    match was {
        Some(Form::Single) => {
            let names = request.native.members(ME).into_iter().flatten().map(|(name, _)| name);
            vec![names.filter_map(|name| Some((name.clone(), body.take(name)?))).collect()]
        }
        Some(Form::Batch) => match body.take(Form::Batch.input()) {
            Some(Value::Array(shapes)) => put_back(shapes, |name| body.take(name)),
            _ => Vec::new(),
        },
        Some(Form::Predict) => {
            body.take(Form::Predict.input());
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// An input that only this protocol knows, whole.
fn own(input: &EmbedInput) -> Option<Map<String, Value>> {
    match input {
        EmbedInput::Other(native) => native.members(ME).cloned(),
        _ => None,
    }
}

/// An input with its settings, written over what was kept of it; none for what can't be said here.
fn item(
    request: &EmbedRequest,
    input: &EmbedInput,
    mut item: Map<String, Value>,
    target: &Target<'_>,
    form: Form,
) -> Option<Map<String, Value>> {
    if let Some(own) = own(input) {
        return Some(if form == Form::Single { Map::from_iter([("content".to_owned(), own.into())]) } else { own });
    }
    if form == Form::Batch || item.contains_key("model") {
        item.insert("model".to_owned(), path::full_name(target.model).into());
    }
    let mut content = match item.remove("content") {
        Some(Value::Object(content)) => content,
        _ => Map::new(),
    };
    if content.get("role").is_some_and(Value::is_null) {
        content.insert("role".to_owned(), "user".into());
    }
    content.insert("parts".to_owned(), parts(input)?.into());
    item.insert("content".to_owned(), content.into());
    if let Some(dimensions) = request.dimensions {
        OUTPUT_DIMENSIONALITY.set(&mut item, dimensions);
    }
    if let Some(purpose) = &request.purpose {
        TASK_TYPE.set(&mut item, task(purpose));
    }
    Some(item)
}

/// A text for `:predict`.
fn instance(request: &EmbedRequest, input: &EmbedInput, mut shape: Map<String, Value>) -> Option<Map<String, Value>> {
    let EmbedInput::Text(text) = input else { return own(input) };
    // What is no note of another form's, as a title, goes along.
    shape.retain(|name, value| name != "content" && !value.is_null());
    shape.insert("content".to_owned(), text.as_str().into());
    if let Some(purpose) = &request.purpose {
        shape.insert(TASK_TYPE.snake.to_owned(), task(purpose).into());
    }
    Some(shape)
}

fn parts(input: &EmbedInput) -> Option<Vec<Value>> {
    match input {
        EmbedInput::Text(text) => Some(vec![json!({"text": text})]),
        EmbedInput::Parts(parts) => parts.iter().map(written).collect(),
        EmbedInput::Tokens(_) | EmbedInput::Other(_) => None,
    }
}

fn written(part: &Part) -> Option<Value> {
    let mut object = part::object(&part.native);
    match &part.content {
        Content::Text { text, .. } => drop(object.insert("text".to_owned(), text.as_str().into())),
        Content::Media(media) => part::write_media(media, &part.native, &mut object).ok()?,
        Content::Unknown { protocol: ME, value } => return Some(value.clone()),
        _ => return None,
    }
    Some(object.into())
}
