//! What a batch of calls adds up to, so that the database is told each sum once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::column::{column, tag_set};
use crate::limits::LimitId;
use crate::record::CallRecord;

/// The milliseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000;

/// What a batch adds to the hourly sums and to the counters of limits. In order, so that gateways that add to the same
/// rows at once wait for one another, and never each for the other.
#[derive(Debug, Default)]
pub(super) struct Sums<'a> {
    hours: BTreeMap<Group<'a>, Totals>,
    counters: BTreeMap<(&'a LimitId, i64), (i64, i64)>,
}

/// What calls are summed by. A member that a call lacks is empty.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group<'a> {
    hour: i64,
    key: Cow<'a, str>,
    team: Cow<'a, str>,
    user: Cow<'a, str>,
    organization: Cow<'a, str>,
    model: Cow<'a, str>,
    provider: Cow<'a, str>,
    tags: String,
}

#[derive(Debug, Default)]
struct Totals {
    calls: i64,
    errors: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost: i64,
}

/// A count as SQL holds it.
pub(super) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn json(value: &impl Serialize) -> String {
    // Lists of texts and numbers always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

impl<'a> Sums<'a> {
    pub(super) fn of(records: impl Iterator<Item = &'a CallRecord>) -> Self {
        let mut sums = Self::default();
        for record in records {
            sums.add(record);
        }
        sums
    }

    fn add(&mut self, record: &'a CallRecord) {
        let at = record.created_at.as_millisecond();
        let totals = self
            .hours
            .entry(Group {
                hour: at - at.rem_euclid(HOUR),
                key: column(record.key.as_deref().unwrap_or_default()),
                team: column(record.team.as_deref().unwrap_or_default()),
                user: column(record.user.as_deref().unwrap_or_default()),
                organization: column(record.organization.as_deref().unwrap_or_default()),
                model: column(&record.model),
                provider: column(record.provider.as_deref().unwrap_or_default()),
                tags: tag_set(record.tags.iter().map(|tag| &**tag)),
            })
            .or_default();
        totals.calls += 1;
        totals.errors += i64::from(record.status.is_error());
        totals.input_tokens = totals.input_tokens.saturating_add(integer(record.usage.input_tokens()));
        totals.output_tokens = totals.output_tokens.saturating_add(integer(record.usage.output_tokens()));
        totals.cost = totals.cost.saturating_add(record.cost_usd.unwrap_or_default().0);
        for charge in &record.charges {
            let (until, amount) = self.counters.entry((&charge.limit, charge.bucket.start)).or_default();
            *until = charge.bucket.until;
            *amount = amount.saturating_add(charge.amount);
        }
    }

    /// Rows of the hourly sums, as a JSON list of lists in the order of the table's columns.
    pub(super) fn hours_json(&self) -> String {
        let row = |(group, totals): (&Group<'a>, &Totals)| {
            let Group { hour, key, team, user, organization, model, provider, tags } = group;
            let Totals { calls, errors, input_tokens, output_tokens, cost } = totals;
            serde_json::json!([
                hour,
                key,
                team,
                user,
                organization,
                model,
                provider,
                tags,
                calls,
                errors,
                input_tokens,
                output_tokens,
                cost
            ])
        };
        json(&self.hours.iter().map(row).collect::<Vec<_>>())
    }

    /// Rows of the counters, likewise; none where no limit was charged.
    pub(super) fn counters_json(&self) -> Option<String> {
        let row = |(&(limit, bucket), &(until, amount)): (&(&'a LimitId, i64), &(i64, i64))| {
            (limit.as_str(), bucket, until, amount)
        };
        (!self.counters.is_empty()).then(|| json(&self.counters.iter().map(row).collect::<Vec<_>>()))
    }
}
