//! A spike of Gemini's protocol.

use bytes::Bytes;
use llm_core::chat::{
    Change, ChatAccumulator, ChatAnswer, ChatChunk, ChatRequest, ChunkChoice, Content, Delta, FinishReason, Part,
    Reasoning, Role, Tool, ToolCall,
};
use llm_core::codec::{
    Chat, DecodeContext, Encoded, Frame, ResponseHead, StreamDecoder, Target, Upstream, kind_of_status,
};
use llm_core::fields::Fields;
use llm_core::{Error, Meter, Native, Protocol, Result, Usage};
use serde_json::{Map, Value, json};

const GEMINI: Protocol = Protocol::Gemini;

pub(crate) struct Gemini;

impl Upstream<Chat> for Gemini {
    fn encode_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
        let mut system = Vec::new();
        let mut contents = Vec::new();
        let mut tools_by_id = Map::new();
        for message in &request.messages {
            let mut parts = Vec::new();
            for part in &message.parts {
                parts.push(match &part.content {
                    Content::Text { text, .. } => json!({ "text": text }),
                    Content::ToolCall(call) => {
                        tools_by_id.insert(call.id.clone(), json!(call.name));
                        let args: Value = serde_json::from_str(&call.arguments).unwrap();
                        json!({"functionCall": {"id": call.id, "name": call.name, "args": args}})
                    }
                    Content::ToolResult(result) => {
                        let text: String = result.content.iter().filter_map(Part::as_text).collect();
                        let response: Value = serde_json::from_str(&text).unwrap();
                        let name = &tools_by_id[&result.call_id];
                        json!({"functionResponse": {"id": result.call_id, "name": name, "response": response}})
                    }
                    other => panic!("not in this spike: {other:?}"),
                });
            }
            match message.role {
                Role::System => system.extend(parts),
                Role::Assistant => contents.push(json!({"role": "model", "parts": parts})),
                _ => contents.push(json!({"role": "user", "parts": parts})),
            }
        }
        let tools: Vec<Value> = request.tools.iter().map(declaration).collect();
        let body = json!({
            "contents": contents,
            "systemInstruction": {"parts": system},
            "generationConfig": {"temperature": request.temperature, "maxOutputTokens": request.max_tokens},
            "tools": [{"functionDeclarations": tools}],
        });
        let method = if target.stream { "streamGenerateContent" } else { "generateContent" };
        let path = format!("/models/{}:{method}", target.model);
        let mut encoded = Encoded::post(path, serde_json::to_vec(&body).unwrap().into(), DecodeContext::new(target));
        if target.stream {
            encoded.query.push(("alt".into(), "sse".into()));
        }
        Ok(encoded)
    }

    /// A whole answer is a stream of one event.
    fn decode_answer(&self, cx: &DecodeContext, _: &ResponseHead, body: &[u8]) -> Result<ChatAnswer> {
        let mut chunks = Vec::new();
        let mut decoder = Decoder::new(cx);
        decoder.decode(&Frame::data(body), &mut chunks)?;
        decoder.finish(&mut chunks)?;
        let mut accumulator = ChatAccumulator::new(cx.provider.as_str());
        chunks.iter().for_each(|chunk| accumulator.push(chunk));
        Ok(accumulator.finish())
    }

    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Chat>> {
        Box::new(Decoder::new(cx))
    }

    fn decode_error(&self, _: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        Error::new(kind_of_status(head.status), "").with_body(Bytes::copy_from_slice(body))
    }
}

fn declaration(tool: &Tool) -> Value {
    let Tool::Function { name, description, parameters, .. } = tool else { panic!("not in this spike") };
    json!({"name": name, "description": description, "parametersJsonSchema": parameters})
}

struct Decoder {
    cx: DecodeContext,
    /// The parts that have begun, and whether the last one grows with text or thoughts.
    parts: u32,
    grows: Option<&'static str>,
    calls: usize,
    stopped: bool,
}

impl Decoder {
    fn new(cx: &DecodeContext) -> Self {
        Self { cx: cx.clone(), parts: 0, grows: None, calls: 0, stopped: false }
    }

    fn begin(&mut self, part: Part, deltas: &mut Vec<Delta>) {
        deltas.push(Delta::new(self.parts, Change::Start(part)));
        self.parts += 1;
        self.grows = None;
    }

