//! How a Claude model is told to think: by a budget of tokens, or as much as it likes, held to an effort.

use llm_core::Result;
use llm_core::chat::{Content, Effort, Message, Part, ReasoningOptions, Role};
use llm_core::codec::Unsupported;
use serde_json::{Value, json};

use super::model;
use crate::protocols::effort::{self, HIGH, MEDIUM};

/// The smallest budget that there is.
const LEAST: u64 = 1024;
/// One above the budgets that Google gives for the words; Anthropic gives none.
const HIGHEST: u64 = 32_000;
/// What is left of a bound for the answer itself, as far as it goes.
const ANSWER: u64 = 4096;

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// Nothing is said of it.
    Unsaid,
    /// Not at all.
    Off,
    /// Up to so many tokens.
    Budget(u64),
    /// As much as it likes.
    Adaptive,
}

impl Thinking {
    /// The member `thinking`, where there is one.
    pub(crate) fn write(self) -> Option<Value> {
        Some(match self {
            Self::Unsaid => return None,
            Self::Off => json!({"type": "disabled"}),
            Self::Budget(tokens) => json!({"type": "enabled", "budget_tokens": tokens}),
            Self::Adaptive => json!({"type": "adaptive"}),
        })
    }
}

/// What a model is asked, beside how much to think.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The model as the provider spells it.
    pub(crate) model: &'a str,
    /// The most tokens that the answer may have, thoughts included: the caller's bound, else the model's, if known.
    pub(crate) bound: Option<u64>,
    /// Whether the model is spoken to in a version that knows no budgets.
    pub(crate) no_budgets: bool,
    /// Whether the options came from another protocol.
    pub(crate) is_foreign: bool,
    /// Whether the conversation goes on from calls without the thoughts before them ([`lacks_thoughts`]).
    pub(crate) lacks_thoughts: bool,
}

/// The effort that options ask of `model`: as they name it, or in the place of a budget that it does not take.
pub(crate) fn effort_of(options: &ReasoningOptions, model: &str, is_foreign: bool) -> Option<Effort> {
    let stand_in = || effort::standing_in(options, is_foreign).filter(|_| !model::takes_budget(model));
    options.effort.clone().or_else(stand_in)
}

/// The way for options that this model's own protocol did not say.
pub(crate) fn plan(
    options: &ReasoningOptions,
    asked: Asked<'_>,
    unsupported: &mut Unsupported<'_>,
) -> Result<Thinking> {
    let Asked { model, .. } = asked;
    if options.enabled == Some(false) || options.effort == Some(Effort::None) || options.budget_tokens == Some(0) {
        // One that does not think need not be told.
        return Ok(if model::thinks(model) { Thinking::Off } else { Thinking::Unsaid });
    }
    let name = match options {
        ReasoningOptions { budget_tokens: Some(_), .. } => "thinking.budget_tokens",
        ReasoningOptions { effort: Some(_), .. } => "reasoning_effort",
        ReasoningOptions { enabled: Some(_), .. } => "thinking",
        _ => return Ok(Thinking::Unsaid),
    };
    if !model::thinks(model) {
        unsupported.param(name, &format!("`{model}` does not think"))?;
        return Ok(Thinking::Unsaid);
    }
    let budget = match options.budget_tokens {
        Some(budget) if model::takes_budget(model) && !asked.no_budgets => budget,
        Some(_) => {
            unsupported.param(name, &format!("`{model}` thinks by effort, not by a budget of tokens"))?;
            // A switch came with the budget, and goes with it, where no effort stands in for both.
            let effort = effort_of(options, model, asked.is_foreign);
            return Ok(if effort.is_some() { Thinking::Adaptive } else { Thinking::Unsaid });
        }
        None if model::takes_adaptive(model) => return Ok(Thinking::Adaptive),
        None => match fitting(options.effort.as_ref(), asked.bound) {
            Ok(budget) => budget,
            Err(why) => {
                unsupported.param(name, &why)?;
                return Ok(Thinking::Unsaid);
            }
        },
    };
    if asked.lacks_thoughts {
        let why = "a turn that goes on from tool calls needs the thoughts before them, and they were not sent back";
        unsupported.hint(name, asked.is_foreign, why)?;
        return Ok(Thinking::Unsaid);
    }
    Ok(Thinking::Budget(budget))
}

/// The budget for an effort, or for thinking without a measure, below a bound of the whole answer. The error says why
/// there is none.
fn fitting(effort: Option<&Effort>, bound: Option<u64>) -> Result<u64, String> {
    let wanted = match effort {
        Some(Effort::Minimal | Effort::Low) => LEAST,
        Some(Effort::Medium) | None => MEDIUM,
        Some(Effort::High) => HIGH,
        Some(Effort::XHigh | Effort::Max) => HIGHEST,
        Some(effort @ (Effort::None | Effort::Unknown(_))) => return Err(format!("it has no effort `{effort}`")),
    };
    let Some(bound) = bound else { return Ok(wanted) };
    if bound <= LEAST {
        return Err(format!("thinking takes at least {LEAST} tokens, and the answer is bounded to {bound}"));
    }
    // At least half of a low bound is the answer's.
    Ok(wanted.min(bound - ANSWER.min(bound / 2)).max(LEAST))
}

/// Whether the model's last turn called tools without thoughts that can be sent back (`is_sent`). One that is told to
/// think by a budget refuses to go on from there.
pub(crate) fn lacks_thoughts(messages: &[Message], is_sent: impl Fn(&Part) -> bool) -> bool {
    let is_assistant = |message: &&Message| message.role == Role::Assistant;
    let last = messages.iter().rev().skip_while(|message| !is_assistant(message)).take_while(is_assistant);
    let mut calls = false;
    for part in last.flat_map(|message| &message.parts) {
        match &part.content {
            Content::Reasoning(_) if is_sent(part) => return false,
            Content::ToolCall(_) => calls = true,
            _ => {}
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use llm_core::chat::Effort;

    use super::fitting;

    #[test]
    fn budgets_are_below_the_bound() {
        let effort = |effort, bound| fitting(Some(&effort), bound).ok();
        assert_eq!(effort(Effort::Minimal, None), Some(1024));
        assert_eq!(effort(Effort::High, None), Some(24_576));
        assert_eq!(effort(Effort::High, Some(64_000)), Some(24_576));
        assert_eq!(effort(Effort::Max, Some(32_000)), Some(27_904));
        assert_eq!(effort(Effort::High, Some(4096)), Some(2048));
        assert_eq!(effort(Effort::High, Some(1025)), Some(1024));
        assert_eq!(effort(Effort::Low, Some(1024)), None);
        assert_eq!(effort(Effort::from("some"), None), None);
        assert_eq!(fitting(None, None), Ok(8192));
    }
}
