//! `POST /embeddings`, and its relatives: one shape, in which only a few names differ.

use bytes::Bytes;
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, ResponseHead, Target};
use llm_core::embedding::{Embed, EmbedAnswer, EmbedInput, EmbedRequest, Embedding, Encoding, Purpose, Vector};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Protocol, Result};
use serde_json::{Map, Value, json};

use super::{OpenAi, PROTOCOL, error, usage};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::pass::Pass;
use crate::protocols::speaks::speaks;

/// What differs between the protocols of this shape.
pub(in crate::protocols) struct Shape {
    pub(in crate::protocols) protocol: Protocol,
    pub(in crate::protocols) path: &'static str,
    /// The member for [`EmbedRequest::dimensions`].
    pub(in crate::protocols) dimensions: &'static str,
    /// Whether `input_type` says what the vectors are for.
    pub(in crate::protocols) has_purpose: bool,
    /// Whether `user` names the end user.
    pub(in crate::protocols) has_user: bool,
}

const SHAPE: Shape =
    Shape { protocol: PROTOCOL, path: "/embeddings", dimensions: "dimensions", has_purpose: false, has_user: true };

/// Whether a caller of any protocol that spells it so gave a list, be it of one.
pub(in crate::protocols) fn is_listed(request: &EmbedRequest) -> bool {
    let spelled = request.native.protocol().and_then(|protocol| request.native.get(protocol, "input"));
    spelled.is_some_and(Value::is_array)
}

/// What to embed, as it is spelled here: one text is a text, unless the request came as a list.
fn write_input(request: &EmbedRequest, shape: &Shape, body: &mut Body<'_>) -> Result<()> {
    body.take("input");
    let was_list = is_listed(request);
    let mut items = Vec::with_capacity(request.input.len());
    for input in &request.input {
        items.push(match input {
            EmbedInput::Text(text) => Value::from(text.as_str()),
            EmbedInput::Tokens(tokens) => json!(tokens),
            EmbedInput::Other(native) if native.is_from(shape.protocol) => Value::Object(native.object(shape.protocol)),
            EmbedInput::Parts(_) | EmbedInput::Other(_) => {
                body.lacks("input", Some(()), "it embeds texts and tokens, and nothing else")?;
                continue;
            }
        });
    }
    match items.as_mut_slice() {
        [one] if !was_list => body.set("input", one.take()),
        _ => body.set("input", Value::Array(items)),
    }
    Ok(())
}

pub(in crate::protocols) fn encode_request(
    shape: &Shape,
    request: &EmbedRequest,
    target: &Target<'_>,
) -> Result<Encoded> {
    let mut body = Body::new(&request.native, shape.protocol, request.unsupported, target)?;
    body.set("model", target.model);
    write_input(request, shape, &mut body)?;
    body.set_some(shape.dimensions, request.dimensions);
    // A host that has a packed form of its own alone is not asked for another; the answer is written as the caller wants.
    if !target.quirks.int8_vectors {
        body.set_some("encoding_format", request.encoding.as_ref().map(Encoding::as_str));
    }
    match &request.purpose {
        Some(purpose) if shape.has_purpose => body.set("input_type", purpose.as_str()),
        purpose => body.lacks("purpose", purpose.as_ref(), "it does not ask what vectors are for")?,
    }
    match &request.user {
        Some(user) if shape.has_user => body.set("user", user.as_str()),
        user => body.lacks("user", user.as_ref(), "it has no end users")?,
    }
    body.post(shape.path)
}

pub(in crate::protocols) fn decode_request(shape: &Shape, body: &[u8]) -> Result<(EmbedRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let model = fields.need_text("model")?;
    let input = read_input(shape, &mut fields)?;
    let encoding = fields.want_text("encoding_format")?.map(|text| Encoding::from(text.as_str()));
    let purpose = if shape.has_purpose { fields.want_text("input_type")? } else { None };
    let request = EmbedRequest {
        input,
        dimensions: fields.want_u64(shape.dimensions)?,
        encoding: encoding.clone(),
        purpose: purpose.map(|text| Purpose::from(text.as_str())),
        user: if shape.has_user { fields.want_text("user")? } else { None },
        unsupported: UnsupportedPolicy::default(),
        native: fields.into_native(shape.protocol),
        model: model.clone(),
    };
    // Numbers are the default, and are said so that a host's own default does not reach a caller who wants them.
    let form = encoding.map_or_else(|| "float".to_owned(), |encoding| encoding.as_str().to_owned());
    Ok((request, AnswerContext { model, form: Some(form), ..AnswerContext::default() }))
}

/// A text, a list of them, a list of tokens, a list of such lists. How it was spelled is left as an empty shape.
fn read_input(shape: &Shape, fields: &mut Fields) -> Result<Vec<EmbedInput>> {
    let wrong = |fields: &Fields| fields.wrong("input", "a string, or a list of strings or of tokens");
    match fields.get("input") {
        None | Some(Value::Null) => return Err(fields.missing("input")),
        Some(Value::String(_)) => return Ok(fields.take_text("input").map(EmbedInput::Text).into_iter().collect()),
        Some(Value::Array(items)) if items.is_empty() => return Err(wrong(fields)),
        Some(Value::Array(_)) => {}
        Some(_) => return Err(wrong(fields)),
    }
    let items = fields.take_list("input").unwrap_or_default();
    let tokens = |items: &[Value]| items.iter().map(Value::as_u64).collect::<Option<Vec<_>>>();
    if let Some(tokens) = tokens(&items) {
        return Ok(vec![EmbedInput::Tokens(tokens)]);
    }
    fields.put("input", json!([]));
    let inputs = items.into_iter().map(|item| match item {
        Value::String(text) => Ok(EmbedInput::Text(text)),
        Value::Array(list) => tokens(&list).map(EmbedInput::Tokens).ok_or_else(|| wrong(fields)),
        Value::Object(members) => Ok(EmbedInput::Other(Native::new(shape.protocol, members))),
        _ => Err(wrong(fields)),
    });
    inputs.collect()
}

