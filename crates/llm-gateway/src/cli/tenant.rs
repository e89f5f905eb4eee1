//! What is shown alike of keys and of whatever they belong to: organizations, teams, users.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use llm_core::NanoUsd;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Failure, output};
use crate::keys::Keys;
use crate::limits::{LimitSpec, ModelPattern, Scope};
use crate::store::{UsageFilter, usage};

/// Whatever keys belong to, as it is printed.
pub(super) trait Tenant: Serialize {
    /// The word for it.
    const WHAT: &str;
    /// The heads of the columns that only lists of these have.
    const COLUMNS: &[&str];

    /// What it has in common with the others.
    fn common(&self) -> Common<'_>;
    /// The calls of its keys.
    fn calls(&self) -> UsageFilter;
    /// What stands in its own columns.
    fn columns(&self, keys: &Keys) -> Vec<String>;
    /// What is shown of one alone: a word and what it is.
    fn rows(&self, keys: &Keys) -> Vec<[String; 2]>;
    /// Members of the JSON of one alone.
    fn more(&self, _keys: &Keys) -> Map<String, Value> {
        Map::new()
    }
}

/// What organizations, teams and users have in common.
pub(super) struct Common<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    /// The scope of its limits.
    pub(super) scope: Scope,
    /// Whether its keys are refused.
    pub(super) blocked: bool,
    /// Which models its keys may call.
    pub(super) models: Option<&'a [ModelPattern]>,
    pub(super) created_at: Timestamp,
}

/// Says that one was made.
pub(super) fn made<T: Tenant>(keys: &Keys, one: &T, as_json: bool) -> Result<(), Failure> {
    let Common { id, name, scope, .. } = one.common();
    if as_json {
        output::json(&describe(keys, one, &scope)?)?;
    } else {
        output::line(id)?;
    }
    eprintln!("made the {} `{name}`", T::WHAT);
    Ok(())
}

/// Prints some.
pub(super) fn list<T: Tenant>(keys: &Keys, found: &[Arc<T>], as_json: bool) -> Result<(), Failure> {
    if as_json {
        let shown: Result<Vec<Value>, Failure> =
            found.iter().map(|one| describe(keys, &**one, &one.common().scope)).collect();
        return output::json(&shown?);
    }
    let head = [&["NAME"], T::COLUMNS, &["STATE", "MODELS", "LIMITS", "CREATED", "ID"]].concat();
    let row = |one: &Arc<T>| {
        let Common { id, name, scope, blocked, models, created_at } = one.common();
        let limits = limits_text(&limits_of(keys, &scope));
        let common = [state(blocked).to_owned(), models_text(models), limits, day(created_at), id.to_owned()];
        std::iter::once(name.to_owned()).chain(one.columns(keys)).chain(common).collect()
    };
    let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    output::table(&std::iter::once(head).chain(found.iter().map(row)).collect::<Vec<Vec<String>>>())
}

/// Prints one, with what was spent.
pub(super) async fn show<T: Tenant>(keys: &Keys, found: &T, as_json: bool) -> Result<(), Failure> {
    let spent = spent(keys, &found.calls()).await?;
    let Common { id, name, scope, blocked, models, created_at } = found.common();
    if as_json {
        let mut shown = with_spent(describe(keys, found, &scope)?, spent);
        found.more(keys).into_iter().for_each(|(name, value)| shown[name] = value);
        return output::json(&shown);
    }
    let mut rows = vec![row("name", name), row("id", id), row("state", state(blocked))];
    rows.extend(found.rows(keys));
    rows.extend([
        row("models", models_text(models)),
        row("limits", limits_text(&limits_of(keys, &scope))),
        row("spent", spent_text(spent)),
        row("created", created_at.to_string()),
    ]);
    output::table(&rows)
}

/// A word and what it is.
pub(super) fn row(name: &str, value: impl Into<String>) -> [String; 2] {
    [name.to_owned(), value.into()]
}

/// What was spent, on one line.
pub(super) fn spent_text((calls, cost): (i64, NanoUsd)) -> String {
    format!("{cost} USD in {calls} calls")
}

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
pub(super) fn missing<'a>(what: &'static str, text: &str, names: impl IntoIterator<Item = &'a str>) -> Failure {
    let near = llm_providers::registry::nearest(text, names).map(str::to_owned);
    Failure::Missing { what, text: text.to_owned(), near }
}

/// Says what was done about refusing keys.
pub(super) fn said_blocked(blocked: bool, name: &str, id: &impl std::fmt::Display) {
    let done = if blocked { "blocked" } else { "unblocked" };
    eprintln!("{done} `{name}` ({id}); a gateway that runs knows within a second");
}
