//! A plan as an `llm-gateway.toml`.

use std::fmt::Write;

use super::Plan;
use super::config::{Account, Deployment, Model};

/// Writes the file.
pub(super) fn toml(plan: &Plan) -> String {
    let mut out = String::from("# Made from a configuration of LiteLLM by `llm-gateway import litellm`.\n");
    let tops = [
        ("admin_key", plan.admin_key.as_deref()),
        ("redis", plan.redis.as_deref()),
        ("max_body", plan.max_body.as_deref()),
        ("on_disconnect", plan.on_disconnect),
    ];
    for (name, value) in tops {
        if let Some(value) = value {
            line(&mut out, format_args!("{name} = {}", text(value)));
        }
    }
    if plan.providers.is_empty() {
        line(&mut out, format_args!("# Only the names below can be called, as with LiteLLM."));
        line(&mut out, format_args!("direct_models = false"));
    }
    let tables = [
        ("timeouts", "total", plan.timeout.as_deref()),
        ("calls", "retention", plan.retention.as_deref()),
        ("limits", "tz", plan.zone.as_deref()),
    ];
    for (table, name, value) in tables {
        if let Some(value) = value {
            line(&mut out, format_args!("\n[{table}]\n{name} = {}", text(value)));
        }
    }
    if !plan.defaults.is_empty() {
        line(&mut out, format_args!("\n[limits.defaults]"));
        for (meter, amount) in &plan.defaults {
            line(&mut out, format_args!("{meter} = {}", text(amount)));
        }
    }
    for (id, account) in &plan.providers {
        line(&mut out, format_args!("\n[providers.{}]", key(id)));
        for member in members(account) {
            line(&mut out, format_args!("{member}"));
        }
    }
    for model in &plan.models {
        self::model(&mut out, model);
    }
    out
}

fn model(out: &mut String, model: &Model) {
    line(out, format_args!("\n[[models]]\nname = {}", text(&escaped(&model.name))));
    line(out, format_args!("strategy = {}\nretries = {}", text(model.strategy.as_str()), model.retries));
    if !model.fallbacks.is_empty() {
        let names: Vec<String> = model.fallbacks.iter().map(|name| text(&escaped(name))).collect();
        line(out, format_args!("fallbacks = [{}]", names.join(", ")));
    }
    line(out, format_args!("deployments = ["));
    let weights = model.weights();
    for (place, deployment) in model.deployments.iter().enumerate() {
        let weight = weights.as_ref().and_then(|weights| weights.get(place)).copied();
        line(out, format_args!("  {{ {} }},", self::deployment(deployment, weight)));
    }
    line(out, format_args!("]"));
}

fn deployment(deployment: &Deployment, weight: Option<u32>) -> String {
    let mut all = vec![format!("model = {}", text(&escaped(&deployment.model)))];
    if let Some(weight) = weight {
        all.push(format!("weight = {weight}"));
    }
    if let Some(timeout) = &deployment.timeout {
        all.push(format!("timeout = {}", text(timeout)));
    }
    if !deployment.price.is_empty() {
        let lines: Vec<String> =
            deployment.price.iter().map(|(meter, amount)| format!("{meter} = {}", text(amount))).collect();
        all.push(format!("price = {{ {} }}", lines.join(", ")));
    }
    all.extend(members(&deployment.account));
    all.join(", ")
}

fn members(account: &Account) -> Vec<String> {
    let mut all = Vec::new();
    for (name, value) in [("api_key", &account.api_key), ("base_url", &account.base_url)] {
        if let Some(value) = value {
            all.push(format!("{name} = {}", text(value)));
        }
    }
    let table = |name: &str, members: Vec<String>| format!("{name} = {{ {} }}", members.join(", "));
    if !account.variables.is_empty() {
        let members = account.variables.iter().map(|(name, value)| format!("{} = {}", key(name), text(value)));
        all.push(table("variables", members.collect()));
    }
    if !account.headers.is_empty() {
        let members = account.headers.iter().map(|(name, value)| format!("{} = {}", key(name), text(value)));
        all.push(table("headers", members.collect()));
    }
    all
}

/// A name whose dollar signs mean themselves.
fn escaped(name: &str) -> String {
    name.replace('$', "$$")
}

/// A text in quotes.
fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// A key, in quotes where it needs them.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if bare { name.to_owned() } else { text(name) }
}

fn line(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing into a text can't fail.
    let _ = writeln!(out, "{line}");
}
