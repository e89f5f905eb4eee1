//! The price of a deployment, as it is written in the configuration.

use std::collections::BTreeMap;
use std::fmt;

use llm_core::{Meter, NanoUsd, Price, PriceLine};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// `{ input = "3", output = "15", cache_read = "0.30" }`: US dollars as decimal strings, for a million tokens; for
/// what is not a token (`request`, `image`, `second`, `query`, …) for one. It replaces the catalogue's price for this
/// deployment as a whole. A meter that is not named costs as its parent does; one without a parent can't be priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceConfig(pub Price);

impl<'de> Deserialize<'de> for PriceConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let amounts = BTreeMap::<Meter, Amount>::deserialize(deserializer)?;
        if amounts.is_empty() {
            return Err(D::Error::custom("a price needs at least one amount, such as `input = \"3\"`"));
        }
        let line = |(meter, Amount(amount)): (Meter, Amount)| {
            let units = if meter.is_token() { 1 } else { 1_000_000 };
            let nano_per_million = amount.0.checked_mul(units);
            let nano_per_million = nano_per_million.ok_or_else(|| D::Error::custom("the amount is too large"))?;
            Ok(PriceLine { meter, above: 0, service: None, nano_per_million })
        };
        Ok(Self(Price { lines: amounts.into_iter().map(line).collect::<Result<_, D::Error>>()? }))
    }
}

/// An amount that is not negative. A whole number is taken too; a float is not, since it may not be what was written.
struct Amount(NanoUsd);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Dollars;
        impl<'de> Visitor<'de> for Dollars {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in US dollars as a string, such as \"0.15\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                let amount: NanoUsd = text.parse().map_err(|error| E::custom(format!("`{text}`: {error}")))?;
                if amount < NanoUsd::ZERO { Err(E::custom("a price can't be negative")) } else { Ok(Amount(amount)) }
            }
            fn visit_i64<E: Error>(self, dollars: i64) -> Result<Amount, E> {
                self.visit_str(&dollars.to_string())
            }
            fn visit_u64<E: Error>(self, dollars: u64) -> Result<Amount, E> {
                self.visit_str(&dollars.to_string())
            }
        }
        deserializer.deserialize_any(Dollars)
    }
}
