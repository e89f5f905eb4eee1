//! A request on its way to a provider.

use bytes::Bytes;
use llm_core::chat::ChatRequest;
use llm_core::codec::{DecodeContext, Encoded, Target, Unsupported};
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::super::{PROTOCOL, tier};
use super::{format, messages_out, thinking, tools};
use crate::protocols::{end_user, openai_members};
use crate::registry::template;

/// The path below the base URL.
pub(in super::super) const PATH: &str = "/chat/completions";

/// What is to be known of the protocol beside a row, where it is one that is nearly this one.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocols) struct Dialect {
    /// Whether the request came in another protocol.
    pub(in crate::protocols) is_foreign: bool,
    /// Whether the results of tools may hold media.
    pub(in crate::protocols) results_hold_media: bool,
}

/// Writes a request as the target's row takes it.
pub(in super::super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded> {
    let dialect = Dialect { is_foreign: request.native.is_foreign_to(PROTOCOL), results_hold_media: false };
    encode_with(request, target, dialect, |_| ())
}

/// The same for a protocol that is nearly this one: `last` changes what differs.
pub(in super::super) fn encode_with(
    request: &ChatRequest,
    target: &Target<'_>,
    dialect: Dialect,
    last: impl FnOnce(&mut Map<String, Value>),
) -> Result<Encoded> {
    let mut unsupported = Unsupported::new(request.unsupported, target.provider).for_caller(&request.native);
    let mut out = request.native.object(PROTOCOL);
    out.insert("model".to_owned(), json!(target.model));
    out.insert("messages".to_owned(), messages_out::write(&request.messages, target, dialect, &mut unsupported)?);
    write_sampling(request, dialect, &mut out);
    tools::write(&request.tools, target, &mut unsupported, &mut out)?;
    if let Some(choice) = &request.tool_choice {
        tools::write_choice(choice, &mut unsupported, &mut out)?;
    }
    if let Some(format) = &request.response_format {
        format::write(format, target.quirks, &mut unsupported, &mut out)?;
    }
    if let Some(options) = &request.reasoning {
        thinking::write(options, target, &mut unsupported, &mut out)?;
    }
    write_stream(target, &mut out);
    let said = openai_members::write(request, PROTOCOL, target.quirks, &mut out);
    fit(request, target, dialect, &mut unsupported, &mut out)?;
    last(&mut out);
    unsupported.documents(&request.messages)?;
    unsupported.foreign_beside(&request.native, PROTOCOL, &said)?;
    let body = serde_json::to_vec(&out)
        .map_err(|error| Error::new(ErrorKind::Internal, "the request can't be written").with_source(error))?;
    let mut encoded = Encoded::post(PATH, Bytes::from(body), DecodeContext::new(target));
    encoded.dropped = unsupported.into_dropped();
    Ok(encoded)
}

fn write_sampling(request: &ChatRequest, dialect: Dialect, out: &mut Map<String, Value>) {
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    set("temperature", request.temperature.map(number));
    set("top_p", request.top_p.map(number));
    set("top_k", request.top_k.map(Value::from));
    set("seed", request.seed.map(Value::from));
    set("presence_penalty", request.presence_penalty.map(number));
    set("frequency_penalty", request.frequency_penalty.map(number));
    set("n", request.n.map(Value::from));
    set("logprobs", request.logprobs.map(Value::from));
    set("top_logprobs", request.top_logprobs.map(Value::from));
    set("parallel_tool_calls", request.parallel_tool_calls.map(Value::from));
    let user = request.user.as_deref().map(|user| end_user::fitting(user, dialect.is_foreign));
    set("user", user.as_deref().map(Value::from));
    set("metadata", request.metadata.clone().map(Value::Object));
    let own = request.native.is_from(PROTOCOL);
    let tier = request.service_tier.as_deref();
    set("service_tier", tier.map(|tier| if own { tier } else { tier::of_request(tier) }.into()));
    match request.stop.as_slice() {
        [] => {}
        [text] if out.get("stop").is_some_and(Value::is_string) => {
            out.insert("stop".to_owned(), json!(text));
        }
        texts => {
            out.insert("stop".to_owned(), json!(texts));
        }
    }
    if let Some(tokens) = request.max_tokens {
        let spelled =
            ["max_completion_tokens", "max_tokens"].into_iter().find(|name| out.get(*name) == Some(&json!(0)));
        out.insert(spelled.unwrap_or("max_completion_tokens").to_owned(), json!(tokens));
    }
}

/// Whole numbers without a fraction, as people write them.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    match value.fract() == 0.0 && value.abs() < 1e15 {
        true => Value::from(value as i64),
        false => Value::from(value),
    }
}

