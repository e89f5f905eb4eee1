//! What the stages of a call do with an operation's codecs: the same for every operation.

use std::sync::Arc;

use bytes::Bytes;
use llm_core::chat::CallInfo;
use llm_core::codec::{
    AnswerContext, DecodeContext, Edits, Encoded, Host, Observed, Passthrough, RequestHead, ResponseHead, Skim, Speaks,
    Target,
};
use llm_core::operation::{Answers, Asks, complete_usage};
use llm_core::{Error, Result};
use llm_providers::protocols::Spoken;
use llm_providers::stream::WholeDecoder;
use llm_providers::{Provider, framing};

use super::asked::Asked;
use super::relay::{Dialogue, Relay};
use super::surface::forward_headers;
use super::{other_models, own, stored};
use crate::routing::Deployment;

/// What routing and limits need to know of a request.
pub(super) fn skim<O: Spoken>(codec: &dyn Speaks<O>, head: &RequestHead, body: &[u8]) -> Result<Skim> {
    match codec.passthrough() {
        Some(passthrough) => passthrough.skim(head, body),
        None => {
            let (request, cx) = codec.decode_request(head, body)?;
            Ok(Skim { stream: cx.stream, include_usage: cx.include_usage, ..request.skim() })
        }
    }
}

/// The provider as it is spoken to for a surface's callers: in their own protocol where it has the operation there.
pub(super) fn spoken_by<'p, O: Spoken>(
    codec: &dyn Speaks<O>,
    provider: &'p Arc<Provider>,
) -> Result<&'p Arc<Provider>> {
    provider.having::<O>(codec.protocol())
}

/// A request as a deployment is sent it.
pub(super) struct Sent {
    pub(super) encoded: Encoded,
    /// Set where the bytes pass.
    pub(super) passthrough: Option<&'static dyn Passthrough>,
    /// Whether usage was asked for that the caller did not ask for.
    pub(super) hide_usage: bool,
    /// What the answer must be written with.
    pub(super) answer: AnswerContext,
}

/// The caller's bytes with a few members edited where both speak the same dialect, else a translated request.
pub(super) fn encode<O: Spoken>(
    codec: &'static dyn Speaks<O>,
    asked: &Asked,
    deployment: &Deployment,
    provider: &Provider,
    cap_output: Option<u64>,
) -> Result<Sent> {
    if let Some(kept) = &asked.kept {
        let target = provider.target_of::<O>(&deployment.model, asked.skim.stream, "");
        let (mut encoded, passthrough) = (kept.encode(asked, &target), codec.passthrough());
        forward_headers(&asked.head.headers, &provider.row().forward_headers, &mut encoded.headers);
        return Ok(Sent { encoded, passthrough, hide_usage: false, answer: asked.answer_context(None) });
    }
    let upstream = provider.codec::<O>()?;
    // Ids of tool calls are made from it, and OpenAI takes none of more than 40 characters.
    let seed = asked.id.to_string().replace('-', "");
    let target = Target {
        max_output: deployment.max_output,
        ..provider.target_of::<O>(&deployment.model, asked.skim.stream, &seed)
    };
    let row = provider.row();
    // In another cloud, the URL, the body and the framing of streams are others.
    let same_dialect = upstream.protocol() == codec.protocol() && target.quirks.host == Host::Own;
    let is_form = asked.body.starts_with(b"--");
    let passes = same_dialect
        && target.quirks.members.is_empty()
        && !target.quirks.int8_vectors
        && !(is_form && target.quirks.image_edits_json);
    let touched = || target.quirks.rename.keys().chain(&target.quirks.refuse).any(|name| says(&asked.body, name));
    if passes
        && let Some(passthrough) = codec.passthrough()
        && !touched()
        && passthrough.can_pass(&target, &asked.head, &asked.body)
    {
        let ask_usage = asked.skim.stream && !asked.skim.include_usage && !target.quirks.no_stream_options;
        let edits = Edits {
            model: (asked.skim.model != deployment.model).then(|| deployment.model.clone()),
            ask_usage,
            cap_output,
            cap_name: target.quirks.rename.get("max_completion_tokens").cloned(),
        };
        let mut encoded = passthrough.address(&target)?;
        passthrough.follow(&asked.head, &mut encoded);
        encoded.body = passthrough.edit(&asked.body, &edits)?;
        other_models::refuse(provider, &encoded.headers, &encoded.body)?;
        encoded.dropped.extend(own::left_undone(asked, provider));
        forward_headers(&asked.head.headers, &row.forward_headers, &mut encoded.headers);
        let answer = asked.answer_context(None);
        return Ok(Sent { encoded, passthrough: Some(passthrough), hide_usage: ask_usage, answer });
    }
    let (mut request, mut answer) = codec.decode_request(&asked.head, &own::bridged(asked, provider))?;
    stored::were_checked(asked, &request.stored())?;
    own::echo(asked, provider, &mut answer.echo);
    if let Some(cap) = cap_output {
        request.cap_output(cap);
    }
    let mut encoded = upstream.encode_request(&request, &target)?;
    other_models::refuse(provider, &encoded.headers, &encoded.body)?;
    // Headers that name a protocol's version or features belong to the caller's protocol, not to the provider's.
    if same_dialect {
        forward_headers(&asked.head.headers, &row.forward_headers, &mut encoded.headers);
    }
    encoded.dropped.extend(own::left_undone(asked, provider));
    let answer = AnswerContext { echo: answer.echo, grouped: answer.grouped, ..asked.answer_context(answer.form) };
    Ok(Sent { encoded, passthrough: None, hide_usage: false, answer })
}

