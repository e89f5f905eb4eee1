//! The conversation: Google's contents and our messages.
//!
//! Google has no role for the results of tools: they are parts of the user's content. Here such a content becomes
//! messages of results and of the rest, and back again. The model's contents behind each other are one message: Google's
//! SDKs keep a streamed answer as a content for each of its pieces.

use llm_core::chat::{ChatRequest, Content, Message, Part, Role};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value};

use super::super::ME;
use super::super::name::SYSTEM_INSTRUCTION;
use super::super::part::{self, Asking, Ids, Parts, Place};

/// Marks the message that came as `systemInstruction`.
const SYSTEM: &str = "isSystem";
/// Marks a message that is the rest of the content before it.
const JOINED: &str = "joined";

/// Takes `systemInstruction` and `contents`.
pub(super) fn read(fields: &mut Fields, messages: &mut Vec<Message>) -> Result<()> {
    let mut ids = Ids::new("call_gemini");
    let system = SYSTEM_INSTRUCTION.of(fields);
    if let Some(mut content) = SYSTEM_INSTRUCTION.want(fields, Fields::want_object)? {
        let parts = take_parts(&mut content, &mut ids)?;
        let mut message = Message::new(Role::System, parts);
        if content.get("role").is_none() {
            content.put("role", false.into());
        }
        message.native = content.into_native(ME);
        message.native.insert(ME, SYSTEM, system.into());
        messages.push(message);
    }
    let list = match fields.take("contents") {
        Some(Value::Array(list)) => list,
        // A lone one counts as a list of one.
        Some(one @ Value::Object(_)) => {
            fields.put("contents", Map::new().into());
            vec![one]
        }
        None => return Err(fields.missing("contents")),
        Some(other) => {
            fields.put("contents", other);
            return Err(fields.wrong("contents", "a list"));
        }
    };
    if list.is_empty() {
        let error = Error::invalid_request("`contents` must not be empty: at least one content is required");
        return Err(error.with_param("contents"));
    }
    for (place, value) in list.into_iter().enumerate() {
        read_content(Fields::at(format!("contents[{place}]"), value)?, &mut ids, messages)?;
    }
    Ok(())
}

fn read_content(mut fields: Fields, ids: &mut Ids, messages: &mut Vec<Message>) -> Result<()> {
    let is_model = match fields.want_text("role")?.as_deref() {
        None => {
            if fields.get("role").is_none() {
                fields.put("role", false.into());
            }
            false
        }
        Some("user") => false,
        Some("model") => true,
        Some(word @ ("function" | "tool" | "")) => {
            fields.put("role", word.into());
            false
        }
        Some(other) => {
            let path = fields.path_of("role");
            let error = format!("`{path}` must be `user`, `model` or `function`, not `{other}`");
            return Err(Error::invalid_request(error).with_param(path));
        }
    };
    let parts = take_parts(&mut fields, ids)?;
    if is_model {
        match messages.last_mut() {
            Some(last) if last.role == Role::Assistant && !last.parts.is_empty() && !parts.is_empty() => {
                join(parts, fields.into_members(), &mut last.parts);
            }
            _ => {
                let native = fields.into_native(ME);
                messages.push(Message { native, ..Message::new(Role::Assistant, parts) });
            }
        }
        return Ok(());
    }
    let native = fields.into_native(ME);
    let first = messages.len();
    for part in parts {
        let role = if matches!(part.content, Content::ToolResult(_)) { Role::Tool } else { Role::User };
        match messages.get_mut(first..).and_then(<[Message]>::last_mut) {
            Some(last) if last.role == role => last.parts.push(part),
            _ => messages.push(Message::new(role, vec![part])),
        }
    }
    if messages.len() == first {
        messages.push(Message::new(Role::User, Vec::new()));
    }
    for message in messages.iter_mut().skip(first + 1) {
        message.native.insert(ME, JOINED, true.into());
    }
    if let Some(message) = messages.get_mut(first) {
        message.native = native;
    }
    Ok(())
}

/// Appends the parts of a further content to a message. The first of them holds what was left of that content.
fn join(parts: Vec<Part>, rest: Map<String, Value>, message: &mut Vec<Part>) {
    let mut rest = Some(rest);
    let mut start = message.len();
    for part in parts {
        part::append(part, message);
        // What was taken into a part before begins nothing.
        start = start.min(message.len());
        if let Some(first) = message.get_mut(start)
            && let Some(rest) = rest.take()
        {
            first.native.insert(ME, part::CONTENT, rest.into());
        }
    }
}

/// Takes `parts`, and leaves its shape where the parts don't tell it: an empty list, or a lone part.
fn take_parts(fields: &mut Fields, ids: &mut Ids) -> Result<Vec<Part>> {
    let path = fields.path_of("parts");
    let list = match fields.take("parts") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => {
            if list.is_empty() {
                fields.put("parts", Value::Array(Vec::new()));
            }
            list
        }
        Some(one @ Value::Object(_)) => {
            fields.put("parts", Map::new().into());
            vec![one]
        }
        Some(other) => {
            fields.put("parts", other);
            return Err(fields.wrong("parts", "a list"));
        }
    };
    let mut parts: Vec<Part> = Vec::with_capacity(list.len());
    for (place, value) in list.into_iter().enumerate() {
        for part in part::of_caller(format!("{path}[{place}]"), ids, value)? {
            part::append(part, &mut parts);
        }
    }
    Ok(parts)
}

