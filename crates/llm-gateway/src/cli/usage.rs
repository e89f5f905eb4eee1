//! `llm-gateway usage`: what was used and what it cost, from the database.

use serde_json::json;

use super::args::UsageArgs;
use super::{Failure, key, open, organization, output, team, user};
use crate::config::Overrides;
use crate::keys::Keys;
use crate::limits::{Scope, ScopeKind};
use crate::store::{UsageFilter, UsageGroup, UsageRow, usage, usage_csv};

pub(super) async fn run(args: UsageArgs, overrides: &Overrides) -> Result<(), Failure> {
    let keys = open::existing_keys(overrides).await?;
    let mut groups: Vec<UsageGroup> = Vec::new();
    for group in args.by {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let keys = &keys;
    let filter = UsageFilter {
        key: meant(args.key, |text| Ok(key::find(keys, text)?.id.to_string()))?,
        team: meant(args.team, |text| Ok(team::find(keys, text)?.id.to_string()))?,
        user: meant(args.user, |text| Ok(user::find(keys, text)?.id.to_string()))?,
        organization: meant(args.organization, |text| Ok(organization::find(keys, text)?.id.to_string()))?,
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
    table.extend(rows.iter().map(|row| cells(keys, row)));
    output::table(&table)
}

/// The id of what is meant. What was deleted is still on record, by the id that it had, so a text that nothing has as its
/// name is taken for one, and that is said: it may as well be a slip.
fn meant(text: Option<String>, id: impl FnOnce(&str) -> Result<String, Failure>) -> Result<Option<String>, Failure> {
    let Some(text) = text else { return Ok(None) };
    match id(&text) {
        Err(missing @ Failure::Missing { .. }) => {
            eprintln!("note: {missing}, so this is taken for the id of one that was deleted");
            if let Failure::Missing { near: Some(near), .. } = missing {
                eprintln!("  hint: did you mean `{near}`?");
            }
            Ok(Some(text))
        }
        found => found.map(Some),
    }
}

/// A row for people, who know what they have named by its name.
fn cells(keys: &Keys, row: &UsageRow) -> Vec<String> {
    let named = |group: UsageGroup, id: &str| {
        let kind = match group {
            UsageGroup::Key => ScopeKind::Key,
            UsageGroup::Team => ScopeKind::Team,
            UsageGroup::User => ScopeKind::User,
            UsageGroup::Organization => ScopeKind::Organization,
            _ => return None,
        };
        keys.name_of(&Scope::new(kind, id))
    };
    let group = row.group.iter().map(|(group, value)| match value {
        Some(id) => named(*group, id).unwrap_or_else(|| id.clone()),
        None => "-".to_owned(),
    });
    let UsageRow { calls, errors, input_tokens, output_tokens, cost_usd, .. } = row;
    let counts = [calls, errors, input_tokens, output_tokens].map(ToString::to_string);
    group.chain(counts).chain([cost_usd.to_string()]).collect()
}
