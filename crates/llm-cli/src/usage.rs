//! `llm usage`: what a gateway key has spent, and what it has left.

use std::io::{Write, stdout};

use llm_providers::{Client, environment};
use serde_json::Value;

use crate::args::UsageArgs;
use crate::failure::Failure;
use crate::{output, table};

/// The members with limits that the key's calls count under, its own first.
const LIMITS: [&str; 4] = ["limits", "user_limits", "team_limits", "organization_limits"];

pub(crate) async fn run(args: &UsageArgs) -> Result<(), Failure> {
    let client = Client::from_env()?;
    if !client.is_gateway() {
        return Err(Failure::usage("there is no gateway to ask, and providers don't say what a key has left")
            .with_hint(format!(
                "set `{}`; what one call costs is said by `--show-usage`",
                environment::LLM_GATEWAY_URL
            )));
    }
    let key = client.own_key().await?;
    if args.json {
        return Ok(output::write_json(&key)?);
    }
    eprintln!("key: {} ({}…)", text(&key, "name"), text(&key, "prefix"));
    match key.get("spend").filter(|spend| spend.is_object()) {
        Some(spend) => writeln!(
            stdout(),
            "spent: {} USD in {} calls since it was made",
            text(spend, "cost_usd"),
            text(spend, "calls")
        )?,
        None => eprintln!("note: the gateway can't say at the moment what the key has spent"),
    }
    let limits: Vec<&Value> = LIMITS.iter().flat_map(|name| list(&key, name)).collect();
    if limits.is_empty() {
        eprintln!("note: the key has no limits");
        return Ok(());
    }
    let mut rows = vec![["limit", "of", "amount", "used", "reserved", "left", "resets"].map(str::to_owned)];
    rows.extend(limits.into_iter().map(row));
    Ok(table::write(&rows)?)
}

fn list<'a>(key: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    key.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn row(limit: &Value) -> [String; 7] {
    let window = text(limit, "window");
    let per = if matches!(window.as_str(), "" | "total") {
        text(limit, "meter")
    } else {
        format!("{} per {window}", text(limit, "meter"))
    };
    let models = list(limit, "models").filter_map(Value::as_str).collect::<Vec<_>>().join(",");
    let scope = limit.get("scope").map(|scope| text(scope, "kind")).unwrap_or_default();
    [
        per,
        if models.is_empty() { scope } else { format!("{scope}, {models}") },
        text(limit, "amount"),
        text(limit, "used"),
        text(limit, "reserved"),
        text(limit, "remaining"),
        Some(text(limit, "resets_at")).filter(|at| !at.is_empty()).unwrap_or_else(|| "-".to_owned()),
    ]
}

/// A member as people read it; empty where there is none.
fn text(object: &Value, name: &str) -> String {
    match object.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
