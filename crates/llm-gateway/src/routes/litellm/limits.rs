//! LiteLLM's members about budgets and rates, and limits.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refused, number};
use crate::litellm::node::{Fields, Node};
use crate::litellm::{amount, duration};

/// Members that are one limit each: name, meter, window.
const RATES: [(&str, &str, &str); 4] = [
    ("rpm_limit", "requests", "minute"),
    ("tpm_limit", "tokens", "minute"),
    ("tpd_limit", "tokens", "day"),
    ("max_parallel_requests", "concurrency", "total"),
];

/// Windows and LiteLLM's durations.
const DURATIONS: [(&str, &str); 6] =
    [("minute", "1m"), ("hour", "1h"), ("24h", "24h"), ("day", "1d"), ("week", "7d"), ("month", "30d")];

/// Takes the members about limits out of `fields` and lays them over `current`. None where nothing was said of limits.
pub(super) fn take(fields: &mut Fields, current: &[Value]) -> Answer<Option<Vec<Value>>> {
    let mut limits: Vec<Value> = current.iter().map(written).collect();
    let mut said = false;
    let said_of = |fields: &Fields, name: &str| fields.get(name).is_some();
    if said_of(fields, "max_budget") || said_of(fields, "budget_duration") || said_of(fields, "soft_budget") {
        said = true;
        let of_spend = |limit: &Value| limit["meter"] == "spend" && limit.get("models").is_none();
        let before = limits.iter().find(|limit| of_spend(limit)).cloned();
        limits.retain(|limit| !of_spend(limit));
        let budget_said = said_of(fields, "max_budget");
        let duration_said = said_of(fields, "budget_duration");
        let new = fields.take("max_budget").map(|node| dollars(&node, "max_budget")).transpose()?;
        let kept = before.as_ref().and_then(|limit| limit["amount"].as_str()).map(str::to_owned);
        let amount = if budget_said { new } else { kept };
        let window = match fields.take_text("budget_duration") {
            Some(duration) => window(&duration)?,
            None if duration_said => "total".to_owned(),
            None => before.as_ref().and_then(|limit| limit["window"].as_str()).unwrap_or("total").to_owned(),
        };
        let soft = fields.take("soft_budget");
        match amount {
            Some(amount) => {
                let mut limit = json!({"meter": "spend", "window": window, "amount": amount});
                if let Some(soft) = soft {
                    limit["notify_at"] = percent(&soft, &amount)?;
                }
                limits.push(limit);
            }
            None if soft.is_some() => {
                return Err(Refused::bad("soft_budget", "`soft_budget` is a share of `max_budget`, which is not said"));
            }
            None => {}
        }
    }
    for (name, meter, window) in RATES {
        if !said_of(fields, name) {
            continue;
        }
        said = true;
        limits.retain(|limit| limit["meter"] != meter || limit["window"] != window || limit.get("models").is_some());
        if let Some(node) = fields.take(name) {
            limits.push(json!({"meter": meter, "window": window, "amount": whole(&node, name)?}));
        }
    }
    for (name, meter) in [("model_rpm_limit", "requests"), ("model_tpm_limit", "tokens"), ("model_max_budget", "spend")]
    {
        if !said_of(fields, name) {
            continue;
        }
        let models = fields.take_table(name);
        if models.0.is_empty() && current.is_empty() {
            continue;
        }
        said = true;
        limits.retain(|limit| limit["meter"] != meter || limit.get("models").is_none());
        for (model, node) in models.0 {
            let mut limit = match node {
                Node::Table(mut fields) if meter == "spend" => {
                    let budget = fields.take("max_budget").or_else(|| fields.take("budget_limit"));
                    let duration = fields.take_text("budget_duration").or_else(|| fields.take_text("time_period"));
                    let budget = budget.ok_or_else(|| Refused::bad(name, format!("`{name}` says no amount")))?;
                    let window = duration.map_or(Ok("total".to_owned()), |duration| window(&duration))?;
                    json!({"meter": meter, "window": window, "amount": dollars(&budget, name)?})
                }
                node if meter == "spend" => json!({"meter": meter, "window": "total", "amount": dollars(&node, name)?}),
                node => json!({"meter": meter, "window": "minute", "amount": whole(&node, name)?}),
            };
            limit["models"] = json!([model]);
            limits.push(limit);
        }
    }
    Ok(said.then_some(limits))
}

