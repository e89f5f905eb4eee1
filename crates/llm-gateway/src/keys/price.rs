//! A price that an administrator puts in the place of the catalogue's.

use jiff::Timestamp;
use llm_core::{Meter, NanoUsd, Price, PriceLine};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::routing::{PriceSource, Tariff};

/// What a model of a provider costs here, whatever the catalogue says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PriceOverride {
    /// `provider:model`.
    pub id: String,
    /// The lines of the price; at least one.
    pub lines: Vec<Rate>,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

impl PriceOverride {
    /// What it makes a deployment charge.
    pub(super) fn tariff(&self) -> Tariff {
        Tariff {
            price: Price { lines: self.lines.iter().filter_map(Rate::line).collect() },
            source: PriceSource::Override,
            as_of: Some(self.changed_at.to_string().into()),
        }
    }
}

/// A line of a price as people say it: `{"meter":"input","amount":"2.50","per":1000000}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// What is counted: `input`, `output`, `cache_read`, `cache_write`, `reasoning`, `image`, `second`, `request`, ….
    #[schemars(with = "String")]
    pub meter: Meter,
    /// US dollars, as a decimal string.
    #[schemars(with = "String")]
    pub amount: NanoUsd,
    /// For so many units: 1, 1,000 or 1,000,000. A million unless said where tokens are counted, else one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<u64>,
    /// For calls whose prompt has more tokens than this; the whole call is charged at the highest line that it reaches.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub above: u64,
    /// For this service tier only, such as `batch`, `flex` or `priority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What prices of the catalogue are kept for.
const MILLION: u64 = 1_000_000;

impl Rate {
    /// A line of the catalogue as people say it.
    pub fn of(line: &PriceLine) -> Self {
        let million = i64::try_from(MILLION).unwrap_or(i64::MAX);
        // What is not a token is counted by the piece, unless that takes more digits than an amount has.
        let (amount, per) = if !line.meter.is_token() && line.nano_per_million % million == 0 {
            (line.nano_per_million / million, 1)
        } else {
            (line.nano_per_million, MILLION)
        };
        Self {
            meter: line.meter,
            amount: NanoUsd(amount),
            per: Some(per),
            above: line.above,
            service: line.service.clone(),
        }
    }

    /// For how many units the amount is.
    pub fn units(&self) -> u64 {
        self.per.unwrap_or(if self.meter.is_token() { MILLION } else { 1 })
    }

    /// The line as it is charged by; none where it can't be.
    pub(super) fn line(&self) -> Option<PriceLine> {
        let times = match self.units() {
            1 => 1_000_000,
            1_000 => 1_000,
            MILLION => 1,
            _ => return None,
        };
        let nano_per_million = self.amount.0.checked_mul(times)?;
        Some(PriceLine { meter: self.meter, above: self.above, service: self.service.clone(), nano_per_million })
    }
}

#[cfg(test)]
mod tests;
