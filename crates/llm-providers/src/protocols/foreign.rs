//! A request of another protocol, made such that a provider can take it, before the provider's codec writes it.
//!
//! What is left out here is what clients put into every request unasked, and it is reported.

use std::borrow::Cow;

use llm_core::chat::{ChatRequest, Tool, ToolChoice, UnsupportedPolicy};
use llm_core::{Protocol, Result};

use super::openai_responses::groups;

/// The request as a provider of the protocol `own` can be asked, and what was left out of it.
pub(super) fn adapted(request: &ChatRequest, own: Protocol) -> Result<(Cow<'_, ChatRequest>, Vec<String>)> {
    let mut dropped = Vec::new();
    if !request.native.is_foreign_to(own) {
        return Ok((Cow::Borrowed(request), dropped));
    }
    let mut request = Cow::Borrowed(request);
    if can_do_without(&request, own) {
        let tools = &mut request.to_mut().tools;
        for (place, _) in tools.iter().enumerate().filter(|(_, tool)| is_anothers(tool, own)) {
            dropped.push(format!("tools[{place}]"));
        }
        tools.retain(|tool| !is_anothers(tool, own));
    }
    if let Some(dissolved) = groups::dissolved(&request)? {
        request = Cow::Owned(dissolved);
    }
    // Clients of OpenAI Responses and agents say how tools are chosen where there are none, which Chat Completions refuses.
    let says_nothing = request.tools.is_empty()
        && matches!(request.tool_choice, None | Some(ToolChoice::Auto | ToolChoice::None))
        && (request.tool_choice.is_some() || request.parallel_tool_calls.is_some());
    if says_nothing {
        let request = request.to_mut();
        (request.tool_choice, request.parallel_tool_calls) = (None, None);
    }
    if spells_defaults(&request) {
        let request = request.to_mut();
        (request.temperature, request.top_p, request.top_k) = (None, None, None);
        dropped.extend(["temperature", "top_p", "top_k"].map(str::to_owned));
    }
    Ok((request, dropped))
}

/// Whether a tool is one that the providers of another protocol run themselves. A group is what it holds.
fn is_anothers(tool: &Tool, own: Protocol) -> bool {
    let Tool::Provider { native } = tool else { return false };
    let kind = native.protocol().and_then(|theirs| native.get(theirs, "type")?.as_str());
    native.is_foreign_to(own) && kind != Some(groups::GROUP)
}

/// Whether the model has tools of the application's to work with where it lacks those that its provider would run, and
/// is free in what it uses: agents offer a search of the web beside their own tools to every model. Who offers nothing
/// else, or wants one to be used, is told that there is none.
fn can_do_without(request: &ChatRequest, own: Protocol) -> bool {
    let is_free = matches!(request.tool_choice, None | Some(ToolChoice::Auto | ToolChoice::None));
    let (anothers, others) =
        request.tools.iter().fold((0, 0), |(anothers, others), tool| match is_anothers(tool, own) {
            true => (anothers + 1, others),
            false => (anothers, others + 1),
        });
    is_free && anothers > 0 && others > 0 && request.unsupported == UnsupportedPolicy::Refuse
}

/// Whether sampling is as Gemini does it unasked. Google's agents spell that out in every request, whatever the model.
fn spells_defaults(request: &ChatRequest) -> bool {
    let sampling = (request.temperature, request.top_p);
    request.native.is_from(Protocol::Gemini)
        && sampling == (Some(1.0), Some(0.95))
        && matches!(request.top_k, Some(40 | 64))
}

#[cfg(test)]
mod tests;
