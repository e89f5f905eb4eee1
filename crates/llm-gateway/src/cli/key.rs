//! `llm-gateway key`: works on the database, so it needs no running gateway, and one that runs takes notice.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::ErrorKind;
use serde_json::{Value, json};

use super::args::{CreateArgs, KeyCommand};
use super::tenant::{day, limits_of, limits_text, missing, models_text, patterns, row, said_blocked, spent_text};
use super::{Failure, open, output, team, tenant};
use crate::config::Overrides;
use crate::keys::{KeyDraft, KeyId, KeyPatch, Keys, NewKey, TeamDraft, VirtualKey};
use crate::store::UsageFilter;

/// The beginning of a team's id.
const TEAM_ID: &str = "team_";

pub(super) async fn run(command: KeyCommand, overrides: &Overrides) -> Result<(), Failure> {
    if let KeyCommand::Create(args) = command {
        return create(&open::keys(overrides).await?.0, args).await;
    }
    let keys = open::existing_keys(overrides).await?;
    match command {
        KeyCommand::Create(_) => Ok(()),
        KeyCommand::List { team, json } => list(&keys, team.as_deref(), json),
        KeyCommand::Show { key, json } => {
            let key = find(&keys, &key)?;
            show(&keys, &key, json).await
        }
        KeyCommand::Block { key } => block(&keys, &key, true).await,
        KeyCommand::Unblock { key } => block(&keys, &key, false).await,
        KeyCommand::Rotate { key, grace } => {
            let made = keys.rotate(&find(&keys, &key)?.id, grace.0).await?;
            print_secret(&keys, &made, false)?;
            let old = match grace.0.is_zero() {
                true => "every old one is dead; a gateway that runs knows within a second".to_owned(),
                false => format!("the old one is good for {grace} more"),
            };
            eprintln!("a new secret of `{}`, shown this once; {old}", made.key.name);
            Ok(())
        }
        KeyCommand::Delete { key } => {
            let key = find(&keys, &key)?;
            keys.delete(&key.id).await?;
            eprintln!("deleted `{}` ({})", key.name, key.id);
            Ok(())
        }
    }
}

async fn create(keys: &Keys, args: CreateArgs) -> Result<(), Failure> {
    if let Some(team) = &args.team
        && keys.find_team(team).is_none()
        && !team.starts_with(TEAM_ID)
    {
        let team = keys.create_team(TeamDraft { name: team.clone(), ..TeamDraft::default() }).await?;
        eprintln!("made the team `{}` ({})", team.name, team.id);
    }
    let draft = KeyDraft {
        name: args.name,
        team: args.team,
        models: args.models.map(patterns),
        expires_at: args.expires,
        limits: (!args.limits.is_empty()).then_some(args.limits),
        tags: args.tags,
        user: args.user,
        role: args.role,
        ..KeyDraft::default()
    };
    let made = keys.create(draft).await?;
    print_secret(keys, &made, args.json)?;
    eprintln!("made the key `{}` ({}); its secret is shown this once", made.key.name, made.key.id);
    Ok(())
}

fn print_secret(keys: &Keys, made: &NewKey, as_json: bool) -> Result<(), Failure> {
    if !as_json {
        return output::line(made.secret.expose());
    }
    let mut shown = describe(keys, &made.key)?;
    shown["key"] = made.secret.expose().into();
    output::json(&shown)
}

fn list(keys: &Keys, team: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let team = match team {
        None => None,
        Some(text) => Some(team::find(keys, text)?),
    };
    let wanted = |key: &VirtualKey| match &team {
        None => true,
        Some(team) => key.team.as_ref().is_some_and(|own| own.id == team.id),
    };
    let found = keys.list(None, usize::MAX, wanted);
    if as_json {
        let shown: Vec<Value> = found.iter().map(|key| describe(keys, key)).collect::<Result<_, _>>()?;
        return output::json(&shown);
    }
    let head = ["NAME", "PREFIX", "TEAM", "STATE", "LIMITS", "CREATED", "ID"].map(str::to_owned);
    let row = |key: &Arc<VirtualKey>| {
        [
            key.name.clone(),
            key.prefix.clone(),
            key.team.as_ref().map_or_else(|| "-".to_owned(), |team| team.name.clone()),
            state(key).to_owned(),
            limits(keys, key),
            day(key.created_at),
            key.id.to_string(),
        ]
    };
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(found.iter().map(row)).collect();
    output::table(&rows)
}

