//! How long each phase of a call to a provider may take.

use llm_providers::Timeouts;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Period;

/// Time-outs by phase. `[timeouts]` holds for every provider, `[providers.ID.timeouts]` for one; what is not set there
/// falls back to the general one, and then to the transport's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeoutsConfig {
    /// Until the connection stands, TLS included.
    pub connect: Option<Period>,
    /// From the last byte of the request to the first byte of the answer.
    pub first_byte: Option<Period>,
    /// Between two bytes of the answer; any byte begins it anew, comments included.
    pub idle: Option<Period>,
    /// The whole attempt.
    pub total: Option<Period>,
}

impl TimeoutsConfig {
    /// These, and where one is not set, that of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            connect: self.connect.or(other.connect),
            first_byte: self.first_byte.or(other.first_byte),
            idle: self.idle.or(other.idle),
            total: self.total.or(other.total),
        }
    }

    /// All of them, the transport's own where one is not set.
    pub fn resolve(self) -> Timeouts {
        let own = Timeouts::default();
        let or = |period: Option<Period>, own| period.map_or(own, |Period(length)| length);
        Timeouts {
            connect: or(self.connect, own.connect),
            first_byte: or(self.first_byte, own.first_byte),
            idle: or(self.idle, own.idle),
            total: or(self.total, own.total),
        }
    }
}