/// Writes `systemInstruction` and `contents`.
pub(super) fn write(request: &ChatRequest, asking: &mut Asking<'_, '_>, body: &mut Map<String, Value>) -> Result<()> {
    let mut system = Turn::new("user", &Native::NONE);
    let mut turns: Vec<Turn> = Vec::with_capacity(request.messages.len());
    for (place, message) in request.messages.iter().enumerate() {
        if message.name.is_some() {
            asking.unsupported.param(&format!("messages[{place}].name"), "it has no names for speakers")?;
        }
        let own = message.native.is_from(ME);
        let role = match &message.role {
            Role::System | Role::Developer => {
                if own {
                    let parts = std::mem::take(&mut system.parts);
                    system = Turn { parts, ..Turn::new("user", &message.native) };
                }
                for (number, part) in message.parts.iter().enumerate() {
                    part::request(part, Place { message: place, part: number }, asking, &mut system.parts)?;
                }
                continue;
            }
            Role::User | Role::Tool => "user",
            Role::Assistant => "model",
            Role::Unknown(role) => {
                let error = format!("`messages[{place}].role` must be one that Gemini has, not `{role}`");
                return Err(Error::invalid_request(error).with_param(format!("messages[{place}].role")));
            }
        };
        let joined = message.native.get(ME, JOINED).is_some();
        let is_result = message.role == Role::Tool;
        match turns.last_mut() {
            // The results of parallel calls stand in one content.
            Some(turn) if turn.role == role && (joined || (!own && is_result && turn.results_only)) => {
                turn.results_only &= is_result;
            }
            _ => turns.push(Turn { results_only: is_result, ..Turn::new(role, &message.native) }),
        }
        write_parts(message, place, asking, &mut turns)?;
        // A message of which nothing is left (thoughts of another provider) is none.
        turns.pop_if(|turn| !turn.own && turn.parts.is_empty());
    }
    if system.own || !system.parts.is_empty() {
        let spelled = system.rest.shift_remove(SYSTEM);
        let spelled = spelled.as_ref().and_then(Value::as_str).unwrap_or(SYSTEM_INSTRUCTION.camel).to_owned();
        body.insert(spelled, system.spell(false));
    }
    let is_lone = matches!(body.get("contents"), Some(Value::Object(_)));
    let mut turns: Vec<Value> = turns.into_iter().map(|turn| turn.spell(true)).collect();
    let contents = match (is_lone, turns.len()) {
        (true, 1) => turns.remove(0),
        _ => turns.into(),
    };
    body.insert("contents".to_owned(), contents);
    Ok(())
}

/// Writes the parts of a message into the last content, and into further ones where parts say that they begin one.
fn write_parts(message: &Message, place: usize, asking: &mut Asking<'_, '_>, turns: &mut Vec<Turn>) -> Result<()> {
    for (number, part) in message.parts.iter().enumerate() {
        if let Some(Value::Object(rest)) = part.native.get(ME, part::CONTENT)
            && let Some(last) = turns.last_mut()
        {
            let (role, parts) = (last.role, last.parts.hand_over());
            turns.push(Turn { role, parts, rest: rest.clone(), own: true, results_only: false });
        }
        if let Some(turn) = turns.last_mut() {
            part::request(part, Place { message: place, part: number }, asking, &mut turn.parts)?;
        }
    }
    Ok(())
}

/// One content as Google has it.
struct Turn {
    role: &'static str,
    parts: Parts,
    /// What was kept of it.
    rest: Map<String, Value>,
    /// Whether it came in this protocol.
    own: bool,
    /// Whether it holds the results of tools and nothing else.
    results_only: bool,
}

impl Turn {
    fn new(role: &'static str, native: &Native) -> Self {
        let mut rest = native.object(ME);
        rest.shift_remove(JOINED);
        Self { role, parts: Parts::default(), rest, own: native.is_from(ME), results_only: false }
    }

    /// The content. `has_role`: one that says nothing of its role gets one.
    fn spell(self, has_role: bool) -> Value {
        let mut object = self.rest;
        match object.get("role") {
            Some(Value::Bool(false)) => {
                object.shift_remove("role");
            }
            Some(_) => {}
            None if has_role || self.own => {
                object.insert("role".to_owned(), self.role.into());
            }
            None => {}
        }
        let mut parts = self.parts.finish();
        match object.get("parts") {
            Some(Value::Object(_)) if parts.len() == 1 => {
                object.insert("parts".to_owned(), parts.remove(0));
            }
            _ if parts.is_empty() => {}
            _ => {
                object.insert("parts".to_owned(), parts.into());
            }
        }
        object.into()
    }
}
