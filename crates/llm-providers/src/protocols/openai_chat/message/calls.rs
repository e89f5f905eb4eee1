//! Tool calls, functions and custom tools alike.
//!
//! What is left of a call (`type`, `index`, the rest of `function` or `custom`) is the part's `native`. Where the
//! provider gave no id, one is made, and [`MADE_ID`] in the native says so.

use llm_core::chat::{Content, Part, ToolCall};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use crate::protocols::functions::{CUSTOM, FUNCTION};

/// The member that holds the calls, and in a streamed change's native what is left of the piece.
pub(in super::super) const CALLS: &str = "tool_calls";
/// Marks a call whose id is ours.
const MADE_ID: &str = "made_id";

/// What a call, or a piece of one, says.
pub(in super::super) struct Piece {
    pub(in super::super) index: Option<u64>,
    pub(in super::super) id: Option<String>,
    pub(in super::super) name: Option<String>,
    pub(in super::super) arguments: Option<Arguments>,
    pub(in super::super) rest: Map<String, Value>,
}

/// Arguments as they came.
pub(in super::super) enum Arguments {
    /// The JSON text that the protocol asks for.
    Text(String),
    /// JSON itself, which some hosts send, as text. The value stays in the rest.
    Value(String),
}

impl Arguments {
    pub(in super::super) fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Value(text) => text,
        }
    }
}

impl Piece {
    /// Takes a call apart. With `begins`, id and name are taken; in later pieces of a call they stay in the rest.
    pub(in super::super) fn read(members: Map<String, Value>, begins: impl FnOnce(&Self) -> bool) -> Self {
        let mut fields = Fields::new(members);
        let mut piece = Self {
            index: fields.get("index").and_then(Value::as_u64),
            id: fields.text("id").filter(|id| !id.is_empty()).map(str::to_owned),
            name: None,
            arguments: None,
            rest: Map::new(),
        };
        let inner_name = inner_member(|name| fields.get(name));
        let mut inner = fields.take_object(inner_name);
        piece.name =
            inner.as_ref().and_then(|inner| inner.text("name")).filter(|name| !name.is_empty()).map(str::to_owned);
        let begins = begins(&piece);
        if begins {
            fields.take_nonempty("id");
        }
        if let Some(mut inner) = inner.take() {
            if begins {
                inner.take_nonempty("name");
            }
            let member = arguments_member(inner_name);
            piece.arguments = match inner.take_nonempty(member) {
                Some(text) => Some(Arguments::Text(text)),
                None => inner
                    .get(member)
                    .filter(|value| value.is_object() || value.is_array())
                    .map(|value| Arguments::Value(value.to_string())),
            };
            fields.put(inner_name, Value::Object(inner.into_members()));
        }
        piece.rest = fields.into_members();
        piece
    }
}

/// Where name and arguments stand. Snowflake's calls have an empty `custom` beside `function`.
fn inner_member<'a>(get: impl Fn(&str) -> Option<&'a Value>) -> &'static str {
    let is_there = |name| get(name).is_some_and(Value::is_object);
    if is_there(CUSTOM) && !is_there(FUNCTION) { CUSTOM } else { FUNCTION }
}

/// The member of what stands under `function` or `custom` that holds what a tool is called with.
pub(in super::super) fn arguments_member(inner: &str) -> &'static str {
    if inner == CUSTOM { "input" } else { "arguments" }
}

/// Whether a member of `tool_calls` is a call that can be understood.
pub(in super::super) fn is_call(value: &Value) -> bool {
    [FUNCTION, CUSTOM].iter().any(|inner| value.get(inner).is_some_and(Value::is_object))
}

/// The call that begins with `piece`; `made` is its id where the provider gave none.
pub(in super::super) fn begin(piece: &mut Piece, made: impl FnOnce() -> String) -> Part {
    let mut rest = std::mem::take(&mut piece.rest);
    let id = piece.id.clone().unwrap_or_else(|| {
        rest.insert(MADE_ID.to_owned(), json!(true));
        made()
    });
    let is_custom = inner_member(|name| rest.get(name)) == CUSTOM;
    let call = ToolCall { is_custom, ..ToolCall::new(id, piece.name.clone().unwrap_or_default(), "") };
    let mut part = Part::from(call);
    part.native = llm_core::Native::new(PROTOCOL, rest);
    part
}