/// A limit as it is written, without what it has counted.
pub(super) fn written(limit: &Value) -> Value {
    let mut limit = limit.clone();
    if let Value::Object(members) = &mut limit {
        for shown in ["id", "scope", "used", "reserved", "remaining", "resets_at"] {
            members.shift_remove(shown);
        }
    }
    limit
}

fn dollars(node: &Node, name: &str) -> Answer<String> {
    let amount = node.text().and_then(amount::dollars).filter(|amount| amount.0 >= 0);
    amount
        .map(|amount| amount.to_string())
        .ok_or_else(|| Refused::bad(name, format!("`{name}` is an amount of US dollars")))
}

fn whole(node: &Node, name: &str) -> Answer<u64> {
    node.whole().ok_or_else(|| Refused::bad(name, format!("`{name}` is a whole number")))
}

fn window(text: &str) -> Answer<String> {
    let known = duration::window(text).map(|window| window.as_str().to_owned());
    known.ok_or_else(|| {
        let message =
            format!("no window here is `{text}` long; `budget_duration` is one of `1m`, `1h`, `1d`, `7d`, `30d`");
        Refused::bad("budget_duration", message)
    })
}

fn percent(soft: &Node, amount: &str) -> Answer<Value> {
    let wrong =
        || Refused::bad("soft_budget", "`soft_budget` is an amount from a hundredth of `max_budget` to all of it");
    let soft = soft.text().and_then(amount::dollars).ok_or_else(wrong)?;
    let whole = amount::dollars(amount).filter(|whole| whole.0 > 0).ok_or_else(wrong)?;
    let percent = i128::from(soft.0) * 100 / i128::from(whole.0);
    if (1..=100).contains(&percent) { Ok(json!([percent as i64])) } else { Err(wrong()) }
}

/// Limits in LiteLLM's members.
pub(super) fn show(limits: &Value) -> Map<String, Value> {
    let mut shown = Map::new();
    for name in [
        "max_budget",
        "budget_duration",
        "budget_reset_at",
        "tpm_limit",
        "rpm_limit",
        "tpd_limit",
        "max_parallel_requests",
    ] {
        shown.insert(name.to_owned(), Value::Null);
    }
    shown.insert("model_max_budget".to_owned(), json!({}));
    for limit in limits.as_array().into_iter().flatten() {
        let (meter, window) =
            (limit["meter"].as_str().unwrap_or_default(), limit["window"].as_str().unwrap_or_default());
        let duration = DURATIONS.iter().find(|(known, _)| *known == window).map(|(_, duration)| *duration);
        let models = limit.get("models").and_then(Value::as_array).cloned().unwrap_or_default();
        for model in models.iter().filter_map(Value::as_str) {
            match meter {
                "spend" => {
                    shown["model_max_budget"][model] =
                        json!({"budget_limit": number(limit.get("amount")), "time_period": duration})
                }
                "requests" => {
                    shown.entry("model_rpm_limit").or_insert_with(|| json!({}))[model] = limit["amount"].clone()
                }
                "tokens" => {
                    shown.entry("model_tpm_limit").or_insert_with(|| json!({}))[model] = limit["amount"].clone()
                }
                _ => {}
            }
        }
        if !models.is_empty() {
            continue;
        }
        if meter == "spend" && shown["max_budget"].is_null() {
            shown["max_budget"] = number(limit.get("amount"));
            shown["budget_duration"] = json!(duration);
            shown["budget_reset_at"] = limit.get("resets_at").cloned().unwrap_or_default();
            shown.insert("spend".to_owned(), number(limit.get("used")));
        }
        if let Some((name, _, _)) = RATES.iter().find(|(_, of, over)| *of == meter && *over == window) {
            shown[*name] = limit["amount"].clone();
        }
    }
    shown
}
