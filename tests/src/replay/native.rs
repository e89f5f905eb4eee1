//! The native protocol's JSON of a value, read again, is the value.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Outcome, Promise};

pub(super) fn round_trip<T>(what: &str, value: &T, outcome: &mut Outcome)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let text = match serde_json::to_string(value) {
        Ok(text) => text,
        Err(error) => return outcome.fail(Promise::Native, format!("{what} can't be written: {error}")),
    };
    match serde_json::from_str::<T>(&text) {
        Ok(again) if again == *value => outcome.note(Promise::Native, Vec::new()),
        Ok(_) => outcome.fail(Promise::Native, format!("{what} is not the same after {}", shorten(&text))),
        Err(error) => outcome.fail(Promise::Native, format!("{what} can't be read again: {error}: {}", shorten(&text))),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(300).collect()
}
