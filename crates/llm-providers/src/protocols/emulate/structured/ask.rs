//! How a request asks for structured output of a provider that has none.

use llm_core::Protocol;
use llm_core::chat::{ChatRequest, Message, ResponseFormat, Role, Tool, ToolChoice};
use llm_core::codec::{EmulatedFormat, Quirks};
use serde_json::{Value, json};

/// The member of a request that is stood in for.
const PARAM: &str = "response_format";
/// What a model is told that is to answer in JSON of any form.
const JSON_MODE: &str = "Answer with one JSON object and nothing around it.";

/// The request as such a provider can take it; none where it has structured output, or none is asked for.
///
/// A provider with a mode for JSON of any form is told the schema in words. One without is made to call a tool whose
/// arguments have the schema, unless the request has tools of its own or the provider takes none; then words must do.
pub(in super::super) fn emulated(
    request: &ChatRequest,
    protocol: Protocol,
    quirks: &Quirks,
) -> Option<(ChatRequest, EmulatedFormat)> {
    if request.response_format == Some(ResponseFormat::JsonObject) && lacks_json_mode(protocol) {
        let schema = json!({"type": "object"});
        let asked = ChatRequest { response_format: None, ..request.clone() };
        return Some((told(asked, JSON_MODE.to_owned()), EmulatedFormat { tool: None, schema }));
    }
    let Some(ResponseFormat::JsonSchema { name, description, schema, .. }) = &request.response_format else {
        return None;
    };
    let refuses = |name: &str| quirks.refuse.contains(name);
    let lacks_all = refuses(PARAM);
    if !lacks_all && !refuses("response_format.json_schema") {
        return None;
    }
    let mut asked = ChatRequest { response_format: None, ..request.clone() };
    let has_json_mode = !lacks_all && !refuses("response_format.json_object");
    let has_tools = !["tools", "tool_choice", "tool_choice.function"].into_iter().any(refuses);
    if !has_json_mode && has_tools && request.tools.is_empty() {
        let purpose = description.as_deref().unwrap_or("Takes the answer. Call it once, with the whole answer.");
        asked.tools = vec![Tool::function(name, purpose, schema.clone())];
        asked.tool_choice = Some(ToolChoice::Function(name.clone()));
        return Some((asked, EmulatedFormat { tool: Some(name.clone()), schema: schema.clone() }));
    }
    let is_object = schema.get("type").is_none_or(|kind| kind == "object");
    asked.response_format = (has_json_mode && is_object).then_some(ResponseFormat::JsonObject);
    Some((
        told(asked, instruction(description.as_deref(), schema)),
        EmulatedFormat { tool: None, schema: schema.clone() },
    ))
}

/// Whether the providers of a protocol hold answers to a schema, and to JSON of any form not at all.
fn lacks_json_mode(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Anthropic | Protocol::Bedrock)
}

/// The request with one instruction more, behind those that it has.
fn told(mut request: ChatRequest, instruction: String) -> ChatRequest {
    let place = request.messages.iter().take_while(|message| is_instruction(message)).count();
    request.messages.insert(place, Message::text(Role::System, instruction));
    request
}

fn is_instruction(message: &Message) -> bool {
    matches!(message.role, Role::System | Role::Developer)
}

fn instruction(description: Option<&str>, schema: &Value) -> String {
    let purpose = description.map(|text| format!(" ({text})")).unwrap_or_default();
    format!("Answer with one JSON value and nothing around it. It must match this JSON Schema{purpose}:\n{schema}")
}
