//! Limits that stand in the configuration.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits::{LimitMeter, LimitSpec, Zone};

/// `[limits]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// For every key that is made without limits of its own.
    pub defaults: DefaultLimits,
    /// The zone of the calendar windows `day`, `week` and `month` of limits that name none, such as `Europe/Berlin`;
    /// UTC unless set.
    #[serde(deserialize_with = "zone")]
    #[schemars(with = "Option<String>")]
    pub tz: Option<Zone>,
    /// How many output tokens are reserved where neither the caller nor a limit states a bound; what the model's recent
    /// answers teach unless set.
    pub assume_output: Option<u64>,
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Zone>, D::Error> {
    let name = Cow::<'de, str>::deserialize(deserializer)?;
    name.parse().map(Some).map_err(D::Error::custom)
}

/// `[limits.defaults]`: for each meter (`spend`, `tokens`, `input_tokens`, `output_tokens`, `requests`, `concurrency`)
/// `AMOUNT/WINDOW` (`"600/minute"`, `"5/day"` US dollars; `20` for `concurrency`), or a list of them. Each counts for
/// every key by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefaultLimits(pub Vec<LimitSpec>);

impl<'de> Deserialize<'de> for DefaultLimits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Meters;
        impl<'de> Visitor<'de> for Meters {
            type Value = DefaultLimits;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table such as `requests = \"600/minute\"`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DefaultLimits, A::Error> {
                let mut specs = Vec::new();
                while let Some(meter) = map.next_key::<LimitMeter>()? {
                    specs.append(&mut map.next_value_seed(Amounts(meter))?);
                }
                Ok(DefaultLimits(specs))
            }
        }
        deserializer.deserialize_map(Meters)
    }
}

/// One amount of a meter, or a list of them.
#[derive(Clone, Copy)]
struct Amounts(LimitMeter);

impl<'de> serde::de::DeserializeSeed<'de> for Amounts {
    type Value = Vec<LimitSpec>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<LimitSpec>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Amounts {
    type Value = Vec<LimitSpec>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount and its window such as `600/minute`")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<LimitSpec>, E> {
        LimitSpec::from_amount(self.0, text).map(|spec| vec![spec]).map_err(E::custom)
    }
    fn visit_i64<E: Error>(self, amount: i64) -> Result<Vec<LimitSpec>, E> {
        self.visit_str(&amount.to_string())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<LimitSpec>, A::Error> {
        let mut specs = Vec::new();
        while let Some(mut some) = seq.next_element_seed(self)? {
            specs.append(&mut some);
        }
        Ok(specs)
    }
}