/// Whether a body may say what a row's quirk is about: a member of that name, wherever it stands, or for a dotted quirk
/// (`response_format.json_schema`) its last word. Rather too often than not at all: such a body is translated, which
/// reads it properly.
fn says(body: &[u8], quirk: &str) -> bool {
    let (word, is_dotted) = quirk.rsplit_once('.').map_or((quirk, false), |(_, last)| (last, true));
    let quoted = format!("\"{word}\"");
    memchr::memmem::find_iter(body, quoted.as_bytes()).any(|at| {
        let rest = body.get(at + quoted.len()..).unwrap_or_default();
        // In a form, a member's name stands in a header line.
        is_dotted || matches!(rest.trim_ascii_start().first(), Some(b':')) || matches!(rest.first(), Some(b'\r' | b';'))
    })
}

/// A decoded answer on its way to the caller, whatever the operation.
pub(super) trait Said: Send {
    /// The answer on the wire, with what only the gateway knows of the call, and its `content-type`.
    fn write(self: Box<Self>, cx: &AnswerContext, info: CallInfo, dropped: Vec<String>) -> Result<(Bytes, String)>;
}

struct Answer<O: Spoken> {
    codec: &'static dyn Speaks<O>,
    answer: O::Answer,
}

impl<O: Spoken> Said for Answer<O> {
    fn write(mut self: Box<Self>, cx: &AnswerContext, info: CallInfo, dropped: Vec<String>) -> Result<(Bytes, String)> {
        self.answer.set_call(info);
        self.answer.add_dropped(dropped);
        let content_type = self.codec.content_type(cx, &self.answer).into_owned();
        Ok((self.codec.encode_answer(cx, &self.answer)?, content_type))
    }
}

