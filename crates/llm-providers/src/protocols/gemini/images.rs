//! Images: Imagen's `:predict`, and `:generateContent` of the models that draw as they talk.
//!
//! Nobody asks us for images in this protocol's forms but by `:generateContent`, which is chat.

mod imagen;
mod size;
mod talk;

use bytes::Bytes;
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, Target};
use llm_core::image::{Images, ImagesAnswer, ImagesRequest};
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{GeminiApi, ME, error};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::speaks::speaks;

/// Whether a model only draws.
fn is_imagen(model: &str) -> bool {
    model.rsplit('/').next().is_some_and(|name| name.starts_with("imagen"))
}

/// Refuses what neither form can be asked for.
fn refuse_foreign(request: &ImagesRequest, body: &mut Body<'_>) -> Result<()> {
    body.lacks("quality", request.quality.as_ref(), "it has no levels of quality")?;
    body.lacks("user", request.user.as_ref(), "it has no end users")?;
    body.lacks("mask", request.mask.as_ref(), "it changes images as the prompt says, and takes no mask")?;
    let by_url = request.response_format.as_ref().filter(|form| form.as_str() != "b64_json");
    body.lacks("response_format", by_url, "it hands images over as base64")
}

fn encode_request(request: &ImagesRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, ME, request.unsupported, target)?;
    refuse_foreign(request, &mut body)?;
    if is_imagen(target.model) { imagen::write(request, body, target) } else { talk::write(request, body, target) }
}

fn decode_request(head: &RequestHead, _: &[u8]) -> Result<(ImagesRequest, AnswerContext)> {
    let message = format!("`{}` is not served here; images are asked for by `:generateContent`", head.path);
    Err(Error::new(ErrorKind::NotImplemented, message))
}

fn decode_answer(cx: &DecodeContext, body: &[u8]) -> Result<ImagesAnswer> {
    let unreadable =
        || Error::bad_answer("the provider's answer has no images").with_body(Bytes::copy_from_slice(body));
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return Err(unreadable()) };
    if error::is_one(&members) {
        return Err(error::in_answer(cx, &members));
    }
    if members.contains_key("candidates") || members.contains_key("promptFeedback") {
        talk::read(cx, members, body)
    } else {
        imagen::read(cx, members, body)
    }
}

/// The error for a call of which nothing was drawn, by the provider's word on why.
fn nothing_drawn(cx: &DecodeContext, why: &str, body: &[u8]) -> Error {
    let message = match why.is_empty() {
        true => "the provider drew nothing".to_owned(),
        false => format!("the provider drew nothing: {why}"),
    };
    Error::new(ErrorKind::ContentFiltered, message)
        .with_provider(cx.provider.as_str())
        .with_body(Bytes::copy_from_slice(body))
}

/// Writes an answer in Imagen's form, or as it came.
fn encode_answer(answer: &ImagesAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, ME);
    object.complete("predictions", || {
        let images = answer.images.iter();
        images.map(|image| json!({"mimeType": image.media_type, "bytesBase64Encoded": image.b64})).collect()
    });
    object.bytes()
}

speaks! {
    GeminiApi: Images, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, _head, body) decode_answer(cx, body),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) Ok(encode_answer(answer)),
}

#[cfg(test)]
mod tests;
