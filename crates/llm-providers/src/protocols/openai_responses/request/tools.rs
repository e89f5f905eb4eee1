//! `tools` and `tool_choice`.
//!
//! A function here is held to its schema unless it says otherwise; in other protocols it is the other way round. So a
//! function that came in another protocol and says nothing is written with `strict: false`.

use llm_core::chat::{Tool, ToolChoice};
use llm_core::codec::{Quirks, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::{PROTOCOL, content};

const TOOLS: &str = "tools";
const CHOICE: &str = "tool_choice";
const FUNCTION: &str = "function";

/// Takes the tools out of a request. Tools other than functions are the provider's own.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Tool>> {
    let Some(list) = fields.want_list(TOOLS)? else { return Ok(Vec::new()) };
    if list.is_empty() {
        fields.put(TOOLS, json!([]));
    }
    list.into_iter()
        .enumerate()
        .map(|(place, tool)| read_tool(Fields::at(format!("{TOOLS}[{place}]"), tool)?))
        .collect()
}

fn read_tool(mut tool: Fields) -> Result<Tool> {
    let kind = tool.need_text("type")?;
    let is_function = kind == FUNCTION;
    tool.put("type", json!(kind));
    if !is_function {
        return Ok(Tool::Provider { native: tool.into_native(PROTOCOL) });
    }
    Ok(Tool::Function {
        name: tool.need_text("name")?,
        description: tool.want_text("description")?,
        parameters: tool.want_object("parameters")?.map(|schema| Value::Object(schema.into_members())),
        strict: tool.want_bool("strict")?,
        cache: None,
        native: tool.into_native(PROTOCOL),
    })
}

/// Takes the choice of a tool out of a request.
pub(super) fn read_choice(fields: &mut Fields) -> Result<Option<ToolChoice>> {
    let choice = match fields.get(CHOICE) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "required" => ToolChoice::Required,
            "none" => ToolChoice::None,
            _ => return Ok(Some(native_choice(fields))),
        },
        Some(Value::Object(choice)) => {
            let named = choice.get("type").and_then(Value::as_str) == Some(FUNCTION) && choice.len() == 2;
            match choice.get("name").and_then(Value::as_str).filter(|_| named) {
                Some(name) => ToolChoice::Function(name.to_owned()),
                None => return Ok(Some(native_choice(fields))),
            }
        }
        Some(_) => return Err(fields.wrong(CHOICE, "a string or an object")),
    };
    fields.take(CHOICE);
    Ok(Some(choice))
}

/// A choice that only this protocol can say, under its own name.
fn native_choice(fields: &mut Fields) -> ToolChoice {
    let mut native = Native::NONE;
    native.insert(PROTOCOL, CHOICE, fields.take(CHOICE).unwrap_or_default());
    ToolChoice::Native(native)
}

/// Writes the tools.
pub(super) fn write(
    tools: &[Tool],
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let mut list = Vec::with_capacity(tools.len());
    for (place, tool) in tools.iter().enumerate() {
        match tool {
            Tool::Provider { native } if native.is_from(PROTOCOL) => {
                list.push(Value::Object(native.object(PROTOCOL)));
            }
            Tool::Provider { native } => {
                let whose = native.protocol().map_or("another protocol", |protocol| protocol.as_str());
                unsupported.param(&format!("{TOOLS}[{place}]"), &format!("it is a tool of {whose}"))?;
            }
            Tool::Function { .. } => list.push(write_function(tool, quirks, unsupported)?),
        }
    }
    if !list.is_empty() {
        out.insert(TOOLS.to_owned(), Value::Array(list));
    }
    Ok(())
}

fn write_function(tool: &Tool, quirks: &Quirks, unsupported: &mut Unsupported<'_>) -> Result<Value> {
    let Tool::Function { name, description, parameters, strict, cache, native } = tool else { return Ok(Value::Null) };
    let own = native.is_from(PROTOCOL);
    let mut out = native.object(PROTOCOL);
    out.insert("type".to_owned(), json!(FUNCTION));
    out.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        out.insert("description".to_owned(), json!(description));
    }
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
        Some(true) if quirks.refuse.contains("tools.strict") => {
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
    content::write_cache(cache.as_ref(), quirks, unsupported, &mut out)?;
    Ok(Value::Object(out))
}

/// Writes the choice of a tool.
pub(super) fn write_choice(
    choice: &ToolChoice,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let value = match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::Required => json!("required"),
        ToolChoice::None => json!("none"),
        ToolChoice::Function(name) => json!({"type": FUNCTION, "name": name}),
        ToolChoice::Native(native) => match native.get(PROTOCOL, CHOICE) {
            Some(value) => value.clone(),
            None => return unsupported.param(CHOICE, "it is a choice that only another protocol knows"),
        },
    };
    out.insert(CHOICE.to_owned(), value);
    Ok(())
}
