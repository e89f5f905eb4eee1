//! `llm-gateway audit`: who changed what, newest first, from the database.

use serde_json::Value;

use super::args::AuditArgs;
use super::{Failure, open, output};
use crate::config::Overrides;
use crate::store::{AuditEntry, AuditFilter, audit};

pub(super) async fn run(args: AuditArgs, overrides: &Overrides) -> Result<(), Failure> {
    let keys = open::existing_keys(overrides).await?;
    let filter =
        AuditFilter { kind: args.kind, target: args.target, from: args.from, to: args.to, ..AuditFilter::default() };
    let page = audit(keys.db(), &filter, None, args.limit.into()).await?;
    if args.json {
        return output::json(&page);
    }
    let head = ["TIME", "BY", "ACTION", "KIND", "NAME", "ID"].map(str::to_owned);
    output::table(&std::iter::once(head).chain(page.data.iter().map(row)).collect::<Vec<_>>())
}

fn row(entry: &AuditEntry) -> [String; 6] {
    // Said as the API says it: of a key its id, of everything else the kind.
    let by = serde_json::to_value(&entry.by).unwrap_or_default();
    let text = |member: &str| by.get(member).and_then(Value::as_str).map(str::to_owned);
    let action = serde_json::to_value(entry.action).ok().and_then(|action| Some(action.as_str()?.to_owned()));
    let thing = entry.after.as_ref().or(entry.before.as_ref());
    let name = thing.and_then(|thing| thing.get("name")?.as_str()).unwrap_or("-");
    [
        entry.created_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        text("key").or_else(|| text("kind")).unwrap_or_else(|| "-".to_owned()),
        action.unwrap_or_default(),
        entry.target.kind.clone(),
        name.to_owned(),
        entry.target.id.clone(),
    ]
}
