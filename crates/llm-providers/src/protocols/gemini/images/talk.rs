//! Models that draw as they talk: images are parts of what they say.

use llm_core::chat::MediaSource;
use llm_core::codec::{DecodeContext, Encoded, Target};
use llm_core::image::{Image, ImageInput, ImagesAnswer, ImagesRequest};
use llm_core::{Meter, Native, Result};
use serde_json::{Map, Value, json};

use super::super::{ME, path, usage};
use super::{nothing_drawn, size};
use crate::protocols::body::Body;

const SHAPES: [&str; 10] = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];

pub(super) fn write(request: &ImagesRequest, mut body: Body<'_>, target: &Target<'_>) -> Result<Encoded> {
    let many = request.n.filter(|n| *n > 1);
    body.lacks("n", many, "the model draws one image a call")?;
    body.lacks("output_format", request.format.as_ref(), "the model draws in a format of its own")?;
    let mut config = match body.take("generationConfig") {
        Some(Value::Object(config)) => config,
        _ => Map::new(),
    };
    // A model that draws wants to be told that it may talk as well.
    config.insert("responseModalities".to_owned(), json!(["TEXT", "IMAGE"]));
    match request.size.as_deref().filter(|size| *size != "auto").map(|asked| size::read(asked, &SHAPES)) {
        Some(Some(asked)) => {
            let mut image = Map::from_iter([("aspectRatio".to_owned(), json!(asked.shape))]);
            if let Some(size) = asked.size {
                image.insert("imageSize".to_owned(), json!(size));
            }
            config.insert("imageConfig".to_owned(), Value::Object(image));
        }
        Some(None) => body.lacks("size", Some(()), &format!("it draws in the shapes {}", SHAPES.join(", ")))?,
        None => {}
    }
    let mut parts = vec![json!({"text": request.prompt})];
    match request.images.iter().map(part).collect::<Option<Vec<_>>>() {
        Some(images) => parts.extend(images),
        None => body.lacks("image", Some(()), "an image must be bytes or a URL")?,
    }
    body.set("contents", json!([{"role": "user", "parts": parts}]));
    body.set("generationConfig", config);
    body.post(path::to(target, "generateContent")?)
}

fn part(image: &ImageInput) -> Option<Value> {
    Some(match &image.source {
        MediaSource::Base64 { media_type, data } => json!({"inlineData": {"mimeType": media_type, "data": data}}),
        MediaSource::Url { url } => json!({"fileData": {"fileUri": url}}),
        _ => return None,
    })
}

pub(super) fn read(cx: &DecodeContext, members: Map<String, Value>, body: &[u8]) -> Result<ImagesAnswer> {
    let list = |at: Option<&Value>| at.and_then(Value::as_array).cloned().unwrap_or_default();
    let candidates = list(members.get("candidates"));
    let parts: Vec<Value> = candidates.iter().flat_map(|candidate| list(candidate.pointer("/content/parts"))).collect();
    // What it thought of on the way is no answer.
    let is_thought = |part: &&Value| part.get("thought").and_then(Value::as_bool) == Some(true);
    let text = |at: &Value, name: &str| at.get(name).and_then(Value::as_str).map(str::to_owned);
    let images = parts.iter().filter(|part| !is_thought(part)).filter_map(|part| {
        let inline = part.get("inlineData").or_else(|| part.get("inline_data"))?;
        let media_type = text(inline, "mimeType").or_else(|| text(inline, "mime_type"));
        Some(Image {
            b64: Some(text(inline, "data")?),
            media_type,
            native: Native::new(ME, Map::new()),
            ..Image::default()
        })
    });
    let images: Vec<Image> = images.collect();
    if images.is_empty() {
        let said: String =
            parts.iter().filter(|part| !is_thought(part)).filter_map(|part| text(part, "text")).collect();
        let blocked = members.get("promptFeedback").and_then(|feedback| text(feedback, "blockReason"));
        let ended = candidates.first().and_then(|candidate| text(candidate, "finishReason"));
        let why = [said].into_iter().filter(|said| !said.trim().is_empty()).chain(blocked).chain(ended).next();
        return Err(nothing_drawn(cx, why.unwrap_or_default().trim(), body));
    }
    let said = members.get("usageMetadata").and_then(Value::as_object).and_then(usage::counts_of);
    Ok(ImagesAnswer {
        // Some prices are by the token, some by the image.
        usage: said.map(|said| said.with(Meter::Image, images.len() as u64)),
        images,
        model: members.get("modelVersion").and_then(Value::as_str).unwrap_or_default().to_owned(),
        provider: cx.provider.clone(),
        native: Native::new(ME, members),
        ..ImagesAnswer::default()
    })
}
