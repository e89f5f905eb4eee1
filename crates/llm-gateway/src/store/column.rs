//! Texts as columns hold them.
//!
//! What callers and providers say may be of any length and have any character in it, and one text that an engine refuses
//! would keep every call behind it out of the database. The record of a call holds its texts as they came.

use std::borrow::Cow;

/// The most bytes that a column holds of a text that calls are filtered and summed by. PostgreSQL refuses rows of an
/// index above some 2,700.
const MOST: usize = 512;
/// The most bytes of a list of tags.
const MOST_OF_TAGS: usize = 1024;

/// A text without the one character that PostgreSQL can't hold, cut where it is too long.
pub(super) fn column(text: &str) -> Cow<'_, str> {
    let text = text.get(..text.floor_char_boundary(MOST)).unwrap_or(text);
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { Cow::Borrowed(text) }
}

/// Tags sorted and said once each, as a JSON list: calls with the same tags fall into the same row.
pub(super) fn tag_set<'a>(tags: impl ExactSizeIterator<Item = &'a str>) -> String {
    if tags.len() == 0 {
        return "[]".to_owned();
    }
    let mut tags: Vec<Cow<'_, str>> = tags.map(column).collect();
    tags.sort_unstable();
    tags.dedup();
    let mut length = 0;
    tags.retain(|tag| {
        length += tag.len();
        length <= MOST_OF_TAGS
    });
    // A list of texts always has a JSON form.
    serde_json::to_string(&tags).unwrap_or_default()
}

#[cfg(test)]
mod tests;
