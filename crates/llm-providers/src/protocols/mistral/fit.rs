//! What Mistral takes of what OpenAI's callers say. It answers 422 to members that it does not know, be they null.
//!
//! Source: its API reference and the models of its SDK.

use llm_core::Result;
use llm_core::chat::{ChatRequest, Role};
use llm_core::codec::Unsupported;
use serde_json::{Map, Value, json};

use crate::protocols::openai_chat::tier;

/// What a message of its own may have beside `role` and `content`, by role.
const MEMBERS: [(&str, &[&str]); 4] =
    [("system", &[]), ("user", &[]), ("assistant", &["prefix", "tool_calls"]), ("tool", &["name", "tool_call_id"])];

/// Says of what a request of another protocol asks for and Mistral lacks that it can't be sent.
pub(super) fn refuse(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<()> {
    for (place, message) in request.messages.iter().enumerate() {
        if message.name.is_some() && message.role != Role::Tool {
            unsupported.param(&format!("messages[{place}].name"), "it has no names for speakers")?;
        }
    }
    match request.service_tier.as_deref() {
        Some(word) if word_of_tier(word).is_none() => {
            unsupported.param("service_tier", &format!("it has no tier `{word}`"))
        }
        _ => Ok(()),
    }
}

/// Its word for a service tier: what there is of capacity, or the standard one and no other.
fn word_of_tier(tier: &str) -> Option<&'static str> {
    match tier {
        "auto" => Some("auto"),
        other => tier::is_default(other).then_some("standard_only"),
    }
}

/// Takes out of the body of a request of another protocol what Mistral does not know, and adds what it can't do without.
pub(super) fn fit(out: &mut Map<String, Value>) {
    if let Some(tier) = out.remove("service_tier")
        && let Some(word) = tier.as_str().and_then(word_of_tier)
    {
        out.insert("service_tier".to_owned(), json!(word));
    }
    for message in objects(out.get_mut("messages")) {
        fit_message(message);
    }
    for tool in objects(out.get_mut("tools")) {
        if let Some(Value::Object(function)) = tool.get_mut("function") {
            function.entry("parameters").or_insert_with(|| json!({"type": "object", "properties": {}}));
        }
    }
}

/// OpenAI's SDKs send back a message as it came, with every member that nothing was said in.
fn fit_message(message: &mut Map<String, Value>) {
    let role = message.get("role").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some((_, known)) = MEMBERS.iter().find(|(name, _)| *name == role) else { return };
    if message.get("refusal").is_some_and(Value::is_string) && message.get("content").is_none_or(Value::is_null) {
        let refusal = message.remove("refusal").unwrap_or_default();
        message.insert("content".to_owned(), refusal);
    }
    let says_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    message.retain(|name, value| match name.as_str() {
        "role" | "content" => true,
        // Refused before, or let go; and where an answer took its words from, which no protocol says again.
        "name" if role != "tool" => false,
        "annotations" => false,
        name => known.contains(&name) && !value.is_null() || !says_nothing(value),
    });
}

fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}
