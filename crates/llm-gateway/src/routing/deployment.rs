//! A deployment: one provider, model and credential that can serve a model name, with its own price and health.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use llm_providers::{Provider, Timeouts};

use super::{Overrides, PriceSource, Recent, Tariff};

/// Failures in a row after which a deployment is left alone for a while.
const FAILURES_BEFORE_COOL_DOWN: u32 = 3;
/// How long it is left alone, in milliseconds.
const COOL_DOWN_MS: i64 = 30_000;

/// One provider, model and credential.
#[derive(Debug)]
pub struct Deployment {
    /// `provider:model`, as call records and headers name it.
    pub id: Arc<str>,
    /// The id of the provider.
    pub provider_id: Arc<str>,
    /// Tells it from other deployments of the same id, where it has a key of its own: a short digest of that key.
    pub account: Option<Arc<str>>,
    /// The provider, with the credential of this deployment.
    pub provider: Arc<Provider>,
    /// The model as the provider spells it.
    pub model: String,
    /// What it costs, unless an administrator has overridden that.
    pub(crate) own: Arc<Tariff>,
    pub(crate) overrides: Overrides,
    /// The most tokens it can answer with, where the catalogue knows it.
    pub max_output: Option<u64>,
    /// The most tokens of prompt and answer together, where the catalogue knows it.
    pub window: Option<u64>,
    /// Its share of the calls under the `weighted` strategy.
    pub weight: u32,
    /// The time-outs of one attempt.
    pub timeouts: Timeouts,
    /// How it is doing.
    pub health: Health,
    /// How long its recent answers were.
    pub recent: Recent,
}

impl Deployment {
    /// What it charges from now on: what the file says of it, else what an administrator does, else what is known.
    pub fn tariff(&self) -> Arc<Tariff> {
        let overridden = match self.own.source {
            PriceSource::File => None,
            _ => self.overrides.get(&self.id),
        };
        overridden.unwrap_or_else(|| Arc::clone(&self.own))
    }

    /// Whether both are at the same place, with the same key: what one has made the other has, too.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.provider_id == other.provider_id && self.account == other.account
    }
}

/// How a deployment is doing, as its calls tell.
#[derive(Debug, Default)]
pub struct Health {
    in_flight: AtomicU32,
    failures: AtomicU32,
    cool_until_ms: AtomicI64,
    /// Moving average of the time to the first byte, in microseconds.
    latency_us: AtomicU64,
    /// Tokens served in the minute that `minute` names.
    tokens: AtomicU64,
    minute: AtomicI64,
}

impl Health {
    /// Calls on their way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// Whether it failed so often of late that others are asked first.
    pub fn is_cooling(&self, now_ms: i64) -> bool {
        self.cool_until_ms.load(Relaxed) > now_ms
    }

    /// The moving average of the time to the first byte, in microseconds; 0 before the first call.
    pub fn latency_us(&self) -> u64 {
        self.latency_us.load(Relaxed)
    }

    /// Tokens served in the current minute.
    pub fn tokens_this_minute(&self, now_ms: i64) -> u64 {
        if self.minute.load(Relaxed) == now_ms / 60_000 { self.tokens.load(Relaxed) } else { 0 }
    }

    /// An attempt began.
    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    /// An attempt ended, however it ended.
    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// The provider answered after `latency_us`.
    pub(crate) fn answered(&self, latency_us: u64) {
        self.failures.store(0, Relaxed);
        let old = self.latency_us();
        let new = if old == 0 { latency_us } else { (old * 7 + latency_us) / 8 };
        self.latency_us.store(new, Relaxed);
    }

    /// The provider failed in a way that another deployment might not.
    pub(crate) fn failed(&self, now_ms: i64) {
        if self.failures.fetch_add(1, Relaxed) + 1 >= FAILURES_BEFORE_COOL_DOWN {
            self.failures.store(0, Relaxed);
            self.cool_until_ms.store(now_ms + COOL_DOWN_MS, Relaxed);
        }
    }

    /// A call was served with so many tokens.
    pub(crate) fn served(&self, tokens: u64, now_ms: i64) {
        let minute = now_ms / 60_000;
        if self.minute.swap(minute, Relaxed) != minute {
            self.tokens.store(0, Relaxed);
        }
        self.tokens.fetch_add(tokens, Relaxed);
    }
}
