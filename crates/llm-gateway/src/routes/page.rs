//! Lists in pages: `{"data":[…],"next_cursor":null}`.

use llm_core::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Entries of a page where the caller names no number.
const USUAL: usize = 100;
/// The most entries of a page.
const MOST: usize = 500;

/// The number of entries that is asked for.
pub(super) fn limit(asked: Option<usize>) -> Result<usize> {
    match asked {
        None => Ok(USUAL),
        Some(limit @ 1..=MOST) => Ok(limit),
        Some(_) => Err(Error::invalid_request(format!("`limit` must be from 1 to {MOST}")).with_param("limit")),
    }
}

/// What a list is asked for that has no filters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    limit: Option<usize>,
    cursor: Option<String>,
}

impl Paging {
    /// How many entries, and behind which one they begin.
    pub(super) fn read<I>(self, id: impl FnOnce(String) -> I) -> Result<(usize, Option<I>)> {
        Ok((limit(self.limit)?, self.cursor.map(id)))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(super) struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of what is shown as it was found.
    pub(super) fn of(mut found: Vec<T>, limit: usize, id: impl Fn(&T) -> String) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(id);
        Self { data: found, next_cursor }
    }

    /// The first `limit` of `found`, which were asked for one more than that to know whether there are more. The
    /// cursor is the id of the last one shown.
    pub(super) fn new<F>(found: Vec<F>, limit: usize, id: impl Fn(&F) -> String, show: impl Fn(&F) -> T) -> Self {
        let next_cursor =
            if found.len() > limit { limit.checked_sub(1).and_then(|last| found.get(last)).map(id) } else { None };
        Self { data: found.iter().take(limit).map(show).collect(), next_cursor }
    }
}
