//! What is said to override a price.

use llm_core::Result;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{MAX_NAME, wrong};
use crate::keys::Rate;

/// The most lines of a price.
const MAX_LINES: usize = 64;

/// A price in the place of the catalogue's.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceDraft {
    /// What is charged, all of it: a kind without a line of its own costs as its parent does (cache reads as input,
    /// reasoning as output), and one without either can't be priced.
    pub lines: Vec<Rate>,
}

impl PriceDraft {
    pub(in crate::keys) fn check(&self) -> Result<()> {
        if self.lines.is_empty() {
            return Err(wrong("lines", "is empty, so nothing would have a price; delete the override instead"));
        }
        if self.lines.len() > MAX_LINES {
            return Err(wrong("lines", format_args!("has more than {MAX_LINES} entries")));
        }
        for (place, rate) in self.lines.iter().enumerate() {
            if rate.amount.0 < 0 {
                return Err(wrong("lines", "has a price below zero"));
            }
            let is_name =
                |name: &str| !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
            if !rate.service.as_deref().is_none_or(is_name) {
                return Err(wrong("lines", "has a `service` that no tier can be called"));
            }
            if rate.line().is_none() {
                let units = rate.units();
                let text = format!(
                    "has `{}` for {units} units; `per` is 1, 1000 or 1000000, and the amount not too large",
                    rate.meter
                );
                return Err(wrong("lines", text));
            }
            let is_same =
                |other: &Rate| (other.meter, other.above, &other.service) == (rate.meter, rate.above, &rate.service);
            if self.lines.iter().take(place).any(is_same) {
                return Err(wrong("lines", format_args!("has `{}` twice", rate.meter)));
            }
        }
        Ok(())
    }
}
