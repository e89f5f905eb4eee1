//! A caller's body in, a request out.

use llm_core::chat::ChatRequest;
use llm_core::codec::{AnswerContext, RequestHead};
use llm_core::fields::Fields;
use llm_core::{Error, Result};
use serde_json::Value;

use super::super::ME;
use super::{messages, options, tools};
use crate::protocols::path;

/// Understands a request. What is wrong with it is said by name.
pub(crate) fn decode(head: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let (model, stream) = asked(&head.path);
    let mut request = ChatRequest::new(model);
    messages::read(&mut fields, &mut request.messages)?;
    if let Some(mut config) = fields.want_object("inferenceConfig")? {
        request.max_tokens = config.want_u64("maxTokens")?;
        request.temperature = config.want_f64("temperature")?;
        request.top_p = config.want_f64("topP")?;
        request.stop = stop(&mut config)?;
        fields.put("inferenceConfig", config.into_members().into());
    }
    tools::read(&mut fields, &mut request)?;
    options::read(&mut fields, &mut request)?;
    request.native = fields.into_native(ME);
    let cx = AnswerContext {
        model: request.model.clone(),
        stream,
        // It stands in the last event of every stream.
        include_usage: true,
        ..AnswerContext::default()
    };
    Ok((request, cx))
}

/// The model that a path names, and whether it asks for a stream.
fn asked(place: &str) -> (String, bool) {
    let rest = place.rsplit_once("/model/").map_or("", |(_, rest)| rest);
    let (model, method) = rest.rsplit_once('/').unwrap_or_default();
    (path::decoded(model), method == "converse-stream")
}

/// Takes the stop texts; an empty list stays.
fn stop(config: &mut Fields) -> Result<Vec<String>> {
    let Some(list) = config.want_list("stopSequences")? else { return Ok(Vec::new()) };
    if list.is_empty() {
        config.put("stopSequences", list.into());
        return Ok(Vec::new());
    }
    let texts = list.into_iter().enumerate().map(|(place, text)| match text {
        Value::String(text) => Ok(text),
        _ => {
            let path = format!("{}[{place}]", config.path_of("stopSequences"));
            Err(Error::invalid_request(format!("`{path}` must be a string")).with_param(path))
        }
    });
    texts.collect()
}
