//! Parts out: strictly for a provider, leniently for a caller.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use llm_core::chat::{Content, Part, Reasoning, ServerToolCall, ServerToolResult, ToolCall, ToolResult};
use llm_core::codec::{Target, Unsupported};
use llm_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::super::name::{
    CODE_EXECUTION_RESULT, EXECUTABLE_CODE, Name, THOUGHT_SIGNATURE, TOOL_CALL, TOOL_RESPONSE, TOOL_TYPE,
};
use super::super::{ANY_PROVIDER, ME, model};
use super::call::{self, NotAnObject};
use super::{MADE_ID, SIGNATURE_ONLY, media, object, signature};

/// What Google's documentation says to send for a function call that another model made, in base64:
/// `skip_thought_signature_validator`.
const UNSIGNED: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// Where a part stands in a request, for error messages.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Place {
    /// The message's place in the request.
    pub(in super::super) message: usize,
    /// The part's place in the message.
    pub(in super::super) part: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages[{}].content[{}]", self.message, self.part)
    }
}

/// What the parts of one request have in common.
#[derive(Debug)]
pub(in super::super) struct Asking<'a, 'u> {
    target: &'a Target<'a>,
    pub(in super::super) unsupported: &'u mut Unsupported<'a>,
    /// The functions of the calls so far, by call id.
    functions: HashMap<String, String>,
}

impl<'a, 'u> Asking<'a, 'u> {
    pub(in super::super) fn new(target: &'a Target<'a>, unsupported: &'u mut Unsupported<'a>) -> Self {
        Self { target, unsupported, functions: HashMap::new() }
    }

    fn refuse(&mut self, place: Place, member: &str, why: impl fmt::Display) -> Result<()> {
        self.unsupported.param(&format!("{place}{member}"), &why.to_string())
    }
}

/// The parts of one content on their way out.
#[derive(Debug, Default)]
pub(in super::super) struct Parts {
    list: Vec<Value>,
    /// Signatures that wait for their function call.
    pending: VecDeque<String>,
    /// Whether a function call stands among them.
    has_call: bool,
    /// Whether thoughts, and with them the signatures of calls, were left out.
    left_out: bool,
}

impl Parts {
    fn push(&mut self, object: Map<String, Value>) {
        self.list.push(object.into());
    }

    /// A function call, with its signature; `unsigned` where there is none.
    fn push_call(&mut self, mut object: Map<String, Value>, unsigned: Option<&str>) {
        let first = !std::mem::replace(&mut self.has_call, true);
        // Of parallel calls only the first is signed.
        let signature = self.pending.pop_front().or_else(|| unsigned.filter(|_| first).map(str::to_owned));
        if let Some(signature) = signature {
            THOUGHT_SIGNATURE.set(&mut object, signature);
        }
        self.push(object);
    }

    /// Thoughts of another protocol's provider, as they are streamed.
    pub(in super::super) fn push_thoughts(&mut self, text: &str) {
        if !text.is_empty() {
            self.list.push(json!({"text": text, "thought": true}));
        }
    }

    /// A part as it came.
    pub(in super::super) fn push_value(&mut self, value: Value) {
        self.list.push(value);
    }

    /// Hands over the signatures whose function calls stand in the next content.
    pub(in super::super) fn hand_over(&mut self) -> Self {
        Self { pending: std::mem::take(&mut self.pending), left_out: self.left_out, ..Self::default() }
    }

    /// The signature of the next function call.
    pub(in super::super) fn hold(&mut self, signature: String) {
        self.pending.push_back(signature);
    }

    /// The parts. Signatures without a call behind them stand on the last text, or on an empty one.
    pub(in super::super) fn finish(mut self) -> Vec<Value> {
        for signature in self.pending {
            let unsigned_text = |object: &&mut Map<String, Value>| {
                object.contains_key("text")
                    && !object.contains_key("thought")
                    && THOUGHT_SIGNATURE.find(object).is_none()
            };
            match self.list.last_mut().and_then(Value::as_object_mut).filter(unsigned_text) {
                Some(text) => THOUGHT_SIGNATURE.set(text, signature),
                None => self.list.push(json!({"text": "", "thoughtSignature": signature})),
            }
        }
        self.list
    }

    /// Whether nothing was said.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.pending.is_empty()
    }
}

