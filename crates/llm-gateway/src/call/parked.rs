//! Answers that a provider makes behind the caller's back (`background`). Such a call is parked: its reservation and its
//! open record stand until someone sees how the answer ended, be it the caller who asks for it or the gateway, which
//! asks now and then. Then it is settled, once. A restart changes nothing: the journal says what is parked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use llm_core::codec::{Chat, Observed};
use llm_core::{Error, ErrorKind, Meter, NanoUsd, Protocol, Result, Usage};
use llm_providers::protocols::{self, openai_responses::stored as protocol};

use super::attempted::Attempted;
use super::stored;
use crate::Gateway;
use crate::journal::Entry;
use crate::limits::{Actual, Reservation};
use crate::record::{Attempt, CallStatus, Object, ObjectKind, Outcome, Rates};
use crate::routing::{Deployment, Tariff};

/// The longest wait between two looks at a response, as a multiple of the first.
const SLOWEST: u32 = 32;
/// How long a response is waited for. What has not ended by then is charged at its reservation.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);
/// The largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// By key and id of the response.
type All = HashMap<(Arc<str>, Arc<str>), Waiting>;

/// The parked calls of a gateway, by key and id of the response.
#[derive(Debug, Default)]
pub(crate) struct Parked(Mutex<All>);

/// A call whose answer has not ended.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Taken when the call is settled; left open in the journal when the process ends before.
    pub(super) entry: Option<Entry>,
    pub(super) reservation: Option<Reservation>,
    pub(super) deployment: Arc<Deployment>,
    /// What it is charged at.
    pub(super) tariff: Arc<Tariff>,
    /// What was tried before.
    pub(super) attempts: Vec<Attempt>,
    pub(super) created_at: Timestamp,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            entry.leave();
        }
    }
}

impl Parked {
    fn all(&self) -> MutexGuard<'_, All> {
        // Nothing panics half-way through a change, so what a poisoned lock guards is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who makes the answer, and since when; none where the call is parked no longer.
    fn of(&self, object: &Object) -> Option<(Arc<Deployment>, Timestamp)> {
        let all = self.all();
        let waiting = all.get(&(object.key.clone(), object.id.clone()))?;
        Some((waiting.deployment.clone(), waiting.created_at))
    }

    fn take(&self, object: &Object) -> Option<Waiting> {
        self.all().remove(&(object.key.clone(), object.id.clone()))
    }
}

/// Parks a call whose response is `object`, and looks for its end from now on.
pub(super) fn park(gateway: &Arc<Gateway>, object: Arc<Object>, waiting: Waiting) {
    gateway.parked.all().insert((object.key.clone(), object.id.clone()), waiting);
    let first = gateway.config.responses.poll.0;
    tokio::spawn(watch(Arc::downgrade(gateway), object, first));
}

/// Parks what an earlier process had parked.
pub(crate) fn resume(gateway: &Arc<Gateway>, entries: Vec<Entry>) {
    for entry in entries {
        let Some(open) = entry.record() else { continue };
        let object = open.objects.iter().find(|object| object.kind == ObjectKind::Response).cloned().map(Arc::new);
        // Without its deployment nobody could ever say how it ended: dropped, the entry is charged at its reservation.
        let Some((object, deployment)) = object.and_then(|object| {
            let deployment = gateway.routes.keeper(&object).ok()?;
            Some((object, deployment))
        }) else {
            tracing::warn!(call = %open.id, "a response that was being made can't be asked for any more");
            continue;
        };
        let reservation = gateway.ledger.hold(gateway.now_ms(), &open.charges, open.reserved);
        let (created_at, attempts) = (open.created_at, open.attempts.clone());
        let waiting = Waiting {
            entry: Some(entry),
            reservation: Some(reservation),
            tariff: deployment.tariff(),
            deployment,
            attempts,
            created_at,
        };
        park(gateway, object, waiting);
    }
}

/// Settles a parked call where `body`, the response as it is now, says that it has ended.
pub(super) fn seen(gateway: &Gateway, object: &Object, body: &Bytes) {
    let Some(passthrough) = protocols::chat(Protocol::OpenAiResponses).and_then(|codec| codec.passthrough()) else {
        return;
    };
    let observed = passthrough.observe(body);
    let is_response = serde_json::from_slice::<serde_json::Value>(body)
        .is_ok_and(|body| body.get("status").is_some_and(serde_json::Value::is_string));
    if is_response
        && !observed.pending
        && let Some(waiting) = gateway.parked.take(object)
    {
        settle(gateway, waiting, &observed);
    }
}

/// Settles a parked call whose response was deleted: nobody will ever say what it used.
pub(super) fn deleted(gateway: &Gateway, object: &Object) {
    if let Some(waiting) = gateway.parked.take(object) {
        settle_at_reservation(gateway, waiting);
    }
}

