//! Limits as JSON. Members that are not known are refused, and so is what can't be enforced.

use std::borrow::Cow;

use jiff::Timestamp;
use llm_core::NanoUsd;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::text::window_or_total;
use super::{
    Fail, Limit, LimitDraft, LimitError, LimitId, LimitMeter, LimitSpec, LimitStatus, ModelPattern, Scope, Window, Zone,
};
use crate::schema::{Dollars, Time};

/// Every member that a limit can have. Which of `id` and `scope` may stand there depends on what is read.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Read {
    id: Option<LimitId>,
    scope: Option<Scope>,
    meter: LimitMeter,
    window: Option<Window>,
    #[schemars(with = "Amount")]
    amount: Value,
    #[serde(default)]
    models: Option<Vec<ModelPattern>>,
    tz: Option<String>,
    #[serde(default)]
    strict: bool,
    assume_output: Option<u64>,
    notify_at: Option<OneOrMany>,
    fail: Option<Fail>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(u8),
    Many(Vec<u8>),
}

impl Read {
    fn spec(self) -> Result<LimitSpec, LimitError> {
        let spec = LimitSpec {
            meter: self.meter,
            window: window_or_total(self.meter, self.window)?,
            amount: amount(self.meter, &self.amount)?,
            models: self.models.unwrap_or_default(),
            tz: self.tz.map(|name| name.parse::<Zone>()).transpose()?,
            strict: self.strict,
            assume_output: self.assume_output,
            notify_at: match self.notify_at {
                None => Vec::new(),
                Some(OneOrMany::One(percent)) => vec![percent],
                Some(OneOrMany::Many(percents)) => percents,
            },
            fail: self.fail,
        };
        spec.check()?;
        Ok(spec)
    }
}

/// Money is a decimal string and everything else a number, so that neither is taken for the other.
pub(super) fn amount(meter: LimitMeter, value: &Value) -> Result<i64, LimitError> {
    match (meter, value) {
        (LimitMeter::Spend, Value::String(text)) => match text.parse::<NanoUsd>() {
            Ok(dollars) => Ok(dollars.0),
            Err(error) => Err(LimitError(format!("`amount` is {error}"))),
        },
        (LimitMeter::Spend, _) => {
            Err(LimitError("`amount` of `spend` is a decimal string of US dollars such as \"25.00\"".to_owned()))
        }
        (_, value) => {
            value.as_i64().ok_or_else(|| LimitError(format!("`amount` of `{meter}` is a whole number such as 60")))
        }
    }
}

impl<'de> Deserialize<'de> for LimitSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Read::deserialize(deserializer)?;
        if read.id.is_some() || read.scope.is_some() {
            return Err(D::Error::custom(
                "`id` and `scope` can't be set here; they follow from where the limit stands",
            ));
        }
        read.spec().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for LimitDraft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut read = Read::deserialize(deserializer)?;
        if read.id.is_some() {
            return Err(D::Error::custom("`id` can't be set"));
        }
        let scope = read.scope.take().ok_or_else(|| D::Error::missing_field("scope"))?;
        Ok(Self { scope, spec: read.spec().map_err(D::Error::custom)? })
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut read = Read::deserialize(deserializer)?;
        let id = read.id.take().ok_or_else(|| D::Error::missing_field("id"))?;
        let scope = read.scope.take().ok_or_else(|| D::Error::missing_field("scope"))?;
        Ok(Self { id, scope, spec: read.spec().map_err(D::Error::custom)? })
    }
}

#[derive(Serialize, JsonSchema)]
struct Write<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a LimitId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a Scope>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    models: &'a [ModelPattern],
    meter: LimitMeter,
    window: Window,
    amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    tz: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assume_output: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notify_at: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    fail: Option<Fail>,
}

/// An amount of a meter, written as money or as a number.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Amount {
    Money(#[schemars(with = "Dollars")] NanoUsd),
    Count(i64),
}

impl Amount {
    pub(super) fn new(meter: LimitMeter, amount: i64) -> Self {
        if meter == LimitMeter::Spend { Self::Money(NanoUsd(amount)) } else { Self::Count(amount) }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Money(dollars) => write!(f, "{dollars} USD"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

impl<'a> Write<'a> {
    fn new(id: Option<&'a LimitId>, scope: Option<&'a Scope>, spec: &'a LimitSpec) -> Self {
        Self {
            id,
            scope,
            models: &spec.models,
            meter: spec.meter,
            window: spec.window,
            amount: Amount::new(spec.meter, spec.amount),
            tz: spec.tz.as_ref().map(Zone::name),
            strict: spec.strict,
            assume_output: spec.assume_output,
            notify_at: &spec.notify_at,
            fail: spec.fail,
        }
    }
}

impl Serialize for LimitSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Write::new(None, None, self).serialize(serializer)
    }
}

impl Serialize for LimitDraft {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Write::new(None, Some(&self.scope), &self.spec).serialize(serializer)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Write::new(Some(&self.id), Some(&self.scope), &self.spec).serialize(serializer)
    }
}

impl LimitStatus {
    /// What is left, in words.
    pub(crate) fn remaining_text(&self) -> String {
        Amount::new(self.limit.spec.meter, self.remaining).to_string()
    }
}

#[derive(Serialize, JsonSchema)]
struct WriteStatus<'a> {
    #[serde(flatten)]
    limit: Write<'a>,
    used: Amount,
    reserved: Amount,
    remaining: Amount,
    #[schemars(with = "Option<Time>")]
    resets_at: Option<Timestamp>,
}

/// The limit's members, and `used`, `reserved`, `remaining` and `resets_at` beside them.
impl Serialize for LimitStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Limit { id, scope, spec } = &*self.limit;
        let amount = |amount| Amount::new(spec.meter, amount);
        WriteStatus {
            limit: Write::new(Some(id), Some(scope), spec),
            used: amount(self.used),
            reserved: amount(self.reserved),
            remaining: amount(self.remaining),
            resets_at: self.resets_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
        }
        .serialize(serializer)
    }
}

/// A schema that `T` has, under another name and without some of its members.
fn schema_without<T: JsonSchema>(generator: &mut SchemaGenerator, members: &[&str]) -> Schema {
    let mut schema = T::json_schema(generator);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| !members.contains(&name.as_str()));
    }
    schema
}

impl JsonSchema for LimitSpec {
    fn schema_name() -> Cow<'static, str> {
        "LimitSpec".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema_without::<Read>(generator, &["id", "scope"])
    }
}

impl JsonSchema for LimitDraft {
    fn schema_name() -> Cow<'static, str> {
        "LimitDraft".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = schema_without::<Read>(generator, &["id"]);
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.push("scope".into());
        }
        schema
    }
}

impl JsonSchema for LimitStatus {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        WriteStatus::json_schema(generator)
    }
}

#[cfg(test)]
mod tests;
