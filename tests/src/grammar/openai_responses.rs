//! OpenAI Responses: every event in its place, numbered, and the last response holding what the events said.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{is_count, text};
use crate::replay::Event;

/// Where the stream stands.
#[derive(Default)]
struct State {
    created: bool,
    over: bool,
    items: Vec<Item>,
}

/// An item that has begun.
#[derive(Default)]
struct Item {
    id: String,
    kind: String,
    /// The texts of its parts, or its summary, or its arguments, as the pieces say them.
    said: BTreeMap<u64, String>,
    /// The item as it ended.
    done: Option<Value>,
}

pub(super) fn check(events: &[Event]) -> Vec<String> {
    let mut found = Vec::new();
    let mut state = State::default();
    for (place, event) in events.iter().enumerate() {
        let value = event.value();
        let kind = text(&value, "/type").to_owned();
        let mut complain = |what: &str| found.push(format!("event {place}: {what}: {event}"));
        if event.name != kind {
            complain("its name is not its type");
        }
        if value["sequence_number"] != place {
            complain("its number is not its place");
        }
        if state.over {
            complain("comes after the end");
        }
        if state.created != (place > 0) {
            complain("the stream does not begin with `response.created`");
        }
        state.take(&kind, &value, &mut complain);
    }
    if !state.over {
        found.push("does not end with a response that is over".to_owned());
    }
    found
}

impl State {
    fn take(&mut self, kind: &str, value: &Value, complain: &mut impl FnMut(&str)) {
        match kind {
            "response.created" | "response.in_progress" => {
                self.created = true;
                check_response(&value["response"], complain);
                if value["response"]["status"] != "in_progress" || value["response"]["output"] != json!([]) {
                    complain("begins with a response that has begun already");
                }
            }
            "response.output_item.added" => {
                if value["output_index"] != self.items.len() {
                    complain("items are not numbered in order");
                }
                let item = &value["item"];
                if text(item, "/id").is_empty() || text(item, "/type").is_empty() {
                    complain("an item has no id or type");
                }
                let (id, kind) = (text(item, "/id").to_owned(), text(item, "/type").to_owned());
                self.items.push(Item { id, kind, ..Item::default() });
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.over = true;
                self.end(kind, &value["response"], complain);
            }
            _ => self.in_item(kind, value, complain),
        }
    }

    fn in_item(&mut self, kind: &str, value: &Value, complain: &mut impl FnMut(&str)) {
        let index = value["output_index"].as_u64().and_then(|index| usize::try_from(index).ok());
        let Some(item) = index.and_then(|index| self.items.get_mut(index)) else {
            return complain("its item has not begun");
        };
        if item.done.is_some() {
            complain("its item is over");
        }
        if kind == "response.output_item.done" {
            if value["item"]["id"] != item.id || value["item"]["type"] != item.kind {
                complain("an item ends as another");
            }
            item.done = Some(value["item"].clone());
            return item.check_whole(complain);
        }
        if value["item_id"] != item.id {
            complain("names another item");
        }
        let (of, member, number) = match kind {
            "response.content_part.added" | "response.content_part.done" => ("message", "/part/type", "content_index"),
            "response.output_text.delta" => ("message", "/delta", "content_index"),
            "response.output_text.done" => ("message", "/text", "content_index"),
            "response.output_text.annotation.added" => ("message", "/annotation/type", "content_index"),
            "response.refusal.delta" => ("message", "/delta", "content_index"),
            "response.refusal.done" => ("message", "/refusal", "content_index"),
            "response.reasoning_summary_part.added" | "response.reasoning_summary_part.done" => {
                ("reasoning", "/part/type", "summary_index")
            }
            "response.reasoning_summary_text.delta" => ("reasoning", "/delta", "summary_index"),
            "response.reasoning_summary_text.done" => ("reasoning", "/text", "summary_index"),
            "response.function_call_arguments.delta" => ("function_call", "/delta", "output_index"),
            "response.function_call_arguments.done" => ("function_call", "/arguments", "output_index"),
            "response.custom_tool_call_input.delta" => ("custom_tool_call", "/delta", "output_index"),
            "response.custom_tool_call_input.done" => ("custom_tool_call", "/input", "output_index"),
            _ => return complain("is of a type that no SDK knows"),
        };
        if item.kind != of {
            complain("is no event of such an item");
        }
        if !value.pointer(member).is_some_and(Value::is_string) || !value[number].is_u64() {
            complain("lacks a member");
        }
        let number = value[number].as_u64().unwrap_or_default();
        if kind.ends_with("part.added") && item.said.insert(number, String::new()).is_some() {
            complain("a part begins twice");
        }
        if kind.ends_with(".delta") {
            if of.ends_with("_call") {
                item.said.entry(number).or_default();
            }
            match item.said.get_mut(&number) {
                Some(said) => said.push_str(text(value, "/delta")),
                None => complain("its part has not begun"),
            }
        }
        if kind.ends_with("text.done") || kind.ends_with("refusal.done") {
            let said = item.said.get(&number).map(String::as_str);
            if said != Some(text(value, member)) {
                complain("ends with another text than the pieces said");
            }
        }
    }

    fn end(&self, kind: &str, response: &Value, complain: &mut impl FnMut(&str)) {
        check_response(response, complain);
        if kind.strip_prefix("response.") != response["status"].as_str() {
            complain("its status is not its type");
        }
        let done: Vec<&Value> = self.items.iter().filter_map(|item| item.done.as_ref()).collect();
        if done.len() != self.items.len() {
            complain("ends with items open");
        }
        if json!(done) != response["output"] {
            complain("the last response holds other items than were said");
        }
        for count in ["/usage/input_tokens", "/usage/output_tokens", "/usage/total_tokens"] {
            if !is_count(response, count) {
                complain("has no usage");
            }
        }
    }
}

impl Item {
    fn check_whole(&self, complain: &mut impl FnMut(&str)) {
        let item = self.done.as_ref().unwrap_or(&Value::Null);
        let texts: Vec<&str> = match self.kind.as_str() {
            "message" => {
                let parts = item["content"].as_array().map(Vec::as_slice).unwrap_or_default();
                parts
                    .iter()
                    .map(|part| part["text"].as_str().or(part["refusal"].as_str()).unwrap_or_default())
                    .collect()
            }
            "reasoning" => {
                let parts = item["summary"].as_array().map(Vec::as_slice).unwrap_or_default();
                parts.iter().map(|part| text(part, "/text")).collect()
            }
            kind @ ("function_call" | "custom_tool_call") => {
                if text(item, "/call_id").is_empty() || text(item, "/name").is_empty() {
                    complain("a call has no id or name");
                }
                // Nothing is an empty object.
                if self.said.is_empty() {
                    Vec::new()
                } else {
                    vec![text(item, if kind == "function_call" { "/arguments" } else { "/input" })]
                }
            }
            _ => return,
        };
        if !self.said.values().map(String::as_str).eq(texts) {
            complain("an item ends with another text than its pieces said");
        }
    }
}

fn check_response(response: &Value, complain: &mut impl FnMut(&str)) {
    let fits = response["object"] == "response"
        && !text(response, "/id").is_empty()
        && response["created_at"].is_number()
        && response["model"].is_string()
        && response["output"].is_array()
        && response["tools"].is_array()
        && !response["tool_choice"].is_null()
        && response["parallel_tool_calls"].is_boolean();
    if !fits {
        complain("holds a response that lacks a member");
    }
}
