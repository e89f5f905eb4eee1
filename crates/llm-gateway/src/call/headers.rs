//! What the gateway has to say of a call, in headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_core::chat::CallInfo;
use llm_core::codec::Encoded;

use crate::limits::{RateLeft, RateLimits};
use crate::routing::Deployment;

/// In what a request as it was sent is another than the one that was asked.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    /// Parameters that were left out.
    pub(crate) dropped: Vec<String>,
    /// Parameters that something else stood in for.
    pub(crate) emulated: Vec<String>,
}

impl Departures {
    pub(crate) fn of(encoded: Encoded) -> Self {
        Self { emulated: encoded.context.emulated_params(), dropped: encoded.dropped }
    }

    /// Notes that a parameter came to nothing.
    pub(crate) fn leave_out(&mut self, param: &str) {
        if !self.dropped.iter().any(|dropped| dropped == param) {
            self.dropped.push(param.to_owned());
        }
    }
}

/// As many as an answer has, with those of HTTP itself.
const MOST: usize = 20;

/// How an answer came about, and what is left of the key's limits.
pub(crate) fn describe(
    deployment: &Deployment,
    attempts: usize,
    departures: &Departures,
    limits: &RateLimits,
    headers: &mut HeaderMap,
) {
    headers.reserve(MOST);
    set(headers, HeaderName::from_static("x-llm-provider"), &deployment.provider_id);
    set(headers, HeaderName::from_static("x-llm-deployment"), &deployment.id);
    headers.insert(HeaderName::from_static("x-llm-attempts"), attempts.into());
    let lists = [("x-llm-dropped-params", &departures.dropped), ("x-llm-emulated-params", &departures.emulated)];
    for (name, params) in lists.into_iter().filter(|(_, params)| !params.is_empty()) {
        set(headers, HeaderName::from_static(name), &params.join(","));
    }
    rate_limits(limits, headers);
}

/// What is left of the limits that apply.
pub(crate) fn rate_limits(limits: &RateLimits, headers: &mut HeaderMap) {
    rate(limits.requests, &REQUESTS, headers);
    rate(limits.tokens, &TOKENS, headers);
}

/// `x-ratelimit-*` of one kind of limit: its amount, what is left, and when it is whole again.
struct RateNames([HeaderName; 3]);

static REQUESTS: RateNames = RateNames([
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
]);
static TOKENS: RateNames = RateNames([
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
]);

/// What the call came to.
pub(crate) fn cost(info: &CallInfo, headers: &mut HeaderMap) {
    if let Some(cost) = info.cost_usd {
        set(headers, HeaderName::from_static("x-llm-cost-usd"), &cost.to_string());
    }
}

fn rate(left: Option<RateLeft>, RateNames([limit, remaining, reset]): &RateNames, headers: &mut HeaderMap) {
    let Some(left) = left else { return };
    headers.insert(limit.clone(), left.limit.into());
    headers.insert(remaining.clone(), left.remaining.into());
    if let Some(wait) = left.reset_after {
        // As OpenAI writes it: `6ms`, `15s`.
        let text = if wait.as_secs() == 0 { format!("{}ms", wait.as_millis()) } else { format!("{}s", wait.as_secs()) };
        set(headers, reset.clone(), &text);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    // Model names may hold what a header can't.
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
