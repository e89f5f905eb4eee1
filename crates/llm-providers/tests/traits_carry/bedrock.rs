//! A spike of Bedrock's Converse protocol.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use llm_core::chat::{
    Change, ChatAnswer, ChatChunk, ChatRequest, ChunkChoice, Citation, Content, Delta, FinishReason, Part, Reasoning,
    Role, Tool, ToolCall,
};
use llm_core::codec::{
    Chat, DecodeContext, Encoded, Frame, ResponseHead, StreamDecoder, Target, Upstream, kind_of_status,
};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Meter, Native, Protocol, Result, Usage};
use llm_providers::framing::Framer;
use serde_json::{Value, json};

const BEDROCK: Protocol = Protocol::Bedrock;

pub(crate) struct Bedrock;

impl Upstream<Chat> for Bedrock {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        let mut system = Vec::new();
        let mut messages = Vec::new();
        for message in &request.messages {
            let content: Vec<Value> = message.parts.iter().map(block).collect();
            match message.role {
                Role::System => system.extend(content),
                Role::Assistant => messages.push(json!({"role": "assistant", "content": content})),
                _ => messages.push(json!({"role": "user", "content": content})),
            }
        }
        let tools: Vec<Value> = request.tools.iter().map(tool_spec).collect();
        let body = json!({
            "messages": messages,
            "system": system,
            "inferenceConfig": {"temperature": request.temperature, "maxTokens": request.max_tokens},
            "toolConfig": {"tools": tools},
        });
        let method = if target.stream { "converse-stream" } else { "converse" };
        let path = format!("/model/{}/{method}", percent_encoded(target.model));
        Ok(Encoded::post(path, serde_json::to_vec(&body).unwrap().into(), DecodeContext::new(target)))
    }

    fn decode_answer(&self, _: &DecodeContext, _: &ResponseHead, _: &[u8]) -> Result<ChatAnswer> {
        Err(Error::new(ErrorKind::NotImplemented, "not in this spike"))
    }

    fn decode_stream(&self, _: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        Box::new(Decoder::default())
    }

    fn decode_error(&self, _: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        Error::new(kind_of_status(head.status), "").with_body(Bytes::copy_from_slice(body))
    }
}

fn block(part: &Part) -> Value {
    match &part.content {
        Content::Text { text, .. } => json!({ "text": text }),
        Content::ToolCall(call) => {
            let input: Value = serde_json::from_str(&call.arguments).unwrap();
            json!({"toolUse": {"toolUseId": call.id, "name": call.name, "input": input}})
        }
        Content::ToolResult(result) => {
            let text: String = result.content.iter().filter_map(Part::as_text).collect();
            let value: Value = serde_json::from_str(&text).unwrap();
            json!({"toolResult": {"toolUseId": result.call_id, "content": [{"json": value}]}})
        }
        other => panic!("not in this spike: {other:?}"),
    }
}

fn tool_spec(tool: &Tool) -> Value {
    let Tool::Function { name, description, parameters, .. } = tool else { panic!("not in this spike") };
    json!({"toolSpec": {"name": name, "description": description, "inputSchema": {"json": parameters}}})
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
    }
    out
}

#[derive(Default)]
struct Decoder {
    /// Bedrock's block indexes, and the parts they became.
    parts: BTreeMap<u64, u32>,
    stopped: bool,
}

impl Decoder {
    fn begin(&mut self, block: u64, part: Part, deltas: &mut Vec<Delta>) {
        let number = self.parts.len() as u32;
        self.parts.insert(block, number);
        deltas.push(Delta::new(number, Change::Start(part)));
    }

