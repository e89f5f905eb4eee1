//! What routing and limits need to know of a request that was decoded rather than skimmed.

use llm_core::chat::{ChatRequest, Content, Message, Part, Tool};
use llm_core::codec::{AnswerContext, Skim};

use super::tokens::text_of_request;

/// The same answer as a codec's own `skim` gives, from the decoded request.
pub(crate) fn skim_of(request: &ChatRequest, cx: &AnswerContext) -> Skim {
    let parts = || request.messages.iter().flat_map(|message: &Message| &message.parts);
    let hosted_tool = request.tools.iter().any(|tool| matches!(tool, Tool::Provider { .. }));
    Skim {
        model: request.model.clone(),
        stream: cx.stream,
        include_usage: cx.include_usage,
        max_tokens: request.max_tokens,
        choices: request.n.unwrap_or(1).max(1),
        text_bytes: text_of_request(request).len() as u64,
        messages: request.messages.len() as u64,
        tools: request.tools.len() as u64,
        media: parts().map(media_in).sum(),
        unbounded: hosted_tool,
        user: request.user.clone(),
        service_tier: request.service_tier.clone(),
    }
}

fn media_in(part: &Part) -> u64 {
    match &part.content {
        Content::Media(_) => 1,
        Content::ToolResult(result) => result.content.iter().map(media_in).sum(),
        _ => 0,
    }
}
