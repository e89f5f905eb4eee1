//! `tools` and `tool_choice`.

use llm_core::Result;
use llm_core::chat::{Tool, ToolChoice};
use llm_core::codec::{Target, Unsupported};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use super::super::message::parts;
use crate::protocols::functions::{self, CHOICE, FUNCTION};

/// Takes the tools out of a request. Tools other than functions are the provider's own.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Tool>> {
    functions::read(fields, read_tool)
}

fn read_tool(mut tool: Fields) -> Result<Tool> {
    let kind = tool.want_text("type")?;
    let is_function = match &kind {
        Some(kind) => kind == FUNCTION,
        None if tool.get(FUNCTION).is_some() => true,
        None => return Err(tool.missing("type")),
    };
    if let Some(kind) = kind {
        tool.put("type", json!(kind));
    }
    if !is_function {
        return Ok(Tool::Provider { native: tool.into_native(PROTOCOL) });
    }
    let Some(mut function) = tool.want_object(FUNCTION)? else { return Err(tool.missing(FUNCTION)) };
    let name = function.need_text("name")?;
    let description = function.want_text("description")?;
    let parameters = function.want_object("parameters")?.map(|schema| Value::Object(schema.into_members()));
    let strict = function.want_bool("strict")?;
    tool.put(FUNCTION, Value::Object(function.into_members()));
    let cache = parts::take_cache(&mut tool)?;
    Ok(Tool::Function { name, description, parameters, strict, cache, native: tool.into_native(PROTOCOL) })
}

/// Takes the choice of a tool out of a request.
pub(super) fn read_choice(fields: &mut Fields) -> Result<Option<ToolChoice>> {
    functions::read_choice(fields, PROTOCOL, read_choice_object)
}

fn read_choice_object(fields: &mut Fields) -> Result<ToolChoice> {
    let names_a_function = fields.get(CHOICE).and_then(|choice| choice.get(FUNCTION)).is_some_and(Value::is_object);
    if !names_a_function {
        return Ok(functions::native_choice(fields, PROTOCOL));
    }
    let Some(mut choice) = fields.want_object(CHOICE)? else { return Err(fields.missing(CHOICE)) };
    let Some(mut function) = choice.want_object(FUNCTION)? else { return Err(choice.missing(FUNCTION)) };
    let name = function.need_text("name")?;
    choice.put(FUNCTION, Value::Object(function.into_members()));
    if choice.text("type") == Some(FUNCTION) {
        // Understood: its empty shape tells that it was written out.
        choice.put("type", json!(""));
    }
    fields.put(CHOICE, Value::Object(choice.into_members()));
    Ok(ToolChoice::Function(name))
}

/// Writes the tools.
pub(super) fn write(
    tools: &[Tool],
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    functions::write(tools, PROTOCOL, unsupported, out, |tool, unsupported| write_function(tool, target, unsupported))
}

fn write_function(tool: &Tool, target: &Target<'_>, unsupported: &mut Unsupported<'_>) -> Result<Value> {
    let Tool::Function { name, description, parameters, strict, cache, native } = tool else { return Ok(Value::Null) };
    let mut outer = native.object(PROTOCOL);
    let mut function = match outer.remove(FUNCTION) {
        Some(Value::Object(function)) => function,
        _ => Map::new(),
    };
    function.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        function.insert("description".to_owned(), json!(description));
    }
    if let Some(parameters) = parameters {
        function.insert("parameters".to_owned(), parameters.clone());
    }
    match strict {
        // Not to be held to it is what happens anyway.
        Some(false) if target.quirks.refuse.contains("tools.strict") => {}
        Some(true) if target.quirks.refuse.contains("tools.strict") => {
            unsupported.param("tools.strict", "it does not hold tools to their schema")?;
        }
        Some(strict) => {
            function.insert("strict".to_owned(), json!(strict));
        }
        None => {}
    }
    if !native.is_from(PROTOCOL) {
        outer.insert("type".to_owned(), json!(FUNCTION));
    }
    outer.insert(FUNCTION.to_owned(), Value::Object(function));
    match cache {
        Some(marker) if parts::is_for_parts(marker, target.quirks) => {
            unsupported.cache_marker("cache_control", marker, PROTOCOL, "a tool has no cache marker")?;
        }
        marker => parts::write_cache(marker.as_ref(), target, unsupported, &mut outer)?,
    }
    Ok(Value::Object(outer))
}

/// Writes the choice of a tool.
pub(super) fn write_choice(
    choice: &ToolChoice,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    functions::write_choice(choice, PROTOCOL, unsupported, out, named)
}

/// The choice of a function, over what was left of it.
fn named(name: &str, left: Option<Value>) -> Value {
    let mut shape = match left {
        Some(Value::Object(shape)) => shape,
        _ => Map::from_iter([("type".to_owned(), json!(FUNCTION))]),
    };
    let mut function = match shape.remove(FUNCTION) {
        Some(Value::Object(function)) => function,
        _ => Map::new(),
    };
    function.insert("name".to_owned(), json!(name));
    if shape.get("type") == Some(&json!("")) {
        shape.insert("type".to_owned(), json!(FUNCTION));
    }
    shape.insert(FUNCTION.to_owned(), Value::Object(function));
    Value::Object(shape)
}
