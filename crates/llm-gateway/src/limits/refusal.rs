//! Why a call was not admitted.

use std::sync::Arc;
use std::time::Duration;

use llm_core::{Error, ErrorKind};

use super::ledger::millis;
use super::slot::Slot;
use super::wire::Amount;
use super::{Limit, LimitMeter, LimitSpec, RateLeft, RateLimits, ScopeKind, Window};

/// What a refusal asks to wait where nobody can say when there is room: it depends on other calls' answers, or on when
/// the counters that replicas share can be reached again.
pub(super) const SHORT_WAIT: Duration = Duration::from_secs(1);

/// A limit that refused a call. Nothing was taken from any limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub(super) limit: Arc<Limit>,
    why: Why,
    spend_only: bool,
    /// When the limit is whole again.
    reset_after: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The model has no price, and this limit counts money.
    NotPriced,
    /// The call may use more than the limit has at all.
    TooLarge { needed: i64, remaining: i64 },
    /// The limit is used up, for now or for ever.
    UsedUp { needed: i64, remaining: i64, retry_after: Option<Duration> },
    /// The counters that replicas share can't be reached, and the limit is not to be guessed.
    Unknown,
}

impl Refusal {
    pub(super) fn new(slot: &mut Slot, why: Why, now: i64) -> Self {
        let status = slot.status(now);
        let spend_only = status.limit.spec.meter == LimitMeter::Spend && why != Why::NotPriced;
        let reset_after = status.resets_at.map(|at| millis(at.saturating_sub(now)));
        Self { limit: status.limit, why, spend_only, reset_after }
    }

    /// Of what was refused before and what is refused now, the one that waiting helps least.
    pub(super) fn graver(before: Option<Self>, next: Self) -> Self {
        let Some(before) = before else { return next };
        let gravity = |refusal: &Refusal| match refusal.why {
            Why::NotPriced => (3, Duration::ZERO),
            Why::TooLarge { .. } => (2, Duration::ZERO),
            Why::UsedUp { retry_after: None, .. } => (1, Duration::ZERO),
            Why::UsedUp { retry_after: Some(wait), .. } => (0, wait),
            Why::Unknown => (0, Duration::ZERO),
        };
        let spend_only = before.spend_only && next.spend_only;
        let graver = if gravity(&next) > gravity(&before) { next } else { before };
        Refusal { spend_only, ..graver }
    }

    /// What `x-ratelimit-*` says of it; none for limits on money and on concurrency, which have no such headers.
    pub fn rate_limits(&self) -> RateLimits {
        let spec = &self.limit.spec;
        let left = RateLeft { limit: spec.amount, remaining: self.remaining(), reset_after: self.reset_after };
        match spec.meter {
            LimitMeter::Requests => RateLimits { requests: Some(left), tokens: None },
            LimitMeter::Tokens | LimitMeter::InputTokens | LimitMeter::OutputTokens => {
                RateLimits { requests: None, tokens: Some(left) }
            }
            LimitMeter::Spend | LimitMeter::Concurrency => RateLimits::default(),
        }
    }

    /// The limit that refused; where several do, the one that is used up the longest.
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// How much of it is left, in its own unit.
    pub fn remaining(&self) -> i64 {
        match self.why {
            Why::NotPriced | Why::Unknown => 0,
            Why::TooLarge { remaining, .. } | Why::UsedUp { remaining, .. } => remaining,
        }
    }

