//! What the gateway has to say of a call, in headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_core::chat::CallInfo;

use super::surface::X_REQUEST_ID;
use crate::limits::{RateLeft, RateLimits};
use crate::routing::Deployment;

/// The headers of an answer. `call` is known where the answer is whole.
pub(crate) fn describe(
    id: &str,
    deployment: &Deployment,
    attempts: usize,
    dropped: &[String],
    limits: &RateLimits,
    headers: &mut HeaderMap,
) {
    set(headers, X_REQUEST_ID, id);
    set(headers, HeaderName::from_static("x-llm-provider"), &deployment.provider_id);
    set(headers, HeaderName::from_static("x-llm-deployment"), &deployment.id);
    headers.insert(HeaderName::from_static("x-llm-attempts"), attempts.into());
    if !dropped.is_empty() {
        set(headers, HeaderName::from_static("x-llm-dropped-params"), &dropped.join(","));
    }
    rate(&limits.requests, ["limit-requests", "remaining-requests", "reset-requests"], headers);
    rate(&limits.tokens, ["limit-tokens", "remaining-tokens", "reset-tokens"], headers);
}

/// What the call came to.
pub(crate) fn cost(info: &CallInfo, headers: &mut HeaderMap) {
    if let Some(cost) = info.cost_usd {
        set(headers, HeaderName::from_static("x-llm-cost-usd"), &cost.to_string());
    }
}

fn rate(left: &Option<RateLeft>, names: [&str; 3], headers: &mut HeaderMap) {
    let Some(left) = left else { return };
    let [limit, remaining, reset] = names.map(|name| HeaderName::from_bytes(format!("x-ratelimit-{name}").as_bytes()));
    let mut say = |name: Result<HeaderName, _>, value: HeaderValue| {
        if let Ok(name) = name {
            headers.insert(name, value);
        }
    };
    say(limit, left.limit.into());
    say(remaining, left.remaining.into());
    if let Some(wait) = left.reset_after {
        // As OpenAI writes it: `6ms`, `1.5s`.
        let text = if wait.as_secs() == 0 { format!("{}ms", wait.as_millis()) } else { format!("{}s", wait.as_secs()) };
        if let Ok(value) = HeaderValue::from_str(&text) {
            say(reset, value);
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    // Model names may hold what a header can't.
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
