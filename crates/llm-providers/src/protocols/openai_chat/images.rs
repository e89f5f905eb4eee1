//! `POST /images/generations` and `/images/edits`: JSON, or a form where files are sent along.

pub(in crate::protocols) mod form;
mod stream;

use bytes::Bytes;
use llm_core::chat::{MediaSource, UnsupportedPolicy};
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, RequestHead, ResponseHead, Target};
use llm_core::fields::Fields;
use llm_core::image::{Image, ImageInput, Images, ImagesAnswer, ImagesRequest};
use llm_core::{Error, Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::embed::answer_fields;
use super::{OpenAi, PROTOCOL, error, usage};
use crate::protocols::body::{Body, answer_object};
use crate::protocols::pass::{Pass, form_of};
use crate::protocols::speaks::speaks;

const MAKE: &str = "/images/generations";
const EDIT: &str = "/images/edits";
/// The model where a caller names none, as OpenAI documents it.
const DEFAULT_MODEL: &str = "dall-e-2";
/// The members of texts that have a place in [`ImagesRequest`], by their names here.
const TEXTS: [&str; 5] = ["size", "quality", "output_format", "response_format", "user"];

fn encode_request(request: &ImagesRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut body = Body::new(&request.native, PROTOCOL, request.unsupported, target)?;
    body.set("model", target.model);
    if !request.prompt.is_empty() {
        body.set("prompt", request.prompt.as_str());
    }
    let n_was_text = body.get("n").is_some_and(Value::is_string);
    match request.n {
        Some(n) if n_was_text => body.set("n", n.to_string()),
        n => body.set_some("n", n),
    }
    let texts = [&request.size, &request.quality, &request.format, &request.response_format, &request.user];
    for (name, text) in TEXTS.into_iter().zip(texts) {
        body.set_some(name, text.as_deref());
    }
    if !request.is_edit() {
        return body.post(MAKE);
    }
    // Files go as a form, unless the caller or the row says that they go as JSON.
    if target.quirks.image_edits_json || body.get("images").is_some() {
        let images = request.images.iter().map(json_input).collect::<Option<Vec<_>>>();
        let mask = request.mask.as_ref().map(json_input);
        match (images, mask) {
            (Some(images), None) => body.set("images", images),
            (Some(images), Some(Some(mask))) => {
                body.set("images", images);
                body.set("mask", mask);
            }
            _ => body.lacks("image", Some(()), "an image must be bytes, a URL or a file's id")?,
        }
        return body.post(EDIT);
    }
    form::write(request, body, target)
}

/// An image in JSON: `{"image_url": URL}` or `{"file_id": ID}`; as the host spells it where it came so.
fn json_input(input: &ImageInput) -> Option<Value> {
    let mut object = input.native.object(PROTOCOL);
    match &input.source {
        MediaSource::File { id } => drop(object.insert("file_id".to_owned(), json!(id))),
        source => {
            let name = if object.contains_key("url") { "url" } else { "image_url" };
            object.insert(name.to_owned(), json!(source.to_url()?));
        }
    }
    Some(Value::Object(object))
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(ImagesRequest, AnswerContext)> {
    let mut request = ImagesRequest::default();
    let mut fields = match form_of(&head.headers) {
        Some(_) => form::read(head, body, &mut request)?,
        None => Fields::parse(body)?,
    };
    request.model = fields.want_text("model")?.unwrap_or_else(|| DEFAULT_MODEL.to_owned());
    request.prompt = fields.want_text("prompt")?.unwrap_or_default();
    request.n = match fields.text("n").map(str::parse) {
        // A form has texts only.
        Some(Ok(n)) => {
            fields.put("n", json!(""));
            Some(n)
        }
        Some(Err(_)) => return Err(fields.wrong("n", "a whole number that is not negative")),
        None => fields.want_u64("n")?,
    };
    let mut texts = [const { None }; TEXTS.len()];
    for (name, text) in TEXTS.into_iter().zip(&mut texts) {
        *text = fields.want_text(name)?;
    }
    [request.size, request.quality, request.format, request.response_format, request.user] = texts;
    if let Some(list) = fields.want_list("images")? {
        request.images =
            list.into_iter().enumerate().map(|(place, item)| read_input(place, item)).collect::<Result<_>>()?;
        // Says that images came as JSON.
        fields.put("images", json!([]));
    }
    if fields.get("mask").is_some_and(Value::is_object)
        && let Some(mask) = fields.take("mask")
    {
        request.mask = Some(read_input(0, mask)?);
    }
    let stream = matches!(fields.get("stream"), Some(Value::Bool(true))) || fields.text("stream") == Some("true");
    request.unsupported = UnsupportedPolicy::default();
    request.native = fields.into_native(PROTOCOL);
    let model = request.model.clone();
    Ok((request, AnswerContext { model, stream, ..AnswerContext::default() }))
}

fn read_input(place: usize, item: Value) -> Result<ImageInput> {
    let mut fields = Fields::at(format!("images[{place}]"), item)?;
    let source = if let Some(url) = fields.take_text("image_url") {
        MediaSource::from_url(url)
    } else if let Some(url) = fields.take_text("url") {
        fields.put("url", json!(""));
        MediaSource::from_url(url)
    } else if let Some(id) = fields.take_text("file_id") {
        MediaSource::File { id }
    } else {
        return Err(fields.missing("image_url"));
    };
    Ok(ImageInput { source, filename: None, native: fields.into_native(PROTOCOL) })
}

/// Reads the usage of images: `input_tokens` with text and image apart, or the names of chat. None where no tokens are
/// counted.
fn read_usage(members: &Map<String, Value>) -> Option<Usage> {
    let count = |path: &str| {
        let mut found = members.get(path.split('/').next()?)?;
        for name in path.split('/').skip(1) {
            found = found.get(name)?;
        }
        found.as_u64()
    };
    if count("prompt_tokens").is_some() {
        return Some(usage::read(members.clone()));
    }
    let (input, output) = (count("input_tokens")?, count("output_tokens").unwrap_or(0));
    let image = count("input_tokens_details/image_tokens").unwrap_or(0).min(input);
    // Where they are not told apart, all that comes out is images.
    let text_out = count("output_tokens_details/text_tokens").unwrap_or(0).min(output);
    let mut usage = Usage::default().with(Meter::InputImage, image).with(Meter::Input, input - image);
    usage.set(Meter::Output, text_out);
    usage.set(Meter::OutputImage, output - text_out);
    usage.native = Native::new(PROTOCOL, members.clone());
    Some(usage)
}

fn take_usage(fields: &mut Fields) -> Option<Usage> {
    let read = read_usage(fields.get("usage")?.as_object()?)?;
    fields.take("usage");
    Some(read)
}

fn decode_answer(cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Result<ImagesAnswer> {
    let mut fields = answer_fields(cx, head, body, "data")?;
    let list = fields.take_list("data").unwrap_or_default();
    let images = list.into_iter().map(|item| {
        let mut fields = Fields::at("data", item).map_err(|error| Error::bad_answer(error.message()))?;
        // The name of the media type stays where it is not the first.
        let media_type = fields.take_nonempty("media_type").or_else(|| fields.text("mime_type").map(str::to_owned));
        Ok(Image {
            b64: fields.take_nonempty("b64_json"),
            url: fields.take_nonempty("url"),
            media_type,
            revised_prompt: fields.take_nonempty("revised_prompt"),
            native: fields.into_native(PROTOCOL),
        })
    });
    let images = images.collect::<Result<_>>()?;
    Ok(ImagesAnswer {
        created: fields.take_i64("created"),
        images,
        usage: take_usage(&mut fields),
        model: fields.take_nonempty("model").unwrap_or_default(),
        provider: cx.provider.clone(),
        native: fields.into_native(PROTOCOL),
        ..ImagesAnswer::default()
    })
}

fn encode_answer(cx: &AnswerContext, answer: &ImagesAnswer) -> Bytes {
    let mut object = answer_object(&answer.native, PROTOCOL);
    let data = answer.images.iter().map(|image| {
        let mut item = answer_object(&image.native, PROTOCOL);
        item.set_some("b64_json", image.b64.as_deref());
        item.set_some("url", image.url.as_deref());
        item.set_some("revised_prompt", image.revised_prompt.as_deref());
        if item.is_own && !item.members.contains_key("mime_type") {
            item.set_some("media_type", image.media_type.as_deref());
        }
        Value::Object(item.members)
    });
    let data = data.collect::<Vec<_>>();
    object.set("data", data);
    match answer.created {
        Some(created) => object.set("created", created),
        None => object.complete("created", || json!(cx.created)),
    }
    if object.is_own && !answer.model.is_empty() {
        object.set("model", answer.model.as_str());
    }
    if let Some(said) = &answer.usage {
        if said.native.is_from(PROTOCOL) {
            object.set("usage", said.native.object(PROTOCOL));
        } else if said.total() > 0 {
            object.complete("usage", || written(said));
        }
    }
    object.bytes()
}

/// Usage that came in another protocol.
fn written(said: &Usage) -> Value {
    let image = said.get(Meter::InputImage);
    json!({
        "input_tokens": said.input_tokens(),
        "input_tokens_details": {"image_tokens": image, "text_tokens": said.input_tokens() - image},
        "output_tokens": said.output_tokens(),
        "total_tokens": said.total(),
    })
}

static PASS: Pass<Images> = Pass { codec: &OpenAi, path: MAKE, elsewhere: &[("/edits", EDIT)] };

speaks! {
    OpenAi: Images, PROTOCOL, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) decode_answer(cx, head, body),
    decode_stream(cx) stream::Decoder::new(cx),
    decode_request(head, body) decode_request(head, body),
    encode_answer(cx, answer) Ok(encode_answer(cx, answer)),
    encode_stream(_cx) stream::Encoder,
    passthrough &PASS,
}