pub(in crate::protocols) fn decode_answer(
    shape: &Shape,
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
) -> Result<EmbedAnswer> {
    let mut fields = answer_fields(cx, head, body, "data")?;
    let list = fields.take_list("data").unwrap_or_default();
    let embeddings = (0u64..).zip(list).map(|(place, item)| vector(shape, cx, place, item)).collect::<Result<_>>()?;
    let mut answer = EmbedAnswer {
        id: fields.take_nonempty("id").unwrap_or_default(),
        embeddings,
        model: fields.take_nonempty("model").unwrap_or_default(),
        provider: cx.provider.clone(),
        ..EmbedAnswer::default()
    };
    answer.usage = take_usage(shape.protocol, &mut fields);
    answer.native = fields.into_native(shape.protocol);
    Ok(answer)
}

fn vector(shape: &Shape, cx: &DecodeContext, place: u64, item: Value) -> Result<Embedding> {
    let mut fields = Fields::at("data", item).map_err(|error| Error::bad_answer(error.message()))?;
    // The index stays, to tell an absent one from a stated one.
    let index = fields.get("index").and_then(Value::as_u64).unwrap_or(place);
    let vector = match fields.take("embedding") {
        Some(Value::Array(numbers)) => Vector::Numbers(numbers),
        Some(Value::String(packed)) if cx.int8_vectors => Vector::Int8(packed),
        Some(Value::String(packed)) => Vector::Base64(packed),
        _ => return Err(Error::bad_answer("the provider's answer has a vector that is none")),
    };
    Ok(Embedding { index, vector, native: fields.into_native(shape.protocol) })
}

pub(in crate::protocols) fn encode_answer(shape: &Shape, cx: &AnswerContext, answer: &EmbedAnswer) -> Result<Bytes> {
    let mut object = answer_object(&answer.native, shape.protocol);
    let data = answer.embeddings.iter().map(|embedding| {
        let mut item = answer_object(&embedding.native, shape.protocol);
        item.complete("object", || json!("embedding"));
        item.complete("index", || json!(embedding.index));
        item.set("embedding", written(cx, embedding.vector.clone(), item.is_own));
        Value::Object(item.members)
    });
    let data = data.collect::<Vec<_>>();
    object.complete("object", || json!("list"));
    object.set("data", data);
    if !answer.id.is_empty() && object.is_own {
        object.set("id", answer.id.as_str());
    }
    let model = if object.is_own { &answer.model } else { &cx.model };
    if !model.is_empty() {
        object.set("model", model.as_str());
    }
    write_usage(answer.usage.as_ref(), shape.protocol, object.is_own, &mut object.members);
    Ok(object.bytes())
}

/// The vector as the caller wants it. What came in the caller's own protocol was asked for as it wants it.
fn written(cx: &AnswerContext, vector: Vector, is_own: bool) -> Value {
    let vector = match cx.form.as_deref() {
        Some("base64") => vector.into_base64(),
        Some("float") => vector.into_numbers(),
        _ if is_own => vector,
        _ => vector.into_numbers(),
    };
    match vector {
        Vector::Numbers(numbers) => Value::Array(numbers),
        Vector::Base64(text) | Vector::Int8(text) => Value::String(text),
    }
}

/// The members of a whole answer that must have a list `list`; an error that a body of status 200 says is one.
pub(in crate::protocols) fn answer_fields(
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
    list: &str,
) -> Result<Fields> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(error::unreadable(head, body));
    };
    if members.get(list).is_some_and(|value| !value.is_null()) {
        return Ok(Fields::new(members));
    }
    if members.get("error").is_some_and(|error| !error.is_null()) {
        return Err(error::from_body(cx, None, &members, body));
    }
    Err(Error::bad_answer(format!("the provider's answer has no `{list}`")).with_body(Bytes::copy_from_slice(body)))
}

/// Takes a usage object that counts tokens; one that counts nothing stays.
pub(in crate::protocols) fn take_usage(protocol: Protocol, fields: &mut Fields) -> Option<llm_core::Usage> {
    let read = usage::read_prompt(fields.get("usage")?.as_object()?, protocol)?;
    fields.take("usage");
    Some(read)
}

/// Writes usage: the provider's own object where it came in this protocol, else prompt and total.
pub(in crate::protocols) fn write_usage(
    said: Option<&llm_core::Usage>,
    protocol: Protocol,
    is_own: bool,
    members: &mut Map<String, Value>,
) {
    let Some(said) = said else { return };
    if said.native.is_from(protocol) {
        members.insert("usage".to_owned(), Value::Object(said.native.object(protocol)));
    } else if !is_own {
        let tokens = said.input_tokens();
        members.insert("usage".to_owned(), json!({"prompt_tokens": tokens, "total_tokens": said.total()}));
    }
}

static PASS: Pass<Embed> = Pass { codec: &OpenAi, path: SHAPE.path, elsewhere: &[] };

speaks! {
    OpenAi: Embed, PROTOCOL, errors error,
    encode_request(request, target) encode_request(&SHAPE, request, target),
    decode_answer(cx, head, body) decode_answer(&SHAPE, cx, head, body),
    decode_request(_head, body) decode_request(&SHAPE, body),
    encode_answer(cx, answer) encode_answer(&SHAPE, cx, answer),
    passthrough &PASS,
}