/// Usage is always asked for: what a call costs must be known.
fn write_stream(target: &Target<'_>, out: &mut Map<String, Value>) {
    if !target.stream {
        out.remove("stream_options");
        if out.get("stream") == Some(&json!(true)) {
            out.remove("stream");
        }
        return;
    }
    out.insert("stream".to_owned(), json!(true));
    if target.quirks.no_stream_options {
        out.remove("stream_options");
        return;
    }
    let mut options = match out.remove("stream_options") {
        Some(Value::Object(options)) => options,
        _ => Map::new(),
    };
    options.insert("include_usage".to_owned(), json!(true));
    out.insert("stream_options".to_owned(), Value::Object(options));
}

/// Whether the value of a parameter asks for what every provider does unasked.
fn asks_nothing(name: &str, value: &Value) -> bool {
    let is_usual = match name {
        "n" => value.as_u64() == Some(1),
        "logprobs" | "store" => value == &json!(false),
        "parallel_tool_calls" => value == &json!(true),
        "presence_penalty" | "frequency_penalty" | "top_logprobs" => value.as_f64() == Some(0.0),
        "modalities" => value == &json!(["text"]),
        "logit_bias" | "metadata" => value.as_object().is_some_and(Map::is_empty),
        "service_tier" => value.as_str().is_some_and(tier::is_default),
        _ => false,
    };
    is_usual || value.is_null()
}

/// Makes the body fit the row: what it refuses, what it counts, what it calls otherwise.
fn fit(
    request: &ChatRequest,
    target: &Target<'_>,
    dialect: Dialect,
    unsupported: &mut Unsupported<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let quirks = target.quirks;
    for name in &quirks.refuse {
        let Some(value) = out.get(name) else { continue };
        if asks_nothing(name, value) {
            // Hosts know these words, if only in this sense.
            if !matches!(name.as_str(), "n" | "logprobs" | "parallel_tool_calls") {
                out.remove(name);
            }
            continue;
        }
        let is_hint = match name.as_str() {
            "user" => end_user::is_unasked(request),
            name => dialect.is_foreign && name.starts_with("prompt_cache_"),
        };
        unsupported.hint(name, is_hint, "the provider has no such parameter")?;
        out.remove(name);
    }
    if quirks.logprobs_number && out.get("logprobs") == Some(&json!(true)) {
        let alternatives = out.remove("top_logprobs").unwrap_or_else(|| json!(1));
        out.insert("logprobs".to_owned(), alternatives);
    }
    for (ours, theirs) in &quirks.rename {
        if let Some(value) = out.remove(ours) {
            out.insert(theirs.clone(), value);
        }
    }
    if quirks.tool_choice_option && out.get("tool_choice").is_some_and(Value::is_string) {
        let word = out.remove("tool_choice").unwrap_or_default();
        out.insert("tool_choice_option".to_owned(), word);
    }
    for (name, template) in &quirks.members {
        let value = template::fill(template, |variable| target.variables.get(variable).cloned());
        let value = value.map_err(|variable| {
            let message = format!("`{name}` of every request to `{}` needs the variable `{variable}`", target.provider);
            Error::new(ErrorKind::MissingCredential, message)
        })?;
        out.insert(name.clone(), json!(value));
    }
    Ok(())
}
