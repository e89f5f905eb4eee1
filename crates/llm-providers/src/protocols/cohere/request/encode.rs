//! A request on its way to Cohere.

use llm_core::chat::{ChatRequest, Content, Message, Part, Role, ToolResult};
use llm_core::codec::{DecodeContext, Encoded, Target, Unsupported};
use llm_core::{Error, ErrorKind, Native, Result};
use serde_json::{Map, Value, json};

use super::super::{COHERE, message};
use super::options;
use crate::protocols::end_user::{self, SAFETY_IDENTIFIER};
use crate::protocols::openai_chat::tier;
use crate::protocols::results::Held;

/// The path below the base URL.
const PATH: &str = "/v2/chat";

pub(in super::super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut unsupported = Unsupported::new(request.unsupported, target.provider).for_caller(&request.native);
    refuse(request, &mut unsupported)?;
    let mut out = request.native.object(COHERE);
    out.insert("model".to_owned(), json!(target.model));
    out.insert("messages".to_owned(), Value::Array(write_messages(request, target, &mut unsupported)?));
    if target.stream || out.get("stream") == Some(&json!(true)) {
        out.insert("stream".to_owned(), json!(target.stream));
    }
    options::write_tools(&request.tools, &mut unsupported, &mut out)?;
    if let Some(choice) = &request.tool_choice {
        options::write_choice(choice, &mut unsupported, &mut out)?;
    }
    if let Some(format) = &request.response_format {
        options::write_format(format, &mut unsupported, &mut out)?;
    }
    if let Some(thinking) = &request.reasoning {
        options::write_thinking(thinking, &mut unsupported, &mut out)?;
    }
    write_sampling(request, &mut out);
    fit(target, &mut unsupported, &mut out)?;
    let body = serde_json::to_vec(&out)
        .map_err(|error| Error::new(ErrorKind::Internal, "the request can't be written").with_source(error))?;
    let mut encoded = Encoded::post(PATH, body.into(), DecodeContext::new(target));
    encoded.dropped = unsupported.into_dropped();
    // The tokens that were chosen have their probabilities all the same, so this is told and not refused.
    if request.top_logprobs.is_some_and(|count| count > 0) {
        encoded.dropped.push("top_logprobs".to_owned());
    }
    Ok(encoded)
}

