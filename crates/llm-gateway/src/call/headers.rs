//! What the gateway has to say of a call, in headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_core::chat::CallInfo;

use crate::limits::{RateLeft, RateLimits};
use crate::routing::Deployment;

/// As many as an answer has, with those of HTTP itself.
const MOST: usize = 20;

/// How an answer came about, and what is left of the key's limits.
pub(crate) fn describe(
    deployment: &Deployment,
    attempts: usize,
    dropped: &[String],
    limits: &RateLimits,
    headers: &mut HeaderMap,
) {
    headers.reserve(MOST);
    set(headers, HeaderName::from_static("x-llm-provider"), &deployment.provider_id);
    set(headers, HeaderName::from_static("x-llm-deployment"), &deployment.id);
    headers.insert(HeaderName::from_static("x-llm-attempts"), attempts.into());
    if !dropped.is_empty() {
        set(headers, HeaderName::from_static("x-llm-dropped-params"), &dropped.join(","));
    }
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
