//! What is shown alike of keys and of whatever they belong to.

use crate::keys::Keys;
use crate::limits::{LimitSpec, ModelPattern, Scope};
use crate::store::{UsageFilter, usage};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use llm_core::NanoUsd;
use serde::Serialize;
use serde_json::{Value, json};

use super::Failure;

/// The limits of a scope that were made by someone, oldest first.
pub(super) fn limits_of(keys: &Keys, scope: &Scope) -> Vec<LimitSpec> {
    let mut limits = keys.limits_of(scope);
    limits.reverse();
    limits.iter().map(|limit| limit.spec.clone()).collect()
}

/// Them on one line.
pub(super) fn limits_text(limits: &[LimitSpec]) -> String {
    let texts: Vec<String> = limits.iter().map(ToString::to_string).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(" ") }
}

/// Patterns of models as they are said.
pub(super) fn patterns(models: Vec<String>) -> Vec<ModelPattern> {
    models.iter().map(|pattern| pattern.trim().into()).collect()
}

/// Them on one line.
pub(super) fn models_text(models: Option<&[ModelPattern]>) -> String {
    match models {
        Some(models) => models.iter().map(ModelPattern::as_str).collect::<Vec<_>>().join(", "),
        None => "all".to_owned(),
    }
}

/// The word for whether keys are refused.
pub(super) fn state(blocked: bool) -> &'static str {
    if blocked { "blocked" } else { "active" }
}

/// A day of a list.
pub(super) fn day(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).date().to_string()
}

/// How many calls there were, and what they cost.
pub(super) async fn spent(keys: &Keys, filter: &UsageFilter) -> Result<(i64, NanoUsd), Failure> {
    let sums = usage(keys.db(), &[], filter).await?;
    Ok(sums.first().map_or((0, NanoUsd::ZERO), |sum| (sum.calls, sum.cost_usd)))
}

/// A thing and the limits of its scope as JSON.
pub(super) fn describe(keys: &Keys, thing: &impl Serialize, scope: &Scope) -> Result<Value, Failure> {
    let mut shown = serde_json::to_value(thing).map_err(Failure::new)?;
    shown["limits"] = json!(limits_of(keys, scope));
    Ok(shown)
}

/// The same, with what was spent.
pub(super) fn with_spent(mut shown: Value, (calls, cost): (i64, NanoUsd)) -> Value {
    shown["calls"] = calls.into();
    shown["cost_usd"] = cost.to_string().into();
    shown
}

/// The failure of a name that nothing has, with the nearest that something has.
pub(super) fn missing<'a>(what: &str, text: &str, names: impl IntoIterator<Item = &'a str>) -> Failure {
    let failure = Failure::new(format!("there is no {what} `{text}`"));
    match llm_providers::registry::nearest(text, names) {
        Some(near) => failure.with_hint(format!("did you mean `{near}`?")),
        None => failure.with_hint(format!("`llm-gateway {what} list` shows what there is")),
    }
}

/// Says what was done about refusing keys.
pub(super) fn said_blocked(blocked: bool, name: &str, id: &impl std::fmt::Display) {
    let done = if blocked { "blocked" } else { "unblocked" };
    eprintln!("{done} `{name}` ({id}); a gateway that runs knows within a second");
}