/// What Cohere has no word for.
fn refuse(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<()> {
    let table = [
        ("parallel_tool_calls", request.parallel_tool_calls == Some(false), "it has no such switch"),
        ("n", request.n.is_some_and(|n| n != 1), "it gives one answer a call"),
        ("metadata", request.metadata.as_ref().is_some_and(|labels| !labels.is_empty()), "it stores no labels"),
        (
            "service_tier",
            request.service_tier.as_deref().is_some_and(|tier| !tier::is_default(tier)),
            "it has no tiers",
        ),
    ];
    table.iter().filter(|(_, is_set, _)| *is_set).try_for_each(|(name, _, why)| unsupported.param(name, why))?;
    unsupported.documents(&request.messages)?;
    end_user::lack(request, unsupported, "it knows no end users")?;
    unsupported.foreign_beside(&request.native, COHERE, &[SAFETY_IDENTIFIER])
}

fn write_sampling(request: &ChatRequest, out: &mut Map<String, Value>) {
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    set("max_tokens", request.max_tokens.map(Value::from));
    set("temperature", request.temperature.map(Value::from));
    set("p", request.top_p.map(Value::from));
    set("k", request.top_k.map(Value::from));
    set("seed", request.seed.map(Value::from));
    set("presence_penalty", request.presence_penalty.map(Value::from));
    set("frequency_penalty", request.frequency_penalty.map(Value::from));
    set("logprobs", request.logprobs.map(Value::from));
    set("stop_sequences", (!request.stop.is_empty()).then(|| json!(request.stop)));
}

/// Makes the body fit the row: what it refuses, and what it calls otherwise.
fn fit(target: &Target<'_>, unsupported: &mut Unsupported<'_>, out: &mut Map<String, Value>) -> Result<()> {
    for name in &target.quirks.refuse {
        if out.remove(name).is_some_and(|value| !value.is_null()) {
            unsupported.param(name, "this provider does not take it")?;
        }
    }
    for (name, theirs) in &target.quirks.rename {
        if let Some(value) = out.remove(name) {
            out.insert(theirs.clone(), value);
        }
    }
    Ok(())
}

fn write_messages(request: &ChatRequest, target: &Target<'_>, unsupported: &mut Unsupported<'_>) -> Result<Vec<Value>> {
    let mut out = Vec::with_capacity(request.messages.len());
    let mut held = Held::default();
    for (place, message) in request.messages.iter().enumerate() {
        Writer { place, message, provider: target.provider, unsupported, held: &mut held }.write(&mut out)?;
    }
    if let Some(message) = &held.message() {
        let place = request.messages.len().saturating_sub(1);
        Writer { place, message, provider: target.provider, unsupported, held: &mut held }.write(&mut out)?;
    }
    Ok(out)
}

struct Writer<'a, 'u> {
    place: usize,
    message: &'a Message,
    provider: &'a str,
    unsupported: &'a mut Unsupported<'u>,
    held: &'a mut Held,
}

impl Writer<'_, '_> {
    /// Writes a message; results of tools are messages of their own, before what else is said.
    fn write(&mut self, out: &mut Vec<Value>) -> Result<()> {
        if self.message.name.is_some() {
            self.unsupported.param(&format!("messages[{}].name", self.place), "it knows no names of speakers")?;
        }
        let mut said: Vec<&Part> = Vec::new();
        for part in &self.message.parts {
            match &part.content {
                Content::ToolResult(result) => out.push(self.result(result, part)?),
                _ => said.push(part),
            }
        }
        if said.is_empty() && (self.message.role == Role::Tool || !self.message.parts.is_empty()) {
            return Ok(());
        }
        if let Some(message) = &self.held.message() {
            let Writer { place, provider, .. } = *self;
            Writer { place, message, provider, unsupported: self.unsupported, held: self.held }.write(out)?;
        }
        let mut object = self.message.native.object(COHERE);
        let role = match &self.message.role {
            Role::Developer => "system",
            role => role.as_str(),
        };
        object.insert("role".to_owned(), json!(role));
        self.said(&said, &self.message.native, &mut object)?;
        out.push(Value::Object(object));
        Ok(())
    }

    fn result(&mut self, result: &ToolResult, part: &Part) -> Result<Value> {
        // A message of this protocol holds one result, and its members are the message's.
        let own = self.message.role == Role::Tool && self.message.parts.len() == 1;
        let native = if own { &self.message.native } else { &Native::NONE };
        let mut object = native.object(COHERE);
        object.insert("role".to_owned(), json!("tool"));
        object.insert("tool_call_id".to_owned(), json!(result.call_id));
        self.refuse_cache(part)?;
        let rest = if native.is_from(COHERE) { None } else { self.held.take_from(result) };
        let content = rest.as_deref().unwrap_or(&result.content);
        self.said(&content.iter().collect::<Vec<_>>(), native, &mut object)?;
        Ok(Value::Object(object))
    }

    fn said(&mut self, parts: &[&Part], native: &Native, object: &mut Map<String, Value>) -> Result<()> {
        for part in parts {
            self.refuse_cache(part)?;
        }
        match message::write(parts, native, object).first() {
            None => Ok(()),
            // A question without what it asks about is another question, so leniency does not reach here.
            Some(left_out) => {
                let at = format!("messages[{}].content[{}]", self.place, left_out.place);
                Err(Error::unsupported(at, format_args!("`{}`", self.provider), left_out.why))
            }
        }
    }

    fn refuse_cache(&mut self, part: &Part) -> Result<()> {
        match &part.cache {
            Some(marker) => {
                let why = "caching is automatic and has no marks";
                self.unsupported.cache_marker("cache_control", marker, COHERE, why)
            }
            None => Ok(()),
        }
    }
}
