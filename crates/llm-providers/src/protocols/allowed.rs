//! The choice among some of the functions: OpenAI's `allowed_tools` in both of its forms, and Gemini's mode `ANY` with
//! names.

use llm_core::{Native, Protocol};
use serde_json::{Map, Value, json};

use super::functions::{CHOICE, CUSTOM, FUNCTION};

const KIND: &str = "allowed_tools";

/// Some of the functions.
#[derive(Debug, PartialEq)]
pub(super) struct Allowed<'a> {
    /// Whether one of them must be called.
    pub(super) must: bool,
    pub(super) names: Vec<&'a str>,
}

impl<'a> Allowed<'a> {
    /// Reads a choice as its protocol writes it. None for any other choice, and where something else than the
    /// application's tools is allowed.
    pub(super) fn read(choice: &'a Native) -> Option<Self> {
        match choice.protocol()? {
            own @ (Protocol::OpenAiChat | Protocol::OpenAiResponses) => {
                let choice = choice.get(own, CHOICE).filter(|choice| choice.get("type") == Some(&json!(KIND)))?;
                let nested = own == Protocol::OpenAiChat;
                let inner = if nested { choice.get(KIND)? } else { choice };
                let must = match inner.get("mode")?.as_str()? {
                    "required" => true,
                    "auto" => false,
                    _ => return None,
                };
                let name = |tool: &'a Value| {
                    // Functions stand in for custom tools.
                    let kind = tool.get("type")?.as_str().filter(|kind| [FUNCTION, CUSTOM].contains(kind))?;
                    let said = if nested { tool.get(kind)? } else { tool };
                    said.get("name")?.as_str()
                };
                Some(Self { must, names: inner.get("tools")?.as_array()?.iter().map(name).collect::<Option<_>>()? })
            }
            own @ Protocol::Gemini if choice.get(own, "mode") == Some(&json!("ANY")) => {
                let names = choice.get(own, "allowedFunctionNames");
                let names = names.or_else(|| choice.get(own, "allowed_function_names"))?.as_array()?;
                Some(Self { must: true, names: names.iter().map(Value::as_str).collect::<Option<_>>()? })
            }
            _ => None,
        }
    }

    /// Writes the choice for one of OpenAI's protocols.
    pub(super) fn write(&self, own: Protocol) -> Value {
        let mode = if self.must { "required" } else { "auto" };
        let nested = own == Protocol::OpenAiChat;
        let tool = |name: &&str| match nested {
            true => json!({"type": FUNCTION, FUNCTION: {"name": name}}),
            false => json!({"type": FUNCTION, "name": name}),
        };
        let tools: Vec<Value> = self.names.iter().map(tool).collect();
        let mut choice = Map::from_iter([("type".to_owned(), json!(KIND))]);
        if nested {
            choice.insert(KIND.to_owned(), json!({"mode": mode, "tools": tools}));
        } else {
            choice.insert("mode".to_owned(), json!(mode));
            choice.insert("tools".to_owned(), json!(tools));
        }
        choice.into()
    }
}
