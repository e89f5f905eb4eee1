//! Tools, and whether to use them: `toolConfig`.

use llm_core::Result;
use llm_core::chat::{ChatRequest, Tool, ToolChoice};
use llm_core::codec::Unsupported;
use llm_core::fields::Fields;
use serde_json::{Map, Value};

use super::super::ME;
use super::super::block;
use crate::protocols::blocks::schema_of;

const CONFIG: &str = "toolConfig";
const CHOICE: &str = "toolChoice";
const SPEC: &str = "toolSpec";

/// Takes the tools and the choice among them.
pub(super) fn read(fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    let Some(mut config) = fields.want_object(CONFIG)? else { return Ok(()) };
    if let Some(list) = config.want_list("tools")? {
        if list.is_empty() {
            config.put("tools", Value::Array(Vec::new()));
        }
        let path = config.path_of("tools");
        for (place, value) in list.into_iter().enumerate() {
            match (block::read_cache(&value), request.tools.last_mut()) {
                (Some(point), Some(Tool::Function { cache, .. })) if cache.is_none() => *cache = Some(point),
                _ => request.tools.push(read_tool(Fields::at(format!("{path}[{place}]"), value)?)?),
            }
        }
    }
    if let Some(choice) = config.want_object(CHOICE)? {
        request.tool_choice = read_choice(choice, &mut config);
    }
    fields.put(CONFIG, config.into_members().into());
    Ok(())
}

fn read_tool(mut fields: Fields) -> Result<Tool> {
    let Some(mut spec) = fields.want_object(SPEC)? else {
        return Ok(Tool::Provider { native: fields.into_native(ME) });
    };
    let name = spec.need_text("name")?;
    let description = spec.want_text("description")?;
    let strict = spec.want_bool("strict")?;
    let mut parameters = None;
    if let Some(mut schema) = spec.want_object("inputSchema")? {
        parameters = schema.take("json");
        spec.put("inputSchema", schema.into_members().into());
    }
    if !spec.is_empty() {
        fields.put(SPEC, spec.into_members().into());
    }
    Ok(Tool::Function { name, description, parameters, strict, cache: None, native: fields.into_native(ME) })
}

/// Reads a choice. What is left of one that is understood stays; any other is kept whole.
fn read_choice(mut choice: Fields, config: &mut Fields) -> Option<ToolChoice> {
    for (name, ours) in [("auto", ToolChoice::Auto), ("any", ToolChoice::Required)] {
        if choice.get(name).is_some_and(Value::is_object) {
            config.put(CHOICE, choice.into_members().into());
            return Some(ours);
        }
    }
    let name = choice.get("tool").and_then(|tool| tool.get("name")?.as_str()).map(str::to_owned);
    if let (Some(name), Some(mut tool)) = (name, choice.take_object("tool")) {
        tool.take("name");
        choice.put("tool", tool.into_members().into());
        config.put(CHOICE, choice.into_members().into());
        return Some(ToolChoice::Function(name));
    }
    Some(ToolChoice::Native(choice.into_native(ME)))
}

/// Writes `toolConfig`.
pub(super) fn write(
    request: &ChatRequest,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    let (said, mut config) = match body.shift_remove(CONFIG) {
        Some(Value::Object(config)) => (true, config),
        _ => (false, Map::new()),
    };
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
            Tool::Function { cache, .. } => {
                tools.extend(write_function(tool));
                tools.extend(cache.as_ref().map(block::point));
            }
        }
    }
    let has_tools = !tools.is_empty();
    if has_tools {
        config.insert("tools".to_owned(), tools.into());
    }
    let kept = config.shift_remove(CHOICE);
    if let Some(choice) = write_choice(request, kept, has_tools, unsupported)? {
        config.insert(CHOICE.to_owned(), choice.into());
    }
    if said || !config.is_empty() {
        body.insert(CONFIG.to_owned(), config.into());
    }
    Ok(())
}

fn write_function(tool: &Tool) -> Option<Value> {
    let Tool::Function { name, description, parameters, strict, native, .. } = tool else { return None };
    let own = native.is_from(ME);
    let mut outer = native.object(ME);
    let mut spec = match outer.shift_remove(SPEC) {
        Some(Value::Object(spec)) => spec,
        _ => Map::new(),
    };
    spec.insert("name".to_owned(), name.as_str().into());
    if let Some(description) = description.as_ref().filter(|text| own || !text.trim().is_empty()) {
        spec.insert("description".to_owned(), description.as_str().into());
    }
    let schema = match parameters {
        Some(schema) if own => Some(schema.clone()),
        None if own => None,
        schema => Some(schema_of(schema.as_ref())),
    };
    if let Some(schema) = schema {
        let mut input = match spec.shift_remove("inputSchema") {
            Some(Value::Object(rest)) => rest,
            _ => Map::new(),
        };
        input.insert("json".to_owned(), schema);
        spec.insert("inputSchema".to_owned(), input.into());
    }
    // `false` is what holds where nothing is said, and not every model knows the member.
    if let Some(strict) = strict.filter(|&strict| strict || own) {
        spec.insert("strict".to_owned(), strict.into());
    }
    outer.insert(SPEC.to_owned(), spec.into());
    Some(outer.into())
}

fn write_choice(
    request: &ChatRequest,
    kept: Option<Value>,
    has_tools: bool,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<Map<String, Value>>> {
    let mut choice = match kept {
        Some(Value::Object(kept)) => kept,
        _ => Map::new(),
    };
    let (name, tool) = match &request.tool_choice {
        None => return Ok((!choice.is_empty()).then_some(choice)),
        Some(ToolChoice::Native(native)) if native.is_from(ME) => return Ok(Some(native.object(ME))),
        Some(ToolChoice::Native(_)) => {
            unsupported.param("tool_choice", "it is a choice of another protocol")?;
            return Ok(None);
        }
        Some(ToolChoice::None) if !has_tools => return Ok(None),
        Some(ToolChoice::None) => {
            unsupported.param("tool_choice", "it has no way to forbid tools")?;
            return Ok(None);
        }
        // A choice needs tools to choose from.
        Some(ToolChoice::Auto) if !has_tools && choice.is_empty() => return Ok(None),
        Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Function(name) | ToolChoice::Custom(name)) => ("tool", Some(name)),
    };
    let mut inner = match choice.shift_remove(name) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    if let Some(tool) = tool {
        inner.insert("name".to_owned(), tool.as_str().into());
    }
    choice.insert(name.to_owned(), inner.into());
    Ok(Some(choice))
}
