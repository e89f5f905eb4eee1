//! Parts in, items out: strictly for a provider, leniently for a caller.

use llm_core::chat::{Content, Media, MediaKind, MediaSource, Part, ToolCall};
use serde_json::{Map, Value, json};

use super::super::content::{self, Side};
use super::super::{ITEM, PROTOCOL, reasoning};
use super::{arguments_member, kind_of};

/// A message in the making.
struct Draft {
    /// What is left of it, where it came in this protocol.
    rest: Option<Map<String, Value>>,
    list: Vec<Map<String, Value>>,
    /// Whether its only part was not written out as one.
    is_bare: bool,
}

impl Draft {
    fn into_item(self) -> Value {
        let Self { rest, mut list, is_bare } = self;
        let as_text = match &rest {
            Some(rest) => is_bare && !rest.contains_key("content"),
            None => is_bare,
        };
        let mut out = rest.unwrap_or_else(|| Map::from_iter([("role".to_owned(), json!("assistant"))]));
        let content = match list.as_mut_slice() {
            [only] if as_text => only.remove("text").unwrap_or_default(),
            _ => list.into_iter().map(Value::Object).collect(),
        };
        out.insert("content".to_owned(), content);
        Value::Object(out)
    }
}

/// Whether a part is a text that was not written out as a part.
fn is_bare(part: &Part) -> bool {
    part.as_text().is_some() && part.native.get(PROTOCOL, "type").is_none()
}

/// The items that say the model's turn to `provider`. Each part that has no place among them is told to `refuse`, with
/// its number and why; thoughts that are of no worth to the provider are left out.
pub(in super::super) fn of_turn<E>(
    parts: &[Part],
    provider: &str,
    mut refuse: impl FnMut(usize, String) -> Result<(), E>,
    out: &mut Vec<Value>,
) -> Result<(), E> {
    let mut draft: Option<Draft> = None;
    for (number, part) in parts.iter().enumerate() {
        let own_item = part.native.get(PROTOCOL, ITEM);
        let is_said = own_item.is_some() || matches!(part.content, Content::Text { .. } | Content::Refusal { .. });
        if is_said {
            let written = match content::write(part, Side::Output) {
                Ok(written) => written,
                Err(why) => {
                    refuse(number, why)?;
                    continue;
                }
            };
            let bare = is_bare(part);
            let goes_on = match (own_item, &draft) {
                (Some(Value::Null), Some(draft)) => draft.rest.is_some(),
                (None, Some(draft)) => draft.rest.is_none(),
                _ => false,
            };
            match draft.as_mut().filter(|_| goes_on) {
                Some(draft) => {
                    draft.list.push(written);
                    draft.is_bare = false;
                }
                None => {
                    out.extend(draft.take().map(Draft::into_item));
                    let rest = match own_item {
                        Some(Value::Object(rest)) => Some(rest.clone()),
                        _ => None,
                    };
                    draft = Some(Draft { rest, list: vec![written], is_bare: bare });
                }
            }
            continue;
        }
        out.extend(draft.take().map(Draft::into_item));
        match &part.content {
            Content::Reasoning(thought) => {
                if reasoning::is_of_worth(part, provider) {
                    out.push(Value::Object(reasoning::write(thought, part)));
                }
            }
            Content::ToolCall(call) => out.push(write_call(call, part)),
            Content::Unknown { protocol: PROTOCOL, value } => out.push(value.clone()),
            _ => match content::write(part, Side::Output) {
                // Only messages of others have media.
                Ok(_) => refuse(number, "it takes media from the user only".to_owned())?,
                Err(why) => refuse(number, why)?,
            },
        }
    }
    out.extend(draft.map(Draft::into_item));
    Ok(())
}

fn write_call(call: &ToolCall, part: &Part) -> Value {
    let mut out = part.native.object(PROTOCOL);
    let member = arguments_member(out.entry("type").or_insert_with(|| json!(kind_of(call))).as_str());
    out.insert("call_id".to_owned(), json!(call.id));
    out.insert("name".to_owned(), json!(call.name));
    let is_empty = call.arguments.is_empty() && !call.is_custom && !part.native.is_from(PROTOCOL);
    out.insert(member.to_owned(), json!(if is_empty { "{}" } else { call.arguments.as_str() }));
    Value::Object(out)
}

