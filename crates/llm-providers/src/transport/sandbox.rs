//! The `sandbox` provider: a stand-in that answers by itself, the same words for the same question.
//!
//! It speaks OpenAI Chat Completions, so that everything around a call (keys, limits, spend, streams, translation) can
//! be tried without a provider and without a network. One word is one token, and a token has a small made-up price.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use llm_core::codec::ResponseHead;
use llm_core::{Meter, Price};
use serde_json::{Value, json};

use super::{WireBody, WireRequest, WireResponse};

/// The one model of the sandbox.
pub const SANDBOX_MODEL: &str = "echo";

/// What the sandbox's tokens cost: 0.10 US dollars per million in, 0.40 out. Made up.
pub fn sandbox_price() -> Price {
    Price::new([(Meter::Input, 100_000_000), (Meter::Output, 400_000_000)])
}

pub(super) fn answer(request: &WireRequest) -> WireResponse {
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(Value::Object(body)) => Reply::to(&Value::Object(body)).send(),
        _ => refuse("the request body must be a JSON object"),
    }
}

/// One answer, not yet on the wire.
struct Reply {
    model: String,
    words: Vec<String>,
    tool_call: Option<String>,
    prompt_tokens: usize,
    finish: &'static str,
    stream: bool,
    include_usage: bool,
}

impl Reply {
    fn to(request: &Value) -> Self {
        let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let question = messages.iter().rev().find(|message| message["role"] == "user").map(text_of).unwrap_or_default();
        let text = match request["response_format"]["type"].as_str() {
            Some("json_schema") => smallest(&request["response_format"]["json_schema"]["schema"]).to_string(),
            Some("json_object") => json!({"sandbox": true}).to_string(),
            _ => format!("This is the sandbox, not a model. You said: {question}"),
        };
        let mut words: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
        let bound = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| request[*name].as_u64());
        let bound = bound.and_then(|bound| usize::try_from(bound).ok()).unwrap_or(usize::MAX);
        let mut finish = if words.len() > bound { "length" } else { "stop" };
        words.truncate(bound);
        let tool_call = forced_tool(request);
        if tool_call.is_some() {
            words.clear();
            finish = "tool_calls";
        }
        Self {
            model: request["model"].as_str().unwrap_or(SANDBOX_MODEL).to_owned(),
            words,
            tool_call,
            prompt_tokens: messages.iter().map(|message| text_of(message).split_whitespace().count()).sum(),
            finish,
            stream: request["stream"] == true,
            include_usage: request["stream_options"]["include_usage"] == true,
        }
    }

    fn usage(&self) -> Value {
        let completion = self.words.len() + usize::from(self.tool_call.is_some());
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
        })
    }

    fn tool_calls(&self, name: &str) -> Value {
        json!([{"index": 0, "id": "call_sandbox", "type": "function", "function": {"name": name, "arguments": "{}"}}])
    }

    fn send(&self) -> WireResponse {
        if !self.stream {
            let mut message = json!({"role": "assistant", "content": self.words.concat(), "refusal": null});
            if let Some(name) = &self.tool_call {
                message["content"] = Value::Null;
                message["tool_calls"] = self.tool_calls(name);
                if let Some(call) = message["tool_calls"][0].as_object_mut() {
                    call.remove("index");
                }
            }
            let mut body = self.envelope("chat.completion");
            body["choices"] = json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish}]);
            body["usage"] = self.usage();
            return respond(StatusCode::OK, "application/json", [Bytes::from(body.to_string())]);
        }
        let mut events = vec![self.chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
        if let Some(name) = &self.tool_call {
            events.push(self.chunk(json!({"tool_calls": self.tool_calls(name)}), Value::Null));
        }
        events.extend(self.words.iter().map(|word| self.chunk(json!({"content": word}), Value::Null)));
        events.push(self.chunk(json!({}), json!(self.finish)));
        if self.include_usage {
            let mut last = self.envelope("chat.completion.chunk");
            last["choices"] = json!([]);
            last["usage"] = self.usage();
            events.push(last);
        }
        let frames = events.into_iter().map(|event| Bytes::from(format!("data: {event}\n\n")));
        respond(StatusCode::OK, "text/event-stream", frames.chain([Bytes::from_static(b"data: [DONE]\n\n")]))
    }

    fn envelope(&self, object: &str) -> Value {
        json!({"id": "chatcmpl-sandbox", "object": object, "created": 0, "model": self.model})
    }

    fn chunk(&self, delta: Value, finish: Value) -> Value {
        let mut event = self.envelope("chat.completion.chunk");
        event["choices"] = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        event
    }
}

fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

/// The tool that the request insists on, if it does.
fn forced_tool(request: &Value) -> Option<String> {
    let name = match &request["tool_choice"] {
        Value::String(choice) if choice == "required" => &request["tools"][0]["function"]["name"],
        choice => &choice["function"]["name"],
    };
    name.as_str().map(str::to_owned)
}

/// A small value that matches the plain parts of a JSON Schema: types, properties, items, enums and constants.
fn smallest(schema: &Value) -> Value {
    if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return value.clone();
    }
    match schema["type"].as_str() {
        Some("string") => json!("sandbox"),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(0)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("null") => Value::Null,
        _ => {
            let members = schema["properties"].as_object().into_iter().flatten();
            Value::Object(members.map(|(name, schema)| (name.clone(), smallest(schema))).collect())
        }
    }
}

fn refuse(message: &str) -> WireResponse {
    let body = json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}});
    respond(StatusCode::BAD_REQUEST, "application/json", [Bytes::from(body.to_string())])
}

fn respond(status: StatusCode, content_type: &'static str, pieces: impl IntoIterator<Item = Bytes>) -> WireResponse {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    WireResponse { head: ResponseHead { status, headers }, body: WireBody::ready(pieces) }
}
