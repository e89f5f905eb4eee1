//! Where hosts put what the model thought: `reasoning_content`, `reasoning`, `reasoning_details[]`.
//!
//! A reasoning part keeps in its `native` where its text stood: an empty text under the name of each member that
//! held it, and the rest of its detail under `reasoning_details`.

use llm_core::Native;
use llm_core::chat::{Content, Part, Reasoning};
use llm_core::codec::Quirks;
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;

/// The list of details.
pub(in super::super) const DETAILS: &str = "reasoning_details";
/// The members that hold reasoning as plain text.
const PLAIN: [&str; 2] = ["reasoning_content", "reasoning"];

/// The members of plain text, the one that the provider's row names first.
pub(in super::super) fn plain_members(named: Option<&str>) -> impl Iterator<Item = &str> {
    named.into_iter().chain(PLAIN.into_iter().filter(move |name| Some(*name) != named))
}

/// What one detail says, and what is left of it.
pub(in super::super) struct Detail {
    pub(in super::super) thought: Reasoning,
    pub(in super::super) rest: Map<String, Value>,
}

impl Detail {
    /// Takes one detail apart. `type`, `format`, `index` and `id` stay in the rest.
    pub(in super::super) fn read(members: Map<String, Value>, provider: Option<&str>) -> Self {
        let mut fields = Fields::new(members);
        let text = fields.take_nonempty("text").or_else(|| match fields.text("type") {
            Some("reasoning.summary") => fields.take_nonempty("summary"),
            // It stays where it stood, since its kind does not say that it stands there.
            _ => fields.text("summary").map(str::to_owned),
        });
        let text = text.unwrap_or_default();
        let thought = Reasoning {
            text,
            signature: fields.take_nonempty("signature"),
            encrypted: fields.take_nonempty("data"),
            id: fields.text("id").map(str::to_owned),
            provider: fields.text("provider").or(provider).map(str::to_owned),
        };
        Self { thought, rest: fields.into_members() }
    }

    /// Whether the rest of a detail says that its text is a summary.
    pub(in super::super) fn is_summary(rest: &Map<String, Value>) -> bool {
        rest.get("type").and_then(Value::as_str) == Some("reasoning.summary")
    }

    /// Writes text, signature and encrypted thoughts over the rest.
    pub(in super::super) fn write(thought: &Reasoning, mut rest: Map<String, Value>) -> Value {
        let stands = rest.get("summary").and_then(Value::as_str) == Some(thought.text.as_str());
        if !thought.text.is_empty() && !stands {
            let name = if Self::is_summary(&rest) { "summary" } else { "text" };
            rest.insert(name.to_owned(), Value::from(thought.text.as_str()));
        }
        if let Some(signature) = &thought.signature {
            rest.insert("signature".to_owned(), Value::from(signature.as_str()));
        }
        if let Some(data) = &thought.encrypted {
            rest.insert("data".to_owned(), Value::from(data.as_str()));
        }
        Value::Object(rest)
    }
}

/// Takes all reasoning out of a message. `provider` is who thought, where the details don't say it.
pub(in super::super) fn take(message: &mut Fields, named: Option<&str>, provider: Option<&str>) -> Vec<Part> {
    let mut parts = take_details(message, provider);
    let joined: String = parts.iter().filter_map(thought).map(|thought| thought.text.as_str()).collect();
    let mut plain: Option<Part> = None;
    for name in plain_members(named) {
        let Some(text) = message.text(name).filter(|text| !text.is_empty()) else { continue };
        let seen_again = match &plain {
            Some(part) => thought(part).is_some_and(|thought| thought.text == text),
            None => text == joined,
        };
        if seen_again {
            let sources = if plain.is_some() { plain.as_mut_slice() } else { &mut parts };
            for part in sources {
                part.native.insert(PROTOCOL, name, json!(""));
            }
        } else if plain.is_none() && joined.is_empty() {
            let provider = provider.map(str::to_owned);
            let mut part = Part::from(Reasoning { text: text.to_owned(), provider, ..Reasoning::default() });
            part.native.insert(PROTOCOL, name, json!(""));
            plain = Some(part);
        } else {
            continue;
        }
        message.take(name);
    }
    if let Some(part) = plain {
        parts.insert(0, part);
    }
    parts
}

fn take_details(message: &mut Fields, provider: Option<&str>) -> Vec<Part> {
    let Some(details) = message.get(DETAILS).and_then(Value::as_array) else { return Vec::new() };
    if details.is_empty() || !details.iter().all(Value::is_object) {
        return Vec::new();
    }
    let details = message.take_list(DETAILS).unwrap_or_default();
    let members = details.into_iter().filter_map(|detail| match detail {
        Value::Object(members) => Some(members),
        _ => None,
    });
    members
        .map(|members| {
            let Detail { thought, rest } = Detail::read(members, provider);
            let mut part = Part::from(thought);
            part.native.insert(PROTOCOL, DETAILS, Value::Object(rest));
            part
        })
        .collect()
}

fn thought(part: &Part) -> Option<&Reasoning> {
    match &part.content {
        Content::Reasoning(reasoning) => Some(reasoning),
        _ => None,
    }
}

