//! Tools, and whether to use them.
//!
//! One of Google's tools holds functions, or tools of the provider's own, or both. Here each is a tool of its own; what
//! held them stays as a shell, with null for each function and false for each of the provider's tools.

use std::collections::VecDeque;

use llm_core::chat::{ChatRequest, Tool, ToolChoice};
use llm_core::codec::Unsupported;
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::name::{
    ALLOWED_FUNCTION_NAMES, FUNCTION_CALLING_CONFIG, FUNCTION_DECLARATIONS, PARAMETERS_JSON_SCHEMA, TOOL_CONFIG,
};
use super::super::{ME, schema};
use super::decode::want_texts;
use crate::protocols::allowed::Allowed;

const TOOLS: &str = "tools";

/// Takes `tools` and `toolConfig`.
pub(super) fn read(fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    let (list, is_lone) = match fields.take(TOOLS) {
        Some(Value::Array(list)) => (Some(list), false),
        Some(one @ Value::Object(_)) => (Some(vec![one]), true),
        Some(other) => {
            fields.put(TOOLS, other);
            return Err(fields.wrong(TOOLS, "a list"));
        }
        None => (None, false),
    };
    if let Some(list) = list {
        let mut shells = Vec::with_capacity(list.len());
        for (place, tool) in list.into_iter().enumerate() {
            shells.push(read_tool(Fields::at(format!("tools[{place}]"), tool)?, &mut request.tools)?);
        }
        let shape = if is_lone { shells.pop().unwrap_or_default() } else { shells.into() };
        fields.put(TOOLS, shape);
    }
    if let Some(mut config) = TOOL_CONFIG.want(fields, Fields::want_object)? {
        let as_it_came = FUNCTION_CALLING_CONFIG.get(&config).and_then(Value::as_object).cloned().unwrap_or_default();
        if let Some(calling) = FUNCTION_CALLING_CONFIG.want(&mut config, Fields::want_object)? {
            let (choice, rest) = read_choice(calling, as_it_came)?;
            request.tool_choice = choice;
            FUNCTION_CALLING_CONFIG.leave(&mut config, rest.into());
        }
        TOOL_CONFIG.leave(fields, config.into_members().into());
    }
    Ok(())
}

/// Takes the tools out of one object, and gives its shell.
fn read_tool(mut fields: Fields, tools: &mut Vec<Tool>) -> Result<Value> {
    let name = FUNCTION_DECLARATIONS.of(&fields);
    let path = fields.path_of(name);
    let declarations = match fields.take(name) {
        None => None,
        Some(Value::Array(list)) => Some(list),
        Some(one @ Value::Object(_)) => Some(vec![one]),
        Some(other) => {
            fields.put(name, other);
            return Err(fields.wrong(name, "a list"));
        }
    };
    let mut shell = Map::new();
    if let Some(list) = declarations {
        shell.insert(name.to_owned(), vec![Value::Null; list.len()].into());
        for (place, function) in list.into_iter().enumerate() {
            tools.push(read_function(Fields::at(format!("{path}[{place}]"), function)?)?);
        }
    }
    for (name, value) in fields.into_members() {
        if value.is_null() {
            shell.insert(name, value);
            continue;
        }
        shell.insert(name.clone(), false.into());
        let mut native = Native::NONE;
        native.insert(ME, name, value);
        tools.push(Tool::Provider { native });
    }
    Ok(shell.into())
}

fn read_function(mut fields: Fields) -> Result<Tool> {
    let name = fields.need_text("name")?;
    let description = fields.want_text("description")?;
    let mut parameters = PARAMETERS_JSON_SCHEMA.take(&mut fields, Fields::take);
    if parameters.is_none() {
        // The older form stays as it came, beside what it means.
        parameters = fields.get("parameters").filter(|schema| schema.is_object()).map(schema::to_json_schema);
    }
    let native = fields.into_native(ME);
    Ok(Tool::Function { name, description, parameters, strict: None, cache: None, native })
}

/// The choice that a configuration says, and what is left of it.
fn read_choice(
    mut calling: Fields,
    as_it_came: Map<String, Value>,
) -> Result<(Option<ToolChoice>, Map<String, Value>)> {
    let mode = calling.want_text("mode")?;
    let names = ALLOWED_FUNCTION_NAMES.want(&mut calling, want_texts)?;
    let choice = match (mode.as_deref(), names.as_deref()) {
        (Some("AUTO"), None) => ToolChoice::Auto,
        (Some("ANY"), None) => ToolChoice::Required,
        (Some("NONE"), None) => ToolChoice::None,
        (Some("ANY"), Some([name])) => ToolChoice::Function(name.clone()),
        (None, None) => return Ok((None, as_it_came)),
        _ => return Ok((Some(ToolChoice::Native(Native::new(ME, as_it_came))), Map::new())),
    };
    Ok((Some(choice), calling.into_members()))
}

