//! A request in, the body that says it to a provider out.

use std::collections::BTreeSet;

use llm_core::chat::ChatRequest;
use llm_core::codec::{DecodeContext, Encoded, Target, Unsupported};
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::super::ME;
use super::super::block::Asking;
use super::super::model::Family;
use super::{messages, options, tools};
use crate::protocols::end_user::{self, SAFETY_IDENTIFIER};
use crate::protocols::path;

/// The request on the wire.
pub(crate) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut unsupported = Unsupported::new(request.unsupported, target.provider).for_caller(&request.native);
    let mut body = request.native.object(ME);
    let mut asking = Asking { target, unsupported: &mut unsupported, names: BTreeSet::new() };
    messages::write(request, &mut asking, &mut body)?;
    sampling(request, &mut body);
    tools::write(request, &mut unsupported, &mut body)?;
    options::write(request, target, &mut unsupported, &mut body)?;
    refuse_unknown(request, target, &mut unsupported, &mut body)?;
    unsupported.foreign_beside(&request.native, ME, &[SAFETY_IDENTIFIER])?;
    quirks(target, &mut unsupported, &mut body)?;
    let bytes = serde_json::to_vec(&body)
        .map_err(|error| Error::new(ErrorKind::Internal, "a request has no JSON form").with_source(error))?;
    let method = if target.stream { "converse-stream" } else { "converse" };
    let place = format!("/model/{}/{method}", path::segment(target.model));
    let mut encoded = Encoded::post(place, bytes.into(), DecodeContext::new(target));
    encoded.dropped = unsupported.into_dropped();
    Ok(encoded)
}

fn sampling(request: &ChatRequest, body: &mut Map<String, Value>) {
    let (said, mut config) = match body.shift_remove("inferenceConfig") {
        Some(Value::Object(config)) => (true, config),
        _ => (false, Map::new()),
    };
    let numbers = [("temperature", request.temperature), ("topP", request.top_p)];
    if let Some(tokens) = request.max_tokens {
        config.insert("maxTokens".to_owned(), tokens.into());
    }
    for (name, number) in numbers {
        if let Some(number) = number {
            config.insert(name.to_owned(), number.into());
        }
    }
    if !request.stop.is_empty() {
        config.insert("stopSequences".to_owned(), json!(request.stop));
    }
    if said || !config.is_empty() {
        body.insert("inferenceConfig".to_owned(), config.into());
    }
}

/// What Bedrock has no member for. A value that asks for nothing is no request.
fn refuse_unknown(
    request: &ChatRequest,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    body: &mut Map<String, Value>,
) -> Result<()> {
    let set = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    let table = [
        ("seed", request.seed.is_some(), "it has no repeatable sampling"),
        ("presence_penalty", set(request.presence_penalty), "it has no penalties"),
        ("frequency_penalty", set(request.frequency_penalty), "it has no penalties"),
        ("n", request.n.is_some_and(|n| n != 1), "it answers with one message a call"),
        ("logprobs", request.logprobs == Some(true), "it has no log probabilities"),
        ("top_logprobs", request.top_logprobs.is_some_and(|top| top > 0), "it has no log probabilities"),
        ("parallel_tool_calls", request.parallel_tool_calls == Some(false), "it has no such switch"),
    ];
    for (name, _, why) in table.iter().filter(|(_, is_set, _)| *is_set) {
        unsupported.param(name, why)?;
    }
    end_user::lack(request, unsupported, "it knows no end users, only labels of a request")?;
    if let Some(top_k) = request.top_k {
        match Family::of(target.model) {
            Family::Claude => more(body, &["top_k"], top_k.into()),
            Family::Nova => more(body, &["inferenceConfig", "topK"], top_k.into()),
            Family::GptOss | Family::Other => {
                unsupported.param("top_k", "it depends on the model, and nothing is known of this one")?;
            }
        }
    }
    Ok(())
}

/// Sets a parameter that only a family of models knows, at a path of members.
pub(super) fn more(body: &mut Map<String, Value>, path: &[&str], value: Value) {
    let mut place = body;
    let Some((last, path)) = path.split_last() else { return };
    for name in std::iter::once(&"additionalModelRequestFields").chain(path) {
        let next = place.entry(*name).or_insert_with(|| Map::new().into());
        if !next.is_object() {
            *next = Map::new().into();
        }
        let Value::Object(next) = next else { return };
        place = next;
    }
    place.insert((*last).to_owned(), value);
}

/// A row's refused and renamed members, which may stand at the top or in `inferenceConfig`.
fn quirks(target: &Target<'_>, unsupported: &mut Unsupported<'_>, body: &mut Map<String, Value>) -> Result<()> {
    for name in &target.quirks.refuse {
        let at_top = body.shift_remove(name);
        let config = body.get_mut("inferenceConfig").and_then(Value::as_object_mut);
        if at_top.or(config.and_then(|config| config.shift_remove(name))).is_some() {
            unsupported.param(name, "the provider does not take it")?;
        }
    }
    for (name, theirs) in &target.quirks.rename {
        if let Some(value) = body.shift_remove(name) {
            body.insert(theirs.clone(), value);
        } else if let Some(config) = body.get_mut("inferenceConfig").and_then(Value::as_object_mut)
            && let Some(value) = config.shift_remove(name)
        {
            config.insert(theirs.clone(), value);
        }
    }
    Ok(())
}
