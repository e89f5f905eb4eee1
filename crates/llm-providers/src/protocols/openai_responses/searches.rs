//! The searches of the web that the provider ran for a response, as it charges for them.
//!
//! OpenAI says how many in `tool_usage`; where that is not said, each item of a search is one, and an item that opens or
//! looks through a page is none. What its other tools cost (`file_search`, `code_interpreter`) has no line in price lists.
//! Source: "Web search" in OpenAI's guides, and recorded traffic.

use serde_json::{Map, Value};

/// The type of an item of a search.
pub(super) const ITEM: &str = "web_search_call";

/// How many searches a response tells of.
pub(super) fn charged(response: &Map<String, Value>) -> u64 {
    let said = said(response.get("tool_usage").unwrap_or(&Value::Null));
    said.unwrap_or_else(|| among(response.get("output").and_then(Value::as_array).into_iter().flatten()))
}

/// The number that stands in `tool_usage`.
pub(super) fn said(tool_usage: &Value) -> Option<u64> {
    tool_usage.get("web_search")?.get("num_requests")?.as_u64()
}

/// How many of the items of an output are searches.
pub(super) fn among<'a>(output: impl Iterator<Item = &'a Value>) -> u64 {
    let text = |value: &'a Value, name: &str| value.get(name).and_then(Value::as_str);
    let is_search = |item: &&'a Value| {
        text(item, "type") == Some(ITEM)
            && text(item, "status") != Some("failed")
            && item.get("action").is_some_and(|action| text(action, "type") == Some("search"))
    };
    output.filter(is_search).count() as u64
}

#[cfg(test)]
mod tests;