/// Appends what says `part` of a message to the target. Left out are empty texts of other protocols and thoughts of
/// other providers.
pub(in super::super) fn request(part: &Part, place: Place, asking: &mut Asking<'_, '_>, out: &mut Parts) -> Result<()> {
    let own = part.native.is_from(ME);
    if let Some(marker) = &part.cache {
        let why = "its caches are things it stores (`cachedContent`), not markers";
        asking.unsupported.cache_marker("cache_control", marker, ME, why)?;
    }
    match &part.content {
        Content::Text { text, .. } | Content::Refusal { text } => {
            if own || !text.is_empty() {
                out.push(text_part(text, part));
            }
        }
        Content::Reasoning(reasoning) => {
            let any = reasoning.provider.as_deref() == Some(ANY_PROVIDER);
            if any || part.proves_to(asking.target.provider, ME) {
                thoughts(reasoning, part, out);
            } else {
                out.left_out = true;
            }
        }
        Content::ToolCall(call) => {
            asking.functions.insert(call.id.clone(), call.name.clone());
            let mut object = object(&part.native);
            let made = part.native.get(ME, MADE_ID).is_some();
            call::write(&mut object, call, made)
                .map_err(|NotAnObject| call::bad_arguments(&place.to_string(), call))?;
            let of_another = !own || out.left_out;
            let unsigned = (of_another && model::is_third_or_later(asking.target.model)).then_some(UNSIGNED);
            out.push_call(object, unsigned);
        }
        Content::ToolResult(result) => tool_result(result, part, place, asking, out)?,
        Content::ServerToolCall(call) if own => out.push(server_call(call, part)),
        Content::ServerToolResult(result) if own => out.push(server_result(result, part)),
        Content::ServerToolCall(ServerToolCall { kind, .. })
        | Content::ServerToolResult(ServerToolResult { kind, .. }) => {
            asking.refuse(place, "", format_args!("`{kind}` is a part of another protocol"))?;
        }
        Content::Media(content) => {
            if content.detail.as_deref() == Some("low") && !own {
                let is_foreign = part.native.is_foreign_to(ME);
                asking.unsupported.hint("detail", is_foreign, "it looks at every image alike")?;
            }
            let mut object = object(&part.native);
            match media::write(content, &part.native, &mut object) {
                Ok(()) => out.push(object),
                Err(why) => asking.refuse(place, "", why)?,
            }
        }
        Content::Unknown { protocol: ME, value } => out.list.push(value.clone()),
        Content::Unknown { protocol, value } => {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
            asking.refuse(place, "", format_args!("`{kind}` is a part of `{protocol}`"))?;
        }
    }
    Ok(())
}

fn tool_result(
    result: &ToolResult,
    part: &Part,
    place: Place,
    asking: &mut Asking<'_, '_>,
    out: &mut Parts,
) -> Result<()> {
    let called = || asking.functions.get(&result.call_id).map(String::as_str);
    let Some(function) = result.name.as_deref().or_else(called).map(str::to_owned) else {
        let message = format!("`{place}` answers the tool call `{}`, which is not in the conversation", result.call_id);
        return Err(Error::invalid_request(message).with_param(format!("{place}.tool_call_id")));
    };
    let mut beside = Vec::new();
    for (inner, piece) in result.content.iter().enumerate() {
        let member = format!(".content[{inner}]");
        match &piece.content {
            Content::Text { .. } => {}
            Content::Media(_) if !model::is_third_or_later(asking.target.model) && !piece.native.is_from(ME) => {
                asking.refuse(place, &member, "it takes media in tool results from Gemini 3 on")?;
            }
            Content::Media(content) => {
                let mut object = object(&piece.native);
                match media::write(content, &piece.native, &mut object) {
                    Ok(()) => beside.push(object.into()),
                    Err(why) => asking.refuse(place, &member, why)?,
                }
            }
            Content::Unknown { protocol: ME, value } => beside.push(value.clone()),
            _ => asking.refuse(place, &member, "a tool result holds text and media only")?,
        }
    }
    let mut object = object(&part.native);
    let made = part.native.get(ME, MADE_ID).is_some();
    call::write_response(&mut object, result, &function, (part.native.is_from(ME), made), beside);
    out.push(object);
    Ok(())
}

/// Appends what says `part` of an answer to a caller. What only another protocol's callers would know is left out.
pub(in super::super) fn answer(part: &Part, out: &mut Parts) {
    let own = part.native.is_from(ME);
    match &part.content {
        Content::Text { text, .. } | Content::Refusal { text } => {
            if own || !text.is_empty() {
                out.push(text_part(text, part));
            }
        }
        Content::Reasoning(reasoning) if own => thoughts(reasoning, part, out),
        Content::Reasoning(reasoning) => out.list.extend(foreign_thoughts(reasoning)),
        Content::ToolCall(call) => out.push_call(call_part(call, part), None),
        Content::ServerToolCall(call) if own => out.push(server_call(call, part)),
        Content::ServerToolResult(result) if own => out.push(server_result(result, part)),
        Content::Media(content) => {
            let mut object = object(&part.native);
            if media::write(content, &part.native, &mut object).is_ok() {
                out.push(object);
            }
        }
        Content::Unknown { protocol: ME, value } => out.list.push(value.clone()),
        Content::ServerToolCall(_)
        | Content::ServerToolResult(_)
        | Content::ToolResult(_)
        | Content::Unknown { .. } => {}
    }
}

