//! Structured output for providers that have none: a tool that must be called, or an instruction whose answer is
//! checked.

mod ask;
mod check;
mod fence;
mod stream;
#[cfg(test)]
mod tests;

use llm_core::chat::{Choice, Content, FinishReason, Part};
use llm_core::codec::EmulatedFormat;
use llm_core::{Native, Result};

pub(super) use ask::emulated;
pub(super) use stream::Unfolding;

/// Makes the answer of what stood in for it: the arguments of the tool, or the text without its fence.
pub(super) fn unfold(choice: &mut Choice, EmulatedFormat { tool, schema }: &EmulatedFormat) -> Result<()> {
    let is_ours = |part: &Part| matches!(&part.content, Content::ToolCall(call) if Some(&call.name) == tool.as_ref());
    let parts = std::mem::take(&mut choice.message.parts);
    let called = parts.iter().find(|part| is_ours(part));
    let text = match called.map(|part| &part.content) {
        Some(Content::ToolCall(call)) => call.arguments.clone(),
        _ => fence::strip(&text_of(&parts)).to_owned(),
    };
    if called.is_some() {
        stopped(&mut choice.finish_reason, &mut choice.native);
    }
    if is_whole(choice.finish_reason.as_ref()) {
        check::check(schema, &text)?;
    }
    choice.message.parts = parts.into_iter().filter(|part| !is_ours(part) && !is_text(part)).collect();
    choice.message.parts.push(Part::text(text));
    Ok(())
}

fn text_of(parts: &[Part]) -> String {
    let text = |part: &Part| match &part.content {
        Content::Text { text, .. } => Some(text.clone()),
        _ => None,
    };
    parts.iter().filter_map(text).collect()
}

fn is_text(part: &Part) -> bool {
    matches!(part.content, Content::Text { .. })
}

/// For the caller there was no tool, so the model was simply done.
fn stopped(reason: &mut Option<FinishReason>, native: &mut Native) {
    if *reason == Some(FinishReason::ToolCalls) {
        *reason = Some(FinishReason::Stop);
        *native = Native::NONE;
    }
}

/// Whether the model was done, so that its answer must be what was asked for. One that was cut short can't be.
fn is_whole(reason: Option<&FinishReason>) -> bool {
    matches!(reason, None | Some(FinishReason::Stop | FinishReason::ToolCalls))
}
