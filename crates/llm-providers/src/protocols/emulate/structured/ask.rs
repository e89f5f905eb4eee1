//! How a request asks for structured output of a provider that has none.

use llm_core::chat::{ChatRequest, Message, ResponseFormat, Role, Tool, ToolChoice};
use llm_core::codec::{EmulatedFormat, Quirks};
use serde_json::Value;

/// The member of a request that is stood in for.
const PARAM: &str = "response_format";

/// The request as such a provider can take it; none where it has structured output, or none is asked for.
///
/// A provider with a mode for JSON of any form is told the schema in words. One without is made to call a tool whose
/// arguments have the schema, unless the request has tools of its own or the provider takes none; then words must do.
pub(in super::super) fn emulated(request: &ChatRequest, quirks: &Quirks) -> Option<(ChatRequest, EmulatedFormat)> {
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
    let place = asked.messages.iter().take_while(|message| is_instruction(message)).count();
    asked.messages.insert(place, Message::text(Role::System, instruction(description.as_deref(), schema)));
    Some((asked, EmulatedFormat { tool: None, schema: schema.clone() }))
}

fn is_instruction(message: &Message) -> bool {
    matches!(message.role, Role::System | Role::Developer)
}

fn instruction(description: Option<&str>, schema: &Value) -> String {
    let purpose = description.map(|text| format!(" ({text})")).unwrap_or_default();
    format!("Answer with one JSON value and nothing around it. It must match this JSON Schema{purpose}:\n{schema}")
}
