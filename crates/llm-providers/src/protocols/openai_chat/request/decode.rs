//! A caller's request. What is wrong with it is said by name.

use llm_core::chat::ChatRequest;
use llm_core::codec::AnswerContext;
use llm_core::fields::Fields;
use llm_core::{Error, Result};
use serde_json::{Value, json};

use super::super::PROTOCOL;
use super::{format, messages_in, thinking, tools};

/// Reads a request. Members without a place in [`ChatRequest`] are kept.
pub(in super::super) fn decode(body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let cx = answer_context(&mut fields)?;
    let messages = messages_in::read(&mut fields)?;
    let request = ChatRequest {
        model: cx.model.clone(),
        messages,
        tools: tools::read(&mut fields)?,
        tool_choice: tools::read_choice(&mut fields)?,
        parallel_tool_calls: fields.want_bool("parallel_tool_calls")?,
        max_tokens: max_tokens(&mut fields)?,
        temperature: fields.want_f64("temperature")?,
        top_p: fields.want_f64("top_p")?,
        top_k: top_k(&mut fields)?,
        stop: stop(&mut fields)?,
        seed: fields.want_i64("seed")?,
        presence_penalty: fields.want_f64("presence_penalty")?,
        frequency_penalty: fields.want_f64("frequency_penalty")?,
        n: n(&mut fields)?,
        // Together takes a number here; it is kept.
        logprobs: if fields.get("logprobs").is_some_and(Value::is_number) {
            None
        } else {
            fields.want_bool("logprobs")?
        },
        top_logprobs: fields.want_u64("top_logprobs")?,
        response_format: format::read(&mut fields)?,
        reasoning: thinking::read(&mut fields)?,
        user: fields.want_text("user")?,
        metadata: fields.want_object("metadata")?.map(Fields::into_members),
        service_tier: fields.want_text("service_tier")?,
        unsupported: llm_core::chat::UnsupportedPolicy::default(),
        native: fields.into_native(PROTOCOL),
    };
    Ok((request, cx))
}

/// What the answer's encoder must know. `stream` and `stream_options` stay, for members that only the provider knows.
fn answer_context(fields: &mut Fields) -> Result<AnswerContext> {
    let model = fields.need_text("model")?;
    let stream = fields.want_bool("stream")?;
    if let Some(stream) = stream {
        fields.put("stream", json!(stream));
    }
    let mut include_usage = false;
    if let Some(mut options) = fields.want_object("stream_options")? {
        if let Some(asked) = options.want_bool("include_usage")? {
            include_usage = asked;
            options.put("include_usage", json!(asked));
        }
        fields.put("stream_options", Value::Object(options.into_members()));
    }
    Ok(AnswerContext { model, stream: stream.unwrap_or(false), include_usage, ..AnswerContext::default() })
}

/// The bound of the answer under either name; the newer one wins. A zero is left under the name that was used.
fn max_tokens(fields: &mut Fields) -> Result<Option<u64>> {
    for name in ["max_completion_tokens", "max_tokens"] {
        if let Some(tokens) = fields.want_u64(name)? {
            fields.put(name, json!(0));
            return Ok(Some(tokens));
        }
    }
    Ok(None)
}

/// Not OpenAI's own; some hosts take -1 for "off", which is kept.
fn top_k(fields: &mut Fields) -> Result<Option<u64>> {
    match fields.get("top_k").and_then(Value::as_i64) {
        Some(..0) => Ok(None),
        _ => fields.want_u64("top_k"),
    }
}

fn n(fields: &mut Fields) -> Result<Option<u64>> {
    match fields.want_u64("n")? {
        Some(0) => Err(Error::invalid_request("`n` must be at least 1").with_param("n")),
        n => Ok(n),
    }
}

fn stop(fields: &mut Fields) -> Result<Vec<String>> {
    match fields.get("stop") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(_)) => {
            let text = fields.take_text("stop");
            fields.put("stop", json!(""));
            Ok(text.into_iter().collect())
        }
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let list = fields.take_list("stop").unwrap_or_default();
            if list.is_empty() {
                fields.put("stop", json!([]));
            }
            Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Some(_) => Err(fields.wrong("stop", "a string or a list of strings")),
    }
}
