//! `llm-gateway limit`.

use std::sync::Arc;

use jiff::Timestamp;
use llm_core::NanoUsd;
use serde_json::Value;

use super::args::{LimitArgs, LimitCommand, ScopeArgs};
use super::tenant::patterns;
use super::{Failure, key, open, organization, output, team, user};
use crate::config::Overrides;
use crate::keys::Keys;
use crate::limits::{
    Ledger, Limit, LimitDraft, LimitId, LimitMeter, LimitPatch, LimitSpec, LimitStatus, Scope, ScopeKind,
};

pub(super) async fn run(command: LimitCommand, overrides: &Overrides) -> Result<(), Failure> {
    match command {
        LimitCommand::Create(args) => create(&open::keys(overrides).await?.0, args).await,
        LimitCommand::List { of, json } => {
            let (keys, ledger) = open::counted(overrides).await?;
            list(&keys, &ledger, &of, json)
        }
        LimitCommand::Set { id, amount } => set(&open::existing_keys(overrides).await?, &id, &amount).await,
        LimitCommand::Delete { id } => {
            let keys = open::existing_keys(overrides).await?;
            let limit = find(&keys, &id)?;
            keys.delete_limit(&limit.id).await?;
            eprintln!("deleted {} of {}", limit.spec, name(&keys, &limit.scope));
            Ok(())
        }
    }
}

async fn create(keys: &Keys, args: LimitArgs) -> Result<(), Failure> {
    let scope = scope(keys, &args.of)?.ok_or_else(|| {
        let failure = Failure::new("it is not said whose calls are counted");
        failure.with_hint("say `--team NAME`, or `--organization`, `--user`, `--key`, `--end-user` or `--tag`")
    })?;
    let spec = LimitSpec {
        models: patterns(args.models),
        tz: args.tz,
        strict: args.strict,
        assume_output: args.assume_output,
        notify_at: args.notify_at,
        fail: args.fail,
        ..args.spec
    };
    let made = keys.create_limit(LimitDraft { scope, spec }).await?;
    output::line(made.id.as_str())?;
    eprintln!("made {} of {}", made.spec, name(keys, &made.scope));
    Ok(())
}

fn list(keys: &Keys, ledger: &Ledger, of: &ScopeArgs, as_json: bool) -> Result<(), Failure> {
    let scope = scope(keys, of)?;
    let found = keys.limits(None, usize::MAX, |limit| scope.as_ref().is_none_or(|scope| limit.scope == *scope));
    if as_json {
        let shown = found.iter().map(|limit| described(ledger, limit)).collect::<Result<Vec<Value>, _>>()?;
        return output::json(&shown);
    }
    let head = ["OF", "LIMIT", "USED", "MODELS", "MORE", "ID"].map(str::to_owned);
    let row = |limit: &Arc<Limit>| {
        let models: Vec<&str> = limit.spec.models.iter().map(|pattern| pattern.as_str()).collect();
        [
            name(keys, &limit.scope),
            limit.spec.to_string(),
            counted(ledger, limit).map_or_else(|| "-".to_owned(), |status| amount(&limit.spec, status.used)),
            if models.is_empty() { "all".to_owned() } else { models.join(", ") },
            more(&limit.spec),
            limit.id.to_string(),
        ]
    };
    output::table(&std::iter::once(head).chain(found.iter().map(row)).collect::<Vec<_>>())
}

/// What a limit has counted. Of what ends with its call nothing is kept, and a limit on each counts nothing itself.
fn counted(ledger: &Ledger, limit: &Limit) -> Option<LimitStatus> {
    if limit.spec.meter == LimitMeter::Concurrency || limit.scope.is_each() {
        return None;
    }
    ledger.status(Timestamp::now().as_millisecond(), &limit.id)
}

/// An amount in a limit's unit.
fn amount(spec: &LimitSpec, amount: i64) -> String {
    match spec.meter {
        LimitMeter::Spend => NanoUsd(amount).to_string(),
        _ => amount.to_string(),
    }
}

/// A limit as JSON, with what is used and until when that counts. What calls under way hold is known to who serves them.
fn described(ledger: &Ledger, limit: &Limit) -> Result<Value, Failure> {
    let mut shown = serde_json::to_value(limit).map_err(Failure::new)?;
    let counted = counted(ledger, limit).map(serde_json::to_value).transpose().map_err(Failure::new)?;
    for member in ["used", "resets_at"] {
        shown[member] = counted.as_ref().and_then(|counted| counted.get(member)).cloned().unwrap_or_default();
    }
    Ok(shown)
}

/// What the short form of a limit leaves out.
fn more(spec: &LimitSpec) -> String {
    let mut words = Vec::new();
    if spec.strict {
        words.push("strict".to_owned());
    }
    words.extend(spec.tz.as_ref().map(|zone| zone.name()));
    words.extend(spec.assume_output.map(|tokens| format!("assumes {tokens} tokens")));
    words.extend(spec.notify_at.iter().map(|percent| format!("notifies at {percent} %")));
    words.extend(spec.fail.map(|fail| format!("fails {fail}")));
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

async fn set(keys: &Keys, id: &str, amount: &str) -> Result<(), Failure> {
    let limit = find(keys, id)?;
    let count = amount.parse::<i64>().ok().filter(|_| limit.spec.meter != LimitMeter::Spend);
    // What is no count is said as it came, so that the error says what an amount of this meter is.
    let amount = count.map_or_else(|| amount.into(), Into::into);
    let changed = keys.patch_limit(&limit.id, LimitPatch { amount: Some(amount), ..LimitPatch::default() }).await?;
    eprintln!("{} of {} it is now; it goes on from what it has counted", changed.spec, name(keys, &changed.scope));
    Ok(())
}

fn find(keys: &Keys, id: &str) -> Result<Arc<Limit>, Failure> {
    keys.limit(&LimitId::new(id)).ok_or_else(|| {
        let failure = Failure::new(format!("there is no limit `{id}`"));
        failure.with_hint("`llm-gateway limit list` shows those that were made, with their ids")
    })
}

/// Whose calls are meant; none where it is not said.
fn scope(keys: &Keys, of: &ScopeArgs) -> Result<Option<Scope>, Failure> {
    Ok(Some(match of {
        ScopeArgs { organization: Some(text), .. } => organization::find(keys, text)?.scope(),
        ScopeArgs { team: Some(text), .. } => team::find(keys, text)?.scope(),
        ScopeArgs { user: Some(text), .. } => user::find(keys, text)?.scope(),
        ScopeArgs { key: Some(text), .. } => key::find(keys, text)?.scope(),
        ScopeArgs { end_user: Some(text), .. } => Scope::new(ScopeKind::EndUser, text.as_str()),
        ScopeArgs { tag: Some(text), .. } => Scope::new(ScopeKind::Tag, text.as_str()),
        _ => return Ok(None),
    }))
}

/// Whose calls they are, in words.
fn name(keys: &Keys, scope: &Scope) -> String {
    format!("{} `{}`", scope.kind, keys.name_of(scope).as_deref().unwrap_or(&scope.id))
}
