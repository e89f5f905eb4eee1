//! Settings of stored responses.

use serde::Deserialize;

use super::Period;

/// `[responses]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponsesConfig {
    /// How soon a response that a provider makes in the background is first looked at, to see what it cost; then after
    /// twice as long each time, up to 32 times this.
    pub poll: Period,
}

impl Default for ResponsesConfig {
    fn default() -> Self {
        Self { poll: Period::seconds(1) }
    }
}