    fn part(&mut self, mut part: Fields, deltas: &mut Vec<Delta>) {
        if let Some(mut call) = part.take_object("functionCall") {
            self.calls += 1;
            let id = call.take_text("id").unwrap_or_else(|| format!("call_{}_{}", self.cx.id_seed, self.calls - 1));
            let name = call.take_text("name").unwrap_or_default();
            let call = ToolCall::new(id, name, call.take("args").unwrap_or_else(|| json!({})).to_string());
            return self.begin(Part::from(call).with_native(part.into_native(GEMINI)), deltas);
        }
        let Some(text) = part.take_text("text") else {
            let value = Value::Object(part.into_members());
            return self.begin(Content::Unknown { protocol: GEMINI, value }.into(), deltas);
        };
        let (kind, empty, change) = match part.take_bool("thought") {
            Some(true) => ("thought", Reasoning::default().into(), Change::Reasoning(text)),
            _ => ("text", Part::text(""), Change::Text(text)),
        };
        if self.grows != Some(kind) {
            self.begin(empty, deltas);
            self.grows = Some(kind);
        }
        // A signature belongs to the part it came with, so nothing is added to that part any more.
        if part.get("thoughtSignature").is_some() {
            self.grows = None;
        }
        deltas.push(Delta { part: self.parts - 1, change, native: part.into_native(GEMINI) });
    }
}

impl StreamDecoder<Chat> for Decoder {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<ChatChunk>) -> Result<()> {
        if frame.data.is_empty() {
            return Ok(());
        }
        let mut event = Fields::parse(frame.data)?;
        if let Some(error) = event.take_object("error") {
            return Err(Error::bad_answer(error.text("message").unwrap_or_default()));
        }
        let mut chunk = ChatChunk {
            id: event.take_text("responseId"),
            model: event.take_text("modelVersion"),
            ..ChatChunk::default()
        };
        chunk.usage = event.take_object("usageMetadata").map(usage);
        for candidate in event.take_list("candidates").unwrap_or_default() {
            let mut candidate = Fields::at("candidates", candidate)?;
            let mut choice = ChunkChoice { role: Some(Role::Assistant), ..ChunkChoice::default() };
            for part in
                candidate.take_object("content").and_then(|mut content| content.take_list("parts")).unwrap_or_default()
            {
                self.part(Fields::at("parts", part)?, &mut choice.deltas);
            }
            choice.finish_reason = candidate.take_text("finishReason").map(|said| match said.as_str() {
                "STOP" if self.calls > 0 => FinishReason::ToolCalls,
                "STOP" => FinishReason::Stop,
                "MAX_TOKENS" => FinishReason::Length,
                _ => FinishReason::Unknown(said),
            });
            self.stopped |= choice.finish_reason.is_some();
            choice.native = candidate.into_native(GEMINI);
            chunk.choices.push(choice);
        }
        chunk.native = event.into_native(GEMINI);
        out.push(chunk);
        Ok(())
    }

    /// Nothing but the end of the connection ends a stream, so a reason to stop must have come.
    fn finish(&mut self, _: &mut Vec<ChatChunk>) -> Result<()> {
        if self.stopped { Ok(()) } else { Err(Error::cut()) }
    }
}

/// Thoughts are not part of the candidates' count; what was cached is part of the prompt's.
fn usage(fields: Fields) -> Usage {
    let members = fields.into_members();
    let count = |name: &str| members.get(name).and_then(Value::as_u64).unwrap_or(0);
    let cached = count("cachedContentTokenCount");
    let mut usage = Usage::default()
        .with(Meter::Input, count("promptTokenCount").saturating_sub(cached))
        .with(Meter::CacheRead, cached)
        .with(Meter::Output, count("candidatesTokenCount"))
        .with(Meter::Reasoning, count("thoughtsTokenCount"));
    usage.native = Native::new(GEMINI, members);
    usage
}

/// Panics where `answer` is not what the events say, told without the codec.
pub(crate) fn agrees(answer: &ChatAnswer, raw: &str, name: &str) {
    let events: Vec<Value> = match serde_json::from_str(raw) {
        Ok(events) => events,
        Err(_) => raw.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect(),
    };
    let parts = || events.iter().filter_map(|event| event.pointer("/candidates/0/content/parts")?.as_array()).flatten();
    let texts = |thought: bool| -> String {
        parts().filter(|part| (part["thought"] == true) == thought).filter_map(|part| part["text"].as_str()).collect()
    };
    assert_eq!((answer.text(), answer.reasoning()), (texts(false), texts(true)), "{name}");
    assert_eq!(answer.tool_calls().len(), parts().filter(|part| part.get("functionCall").is_some()).count(), "{name}");
    let last = events.iter().rev().find_map(|event| event.get("usageMetadata")).unwrap();
    assert_eq!(answer.usage().native.members(GEMINI), last.as_object(), "{name}");
    assert_eq!(
        Some(answer.usage().output_tokens()),
        sum(last, &["candidatesTokenCount", "thoughtsTokenCount"]),
        "{name}"
    );
}

fn sum(usage: &Value, names: &[&str]) -> Option<u64> {
    names.iter().filter_map(|name| usage[name].as_u64()).reduce(|a, b| a + b)
}
