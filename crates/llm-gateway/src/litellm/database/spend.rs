//! What was spent: LiteLLM's log of single calls by the hour, and where that was cut off, its sums of days.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use llm_core::{NanoUsd, Result};

use super::super::amount;
use super::super::config::provider_id;
use super::super::node::{Fields, Node};
use super::Import;
use super::rows::Source;
use super::write::Imported;
use crate::keys::Adoption;
use crate::store::{SumGroup, SumTotals, add_history, history};

/// Sums of a day, by day, key, model and provider.
type Day = (i64, String, String, String);

impl Import<'_> {
    /// Adds what was spent to the sums of hours.
    pub(super) async fn spend(
        &mut self,
        source: &mut Source,
        adoption: &mut Adoption,
        imported: &mut Imported,
    ) -> Result<()> {
        let before = history(&mut adoption.tx).await?;
        let mut all = before.clone();
        for row in hours(source).await? {
            let Some((group, sums)) = group(row, imported) else {
                self.report.refused("LiteLLM_SpendLogs", "a sum that can't be read");
                continue;
            };
            let known = all.entry(group).or_default();
            // A log that is cut off later takes nothing back.
            *known = known.or_more(sums);
        }
        let mut of_days: BTreeMap<Day, SumTotals> = BTreeMap::new();
        for (group, sums) in &all {
            let day = group.hour - group.hour.rem_euclid(86_400_000);
            let place = (day, group.key.to_string(), group.model.to_string(), group.provider.to_string());
            let known = of_days.entry(place).or_default();
            *known = known.plus(*sums);
        }
        let mut whole_days: BTreeMap<SumGroup<'static>, SumTotals> = BTreeMap::new();
        for row in days(source).await? {
            let Some((group, sums)) = group(row, imported) else {
                self.report.refused("LiteLLM_DailyUserSpend", "a sum that can't be read");
                continue;
            };
            let known = whole_days.entry(group).or_default();
            *known = known.plus(sums);
        }
        for (group, sums) in whole_days {
            let day = (group.hour, group.key.to_string(), group.model.to_string(), group.provider.to_string());
            let more = sums.beyond(of_days.get(&day).copied().unwrap_or_default());
            if !more.is_zero() {
                let known = all.entry(group).or_default();
                *known = known.plus(more);
            }
        }
        let added = add_history(&mut adoption.tx, &before, &all).await?;
        if !all.is_empty() {
            let total: SumTotals = all.values().fold(SumTotals::default(), |sum, sums| sum.plus(*sums));
            self.report.carried(
                "LiteLLM_SpendLogs",
                format!(
                    "{} calls of {} USD by the hour, now or before; what only `LiteLLM_DailyUserSpend` knows, by the day",
                    total.calls,
                    NanoUsd(total.cost)
                ),
            );
            self.report
                .ignored("LiteLLM_SpendLogs", "single calls stay behind; their sums are what reports are made of");
        }
        tracing::info!(calls = added.calls, cost = %NanoUsd(added.cost), "added what was spent under LiteLLM");
        Ok(())
    }
}

/// The log, summed by its own database: it is large.
async fn hours(source: &mut Source) -> Result<Vec<Fields>> {
    let table = "LiteLLM_SpendLogs";
    if !source.has(table) {
        return Ok(Vec::new());
    }
    let mut columns = Vec::new();
    for name in ["team_id", "organization_id", "model_group", "custom_llm_provider", "status", "request_tags", "user"] {
        columns.push(source.column(table, name).await?);
    }
    let [team, organization, group, provider, status, tags, user] = &columns[..] else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT json_build_object('time', hour, 'key', key, 'team', team, 'user', \"user\", 'organization', organization, \
         'model', model, 'provider', provider, 'tags', tags, 'calls', count(*), \
         'errors', count(*) FILTER (WHERE status = 'failure'), 'input', sum(input), 'output', sum(output), \
         'cost', sum(cost)::text)::text FROM (SELECT date_trunc('hour', \"startTime\") AS hour, api_key AS key, \
         {team} AS team, {user} AS \"user\", {organization} AS organization, \
         coalesce(nullif({group}::text, ''), model, '') AS model, {provider} AS provider, {tags}::text AS tags, \
         {status} AS status, prompt_tokens::bigint AS input, completion_tokens::bigint AS output, \
         spend::text::numeric AS cost FROM \"LiteLLM_SpendLogs\") AS calls \
         GROUP BY hour, key, team, \"user\", organization, model, provider, tags"
    );
    source.fields(sql).await
}

/// The sums of days. A call stands in them once for its user.
async fn days(source: &mut Source) -> Result<Vec<Fields>> {
    let table = "LiteLLM_DailyUserSpend";
    if !source.has(table) {
        return Ok(Vec::new());
    }
    let group = source.column(table, "model_group").await?;
    let sql = format!(
        "SELECT json_build_object('time', date, 'key', key, 'user', max(\"user\"), 'model', model, 'provider', provider, \
         'calls', sum(calls), 'errors', sum(errors), 'input', sum(input), 'output', sum(output), 'cost', sum(cost)::text\
         )::text FROM (SELECT date, api_key AS key, user_id AS \"user\", \
         coalesce(nullif({group}::text, ''), model, '') AS model, custom_llm_provider AS provider, \
         api_requests AS calls, failed_requests AS errors, prompt_tokens AS input, completion_tokens AS output, \
         spend::text::numeric AS cost FROM \"LiteLLM_DailyUserSpend\") AS days GROUP BY date, key, model, provider"
    );
    source.fields(sql).await
}

/// One sum, with the names that things have here.
fn group(mut row: Fields, imported: &Imported) -> Option<(SumGroup<'static>, SumTotals)> {
    let mut text = |name: &str| row.take_text(name).unwrap_or_default();
    let time = text("time");
    let token = text("key");
    let (model, provider) = (text("model"), text("provider"));
    let (mut team, mut user, organization) = (text("team"), text("user"), text("organization"));
    let mut tags = Node::from_json(&text("tags")).ok().and_then(|node| node.texts()).unwrap_or_default();
    tags.sort_unstable();
    tags.dedup();
    let owner = imported.owners.get(&token);
    if let Some(owner) = owner {
        let or = |text: &mut String, own: &Option<String>| {
            if text.is_empty() {
                text.clone_from(own.as_ref().unwrap_or(&String::new()));
            }
        };
        or(&mut team, &owner.team);
        or(&mut user, &owner.user);
    }
    let count = |row: &mut Fields, name: &str| {
        let count = row.take(name).and_then(|node| node.whole()).unwrap_or(0);
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    let sums = SumTotals {
        calls: count(&mut row, "calls"),
        errors: count(&mut row, "errors"),
        input_tokens: count(&mut row, "input"),
        output_tokens: count(&mut row, "output"),
        cost: amount::dollars(&row.take_text("cost")?)?.0.max(0),
    };
    let group = SumGroup {
        hour: millis(&time)?,
        // A key that is gone is known by its token.
        key: owner.map_or(token, |owner| owner.key.clone()).into(),
        team: team.into(),
        user: user.into(),
        organization: organization.into(),
        provider: provider_id(&provider, &model).map_or(provider, str::to_owned).into(),
        model: model.into(),
        tags: serde_json::to_string(&tags).ok()?.into(),
    };
    Some((group, sums))
}

/// The beginning of an hour or day, in UTC.
fn millis(text: &str) -> Option<i64> {
    let at = |time: DateTime| Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond());
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let time = text.parse::<DateTime>().ok().or_else(|| Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0)));
    at(time?)
}