/// Understands a whole answer of `deployment`.
pub(super) fn decode<O: Spoken>(
    codec: &'static dyn Speaks<O>,
    asked: &Asked,
    deployment: &Deployment,
    provider: &Provider,
    cx: &DecodeContext,
    head: &ResponseHead,
    body: &[u8],
) -> Result<(Observed, Box<dyn Said>)> {
    let mut answer = provider.codec::<O>()?.decode_answer(cx, head, body)?;
    answer.set_provider(&deployment.provider_id);
    if answer.model().is_empty() {
        answer.set_model(&deployment.model);
    }
    let usage = answer.usage().cloned();
    let service_tier = answer.service_tier().map(str::to_owned);
    let observed = Observed { usage, service_tier, complete: true, ..Observed::default() };
    let mut observed = observed;
    // The same protocol on both sides, though the bytes don't pass: what is stored has the ids that the caller sees.
    if provider.codec::<O>()?.protocol() == codec.protocol()
        && let Some(passthrough) = codec.passthrough()
    {
        Observed { made: observed.made, pending: observed.pending, .. } = passthrough.observe(body);
    }
    complete_usage(&mut answer, &asked.skim.units);
    Ok((observed, Box::new(Answer { codec, answer })))
}

/// What an answer of status 2xx says that should have been a stream: mostly an error in plain JSON.
pub(super) fn not_a_stream<O: Spoken>(
    _: &dyn Speaks<O>,
    provider: &Provider,
    cx: &DecodeContext,
    head: &ResponseHead,
    body: Bytes,
) -> Error {
    match provider.codec::<O>().and_then(|codec| codec.decode_answer(cx, head, &body)) {
        Ok(_) => Error::bad_answer("the provider answered whole where a stream was asked for").with_body(body),
        Err(error) => error,
    }
}

/// The way of a stream from the provider to the caller.
pub(super) fn relay<O: Spoken>(
    codec: &'static dyn Speaks<O>,
    provider: &Provider,
    framer: Box<dyn framing::Framer>,
    content_type: &str,
    sent: &Sent,
    head: &ResponseHead,
) -> Result<Relay> {
    let encoder = codec.encode_stream(&sent.answer);
    let whole = WholeDecoder::new(provider.codec::<O>()?, &sent.encoded.context, head.clone());
    let sound = framing::is_sound(content_type).then_some(content_type);
    let cx = &sent.encoded.context;
    Ok(match sent.passthrough {
        Some(passthrough) => {
            let dialogue = Dialogue::<O>::new(None, encoder, whole);
            Relay::pass(framer, passthrough, sent.hide_usage, cx.no_done, sound, Box::new(dialogue))
        }
        None => {
            let decoder = provider.codec::<O>()?.decode_stream(cx);
            Relay::translate(framer, Box::new(Dialogue::<O>::new(Some(decoder), encoder, whole)))
        }
    })
}

/// All text of a request, as it is counted; none where it can't be read as more than bytes.
pub(super) fn text_of_request<O: Spoken>(codec: &dyn Speaks<O>, asked: &Asked) -> Option<String> {
    let (request, _) = codec.decode_request(&asked.head, &asked.body).ok()?;
    Some(Asks::text(&request))
}

/// All text of an answer of `provider`, as far as it came, as it is counted.
pub(super) fn text_of_answer<O: Spoken>(
    _: &dyn Speaks<O>,
    provider: &Provider,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<String> {
    let codec = provider.codec::<O>()?;
    let cx = DecodeContext::new(&provider.target_of::<O>("", true, ""));
    let Some(mut framer) = framing::for_content_type(content_type) else {
        return Ok(codec.decode_answer(&cx, &ResponseHead::default(), body)?.text());
    };
    let (mut decoder, mut chunks) = (codec.decode_stream(&cx), Vec::new());
    framer.push(body);
    // A stream that was cut ends somewhere in a frame: what came before it counts.
    while let Ok(Some(raw)) = framer.next_frame() {
        if decoder.decode(&raw.frame, &mut chunks).is_err() {
            break;
        }
    }
    while let Ok(Some(raw)) = framer.finish() {
        if raw.frame.event == framing::WHOLE {
            return Ok(codec.decode_answer(&cx, &ResponseHead::default(), raw.frame.data)?.text());
        }
    }
    Ok(O::text_of(&chunks))
}