/// Writes `tools` and `toolConfig`.
pub(super) fn write(
    request: &ChatRequest,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    let shells = body.shift_remove(TOOLS);
    let mut functions = VecDeque::new();
    let mut hosted = VecDeque::new();
    for (place, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Provider { native } if native.is_from(ME) => hosted.push_back(native.object(ME)),
            Tool::Provider { native } | Tool::Custom { native, .. } => {
                let why = match native.protocol() {
                    Some(protocol) => format!("it is a tool of `{protocol}`"),
                    None => "it says nothing".to_owned(),
                };
                unsupported.param(&format!("tools[{place}]"), &why)?;
            }
            Tool::Function { name, description, parameters, strict, cache, native } => {
                if *strict == Some(true) {
                    unsupported.param(&format!("tools[{place}].strict"), "it has no strict functions")?;
                }
                if let Some(marker) = cache {
                    let why = "its caches are things it stores, not markers";
                    unsupported.cache_marker("cache_control", marker, ME, why)?;
                }
                functions.push_back(function(name, description.as_deref(), parameters.as_ref(), native));
            }
        }
    }
    let tools = match shells {
        Some(Value::Array(shells)) => Some(refill(shells, functions, hosted).into()),
        Some(shell @ Value::Object(_)) => {
            let mut tools = refill(vec![shell], functions, hosted);
            Some(if tools.len() == 1 { tools.remove(0) } else { tools.into() })
        }
        other => {
            Some(refill(Vec::new(), functions, hosted)).filter(|tools| !tools.is_empty()).map(Value::from).or(other)
        }
    };
    if let Some(tools) = tools {
        body.insert(TOOLS.to_owned(), tools);
    }
    if request.parallel_tool_calls == Some(false) {
        unsupported.param("parallel_tool_calls", "it has no switch for parallel calls")?;
    }
    write_choice(request, unsupported, body)
}

/// Puts the tools back into the shells that held them; those for which there is no place come after.
fn refill(
    shells: Vec<Value>,
    mut functions: VecDeque<Map<String, Value>>,
    mut hosted: VecDeque<Map<String, Value>>,
) -> Vec<Value> {
    let mut tools = Vec::with_capacity(shells.len() + 1);
    for shell in shells {
        let Value::Object(shell) = shell else { continue };
        let mut tool = Map::new();
        for (name, place) in shell {
            match place {
                Value::Array(places) if name == FUNCTION_DECLARATIONS.camel || name == FUNCTION_DECLARATIONS.snake => {
                    let count = places.len().min(functions.len());
                    let list: Vec<Value> = functions.drain(..count).map(Value::from).collect();
                    tool.insert(name, list.into());
                }
                Value::Bool(false) => {
                    if hosted.front().is_some_and(|native| native.contains_key(&name)) {
                        tool.extend(hosted.pop_front().unwrap_or_default());
                    }
                }
                other => {
                    tool.insert(name, other);
                }
            }
        }
        tools.push(tool.into());
    }
    if !functions.is_empty() {
        let list: Vec<Value> = functions.into_iter().map(Value::from).collect();
        tools.push(json!({ "functionDeclarations": list }));
    }
    tools.extend(hosted.into_iter().map(Value::from));
    tools
}

fn function(name: &str, description: Option<&str>, parameters: Option<&Value>, native: &Native) -> Map<String, Value> {
    let mut object = native.object(ME);
    object.insert("name".to_owned(), name.into());
    if let Some(description) = description {
        object.insert("description".to_owned(), description.into());
    }
    let Some(parameters) = parameters.filter(|parameters| !parameters.is_null()) else { return object };
    let older = object.get("parameters").filter(|older| older.is_object()).map(schema::to_json_schema);
    if older.as_ref() != Some(parameters) {
        object.shift_remove("parameters");
        PARAMETERS_JSON_SCHEMA.set(&mut object, parameters.clone());
    }
    object
}

fn write_choice(request: &ChatRequest, unsupported: &mut Unsupported<'_>, body: &mut Map<String, Value>) -> Result<()> {
    let (mode, name) = match &request.tool_choice {
        None => return Ok(()),
        Some(ToolChoice::Auto) => ("AUTO", None),
        Some(ToolChoice::Required) => ("ANY", None),
        Some(ToolChoice::None) => ("NONE", None),
        Some(ToolChoice::Function(name) | ToolChoice::Custom(name)) => ("ANY", Some(name)),
        Some(ToolChoice::Native(native)) if native.is_from(ME) => {
            return with_calling(body, |calling| *calling = native.object(ME));
        }
        Some(ToolChoice::Native(native)) => {
            let Some(allowed) = Allowed::read(native).filter(|allowed| allowed.must) else {
                return unsupported.param("tool_choice", "it is a choice of another protocol");
            };
            return with_calling(body, |calling| {
                calling.insert("mode".to_owned(), "ANY".into());
                ALLOWED_FUNCTION_NAMES.set(calling, allowed.names);
            });
        }
    };
    with_calling(body, |calling| {
        calling.insert("mode".to_owned(), mode.into());
        if let Some(name) = name {
            ALLOWED_FUNCTION_NAMES.set(calling, vec![Value::from(name.as_str())]);
        }
    })
}

/// Writes into the `functionCallingConfig` of a body.
fn with_calling(body: &mut Map<String, Value>, write: impl FnOnce(&mut Map<String, Value>)) -> Result<()> {
    let object = |kept| match kept {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let (spelled, config) = TOOL_CONFIG.remove(body);
    let mut config = object(config);
    let (inner, calling) = FUNCTION_CALLING_CONFIG.remove(&mut config);
    let mut calling = object(calling);
    write(&mut calling);
    config.insert(inner.to_owned(), calling.into());
    body.insert(spelled.to_owned(), config.into());
    Ok(())
}
