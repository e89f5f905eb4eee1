//! What is kept of a call: while it is under way, and once it has ended.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use llm_core::{Meter, NanoUsd, Protocol, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::limits::{Charge, Estimate};

mod call_id;
mod object;
mod rates;
#[cfg(test)]
pub(crate) mod samples;

pub use call_id::CallId;
pub use object::{Object, ObjectKind};
pub use rates::Rates;

/// A call that was admitted, as it stands in the journal before a byte goes upstream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenRecord {
    /// The call's id, made from `created_at`.
    pub id: CallId,
    /// When it came, to the millisecond.
    pub created_at: Timestamp,
    /// The id of the virtual key.
    pub key: Arc<str>,
    /// The id of the key's team.
    pub team: Option<Arc<str>>,
    /// The id of the key's user.
    pub user: Option<Arc<str>>,
    /// The id of the team's organization.
    pub organization: Option<Arc<str>>,
    /// The application's own user.
    pub end_user: Option<Arc<str>>,
    /// The tags of key and call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Arc<str>>,
    /// What was asked for: `chat`, `embed`, ….
    pub operation: Cow<'static, str>,
    /// The protocol that the caller speaks.
    pub protocol: Protocol,
    /// The model as asked.
    pub model: Arc<str>,
    /// The provider of the first choice.
    pub provider: Option<Arc<str>>,
    /// The deployment of the first choice.
    pub deployment: Option<Arc<str>>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// What is reserved for it; its `spend` is none where the model has no price.
    #[serde(with = "reserved")]
    pub reserved: Estimate,
    /// What a provider is known to store for it already. The caller of a stream sees ids before its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Object>,
    /// Whether its answer goes on being made elsewhere when this process ends, so that the next one waits for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parked: bool,
    /// What was tried before it was parked, and came to something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// What it holds of which limit ([`Reservation::charges`](crate::limits::Reservation::charges)).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// The whole answer reached the caller.
    Ok,
    /// No deployment answered.
    Error,
    /// The answer broke off upstream.
    Cut,
    /// The caller went away first.
    CallerGone,
    /// A limit, an allow-list or a guard refused it.
    Refused,
    /// The process ended while the call was under way; cost and usage are its reservation.
    #[default]
    Interrupted,
}

impl CallStatus {
    /// The name in call records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Cut => "cut",
            Self::CallerGone => "caller_gone",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether sums count it among `errors`: every end but a whole answer and a caller who went away.
    pub fn is_error(self) -> bool {
        !matches!(self, Self::Ok | Self::CallerGone)
    }
}

/// One try at one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The deployment that was tried.
    #[schemars(with = "String")]
    pub deployment: Arc<str>,
    /// Its provider.
    #[schemars(with = "String")]
    pub provider: Arc<str>,
    /// How it ended.
    pub status: CallStatus,
    /// The status that the provider answered with, if it answered.
    pub http_status: Option<u16>,
    /// What it used.
    #[serde(serialize_with = "counts")]
    #[schemars(with = "crate::schema::Counts")]
    pub usage: Usage,
    /// What it cost; none where the deployment has no price.
    #[schemars(with = "Option<crate::schema::Dollars>")]
    pub cost_usd: Option<NanoUsd>,
    /// By which rates; none where nothing was charged by any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub rates: Option<Rates>,
    /// Whether the provider never said the usage.
    pub estimated: bool,
    /// What went wrong, without anything secret.
    pub error: Option<String>,
    /// From sending to the end, in milliseconds.
    pub latency_ms: u64,
}

/// How a call ended and what it came to: the part of its record that is not known when it begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub status: CallStatus,
    /// The status that the caller saw; none where the caller was gone before.
    pub http_status: Option<u16>,
    /// The code of the error that the caller saw.
    pub error: Option<Cow<'static, str>>,
    /// The provider that answered; as in the open record where none is said.
    pub provider: Option<Arc<str>>,
    /// The deployment that answered; as in the open record where none is said.
    pub deployment: Option<Arc<str>>,
    /// What all attempts used together.
    pub usage: Usage,
    /// What all attempts cost together; none where a price is missing.
    pub cost_usd: Option<NanoUsd>,
    /// Whether a provider never said its usage.
    pub estimated: bool,
    /// What was reserved in the end, with every top-up; as in the open record where none is said.
    pub reserved_usd: Option<NanoUsd>,
    /// What the call cost beyond its reservation.
    pub overrun_usd: NanoUsd,
    /// From the call's arrival to the first byte of content, in milliseconds.
    pub ttft_ms: Option<u64>,
    /// From the call's arrival to its end, in milliseconds.
    pub latency_ms: Option<u64>,
    /// What the cache did: `hit`, `miss`; none where it was not asked.
    pub cache: Option<Cow<'static, str>>,
    /// Every try, in order.
    pub attempts: Vec<Attempt>,
    /// What a provider now stores for it, or stores no longer.
    pub objects: Vec<Object>,
    /// What it added to which limit ([`Settled::charges`](crate::limits::Settled)).
    pub charges: Vec<Charge>,
}

