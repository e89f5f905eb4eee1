//! What becomes of call records.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Period;

/// `[calls]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CallsConfig {
    /// How long single calls are kept in the database, such as `90d`; for ever unless set. Their hourly
    /// sums are kept for ever.
    pub retention: Option<Period>,
}