fn settle(gateway: &Gateway, waiting: Waiting, observed: &Observed) {
    match (&observed.usage, &observed.error) {
        (Some(usage), error) => {
            let tier = observed.service_tier.as_deref();
            let cost = waiting.tariff.price.cost(usage, tier);
            let status = if error.is_some() { CallStatus::Error } else { CallStatus::Ok };
            let rates = Rates::of(&waiting.tariff, usage, tier);
            close(gateway, waiting, status, usage.clone(), cost, rates);
        }
        // One that failed by itself is not charged for.
        (None, Some(_)) => close(gateway, waiting, CallStatus::Error, Usage::default(), Some(NanoUsd::ZERO), None),
        (None, None) => settle_at_reservation(gateway, waiting),
    }
}

/// The end of a call whose usage nobody says: it costs what was reserved for it, with what was lost before.
fn settle_at_reservation(gateway: &Gateway, waiting: Waiting) {
    let reserved = waiting.reservation.as_ref().map(|held| *held.estimate()).unwrap_or_default();
    let lost = Attempted::of(&waiting.attempts);
    let input = reserved.input_tokens.saturating_sub(lost.usage.input_tokens());
    let output = reserved.output_tokens.saturating_sub(lost.usage.output_tokens());
    let usage = Usage::default().with(Meter::Input, input).with(Meter::Output, output);
    let cost = reserved.spend.map(|most| (most - lost.cost.unwrap_or_default()).max(NanoUsd::ZERO));
    close(gateway, waiting, CallStatus::Interrupted, usage, cost, None);
}

/// Ends a call whose last attempt used `usage` and cost `cost`.
fn close(
    gateway: &Gateway,
    mut waiting: Waiting,
    status: CallStatus,
    mut usage: Usage,
    cost: Option<NanoUsd>,
    rates: Option<Rates>,
) {
    let (Some(entry), Some(reservation)) = (waiting.entry.take(), waiting.reservation.take()) else { return };
    usage.native = llm_core::Native::NONE;
    let reserved = *reservation.estimate();
    let latency = gateway.now_ms().saturating_sub(waiting.created_at.as_millisecond());
    let latency_ms = u64::try_from(latency).unwrap_or(0);
    let deployment = &waiting.deployment;
    let mut attempts = std::mem::take(&mut waiting.attempts);
    attempts.push(Attempt {
        deployment: deployment.id.clone(),
        provider: deployment.provider_id.clone(),
        status,
        http_status: None,
        usage,
        cost_usd: cost,
        rates,
        estimated: status == CallStatus::Interrupted,
        error: None,
        latency_ms,
    });
    let Attempted { usage, cost, estimated } = Attempted::of(&attempts);
    let settled = reservation.settle(&Actual::new(&usage, cost));
    let outcome = Outcome {
        status,
        http_status: Some(200),
        error: None,
        provider: Some(deployment.provider_id.clone()),
        deployment: Some(deployment.id.clone()),
        usage,
        cost_usd: cost,
        estimated,
        reserved_usd: reserved.spend,
        overrun_usd: settled.overrun,
        ttft_ms: None,
        latency_ms: Some(latency_ms),
        cache: None,
        attempts,
        objects: Vec::new(),
        charges: settled.charges,
    };
    if let Err(error) = entry.close(outcome) {
        tracing::error!(%error, "a response that was made could not be written to the journal");
    }
}

/// Looks at a response now and then, until it has ended or somebody else has seen that. The gateway is not held
/// meanwhile, so that it can end.
async fn watch(gateway: Weak<Gateway>, object: Arc<Object>, first: Duration) {
    let mut wait = first;
    loop {
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(first * SLOWEST);
        let Some(gateway) = gateway.upgrade() else { return };
        let Some((deployment, since)) = gateway.parked.of(&object) else { return };
        let waited = gateway.now_ms().saturating_sub(since.as_millisecond());
        match look(&deployment, &object).await {
            Ok(body) => seen(&gateway, &object, &body),
            Err(error) if matches!(error.kind(), ErrorKind::ModelNotFound | ErrorKind::NotFound) => {
                deleted(&gateway, &object);
            }
            Err(error) => tracing::debug!(%error, "a response that is being made can't be looked at"),
        }
        if u128::try_from(waited).unwrap_or(0) > PATIENCE.as_millis() {
            tracing::warn!(response = %object.id, "a response did not end in time and is charged at its reservation");
            deleted(&gateway, &object);
        }
    }
}

/// The response as it is now.
async fn look(deployment: &Deployment, object: &Object) -> Result<Bytes> {
    let provider = stored::speaking(deployment)?;
    let target = provider.target_of::<Chat>(&deployment.model, false, "");
    let path = format!("/responses/{}", object.native_id());
    let encoded = protocol::request(Method::GET, path, Vec::new(), Bytes::new(), &target);
    let response = provider.send_ok::<Chat>(&encoded, &deployment.timeouts).await?;
    response.body.collect(MAX_ANSWER).await.map_err(|error: Error| error.with_provider(&*deployment.provider_id))
}