/// Writes the reasoning of an answer: as it stood where it came in this protocol, else in all three places, so that
/// every client of a host of this protocol finds it.
pub(in super::super) fn write_answer(parts: &[Part], out: &mut Map<String, Value>) {
    for part in parts.iter().filter(|part| !super::parts::is_listed(part)) {
        let Content::Reasoning(reasoning) = &part.content else { continue };
        match part.native.members(PROTOCOL) {
            Some(shape) => write_as_it_stood(reasoning, shape, out),
            None => {
                for name in PLAIN.iter().filter(|_| !reasoning.text.is_empty()) {
                    append(out, name, &reasoning.text);
                }
                let index = out.get(DETAILS).and_then(Value::as_array).map_or(0, Vec::len);
                push(out, fresh_detail(reasoning, Some(index)));
            }
        }
    }
}

fn write_as_it_stood(reasoning: &Reasoning, shape: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (name, rest) in shape {
        match rest {
            Value::Object(rest) if name == DETAILS => push(out, Detail::write(reasoning, rest.clone())),
            Value::String(_) if name != "content" => append(out, name, &reasoning.text),
            _ => {}
        }
    }
}

/// A detail for a thought that came in another protocol.
pub(in super::super) fn fresh_detail(reasoning: &Reasoning, index: Option<usize>) -> Value {
    let kind = if reasoning.encrypted.is_some() { "reasoning.encrypted" } else { "reasoning.text" };
    let mut rest = Map::new();
    rest.insert("type".to_owned(), json!(kind));
    if let Some(id) = &reasoning.id {
        rest.insert("id".to_owned(), json!(id));
    }
    if let Some(provider) = &reasoning.provider {
        rest.insert("provider".to_owned(), json!(provider));
    }
    if let Some(index) = index {
        rest.insert("index".to_owned(), json!(index));
    }
    Detail::write(reasoning, rest)
}

/// Writes the reasoning of an earlier turn into a request, as far as the row takes it back. What a caller wrote in this
/// protocol goes on as it stands where the row says nothing.
///
/// Signature and encrypted thoughts go to the provider that made them and to no other.
pub(in super::super) fn write_request(parts: &[Part], quirks: &Quirks, provider: &str, out: &mut Map<String, Value>) {
    for part in parts {
        let Content::Reasoning(reasoning) = &part.content else { continue };
        let mut reasoning = reasoning.clone();
        if !part.proves_to(provider, PROTOCOL) {
            reasoning.signature = None;
            reasoning.encrypted = None;
        }
        // A part of the content list has no member of its own.
        let shape = part.native.members(PROTOCOL).filter(|_| !super::parts::is_listed(part));
        if quirks.reasoning_details {
            replay_detail(&reasoning, shape, out);
        } else if quirks.replay_reasoning {
            append_some(out, quirks.reasoning_field.as_deref().unwrap_or(PLAIN[0]), &reasoning.text);
        } else if let Some(shape) = shape
            && reasoning.provider.is_none()
            && quirks.reasoning_field.is_none()
            && !shape.get("reasoning").is_some_and(Value::is_object)
        {
            write_as_it_stood(&reasoning, shape, out);
        }
    }
}

fn replay_detail(reasoning: &Reasoning, shape: Option<&Map<String, Value>>, out: &mut Map<String, Value>) {
    if reasoning.text.is_empty() && reasoning.signature.is_none() && reasoning.encrypted.is_none() {
        return;
    }
    let detail = match shape.and_then(|shape| shape.get(DETAILS)) {
        Some(Value::Object(rest)) => {
            // Who thought is our own word to callers.
            let mut rest = rest.clone();
            rest.remove("provider");
            Detail::write(reasoning, rest)
        }
        _ => fresh_detail(&Reasoning { id: None, provider: None, ..reasoning.clone() }, None),
    };
    push(out, detail);
}

fn append_some(out: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        append(out, name, text);
    }
}

/// Appends to a text member, which begins where it is not there or not a text.
pub(in super::super) fn append(out: &mut Map<String, Value>, name: &str, text: &str) {
    match out.get_mut(name) {
        Some(Value::String(all)) => all.push_str(text),
        _ => {
            out.insert(name.to_owned(), Value::from(text));
        }
    }
}

fn push(out: &mut Map<String, Value>, detail: Value) {
    match out.get_mut(DETAILS) {
        Some(Value::Array(list)) => list.push(detail),
        _ => {
            out.insert(DETAILS.to_owned(), Value::Array(vec![detail]));
        }
    }
}

/// The object form of reasoning in a caller's message.
pub(in super::super) fn take_object_form(message: &mut Fields) -> Option<Part> {
    let mut object = message.take_object("reasoning")?;
    let reasoning = Reasoning {
        text: object.take_nonempty("text").unwrap_or_default(),
        signature: object.take_nonempty("signature"),
        encrypted: object.take_nonempty("encrypted"),
        id: object.take_nonempty("id"),
        provider: object.take_nonempty("provider"),
    };
    let mut part = Part::from(reasoning);
    part.native = Native::NONE;
    part.native.insert(PROTOCOL, "reasoning", Value::Object(object.into_members()));
    Some(part)
}
