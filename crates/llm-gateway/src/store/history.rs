//! Hourly sums of calls that were made elsewhere, before they came here. What was added is remembered, so that the same
//! history is counted once, however often it is told.

use std::collections::BTreeMap;

use llm_core::Result;

use super::sums::{Group, Hours, Totals};
use super::{Transaction, query};

const KNOWN: &str = "SELECT hour, key, team, \"user\", organization, model, provider, tags, calls, errors, input_tokens, \
    output_tokens, cost FROM imported_hours";
/// The most rows of one statement.
const ROWS: usize = 1000;

/// Sums by hour and all else.
pub(crate) type History = BTreeMap<Group<'static>, Totals>;

type Read = (i64, String, String, String, String, String, String, String, i64, i64, i64, i64, i64);

/// What was added before.
pub(crate) async fn history(db: &mut Transaction) -> Result<History> {
    let rows: Vec<Read> = query(KNOWN).all(db).await?;
    let row = |row: Read| {
        let (hour, key, team, user, organization, model, provider, tags, calls, errors, input, output, cost) = row;
        let group = Group {
            hour,
            key: key.into(),
            team: team.into(),
            user: user.into(),
            organization: organization.into(),
            model: model.into(),
            provider: provider.into(),
            tags: tags.into(),
        };
        (group, Totals { calls, errors, input_tokens: input, output_tokens: output, cost })
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Adds to the hourly sums what `history` has beyond `before`.
pub(crate) async fn add_history(db: &mut Transaction, before: &History, history: &History) -> Result<Totals> {
    let beyond = |(group, sums): (&Group<'static>, &Totals)| {
        let more = sums.beyond(before.get(group).copied().unwrap_or_default());
        (!more.is_zero()).then(|| (group.clone(), more))
    };
    let more: Vec<(Group<'static>, Totals)> = history.iter().filter_map(beyond).collect();
    for rows in more.chunks(ROWS) {
        for table in [Hours::Imported, Hours::All] {
            table.add(db, rows.iter().map(|(group, sums)| (group, sums))).await?;
        }
    }
    Ok(more.iter().fold(Totals::default(), |sum, (_, more)| sum.plus(*more)))
}
