//! Hourly sums of calls that were made elsewhere, before they came here. What was added is remembered, so that the same
//! history is counted once, however often it is told.

use std::collections::BTreeMap;

use llm_core::Result;

use super::{Transaction, query};

const KNOWN: &str = "SELECT hour, key, team, \"user\", organization, model, provider, tags, calls, errors, input_tokens, \
    output_tokens, cost FROM imported_hours";

/// What adds to a table of hourly sums.
macro_rules! add {
    ($table:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (hour, key, team, \"user\", organization, model, provider, tags, calls, errors, \
             input_tokens, output_tokens, cost) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             ON CONFLICT (hour, key, model, provider, team, \"user\", organization, tags) DO UPDATE SET \
             calls = ",
            $table,
            ".calls + excluded.calls, errors = ",
            $table,
            ".errors + excluded.errors, \
             input_tokens = ",
            $table,
            ".input_tokens + excluded.input_tokens, \
             output_tokens = ",
            $table,
            ".output_tokens + excluded.output_tokens, \
             cost = ",
            $table,
            ".cost + excluded.cost"
        )
    };
}

const ADD: [&str; 2] = [add!("imported_hours"), add!("usage_hours")];

/// What calls are summed by. A member that calls lack is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HistoryGroup {
    /// When it begins, in milliseconds since 1970.
    pub(crate) hour: i64,
    pub(crate) key: String,
    pub(crate) team: String,
    pub(crate) user: String,
    pub(crate) organization: String,
    pub(crate) model: String,
    pub(crate) provider: String,
    /// Sorted, as a JSON list.
    pub(crate) tags: String,
}

/// What calls add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HistorySums {
    pub(crate) calls: i64,
    pub(crate) errors: i64,
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    /// Billionths of a US dollar.
    pub(crate) cost: i64,
}

impl HistorySums {
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

/// Sums by hour and all else.
pub(crate) type History = BTreeMap<HistoryGroup, HistorySums>;

type Read = (i64, String, String, String, String, String, String, String, i64, i64, i64, i64, i64);

/// What was added before.
pub(crate) async fn history(db: &mut Transaction) -> Result<History> {
    let rows: Vec<Read> = query(KNOWN).all(db).await?;
    let row = |row: Read| {
        let (
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
            cost,
        ) = row;
        let group = HistoryGroup { hour, key, team, user, organization, model, provider, tags };
        (group, HistorySums { calls, errors, input_tokens, output_tokens, cost })
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Adds to the hourly sums what `history` has beyond `before`.
pub(crate) async fn add_history(db: &mut Transaction, before: &History, history: &History) -> Result<HistorySums> {
    let mut added = HistorySums::default();
    for (group, sums) in history {
        let more = sums.beyond(before.get(group).copied().unwrap_or_default());
        if more.is_zero() {
            continue;
        }
        for sql in ADD {
            let HistoryGroup { hour, key, team, user, organization, model, provider, tags } = group;
            let mut add = query(sql).bind(*hour);
            for text in [key, team, user, organization, model, provider, tags] {
                add = add.bind(text);
            }
            for count in [more.calls, more.errors, more.input_tokens, more.output_tokens, more.cost] {
                add = add.bind(count);
            }
            add.execute(&mut *db).await?;
        }
        added = added.plus(more);
    }
    Ok(added)
}
