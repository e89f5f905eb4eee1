//! Lists of tools and the choice of one, as both of OpenAI's protocols spell them.

use llm_core::chat::{Grammar, Tool, ToolChoice};
use llm_core::codec::Unsupported;
use llm_core::fields::Fields;
use llm_core::{Native, Protocol, Result};
use serde_json::{Map, Value, json};

use super::allowed::Allowed;

const TOOLS: &str = "tools";
pub(super) const CHOICE: &str = "tool_choice";
pub(super) const FUNCTION: &str = "function";
pub(super) const CUSTOM: &str = "custom";

/// Takes the tools out of a request, each by `read`.
pub(super) fn read(fields: &mut Fields, read: impl Fn(Fields) -> Result<Tool>) -> Result<Vec<Tool>> {
    let Some(list) = fields.want_list(TOOLS)? else { return Ok(Vec::new()) };
    if list.is_empty() {
        fields.put(TOOLS, json!([]));
    }
    list.into_iter().enumerate().map(|(place, tool)| read(Fields::at(format!("{TOOLS}[{place}]"), tool)?)).collect()
}

/// The grammar of a custom tool, where its `format` says one. The format stays as it is.
pub(super) fn read_grammar(format: Option<&Value>, nested: bool) -> Option<Grammar> {
    let format = format.filter(|format| format.get("type") == Some(&json!("grammar")))?;
    let grammar = if nested { format.get("grammar")? } else { format };
    let text = |name| Some(grammar.get(name)?.as_str()?.to_owned());
    Some(Grammar { syntax: text("syntax")?, definition: text("definition")? })
}

/// The `format` of a custom tool.
pub(super) fn write_grammar(Grammar { syntax, definition }: &Grammar, nested: bool) -> Value {
    match nested {
        true => json!({"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}),
        false => json!({"type": "grammar", "syntax": syntax, "definition": definition}),
    }
}

/// Writes the tools to a provider of the protocol `own`: the application's by `write_own`, its own tools as they came.
/// Those of other protocols are unsupported.
pub(super) fn write(
    tools: &[Tool],
    own: Protocol,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
    write_own: impl Fn(&Tool, &mut Unsupported<'_>) -> Result<Value>,
) -> Result<()> {
    let mut list = Vec::with_capacity(tools.len());
    for (place, tool) in tools.iter().enumerate() {
        match tool {
            Tool::Provider { native } if native.is_from(own) => list.push(Value::Object(native.object(own))),
            Tool::Provider { native } => {
                let whose = native.protocol().map_or("another protocol", |protocol| protocol.as_str());
                unsupported.param(&format!("{TOOLS}[{place}]"), &format!("it is a tool of {whose}"))?;
            }
            Tool::Function { .. } | Tool::Custom { .. } => list.push(write_own(tool, unsupported)?),
        }
    }
    if !list.is_empty() {
        out.insert(TOOLS.to_owned(), Value::Array(list));
    }
    Ok(())
}

/// Takes the choice of a tool out of a request; one that is an object by `read_object`.
pub(super) fn read_choice(
    fields: &mut Fields,
    own: Protocol,
    read_object: impl FnOnce(&mut Fields) -> Result<ToolChoice>,
) -> Result<Option<ToolChoice>> {
    let choice = match fields.get(CHOICE) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "required" => ToolChoice::Required,
            "none" => ToolChoice::None,
            _ => return Ok(Some(native_choice(fields, own))),
        },
        Some(Value::Object(_)) => return read_object(fields).map(Some),
        Some(_) => return Err(fields.wrong(CHOICE, "a string or an object")),
    };
    fields.take(CHOICE);
    Ok(Some(choice))
}

/// A choice that only the protocol `own` can say, under its own name.
pub(super) fn native_choice(fields: &mut Fields, own: Protocol) -> ToolChoice {
    let mut native = Native::NONE;
    native.insert(own, CHOICE, fields.take(CHOICE).unwrap_or_default());
    ToolChoice::Native(native)
}

/// Writes the choice of a tool to a provider of the protocol `own`; a named one by `write_named`, which gets its kind, its
/// name and what was left of the choice where it was read.
pub(super) fn write_choice(
    choice: &ToolChoice,
    own: Protocol,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
    write_named: impl FnOnce(&str, &str, Option<Value>) -> Value,
) -> Result<()> {
    let value = match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::Required => json!("required"),
        ToolChoice::None => json!("none"),
        ToolChoice::Function(name) => write_named(FUNCTION, name, out.remove(CHOICE)),
        ToolChoice::Custom(name) => write_named(CUSTOM, name, out.remove(CHOICE)),
        ToolChoice::Native(native) => match (native.get(own, CHOICE), Allowed::read(native)) {
            (Some(value), _) => value.clone(),
            (None, Some(allowed)) => allowed.write(own),
            (None, None) => return unsupported.param(CHOICE, "it is a choice that only another protocol knows"),
        },
    };
    out.insert(CHOICE.to_owned(), value);
    Ok(())
}
