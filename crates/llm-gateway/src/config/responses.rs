//! Settings of stored responses.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Period, Size};

/// `[responses]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResponsesConfig {
    /// How soon a response that a provider makes in the background is first looked at, to see what it cost; then after
    /// twice as long each time, up to 32 times this.
    pub poll: Period,
    /// Whether the gateway itself keeps the responses of providers that keep none, so that `previous_response_id` goes on
    /// from them. What callers and models say then stands in the database, unless a call says `store: false`.
    pub store: bool,
    /// For how long they are kept.
    pub expire_after: Period,
    /// The largest response that is kept, with what was said to it in this turn. A larger one is answered and not kept.
    pub max_size: Size,
}

impl Default for ResponsesConfig {
    fn default() -> Self {
        Self {
            poll: Period::seconds(1),
            store: false,
            expire_after: Period::seconds(30 * 86_400),
            max_size: Size::mebibytes(1),
        }
    }
}
