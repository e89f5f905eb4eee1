//! What one admitted call holds and has come to, and the one way to end it.
//!
//! An account is opened when the call is admitted, with its record in the journal, and is settled exactly once, however
//! the call ends. One that is dropped was left by its caller: what had arrived is counted and charged.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::OptionFuture;
use llm_core::chat::CallInfo;
use llm_core::codec::{Observed, ResponseHead};
use llm_core::stored::Made;
use llm_core::{Error, ErrorKind, Meter, NanoUsd, OperationKind, Result, Usage};
use llm_providers::Provider;

use super::asked::Asked;
use super::attempted::Attempted;
use super::estimate::Bound;
use super::parked::{self, Waiting};
use super::sight::Sight;
use super::surface::with_codec;
use super::{own, spoken, stored, tokens};
use crate::Gateway;
use crate::journal::{Entry, Written};
use crate::limits::{Actual, Estimate, First, RateLimits, Refusal, Reservation};
use crate::record::{Attempt, CallId, CallStatus, Object, ObjectKind, OpenRecord, Outcome, Rates};
use crate::routing::{Deployment, Tariff};

/// How many bytes of an answer are kept to be counted, should the provider never say its usage.
const KEPT: usize = 256 * 1024;

/// One admitted call.
pub(crate) struct Account {
    gateway: Arc<Gateway>,
    asked: Arc<Asked>,
    arrived: Instant,
    id: CallId,
    /// Taken when the account is settled.
    entry: Option<Entry>,
    bound: Bound,
    reservation: Held,
    attempts: Vec<Attempt>,
    current: Option<Trying>,
    first_content: Option<Duration>,
    answer: Kept,
    /// What was seen of the answer of the attempt under way.
    sight: Sight,
    /// What a provider stores for the call, or no longer does.
    objects: Vec<Object>,
    /// Whether the deployment that is being tried has begun to answer.
    answering: bool,
    /// Whether the caller has gone and the account is being settled without it.
    left: bool,
}

/// The attempt under way.
struct Trying {
    deployment: Arc<Deployment>,
    /// What it is reserved at, and so charged at, whatever is said of prices meanwhile.
    tariff: Arc<Tariff>,
    since: Instant,
}

/// The reservation, shared with whoever must give the call's place under a concurrency limit back at once.
#[derive(Clone)]
pub(crate) struct Held(Arc<Mutex<Option<Reservation>>>);

impl Held {
    /// Gives the call's place under limits on concurrency back.
    pub(crate) fn release_concurrency(&self) {
        self.with(Reservation::release_concurrency);
    }

    fn with<T>(&self, change: impl FnOnce(&mut Reservation) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(change)
    }

    fn take(&self) -> Option<Reservation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The beginning of an answer, as it came.
#[derive(Default)]
struct Kept {
    /// Who sent it, in the protocol in which it was spoken to.
    provider: Option<Arc<Provider>>,
    content_type: Option<String>,
    pieces: Vec<Bytes>,
    kept: usize,
    total: usize,
}

impl Kept {
    fn push(&mut self, piece: &Bytes) {
        self.total += piece.len();
        if self.kept < KEPT {
            self.kept += piece.len();
            self.pieces.push(piece.clone());
        }
    }
}

/// How a call ended, in the words of its record.
pub(crate) struct End<'a> {
    pub(crate) status: CallStatus,
    pub(crate) http_status: Option<u16>,
    pub(crate) error: Option<&'a Error>,
}

/// What a call used, and whether that is a guess.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    pub(crate) usage: Usage,
    /// What the provider itself said of an estimated usage: no estimate goes below it.
    said: Usage,
    pub(crate) service_tier: Option<String>,
    pub(crate) estimated: bool,
}

impl Used {
    /// Nothing: no provider did any work.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// What the provider said.
    pub(crate) fn exact(usage: Usage, service_tier: Option<String>) -> Self {
        Self { usage, service_tier, ..Self::default() }
    }
}

