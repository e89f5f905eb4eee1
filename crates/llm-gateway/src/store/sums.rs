//! What calls add up to, by the hour: the rows of `usage_hours`, and of `imported_hours`, which has the same columns.

use std::borrow::Cow;

use llm_core::Result;
use serde::Serialize;

use super::column::{column, tag_set};
use super::{Transaction, query};
use crate::record::CallRecord;

/// The milliseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000;

/// What calls are summed by. A member that calls lack is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group<'a> {
    /// When it begins, in milliseconds since 1970.
    pub(crate) hour: i64,
    pub(crate) key: Cow<'a, str>,
    pub(crate) team: Cow<'a, str>,
    pub(crate) user: Cow<'a, str>,
    pub(crate) organization: Cow<'a, str>,
    pub(crate) model: Cow<'a, str>,
    pub(crate) provider: Cow<'a, str>,
    /// Sorted, as a JSON list.
    pub(crate) tags: Cow<'a, str>,
}

/// What calls add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) calls: i64,
    pub(crate) errors: i64,
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    /// Billionths of a US dollar.
    pub(crate) cost: i64,
}

impl<'a> Group<'a> {
    /// What a call is summed by.
    pub(super) fn of(record: &'a CallRecord) -> Self {
        let at = record.created_at.as_millisecond();
        Self {
            hour: at - at.rem_euclid(HOUR),
            key: column(record.key.as_deref().unwrap_or_default()),
            team: column(record.team.as_deref().unwrap_or_default()),
            user: column(record.user.as_deref().unwrap_or_default()),
            organization: column(record.organization.as_deref().unwrap_or_default()),
            model: column(&record.model),
            provider: column(record.provider.as_deref().unwrap_or_default()),
            tags: tag_set(record.tags.iter().map(|tag| &**tag)).into(),
        }
    }
}

impl Totals {
    /// What one call adds.
    pub(super) fn of(record: &CallRecord) -> Self {
        Self {
            calls: 1,
            errors: i64::from(record.status.is_error()),
            input_tokens: integer(record.usage.input_tokens()),
            output_tokens: integer(record.usage.output_tokens()),
            cost: record.cost_usd.unwrap_or_default().0,
        }
    }

    /// Each member by itself, of both.
    fn both(self, other: Self, of: impl Fn(i64, i64) -> i64) -> Self {
        Self {
            calls: of(self.calls, other.calls),
            errors: of(self.errors, other.errors),
            input_tokens: of(self.input_tokens, other.input_tokens),
            output_tokens: of(self.output_tokens, other.output_tokens),
            cost: of(self.cost, other.cost),
        }
    }

    /// Both together.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        self.both(other, i64::saturating_add)
    }

    /// What `self` has beyond `other`.
    #[must_use]
    pub(crate) fn beyond(self, other: Self) -> Self {
        self.both(other, |own, other| own.saturating_sub(other).max(0))
    }

    /// The larger of each.
    #[must_use]
    pub(crate) fn or_more(self, other: Self) -> Self {
        self.both(other, i64::max)
    }

    /// Whether it is nothing at all.
    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// A count as SQL holds it.
pub(super) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Rows as the parameter of a statement that takes a JSON list of lists.
pub(super) fn json(rows: &impl Serialize) -> String {
    // Lists of texts and numbers always have a JSON form.
    serde_json::to_string(rows).unwrap_or_default()
}

/// Tables of hourly sums.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hours {
    /// Of all calls.
    All,
    /// Of those that were made elsewhere before.
    Imported,
}

/// What adds rows to a table of hourly sums. They come as a JSON list of lists, so that one statement takes any number of
/// them; `$each` is what the engine takes such a list apart with.
macro_rules! add {
    ($table:literal, $each:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " AS sums (hour, key, team, \"user\", organization, model, provider, tags,
                       calls, errors, input_tokens, output_tokens, cost)
             SELECT CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
                    value->>7, CAST(value->>8 AS BIGINT), CAST(value->>9 AS BIGINT), CAST(value->>10 AS BIGINT),
                    CAST(value->>11 AS BIGINT), CAST(value->>12 AS BIGINT)
             FROM ",
            $each,
            " WHERE true
             ON CONFLICT (hour, key, model, provider, team, \"user\", organization, tags) DO UPDATE SET
                calls = sums.calls + excluded.calls,
                errors = sums.errors + excluded.errors,
                input_tokens = sums.input_tokens + excluded.input_tokens,
                output_tokens = sums.output_tokens + excluded.output_tokens,
                cost = sums.cost + excluded.cost"
        )
    };
}

impl Hours {
    /// Adds `sums`, each of a group of its own. Whoever adds to the same rows at the same time must name them in the same
    /// order, so that gateways wait for one another, and never each for the other.
    pub(super) async fn add<'a>(
        self,
        tx: &mut Transaction,
        sums: impl Iterator<Item = (&'a Group<'a>, &'a Totals)>,
    ) -> Result<()> {
        let sql = match (self, &*tx) {
            (Self::All, Transaction::Sqlite(_)) => add!("usage_hours", "json_each($1)"),
            (Self::All, Transaction::Postgres(_)) => add!("usage_hours", "json_array_elements(CAST($1 AS json))"),
            (Self::Imported, Transaction::Sqlite(_)) => add!("imported_hours", "json_each($1)"),
            (Self::Imported, Transaction::Postgres(_)) => {
                add!("imported_hours", "json_array_elements(CAST($1 AS json))")
            }
        };
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
        query(sql).bind(json(&sums.map(row).collect::<Vec<_>>())).execute(tx).await.map(drop)
    }
}
