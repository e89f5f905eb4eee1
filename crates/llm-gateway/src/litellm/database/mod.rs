//! What stands in LiteLLM's PostgreSQL: organizations, teams, users, keys by their hashes, end users, tags, budgets and
//! what was spent.
//!
//! Everything is read as of one moment and written in one transaction. What was taken over once is not taken over again,
//! whatever has become of it here; of what was spent, only what has come since is added.

mod budget;
mod keys;
mod rest;
mod rows;
mod spend;
mod tenants;
mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use llm_core::Result;

use super::node::Fields;
use super::{Plan, Report};
use crate::keys::Adoption;
use crate::limits::Zone;
use crate::store::Db;
use rows::Source;
use write::Imported;

/// What is needed on the way.
struct Import<'a> {
    plan: &'a Plan,
    report: &'a mut Report,
    now: Timestamp,
    zone: TimeZone,
    /// Budgets by their ids, which rows of all kinds name.
    budgets: BTreeMap<String, Fields>,
}

/// Takes over what stands in the database at `url` into `db`. A dry run only notes what would become of it.
pub async fn import(url: &str, db: &Db, plan: &Plan, dry_run: bool, report: &mut Report) -> Result<()> {
    let mut source = Source::open(url).await?;
    let zone = plan.zone.as_ref().and_then(|zone| zone.parse::<Zone>().ok());
    let mut import = Import {
        plan,
        report,
        now: Timestamp::now(),
        zone: zone.map_or(TimeZone::UTC, |zone| zone.get().clone()),
        budgets: source.by_id("LiteLLM_BudgetTable", "budget_id").await?,
    };
    let mut adoption = Adoption::begin(db).await?;
    let mut imported = Imported::read(&mut adoption).await?;
    import.tenants(&mut source, &mut adoption, &mut imported).await?;
    import.keys(&mut source, &mut adoption, &mut imported).await?;
    import.end_users_and_tags(&mut source, &mut adoption, &mut imported).await?;
    import.spend(&mut source, &mut adoption, &mut imported).await?;
    import.rest(&mut source).await?;
    imported.write(&mut adoption).await?;
    if dry_run { Ok(()) } else { adoption.commit().await }
}

#[cfg(test)]
mod tests;
