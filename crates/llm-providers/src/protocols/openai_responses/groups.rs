//! Groups of tools, which OpenAI calls namespaces, and tools that are offered in the middle of a conversation.
//!
//! Codex groups its own tools and those of its servers. Other protocols know no groups: there the name of a tool begins
//! with that of its group, and answers say both as they were.

use llm_core::Result;
use llm_core::chat::{ChatRequest, Content, Message, Part, Tool};
use llm_core::codec::Grouped;
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::PROTOCOL;
use super::request::read_tool;

/// The kind of tool that is a group.
pub(in crate::protocols) const GROUP: &str = "namespace";
/// The kind of item that offers further tools.
const OFFER: &str = "additional_tools";
const TOOLS: &str = "tools";
/// The longest name of a tool that all protocols take.
const LONGEST: usize = 64;

/// The name by which a tool of a group goes where there are no groups. One that is too long ends in its hash.
fn flat(group: &str, name: &str) -> String {
    let gap = if group.is_empty() || group.ends_with("__") { "" } else { "__" };
    let whole = format!("{group}{gap}{name}");
    if whole.len() <= LONGEST {
        return whole;
    }
    let hash: String = Sha256::digest(&whole).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let kept = whole.floor_char_boundary(LONGEST - hash.len() - 1);
    format!("{}_{hash}", whole.get(..kept).unwrap_or_default())
}

fn text<'v>(members: &'v Map<String, Value>, name: &str) -> &'v str {
    members.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn objects(list: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The groups of a request: each tool's name where there are none, and its group and name where there are.
pub(super) fn of_request(request: &Fields) -> Grouped {
    let offers = objects(request.get("input")).filter(|item| text(item, "type") == OFFER);
    let groups = objects(request.get(TOOLS)).chain(offers.flat_map(|offer| objects(offer.get(TOOLS))));
    let mut grouped = Grouped::new();
    for group in groups.filter(|tool| text(tool, "type") == GROUP) {
        for tool in objects(group.get(TOOLS)) {
            let (group, name) = (text(group, "name"), text(tool, "name"));
            grouped.insert(flat(group, name), (group.to_owned(), name.to_owned()));
        }
    }
    grouped
}

/// Says a call by the group and name of its tool.
pub(super) fn regroup(item: &mut Value, grouped: &Grouped) {
    let Some((group, name)) = item.get("name").and_then(|name| grouped.get(name.as_str()?)) else { return };
    item["name"] = json!(name);
    if item.get("call_id").is_some() {
        item[GROUP] = json!(group);
    }
}

/// A request of this protocol without groups, and with all tools in one place; none where it is so already.
pub(in crate::protocols) fn dissolved(request: &ChatRequest) -> Result<Option<ChatRequest>> {
    let is_group = |tool: &Tool| group_of(tool).is_some();
    let is_odd = |part: &Part| offer_of(part).is_some() || part.native.get(PROTOCOL, GROUP).is_some();
    let has_odd = |message: &Message| message.parts.iter().any(is_odd);
    if !request.tools.iter().any(is_group) && !request.messages.iter().any(has_odd) {
        return Ok(None);
    }
    let mut request = request.clone();
    let mut tools = Vec::with_capacity(request.tools.len());
    for (place, tool) in std::mem::take(&mut request.tools).into_iter().enumerate() {
        match group_of(&tool) {
            Some(group) => dissolve(group, &format!("{TOOLS}[{place}]"), &mut tools)?,
            None => tools.push(tool),
        }
    }
    for message in &mut request.messages {
        for part in &mut message.parts {
            let group = part.native.get(PROTOCOL, GROUP).and_then(Value::as_str).map(str::to_owned);
            if let (Content::ToolCall(call), Some(group)) = (&mut part.content, group) {
                call.name = flat(&group, &call.name);
            }
        }
        for offer in message.parts.iter().filter_map(offer_of) {
            read_all(offer, OFFER, &mut tools)?;
        }
        message.parts.retain(|part| offer_of(part).is_none());
    }
    request.messages.retain(|message| !message.parts.is_empty() || !message.native.is_from(PROTOCOL));
    request.tools = tools;
    Ok(Some(request))
}

fn group_of(tool: &Tool) -> Option<&Map<String, Value>> {
    let Tool::Provider { native } = tool else { return None };
    native.members(PROTOCOL).filter(|members| text(members, "type") == GROUP)
}

fn offer_of(part: &Part) -> Option<&Map<String, Value>> {
    match &part.content {
        Content::Unknown { protocol: PROTOCOL, value: Value::Object(item) } => {
            Some(item).filter(|item| text(item, "type") == OFFER)
        }
        _ => None,
    }
}

/// Reads the tools that `holder` holds, and those of the groups among them.
fn read_all(holder: &Map<String, Value>, path: &str, tools: &mut Vec<Tool>) -> Result<()> {
    for (place, tool) in holder.get(TOOLS).and_then(Value::as_array).into_iter().flatten().enumerate() {
        let path = format!("{path}.{TOOLS}[{place}]");
        let tool = read_tool(Fields::at(path.clone(), tool.clone())?)?;
        match group_of(&tool) {
            Some(group) => dissolve(group, &path, tools)?,
            None => tools.push(tool),
        }
    }
    Ok(())
}

/// Adds the tools of a group by the names that they have without it.
fn dissolve(group: &Map<String, Value>, path: &str, tools: &mut Vec<Tool>) -> Result<()> {
    let first = tools.len();
    for (place, tool) in group.get(TOOLS).and_then(Value::as_array).into_iter().flatten().enumerate() {
        tools.push(read_tool(Fields::at(format!("{path}.{TOOLS}[{place}]"), tool.clone())?)?);
    }
    for tool in tools.iter_mut().skip(first) {
        if let Tool::Function { name, .. } | Tool::Custom { name, .. } = tool {
            *name = flat(text(group, "name"), name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
