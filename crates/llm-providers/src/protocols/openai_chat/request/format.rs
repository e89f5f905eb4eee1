//! `response_format`.

use llm_core::chat::ResponseFormat;
use llm_core::codec::{Quirks, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;

const FORMAT: &str = "response_format";
const SCHEMA: &str = "json_schema";

/// Takes the form of the answer out of a request. A form with members that only a host knows is kept whole.
pub(super) fn read(fields: &mut Fields) -> Result<Option<ResponseFormat>> {
    let Some(mut format) = fields.want_object(FORMAT)? else { return Ok(None) };
    let kind = format.need_text("type")?;
    let bare = format.is_empty();
    Ok(Some(match kind.as_str() {
        "text" if bare => ResponseFormat::Text,
        "json_object" if bare => ResponseFormat::JsonObject,
        SCHEMA => read_schema(format)?,
        _ => {
            format.put("type", json!(kind));
            ResponseFormat::Native { native: format.into_native(PROTOCOL) }
        }
    }))
}

fn read_schema(mut format: Fields) -> Result<ResponseFormat> {
    let Some(mut inner) = format.want_object(SCHEMA)? else { return Err(format.missing(SCHEMA)) };
    // A caller without a name or schema may still be understood by the host.
    let Some(schema) = inner.take("schema") else {
        format.put("type", json!(SCHEMA));
        format.put(SCHEMA, Value::Object(inner.into_members()));
        return Ok(ResponseFormat::Native { native: format.into_native(PROTOCOL) });
    };
    let name = inner.want_text("name")?.unwrap_or_default();
    let description = inner.want_text("description")?;
    let strict = inner.want_bool("strict")?;
    format.put(SCHEMA, Value::Object(inner.into_members()));
    Ok(ResponseFormat::JsonSchema { name, description, schema, strict, native: format.into_native(PROTOCOL) })
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
            let schema = Schema { name, description: description.as_deref(), schema, strict: *strict };
            schema.write(native)
        }
        ResponseFormat::Native { native } if native.is_from(PROTOCOL) => Value::Object(native.object(PROTOCOL)),
        ResponseFormat::Native { .. } => {
            return unsupported.param(FORMAT, "it is a form that only another protocol knows");
        }
    };
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    if quirks.refuse.contains(&format!("{FORMAT}.{kind}")) {
        return unsupported.param(FORMAT, &format!("it can't answer in the form `{kind}`"));
    }
    out.insert(FORMAT.to_owned(), value);
    Ok(())
}

struct Schema<'a> {
    name: &'a str,
    description: Option<&'a str>,
    schema: &'a Value,
    strict: Option<bool>,
}

impl Schema<'_> {
    fn write(&self, native: &Native) -> Value {
        let mut outer = native.object(PROTOCOL);
        let mut inner = match outer.remove(SCHEMA) {
            Some(Value::Object(inner)) => inner,
            _ => Map::new(),
        };
        let name = if self.name.is_empty() && !native.is_from(PROTOCOL) { "answer" } else { self.name };
        if !name.is_empty() {
            inner.insert("name".to_owned(), json!(name));
        }
        if let Some(description) = self.description {
            inner.insert("description".to_owned(), json!(description));
        }
        if let Some(strict) = self.strict {
            inner.insert("strict".to_owned(), json!(strict));
        }
        inner.insert("schema".to_owned(), self.schema.clone());
        outer.insert("type".to_owned(), json!(SCHEMA));
        outer.insert(SCHEMA.to_owned(), Value::Object(inner));
        Value::Object(outer)
    }
}
