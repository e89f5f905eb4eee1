//! `tools` and `tool_choice`.

use llm_core::chat::{Tool, ToolChoice};
use llm_core::codec::{Quirks, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use super::super::message::parts;

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
    let choice = match fields.get(CHOICE) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "required" => ToolChoice::Required,
            "none" => ToolChoice::None,
            _ => return Ok(Some(native_choice(fields))),
        },
        Some(Value::Object(_)) => return read_choice_object(fields).map(Some),
        Some(_) => return Err(fields.wrong(CHOICE, "a string or an object")),
    };
    fields.take(CHOICE);
    Ok(Some(choice))
}

fn read_choice_object(fields: &mut Fields) -> Result<ToolChoice> {
    let names_a_function = fields.get(CHOICE).and_then(|choice| choice.get(FUNCTION)).is_some_and(Value::is_object);
    if !names_a_function {
        return Ok(native_choice(fields));
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
        Some(_) if quirks.refuse.contains("tools.strict") => {
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
    parts::write_cache(cache.as_ref(), quirks, unsupported, &mut outer)?;
    Ok(Value::Object(outer))
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
        ToolChoice::Function(name) => {
            let mut shape = match out.remove(CHOICE) {
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
        ToolChoice::Native(native) => match native.get(PROTOCOL, CHOICE) {
            Some(value) => value.clone(),
            None => return unsupported.param(CHOICE, "it is a choice that only another protocol knows"),
        },
    };
    out.insert(CHOICE.to_owned(), value);
    Ok(())
}
