//! Function calls and what was answered to them.
//!
//! Google matches the two by name and, lately, by id. Where no id is said one is made, and the native says so.

use llm_core::chat::{Part, ToolCall, ToolResult};
use llm_core::fields::Fields;
use llm_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::super::name::{FUNCTION_CALL, FUNCTION_RESPONSE};
use super::{MADE_ID, media};

/// Makes ids of function calls, and finds the call that a response without an id answers.
#[derive(Debug)]
pub(in super::super) struct Ids {
    prefix: String,
    made: usize,
    /// Calls that wait for their response: name and id.
    open: Vec<(String, String)>,
}

impl Ids {
    /// Ids that begin with `prefix`.
    pub(in super::super) fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), made: 0, open: Vec::new() }
    }

    fn make(&mut self) -> String {
        self.made += 1;
        format!("{}_{}", self.prefix, self.made)
    }

    /// The id of the first call of that function which has no response yet.
    fn answered(&mut self, name: &str) -> String {
        match self.open.iter().position(|(open, _)| open == name) {
            Some(place) => self.open.remove(place).1,
            None => self.make(),
        }
    }

    fn close(&mut self, id: &str) {
        self.open.retain(|(_, open)| open != id);
    }
}

/// Takes a function call that has a name.
pub(super) fn take(fields: &mut Fields, ids: &mut Ids) -> Result<ToolCall> {
    let Some(mut inner) = FUNCTION_CALL.take(fields, Fields::take_object) else {
        return Err(fields.missing(FUNCTION_CALL.camel));
    };
    let name = inner.need_text("name")?;
    let id = match inner.take_nonempty("id") {
        Some(id) => id,
        None => {
            fields.put(MADE_ID, true.into());
            ids.make()
        }
    };
    let arguments = inner.take_object("args").map(|args| Value::Object(args.into_members()).to_string());
    leave_rest(FUNCTION_CALL, fields, inner);
    ids.open.push((name.clone(), id.clone()));
    Ok(ToolCall::new(id, name, arguments.unwrap_or_default()))
}

/// Writes a function call. Arguments that are no JSON object can't be said.
pub(super) fn write(object: &mut Map<String, Value>, call: &ToolCall, made: bool) -> Result<(), NotAnObject> {
    let (name, kept) = FUNCTION_CALL.remove(object);
    let mut inner = members(kept);
    if !made {
        inner.insert("id".to_owned(), call.id.as_str().into());
    }
    inner.insert("name".to_owned(), call.name.as_str().into());
    if !call.arguments.trim().is_empty() {
        match serde_json::from_str(&call.arguments) {
            Ok(Value::Object(args)) => {
                inner.insert("args".to_owned(), args.into());
            }
            _ => return Err(NotAnObject),
        }
    }
    object.insert(name.to_owned(), inner.into());
    Ok(())
}

/// Arguments that are no JSON object.
#[derive(Debug)]
pub(super) struct NotAnObject;

/// Takes a function's response. What it says stays as it came; the result is a reading of it.
pub(super) fn take_response(fields: &mut Fields, ids: &mut Ids) -> Result<ToolResult> {
    let Some(mut inner) = FUNCTION_RESPONSE.take(fields, Fields::take_object) else {
        return Err(fields.missing(FUNCTION_RESPONSE.camel));
    };
    let name = inner.need_text("name")?;
    let call_id = match inner.take_nonempty("id") {
        Some(id) => {
            ids.close(&id);
            id
        }
        None => {
            fields.put(MADE_ID, true.into());
            ids.answered(&name)
        }
    };
    let (content, is_error) = said(inner.get("response"), inner.get("parts"));
    leave_rest(FUNCTION_RESPONSE, fields, inner);
    Ok(ToolResult { call_id, name: Some(name), content, is_error })
}

/// What a response says: its one text under a customary name, else its JSON; and media beside it.
fn said(response: Option<&Value>, parts: Option<&Value>) -> (Vec<Part>, Option<bool>) {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut is_error = None;
    let mut content = match response {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(members)) => {
            let only = members.iter().next().filter(|_| members.len() == 1);
            let said = match only.map(|(name, value)| (name.as_str(), value)) {
                Some(("result" | "output", value)) => text(value),
                Some(("error", value)) => {
                    is_error = Some(true);
                    text(value)
                }
                _ => Value::Object(members.clone()).to_string(),
            };
            vec![Part::text(said)]
        }
        Some(other) => vec![Part::text(text(other))],
    };
    for part in parts.and_then(Value::as_array).into_iter().flatten() {
        content.push(media::of_response(part));
    }
    (content, is_error)
}

/// Writes a function's response: as it came where it still says the same. `media`: the media among its parts, already
/// written.
pub(super) fn write_response(
    object: &mut Map<String, Value>,
    result: &ToolResult,
    function: &str,
    (own, made): (bool, bool),
    media: Vec<Value>,
) {
    let (name, kept) = FUNCTION_RESPONSE.remove(object);
    let mut inner = members(kept);
    let as_it_came = said(inner.get("response"), inner.get("parts"));
    if !made {
        inner.insert("id".to_owned(), result.call_id.as_str().into());
    }
    inner.insert("name".to_owned(), function.into());
    let is_same = (&as_it_came.0, as_it_came.1) == (&result.content, result.is_error);
    // A response must be there, also where nothing was answered.
    if !is_same || !(own || inner.contains_key("response")) {
        inner.insert("response".to_owned(), response_of(result));
        inner.shift_remove("parts");
        if !media.is_empty() {
            inner.insert("parts".to_owned(), media.into());
        }
    }
    object.insert(name.to_owned(), inner.into());
}

/// Google wants an object: a text that is one goes as it is, any other under a name.
fn response_of(result: &ToolResult) -> Value {
    let text: String = result.content.iter().filter_map(Part::as_text).collect();
    if result.is_error == Some(true) {
        return json!({ "error": text });
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => members.into(),
        _ => json!({ "result": text }),
    }
}

/// The error for arguments that can't be said.
pub(super) fn bad_arguments(place: &str, call: &ToolCall) -> Error {
    let message = format!("`{place}`: the arguments of tool call `{}` must be a JSON object", call.id);
    Error::invalid_request(message).with_param(format!("{place}.arguments"))
}

fn leave_rest(name: super::super::name::Name, fields: &mut Fields, rest: Fields) {
    if !rest.is_empty() {
        name.leave(fields, rest.into_members().into());
    }
}

fn members(kept: Option<Value>) -> Map<String, Value> {
    match kept {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
