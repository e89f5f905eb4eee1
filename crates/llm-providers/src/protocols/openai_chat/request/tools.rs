//! `tools` and `tool_choice`.

use llm_core::chat::{Tool, ToolChoice};
use llm_core::codec::{Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use super::super::message::parts;
use crate::protocols::functions::{self, CHOICE, CUSTOM, FUNCTION};

/// Takes the tools out of a request. Tools other than functions are the provider's own.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Tool>> {
    functions::read(fields, read_tool)
}

fn read_tool(mut tool: Fields) -> Result<Tool> {
    let kind = tool.want_text("type")?;
    let inner = match kind.as_deref() {
        Some(FUNCTION) => FUNCTION,
        Some(CUSTOM) => CUSTOM,
        None if tool.get(FUNCTION).is_some() => FUNCTION,
        None => return Err(tool.missing("type")),
        Some(_) => "",
    };
    if let Some(kind) = &kind {
        tool.put("type", json!(kind));
    }
    if inner.is_empty() {
        return Ok(Tool::Provider { native: tool.into_native(PROTOCOL) });
    }
    let Some(mut said) = tool.want_object(inner)? else { return Err(tool.missing(inner)) };
    let name = said.need_text("name")?;
    let description = said.want_text("description")?;
    if inner == CUSTOM {
        let grammar = functions::read_grammar(said.get("format"), true);
        tool.put(inner, Value::Object(said.into_members()));
        return Ok(Tool::Custom { name, description, grammar, native: tool.into_native(PROTOCOL) });
    }
    let parameters = said.want_object("parameters")?.map(|schema| Value::Object(schema.into_members()));
    let strict = said.want_bool("strict")?;
    tool.put(inner, Value::Object(said.into_members()));
    let cache = parts::take_cache(&mut tool)?;
    Ok(Tool::Function { name, description, parameters, strict, cache, native: tool.into_native(PROTOCOL) })
}

/// Takes the choice of a tool out of a request.
pub(super) fn read_choice(fields: &mut Fields) -> Result<Option<ToolChoice>> {
    functions::read_choice(fields, PROTOCOL, read_choice_object)
}

fn read_choice_object(fields: &mut Fields) -> Result<ToolChoice> {
    let has = |kind: &str| fields.get(CHOICE).and_then(|choice| choice.get(kind)).is_some_and(Value::is_object);
    let kind = match (has(FUNCTION), has(CUSTOM)) {
        (true, _) => FUNCTION,
        (false, true) => CUSTOM,
        (false, false) => return Ok(functions::native_choice(fields, PROTOCOL)),
    };
    let Some(mut choice) = fields.want_object(CHOICE)? else { return Err(fields.missing(CHOICE)) };
    let Some(mut named) = choice.want_object(kind)? else { return Err(choice.missing(kind)) };
    let name = named.need_text("name")?;
    choice.put(kind, Value::Object(named.into_members()));
    if choice.text("type") == Some(kind) {
        // Understood: its empty shape tells that it was written out.
        choice.put("type", json!(""));
    }
    fields.put(CHOICE, Value::Object(choice.into_members()));
    Ok(if kind == FUNCTION { ToolChoice::Function(name) } else { ToolChoice::Custom(name) })
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
            let (mut outer, mut custom) = begun(CUSTOM, name, description.as_deref(), native);
            if let Some(grammar) = grammar {
                custom.entry("format").or_insert_with(|| functions::write_grammar(grammar, true));
            }
            outer.insert(CUSTOM.to_owned(), Value::Object(custom));
            Ok(Value::Object(outer))
        }
        Tool::Provider { .. } => Ok(Value::Null),
    })
}

/// What all tools of the application's say: the tool, and the object in it.
fn begun(
    kind: &str,
    name: &str,
    description: Option<&str>,
    native: &Native,
) -> (Map<String, Value>, Map<String, Value>) {
    let mut outer = native.object(PROTOCOL);
    let mut inner = match outer.remove(kind) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    inner.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        inner.insert("description".to_owned(), json!(description));
    }
    if !native.is_from(PROTOCOL) {
        outer.insert("type".to_owned(), json!(kind));
    }
    (outer, inner)
}

fn write_function(tool: &Tool, target: &Target<'_>, unsupported: &mut Unsupported<'_>) -> Result<Value> {
    let Tool::Function { name, description, parameters, strict, cache, native } = tool else { return Ok(Value::Null) };
    let (mut outer, mut function) = begun(FUNCTION, name, description.as_deref(), native);
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

/// The choice of one tool, over what was left of it.
fn named(kind: &str, name: &str, left: Option<Value>) -> Value {
    let mut shape = match left {
        Some(Value::Object(shape)) => shape,
        _ => Map::from_iter([("type".to_owned(), json!(kind))]),
    };
    let mut inner = match shape.remove(kind) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    inner.insert("name".to_owned(), json!(name));
    if shape.get("type") == Some(&json!("")) {
        shape.insert("type".to_owned(), json!(kind));
    }
    shape.insert(kind.to_owned(), Value::Object(inner));
    Value::Object(shape)
}
