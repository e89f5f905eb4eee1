//! Tools, and whether to use them.

use llm_core::Result;
use llm_core::chat::{ChatRequest, Tool, ToolChoice};
use llm_core::codec::Unsupported;
use llm_core::fields::Fields;
use serde_json::{Map, Value};

use super::super::ME;
use super::super::block::{read_cache, write_cache};
use crate::protocols::blocks::schema_of;

/// Takes `tools` and `tool_choice`.
pub(super) fn read(fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    if let Some(list) = fields.want_list("tools")? {
        if list.is_empty() {
            fields.put("tools", Value::Array(Vec::new()));
        }
        let tools = list.into_iter().enumerate();
        request.tools = tools
            .map(|(place, tool)| read_tool(Fields::at(format!("tools[{place}]"), tool)?))
            .collect::<Result<_>>()?;
    }
    if let Some(choice) = fields.want_object("tool_choice")? {
        read_choice(choice, fields, request)?;
    }
    Ok(())
}

fn read_tool(mut fields: Fields) -> Result<Tool> {
    if fields.get("type").is_some_and(|kind| !kind.is_null() && kind.as_str() != Some("custom")) {
        if fields.text("type").is_none() {
            return Err(fields.wrong("type", "a string"));
        }
        return Ok(Tool::Provider { native: fields.into_native(ME) });
    }
    let name = fields.need_text("name")?;
    if fields.get("input_schema").is_some_and(|schema| !schema.is_object() && !schema.is_null()) {
        return Err(fields.wrong("input_schema", "an object"));
    }
    if fields.get("cache_control").is_some_and(|marker| !marker.is_object() && !marker.is_null()) {
        return Err(fields.wrong("cache_control", "an object"));
    }
    Ok(Tool::Function {
        name,
        description: fields.want_text("description")?,
        parameters: fields.take("input_schema"),
        strict: fields.want_bool("strict")?,
        cache: read_cache(&mut fields),
        native: fields.into_native(ME),
    })
}

fn read_choice(mut choice: Fields, fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    request.parallel_tool_calls = choice.want_bool("disable_parallel_tool_use")?.map(|disabled| !disabled);
    request.tool_choice = Some(match choice.need_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Function(choice.need_text("name")?),
        other => {
            choice.put("type", other.into());
            request.tool_choice = Some(ToolChoice::Native(choice.into_native(ME)));
            return Ok(());
        }
    });
    if !choice.is_empty() {
        fields.put("tool_choice", choice.into_members().into());
    }
    Ok(())
}

/// Writes `tools` and `tool_choice`.
pub(super) fn write(
    request: &ChatRequest,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for (place, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Provider { native } if native.is_from(ME) => tools.push(native.object(ME).into()),
            Tool::Provider { native } | Tool::Custom { native, .. } => {
                let why = match native.protocol() {
                    Some(protocol) => format!("it is a tool of `{protocol}`"),
                    None => "it says nothing".to_owned(),
                };
                unsupported.param(&format!("tools[{place}]"), &why)?;
            }
            Tool::Function { .. } => tools.extend(write_function(tool)),
        }
    }
    if !tools.is_empty() {
        body.insert("tools".to_owned(), tools.into());
    }
    if let Some(choice) = write_choice(request, body.remove("tool_choice"), unsupported)? {
        body.insert("tool_choice".to_owned(), choice.into());
    }
    Ok(())
}

fn write_function(tool: &Tool) -> Option<Value> {
    let Tool::Function { name, description, parameters, strict, cache, native } = tool else { return None };
    let own = native.is_from(ME);
    let mut object = native.object(ME);
    object.insert("name".to_owned(), name.as_str().into());
    if let Some(description) = description {
        object.insert("description".to_owned(), description.as_str().into());
    }
    match parameters {
        Some(schema) if own => {
            object.insert("input_schema".to_owned(), schema.clone());
        }
        None if own => {}
        schema => {
            object.insert("input_schema".to_owned(), schema_of(schema.as_ref()));
        }
    }
    // `false` is what holds where nothing is said, and not every host of this protocol knows the member.
    if let Some(strict) = strict.filter(|&strict| strict || own) {
        object.insert("strict".to_owned(), strict.into());
    }
    write_cache(cache.as_ref(), &mut object);
    Some(object.into())
}

fn write_choice(
    request: &ChatRequest,
    kept: Option<Value>,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<Map<String, Value>>> {
    let own = request.native.is_from(ME);
    let serial = request.parallel_tool_calls == Some(false);
    let mut choice = match kept {
        Some(Value::Object(kept)) => kept,
        _ => Map::new(),
    };
    let kind = match &request.tool_choice {
        Some(ToolChoice::Auto) => "auto",
        Some(ToolChoice::Required) => "any",
        Some(ToolChoice::None) => "none",
        Some(ToolChoice::Function(name) | ToolChoice::Custom(name)) => {
            choice.insert("name".to_owned(), name.as_str().into());
            "tool"
        }
        Some(ToolChoice::Native(native)) if native.is_from(ME) => {
            let mut choice = native.object(ME);
            if let Some(parallel) = request.parallel_tool_calls {
                choice.insert("disable_parallel_tool_use".to_owned(), (!parallel).into());
            }
            return Ok(Some(choice));
        }
        Some(ToolChoice::Native(_)) => {
            unsupported.param("tool_choice", "it is a choice of another protocol")?;
            return Ok(None);
        }
        // The switch needs a choice to stand in, and says nothing where there are no tools.
        None if serial && !request.tools.is_empty() => "auto",
        None => return Ok(None),
    };
    choice.insert("type".to_owned(), kind.into());
    // No tool is no two tools; `none` has no such member.
    if let Some(parallel) = request.parallel_tool_calls
        && (own || (serial && kind != "none"))
    {
        choice.insert("disable_parallel_tool_use".to_owned(), (!parallel).into());
    }
    Ok(Some(choice))
}
