//! A caller's request. What is wrong with it is said by name.

use llm_core::Result;
use llm_core::chat::ChatRequest;
use llm_core::codec::AnswerContext;
use llm_core::fields::Fields;
use serde_json::json;

use super::super::{PROTOCOL, groups, shell};
use super::{format, input_in, options, tools};

/// Reads a request. Members without a place in [`ChatRequest`] are kept.
pub(in super::super) fn decode(body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let echo = shell::repeated(|name| fields.get(name));
    let grouped = groups::of_request(&fields);
    let model = fields.need_text("model")?;
    let stream = fields.want_bool("stream")?;
    if let Some(stream) = stream {
        fields.put("stream", json!(stream));
    }
    let messages = input_in::read(&mut fields)?;
    let logprobs = options::take_include(&mut fields)?;
    options::take_truncation(&mut fields);
    let request = ChatRequest {
        model: model.clone(),
        messages,
        tools: tools::read(&mut fields)?,
        tool_choice: tools::read_choice(&mut fields)?,
        parallel_tool_calls: fields.want_bool("parallel_tool_calls")?,
        max_tokens: fields.want_u64("max_output_tokens")?,
        temperature: fields.want_f64("temperature")?,
        top_p: fields.want_f64("top_p")?,
        logprobs,
        top_logprobs: fields.want_u64("top_logprobs")?,
        response_format: format::read(&mut fields)?,
        reasoning: options::read_reasoning(&mut fields)?,
        user: fields.want_text("user")?,
        metadata: fields.want_object("metadata")?.map(Fields::into_members),
        service_tier: fields.want_text("service_tier")?,
        native: fields.into_native(PROTOCOL),
        ..ChatRequest::default()
    };
    let stream = stream.unwrap_or(false);
    let cx = AnswerContext { model, stream, include_usage: true, echo, grouped, ..AnswerContext::default() };
    Ok((request, cx))
}
