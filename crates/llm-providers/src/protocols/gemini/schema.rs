//! Google's older schemas, after OpenAPI 3.0, and JSON Schema.

use serde_json::{Map, Value, json};

/// The type names of the older form, in the order of their numbers.
const TYPES: [&str; 8] = ["unspecified", "string", "number", "integer", "boolean", "array", "object", "null"];

/// The JSON Schema that says the same as a schema of the older form: types in lower case, `nullable` as a type.
/// What is a JSON Schema already stays as it is.
pub(super) fn to_json_schema(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let mut out = Map::new();
    for (name, value) in members {
        let value = match (name.as_str(), value) {
            ("type", value) => type_name(value),
            ("properties" | "$defs", Value::Object(properties)) => {
                properties.iter().map(|(name, schema)| (name.clone(), to_json_schema(schema))).collect()
            }
            ("items" | "additionalProperties" | "not", schema) => to_json_schema(schema),
            ("anyOf" | "any_of" | "oneOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
                schemas.iter().map(to_json_schema).collect()
            }
            // 64-bit counts are texts in Google's JSON.
            ("minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties", value) => {
                number(value)
            }
            ("nullable" | "propertyOrdering" | "property_ordering", _) => continue,
            (_, value) => value.clone(),
        };
        let name = if name == "any_of" { "anyOf" } else { name };
        out.insert(name.to_owned(), value);
    }
    if members.get("nullable") == Some(&Value::Bool(true)) {
        if let Some(Value::String(kind)) = out.get("type").cloned() {
            out.insert("type".to_owned(), json!([kind, "null"]));
        }
        if let Some(Value::Array(values)) = out.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    out.into()
}

fn type_name(value: &Value) -> Value {
    match value {
        Value::String(name) if name.bytes().all(|byte| byte.is_ascii_uppercase()) => name.to_ascii_lowercase().into(),
        Value::Number(number) => {
            let place = number.as_u64().and_then(|number| usize::try_from(number).ok());
            place.and_then(|place| TYPES.get(place)).map_or_else(|| value.clone(), |name| Value::from(*name))
        }
        other => other.clone(),
    }
}

fn number(value: &Value) -> Value {
    value.as_str().and_then(|text| text.parse::<u64>().ok()).map_or_else(|| value.clone(), Value::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::to_json_schema;

    #[test]
    fn the_older_form_becomes_json_schema() {
        let older = json!({
            "type": "OBJECT", "propertyOrdering": ["a"], "required": ["a"],
            "properties": {
                "a": {"type": "STRING", "nullable": true, "enum": ["x"]},
                "type": {"type": 5, "items": {"type": "NUMBER"}, "maxItems": "3"},
                "b": {"anyOf": [{"type": "INTEGER"}, {"type": "BOOLEAN"}]},
            },
        });
        let newer = json!({
            "type": "object", "required": ["a"],
            "properties": {
                "a": {"type": ["string", "null"], "enum": ["x", null]},
                "type": {"type": "array", "items": {"type": "number"}, "maxItems": 3},
                "b": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
            },
        });
        assert_eq!(to_json_schema(&older), newer);
        assert_eq!(to_json_schema(&newer), newer);
    }
}