async fn show(keys: &Keys, key: &VirtualKey, as_json: bool) -> Result<(), Failure> {
    let filter = UsageFilter { key: Some(key.id.to_string()), ..UsageFilter::default() };
    let spent = tenant::spent(keys, &filter).await?;
    if as_json {
        return output::json(&tenant::with_spent(describe(keys, key)?, spent));
    }
    let mut rows = vec![
        row("name", key.name.as_str()),
        row("id", key.id.to_string()),
        row("prefix", key.prefix.as_str()),
        row("state", state_text(key)),
        row("team", key.team.as_ref().map_or_else(|| "-".to_owned(), |team| format!("{} ({})", team.name, team.id))),
        row("models", models_text(key.models.as_deref())),
        row("limits", limits(keys, key)),
        row("spent", spent_text(spent)),
        row("created", key.created_at.to_string()),
    ];
    if let Some(user) = &key.user {
        rows.push(row("user", format!("{} ({})", user.name, user.id)));
    }
    if let Some(role) = key.role {
        rows.push(row("role", role.to_string()));
    }
    if let Some(end) = key.expires_at {
        rows.push(row("expires", end.to_string()));
    }
    if !key.tags.is_empty() {
        rows.push(row("tags", key.tags.join(", ")));
    }
    output::table(&rows)
}

async fn block(keys: &Keys, text: &str, blocked: bool) -> Result<(), Failure> {
    let id = find(keys, text)?.id.clone();
    let key = keys.patch(&id, KeyPatch { blocked: Some(blocked), ..KeyPatch::default() }).await?;
    said_blocked(blocked, &key.name, &key.id);
    Ok(())
}

/// The key that a person means: by its id, its name, or the prefix of its secret.
pub(super) fn find(keys: &Keys, text: &str) -> Result<Arc<VirtualKey>, Failure> {
    if let Some(key) = keys.get(&KeyId::new(text)) {
        return Ok(key);
    }
    let found = keys.list(None, usize::MAX, |key| key.name == text || key.prefix == text);
    match &found[..] {
        [one] => Ok(Arc::clone(one)),
        [] => {
            let all = keys.list(None, usize::MAX, |_| true);
            Err(missing("key", text, all.iter().map(|key| key.name.as_str())))
        }
        many => {
            let ids = many.iter().map(|key| key.id.to_string()).collect::<Vec<_>>().join("`, `");
            Err(Failure::new(format!("`{text}` can mean {} keys", many.len())).with_hint(format!("say which: `{ids}`")))
        }
    }
}

/// A key and its limits as JSON.
fn describe(keys: &Keys, key: &VirtualKey) -> Result<Value, Failure> {
    let mut shown = serde_json::to_value(key).map_err(Failure::new)?;
    shown["limits"] = if key.default_limits { Value::Null } else { json!(limits_of(keys, &key.scope())) };
    Ok(shown)
}

fn limits(keys: &Keys, key: &VirtualKey) -> String {
    if key.default_limits {
        return "default".to_owned();
    }
    limits_text(&limits_of(keys, &key.scope()))
}

fn state(key: &VirtualKey) -> &'static str {
    match key.check(Timestamp::now()) {
        Ok(()) => "active",
        Err(error) if error.kind() == ErrorKind::KeyExpired => "expired",
        Err(_) => "blocked",
    }
}

/// The same, with whose block it is where that is not the key's own: unblocking the key would not help.
fn state_text(key: &VirtualKey) -> String {
    match key.check(Timestamp::now()) {
        Err(error) if error.kind() == ErrorKind::KeyBlocked && !key.blocked => {
            format!("{} ({})", state(key), error.message())
        }
        _ => state(key).to_owned(),
    }
}
