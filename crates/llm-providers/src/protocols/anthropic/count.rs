//! `POST /v1/messages/count_tokens`: a request of Messages without what concerns the answer.

use bytes::Bytes;
use llm_core::codec::{
    AnswerContext, DecodeContext, Edits, Encoded, Host, Observed, Observer, Passthrough, RequestHead, Skim, Target,
};
use llm_core::fields::Fields;
use llm_core::operation::Asks;
use llm_core::token_count::{CountAnswer, CountRequest, CountTokens};
use llm_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{Anthropic, AnthropicApi, ME, error, host, request};
use crate::protocols::body::answer_object;
use crate::protocols::speaks::speaks;
use crate::protocols::splice::Splice;

const PATH: &str = "/v1/messages/count_tokens";
/// What concerns the answer alone, and is refused here.
const ANSWER_ONLY: [&str; 8] =
    ["max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier"];

fn encode_request(request: &CountRequest, target: &Target<'_>) -> Result<Encoded> {
    if target.quirks.host != Host::Own {
        let message = format!("`{}` does not count tokens for Anthropic's models", target.provider);
        return Err(Error::new(ErrorKind::NotImplemented, message));
    }
    let mut encoded = request::encode(&request.0, &Target { stream: false, ..*target })?;
    let Ok(Value::Object(mut members)) = serde_json::from_slice(&encoded.body) else { return Ok(encoded) };
    members.retain(|name, _| !ANSWER_ONLY.contains(&name.as_str()));
    encoded.body = Bytes::from(Value::Object(members).to_string());
    PATH.clone_into(&mut encoded.path);
    Ok(encoded)
}

fn decode_request(head: &RequestHead, body: &[u8]) -> Result<(CountRequest, AnswerContext)> {
    // Messages needs a bound that counting does not have.
    let mut splice = Splice::new(body)?;
    if splice.value("max_tokens").is_none() {
        splice.set("max_tokens", "0");
    }
    let (mut request, cx) = request::decode(head, &splice.finish())?;
    request.max_tokens = None;
    Ok((CountRequest(request), AnswerContext { stream: false, ..cx }))
}

fn decode_answer(cx: &DecodeContext, body: &[u8]) -> Result<CountAnswer> {
    let unreadable = || Error::bad_answer("the provider's answer has no `input_tokens`");
    let Ok(value @ Value::Object(_)) = serde_json::from_slice(body) else {
        return Err(unreadable().with_body(Bytes::copy_from_slice(body)));
    };
    let mut fields = Fields::at("", value)?;
    let input_tokens = fields.take_u64("input_tokens").ok_or_else(unreadable)?;
    let provider = cx.provider.clone();
    Ok(CountAnswer { input_tokens, provider, native: fields.into_native(ME), ..CountAnswer::default() })
}

speaks! {
    AnthropicApi: CountTokens, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, _head, body) decode_answer(cx, body),
    decode_request(head, body) decode_request(head, body),
    encode_answer(_cx, answer) {
        let mut object = answer_object(&answer.native, ME);
        object.set("input_tokens", json!(answer.input_tokens));
        Ok(object.bytes())
    },
    passthrough &Passing,
}

/// The bytes pass as those of Messages do; there is no usage to see.
struct Passing;

impl Passthrough for Passing {
    fn skim(&self, head: &RequestHead, body: &[u8]) -> Result<Skim> {
        let (request, _) = decode_request(head, body)?;
        Ok(request.skim())
    }
    fn edit(&self, body: &Bytes, edits: &Edits) -> Result<Bytes> {
        Passthrough::edit(&Anthropic, body, &Edits { model: edits.model.clone(), ..Edits::default() })
    }
    fn address(&self, target: &Target<'_>) -> Result<Encoded> {
        let mut encoded = host::address(target, None, Bytes::new())?;
        PATH.clone_into(&mut encoded.path);
        Ok(encoded)
    }
    fn observe(&self, body: &[u8]) -> Observed {
        Observed { complete: decode_answer(&DecodeContext::default(), body).is_ok(), ..Observed::default() }
    }
    fn observe_stream(&self, hide_usage: bool) -> Box<dyn Observer> {
        Passthrough::observe_stream(&Anthropic, hide_usage)
    }
}
