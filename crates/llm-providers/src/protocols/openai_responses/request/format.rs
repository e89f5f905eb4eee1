//! `text.format`.

use llm_core::Result;
use llm_core::chat::ResponseFormat;
use llm_core::codec::{Quirks, Unsupported};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;

const TEXT: &str = "text";
const FORMAT: &str = "format";
const SCHEMA: &str = "json_schema";

/// Takes the form of the answer out of a request. A form with members that only a host knows is kept whole.
pub(super) fn read(fields: &mut Fields) -> Result<Option<ResponseFormat>> {
    let Some(mut text) = fields.want_object(TEXT)? else { return Ok(None) };
    let format = text.want_object(FORMAT)?;
    fields.put(TEXT, Value::Object(text.into_members()));
    let Some(mut format) = format else { return Ok(None) };
    let kind = format.need_text("type")?;
    let bare = format.is_empty();
    Ok(Some(match kind.as_str() {
        "text" if bare => ResponseFormat::Text,
        "json_object" if bare => ResponseFormat::JsonObject,
        SCHEMA if format.get("schema").is_some_and(|schema| !schema.is_null()) => ResponseFormat::JsonSchema {
            name: format.want_text("name")?.unwrap_or_default(),
            description: format.want_text("description")?,
            schema: format.take("schema").unwrap_or_default(),
            strict: format.want_bool("strict")?,
            native: format.into_native(PROTOCOL),
        },
        _ => {
            format.put("type", json!(kind));
            ResponseFormat::Native { native: format.into_native(PROTOCOL) }
        }
    }))
}

/// Writes the form of the answer.
pub(super) fn write(
    format: &ResponseFormat,
    quirks: &Quirks,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let value = match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { name, description, schema, strict, native } => {
            let mut form = native.object(PROTOCOL);
            form.insert("type".to_owned(), json!(SCHEMA));
            let name = if name.is_empty() && !native.is_from(PROTOCOL) { "answer" } else { name };
            if !name.is_empty() {
                form.insert("name".to_owned(), json!(name));
            }
            if let Some(description) = description {
                form.insert("description".to_owned(), json!(description));
            }
            if let Some(strict) = strict {
                form.insert("strict".to_owned(), json!(strict));
            }
            form.insert("schema".to_owned(), schema.clone());
            Value::Object(form)
        }
        ResponseFormat::Native { native } if native.is_from(PROTOCOL) => Value::Object(native.object(PROTOCOL)),
        ResponseFormat::Native { .. } => {
            return unsupported.param("response_format", "it is a form that only another protocol knows");
        }
    };
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    if quirks.refuse.contains(&format!("{TEXT}.{FORMAT}.{kind}")) {
        return unsupported.param("text.format", &format!("it can't answer in the form `{kind}`"));
    }
    let mut text = match out.remove(TEXT) {
        Some(Value::Object(text)) => text,
        _ => Map::new(),
    };
    text.insert(FORMAT.to_owned(), value);
    out.insert(TEXT.to_owned(), Value::Object(text));
    Ok(())
}
