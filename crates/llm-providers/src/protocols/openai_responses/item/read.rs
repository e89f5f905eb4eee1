//! Items in, parts out.

use llm_core::Result;
use llm_core::chat::{Content, Part, ToolCall};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::content;
use super::super::{ITEM, PROTOCOL, reasoning};
use super::{CALL, CUSTOM_CALL, arguments_member};

/// Whose items are read, and how strictly.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Reading<'a> {
    /// A caller's, where what is wrong is said by name.
    Caller,
    /// A provider's, where an odd item is kept whole.
    Provider(&'a str),
}

impl Reading<'_> {
    fn provider(&self) -> Option<&str> {
        match self {
            Self::Caller => None,
            Self::Provider(id) => Some(id),
        }
    }
}

/// Whether an item of a request is one that the model said, so that it belongs to the model's turn.
pub(in super::super) fn is_models(item: &Value) -> bool {
    let text = |name| item.get(name).and_then(Value::as_str);
    match text("type") {
        None | Some("message") => text("role") == Some("assistant"),
        Some(kind) => !kind.ends_with("_output") && !kind.ends_with("_response"),
    }
}

/// The parts of one item that the model said. Kinds that have no place in the vocabulary, such as the provider's own
/// tools, are one part that is kept whole.
pub(in super::super) fn of_model(item: Value, path: String, reading: Reading<'_>) -> Result<Vec<Part>> {
    let whole = matches!(reading, Reading::Provider(_)).then(|| item.clone());
    let parts = Fields::at(path, item).and_then(|fields| known(fields, reading));
    match (parts, whole) {
        (Err(_), Some(whole)) => Ok(vec![content::unknown(whole)]),
        (parts, _) => parts,
    }
}

fn known(mut item: Fields, reading: Reading<'_>) -> Result<Vec<Part>> {
    let kind = item.want_text("type")?;
    if let Some(kind) = &kind {
        item.put("type", json!(kind));
    }
    Ok(match kind.as_deref() {
        None | Some("message") => {
            let parts = message_parts(item, reading)?;
            return Ok(parts);
        }
        Some("reasoning") => vec![reasoning::read(item, reading.provider())],
        Some(CALL | CUSTOM_CALL) => vec![call_of(item)?],
        Some(_) => vec![content::unknown(Value::Object(item.into_members()))],
    })
}

/// A call: its `call_id` is what its result repeats; the item's own id stays in the part's native.
pub(in super::super) fn call_of(mut item: Fields) -> Result<Part> {
    let is_custom = item.text("type") == Some(CUSTOM_CALL);
    let member = arguments_member(item.text("type"));
    let call = ToolCall::new(item.need_text("call_id")?, item.need_text("name")?, item.need_text(member)?);
    let call = ToolCall { is_custom, ..call };
    Ok(Part::from(call).with_native(item.into_native(PROTOCOL)))
}

/// The parts of the model's message. The first keeps what is left of the item.
fn message_parts(mut item: Fields, reading: Reading<'_>) -> Result<Vec<Part>> {
    let path = item.path_of("content");
    let mut parts = match item.take("content") {
        Some(Value::String(text)) => vec![Part::text(text)],
        Some(Value::Array(list)) => {
            if list.is_empty() {
                item.put("content", json!([]));
                return Ok(vec![content::unknown(Value::Object(item.into_members()))]);
            }
            let list = list.into_iter().enumerate();
            let read = list.map(|(place, part)| match reading {
                Reading::Caller => Fields::at(format!("{path}[{place}]"), part).and_then(content::read),
                Reading::Provider(_) => Ok(content::read_answer(part)),
            });
            let parts = read.collect::<Result<_>>()?;
            item.put("content", json!([]));
            parts
        }
        Some(other) => {
            item.put("content", other);
            return Err(item.wrong("content", "a string or a list"));
        }
        None => return Err(item.missing("content")),
    };
    tie(&mut parts, item.into_members());
    Ok(parts)
}

/// Notes that the parts stand in one message, of which `rest` is left.
fn tie(parts: &mut [Part], rest: Map<String, Value>) {
    let mut rest = Some(rest);
    for part in parts {
        let rest = rest.take().map_or(Value::Null, Value::Object);
        if let Content::Unknown { .. } = &part.content {
            part.native = llm_core::Native::NONE;
        }
        part.native.insert(PROTOCOL, ITEM, rest);
    }
}
