//! Parts in: leniently of a provider, strictly of a caller.

use llm_core::chat::{Content, Part, Reasoning, ServerToolCall, ServerToolResult};
use llm_core::fields::Fields;
use llm_core::{Native, Result};
use serde_json::{Map, Value};

use super::super::name::{
    CODE_EXECUTION_RESULT, EXECUTABLE_CODE, FUNCTION_CALL, FUNCTION_RESPONSE, Name, THOUGHT_SIGNATURE, TOOL_CALL,
    TOOL_RESPONSE, TOOL_TYPE,
};
use super::super::{ANY_PROVIDER, ME};
use super::{Ids, SIGNATURE_ONLY, call, media, signature};

/// Reads a part of a caller's request, at `path`: the part, and before it what signs it.
pub(in super::super) fn of_caller(path: String, ids: &mut Ids, value: Value) -> Result<Vec<Part>> {
    let fields = Fields::at(path, value)?;
    let kind = Kind::of(&fields);
    kind.take(fields, ids, None)
}

/// Reads a part of an answer by `provider`, likewise. One that lacks what its kind needs is kept whole.
pub(in super::super) fn of_provider(provider: &str, ids: &mut Ids, value: Value) -> Vec<Part> {
    let Value::Object(members) = &value else { return vec![unknown(value)] };
    let fields = Fields::new(members.clone());
    let kind = Kind::of(&fields);
    if kind == Kind::Response {
        return vec![unknown(value)];
    }
    kind.take(fields, ids, Some(provider)).unwrap_or_else(|_| vec![unknown(value)])
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Thought,
    Call,
    Response,
    Media,
    /// A tool of the provider's own that is asked for.
    ServerCall(Name),
    /// What such a tool answered.
    ServerResult(Name),
    Unknown,
}

impl Kind {
    fn of(fields: &Fields) -> Self {
        let has = |name: Name| name.get(fields).is_some_and(Value::is_object);
        if fields.get("text").is_some_and(Value::is_string) {
            return if fields.get("thought") == Some(&Value::Bool(true)) { Self::Thought } else { Self::Text };
        }
        if has(FUNCTION_CALL) {
            return Self::Call;
        }
        if has(FUNCTION_RESPONSE) {
            return Self::Response;
        }
        if has(super::super::name::INLINE_DATA) || has(super::super::name::FILE_DATA) {
            return Self::Media;
        }
        if let Some(name) = [EXECUTABLE_CODE, TOOL_CALL].into_iter().find(|name| has(*name)) {
            return Self::ServerCall(name);
        }
        if let Some(name) = [CODE_EXECUTION_RESULT, TOOL_RESPONSE].into_iter().find(|name| has(*name)) {
            return Self::ServerResult(name);
        }
        Self::Unknown
    }

    /// Takes a part apart. `provider`: whose answer it is of; none for a caller's.
    fn take(self, mut fields: Fields, ids: &mut Ids, provider: Option<&str>) -> Result<Vec<Part>> {
        let content = match self {
            Self::Text => Content::Text { text: fields.take_text("text").unwrap_or_default(), citations: Vec::new() },
            Self::Thought => thought(&mut fields, provider),
            Self::Call => {
                let call = call::take(&mut fields, ids)?;
                let signature = THOUGHT_SIGNATURE.take(&mut fields, Fields::take_nonempty);
                let call = Part { native: fields.into_native(ME), ..Part::from(call) };
                let signed = signature.map(|signature| signed_by(signature, provider));
                return Ok(signed.into_iter().chain([call]).collect());
            }
            Self::Response => Content::ToolResult(call::take_response(&mut fields, ids)?),
            Self::Media => match media::take(&mut fields) {
                Some(media) => Content::Media(media),
                None => return Ok(vec![unknown(fields.into_members().into())]),
            },
            Self::ServerCall(name) => server_call(name, &mut fields),
            Self::ServerResult(name) => server_result(name, &mut fields),
            Self::Unknown => return Ok(vec![unknown(fields.into_members().into())]),
        };
        Ok(vec![Part { native: fields.into_native(ME), ..Part::from(content) }])
    }
}

fn thought(fields: &mut Fields, provider: Option<&str>) -> Content {
    let text = fields.take_text("text").unwrap_or_default();
    fields.take_bool("thought");
    let signed = THOUGHT_SIGNATURE.take(fields, Fields::take_nonempty);
    if let Some(foreign) = signed.as_deref().filter(|_| provider.is_none()).and_then(signature::open) {
        return Content::Reasoning(Reasoning { text, ..foreign });
    }
    if signed.is_some() {
        // The signature stands on the thoughts themselves.
        THOUGHT_SIGNATURE.leave(fields, "".into());
    }
    Content::Reasoning(Reasoning {
        text,
        signature: signed,
        provider: Some(provider.unwrap_or(ANY_PROVIDER).to_owned()),
        ..Reasoning::default()
    })
}

/// Thoughts without words, which hold the signature of the call behind them.
fn signed_by(text: String, provider: Option<&str>) -> Part {
    let reasoning = match provider {
        None => signature::open(&text),
        Some(_) => None,
    };
    let reasoning = reasoning.unwrap_or_else(|| Reasoning {
        signature: Some(text),
        provider: Some(provider.unwrap_or(ANY_PROVIDER).to_owned()),
        ..Reasoning::default()
    });
    let mut part = Part::from(reasoning);
    part.native.insert(ME, SIGNATURE_ONLY, true.into());
    part
}

fn server_call(name: Name, fields: &mut Fields) -> Content {
    let mut inner = name.take(fields, Fields::take_object).unwrap_or_else(|| Fields::new(Map::new()));
    let id = inner.take_nonempty("id").unwrap_or_default();
    let (tool, input) = if name == EXECUTABLE_CODE {
        let input =
            ["language", "code"].into_iter().filter_map(|name| Some((name.to_owned(), inner.take(name)?))).collect();
        ("code_execution".to_owned(), input)
    } else {
        let tool = TOOL_TYPE.take(&mut inner, Fields::take_text).unwrap_or_default();
        // Empty arguments stay, so that they are told from none.
        let has_args = inner.get("args").and_then(Value::as_object).is_some_and(|args| !args.is_empty());
        let args = if has_args { inner.take_object("args").map(Fields::into_members) } else { None };
        (tool, args.unwrap_or_default())
    };
    if !inner.is_empty() {
        name.leave(fields, inner.into_members().into());
    }
    let input = Value::Object(input).to_string();
    Content::ServerToolCall(ServerToolCall { kind: name.camel.to_owned(), id, name: tool, input })
}

fn server_result(name: Name, fields: &mut Fields) -> Content {
    let mut inner = name.take(fields, Fields::take_object).unwrap_or_else(|| Fields::new(Map::new()));
    let call_id = inner.take_nonempty("id").unwrap_or_default();
    let content = Value::Object(inner.into_members());
    Content::ServerToolResult(ServerToolResult { kind: name.camel.to_owned(), call_id, content })
}

fn unknown(value: Value) -> Part {
    let mut part = Part::from(Content::Unknown { protocol: ME, value });
    part.native = Native::new(ME, Map::new());
    part
}
