//! How much to think: `reasoning_effort`, and the objects `reasoning` and `thinking` of the hosts.
//!
//! The options' native says where they stood: an empty text under `reasoning_effort`, what is left of the object under
//! the object's name.

use llm_core::chat::{Effort, ReasoningOptions};
use llm_core::codec::{Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Native, Protocol, Result};
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use super::super::model::{self, Off};
use crate::protocols::effort;

const EFFORT: &str = "reasoning_effort";
const REASONING: &str = "reasoning";
const THINKING: &str = "thinking";

/// Takes the options out of a request.
pub(super) fn read(fields: &mut Fields) -> Result<Option<ReasoningOptions>> {
    let mut options = ReasoningOptions::default();
    let mut native = Native::NONE;
    if let Some(mut object) = fields.want_object(REASONING)? {
        options.effort = object.want_text("effort")?.map(|effort| Effort::from(effort.as_str()));
        options.budget_tokens = object.want_u64("max_tokens")?;
        options.enabled = object.want_bool("enabled")?;
        native.insert(PROTOCOL, REASONING, Value::Object(object.into_members()));
    }
    if let Some(effort) = fields.want_text(EFFORT)? {
        options.effort = Some(Effort::from(effort.as_str()));
        native.insert(PROTOCOL, EFFORT, json!(""));
    }
    if let Some(mut object) = fields.want_object(THINKING)? {
        if let Some(kind) = object.want_text("type")? {
            options.enabled = Some(kind != "disabled");
            object.put("type", json!(kind));
        }
        options.budget_tokens = object.want_u64("budget_tokens")?.or(options.budget_tokens);
        native.insert(PROTOCOL, THINKING, Value::Object(object.into_members()));
    }
    let said = !native.is_none();
    Ok(said.then_some(ReasoningOptions { native, ..options }))
}

/// Writes the options as the row takes them.
pub(super) fn write(
    options: &ReasoningOptions,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let quirks = target.quirks;
    let is_foreign = options.native.is_foreign_to(PROTOCOL);
    if lacks_thinking(options, target, PROTOCOL, unsupported)? {
        return Ok(());
    }
    let shape = |name| match options.native.get(PROTOCOL, name) {
        Some(Value::Object(rest)) => Some(rest.clone()),
        _ => None,
    };
    let as_given = shape(REASONING).filter(|_| !quirks.refuse.contains(REASONING));
    if quirks.reasoning_object || as_given.is_some() {
        out.insert(REASONING.to_owned(), Value::Object(reasoning_object(options, as_given.unwrap_or_default())));
        return Ok(());
    }
    let mut thinking = shape(THINKING);
    match &options.effort {
        // Where thinking has a switch, no effort is the switch turned off.
        Some(Effort::None) if quirks.thinking_object => {
            thinking.get_or_insert_default().insert("type".to_owned(), json!("disabled"));
        }
        Some(effort) => {
            out.insert(EFFORT.to_owned(), json!(effort));
        }
        None => {
            if let Some(effort) = effort::standing_in(options, is_foreign).filter(|_| !quirks.thinking_budget) {
                out.insert(EFFORT.to_owned(), json!(effort));
            }
        }
    }
    if let Some(budget) = options.budget_tokens {
        if quirks.thinking_budget {
            let object = thinking.get_or_insert_with(|| Map::from_iter([("type".to_owned(), json!("enabled"))]));
            object.insert("budget_tokens".to_owned(), json!(budget));
        } else {
            let name = if shape(REASONING).is_some() { "reasoning.max_tokens" } else { "thinking.budget_tokens" };
            unsupported.param(name, "it takes no budget of thinking tokens")?;
            thinking = thinking.filter(|_| quirks.thinking_object);
        }
    }
    let has_switch = quirks.thinking_object || quirks.thinking_budget;
    if let Some(enabled) = options.enabled.filter(|_| has_switch) {
        let kind = if enabled { "enabled" } else { "disabled" };
        thinking.get_or_insert_default().entry("type").or_insert_with(|| json!(kind));
    }
    let stops = options.enabled == Some(false) && options.effort.is_none();
    if stops && thinking.is_none() && switch_off(options, target, PROTOCOL, unsupported)? {
        out.insert(EFFORT.to_owned(), json!(Effort::None));
    }
    if let Some(thinking) = thinking {
        out.insert(THINKING.to_owned(), Value::Object(thinking));
    }
    Ok(())
}

/// Whether a caller of another protocol asks a model to think that never does, which is told.
pub(in crate::protocols) fn lacks_thinking(
    options: &ReasoningOptions,
    target: &Target<'_>,
    own: Protocol,
    unsupported: &mut Unsupported<'_>,
) -> Result<bool> {
    let is_off = options.enabled == Some(false) || options.effort == Some(Effort::None);
    let name = match options {
        _ if is_off || !options.native.is_foreign_to(own) => return Ok(false),
        ReasoningOptions { effort: Some(_), .. } => EFFORT,
        ReasoningOptions { budget_tokens: Some(_), .. } => "thinking.budget_tokens",
        ReasoningOptions { enabled: Some(_), .. } => THINKING,
        _ => return Ok(false),
    };
    let lacks = model::off(target.model) == Off::Needless;
    if lacks {
        unsupported.param(name, &format!("`{}` does not think", target.model))?;
    }
    Ok(lacks)
}

/// Whether thinking is switched off by an effort where there is no switch for it; where neither does it, that is told.
/// Clients of other protocols say unasked that they want none.
pub(in crate::protocols) fn switch_off(
    options: &ReasoningOptions,
    target: &Target<'_>,
    own: Protocol,
    unsupported: &mut Unsupported<'_>,
) -> Result<bool> {
    match model::off(target.model) {
        Off::Word => return Ok(true),
        Off::Needless => {}
        Off::Unknown => {
            let why = format!("nothing is known of how thinking of `{}` is switched off", target.model);
            unsupported.hint(THINKING, options.native.is_foreign_to(own), &why)?;
        }
    }
    Ok(false)
}

fn reasoning_object(options: &ReasoningOptions, mut object: Map<String, Value>) -> Map<String, Value> {
    let measured = options.effort.is_some() || options.budget_tokens.is_some();
    if let Some(effort) = &options.effort {
        object.insert("effort".to_owned(), json!(effort));
    }
    if let Some(budget) = options.budget_tokens {
        object.insert("max_tokens".to_owned(), json!(budget));
    }
    let stood_here = options.native.get(PROTOCOL, THINKING).is_none();
    if let Some(enabled) = options.enabled.filter(|enabled| stood_here || !measured || !enabled) {
        let said = options.native.get(PROTOCOL, REASONING).is_some() || !measured || !enabled;
        if said {
            object.insert("enabled".to_owned(), json!(enabled));
        }
    }
    object
}
