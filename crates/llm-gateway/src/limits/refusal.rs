//! Why a call was not admitted.

use std::sync::Arc;
use std::time::Duration;

use llm_core::{Error, ErrorKind};

use super::wire::Amount;
use super::{Limit, LimitMeter, ScopeKind, Window};

/// What a refusal asks to wait where nobody can say when there is room: it depends on other calls' answers, or on when
/// the counters that replicas share can be reached again.
pub(super) const SHORT_WAIT: Duration = Duration::from_secs(1);

/// A limit that refused a call. Nothing was taken from any limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub(super) limit: Arc<Limit>,
    pub(super) why: Why,
    pub(super) spend_only: bool,
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
                format!("{limit} is used up: {} left, the call may use {}", amount(remaining), amount(needed))
            }
        }
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
            Why::NotPriced => error = error.with_hint("give the deployment a `price`, or call a model that has one"),
            Why::TooLarge { .. } => error = error.with_hint("shorten the prompt or ask for fewer tokens"),
            Why::Unknown => error = error.with_retry_after(SHORT_WAIT),
            Why::UsedUp { retry_after, .. } => {
                if let Some(wait) = retry_after {
                    error = error.with_retry_after(wait);
                }
            }
        }
        error
    }
}
