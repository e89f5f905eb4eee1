//! What clients put into every request, whether or not anybody asked for it.
//!
//! Refusing it would keep such a client from every provider that has no such thing, and nobody could tell it otherwise.

use serde_json::{Value, json};

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

/// Whether a member of a request that only one protocol has asks for nothing that a caller would miss.
pub(super) fn is_member(name: &str, value: &Value) -> bool {
    const VERBOSITY: &str = "verbosity";
    match name {
        // Where the provider caches, and for how long.
        "cache_control" | "prompt_cache_key" | "prompt_cache_options" | "prompt_cache_retention" => true,
        // What the client notes of itself, what the provider drops of a prompt that has grown too long, and how wordy the
        // answer is to be.
        "client_metadata" | "context_management" | VERBOSITY => true,
        "text" => value.as_object().is_some_and(|text| text.keys().eq([VERBOSITY])),
        // To answer in text is what every provider does.
        "modalities" => *value == json!(["text"]),
        "safetySettings" | "safety_settings" => lets_all_pass(value),
        _ => false,
    }
}

/// Whether Google's own filters, which other providers don't have, are to hold nothing back.
fn lets_all_pass(settings: &Value) -> bool {
    let passes = |setting: &Value| matches!(setting["threshold"].as_str(), Some("BLOCK_NONE" | "OFF"));
    settings.as_array().is_some_and(|settings| settings.iter().all(passes))
}

/// `tools.strict`, and the same of one tool: `tools[1].strict`, `tools[1].function.strict`.
fn is_strict_function(param: &str) -> bool {
    param.starts_with("tools") && param.ends_with(".strict")
}
