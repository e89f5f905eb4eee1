use std::collections::BTreeMap;

use llm_core::chat::{Effort, ReasoningOptions, UnsupportedPolicy};
use llm_core::codec::{Quirks, Target, Unsupported};
use serde_json::{Value, json};

use super::write;

/// What is said to `model`; the error's parameter where that can't be.
fn said(model: &str, options: &ReasoningOptions) -> Result<Value, String> {
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "gemini",
        model,
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "seed",
    };
    let mut unsupported = Unsupported::new(UnsupportedPolicy::Refuse, "gemini");
    let written = write(options, &target, &mut unsupported).map_err(|error| error.param().unwrap().to_owned())?;
    Ok(written.map_or(Value::Null, Value::Object))
}

fn effort(effort: Effort) -> ReasoningOptions {
    ReasoningOptions { effort: Some(effort), ..ReasoningOptions::default() }
}

#[test]
fn effort_is_a_level_or_a_budget_by_generation() {
    let (third, second) = ("gemini-3-flash-preview", "gemini-2.5-flash");
    for (word, level, budget) in [
        (Effort::Minimal, "MINIMAL", 1024),
        (Effort::Low, "LOW", 1024),
        (Effort::Medium, "MEDIUM", 8192),
        (Effort::High, "HIGH", 24_576),
    ] {
        let by_level = json!({"thinkingLevel": level, "includeThoughts": true});
        assert_eq!(said(third, &effort(word.clone())), Ok(by_level));
        let by_budget = json!({"thinkingBudget": budget, "includeThoughts": true});
        assert_eq!(said(second, &effort(word)), Ok(by_budget));
    }
    assert_eq!(said(third, &effort(Effort::XHigh)), Err("reasoning_effort".to_owned()));
}

#[test]
fn only_some_models_can_stop_thinking() {
    assert_eq!(said("gemini-2.5-flash", &effort(Effort::None)), Ok(json!({"thinkingBudget": 0})));
    for model in ["gemini-2.5-pro", "gemini-3-pro-preview"] {
        assert_eq!(said(model, &effort(Effort::None)), Err("reasoning_effort".to_owned()));
    }
    assert_eq!(said("gemini-2.0-flash", &effort(Effort::None)), Ok(Value::Null));
}
