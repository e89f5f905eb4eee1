//! Tools, the choice of one, the form of the answer and thinking, both ways.

use llm_core::chat::{Effort, ReasoningOptions, ResponseFormat, Tool, ToolChoice};
use llm_core::codec::Unsupported;
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::COHERE;

const FORMAT: &str = "response_format";
const CHOICE: &str = "tool_choice";
const THINKING: &str = "thinking";
/// The schema's name, and its older one.
const SCHEMAS: [&str; 2] = ["json_schema", "schema"];

pub(super) fn read_tool(mut tool: Fields) -> Result<Tool> {
    let Some(mut function) = tool.want_object("function")? else {
        return Ok(Tool::Provider { native: tool.into_native(COHERE) });
    };
    let name = function.need_text("name")?;
    let description = function.want_text("description")?;
    let parameters = function.take("parameters");
    tool.put("function", Value::Object(function.into_members()));
    Ok(Tool::Function { name, description, parameters, strict: None, cache: None, native: tool.into_native(COHERE) })
}

/// Writes the tools. Whether calls keep to their schemas is said for all tools at once.
pub(super) fn write_tools(
    tools: &[Tool],
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let mut list = Vec::with_capacity(tools.len());
    let is_strict = |tool: &Tool| matches!(tool, Tool::Function { strict: Some(true), .. });
    if tools.iter().any(is_strict) {
        if tools.iter().all(is_strict) {
            out.insert("strict_tools".to_owned(), json!(true));
        } else {
            unsupported.param("tools.strict", "it holds all tools to their schemas or none")?;
        }
    }
    for (place, tool) in tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, cache, native, .. } => {
                if let Some(marker) = cache {
                    let why = "caching is automatic and has no marks";
                    unsupported.cache_marker("cache_control", marker, COHERE, why)?;
                }
                list.push(write_function(name, description.as_deref(), parameters.as_ref(), native));
            }
            Tool::Provider { native } if native.is_from(COHERE) => list.push(Value::Object(native.object(COHERE))),
            Tool::Provider { .. } | Tool::Custom { .. } => {
                unsupported.param(&format!("tools[{place}]"), "it runs no tools of its own")?
            }
        }
    }
    if !list.is_empty() {
        out.insert("tools".to_owned(), Value::Array(list));
    }
    Ok(())
}

fn write_function(name: &str, description: Option<&str>, parameters: Option<&Value>, native: &Native) -> Value {
    let mut outer = native.object(COHERE);
    if !native.is_from(COHERE) {
        outer.insert("type".to_owned(), json!("function"));
    }
    let mut function = match outer.remove("function") {
        Some(Value::Object(function)) => function,
        _ => Map::new(),
    };
    function.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        function.insert("description".to_owned(), json!(description));
    }
    match parameters {
        Some(parameters) => {
            function.insert("parameters".to_owned(), parameters.clone());
        }
        // Cohere wants a schema of every tool.
        None if !native.is_from(COHERE) => {
            function.insert("parameters".to_owned(), json!({"type": "object", "properties": {}}));
        }
        None => {}
    }
    outer.insert("function".to_owned(), Value::Object(function));
    Value::Object(outer)
}

pub(super) fn read_choice(fields: &mut Fields) -> Option<ToolChoice> {
    let choice = match fields.text(CHOICE) {
        Some("REQUIRED") => ToolChoice::Required,
        Some("NONE") => ToolChoice::None,
        _ => {
            let value = fields.take(CHOICE)?;
            let mut native = Native::NONE;
            native.insert(COHERE, CHOICE, value);
            return Some(ToolChoice::Native(native));
        }
    };
    fields.take(CHOICE);
    Some(choice)
}

pub(super) fn write_choice(
    choice: &ToolChoice,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let value = match choice {
        // Nothing said means that the model decides.
        ToolChoice::Auto => return Ok(()),
        ToolChoice::Required => json!("REQUIRED"),
        ToolChoice::None => json!("NONE"),
        ToolChoice::Function(_) | ToolChoice::Custom(_) => {
            return unsupported.param(CHOICE, "no tool can be chosen by its name");
        }
        ToolChoice::Native(native) => match native.get(COHERE, CHOICE) {
            Some(value) => value.clone(),
            None => return unsupported.param(CHOICE, "it is a choice that only another protocol knows"),
        },
    };
    out.insert(CHOICE.to_owned(), value);
    Ok(())
}

pub(super) fn read_format(fields: &mut Fields) -> Result<Option<ResponseFormat>> {
    let Some(mut format) = fields.want_object(FORMAT)? else { return Ok(None) };
    let kind = format.need_text("type")?;
    if kind == "json_object" {
        for name in SCHEMAS {
            if let Some(schema) = format.take_object(name) {
                let schema = Value::Object(schema.into_members());
                if name == SCHEMAS[1] {
                    format.put(name, json!({}));
                }
                let (name, native) = ("answer".to_owned(), format.into_native(COHERE));
                return Ok(Some(ResponseFormat::JsonSchema { name, description: None, schema, strict: None, native }));
            }
        }
    }
    Ok(Some(match kind.as_str() {
        "text" if format.is_empty() => ResponseFormat::Text,
        "json_object" if format.is_empty() => ResponseFormat::JsonObject,
        _ => {
            format.put("type", json!(kind));
            ResponseFormat::Native { native: format.into_native(COHERE) }
        }
    }))
}

pub(super) fn write_format(
    format: &ResponseFormat,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let value = match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { schema, native, .. } => {
            let mut out = native.object(COHERE);
            let name = if out.contains_key(SCHEMAS[1]) { SCHEMAS[1] } else { SCHEMAS[0] };
            out.insert("type".to_owned(), json!("json_object"));
            out.insert(name.to_owned(), schema.clone());
            Value::Object(out)
        }
        ResponseFormat::Native { native } if native.is_from(COHERE) => Value::Object(native.object(COHERE)),
        ResponseFormat::Native { .. } => {
            return unsupported.param(FORMAT, "it is a form that only another protocol knows");
        }
    };
    out.insert(FORMAT.to_owned(), value);
    Ok(())
}

pub(super) fn read_thinking(fields: &mut Fields) -> Result<Option<ReasoningOptions>> {
    let Some(mut thinking) = fields.want_object(THINKING)? else { return Ok(None) };
    let kind = thinking.want_text("type")?;
    let budget_tokens = thinking.want_u64("token_budget")?;
    if let Some(kind) = &kind {
        thinking.put("type", json!(kind));
    }
    let enabled = kind.map(|kind| kind != "disabled");
    Ok(Some(ReasoningOptions { effort: None, budget_tokens, enabled, native: thinking.into_native(COHERE) }))
}

pub(super) fn write_thinking(
    options: &ReasoningOptions,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let mut enabled = options.enabled;
    match &options.effort {
        Some(Effort::None) => enabled = Some(false),
        Some(_) => unsupported.param("reasoning_effort", "how much it thinks is said in tokens")?,
        None => {}
    }
    let mut thinking = options.native.object(COHERE);
    let implied = options.budget_tokens.map(|_| true).filter(|_| !options.native.is_from(COHERE));
    if !thinking.contains_key("type")
        && let Some(enabled) = enabled.or(implied)
    {
        thinking.insert("type".to_owned(), json!(if enabled { "enabled" } else { "disabled" }));
    }
    if let Some(budget) = options.budget_tokens {
        thinking.insert("token_budget".to_owned(), json!(budget));
    }
    if !thinking.is_empty() || options.native.is_from(COHERE) {
        out.insert(THINKING.to_owned(), Value::Object(thinking));
    }
    Ok(())
}
