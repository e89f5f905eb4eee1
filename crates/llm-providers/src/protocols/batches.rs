//! Batches, as OpenAI, Anthropic and Mistral have them: made, looked at, listed, stopped, and their results line by line.

use bytes::Bytes;
use http::Method;
use llm_core::batch::{
    Batch, BatchAsk, BatchBody, BatchCall, BatchDraft, BatchList, BatchResult, Batches, BatchesAnswer, BatchesRequest,
};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{AnswerContext, DecodeContext, Frame, RequestHead, StreamDecoder, Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Native, Protocol, Result};
use serde_json::{Map, Value};

use super::files::page;
use super::stored::{self, Store, Told};

/// Where a call of a batch would go by itself, and its body, which was written in the provider's protocol before.
pub(super) fn written(call: &BatchCall) -> Result<(&str, &Value)> {
    match &call.call {
        BatchBody::Raw { endpoint, body } => Ok((endpoint, body)),
        _ => {
            let message = "a call of a batch was not written in the provider's protocol";
            Err(Error::new(ErrorKind::Internal, message))
        }
    }
}

/// What a draft says in `protocol` alone, whose batches hold their calls and nothing else that could be said of them.
pub(super) fn of_calls(draft: &BatchDraft, protocol: Protocol, target: &Target<'_>) -> Result<Map<String, Value>> {
    let mut unsupported = Unsupported::new(UnsupportedPolicy::Refuse, target.provider);
    unsupported.foreign(&draft.native, protocol)?;
    if draft.metadata.is_some() {
        unsupported.param("metadata", "its batches have no such thing")?;
    }
    if draft.input_file.is_some() {
        unsupported.param("input_file_id", "its batches hold their calls themselves")?;
    }
    Ok(draft.native.object(protocol))
}

/// The error of a provider whose batches stay.
pub(super) fn never_deleted(target: &Target<'_>) -> Error {
    let message = format!("provider `{}` does not delete batches", target.provider);
    Error::new(ErrorKind::NotImplemented, message)
}

/// The members of a line of results.
pub(super) fn members_of(line: &[u8]) -> Result<Map<String, Value>> {
    let unreadable = |error| Error::bad_answer("a line of a batch's results is not JSON").with_source(error);
    serde_json::from_slice(line).map_err(unreadable)
}

/// Reads an answer; none where it is not what the protocol answers with. `batch` reads one of them.
pub(super) fn decode_answer(
    store: &Store,
    cx: &DecodeContext,
    body: &[u8],
    batch: impl Fn(Map<String, Value>) -> Option<Batch>,
) -> Option<BatchesAnswer> {
    let answer = BatchesAnswer { provider: cx.provider.clone(), ..BatchesAnswer::default() };
    Some(match store.read(body)? {
        Told::One(members) => BatchesAnswer { batches: vec![batch(members)?], ..answer },
        Told::Page { items, has_more, rest } => {
            let batches = items.into_iter().filter_map(batch).collect();
            BatchesAnswer { batches, has_more, native: rest, ..answer }
        }
        Told::Deleted { id, rest } => BatchesAnswer { deleted: Some(id), native: rest, ..answer },
    })
}

/// Reads a request. `draft` reads a batch to be made, and `more` what only one protocol can be asked: by method, id, and
/// the verb behind the id.
pub(super) fn decode_request(
    store: &Store,
    head: &RequestHead,
    body: &[u8],
    draft: impl FnOnce(&[u8]) -> Result<BatchDraft>,
    more: impl FnOnce(&Method, String, &str) -> Option<BatchAsk>,
) -> Result<(BatchesRequest, AnswerContext)> {
    let mut native = Native::default();
    let ask = match (&head.method, store.named(head)) {
        (&Method::POST, None) => BatchAsk::Create(draft(body)?),
        (&Method::GET, None) => {
            let (limit, after, native) = store.asked(head)?;
            BatchAsk::List(BatchList { limit, after, native })
        }
        (&Method::GET, Some((id, verb))) if verb.is_empty() => BatchAsk::Get(id),
        (&Method::POST, Some((id, verb))) if verb == "cancel" => {
            if !body.trim_ascii().is_empty() {
                native = Fields::parse(body)?.into_native(store.protocol);
            }
            BatchAsk::Cancel(id)
        }
        (method, Some((id, verb))) => more(method, id, &verb).ok_or_else(|| stored::nothing(head))?,
        _ => return Err(stored::nothing(head)),
    };
    let form = matches!(ask, BatchAsk::List(_)).then(|| stored::PAGE.to_owned());
    Ok((BatchesRequest { model: String::new(), ask, native }, AnswerContext { form, ..AnswerContext::default() }))
}

/// Writes an answer that tells of batches; `foreign` writes one that came in another protocol.
pub(super) fn encode_answer(
    protocol: Protocol,
    cx: &AnswerContext,
    answer: &BatchesAnswer,
    foreign: impl Fn(&Batch) -> Value,
) -> Bytes {
    let written = |batch: &Batch| match batch.native.members(protocol) {
        Some(members) => Value::Object(members.clone()),
        None => foreign(batch),
    };
    match answer.batches.as_slice() {
        [batch] if !stored::is_page(cx) => Bytes::from(written(batch).to_string()),
        batches => page(protocol, &answer.native, answer.has_more, batches.iter().map(written).collect()),
    }
}

/// Reads results, a line each.
pub(super) struct Lines {
    pub(super) cx: DecodeContext,
    pub(super) read: fn(&DecodeContext, &[u8]) -> Result<BatchResult>,
}

impl StreamDecoder<Batches> for Lines {
    fn decode(&mut self, frame: &Frame<'_>, out: &mut Vec<BatchResult>) -> Result<()> {
        if !frame.data.trim_ascii().is_empty() {
            out.push((self.read)(&self.cx, frame.data)?);
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<BatchResult>) -> Result<()> {
        // Nothing in lines says that they are all there but the end of their body.
        Ok(())
    }
}
