//! Requests, both ways.

use std::collections::VecDeque;

use llm_core::chat::{ChatRequest, Content, Effort, Message, ReasoningOptions, ResponseFormat, Tool, ToolChoice};
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Native, Result};
use serde_json::{Map, Value, json};

use super::{OLLAMA, message};
use crate::protocols::end_user::{self, SAFETY_IDENTIFIER};
use crate::protocols::openai_chat::tier;

pub(super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut unsupported = Unsupported::new(request.unsupported, target.provider).for_caller(&request.native);
    refuse(request, &mut unsupported)?;
    let mut body = request.native.object(OLLAMA);
    body.insert("model".to_owned(), json!(target.model));
    body.insert("messages".to_owned(), Value::Array(message::encode_all(request, &mut unsupported)?));
    // Left out, it would mean true.
    body.insert("stream".to_owned(), json!(target.stream));
    if !request.tools.is_empty() {
        let tools = request.tools.iter().enumerate();
        let tools = tools.filter_map(|(index, tool)| encode_tool(tool, index, &mut unsupported).transpose());
        body.insert("tools".to_owned(), Value::Array(tools.collect::<Result<_>>()?));
    }
    if let Some(format) = encode_format(request.response_format.as_ref(), &mut unsupported)? {
        body.insert("format".to_owned(), format);
    }
    if let Some(think) = encode_think(request, &mut unsupported)? {
        body.insert("think".to_owned(), think);
    }
    encode_options(request, &mut body);
    set(&mut body, "logprobs", request.logprobs);
    set(&mut body, "top_logprobs", request.top_logprobs);
    apply_quirks(target, &mut body, &mut unsupported)?;
    let bytes = serde_json::to_vec(&body)
        .map_err(|error| Error::new(ErrorKind::Internal, "a request has no JSON form").with_source(error))?;
    let mut encoded = Encoded::post("/api/chat", bytes.into(), DecodeContext::new(target));
    encoded.dropped = unsupported.into_dropped();
    Ok(encoded)
}

