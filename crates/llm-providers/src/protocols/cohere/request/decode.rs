//! A request that was said in this protocol.

use llm_core::Result;
use llm_core::chat::{ChatRequest, Message};
use llm_core::codec::AnswerContext;
use llm_core::fields::Fields;
use serde_json::{Value, json};

use super::super::{COHERE, message};
use super::options;

pub(in super::super) fn decode(body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let mut request = ChatRequest::new(fields.need_text("model")?);
    let stream = fields.want_bool("stream")?;
    if let Some(stream) = stream {
        fields.put("stream", json!(stream));
    }
    let messages = fields.want_list("messages")?.ok_or_else(|| fields.missing("messages"))?;
    for (place, value) in messages.into_iter().enumerate() {
        request.messages.push(read_message(place, Fields::at(format!("messages[{place}]"), value)?)?);
    }
    if let Some(tools) = fields.want_list("tools")? {
        if tools.is_empty() {
            fields.put("tools", json!([]));
        }
        for (place, value) in tools.into_iter().enumerate() {
            request.tools.push(options::read_tool(Fields::at(format!("tools[{place}]"), value)?)?);
        }
    }
    request.tool_choice = options::read_choice(&mut fields);
    request.max_tokens = fields.want_u64("max_tokens")?;
    request.temperature = fields.want_f64("temperature")?;
    request.top_p = fields.want_f64("p")?;
    request.top_k = fields.want_u64("k")?;
    request.seed = fields.want_i64("seed")?;
    request.presence_penalty = fields.want_f64("presence_penalty")?;
    request.frequency_penalty = fields.want_f64("frequency_penalty")?;
    request.logprobs = fields.want_bool("logprobs")?;
    request.stop = stop(&mut fields)?;
    request.response_format = options::read_format(&mut fields)?;
    request.reasoning = options::read_thinking(&mut fields)?;
    request.native = fields.into_native(COHERE);
    let cx = AnswerContext {
        model: request.model.clone(),
        stream: stream.unwrap_or(false),
        // The last event of every stream holds it.
        include_usage: true,
        ..AnswerContext::default()
    };
    Ok((request, cx))
}

fn read_message(place: usize, fields: Fields) -> Result<Message> {
    match fields.get("role") {
        Some(Value::String(_)) => {}
        None | Some(Value::Null) => return Err(fields.missing("role")),
        Some(_) => return Err(fields.wrong("role", "a string")),
    }
    if !matches!(fields.get("content"), None | Some(Value::Null | Value::String(_) | Value::Array(_))) {
        return Err(fields.wrong("content", "a string or a list of parts"));
    }
    let mut made = 0;
    let mut make_id = || {
        made += 1;
        format!("call_{place}_{}", made - 1)
    };
    Ok(message::read(fields, None, &mut make_id))
}

fn stop(fields: &mut Fields) -> Result<Vec<String>> {
    const NAME: &str = "stop_sequences";
    let Some(list) = fields.get(NAME).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let texts: Option<Vec<String>> =
        list.as_array().and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
    let texts = texts.ok_or_else(|| fields.wrong(NAME, "a list of strings"))?;
    if !texts.is_empty() {
        fields.take(NAME);
    }
    Ok(texts)
}