    /// When the same call will fit, if nothing else is used meanwhile; none where waiting doesn't help.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.why {
            Why::UsedUp { retry_after, .. } => retry_after,
            Why::Unknown => Some(SHORT_WAIT),
            Why::NotPriced | Why::TooLarge { .. } => None,
        }
    }

    /// Whether nothing but spend is exhausted, so that an answer that costs nothing (a cached one) may still be given.
    pub fn is_spend_only(&self) -> bool {
        self.spend_only
    }

    fn message(&self) -> String {
        let Limit { scope, spec, .. } = &*self.limit;
        let meter = match spec.meter {
            LimitMeter::Spend => "budget",
            LimitMeter::Tokens => "limit on tokens",
            LimitMeter::InputTokens => "limit on input tokens",
            LimitMeter::OutputTokens => "limit on output tokens",
            LimitMeter::Requests => "limit on requests",
            LimitMeter::Concurrency => "limit on concurrent requests",
        };
        let whose = match scope.kind {
            ScopeKind::Organization => "the organization's",
            ScopeKind::Team => "the team's",
            ScopeKind::User => "the user's",
            ScopeKind::Key => "the key's",
            ScopeKind::EndUser => "the end user's",
            ScopeKind::Tag => "the tag's",
        };
        let window = match spec.window {
            Window::Total => String::new(),
            window => format!(" per {window}"),
        };
        let whose = match scope.kind.has_each() {
            true => format!("{whose} (`{}`)", scope.id),
            false => whose.to_owned(),
        };
        let limit = format!("{whose} {meter} of {}{window}", Amount::new(spec.meter, spec.amount));
        let amount = |amount| Amount::new(spec.meter, amount);
        match self.why {
            Why::NotPriced => format!("the model has no price, so it can't be called under {limit}"),
            Why::Unknown => format!(
                "{limit} can't be checked: the counters that replicas share can't be reached, and the limit says \
                 `fail = \"closed\"`"
            ),
            Why::TooLarge { needed, .. } => {
                format!("the call may use {}, which is more than {limit} allows at all", amount(needed))
            }
            Why::UsedUp { remaining, needed, .. } if spec.meter == LimitMeter::Concurrency => {
                format!("{limit} is reached: {} free, {} needed", amount(remaining), amount(needed))
            }
            Why::UsedUp { remaining, needed, .. } => {
                let free = self.retry_after().map_or_else(|| "; it does not reset".to_owned(), when);
                format!("{limit} is used up: {} left, the call may use {}{free}", amount(remaining), amount(needed))
            }
        }
    }
}

/// What helps where a model has no price.
const NOT_PRICED: &str = "call a model that has a price, or ask an administrator for one: a `price` of the deployment in \
    the configuration, or `llm-gateway price set PROVIDER:MODEL input=… output=…`";

/// What helps where a call may use more than a limit has at all.
fn too_large(spec: &LimitSpec) -> &'static str {
    match (spec.meter, spec.amount) {
        (LimitMeter::Spend, 0) => "this limit admits only what costs nothing",
        (_, 0) => "this limit admits no calls at all",
        (LimitMeter::Spend, _) => "shorten the prompt, ask for fewer tokens, or call a cheaper model",
        (LimitMeter::Tokens, _) => "shorten the prompt or ask for fewer tokens",
        (LimitMeter::InputTokens, _) => "shorten the prompt",
        (LimitMeter::OutputTokens, _) => "ask for fewer tokens",
        (LimitMeter::Requests | LimitMeter::Concurrency, _) => "this limit admits fewer calls than this one makes",
    }
}

/// When enough is free again, in the two largest units.
fn when(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
    match (hours, minutes) {
        (48.., _) => format!("; enough is free in {} d {} h", hours / 24, hours % 24),
        (0, 0) => format!("; enough is free in {seconds} s"),
        (0, minutes) => format!("; enough is free in {minutes} min {} s", seconds % 60),
        (hours, minutes) => format!("; enough is free in {hours} h {minutes} min"),
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match (refusal.why, refusal.limit.spec.meter) {
            (Why::NotPriced, _) => ErrorKind::ModelNotPriced,
            // Nothing is spent; asking again soon may help.
            (Why::Unknown, _) => ErrorKind::RateLimited,
            (_, LimitMeter::Spend) => ErrorKind::QuotaExceeded,
            _ => ErrorKind::RateLimited,
        };
        let mut error = Error::new(kind, refusal.message());
        match refusal.why {
            Why::NotPriced => error = error.with_hint(NOT_PRICED),
            Why::TooLarge { .. } => error = error.with_hint(too_large(&refusal.limit.spec)),
            Why::Unknown | Why::UsedUp { .. } => {}
        }
        match refusal.retry_after() {
            Some(wait) => error.with_retry_after(wait),
            None => error.hopeless(),
        }
    }
}