    /// Only tools have a start event; text and thoughts begin with their first piece.
    fn delta(&mut self, block: u64, mut delta: Fields, deltas: &mut Vec<Delta>) {
        let (start, change): (Part, _) = if let Some(text) = delta.take_text("text") {
            (Part::text(""), Change::Text(text))
        } else if let Some(mut thought) = delta.take_object("reasoningContent") {
            if let Some(encrypted) = thought.take_text("redactedContent") {
                let reasoning = Reasoning { encrypted: Some(encrypted), ..Reasoning::default() };
                return self.begin(block, reasoning.into(), deltas);
            }
            let change = match thought.take_text("signature") {
                Some(signature) => Change::Signature(signature),
                None => Change::Reasoning(thought.take_text("text").unwrap_or_default()),
            };
            (Reasoning::default().into(), change)
        } else if let Some(mut tool) = delta.take_object("toolUse") {
            (ToolCall::default().into(), Change::Arguments(tool.take_text("input").unwrap_or_default()))
        } else if let Some(citation) = delta.take_object("citation") {
            let native = citation.into_native(BEDROCK);
            (Part::text(""), Change::Citation(Citation { native, ..Citation::default() }))
        } else {
            let value = Value::Object(delta.into_members());
            return self.begin(block, Content::Unknown { protocol: BEDROCK, value }.into(), deltas);
        };
        if !self.parts.contains_key(&block) {
            self.begin(block, start, deltas);
        }
        deltas.push(Delta { part: self.parts[&block], change, native: delta.into_native(BEDROCK) });
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        let mut event = Fields::parse(frame.data)?;
        if frame.is_error {
            let kind = match frame.event {
                "throttlingException" => ErrorKind::RateLimited,
                "validationException" => ErrorKind::InvalidRequest,
                "serviceUnavailableException" => ErrorKind::Overloaded,
                _ => ErrorKind::ProviderError,
            };
            return Err(Error::new(kind, event.take_text("message").unwrap_or_default()).with_code(frame.event));
        }
        let mut chunk = ChatChunk::default();
        let mut choice = ChunkChoice::default();
        let block = event.take_u64("contentBlockIndex").unwrap_or_default();
        match frame.event {
            "messageStart" => choice.role = event.take_text("role").map(|role| Role::from(role.as_str())),
            "contentBlockStart" => {
                if let Some(mut tool) = event.take_object("start").and_then(|mut start| start.take_object("toolUse")) {
                    let call = ToolCall {
                        id: tool.take_text("toolUseId").unwrap_or_default(),
                        name: tool.take_text("name").unwrap_or_default(),
                        arguments: String::new(),
                    };
                    self.begin(block, Part::from(call).with_native(tool.into_native(BEDROCK)), &mut choice.deltas);
                }
            }
            "contentBlockDelta" => {
                if let Some(delta) = event.take_object("delta") {
                    self.delta(block, delta, &mut choice.deltas);
                }
            }
            "contentBlockStop" => {
                choice.deltas.extend(self.parts.get(&block).map(|&part| Delta::new(part, Change::Stop)));
            }
            "messageStop" => {
                self.stopped = true;
                choice.finish_reason = event.take_text("stopReason").map(|said| match said.as_str() {
                    "end_turn" => FinishReason::Stop,
                    "tool_use" => FinishReason::ToolCalls,
                    "max_tokens" => FinishReason::Length,
                    _ => FinishReason::from(said.as_str()),
                });
            }
            "metadata" => chunk.usage = event.take_object("usage").map(usage),
            _ => {}
        }
        choice.native = event.into_native(BEDROCK);
        chunk.choices.push(choice);
        out.push(chunk);
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<ChatChunk>) -> Result<()> {
        if self.stopped { Ok(()) } else { Err(Error::cut()) }
    }
}

/// What was read from the cache is not part of the input, and is said twice.
fn usage(fields: Fields) -> Usage {
    let members = fields.into_members();
    let count = |name: &str| members.get(name).and_then(Value::as_u64).unwrap_or(0);
    let mut usage = Usage::default()
        .with(Meter::Input, count("inputTokens"))
        .with(Meter::Output, count("outputTokens"))
        .with(Meter::CacheRead, count("cacheReadInputTokens"))
        .with(Meter::CacheWrite, count("cacheWriteInputTokens"));
    usage.native = Native::new(BEDROCK, members);
    usage
}

/// Panics where `answer` is not what the events say, told without the codec.
pub(crate) fn agrees(answer: &ChatAnswer, mut framer: Box<dyn Framer>, body: &[u8], name: &str) {
    framer.push(body);
    let (mut text, mut thoughts, mut calls, mut input, mut total) =
        (String::new(), String::new(), 0, String::new(), None);
    while let Some(found) = framer.next_frame().unwrap() {
        let event: Value = serde_json::from_slice(found.frame.data).unwrap();
        text += event.pointer("/delta/text").and_then(Value::as_str).unwrap_or_default();
        thoughts += event.pointer("/delta/reasoningContent/text").and_then(Value::as_str).unwrap_or_default();
        input += event.pointer("/delta/toolUse/input").and_then(Value::as_str).unwrap_or_default();
        calls += usize::from(event.pointer("/start/toolUse").is_some());
        total = event.pointer("/usage/totalTokens").and_then(Value::as_u64).or(total);
    }
    assert_eq!((answer.text(), answer.reasoning()), (text, thoughts), "{name}");
    let arguments: String = answer.tool_calls().iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!((answer.tool_calls().len(), arguments), (calls, input), "{name}");
    assert_eq!(Some(answer.usage().total()), total, "{name}");
}
