//! Imagen: `{"instances": [{"prompt"}], "parameters": {…}}` in, `predictions` out.

use llm_core::codec::{DecodeContext, Encoded, Target};
use llm_core::fields::Fields;
use llm_core::image::{Image, ImagesAnswer, ImagesRequest};
use llm_core::{Error, Meter, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::super::{ME, path};
use super::{nothing_drawn, size};
use crate::protocols::body::Body;

const SHAPES: [&str; 5] = ["1:1", "3:4", "4:3", "9:16", "16:9"];

pub(super) fn write(request: &ImagesRequest, mut body: Body<'_>, target: &Target<'_>) -> Result<Encoded> {
    let images = Some(()).filter(|()| !request.images.is_empty());
    body.lacks("image", images, "the model makes images and changes none")?;
    let mut parameters = match body.take("parameters") {
        Some(Value::Object(parameters)) => parameters,
        _ => Map::new(),
    };
    // Unless it is told, Imagen draws four.
    parameters.insert("sampleCount".to_owned(), json!(request.n.unwrap_or(1)));
    match request.size.as_deref().filter(|size| *size != "auto").map(|asked| size::read(asked, &SHAPES)) {
        Some(Some(asked)) => {
            parameters.insert("aspectRatio".to_owned(), json!(asked.shape));
            if let Some(size) = asked.size {
                parameters.insert("sampleImageSize".to_owned(), json!(size));
            }
        }
        Some(None) => body.lacks("size", Some(()), &format!("it draws in the shapes {}", SHAPES.join(", ")))?,
        None => {}
    }
    if let Some(format) = &request.format {
        parameters.insert("outputOptions".to_owned(), json!({"mimeType": format!("image/{format}")}));
    }
    body.set("instances", json!([{"prompt": request.prompt}]));
    body.set("parameters", parameters);
    body.post(path::to(target, "predict")?)
}

pub(super) fn read(cx: &DecodeContext, members: Map<String, Value>, body: &[u8]) -> Result<ImagesAnswer> {
    let list = members.get("predictions").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut filtered = String::new();
    let mut images = Vec::new();
    for item in list {
        let mut item = Fields::at("predictions", item).map_err(|error| Error::bad_answer(error.message()))?;
        let b64 = item.take_nonempty("bytesBase64Encoded");
        let url = item.take_nonempty("gcsUri");
        if b64.is_none() && url.is_none() {
            filtered = item.take_text("raiFilteredReason").unwrap_or(filtered);
            continue;
        }
        let media_type = item.take_nonempty("mimeType");
        let revised_prompt = item.take_nonempty("prompt");
        images.push(Image { b64, url, media_type, revised_prompt, native: item.into_native(ME) });
    }
    if images.is_empty() {
        return Err(nothing_drawn(cx, &filtered, body));
    }
    // Each image that is handed over is charged, and none that was filtered.
    let usage = Some(Usage::default().with(Meter::Image, images.len() as u64));
    let native = Native::new(ME, members);
    Ok(ImagesAnswer { images, provider: cx.provider.clone(), usage, native, ..ImagesAnswer::default() })
}
