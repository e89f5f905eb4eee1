//! What clients put into every request, whether or not anybody asked for it.
//!
//! Refusing it would keep such a client from every provider that has no such thing, and nobody could tell it otherwise.

use crate::Protocol;

/// Whether clients of the protocol `caller` say `param` unasked.
pub(super) fn is_unasked(caller: Protocol, param: &str) -> bool {
    // Of a caller's thinking, what a model can't be told is how much of it there is to be.
    let is_thinking = || {
        let names = ["reasoning_effort", "reasoning.budget_tokens", "thinking", "thinking.budget_tokens"];
        names.contains(&param)
    };
    match caller {
        // Functions of this protocol are held to their schemas where nothing is said, and its agents write that out; they
        // want one call at a time of some models, too. In Chat Completions, who says so means it.
        Protocol::OpenAiResponses => param == "parallel_tool_calls" || is_strict_function(param),
        // Coding agents let every model think, and who wants an answer of a form through a function wants it once.
        Protocol::Anthropic => param == "parallel_tool_calls" || is_thinking(),
        Protocol::Gemini => is_thinking(),
        _ => false,
    }
}

/// `tools.strict`, and the same of one tool: `tools[1].strict`, `tools[1].function.strict`.
fn is_strict_function(param: &str) -> bool {
    param.starts_with("tools") && param.ends_with(".strict")
}
