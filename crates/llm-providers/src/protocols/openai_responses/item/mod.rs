//! Items: what the model said, thought and called, and what others said to it.

mod read;
mod write;

use llm_core::chat::ToolCall;

pub(super) use read::{Reading, call_of, is_models, of_model};
pub(super) use write::{call_for_caller, for_caller, message_for_caller, of_turn, prefix_of};

/// A call of a tool of free text, which has an input in the place of arguments.
const CUSTOM_CALL: &str = "custom_tool_call";
const CALL: &str = "function_call";

/// The kind of item that a call is.
fn kind_of(call: &ToolCall) -> &'static str {
    if call.is_custom { CUSTOM_CALL } else { CALL }
}

/// The member of a call that holds what it is called with.
fn arguments_member(kind: Option<&str>) -> &'static str {
    if kind == Some(CUSTOM_CALL) { "input" } else { "arguments" }
}
