//! A request in, the body that says it to a provider out.

use bytes::Bytes;
use llm_core::chat::ChatRequest;
use llm_core::codec::{Encoded, Target, Unsupported};
use llm_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::super::block::Asking;
use super::super::host::{self, BETA};
use super::super::{ME, version};
use super::{messages, options, tools};
use crate::protocols::end_user::{self, SAFETY_IDENTIFIER};

/// Anthropic requires a bound. Where the caller states none, the model's own applies, but no more than this, since
/// prompt and bound together must fit the window.
const MOST_ASSUMED: u64 = 32_000;
/// The bound where nothing is known of the model.
const ASSUMED: u64 = 4_096;

/// The request on the wire.
pub(crate) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
    let target = &version::chosen(target, request);
    let strict = version::is_strict(version::of(target));
    let mut unsupported = Unsupported::new(request.unsupported, target.provider).for_caller(&request.native);
    let mut body = request.native.object(ME);
    let betas = body.remove(BETA);
    let betas = betas.as_ref().and_then(Value::as_str);
    host::write(target, betas, &mut body);
    // In its place among the members; what it is depends on how much is thought.
    body.insert("max_tokens".to_owned(), Value::Null);
    messages::write(request, &mut Asking { target, strict, unsupported: &mut unsupported }, &mut body)?;
    tools::write(request, &mut unsupported, &mut body)?;
    options::write(request, target, &mut unsupported, &mut body)?;
    let budget = body.get("thinking").and_then(|thinking| thinking.get("budget_tokens")?.as_u64());
    body.insert("max_tokens".to_owned(), max_tokens(request, target, budget.unwrap_or(0)).into());
    sampling(request, strict, &mut unsupported, &mut body)?;
    refuse_unknown(request, &mut unsupported)?;
    unsupported.foreign_beside(&request.native, ME, &[SAFETY_IDENTIFIER])?;
    identity(request, &mut unsupported, &mut body)?;
    if !request.stop.is_empty() {
        body.insert("stop_sequences".to_owned(), json!(request.stop));
    }
    for name in &target.quirks.refuse {
        if body.contains_key(name) {
            unsupported.param(name, "the provider does not take it")?;
            body.remove(name);
        }
    }
    for (name, other) in &target.quirks.rename {
        if let Some(value) = body.remove(name) {
            body.insert(other.clone(), value);
        }
    }
    let bytes = serde_json::to_vec(&body).map_err(|error| Error::invalid_request("not JSON").with_source(error))?;
    let mut encoded = host::address(target, betas, Bytes::from(bytes))?;
    encoded.dropped = unsupported.into_dropped();
    Ok(encoded)
}

/// The caller's bound; else the model's where it is known, and never so low that a thinking budget fills it.
fn max_tokens(request: &ChatRequest, target: &Target<'_>, budget: u64) -> u64 {
    if let Some(tokens) = request.max_tokens {
        return tokens;
    }
    let most = target.max_output.unwrap_or(u64::MAX);
    let assumed = target.max_output.map_or(ASSUMED, |tokens| tokens.min(MOST_ASSUMED));
    if budget < assumed { assumed } else { budget.saturating_add(ASSUMED).min(most) }
}

fn sampling(
    request: &ChatRequest,
    strict: bool,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    const GONE: &str = "API version 2026-10-21 refuses it, even at its default";
    let floats = [("temperature", request.temperature), ("top_p", request.top_p)];
    for (name, value) in floats {
        let spelled_whole = body.remove(name).is_some_and(|hint| hint.is_u64() || hint.is_i64());
        let Some(value) = value else { continue };
        if strict {
            unsupported.param(name, GONE)?;
            continue;
        }
        body.insert(name.to_owned(), if spelled_whole { whole(value) } else { value.into() });
    }
    if let Some(top_k) = request.top_k {
        if strict {
            unsupported.param("top_k", GONE)?;
        } else {
            body.insert("top_k".to_owned(), top_k.into());
        }
    }
    Ok(())
}

/// A number without a fraction, spelled without one.
#[expect(clippy::cast_possible_truncation, reason = "only a number that an integer held comes here")]
fn whole(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { (value as i64).into() } else { value.into() }
}

/// What Anthropic has no member for. A value that asks for nothing is no request.
fn refuse_unknown(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<()> {
    if request.seed.is_some() {
        unsupported.param("seed", "it has no repeatable sampling")?;
    }
    if request.presence_penalty.is_some_and(|penalty| penalty != 0.0) {
        unsupported.param("presence_penalty", "it has no penalties")?;
    }
    if request.frequency_penalty.is_some_and(|penalty| penalty != 0.0) {
        unsupported.param("frequency_penalty", "it has no penalties")?;
    }
    if request.n.is_some_and(|n| n != 1) {
        unsupported.param("n", "it answers with one message a call")?;
    }
    if request.logprobs == Some(true) {
        unsupported.param("logprobs", "it has no log probabilities")?;
    }
    if request.top_logprobs.is_some_and(|top| top > 0) {
        unsupported.param("top_logprobs", "it has no log probabilities")?;
    }
    Ok(())
}

/// The end user, labels and the service tier.
fn identity(request: &ChatRequest, unsupported: &mut Unsupported<'_>, body: &mut Map<String, Value>) -> Result<()> {
    let mut user = end_user::of(request);
    if let Some(metadata) = &request.metadata {
        user = user.or_else(|| metadata.get("user_id")?.as_str());
        if metadata.iter().any(|(name, value)| name != "user_id" || !value.is_string()) {
            unsupported.param("metadata", "its `metadata` holds `user_id` only")?;
        }
    }
    if let Some(user) = user {
        let metadata = body.entry("metadata").or_insert_with(|| Map::new().into());
        if let Value::Object(metadata) = metadata {
            metadata.insert("user_id".to_owned(), user.into());
        }
    }
    if let Some(tier) = request.service_tier.as_deref() {
        let tier = match tier {
            _ if request.native.is_from(ME) => tier,
            "auto" | "standard_only" => tier,
            // The standard tier and no other, as OpenAI and Google say it.
            "default" | "standard" => "standard_only",
            _ => {
                return unsupported.param("service_tier", &format!("it has no tier `{tier}`"));
            }
        };
        body.insert("service_tier".to_owned(), tier.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
