//! `llm-gateway usage`: what was used and what it cost, from the database.

use serde_json::json;

use super::args::UsageArgs;
use super::{Failure, key, open, output};
use crate::config::Overrides;
use crate::keys::{KeyId, Keys, OrganizationId, TeamId, UserId};
use crate::store::{UsageFilter, UsageGroup, UsageRow, usage, usage_csv};

pub(super) async fn run(args: UsageArgs, overrides: &Overrides) -> Result<(), Failure> {
    let keys = open::existing_keys(overrides).await?;
    let mut groups: Vec<UsageGroup> = Vec::new();
    for group in args.by {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    // What was deleted is still on record, by the id that it had: a name that nothing has is taken for one.
    let filter = UsageFilter {
        key: args.key.map(|text| key::find(&keys, &text).map(|key| key.id.to_string()).unwrap_or(text)),
        team: args.team.map(|text| keys.find_team(&text).map(|team| team.id.to_string()).unwrap_or(text)),
        user: args.user.map(|text| keys.find_user(&text).map(|user| user.id.to_string()).unwrap_or(text)),
        organization: args
            .organization
            .map(|text| keys.find_organization(&text).map(|found| found.id.to_string()).unwrap_or(text)),
        end_user: args.end_user,
        model: args.model,
        provider: args.provider,
        tag: args.tag,
        from: args.from,
        to: args.to,
    };
    let rows = usage(keys.db(), &groups, &filter).await?;
    if args.json {
        return output::json(&json!({"data": rows}));
    }
    if args.csv {
        return output::text(&usage_csv(&groups, &rows));
    }
    let head = groups.iter().map(|group| group.as_str().replace('_', " "));
    let sums = ["calls", "errors", "input", "output", "USD"].map(str::to_owned);
    let mut table = vec![head.chain(sums).map(|name| name.to_uppercase()).collect::<Vec<_>>()];
    table.extend(rows.iter().map(|row| cells(&keys, row)));
    output::table(&table)
}

/// A row for people, who know what they have named by its name.
fn cells(keys: &Keys, row: &UsageRow) -> Vec<String> {
    let named = |group: UsageGroup, id: &str| match group {
        UsageGroup::Key => keys.get(&KeyId::new(id)).map(|key| key.name.clone()),
        UsageGroup::Team => keys.team(&TeamId::new(id)).map(|team| team.name.clone()),
        UsageGroup::User => keys.user(&UserId::new(id)).map(|user| user.name.clone()),
        UsageGroup::Organization => keys.organization(&OrganizationId::new(id)).map(|found| found.name.clone()),
        _ => None,
    };
    let group = row.group.iter().map(|(group, value)| match value {
        Some(id) => named(*group, id).unwrap_or_else(|| id.clone()),
        None => "-".to_owned(),
    });
    let UsageRow { calls, errors, input_tokens, output_tokens, cost_usd, .. } = row;
    let counts = [calls, errors, input_tokens, output_tokens].map(ToString::to_string);
    group.chain(counts).chain([cost_usd.to_string()]).collect()
}