/// Thoughts of another protocol's provider, as callers of this one hold and send them back. None where there is nothing
/// to tell.
fn foreign_thoughts(reasoning: &Reasoning) -> Option<Value> {
    let sealed = signature::seal(reasoning);
    if reasoning.text.is_empty() && sealed.is_none() {
        return None;
    }
    let mut object = Map::new();
    object.insert("text".to_owned(), reasoning.text.as_str().into());
    object.insert("thought".to_owned(), true.into());
    if let Some(sealed) = sealed {
        object.insert(THOUGHT_SIGNATURE.camel.to_owned(), sealed.into());
    }
    Some(object.into())
}

/// A function call of an answer. Arguments that a model garbled stand where they can be seen.
fn call_part(call: &ToolCall, part: &Part) -> Map<String, Value> {
    let mut whole = object(&part.native);
    let made = part.native.get(ME, MADE_ID).is_some();
    if let Err(NotAnObject) = call::write(&mut whole, call, made) {
        let name = super::super::name::FUNCTION_CALL.in_object(&whole).to_owned();
        let args = json!({ "INVALID_JSON": call.arguments });
        whole.insert(name, json!({"id": call.id, "name": call.name, "args": args}));
    }
    whole
}

fn text_part(text: &str, part: &Part) -> Map<String, Value> {
    let mut object = object(&part.native);
    object.insert("text".to_owned(), text.into());
    object
}

fn thoughts(reasoning: &Reasoning, part: &Part, out: &mut Parts) {
    let only_signature = part.native.get(ME, SIGNATURE_ONLY).is_some();
    let own = part.native.is_from(ME) && !only_signature;
    let mut signature = reasoning.signature.clone();
    if own || !reasoning.text.is_empty() {
        let mut object = object(&part.native);
        object.insert("text".to_owned(), reasoning.text.as_str().into());
        object.insert("thought".to_owned(), true.into());
        let stands_here = THOUGHT_SIGNATURE.find(&object).is_some();
        if let Some(signature) = signature.take_if(|_| stands_here) {
            THOUGHT_SIGNATURE.set(&mut object, signature);
        }
        out.push(object);
    }
    out.pending.extend(signature);
}

fn server_call(call: &ServerToolCall, part: &Part) -> Map<String, Value> {
    let name = if call.kind == EXECUTABLE_CODE.camel { EXECUTABLE_CODE } else { TOOL_CALL };
    let mut object = object(&part.native);
    let (spelled, mut inner) = inner_of(name, &mut object);
    if !call.id.is_empty() {
        inner.insert("id".to_owned(), call.id.as_str().into());
    }
    let input = match serde_json::from_str(&call.input) {
        Ok(Value::Object(input)) => input,
        _ => Map::new(),
    };
    if name == EXECUTABLE_CODE {
        inner.extend(input);
    } else {
        if !call.name.is_empty() {
            TOOL_TYPE.set(&mut inner, call.name.as_str());
        }
        if !input.is_empty() {
            inner.insert("args".to_owned(), input.into());
        }
    }
    object.insert(spelled.to_owned(), inner.into());
    object
}

fn server_result(result: &ServerToolResult, part: &Part) -> Map<String, Value> {
    let name = if result.kind == TOOL_RESPONSE.camel { TOOL_RESPONSE } else { CODE_EXECUTION_RESULT };
    let mut object = object(&part.native);
    let (spelled, mut inner) = inner_of(name, &mut object);
    if !result.call_id.is_empty() {
        inner.insert("id".to_owned(), result.call_id.as_str().into());
    }
    if let Value::Object(content) = &result.content {
        inner.extend(content.clone());
    }
    object.insert(spelled.to_owned(), inner.into());
    object
}

fn inner_of(name: Name, object: &mut Map<String, Value>) -> (&'static str, Map<String, Value>) {
    match name.remove(object) {
        (spelled, Some(Value::Object(inner))) => (spelled, inner),
        (spelled, _) => (spelled, Map::new()),
    }
}