/// Takes the calls out of a whole answer's message. What can't be understood stays; null marks the places of the rest.
pub(in super::super) fn take(message: &mut Fields, id_seed: &str, choice: u32) -> Vec<Part> {
    let Some(list) = message.take_list(CALLS) else { return Vec::new() };
    let mut parts = Vec::new();
    let mut shape = Vec::with_capacity(list.len());
    for (place, value) in list.into_iter().enumerate() {
        match value {
            Value::Object(members) if is_call(&Value::Object(members.clone())) => {
                let mut piece = Piece::read(members, |_| true);
                let mut part = begin(&mut piece, || format!("call_{id_seed}_{choice}_{place}"));
                if let (Content::ToolCall(call), Some(arguments)) = (&mut part.content, piece.arguments) {
                    call.arguments = arguments.into_text();
                }
                parts.push(part);
                shape.push(Value::Null);
            }
            other => shape.push(other),
        }
    }
    if parts.is_empty() || shape.iter().any(|value| !value.is_null()) {
        message.put(CALLS, Value::Array(shape));
    }
    parts
}

/// A call as it is written; the full form where it came in another protocol.
pub(in super::super) fn write(part: &Part, call: &ToolCall) -> Value {
    let Some(shape) = part.native.members(PROTOCOL) else {
        // No arguments of a function are an empty object here: callers parse the text.
        let lacks = call.arguments.is_empty() && !call.is_custom;
        return begun(call, if lacks { "{}" } else { &call.arguments });
    };
    let mut out = shape.clone();
    let is_ours = out.remove(MADE_ID).is_some();
    // What the last piece of a streamed call left behind says nothing of the whole.
    out.remove(CALLS);
    if !is_ours {
        out.insert("id".to_owned(), json!(call.id));
    }
    write_inner(&mut out, &call.name, &call.arguments);
    Value::Object(out)
}

/// A call of another protocol, with `arguments` so far.
pub(in super::super) fn begun(call: &ToolCall, arguments: &str) -> Value {
    let kind = kind_of(call);
    let inner =
        Map::from_iter([("name".to_owned(), json!(call.name)), (arguments_member(kind).to_owned(), json!(arguments))]);
    let mut out = Map::from_iter([("id".to_owned(), json!(call.id)), ("type".to_owned(), json!(kind))]);
    out.insert(kind.to_owned(), Value::Object(inner));
    Value::Object(out)
}

/// Where name and arguments of a call of another protocol stand.
pub(in super::super) fn kind_of(call: &ToolCall) -> &'static str {
    if call.is_custom { CUSTOM } else { FUNCTION }
}

/// Writes name and arguments into a call or a piece of one, unless they are empty.
pub(in super::super) fn write_inner(out: &mut Map<String, Value>, name: &str, arguments: &str) {
    if name.is_empty() && arguments.is_empty() {
        return;
    }
    let inner_name = inner_member(|name| out.get(name));
    if !out.get(inner_name).is_some_and(Value::is_object) {
        out.insert(inner_name.to_owned(), Value::Object(Map::new()));
    }
    let Some(inner) = out.get_mut(inner_name).and_then(Value::as_object_mut) else { return };
    if !name.is_empty() {
        inner.insert("name".to_owned(), json!(name));
    }
    let member = arguments_member(inner_name);
    // JSON in the place of a JSON text is written back as it came, as long as it says the same.
    let stated = inner.get(member).filter(|value| !value.is_string()).map(Value::to_string);
    let says_the_same = stated.is_some_and(|stated| stated == arguments);
    if !arguments.is_empty() && !says_the_same {
        inner.insert(member.to_owned(), json!(arguments));
    }
}

/// Writes the calls of a message.
pub(in super::super) fn write_all(parts: &[Part], out: &mut Map<String, Value>) {
    let calls = parts.iter().filter_map(|part| match &part.content {
        Content::ToolCall(call) => Some(write(part, call)),
        _ => None,
    });
    let calls: Vec<Value> = calls.collect();
    if !calls.is_empty() {
        let shape = out.remove(CALLS);
        out.insert(CALLS.to_owned(), Value::Array(super::refill(shape, calls)));
    }
}