impl Account {
    /// Opens the account. It must be [`recorded`](Self::recorded) before a byte goes upstream.
    pub(crate) fn open(
        gateway: &Arc<Gateway>,
        asked: Arc<Asked>,
        open: OpenRecord,
        bound: Bound,
        reservation: Reservation,
    ) -> Result<Self> {
        let entry = match gateway.journal.begin(open) {
            Ok(entry) => entry,
            Err(error) => {
                reservation.cancel();
                return Err(error);
            }
        };
        Ok(Self {
            gateway: gateway.clone(),
            arrived: asked.arrived,
            id: asked.id,
            asked,
            entry: Some(entry),
            bound,
            reservation: Held(Arc::new(Mutex::new(Some(reservation)))),
            attempts: Vec::new(),
            current: None,
            first_content: None,
            answer: Kept::default(),
            sight: Sight::default(),
            objects: Vec::new(),
            answering: false,
            left: false,
        })
    }

    /// Waits until the reservation stands in the journal. Where it can't be written, nothing is held and nothing
    /// recorded.
    pub(crate) async fn recorded(mut self) -> Result<Self> {
        let written = self.entry.as_ref().map(Entry::written);
        let Some(Err(error)) = OptionFuture::from(written).await else { return Ok(self) };
        if let Some(entry) = self.entry.take() {
            entry.forget();
        }
        if let Some(reservation) = self.reservation.take() {
            reservation.cancel();
        }
        Err(error)
    }

    pub(crate) fn id(&self) -> CallId {
        self.id
    }

    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    pub(crate) fn asked(&self) -> &Arc<Asked> {
        &self.asked
    }

    pub(crate) fn held(&self) -> Held {
        self.reservation.clone()
    }

