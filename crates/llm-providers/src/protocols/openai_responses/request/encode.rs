//! A request on its way to a provider.

use bytes::Bytes;
use llm_core::chat::ChatRequest;
use llm_core::codec::{DecodeContext, Encoded, Target, Unsupported};
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::super::PROTOCOL;
use super::{format, input_out, options, tools};
use crate::protocols::openai_chat::tier;
use crate::protocols::{end_user, openai_members};

/// The path below the base URL.
pub(in super::super) const PATH: &str = "/responses";

/// Writes a request as the target's row takes it.
pub(in super::super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
    let mut unsupported = Unsupported::new(request.unsupported, target.provider).for_caller(&request.native);
    let mut out = request.native.object(PROTOCOL);
    out.insert("model".to_owned(), json!(target.model));
    input_out::write(request, target, &mut unsupported, &mut out)?;
    options::write_truncation(&mut out);
    refuse(request, &mut unsupported)?;
    write_sampling(request, &mut out);
    tools::write(&request.tools, target, &mut unsupported, &mut out)?;
    if let Some(choice) = &request.tool_choice {
        tools::write_choice(choice, &mut unsupported, &mut out)?;
    }
    if let Some(format) = &request.response_format {
        format::write(format, target.quirks, &mut unsupported, &mut out)?;
    }
    if let Some(reasoning) = &request.reasoning {
        options::write_reasoning(reasoning, target, &mut unsupported, &mut out)?;
    }
    if target.stream {
        out.insert("stream".to_owned(), json!(true));
    } else if out.get("stream") == Some(&json!(true)) {
        out.remove("stream");
        out.remove("stream_options");
    }
    unsupported.documents(&request.messages)?;
    let said = openai_members::write(request, PROTOCOL, target.quirks, &mut out);
    fit(request, target, &mut unsupported, &mut out)?;
    unsupported.foreign_beside(&request.native, PROTOCOL, &said)?;
    let body = serde_json::to_vec(&out)
        .map_err(|error| Error::new(ErrorKind::Internal, "the request can't be written").with_source(error))?;
    let mut encoded = Encoded::post(PATH, Bytes::from(body), DecodeContext::new(target));
    encoded.dropped = unsupported.into_dropped();
    Ok(encoded)
}

/// Says by name what this protocol has no parameter for. Values that ask for nothing are passed over.
fn refuse(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<()> {
    let asks = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
    let missing = [
        ("top_k", request.top_k.is_some()),
        ("stop", !request.stop.is_empty()),
        ("seed", request.seed.is_some()),
        ("presence_penalty", asks(request.presence_penalty)),
        ("frequency_penalty", asks(request.frequency_penalty)),
        ("n", request.n.is_some_and(|n| n != 1)),
    ];
    for (name, _) in missing.into_iter().filter(|(_, is_set)| *is_set) {
        unsupported.param(name, "the protocol has no such parameter")?;
    }
    Ok(())
}

fn write_sampling(request: &ChatRequest, out: &mut Map<String, Value>) {
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    set("max_output_tokens", request.max_tokens.map(Value::from));
    set("temperature", request.temperature.map(Value::from));
    set("top_p", request.top_p.map(Value::from));
    set("top_logprobs", request.top_logprobs.map(Value::from));
    set("parallel_tool_calls", request.parallel_tool_calls.map(Value::from));
    let is_foreign = request.native.is_foreign_to(PROTOCOL);
    let user = request.user.as_deref().map(|user| end_user::fitting(user, is_foreign));
    set("user", user.as_deref().map(Value::from));
    set("metadata", request.metadata.clone().map(Value::Object));
    let own = request.native.is_from(PROTOCOL);
    let tier = request.service_tier.as_deref();
    set("service_tier", tier.map(|tier| if own { tier } else { tier::of_request(tier) }.into()));
}

/// Makes the body fit the row: what it refuses, what it calls otherwise.
fn fit(
    request: &ChatRequest,
    target: &Target<'_>,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    for name in &target.quirks.refuse {
        // What is said to be off is not asked for.
        if out.get(name).is_some_and(|value| *value == false) {
            out.remove(name);
        }
        if out.get(name).is_some_and(|value| !value.is_null()) {
            let is_hint = name == "user" && end_user::is_unasked(request);
            unsupported.hint(name, is_hint, "the provider has no such parameter")?;
            out.remove(name);
        }
    }
    for (ours, theirs) in &target.quirks.rename {
        if let Some(value) = out.remove(ours) {
            out.insert(theirs.clone(), value);
        }
    }
    Ok(())
}
