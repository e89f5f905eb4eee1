//! `include`, `truncation` and `reasoning`.

use llm_core::Result;
use llm_core::chat::{ChatRequest, Content, Effort, Part, ReasoningOptions};
use llm_core::codec::{Target, Unsupported};
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use crate::protocols::effort;
use crate::protocols::openai_chat::{lacks_thinking, switch_off};

const INCLUDE: &str = "include";
const ENCRYPTED: &str = "reasoning.encrypted_content";
const LOGPROBS: &str = "message.output_text.logprobs";
const TRUNCATION: &str = "truncation";
const OFF: &str = "disabled";
const REASONING: &str = "reasoning";

/// Understands what of `include` every provider can be asked for, and leaves the rest: whether log probabilities are.
pub(super) fn take_include(fields: &mut Fields) -> Result<Option<bool>> {
    let Some(mut list) = fields.want_list(INCLUDE)? else { return Ok(None) };
    let mut logprobs = None;
    for value in &mut list {
        match value.as_str() {
            Some(LOGPROBS) => {
                logprobs = Some(true);
                *value = json!(false);
            }
            Some(ENCRYPTED) => *value = Value::Null,
            _ => {}
        }
    }
    fields.put(INCLUDE, Value::Array(list));
    Ok(logprobs)
}

/// Writes `include`: as the caller spelled it, and what the request needs. Thoughts that are sent back encrypted show
/// that the provider is not to keep the conversation, so that it must give its next thoughts encrypted, too.
pub(super) fn write_include(request: &ChatRequest, sends_thoughts: bool, out: &mut Map<String, Value>) {
    let mut list = match out.remove(INCLUDE) {
        Some(Value::Array(list)) => list,
        Some(other) => {
            out.insert(INCLUDE.to_owned(), other);
            Vec::new()
        }
        None => Vec::new(),
    };
    let was_said = !list.is_empty();
    for value in &mut list {
        match value {
            Value::Null => *value = json!(ENCRYPTED),
            Value::Bool(false) => *value = json!(LOGPROBS),
            _ => {}
        }
    }
    let is_own = request.native.is_from(PROTOCOL);
    let mut add = |name: &str| {
        if !list.contains(&json!(name)) {
            list.push(json!(name));
        }
    };
    if request.logprobs == Some(true) {
        add(LOGPROBS);
    }
    if sends_thoughts && !is_own {
        add(ENCRYPTED);
        out.insert("store".to_owned(), json!(false));
    }
    let spelled_empty = is_own && request.native.get(PROTOCOL, INCLUDE).is_some_and(Value::is_array);
    if was_said || !list.is_empty() || spelled_empty {
        out.insert(INCLUDE.to_owned(), Value::Array(list));
    }
}

/// Whether a message's part is a thought with a proof.
pub(super) fn is_proven_thought(part: &Part) -> bool {
    let Content::Reasoning(thought) = &part.content else { return false };
    thought.encrypted.is_some() || thought.signature.is_some()
}

/// To cut nothing off is what every provider does.
pub(super) fn take_truncation(fields: &mut Fields) {
    if fields.text(TRUNCATION) == Some(OFF) {
        fields.put(TRUNCATION, json!(""));
    }
}

/// Writes `truncation` as the caller spelled it.
pub(super) fn write_truncation(out: &mut Map<String, Value>) {
    if out.get(TRUNCATION) == Some(&json!("")) {
        out.insert(TRUNCATION.to_owned(), json!(OFF));
    }
}

/// Takes the options out of a request.
pub(super) fn read_reasoning(fields: &mut Fields) -> Result<Option<ReasoningOptions>> {
    let Some(mut object) = fields.want_object(REASONING)? else { return Ok(None) };
    let effort = object.want_text("effort")?.map(|effort| Effort::from(effort.as_str()));
    Ok(Some(ReasoningOptions { effort, native: object.into_native(PROTOCOL), ..ReasoningOptions::default() }))
}

/// Writes the options.
pub(super) fn write_reasoning(
    options: &ReasoningOptions,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let is_foreign = options.native.is_foreign_to(PROTOCOL);
    if lacks_thinking(options, target, PROTOCOL, unsupported)? {
        return Ok(());
    }
    if options.budget_tokens.is_some() {
        unsupported.param("thinking.budget_tokens", "it takes no budget of thinking tokens")?;
    }
    let is_own = options.native.is_from(PROTOCOL);
    let mut object = options.native.object(PROTOCOL);
    let effort = options.effort.clone().or_else(|| effort::standing_in(options, is_foreign));
    match (&effort, options.enabled) {
        (Some(effort), _) => {
            object.insert("effort".to_owned(), json!(effort));
        }
        (None, Some(false)) if switch_off(options, target, PROTOCOL, unsupported)? => {
            object.insert("effort".to_owned(), json!(Effort::None));
        }
        _ => {}
    }
    if is_own || !object.is_empty() {
        out.insert(REASONING.to_owned(), Value::Object(object));
    }
    Ok(())
}
