//! A caller's path and body in, a request out.

use llm_core::chat::ChatRequest;
use llm_core::codec::{AnswerContext, RequestHead};
use llm_core::fields::Fields;
use llm_core::{Error, Result};

use super::super::ME;
use super::super::name::{GENERATION_CONFIG, SERVICE_TIER};
use super::super::path::{self, Method};
use super::{config, contents, tools};

/// Understands a request. What is wrong with it is said by name.
pub(crate) fn decode(head: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
    let (model, method) = path::read(head)?;
    let mut fields = Fields::parse(body)?;
    let mut request = ChatRequest::new(model);
    contents::read(&mut fields, &mut request.messages)?;
    tools::read(&mut fields, &mut request)?;
    if let Some(mut generation) = GENERATION_CONFIG.want(&mut fields, Fields::want_object)? {
        config::read(&mut generation, &mut request)?;
        // The empty object stays, too: it tells how the request was spelled.
        GENERATION_CONFIG.leave(&mut fields, generation.into_members().into());
    }
    request.metadata = fields.want_object("labels")?.map(Fields::into_members);
    request.service_tier = SERVICE_TIER.want(&mut fields, Fields::want_text)?;
    if fields.get("model").is_some_and(serde_json::Value::is_string) {
        // Some clients repeat in the body what the path says; the path counts.
        fields.take("model");
    }
    request.native = fields.into_native(ME);
    let is_array = method == Method::Stream && !path::wants_events(head.query.as_deref());
    let cx = AnswerContext {
        model: request.model.clone(),
        stream: method == Method::Stream,
        include_usage: true,
        form: is_array.then(|| path::ARRAY.to_owned()),
        ..AnswerContext::default()
    };
    Ok((request, cx))
}

/// A whole number, which Google's clients may spell with a fraction of nothing.
pub(super) fn want_count(fields: &mut Fields, name: &str) -> Result<Option<u64>> {
    let spelled = fields.get(name).and_then(serde_json::Value::as_f64);
    match spelled {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a count")]
        Some(number) if number.fract() == 0.0 && (0.0..9e15).contains(&number) => {
            fields.take(name);
            Ok(Some(number as u64))
        }
        Some(_) => Err(fields.wrong(name, "a whole number that is not negative")),
        None => fields.want_u64(name),
    }
}

/// A list of texts.
pub(super) fn want_texts(fields: &mut Fields, name: &str) -> Result<Option<Vec<String>>> {
    let Some(list) = fields.want_list(name)? else { return Ok(None) };
    let path = fields.path_of(name);
    let texts = list.into_iter().enumerate().map(|(place, text)| match text {
        serde_json::Value::String(text) => Ok(text),
        _ => {
            let path = format!("{path}[{place}]");
            Err(Error::invalid_request(format!("`{path}` must be a string")).with_param(path))
        }
    });
    texts.collect::<Result<_>>().map(Some)
}
