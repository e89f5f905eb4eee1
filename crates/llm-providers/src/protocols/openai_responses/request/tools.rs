//! `tools` and `tool_choice`.
//!
//! A function here is held to its schema unless it says otherwise; in other protocols it is the other way round. So a
//! function that came in another protocol and says nothing is written with `strict: false`.

use llm_core::chat::{Tool, ToolChoice};
use llm_core::codec::{Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use crate::protocols::functions::{self, CHOICE, CUSTOM, FUNCTION};

/// Takes the tools out of a request. Tools other than functions are the provider's own.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Tool>> {
    functions::read(fields, read_tool)
}

/// Reads one tool.
pub(in super::super) fn read_tool(mut tool: Fields) -> Result<Tool> {
    let kind = tool.need_text("type")?;
    tool.put("type", json!(kind));
    Ok(match kind.as_str() {
        FUNCTION => Tool::Function {
            name: tool.need_text("name")?,
            description: tool.want_text("description")?,
            parameters: tool.want_object("parameters")?.map(|schema| Value::Object(schema.into_members())),
            strict: tool.want_bool("strict")?,
            cache: None,
            native: tool.into_native(PROTOCOL),
        },
        CUSTOM => Tool::Custom {
            name: tool.need_text("name")?,
            description: tool.want_text("description")?,
            grammar: functions::read_grammar(tool.get("format"), false),
            native: tool.into_native(PROTOCOL),
        },
        _ => Tool::Provider { native: tool.into_native(PROTOCOL) },
    })
}

/// Takes the choice of a tool out of a request.
pub(super) fn read_choice(fields: &mut Fields) -> Result<Option<ToolChoice>> {
    functions::read_choice(fields, PROTOCOL, |fields| {
        let choice = fields.get(CHOICE).and_then(Value::as_object);
        let text = |name| choice.filter(|choice| choice.len() == 2)?.get(name)?.as_str();
        let named = match (text("type"), text("name")) {
            (Some(FUNCTION), Some(name)) => ToolChoice::Function(name.to_owned()),
            (Some(CUSTOM), Some(name)) => ToolChoice::Custom(name.to_owned()),
            _ => return Ok(functions::native_choice(fields, PROTOCOL)),
        };
        fields.take(CHOICE);
        Ok(named)
    })
}

/// Writes the tools.
pub(super) fn write(
    tools: &[Tool],
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    functions::write(tools, PROTOCOL, unsupported, out, |tool, unsupported| match tool {
        Tool::Function { .. } => write_function(tool, target, unsupported),
        Tool::Custom { name, description, grammar, native } => {
            let mut out = begun(CUSTOM, name, description.as_deref(), native);
            if let Some(grammar) = grammar {
                out.entry("format").or_insert_with(|| functions::write_grammar(grammar, false));
            }
            Ok(Value::Object(out))
        }
        Tool::Provider { .. } => Ok(Value::Null),
    })
}

/// What all tools of the application's say.
fn begun(kind: &str, name: &str, description: Option<&str>, native: &Native) -> Map<String, Value> {
    let mut out = native.object(PROTOCOL);
    out.insert("type".to_owned(), json!(kind));
    out.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        out.insert("description".to_owned(), json!(description));
    }
    out
}

fn write_function(tool: &Tool, target: &Target<'_>, unsupported: &mut Unsupported<'_>) -> Result<Value> {
    let Tool::Function { name, description, parameters, strict, cache, native } = tool else { return Ok(Value::Null) };
    let own = native.is_from(PROTOCOL);
    let mut out = begun(FUNCTION, name, description.as_deref(), native);
    match parameters {
        Some(parameters) => {
            out.insert("parameters".to_owned(), parameters.clone());
        }
        None if !own => {
            out.insert("parameters".to_owned(), json!({"type": "object", "properties": {}}));
        }
        None => {}
    }
    match strict {
        Some(true) if target.quirks.refuse.contains("tools.strict") => {
            unsupported.param("tools.strict", "it does not hold tools to their schema")?;
        }
        Some(strict) => {
            out.insert("strict".to_owned(), json!(strict));
        }
        None if !own => {
            out.insert("strict".to_owned(), json!(false));
        }
        None => {}
    }
    if let Some(marker) = cache {
        unsupported.cache_marker("cache_control", marker, PROTOCOL, "a tool has no cache marker")?;
    }
    Ok(Value::Object(out))
}

/// Writes the choice of a tool.
pub(super) fn write_choice(
    choice: &ToolChoice,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    functions::write_choice(choice, PROTOCOL, unsupported, out, |kind, name, _| json!({"type": kind, "name": name}))
}