/// What Ollama has no word for.
fn refuse(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<()> {
    let is_free = matches!(request.tool_choice, None | Some(ToolChoice::Auto));
    let table = [
        ("tool_choice", !is_free, "the model always decides"),
        ("parallel_tool_calls", request.parallel_tool_calls == Some(false), "it has no such switch"),
        ("n", request.n.is_some_and(|n| n != 1), "it gives one answer a call"),
        ("metadata", request.metadata.as_ref().is_some_and(|labels| !labels.is_empty()), "it stores no labels"),
        (
            "service_tier",
            request.service_tier.as_deref().is_some_and(|tier| !tier::is_default(tier)),
            "it has no tiers",
        ),
    ];
    table.iter().filter(|(_, is_set, _)| *is_set).try_for_each(|(name, _, why)| unsupported.param(name, why))?;
    unsupported.documents(&request.messages)?;
    end_user::lack(request, unsupported, "it knows no end users")?;
    unsupported.foreign_beside(&request.native, OLLAMA, &[SAFETY_IDENTIFIER])
}

fn encode_tool(tool: &Tool, index: usize, unsupported: &mut Unsupported<'_>) -> Result<Option<Value>> {
    let (name, description, parameters, native) = match tool {
        Tool::Function { name, description, parameters, strict, cache, native } => {
            if *strict == Some(true) {
                unsupported
                    .param(&format!("tools[{index}].function.strict"), "arguments are never held to the schema")?;
            }
            if let Some(marker) = cache {
                let why = "caching is automatic and has no marks";
                unsupported.cache_marker("cache_control", marker, OLLAMA, why)?;
            }
            (name, description, parameters, native)
        }
        Tool::Provider { native } if native.is_from(OLLAMA) => return Ok(Some(Value::Object(native.object(OLLAMA)))),
        Tool::Provider { .. } | Tool::Custom { .. } => {
            unsupported.param(&format!("tools[{index}]"), "it runs no tools of its own")?;
            return Ok(None);
        }
    };
    let mut object = native.object(OLLAMA);
    if !native.is_from(OLLAMA) {
        object.insert("type".to_owned(), json!("function"));
    }
    let mut function = match object.remove("function") {
        Some(Value::Object(function)) => function,
        _ => Map::new(),
    };
    function.insert("name".to_owned(), json!(name));
    set(&mut function, "description", description.as_deref());
    set(&mut function, "parameters", parameters.clone());
    object.insert("function".to_owned(), Value::Object(function));
    Ok(Some(Value::Object(object)))
}

fn encode_format(format: Option<&ResponseFormat>, unsupported: &mut Unsupported<'_>) -> Result<Option<Value>> {
    Ok(match format {
        None | Some(ResponseFormat::Text) => None,
        Some(ResponseFormat::JsonObject) => Some(json!("json")),
        Some(ResponseFormat::JsonSchema { schema, .. }) => Some(schema.clone()),
        Some(ResponseFormat::Native { .. }) => {
            unsupported.param("response_format", "only the protocol it came from can say it")?;
            None
        }
    })
}

fn encode_think(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Option<Value>> {
    let Some(reasoning) = &request.reasoning else { return Ok(None) };
    if reasoning.budget_tokens.is_some() {
        unsupported.param("reasoning.budget_tokens", "thinking is a switch or a level")?;
    }
    Ok(match &reasoning.effort {
        Some(Effort::None) => Some(json!(false)),
        Some(level) if request.native.is_from(OLLAMA) => Some(json!(level.as_str())),
        // There are three levels; what is beyond them is the nearest.
        Some(Effort::Minimal) => Some(json!("low")),
        Some(Effort::XHigh | Effort::Max) => Some(json!("high")),
        Some(level) => Some(json!(level.as_str())),
        None => reasoning.enabled.or(reasoning.budget_tokens.map(|_| true)).map(Value::Bool),
    })
}

fn encode_options(request: &ChatRequest, body: &mut Map<String, Value>) {
    let (kept, mut options) = match body.remove("options") {
        Some(Value::Object(options)) => (Some(Value::Object(Map::new())), options),
        other => (other, Map::new()),
    };
    set(&mut options, "num_predict", request.max_tokens);
    set(&mut options, "temperature", request.temperature);
    set(&mut options, "top_p", request.top_p);
    set(&mut options, "top_k", request.top_k);
    set(&mut options, "seed", request.seed);
    set(&mut options, "presence_penalty", request.presence_penalty);
    set(&mut options, "frequency_penalty", request.frequency_penalty);
    match (options.get("stop"), request.stop.as_slice()) {
        (_, []) => {}
        (Some(Value::String(_)), [stop]) => set(&mut options, "stop", Some(stop.as_str())),
        (_, stop) => set(&mut options, "stop", Some(json!(stop))),
    }
    if !options.is_empty() {
        body.insert("options".to_owned(), Value::Object(options));
    } else if let Some(kept) = kept {
        body.insert("options".to_owned(), kept);
    }
}

/// A row's refused and renamed members, which may stand at the top or among the options.
fn apply_quirks(target: &Target<'_>, body: &mut Map<String, Value>, unsupported: &mut Unsupported<'_>) -> Result<()> {
    for name in &target.quirks.refuse {
        let at_top = body.shift_remove(name);
        let options = body.get_mut("options").and_then(Value::as_object_mut);
        if at_top.or(options.and_then(|options| options.shift_remove(name))).is_some() {
            unsupported.param(name, "this provider does not take it")?;
        }
    }
    for (name, theirs) in &target.quirks.rename {
        if let Some(value) = body.shift_remove(name) {
            body.insert(theirs.clone(), value);
        } else if let Some(options) = body.get_mut("options").and_then(Value::as_object_mut)
            && let Some(value) = options.shift_remove(name)
        {
            options.insert(theirs.clone(), value);
        }
    }
    Ok(())
}

fn set<T: Into<Value>>(members: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}

pub(super) fn decode(body: &[u8]) -> Result<(ChatRequest, AnswerContext)> {
    let mut fields = Fields::parse(body)?;
    let mut request = ChatRequest::new(fields.need_text("model")?);
    let stream = fields.want_bool("stream")?.unwrap_or(true);
    let messages = fields.want_list("messages")?.ok_or_else(|| fields.missing("messages"))?;
    for (index, value) in messages.into_iter().enumerate() {
        request.messages.push(decode_message(index, Fields::at(format!("messages[{index}]"), value)?)?);
    }
    name_answered_calls(&mut request.messages);
    if let Some(tools) = fields.want_list("tools")? {
        if tools.is_empty() {
            fields.put("tools", json!([]));
        }
        for (index, value) in tools.into_iter().enumerate() {
            request.tools.push(decode_tool(Fields::at(format!("tools[{index}]"), value)?)?);
        }
    }
    if let Some(options) = fields.want_object("options")? {
        let rest = decode_options(options, &mut request)?;
        fields.put("options", Value::Object(rest));
    }
    request.response_format = decode_format(&mut fields);
    request.reasoning = decode_think(&mut fields)?;
    request.logprobs = fields.want_bool("logprobs")?;
    request.top_logprobs = fields.want_u64("top_logprobs")?;
    request.native = fields.into_native(OLLAMA);
    let cx = AnswerContext {
        model: request.model.clone(),
        stream,
        // The last line of every stream holds it.
        include_usage: true,
        ..AnswerContext::default()
    };
    Ok((request, cx))
}

fn decode_message(index: usize, fields: Fields) -> Result<Message> {
    match fields.get("role") {
        Some(Value::String(_)) => {}
        None | Some(Value::Null) => return Err(fields.missing("role")),
        Some(_) => return Err(fields.wrong("role", "a string")),
    }
    if !matches!(fields.get("content"), None | Some(Value::Null | Value::String(_))) {
        return Err(fields.wrong("content", "a string"));
    }
    let mut calls = 0;
    let mut make_id = || {
        calls += 1;
        format!("call_{index}_{}", calls - 1)
    };
    Ok(message::decode(fields, None, &mut make_id))
}

/// Gives every result without an id that of the first open call of its tool: calls are answered in order.
fn name_answered_calls(messages: &mut [Message]) {
    let mut open: VecDeque<(String, String)> = VecDeque::new();
    for (index, part) in messages.iter_mut().enumerate().flat_map(|(i, m)| m.parts.iter_mut().map(move |p| (i, p))) {
        match &mut part.content {
            Content::ToolCall(call) => open.push_back((call.id.clone(), call.name.clone())),
            Content::ToolResult(result) => {
                let place = open.iter().position(|(id, name)| {
                    if result.call_id.is_empty() {
                        result.name.as_ref().is_none_or(|asked| asked == name)
                    } else {
                        *id == result.call_id
                    }
                });
                let answered = place.and_then(|place| open.remove(place));
                if result.call_id.is_empty() {
                    result.call_id = answered.map_or_else(|| format!("call_{index}"), |(id, _)| id);
                }
            }
            _ => {}
        }
    }
}

fn decode_tool(mut fields: Fields) -> Result<Tool> {
    let Some(mut function) = fields.want_object("function")? else {
        return Ok(Tool::Provider { native: fields.into_native(OLLAMA) });
    };
    let name = function.need_text("name")?;
    let description = function.want_text("description")?;
    let parameters = function.take("parameters");
    if !function.is_empty() {
        fields.put("function", Value::Object(function.into_members()));
    }
    let native: Native = fields.into_native(OLLAMA);
    Ok(Tool::Function { name, description, parameters, strict: None, cache: None, native })
}

fn decode_options(mut options: Fields, request: &mut ChatRequest) -> Result<Map<String, Value>> {
    // A negative bound means none, or all that fits; it stays as it is.
    request.max_tokens = options.take_u64("num_predict");
    request.temperature = options.want_f64("temperature")?;
    request.top_p = options.want_f64("top_p")?;
    request.top_k = options.want_u64("top_k")?;
    request.seed = options.want_i64("seed")?;
    request.presence_penalty = options.want_f64("presence_penalty")?;
    request.frequency_penalty = options.want_f64("frequency_penalty")?;
    if let Some(stop) = options.take_nonempty("stop") {
        request.stop.push(stop);
        options.put("stop", json!(""));
    } else if let Some(Value::Array(list)) = options.get("stop") {
        let texts: Option<Vec<String>> = list.iter().map(|stop| stop.as_str().map(str::to_owned)).collect();
        request.stop = texts.ok_or_else(|| options.wrong("stop", "a list of strings"))?;
        options.put("stop", json!([]));
    }
    Ok(options.into_members())
}

fn decode_format(fields: &mut Fields) -> Option<ResponseFormat> {
    if fields.text("format") == Some("json") {
        fields.take("format");
        return Some(ResponseFormat::JsonObject);
    }
    let schema = Value::Object(fields.take_object("format")?.into_members());
    let name = "response".to_owned();
    Some(ResponseFormat::JsonSchema { name, description: None, schema, strict: None, native: Native::NONE })
}

fn decode_think(fields: &mut Fields) -> Result<Option<ReasoningOptions>> {
    if let Some(enabled) = fields.take_bool("think") {
        return Ok(Some(ReasoningOptions { enabled: Some(enabled), ..ReasoningOptions::default() }));
    }
    if let Some(level) = fields.take_nonempty("think") {
        return Ok(Some(ReasoningOptions { effort: Some(level.as_str().into()), ..ReasoningOptions::default() }));
    }
    match fields.get("think") {
        None | Some(Value::Null | Value::String(_)) => Ok(None),
        Some(_) => Err(fields.wrong("think", "true, false or a level")),
    }
}

#[cfg(test)]
mod tests;
