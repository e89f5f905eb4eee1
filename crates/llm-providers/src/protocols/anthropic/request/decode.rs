//! A caller's body in, a request out.

use llm_core::chat::ChatRequest;
use llm_core::codec::{AnswerContext, RequestHead};
use llm_core::fields::Fields;
use llm_core::{Error, Result};
use serde_json::Value;

use super::super::ME;
use super::super::host::BETA;
use super::{messages, options, tools};

/// Understands a request. What is wrong with it is said by name.
pub(crate) fn decode(head: &RequestHead, body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let mut request = ChatRequest::new(fields.need_text("model")?);
    messages::read(&mut fields, &mut request.messages)?;
    request.max_tokens = Some(fields.want_u64("max_tokens")?.ok_or_else(|| fields.missing("max_tokens"))?);
    let stream = fields.want_bool("stream")?;
    if stream == Some(false) {
        fields.put("stream", false.into());
    }
    request.temperature = number(&mut fields, "temperature")?;
    request.top_p = number(&mut fields, "top_p")?;
    request.top_k = fields.want_u64("top_k")?;
    request.stop = stop(&mut fields)?;
    request.service_tier = fields.want_text("service_tier")?;
    tools::read(&mut fields, &mut request)?;
    options::read(&mut fields, &mut request)?;
    if let Some(mut metadata) = fields.want_object("metadata")? {
        request.user = metadata.want_text("user_id")?;
        fields.put("metadata", metadata.into_members().into());
    }
    if let Some(betas) = betas(head) {
        fields.put(BETA, betas.into());
    }
    request.native = fields.into_native(ME);
    let cx = AnswerContext {
        model: request.model.clone(),
        stream: stream == Some(true),
        include_usage: true,
        version: header(head, "anthropic-version").map(str::to_owned),
        ..AnswerContext::default()
    };
    Ok((request, cx))
}

fn header<'a>(head: &'a RequestHead, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}

/// All `anthropic-beta` headers as one.
fn betas(head: &RequestHead) -> Option<String> {
    let all: Vec<&str> = head.headers.get_all(BETA).iter().filter_map(|value| value.to_str().ok()).collect();
    (!all.is_empty()).then(|| all.join(","))
}

/// Takes a number, and leaves a zero where it was spelled without a fraction.
fn number(fields: &mut Fields, name: &str) -> Result<Option<f64>> {
    let whole = fields.get(name).is_some_and(|value| value.is_i64() || value.is_u64());
    let number = fields.want_f64(name)?;
    if whole {
        fields.put(name, 0.into());
    }
    Ok(number)
}

/// Takes the stop texts; an empty list stays.
fn stop(fields: &mut Fields) -> Result<Vec<String>> {
    let Some(list) = fields.want_list("stop_sequences")? else { return Ok(Vec::new()) };
    if list.is_empty() {
        fields.put("stop_sequences", list.into());
        return Ok(Vec::new());
    }
    let texts = list.into_iter().enumerate().map(|(place, text)| match text {
        Value::String(text) => Ok(text),
        _ => {
            let path = format!("stop_sequences[{place}]");
            Err(Error::invalid_request(format!("`{path}` must be a string")).with_param(path))
        }
    });
    texts.collect()
}

#[cfg(test)]
mod tests;