/// The items of an answer to a caller. What no client of this protocol knows, because another protocol's provider said
/// it, is left out. `id_seed`: what the ids of items are made from that have none.
pub(in super::super) fn for_caller(parts: &[Part], id_seed: &str) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    // The message that is being written, in the words of another protocol.
    let mut said: Vec<Value> = Vec::new();
    let mut own: Option<Draft> = None;
    let end = |said: &mut Vec<Value>, own: &mut Option<Draft>, out: &mut Vec<Value>| {
        out.extend(own.take().map(Draft::into_item));
        if !said.is_empty() {
            let id = format!("msg_{id_seed}_{}", out.len());
            out.push(message_for_caller(&id, "completed", std::mem::take(said)));
        }
    };
    for part in parts {
        match (part.native.get(PROTOCOL, ITEM), &part.content) {
            (Some(rest), _) => {
                let Ok(written) = content::write(part, Side::Output) else { continue };
                let bare = is_bare(part);
                match (rest, &mut own) {
                    (Value::Null, Some(draft)) => draft.list.push(written),
                    (rest, _) => {
                        end(&mut said, &mut own, &mut out);
                        let rest = rest.as_object().cloned().unwrap_or_default();
                        own = Some(Draft { rest: Some(rest), list: vec![written], is_bare: bare });
                    }
                }
                continue;
            }
            (None, Content::Text { .. } | Content::Refusal { .. }) => {
                out.extend(own.take().map(Draft::into_item));
                said.extend(text_for_caller(&part.content));
                continue;
            }
            _ => {}
        }
        let is_own = part.native.is_from(PROTOCOL);
        end(&mut said, &mut own, &mut out);
        let place = out.len();
        match &part.content {
            Content::Reasoning(thought) if is_own => out.push(Value::Object(reasoning::write(thought, part))),
            Content::Reasoning(thought) => {
                out.push(reasoning::for_caller(thought, &format!("rs_{id_seed}_{place}")));
            }
            Content::ToolCall(call) if is_own => out.push(write_call(call, part)),
            Content::ToolCall(call) => {
                out.push(call_for_caller(call, &format!("{}_{id_seed}_{place}", prefix_of(call)), "completed"));
            }
            Content::Unknown { protocol: PROTOCOL, value } => out.push(value.clone()),
            Content::Media(media) => out.extend(image_for_caller(media, &format!("ig_{id_seed}_{place}"))),
            _ => {}
        }
    }
    end(&mut said, &mut own, &mut out);
    out
}

/// A text or refusal of another protocol, as a part of a message.
fn text_for_caller(content: &Content) -> Option<Value> {
    match content {
        Content::Text { text, citations } => {
            let span = (0, text.chars().count());
            let annotations: Vec<Value> =
                citations.iter().filter_map(|citation| super::super::annotation::write(citation, span)).collect();
            Some(json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}))
        }
        Content::Refusal { text } => Some(json!({"type": "refusal", "refusal": text})),
        _ => None,
    }
}

/// A message of the model's.
pub(in super::super) fn message_for_caller(id: &str, status: &str, content: Vec<Value>) -> Value {
    json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
}

/// A call of the application's tool.
pub(in super::super) fn call_for_caller(call: &ToolCall, id: &str, status: &str) -> Value {
    // No arguments of a function are an empty object here: callers parse the text.
    let lacks = call.arguments.is_empty() && !call.is_custom && status == "completed";
    let kind = kind_of(call);
    let mut item = json!({"id": id, "type": kind, "status": status, "call_id": call.id, "name": call.name});
    item[arguments_member(Some(kind))] = json!(if lacks { "{}" } else { call.arguments.as_str() });
    item
}

/// What the id of a call's item begins with.
pub(in super::super) fn prefix_of(call: &ToolCall) -> &'static str {
    if call.is_custom { "ctc" } else { "fc" }
}

/// A picture that the model made; other media has no place in an answer.
fn image_for_caller(media: &Media, id: &str) -> Option<Value> {
    match media {
        Media { kind: MediaKind::Image, source: MediaSource::Base64 { data, .. }, .. } => {
            Some(json!({"id": id, "type": "image_generation_call", "status": "completed", "result": data}))
        }
        _ => None,
    }
}
