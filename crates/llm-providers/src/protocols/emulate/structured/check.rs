//! Whether an answer is the JSON that was asked for.
//!
//! Types, values, members and items are checked, and `$ref` within the schema is followed. Formats, patterns and the
//! bounds of numbers and lengths are not: providers with structured output of their own mostly ignore them too.

use llm_core::{Error, Result};
use serde_json::{Map, Value};

/// The deepest nesting that is looked at, of schema and value together.
const DEEPEST: u32 = 64;

/// Checks `text` against `schema`; the error says where they part.
pub(super) fn check(schema: &Value, text: &str) -> Result<()> {
    let wrong = |what: String| {
        let message =
            format!("the provider has no structured output, and its answer is not what was asked for: {what}");
        Err(Error::bad_answer(message).with_body(text.to_owned().into()))
    };
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return wrong(format!("not JSON ({error})")),
    };
    match (Checker { root: schema }).mismatch(schema, &value, "$", 0) {
        Some(what) => wrong(what),
        None => Ok(()),
    }
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    /// Where `value` is not what `schema` says; none where it is.
    fn mismatch(&self, schema: &Value, value: &Value, path: &str, depth: u32) -> Option<String> {
        let Value::Object(rules) = schema else {
            return (schema == &Value::Bool(false)).then(|| format!("`{path}` must not be there"));
        };
        if depth > DEEPEST {
            return None;
        }
        let deeper = |schema: &Value| self.mismatch(schema, value, path, depth + 1);
        if let Some(target) = rules.get("$ref").and_then(Value::as_str).and_then(|name| self.referred(name))
            && let Some(what) = deeper(target)
        {
            return Some(what);
        }
        if let Some(kinds) = rules.get("type")
            && !is_any_of(kinds, value)
        {
            return Some(format!("`{path}` is not of type {kinds}"));
        }
        if rules.get("enum").and_then(Value::as_array).is_some_and(|values| !values.contains(value))
            || rules.get("const").is_some_and(|only| only != value)
        {
            return Some(format!("`{path}` is none of the values that it may have"));
        }
        for choices in ["anyOf", "oneOf"].into_iter().filter_map(|name| rules.get(name)?.as_array()) {
            let misses: Vec<_> = choices.iter().map_while(&deeper).collect();
            if misses.len() == choices.len() {
                return misses.into_iter().next();
            }
        }
        let all = rules.get("allOf").and_then(Value::as_array).into_iter().flatten();
        all.into_iter().find_map(&deeper).or_else(|| match value {
            Value::Object(members) => self.members(rules, members, path, depth),
            Value::Array(items) => {
                let schema = rules.get("items")?;
                let item = |(place, item)| self.mismatch(schema, item, &format!("{path}[{place}]"), depth + 1);
                items.iter().enumerate().find_map(item)
            }
            _ => None,
        })
    }

    fn members(
        &self,
        rules: &Map<String, Value>,
        members: &Map<String, Value>,
        path: &str,
        depth: u32,
    ) -> Option<String> {
        let known = rules.get("properties").and_then(Value::as_object);
        let required = rules.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        if let Some(name) = required.into_iter().find(|name| !members.contains_key(*name)) {
            return Some(format!("`{path}.{name}` is missing"));
        }
        members.iter().find_map(|(name, value)| {
            let schema = known.and_then(|known| known.get(name)).or_else(|| rules.get("additionalProperties"))?;
            self.mismatch(schema, value, &format!("{path}.{name}"), depth + 1)
        })
    }

    fn referred(&self, name: &str) -> Option<&Value> {
        self.root.pointer(name.strip_prefix('#')?)
    }
}

fn is_any_of(kinds: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("number") => value.is_number(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    };
    kinds.as_array().map_or_else(|| is(kinds), |kinds| kinds.iter().any(is))
}
