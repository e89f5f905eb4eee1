//! A request in, the path and body that say it to a provider out.

use bytes::Bytes;
use llm_core::chat::ChatRequest;
use llm_core::codec::{DecodeContext, Encoded, Target, Unsupported};
use llm_core::{Error, Result};
use serde_json::{Map, Value};

use super::super::name::{GENERATION_CONFIG, SERVICE_TIER};
use super::super::part::Asking;
use super::super::{ME, path};
use super::{config, contents, tools};
use crate::protocols::end_user::{self, SAFETY_IDENTIFIER};
use crate::protocols::openai_chat::tier;

/// The request on the wire.
pub(crate) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut unsupported = Unsupported::new(request.unsupported, target.provider).for_caller(&request.native);
    let mut body = request.native.object(ME);
    contents::write(request, &mut Asking::new(target, &mut unsupported), &mut body)?;
    tools::write(request, &mut unsupported, &mut body)?;
    let (spelled, kept) = GENERATION_CONFIG.remove(&mut body);
    let was_said = kept.is_some();
    let mut generation = match kept {
        Some(Value::Object(kept)) => kept,
        _ => Map::new(),
    };
    config::write(request, target, &mut unsupported, &mut generation)?;
    if was_said || !generation.is_empty() {
        body.insert(spelled.to_owned(), generation.into());
    }
    unsupported.documents(&request.messages)?;
    unsupported.foreign_beside(&request.native, ME, &[SAFETY_IDENTIFIER])?;
    identity(request, target, &mut unsupported, &mut body)?;
    for name in &target.quirks.refuse {
        if body.contains_key(name) {
            unsupported.param(name, "the provider does not take it")?;
            body.shift_remove(name);
        }
    }
    let bytes = serde_json::to_vec(&body).map_err(|error| Error::invalid_request("not JSON").with_source(error))?;
    let mut encoded = address(target, Bytes::from(bytes))?;
    encoded.dropped = unsupported.into_dropped();
    Ok(encoded)
}

/// A body on its way to the target.
pub(crate) fn address(target: &Target<'_>, body: Bytes) -> Result<Encoded> {
    let mut context = DecodeContext::new(target);
    // Only the end of the connection ends a stream.
    context.no_done = true;
    let mut encoded = Encoded::post(path::of(target)?, body, context);
    if target.stream {
        encoded.query.push(("alt".to_owned(), "sse".to_owned()));
    }
    Ok(encoded)
}

/// The end user, labels and the service tier.
fn identity(
    request: &ChatRequest,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    let own = request.native.is_from(ME);
    end_user::lack(request, unsupported, "it has no member for the end user")?;
    if let Some(labels) = &request.metadata {
        if own || (path::is_vertex(target) && labels.values().all(Value::is_string)) {
            body.insert("labels".to_owned(), labels.clone().into());
        } else {
            unsupported.param("metadata", "labels are texts, and exist on Vertex only")?;
        }
    }
    match request.service_tier.as_deref() {
        None => {}
        Some(tier) if own => SERVICE_TIER.set(body, tier),
        Some(word) if tier::is_default(word) => {}
        Some(tier @ ("flex" | "priority")) if !path::is_vertex(target) => SERVICE_TIER.set(body, tier),
        Some(tier) => unsupported.param("service_tier", &format!("it has no tier `{tier}`"))?,
    }
    Ok(())
}
