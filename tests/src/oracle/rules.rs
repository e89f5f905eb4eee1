//! Differences that an expectation permits, each at a JSON pointer into the body.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::equal::normal;
use crate::json;

/// One permitted difference.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Rule {
    /// Where.
    pub pointer: String,
    /// It may be left out.
    #[serde(skip_serializing_if = "is_false")]
    pub absent_ok: bool,
    /// It may be added with this value, though the SDK does not send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<Value>,
    /// It may be added with any value.
    #[serde(skip_serializing_if = "is_false")]
    pub optional_any: bool,
    /// It may have any value.
    #[serde(skip_serializing_if = "is_false")]
    pub any: bool,
    /// It may have one of these values; `$SDK` is the SDK's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Value>,
    /// The same value may stand here instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// This value may stand there instead.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub alias_value: Map<String, Value>,
    /// Several texts may be joined into one, in order.
    #[serde(skip_serializing_if = "is_false")]
    pub joined_text_ok: bool,
    /// Both are JSON texts that parse to the same.
    #[serde(skip_serializing_if = "is_false")]
    pub json_text: bool,
    /// Case does not matter.
    #[serde(skip_serializing_if = "is_false")]
    pub case_insensitive: bool,
    /// An empty text may be added.
    #[serde(skip_serializing_if = "is_false")]
    pub empty_string_ok: bool,
    /// This item of a list may be left out.
    #[serde(skip_serializing_if = "is_false")]
    pub drop_part_ok: bool,
    /// Neighbouring messages of one role may be joined.
    #[serde(skip_serializing_if = "is_false")]
    pub merge_same_role_ok: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Rule {
    /// Where the rule permits what we sent, makes both bodies agree there.
    pub(super) fn relax(&self, want: &mut Value, ours: &mut Value) {
        let at = self.pointer.as_str();
        if self.merge_same_role_ok {
            merge_roles(want.pointer_mut(at));
            merge_roles(ours.pointer_mut(at));
            return;
        }
        let expected = want.pointer(at).cloned();
        if self.drop_part_ok && expected.is_some() && ours.pointer(at) != expected.as_ref() {
            remove(want, at);
            return;
        }
        if ours.pointer(at).is_none() {
            self.accept_alias(expected.as_ref(), ours);
        }
        match (expected, ours.pointer(at).cloned()) {
            (Some(_), None) if self.absent_ok => remove(want, at),
            (None, Some(sent)) if self.permits_added(&sent) => remove(ours, at),
            (Some(expected), Some(sent)) if self.permits(&expected, &sent) => put(ours, at, expected),
            _ => {}
        }
    }

    /// Moves a value that stands at another place to where the SDK puts it.
    fn accept_alias(&self, expected: Option<&Value>, ours: &mut Value) {
        if let Some(alias) = &self.alias
            && let Some(value) = ours.pointer(alias).cloned()
        {
            remove(ours, alias);
            put(ours, &self.pointer, value);
        }
        for (alias, value) in &self.alias_value {
            if ours.pointer(alias).is_some_and(|sent| json::equal(value, sent))
                && let Some(expected) = expected
            {
                remove(ours, alias);
                put(ours, &self.pointer, expected.clone());
            }
        }
    }

    fn permits_added(&self, sent: &Value) -> bool {
        self.optional_any
            || self.any
            || self.optional.as_ref().is_some_and(|value| json::equal(&normal(value), sent))
            || (self.empty_string_ok && sent == "")
    }

    fn permits(&self, expected: &Value, sent: &Value) -> bool {
        let is_listed = |value: &Value| match value {
            Value::String(own) if own == "$SDK" => json::equal(expected, sent),
            value => json::equal(&normal(value), sent),
        };
        let parsed = |value: &Value| value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        self.any
            || self.any_of.iter().any(is_listed)
            || (self.case_insensitive && lower(expected) == lower(sent))
            || (self.joined_text_ok && joined(expected) == joined(sent))
            || (self.json_text && parsed(expected).is_some() && parsed(expected) == parsed(sent))
    }
}

fn lower(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).to_lowercase()
}

/// All text of a text or of a list of texts and text parts, white space evened out.
fn joined(value: &Value) -> String {
    let text = match value {
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().or_else(|| item["text"].as_str()).unwrap_or_default());
            texts.collect::<Vec<_>>().join(" ")
        }
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn merge_roles(messages: Option<&mut Value>) {
    let Some(messages) = messages.and_then(Value::as_array_mut) else { return };
    let mut merged: Vec<Value> = Vec::new();
    for mut message in std::mem::take(messages) {
        let member = if message.get("parts").is_some() { "parts" } else { "content" };
        if let Some(text) = message[member].as_str() {
            message[member] = serde_json::json!([{ "type": "text", "text": text }]);
        }
        match merged.last_mut() {
            Some(last) if last["role"] == message["role"] => {
                if let (Some(all), Some(more)) = (last[member].as_array_mut(), message[member].as_array()) {
                    all.extend(more.iter().cloned());
                }
            }
            _ => merged.push(message),
        }
    }
    *messages = merged;
}

fn split(pointer: &str) -> (&str, String) {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    (parent, name.replace("~1", "/").replace("~0", "~"))
}

fn remove(body: &mut Value, pointer: &str) {
    let (parent, name) = split(pointer);
    match body.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.shift_remove(&name);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = name.parse::<usize>().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

fn put(body: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = split(pointer);
    if body.pointer(parent).is_none() && !parent.is_empty() {
        put(body, parent, Value::Object(Map::new()));
    }
    match body.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.insert(name, value);
        }
        Some(Value::Array(items)) => {
            if let Some(item) = name.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                *item = value;
            }
        }
        _ => {}
    }
}
