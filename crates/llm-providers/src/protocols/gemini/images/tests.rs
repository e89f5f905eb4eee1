use std::collections::BTreeMap;

use llm_core::ErrorKind;
use llm_core::chat::{MediaSource, UnsupportedPolicy};
use llm_core::codec::{Quirks, ResponseHead, Target, Upstream};

use super::size::{Asked, read};
use super::*;

fn sent(request: &ImagesRequest, model: &str) -> Result<(String, Value)> {
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "gemini",
        model,
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "s",
    };
    let encoded = Upstream::<Images>::encode_request(&GeminiApi, request, &target)?;
    Ok((encoded.path, serde_json::from_slice(&encoded.body).expect("JSON")))
}

fn answered(body: &Value) -> Result<ImagesAnswer> {
    let cx = DecodeContext { provider: "gemini".to_owned(), ..DecodeContext::default() };
    Upstream::<Images>::decode_answer(&GeminiApi, &cx, &ResponseHead::default(), body.to_string().as_bytes())
}

#[test]
fn imagen_is_asked_by_predict() {
    let mut request = ImagesRequest::new("gemini:imagen-4.0", "a boat").n(2).size("1792x1024");
    request.format = Some("jpeg".to_owned());
    let (path, body) = sent(&request, "imagen-4.0-generate-001").expect("sent");
    assert_eq!(path, "/v1beta/models/imagen-4.0-generate-001:predict");
    assert_eq!(
        body,
        json!({"instances": [{"prompt": "a boat"}], "parameters":
            {"sampleCount": 2, "aspectRatio": "16:9", "outputOptions": {"mimeType": "image/jpeg"}}})
    );
}

#[test]
fn a_model_that_talks_is_told_to_draw() {
    let source = MediaSource::Base64 { media_type: "image/png".to_owned(), data: "aGk=".to_owned() };
    let request = ImagesRequest::new("m", "make it red").image(source).size("2048x2048");
    let (path, body) = sent(&request, "gemini-3-pro-image-preview").expect("sent");
    assert_eq!(path, "/v1beta/models/gemini-3-pro-image-preview:generateContent");
    assert_eq!(
        body,
        json!({
            "contents": [{"role": "user", "parts": [
                {"text": "make it red"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}],
            "generationConfig":
                {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "1:1", "imageSize": "2K"}},
        })
    );
}

#[test]
fn what_it_can_not_be_asked_for_is_refused_by_name_or_dropped() {
    let plain = || ImagesRequest::new("m", "a boat");
    let quality = ImagesRequest { quality: Some("hd".to_owned()), ..plain() };
    let by_url = ImagesRequest { response_format: Some("url".to_owned()), ..plain() };
    let image = plain().image(MediaSource::Url { url: "https://example.com/a.png".to_owned() });
    for (request, model, param) in [
        (quality, "imagen-4", "quality"),
        (by_url, "imagen-4", "response_format"),
        (image, "imagen-4", "image"),
        (plain().size("1536x1024"), "imagen-4", "size"),
        (plain().size("large"), "gemini-2.5-flash-image", "size"),
        (plain().n(2), "gemini-2.5-flash-image", "n"),
    ] {
        let error = sent(&request, model).expect_err("refused");
        assert_eq!((error.kind(), error.param()), (ErrorKind::UnsupportedParameter, Some(param)));
        let lenient = ImagesRequest { unsupported: UnsupportedPolicy::Drop, ..request };
        assert!(sent(&lenient, model).is_ok(), "{param}");
    }
}

#[test]
fn sizes_are_said_in_googles_words() {
    let shapes = ["1:1", "3:4", "16:9"];
    let asked = |shape: &str, size| Some(Asked { shape: shape.to_owned(), size });
    assert_eq!(read("1024x1024", &shapes), asked("1:1", None));
    assert_eq!(read("896x1280", &shapes), asked("3:4", None));
    assert_eq!(read("16:9", &shapes), asked("16:9", None));
    assert_eq!(read("4096x4096", &shapes), asked("1:1", Some("4K")));
    for odd in ["1536x1024", "0x1", "x", "1024", "9:16", "1e3x1000"] {
        assert_eq!(read(odd, &shapes), None, "{odd}");
    }
}

#[test]
fn images_that_are_handed_over_are_counted() {
    let answer = answered(&json!({"predictions": [
        {"mimeType": "image/png", "bytesBase64Encoded": "aGk=", "prompt": "a red boat"},
        {"raiFilteredReason": "it may show a person"},
    ]}));
    let answer = answer.expect("an answer");
    assert_eq!(answer.images.len(), 1);
    assert_eq!(answer.images[0].revised_prompt.as_deref(), Some("a red boat"));
    assert_eq!(answer.usage().get(llm_core::Meter::Image), 1);

    let answer = answered(&json!({
        "candidates": [{"content": {"role": "model", "parts": [
            {"text": "thinking of boats", "thought": true}, {"text": "Here it is."},
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}, "finishReason": "STOP"}],
        "modelVersion": "gemini-2.5-flash-image",
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1300, "totalTokenCount": 1305,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}]},
    }));
    let answer = answer.expect("an answer");
    assert_eq!((answer.images[0].b64.as_deref(), answer.model.as_str()), (Some("aGk="), "gemini-2.5-flash-image"));
    let counted = |meter| answer.usage().get(meter);
    use llm_core::Meter::{Image, Input, Output, OutputImage};
    assert_eq!((counted(Input), counted(Output), counted(OutputImage), counted(Image)), (5, 10, 1290, 1));
}

#[test]
fn a_call_of_which_nothing_was_drawn_says_why() {
    for (body, why) in [
        (json!({"predictions": [{"raiFilteredReason": "it may show a person"}]}), "it may show a person"),
        (json!({"candidates": [{"content": {"parts": [{"text": "I won't."}]}, "finishReason": "STOP"}]}), "I won't."),
        (json!({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}), "IMAGE_SAFETY"),
        (json!({"promptFeedback": {"blockReason": "SAFETY"}}), "SAFETY"),
    ] {
        let error = answered(&body).expect_err("nothing");
        assert_eq!(error.kind(), ErrorKind::ContentFiltered);
        assert_eq!(error.message(), format!("the provider drew nothing: {why}"));
    }
}