    /// How many deployments have been tried.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.len() + usize::from(self.current.is_some())
    }

    /// What is left of the limits that apply.
    pub(crate) fn rate_limits(&self) -> RateLimits {
        self.reservation.with(|held| held.rate_limits(self.gateway.now_ms())).unwrap_or_default()
    }

    /// Begins an attempt. A dearer deployment than reserved for must fit the limits too, and so must what earlier
    /// attempts have cost.
    pub(crate) async fn begin_attempt(&mut self, deployment: &Arc<Deployment>) -> Result<()> {
        let tariff = deployment.tariff();
        let spend = self.bound.cost(&tariff.price, &self.asked);
        let lost = Attempted::of(&self.attempts);
        let to = Estimate {
            spend: spend.map(|spend| spend + lost.cost.unwrap_or_default()),
            input_tokens: self.bound.input.saturating_add(lost.usage.input_tokens()),
            output_tokens: self.bound.output.saturating_add(lost.usage.output_tokens()),
        };
        self.hold(to).await?;
        deployment.health.begin();
        self.answering = false;
        self.sight = Sight::default();
        self.current = Some(Trying { deployment: deployment.clone(), tariff, since: Instant::now() });
        Ok(())
    }

    /// Sees to it that what is held is enough for `to`.
    async fn hold(&mut self, to: Estimate) -> Result<()> {
        let now = self.gateway.now_ms();
        let is_enough = |held: &mut Reservation| *held.estimate() == to;
        if self.reservation.with(is_enough).unwrap_or(true) {
            return Ok(());
        }
        let held = match self.reservation.with(|held| held.ask_more(now, &to)) {
            None => return Ok(()),
            Some(First::Decided(held)) => held,
            Some(First::Asked(word)) => {
                let word = word.come().await;
                self.reservation.with(|held| held.take_more(now, &to, word)).unwrap_or(Ok(()))
            }
        };
        held.map_err(|refusal: Refusal| Error::from(refusal))?;
        let now_held = self.reservation.with(|held| (*held.estimate(), held.charges()));
        if let Some((reserved, charges)) = now_held
            && let Some(entry) = &mut self.entry
        {
            entry.amend(reserved, charges)?;
        }
        Ok(())
    }

    /// The attempt's deployment began to answer.
    pub(crate) fn answered(&mut self, provider: &Arc<Provider>, head: &ResponseHead) {
        let content_type = head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        self.answer = Kept { provider: Some(provider.clone()), content_type, ..Kept::default() };
        self.answering = true;
        if let Some(Trying { deployment, since, .. }) = &self.current {
            deployment.health.answered(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// Ends an attempt that brought nothing; another may follow. A provider whose answer broke off, or that had the
    /// request and said nothing in time, had read the prompt and charges for it: the prompt is counted and charged, and what
    /// it said itself. One that refused, or that was never reached, did no work.
    pub(crate) async fn attempt_failed(&mut self, error: &Error) {
        if let Some(Trying { deployment, .. }) = &self.current
            && (error.is_retryable() || error.kind() == ErrorKind::ProviderAuth)
        {
            deployment.health.failed(self.gateway.now_ms());
        }
        let broke_off = match self.answering {
            true => matches!(error.kind(), ErrorKind::Cut | ErrorKind::Timeout),
            false => error.is_in_doubt(),
        };
        let used = if broke_off { self.used(&self.sight.observed()).await } else { Used::nothing() };
        let cost = match &self.current {
            Some(trying) if broke_off => self.cost(&trying.tariff, &used.usage, used.service_tier.as_deref()),
            _ => Some(NanoUsd::ZERO),
        };
        self.end_attempt(CallStatus::Error, &used, cost, Some(error));
    }

    /// The first content is on its way to the caller.
    pub(crate) fn first_content(&mut self) {
        self.first_content.get_or_insert_with(|| self.arrived.elapsed());
    }

    /// What is seen of the answer that is awaited.
    pub(super) fn sight(&self) -> &Sight {
        &self.sight
    }

    /// Notes what the answer says that the provider now stores. It is recorded with the call's end.
    pub(crate) fn made(&mut self, made: &[Made]) {
        let mut objects = self.objects_of(made);
        objects.retain(|new| !self.objects.iter().any(|old| old.id == new.id));
        self.objects.extend(objects);
    }

    /// The same, recorded at once: the caller is about to see the ids, and the call goes on; `pending`: also without it.
    pub(crate) fn made_early(&mut self, made: &[Made], pending: bool) {
        let objects = self.objects_of(made);
        if objects.is_empty() {
            return;
        }
        if let Some(entry) = &mut self.entry
            && let Err(error) = if pending { entry.park(objects, &self.attempts) } else { entry.made(objects) }
        {
            tracing::error!(call = %self.id, %error, "what a provider stores for a call can't be written to the journal");
        }
    }

    /// Notes what the call has made or deleted by itself.
    pub(crate) fn keep_objects(&mut self, objects: impl IntoIterator<Item = Object>) {
        self.objects.extend(objects);
    }

    /// Whether the answer is the gateway's to keep, since its provider does not.
    pub(crate) fn keeps_own(&self) -> bool {
        self.answer.provider.as_ref().is_some_and(|provider| own::is_ours(&self.asked, provider))
    }

    /// Keeps a response as its caller sees it. It is recorded with the call's end. False where it is too large for that.
    pub(crate) fn keep_own(&mut self, response: serde_json::Value) -> bool {
        let Some(Trying { deployment, .. }) = &self.current else { return true };
        let kept = own::kept(&self.gateway, &self.asked, deployment, response);
        self.objects.extend(kept.objects);
        !kept.is_too_large
    }

    fn objects_of(&self, made: &[Made]) -> Vec<Object> {
        match (&self.current, &self.answer.provider) {
            (Some(Trying { deployment, .. }), Some(provider)) if !made.is_empty() => {
                stored::objects(&self.asked, deployment, provider, made)
            }
            _ => Vec::new(),
        }
    }

    /// Keeps a piece of the answer, to be counted should the provider never say its usage.
    pub(crate) fn keep(&mut self, piece: &Bytes) {
        self.answer.push(piece);
    }

    /// What the call used, from what was seen of its answer: exact where the answer is whole and the provider said
    /// it, else counted.
    pub(crate) fn used(&self, observed: &Observed) -> impl Future<Output = Used> + Send + use<> {
        // What is told again of a response was used by the call that made it.
        let again = self.asked.kept.as_ref().map(|_| Usage::default());
        let exact = again.or_else(|| observed.usage.clone().or_else(|| self.known()).filter(|_| observed.complete));
        let service_tier = observed.service_tier.clone();
        let said = observed.usage.clone().unwrap_or_default();
        let counting = exact.is_none().then(|| self.count(said.clone(), observed.content_chunks));
        async move {
            match (exact, counting) {
                (Some(usage), _) => Used::exact(usage, service_tier),
                (None, Some(counting)) => Used { usage: counting.await, said, service_tier, estimated: true },
                (None, None) => Used::nothing(),
            }
        }
    }

    /// What the request itself says that is used: nothing by what is free, and the units that are exact, where the
    /// deployment charges by them.
    fn known(&self) -> Option<Usage> {
        if self.asked.is_free() {
            return Some(Usage::default());
        }
        let price = &self.current.as_ref()?.tariff.price;
        let mut usage = Usage::default();
        for unit in &self.asked.skim.units {
            if !unit.is_exact || !price.has(unit.meter) {
                return None;
            }
            usage.set(unit.meter, unit.most);
        }
        (!usage.is_zero()).then_some(usage)
    }

    /// What `usage` costs by `tariff`.
    fn cost(&self, tariff: &Tariff, usage: &Usage, service_tier: Option<&str>) -> Option<NanoUsd> {
        if self.asked.is_free() {
            return Some(NanoUsd::ZERO);
        }
        tariff.price.cost(usage, service_tier)
    }

    /// What was used by an answer that was not seen to its end, or whose provider did not say it: what it did say, and what
    /// is counted of the rest, bounded by what was reserved. `chunks` carried content.
    fn count(&self, said: Usage, chunks: u64) -> impl Future<Output = Usage> + Send + use<> {
        let (total, kept) = (self.answer.total, self.answer.kept);
        let (answer, content_type) = (self.answer.pieces.concat(), self.answer.content_type.clone());
        let (asked, bound) = (self.asked.clone(), self.bound);
        let provider = self.answer.provider.clone();
        let said_input = said.input_tokens();
        // Sound and images are no text that could be counted; what is reserved for them stands in.
        let (units, by_tokens) = self.uncounted();
        let kind = asked.surface.kind();
        let is_text = matches!(kind, OperationKind::Chat | OperationKind::Complete);
        async move {
            let counted = tokio::task::spawn_blocking(move || {
                let input = if said_input == 0 { asked.count_input() } else { 0 };
                let text = provider.and_then(|provider| {
                    let content_type = content_type.as_deref();
                    with_codec!(asked.surface, codec => spoken::text_of_answer(codec, &provider, content_type, &answer))
                        .ok()
                });
                (input, tokens::count(&text.unwrap_or_default()))
            });
            // Counting does not panic; were it to, the bound is charged.
            let (input, output) = counted.await.unwrap_or((bound.input, bound.output));
            let scale = |tokens: u64| if kept == 0 { 0 } else { tokens.saturating_mul(total as u64) / kept as u64 };
            let output = scale(output).max(chunks).min(bound.output.max(chunks)).max(said.output_tokens());
            let mut usage = said;
            for (meter, most) in units {
                usage.set(meter, most.max(usage.get(meter)));
            }
            if !by_tokens {
                return usage;
            }
            if input > 0 {
                usage.set(Meter::Input, input.min(bound.input));
            }
            if !is_text {
                let meter = output_meter(kind);
                usage.set(meter, usage.get(meter).max(bound.output));
                return usage;
            }
            let other = usage.output_tokens() - usage.get(Meter::Output);
            usage.set(Meter::Output, output.saturating_sub(other));
            usage
        }
    }

    /// The units that the deployment charges by, at their most, and whether it charges by tokens.
    fn uncounted(&self) -> (Vec<(Meter, u64)>, bool) {
        let Some(Trying { tariff, .. }) = &self.current else { return (Vec::new(), true) };
        let units = self.asked.skim.units.iter().filter(|unit| tariff.price.has(unit.meter));
        let units: Vec<_> = units.map(|unit| (unit.meter, unit.most)).collect();
        let by_tokens = tariff.price.is_by_tokens() || units.is_empty();
        (units, by_tokens)
    }

    /// Whether the answer goes on being made behind the caller's back.
    pub(crate) fn is_pending(&self, observed: &Observed) -> bool {
        observed.pending && self.asked.kept.is_none()
    }

    /// Leaves the call as it is until its answer has ended, which others will see.
    pub(crate) fn park(mut self) -> CallInfo {
        let attempts = u32::try_from(self.attempts()).unwrap_or(u32::MAX);
        let info = CallInfo { id: self.id.to_string(), cost_usd: None, attempts };
        let Some(Trying { deployment, tariff, .. }) = self.current.take() else { return info };
        let (Some(mut entry), Some(mut reservation)) = (self.entry.take(), self.reservation.take()) else {
            return info;
        };
        deployment.health.end();
        reservation.release_concurrency();
        if let Err(error) = entry.park(std::mem::take(&mut self.objects), &self.attempts) {
            tracing::error!(call = %self.id, %error, "a call can't be parked in the journal");
        }
        let is_response = |object: &&Object| object.kind == ObjectKind::Response;
        let object = entry.record().and_then(|open| open.objects.iter().find(is_response)).cloned();
        // A response without an id can't be asked for: dropped, the entry is charged at its reservation.
        if let Some(object) = object {
            let waiting = Waiting {
                entry: Some(entry),
                reservation: Some(reservation),
                deployment,
                tariff,
                attempts: std::mem::take(&mut self.attempts),
                created_at: self.asked.created_at,
            };
            parked::park(&self.gateway, Arc::new(object), waiting);
        }
        info
    }

    /// The caller is gone: charges what was sent and what had arrived.
    async fn abandoned(mut self) {
        let observed = self.sight.observed();
        self.made(&observed.made);
        if self.is_pending(&observed) {
            self.park();
            return;
        }
        let used = match self.current {
            Some(_) => self.used(&observed).await,
            None => Used::nothing(),
        };
        self.settle(&End { status: CallStatus::CallerGone, http_status: None, error: None }, used).await;
    }

    /// Ends the call: the reservation gives way to what was used, and when the future is done the record stands in the
    /// journal. An estimate charges no more than what was reserved, but never less than what the provider said.
    pub(crate) fn settle(mut self, end: &End<'_>, used: Used) -> impl Future<Output = CallInfo> + Send + use<> {
        let (id, (info, written)) = (self.id, self.close(end, used));
        async move {
            if let Some(Err(error)) = OptionFuture::from(written).await {
                tracing::error!(call = %id, %error, "a finished call could not be written to the journal");
            }
            info
        }
    }

    fn close(&mut self, end: &End<'_>, mut used: Used) -> (CallInfo, Option<Written>) {
        let (Some(entry), Some(reservation)) = (self.entry.take(), self.reservation.take()) else {
            return (CallInfo::default(), None);
        };
        let reserved = *reservation.estimate();
        used.usage.native = llm_core::Native::NONE;
        let mut cost = match &self.current {
            Some(trying) => self.cost(&trying.tariff, &used.usage, used.service_tier.as_deref()),
            None => Some(NanoUsd::ZERO),
        };
        if used.estimated
            && let (Some(trying), Some(most)) = (&self.current, reserved.spend)
        {
            let lost = Attempted::of(&self.attempts).cost.unwrap_or_default();
            let said = self.cost(&trying.tariff, &used.said, used.service_tier.as_deref()).unwrap_or_default();
            cost = cost.map(|cost| cost.min((most - lost).max(said)));
        }
        if let Some(Trying { deployment, .. }) = &self.current {
            deployment.health.served(used.usage.total(), self.gateway.now_ms());
            if end.status == CallStatus::Ok && !used.estimated {
                deployment.recent.saw(used.usage.output_tokens() / self.asked.skim.choices.max(1));
            }
        }
        let answered = self.current.as_ref().map(|trying| trying.deployment.clone());
        self.end_attempt(end.status, &used, cost, end.error);
        let Attempted { usage, cost, estimated } = Attempted::of(&self.attempts);
        let settled = reservation.settle(&Actual::new(&usage, cost));
        let attempts = std::mem::take(&mut self.attempts);
        let info = CallInfo {
            id: self.id.to_string(),
            cost_usd: cost,
            attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
        };
        let outcome = Outcome {
            status: end.status,
            http_status: end.http_status,
            error: end.error.map(|error| Cow::Borrowed(error.kind().as_str())),
            provider: answered.as_ref().map(|deployment| deployment.provider_id.clone()),
            deployment: answered.map(|deployment| deployment.id.clone()),
            usage,
            cost_usd: cost,
            estimated,
            reserved_usd: reserved.spend,
            overrun_usd: settled.overrun,
            ttft_ms: self.first_content.map(millis),
            latency_ms: Some(millis(self.arrived.elapsed())),
            cache: None,
            attempts,
            objects: std::mem::take(&mut self.objects),
            charges: settled.charges,
        };
        (info, entry.end(outcome))
    }

    fn end_attempt(&mut self, status: CallStatus, used: &Used, cost: Option<NanoUsd>, error: Option<&Error>) {
        let Some(Trying { deployment, tariff, since }) = self.current.take() else { return };
        deployment.health.end();
        let is_charged = cost.is_some() && !used.usage.is_zero() && !self.asked.is_free();
        self.attempts.push(Attempt {
            deployment: deployment.id.clone(),
            provider: deployment.provider_id.clone(),
            status,
            http_status: error.map(|error| error.status().as_u16()),
            usage: used.usage.clone(),
            cost_usd: cost,
            rates: if is_charged { Rates::of(&tariff, &used.usage, used.service_tier.as_deref()) } else { None },
            estimated: used.estimated,
            error: error.map(|error| error.for_caller().to_string()),
            latency_ms: millis(since.elapsed()),
        });
    }
}

impl Drop for Account {
    /// The caller is gone: its place is free at once, and what had arrived is counted and charged off the path. Where
    /// the process is about to end there is no such path: the entry that is dropped is charged at its reservation.
    fn drop(&mut self) {
        let Some(entry) = self.entry.take() else { return };
        self.reservation.release_concurrency();
        if self.left || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let account = Self {
            gateway: self.gateway.clone(),
            asked: self.asked.clone(),
            arrived: self.arrived,
            id: self.id,
            entry: Some(entry),
            bound: self.bound,
            reservation: self.reservation.clone(),
            attempts: std::mem::take(&mut self.attempts),
            current: self.current.take(),
            first_content: self.first_content,
            answer: std::mem::take(&mut self.answer),
            sight: self.sight.clone(),
            objects: std::mem::take(&mut self.objects),
            answering: self.answering,
            left: true,
        };
        self.gateway.spawn(account.abandoned());
    }
}

/// What an operation puts out.
fn output_meter(kind: OperationKind) -> Meter {
    match kind {
        OperationKind::Images => Meter::OutputImage,
        OperationKind::Speak => Meter::OutputAudio,
        _ => Meter::Output,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
