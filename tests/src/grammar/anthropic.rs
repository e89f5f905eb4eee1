//! Anthropic Messages, both API versions.

use serde_json::Value;

use super::{is_count, text};
use crate::replay::Event;

/// Where the stream stands.
#[derive(Default)]
struct State {
    started: bool,
    stopped: bool,
    reason: bool,
    blocks: u64,
    open: Option<Block>,
}

/// The block that is open.
struct Block {
    index: u64,
    kind: String,
}

pub(super) fn check(events: &[Event]) -> Vec<String> {
    let mut found = Vec::new();
    let mut state = State::default();
    for (place, event) in events.iter().enumerate() {
        let value = event.value();
        let kind = text(&value, "/type");
        let mut complain = |what: &str| found.push(format!("event {place}: {what}: {event}"));
        if event.name != kind {
            complain("its name is not its type");
        }
        if state.stopped {
            complain("comes after the end");
        }
        if !state.started && kind != "message_start" {
            complain("comes before the start");
        }
        state.take(kind, &value, &mut complain);
    }
    if !state.stopped {
        found.push("does not end with `message_stop`".to_owned());
    }
    found
}

impl State {
    fn take(&mut self, kind: &str, value: &Value, complain: &mut impl FnMut(&str)) {
        match kind {
            "message_start" => {
                if self.started {
                    complain("starts twice");
                }
                self.started = true;
                let message = &value["message"];
                let fits = message["type"] == "message"
                    && message["role"] == "assistant"
                    && !text(message, "/id").is_empty()
                    && message["model"].is_string()
                    && message["content"].as_array().is_some_and(Vec::is_empty)
                    && message["stop_reason"].is_null()
                    && is_count(message, "/usage/input_tokens")
                    && is_count(message, "/usage/output_tokens");
                if !fits {
                    complain("starts with a message that is no empty message");
                }
            }
            "content_block_start" => self.begin(value, complain),
            "content_block_delta" => self.go_on(value, complain),
            "content_block_stop" => match self.open.take() {
                Some(block) if value["index"] == block.index => {}
                _ => complain("stops a block that is not open"),
            },
            "message_delta" => {
                if self.open.is_some() {
                    complain("ends the message with a block open");
                }
                self.reason |= value.pointer("/delta/stop_reason").is_some_and(Value::is_string);
                if !is_count(value, "/usage/output_tokens") {
                    complain("has no usage");
                }
            }
            "message_stop" => {
                if !self.reason {
                    complain("stops without a reason");
                }
                self.stopped = true;
            }
            "ping" => {}
            "error" => complain("is an error"),
            _ => complain("is of a type that no SDK knows"),
        }
    }

    fn begin(&mut self, value: &Value, complain: &mut impl FnMut(&str)) {
        if self.open.is_some() {
            complain("begins a block inside a block");
        }
        if self.reason {
            complain("begins a block after the reason to stop");
        }
        let index = value["index"].as_u64().unwrap_or(u64::MAX);
        if index != self.blocks {
            complain("numbers its blocks with a gap");
        }
        self.blocks += 1;
        let block = &value["content_block"];
        let kind = text(block, "/type").to_owned();
        let fits = match kind.as_str() {
            "text" => block["text"].is_string(),
            "thinking" => block["thinking"].is_string(),
            "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                !text(block, "/id").is_empty() && !text(block, "/name").is_empty() && block["input"].is_object()
            }
            "" => false,
            _ => true,
        };
        if !fits {
            complain("begins a block that lacks a member");
        }
        self.open = Some(Block { index, kind });
    }

    fn go_on(&mut self, value: &Value, complain: &mut impl FnMut(&str)) {
        let Some(block) = &self.open else { return complain("goes on with no block open") };
        if value["index"] != block.index {
            complain("goes on with another block");
        }
        let member = match (block.kind.as_str(), text(value, "/delta/type")) {
            ("text", "text_delta") => "/delta/text",
            ("text", "citations_delta") => return,
            ("thinking", "thinking_delta") => "/delta/thinking",
            ("thinking", "signature_delta") => "/delta/signature",
            ("tool_use" | "server_tool_use" | "mcp_tool_use", "input_json_delta") => "/delta/partial_json",
            ("text" | "thinking" | "tool_use", _) => return complain("has a delta of another kind of block"),
            _ => return,
        };
        if !value.pointer(member).is_some_and(Value::is_string) {
            complain("has a delta without its text");
        }
    }
}
