//! How much to think: `thinkingLevel` from Gemini 3 on, `thinkingBudget` for 2.5.

use llm_core::Result;
use llm_core::chat::{Effort, ReasoningOptions};
use llm_core::codec::{Target, Unsupported};
use llm_core::fields::Fields;
use serde_json::{Map, Value};

use super::super::ME;
use super::super::model::{self, Generation};
use super::super::name::{INCLUDE_THOUGHTS, THINKING_BUDGET, THINKING_LEVEL};

/// Budgets that Google's documentation gives for OpenAI's efforts.
const LOW: u64 = 1024;
const MEDIUM: u64 = 8192;
const HIGH: u64 = 24_576;

/// Reads a `thinkingConfig`.
pub(super) fn read(mut config: Fields) -> Result<ReasoningOptions> {
    let mut options = ReasoningOptions::default();
    if let Some(level) = THINKING_LEVEL.get(&config).and_then(Value::as_str) {
        options.effort = match level.to_ascii_lowercase().as_str() {
            // As it comes, and the level stays in the rest.
            "thinking_level_unspecified" | "" => None,
            word => Some(Effort::from(word)),
        };
    }
    match THINKING_BUDGET.get(&config).and_then(Value::as_i64) {
        Some(0) => options.enabled = Some(false),
        // As much as the model likes.
        Some(..0) => options.enabled = Some(true),
        Some(_) => {
            let name = THINKING_BUDGET.of(&config);
            options.budget_tokens = config.want_u64(name)?;
            config.put(name, Value::Null);
        }
        None => {}
    }
    if options.effort.is_none() && options.budget_tokens.is_none() && options.enabled.is_none() {
        options.enabled = INCLUDE_THOUGHTS.get(&config).and_then(Value::as_bool).filter(|wanted| *wanted);
    }
    options.native = config.into_native(ME);
    Ok(options)
}

/// Writes a `thinkingConfig`; none where there is nothing to say.
pub(super) fn write(
    options: &ReasoningOptions,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<Map<String, Value>>> {
    if options.native.is_from(ME) {
        let mut config = options.native.object(ME);
        if let Some(budget) = options.budget_tokens {
            let name =
                if config.contains_key(THINKING_BUDGET.snake) { THINKING_BUDGET.snake } else { THINKING_BUDGET.camel };
            config.insert(name.to_owned(), budget.into());
        }
        return Ok(Some(config));
    }
    let generation = model::generation(target.model);
    let stop = options.enabled == Some(false)
        || options.effort == Some(Effort::None)
        || (options.budget_tokens == Some(0) && options.effort.is_none());
    if stop {
        return match generation {
            Generation::Plain => Ok(None),
            Generation::Budget { can_stop: true } => Ok(Some(budget(0, false))),
            Generation::Budget { can_stop: false } | Generation::Level { .. } => {
                let why = format!("thinking of `{}` can't be switched off", target.model);
                unsupported.param("reasoning_effort", &why)?;
                Ok(None)
            }
        };
    }
    let level = match &options.effort {
        Some(effort) => measure(effort, unsupported)?,
        None => None,
    };
    Ok(match (generation, level, options.budget_tokens) {
        (Generation::Plain, None, None) => None,
        (Generation::Plain, ..) => {
            let why = format!("`{}` does not think", target.model);
            unsupported.param(if level.is_some() { "reasoning_effort" } else { "thinking.budget_tokens" }, &why)?;
            None
        }
        (Generation::Level { has_minimal, has_medium }, Some(level), _) => {
            Some(level_of(level, has_minimal, has_medium))
        }
        // Gemini 3 takes a budget, too, where no level is said.
        (_, _, Some(tokens)) => Some(budget(tokens, true)),
        (Generation::Budget { .. }, Some(level), None) => Some(budget(level.budget(), true)),
        (Generation::Budget { .. }, None, None) if options.enabled == Some(true) => {
            let mut config = budget(0, true);
            config.insert(THINKING_BUDGET.camel.to_owned(), (-1).into());
            Some(config)
        }
        (Generation::Level { .. }, None, None) if options.enabled == Some(true) => {
            let mut config = Map::new();
            config.insert(INCLUDE_THOUGHTS.camel.to_owned(), true.into());
            Some(config)
        }
        _ => None,
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Minimal,
    Low,
    Medium,
    High,
}

impl Level {
    fn budget(self) -> u64 {
        match self {
            Self::Minimal | Self::Low => LOW,
            Self::Medium => MEDIUM,
            Self::High => HIGH,
        }
    }
}

/// The level for an effort. More than `high` is not to be had, and is refused rather than lowered unseen.
fn measure(effort: &Effort, unsupported: &mut Unsupported<'_>) -> Result<Option<Level>> {
    Ok(Some(match effort {
        Effort::Minimal => Level::Minimal,
        Effort::Low => Level::Low,
        Effort::Medium => Level::Medium,
        Effort::High => Level::High,
        Effort::XHigh | Effort::Max | Effort::None | Effort::Unknown(_) => {
            unsupported.param("reasoning_effort", &format!("it has no level `{effort}`"))?;
            return Ok(None);
        }
    }))
}

fn level_of(level: Level, has_minimal: bool, has_medium: bool) -> Map<String, Value> {
    let word = match level {
        Level::Minimal if has_minimal => "MINIMAL",
        Level::Minimal | Level::Low => "LOW",
        Level::Medium if has_medium => "MEDIUM",
        Level::Medium | Level::High => "HIGH",
    };
    let mut config = Map::new();
    config.insert(THINKING_LEVEL.camel.to_owned(), word.into());
    config.insert(INCLUDE_THOUGHTS.camel.to_owned(), true.into());
    config
}

fn budget(tokens: u64, include: bool) -> Map<String, Value> {
    let mut config = Map::new();
    config.insert(THINKING_BUDGET.camel.to_owned(), tokens.into());
    if include {
        config.insert(INCLUDE_THOUGHTS.camel.to_owned(), true.into());
    }
    config
}

#[cfg(test)]
mod tests;
