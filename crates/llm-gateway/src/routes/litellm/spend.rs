//! `/spend/logs` and `/global/spend/report`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use llm_core::NanoUsd;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Asked, Refused, number_or_zero};
use super::ours::{Ours, escaped};

/// The most single calls of one answer.
const CALLS: usize = 500;

/// `GET /spend/logs`: between two dates the sums of days, else single calls, newest first.
pub(super) async fn logs(ours: &Ours, mut asked: Asked) -> Answer {
    let span = span(&mut asked)?;
    let request = asked.fields.take_text("request_id");
    let summarize = asked.fields.take("summarize").and_then(|node| node.bool()).unwrap_or(true);
    let mut filter = span.clone().unwrap_or_default();
    for (theirs, own) in [("api_key", "key"), ("user_id", "user")] {
        if let Some(value) = asked.fields.take_text(theirs) {
            filter.push_str(&format!("&{own}={}", escaped(&named(ours, &asked, own, &value).await?)));
        }
    }
    asked.finish(&[])?;
    if let Some(id) = request {
        let call = ours.get(&asked.headers, &format!("/api/v1/calls/{}", escaped(&id))).await?;
        return Ok(json!([log(&call)]));
    }
    if span.is_some() && summarize {
        return by_day(ours, &asked, &filter).await;
    }
    let calls = ours.get(&asked.headers, &format!("/api/v1/calls?limit={CALLS}{filter}")).await?;
    Ok(Value::Array(calls["data"].as_array().into_iter().flatten().map(log).collect()))
}

/// What a filter of LiteLLM names, by its id here.
async fn named(ours: &Ours, asked: &Asked, kind: &str, text: &str) -> Answer<String> {
    if kind == "key" {
        return Ok(ours.key_id(text));
    }
    let user = ours.get(&asked.headers, &format!("/api/v1/users/{}", escaped(text))).await;
    Ok(user.ok().and_then(|user| user["id"].as_str().map(str::to_owned)).unwrap_or_else(|| text.to_owned()))
}

/// What was spent on a day.
#[derive(Default)]
struct Day {
    spend: NanoUsd,
    users: BTreeMap<String, NanoUsd>,
    models: BTreeMap<String, NanoUsd>,
}

/// One entry a day: what was spent, by user and by model.
async fn by_day(ours: &Ours, asked: &Asked, filter: &str) -> Answer {
    let mut days: BTreeMap<String, Day> = BTreeMap::new();
    let usage = ours.get(&asked.headers, &format!("/api/v1/usage?group_by=day,user,model{filter}")).await?;
    for row in usage["data"].as_array().into_iter().flatten() {
        let day = days.entry(row["day"].as_str().unwrap_or_default().to_owned()).or_default();
        let cost = cost(row);
        day.spend += cost;
        *day.users.entry(row["user"].as_str().unwrap_or_default().to_owned()).or_default() += cost;
        *day.models.entry(row["model"].as_str().unwrap_or_default().to_owned()).or_default() += cost;
    }
    let sums = |sums: BTreeMap<String, NanoUsd>| -> Map<String, Value> {
        sums.into_iter().map(|(name, cost)| (name, dollars(cost))).collect()
    };
    let entry = |(day, Day { spend, users, models })| json!({"startTime": day, "spend": dollars(spend), "users": sums(users), "models": sums(models)});
    Ok(Value::Array(days.into_iter().map(entry).collect()))
}

/// `GET /global/spend/report`.
pub(super) async fn report(ours: &Ours, mut asked: Asked) -> Answer {
    let Some(span) = span(&mut asked)? else {
        return Err(Refused::bad("start_date", "`start_date` and `end_date` are needed"));
    };
    let by = asked.fields.take_text("group_by").unwrap_or_else(|| "team".to_owned());
    let key = asked.fields.take_text("api_key");
    let user = asked.fields.take_text("internal_user_id");
    let team = asked.fields.take_text("team_id");
    asked.finish(&[])?;
    let mut filter = span;
    if let Some(team) = &team {
        filter.push_str(&format!("&team={}", escaped(team)));
    }
    if let Some(key) = &key {
        filter.push_str(&format!("&key={}", escaped(&ours.key_id(key))));
    }
    if let Some(user) = &user {
        filter.push_str(&format!("&user={}", escaped(&named(ours, &asked, "user", user).await?)));
    }
    match by.as_str() {
        _ if key.is_some() || user.is_some() => by_key(ours, &asked, &filter).await,
        "api_key" => by_key(ours, &asked, &filter).await,
        "team" => by_team(ours, &asked, &filter).await,
        "customer" => Err(Refused::bad(
            "group_by",
            "spend is not summed by customer; single calls are found at `/api/v1/calls?end_user=…`",
        )),
        _ => Err(Refused::bad("group_by", "`group_by` is `team` or `api_key`")),
    }
}