/// A call that has ended, with the members of `GET /api/v1/calls`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the members are those of `OpenRecord` and `Outcome`")]
pub struct CallRecord {
    #[schemars(with = "String")]
    pub id: CallId,
    #[schemars(with = "crate::schema::Time")]
    pub created_at: Timestamp,
    #[schemars(with = "Option<String>")]
    pub key: Option<Arc<str>>,
    #[schemars(with = "Option<String>")]
    pub team: Option<Arc<str>>,
    #[schemars(with = "Option<String>")]
    pub user: Option<Arc<str>>,
    #[schemars(with = "Option<String>")]
    pub organization: Option<Arc<str>>,
    #[schemars(with = "Option<String>")]
    pub end_user: Option<Arc<str>>,
    #[schemars(with = "Vec<String>")]
    pub tags: Vec<Arc<str>>,
    pub operation: Cow<'static, str>,
    #[schemars(with = "String")]
    pub protocol: Protocol,
    #[schemars(with = "String")]
    pub model: Arc<str>,
    #[schemars(with = "Option<String>")]
    pub provider: Option<Arc<str>>,
    #[schemars(with = "Option<String>")]
    pub deployment: Option<Arc<str>>,
    pub stream: bool,
    pub status: CallStatus,
    pub http_status: Option<u16>,
    pub error: Option<Cow<'static, str>>,
    #[serde(serialize_with = "counts")]
    #[schemars(with = "crate::schema::Counts")]
    pub usage: Usage,
    #[schemars(with = "Option<crate::schema::Dollars>")]
    pub cost_usd: Option<NanoUsd>,
    pub estimated: bool,
    #[schemars(with = "Option<crate::schema::Dollars>")]
    pub reserved_usd: Option<NanoUsd>,
    #[schemars(with = "crate::schema::Dollars")]
    pub overrun_usd: NanoUsd,
    pub ttft_ms: Option<u64>,
    pub latency_ms: Option<u64>,
    pub cache: Option<Cow<'static, str>>,
    pub attempts: Vec<Attempt>,
    /// Which call of a batch it is; none for a call by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchLine>,
    /// What a provider stores for the call. For the table of objects only; the API doesn't show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub objects: Vec<Object>,
    /// What the call added to which limit. For the counters only; the API doesn't show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub charges: Vec<Charge>,
}

/// A call's place in a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchLine {
    /// The provider's id of the batch.
    #[schemars(with = "String")]
    pub id: Arc<str>,
    /// What its maker calls it by.
    #[schemars(with = "String")]
    pub custom_id: Arc<str>,
}

impl CallRecord {
    /// The record of a call that ended with `outcome`.
    pub fn new(open: OpenRecord, outcome: Outcome) -> Self {
        Self {
            id: open.id,
            created_at: open.created_at,
            key: Some(open.key),
            team: open.team,
            user: open.user,
            organization: open.organization,
            end_user: open.end_user,
            tags: open.tags,
            operation: open.operation,
            protocol: open.protocol,
            model: open.model,
            provider: outcome.provider.or(open.provider),
            deployment: outcome.deployment.or(open.deployment),
            stream: open.stream,
            status: outcome.status,
            http_status: outcome.http_status,
            error: outcome.error,
            usage: outcome.usage,
            cost_usd: outcome.cost_usd,
            estimated: outcome.estimated,
            reserved_usd: outcome.reserved_usd.or(open.reserved.spend),
            overrun_usd: outcome.overrun_usd,
            ttft_ms: outcome.ttft_ms,
            latency_ms: outcome.latency_ms,
            cache: outcome.cache,
            attempts: outcome.attempts,
            batch: None,
            objects: object::joined(open.objects, outcome.objects),
            charges: outcome.charges,
        }
    }

    /// The record of a call whose end nobody saw: it is charged all that was reserved for it.
    pub fn interrupted(mut open: OpenRecord) -> Self {
        let Estimate { spend, input_tokens, output_tokens } = open.reserved;
        let outcome = Outcome {
            status: CallStatus::Interrupted,
            usage: Usage::default().with(Meter::Input, input_tokens).with(Meter::Output, output_tokens),
            cost_usd: spend,
            estimated: true,
            charges: std::mem::take(&mut open.charges),
            ..Outcome::default()
        };
        Self::new(open, outcome)
    }
}

/// Usage by meter, without the provider's own object.
fn counts<S: Serializer>(usage: &Usage, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(usage.counts().map(|(meter, count)| (meter.as_str(), count)))
}

/// A reservation as `[spend, input tokens, output tokens]`.
mod reserved {
    use llm_core::NanoUsd;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::limits::Estimate;

    pub(super) fn serialize<S: Serializer>(estimate: &Estimate, serializer: S) -> Result<S::Ok, S::Error> {
        let nano = estimate.spend.map(|spend| spend.0);
        (nano, estimate.input_tokens, estimate.output_tokens).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Estimate, D::Error> {
        let (nano, input_tokens, output_tokens) = <(Option<i64>, u64, u64)>::deserialize(deserializer)?;
        Ok(Estimate { spend: nano.map(NanoUsd), input_tokens, output_tokens })
    }
}

#[cfg(test)]
mod tests;
