//! By which rates the cost of an attempt was made up, kept with it: prices change, and what was charged does not.

use std::sync::Arc;

use llm_core::{CostLine, Meter, Usage};
use serde::{Deserialize, Serialize};

use crate::routing::{PriceSource, Tariff};

/// The rates of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// By whose word.
    pub source: PriceSource,
    /// Of when that is: the catalogue's day, or the time of the override.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Arc<str>>,
    /// The service tier that the provider says it answered in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Arc<str>>,
    /// What was charged for, and how many nano-dollars a million units of it cost.
    pub nano_per_million: Vec<(Meter, i64)>,
}

impl Rates {
    /// The rates at which `tariff` charges `usage`; none where it has no price for it.
    pub(crate) fn of(tariff: &Tariff, usage: &Usage, service: Option<&str>) -> Option<Self> {
        let lines = tariff.price.lines_of(usage, service)?;
        Some(Self {
            source: tariff.source,
            as_of: tariff.as_of.clone(),
            service: service.map(Arc::from),
            nano_per_million: lines.iter().map(|line| (line.meter, line.nano_per_million)).collect(),
        })
    }

    /// The lines of a cost, in the order of the rates.
    pub fn lines(&self, usage: &Usage) -> impl Iterator<Item = CostLine> {
        let line = |&(meter, nano_per_million): &(Meter, i64)| {
            // A call is a request, though nobody counts it.
            let least = u64::from(meter == Meter::Request);
            CostLine { meter, count: usage.get(meter).max(least), nano_per_million }
        };
        self.nano_per_million.iter().map(line)
    }
}