async fn by_key(ours: &Ours, asked: &Asked, filter: &str) -> Answer {
    let usage = ours.get(&asked.headers, &format!("/api/v1/usage?group_by=key,model{filter}")).await?;
    let mut keys: BTreeMap<String, (NanoUsd, i64, i64, Vec<Value>)> = BTreeMap::new();
    for row in usage["data"].as_array().into_iter().flatten() {
        let sum = keys.entry(row["key"].as_str().unwrap_or_default().to_owned()).or_default();
        let count = |name: &str| row[name].as_i64().unwrap_or(0);
        sum.0 += cost(row);
        sum.1 += count("input_tokens");
        sum.2 += count("output_tokens");
        sum.3.push(json!({
            "model": row["model"],
            "total_cost": number_or_zero(row.get("cost_usd")),
            "total_input_tokens": count("input_tokens"),
            "total_output_tokens": count("output_tokens"),
        }));
    }
    let mut sums: Vec<_> = keys.into_iter().collect();
    sums.sort_by_key(|(_, (cost, ..))| std::cmp::Reverse(*cost));
    let entry = |(key, (cost, input, output, models))| {
        json!({
            "api_key": key,
            "total_cost": dollars(cost),
            "total_input_tokens": input,
            "total_output_tokens": output,
            "model_details": models,
        })
    };
    Ok(Value::Array(sums.into_iter().map(entry).collect()))
}

async fn by_team(ours: &Ours, asked: &Asked, filter: &str) -> Answer {
    let usage = ours.get(&asked.headers, &format!("/api/v1/usage?group_by=day,team,model,key{filter}")).await?;
    let mut days: BTreeMap<String, BTreeMap<String, (NanoUsd, Vec<Value>)>> = BTreeMap::new();
    for row in usage["data"].as_array().into_iter().flatten() {
        let Some(team) = row["team"].as_str() else { continue };
        let day = days.entry(row["day"].as_str().unwrap_or_default().to_owned()).or_default();
        let sum = day.entry(team.to_owned()).or_default();
        sum.0 += cost(row);
        let tokens = row["input_tokens"].as_i64().unwrap_or(0) + row["output_tokens"].as_i64().unwrap_or(0);
        sum.1.push(json!({
            "model": row["model"],
            "spend": number_or_zero(row.get("cost_usd")),
            "total_tokens": tokens,
            "api_key": row["key"],
        }));
    }
    let mut names: BTreeMap<String, Value> = BTreeMap::new();
    for team in ours.all(&asked.headers, "/api/v1/teams").await? {
        names.insert(team["id"].as_str().unwrap_or_default().to_owned(), team["name"].clone());
    }
    let mut report = Vec::new();
    for (day, teams) in days {
        let entry = |(team, (spend, metadata)): (String, (NanoUsd, Vec<Value>))| {
            let name = names.get(&team).cloned().unwrap_or_else(|| json!(team));
            json!({"team_name": name, "total_spend": dollars(spend), "metadata": metadata})
        };
        let teams: Vec<Value> = teams.into_iter().map(entry).collect();
        report.push(json!({"group_by_day": day, "teams": teams}));
    }
    Ok(Value::Array(report))
}

/// `start_date` and `end_date`, both days included, as members of a query of ours. None where neither is said.
fn span(asked: &mut Asked) -> Answer<Option<String>> {
    let mut date = |name: &str| match asked.fields.take_text(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<Date>()
            .map(Some)
            .map_err(|_| Refused::bad(name, format!("`{name}` is a date such as `2026-01-31`"))),
    };
    match (date("start_date")?, date("end_date")?) {
        (None, None) => Ok(None),
        (Some(start), Some(end)) => {
            let next = end.tomorrow().map_err(|_| Refused::bad("end_date", "`end_date` is too far away"))?;
            Ok(Some(format!("&from={start}T00:00:00Z&to={next}T00:00:00Z")))
        }
        (None, Some(_)) => Err(Refused::bad("start_date", "`start_date` is needed beside `end_date`")),
        (Some(_), None) => Err(Refused::bad("end_date", "`end_date` is needed beside `start_date`")),
    }
}

fn cost(row: &Value) -> NanoUsd {
    row["cost_usd"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn dollars(amount: NanoUsd) -> Value {
    number_or_zero(Some(&json!(amount)))
}

/// A single call in LiteLLM's members.
fn log(call: &Value) -> Value {
    let count = |name: &str| call["usage"][name].as_i64().unwrap_or(0);
    let (input, output) =
        (count("input") + count("cache_read") + count("cache_write"), count("output") + count("reasoning"));
    json!({
        "request_id": call["id"],
        "call_type": call["operation"],
        "api_key": call["key"],
        "spend": number_or_zero(call.get("cost_usd")),
        "total_tokens": input + output,
        "prompt_tokens": input,
        "completion_tokens": output,
        "startTime": call["created_at"],
        "model": call["deployment"],
        "model_group": call["model"],
        "custom_llm_provider": call["provider"],
        "user": call["user"],
        "team_id": call["team"],
        "end_user": call["end_user"],
        "request_tags": call["tags"],
        "cache_hit": call["cache"],
        "status": if call["status"] == "ok" { "success" } else { "failure" },
    })
}
