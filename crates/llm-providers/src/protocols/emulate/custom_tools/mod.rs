//! Custom tools for protocols that have none: a function of one text, [`INPUT`], stands in for each.
//!
//! OpenAI's two protocols have custom tools and spell them differently; only a provider that is asked in the caller's own
//! protocol is sent them as they are, since few of the hosts that speak OpenAI's protocols take them.

mod input;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use llm_core::chat::{ChatRequest, Choice, Content, Message, Part, Tool, ToolCall, ToolChoice};
use llm_core::{Native, Protocol};
use serde_json::{Value, json};

pub(super) use stream::Unfolding;

/// The function's only parameter.
const INPUT: &str = "input";

/// The request as a provider that is spoken to in `protocol` can take it, and the names of the tools that functions stand
/// in for; none where it can take it as it is.
pub(super) fn emulated(request: &ChatRequest, protocol: Protocol) -> Option<(ChatRequest, BTreeSet<String>)> {
    let is_lacked = |native: &Native| !has_custom_tools(protocol) || native.is_foreign_to(protocol);
    let is_tool = |tool: &Tool| matches!(tool, Tool::Custom { native, .. } if is_lacked(native));
    let is_call =
        |part: &Part| matches!(&part.content, Content::ToolCall(call) if call.is_custom) && is_lacked(&part.native);
    let has_calls = |message: &Message| message.parts.iter().any(is_call);
    if !request.tools.iter().any(is_tool) && !request.messages.iter().any(has_calls) {
        return None;
    }
    let mut asked = request.clone();
    let mut names = BTreeSet::new();
    for tool in asked.tools.iter_mut().filter(|tool| is_tool(tool)) {
        if let Tool::Custom { name, .. } = tool {
            names.insert(name.clone());
        }
        *tool = function(tool);
    }
    if let Some(ToolChoice::Custom(name)) = asked.tool_choice.take_if(|choice| is_one_of(choice, &names)) {
        asked.tool_choice = Some(ToolChoice::Function(name));
    }
    for part in asked.messages.iter_mut().flat_map(|message| &mut message.parts).filter(|part| is_call(part)) {
        if let Content::ToolCall(call) = &mut part.content {
            let arguments = json!({INPUT: call.arguments}).to_string();
            *call = ToolCall::new(std::mem::take(&mut call.id), std::mem::take(&mut call.name), arguments);
        }
    }
    Some((asked, names))
}

fn has_custom_tools(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::OpenAiChat | Protocol::OpenAiResponses)
}

fn is_one_of(choice: &ToolChoice, names: &BTreeSet<String>) -> bool {
    matches!(choice, ToolChoice::Custom(name) if names.contains(name))
}

/// The function that stands in for a custom tool.
fn function(tool: &Tool) -> Tool {
    let Tool::Custom { name, description, grammar, .. } = tool else { return tool.clone() };
    let mut purpose = description.clone().unwrap_or_default();
    if let Some(grammar) = grammar {
        let gap = if purpose.is_empty() { "" } else { "\n\n" };
        purpose += &format!(
            "{gap}`{INPUT}` must match this grammar (in the syntax `{}`):\n{}",
            grammar.syntax, grammar.definition
        );
    }
    let schema = json!({
        "type": "object",
        "properties": {INPUT: {"type": "string", "description": "The whole input of the tool, as plain text."}},
        "required": [INPUT],
        "additionalProperties": false,
    });
    Tool::function(name, purpose, schema)
}

/// Makes the calls of the functions those of the tools.
pub(super) fn unfold(choice: &mut Choice, names: &BTreeSet<String>) {
    for part in &mut choice.message.parts {
        if let Content::ToolCall(call) = &mut part.content
            && names.contains(&call.name)
        {
            call.arguments = input_of(std::mem::take(&mut call.arguments));
            call.is_custom = true;
        }
    }
}

/// The input that arguments say; where they are no such arguments, what the model wrote.
fn input_of(arguments: String) -> String {
    match serde_json::from_str::<Value>(&arguments) {
        Ok(Value::Object(mut members)) => match members.remove(INPUT) {
            Some(Value::String(input)) => input,
            _ => arguments,
        },
        Ok(Value::String(input)) => input,
        _ => arguments,
    }
}
