//! The settings of batches.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Period;

/// `[batches]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatchesConfig {
    /// How often providers are asked how open batches are doing, so that they are settled also where no caller asks.
    pub poll: Period,
}

impl Default for BatchesConfig {
    fn default() -> Self {
        Self { poll: Period::seconds(60) }
    }
}
