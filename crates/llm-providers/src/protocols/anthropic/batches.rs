//! `/v1/messages/batches`: calls in the request itself, results as lines.
//!
//! A call is `{custom_id, params}`; a line of the results `{custom_id, result: {type, message | error}}`, of type
//! `succeeded`, `errored`, `canceled` or `expired`. Source: Anthropic's API reference.

use bytes::Bytes;
use http::Method;
use llm_core::batch::{
    Batch, BatchAsk, BatchBody, BatchCall, BatchCounts, BatchDraft, BatchError, BatchResult, BatchState, Batches,
    BatchesAnswer, BatchesRequest,
};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{
    AnswerContext, DecodeContext, Downstream, Encoded, ErrorAnswer, Passthrough, RequestHead, ResponseHead, Speaks,
    StreamDecoder, StreamEncoder, Target, Trailer, Unsupported, Upstream,
};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Native, Protocol, Result};
use serde_json::{Map, Value, json};

use super::{AnthropicApi, ME, answer, error, files};
use crate::protocols::batches::{self, Lines};
use crate::protocols::body::answer_object;
use crate::protocols::stored::{self, Store};

const STORE: Store = Store { protocol: ME, path: "/v1/messages/batches", after: "after_id" };
/// Where a call of a batch would go by itself.
const ENDPOINT: &str = "/v1/messages";
/// The member that lists the calls; of a draft, what its calls hold beside what is understood, by `custom_id`.
const REQUESTS: &str = "requests";

fn create(draft: &BatchDraft, target: &Target<'_>) -> Result<Encoded> {
    let mut unsupported = Unsupported::new(UnsupportedPolicy::Refuse, target.provider);
    unsupported.foreign(&draft.native, ME)?;
    if draft.metadata.is_some() {
        unsupported.param("metadata", "its batches have no such thing")?;
    }
    if draft.input_file.is_some() {
        let why = "its batches hold their calls themselves";
        return Err(Error::unsupported("input_file_id", format_args!("`{}`", target.provider), why));
    }
    let mut members = draft.native.object(ME);
    let rest = members.shift_remove(REQUESTS).unwrap_or_default();
    let requests = draft.calls.iter().map(|BatchCall { custom_id, call }| {
        let BatchBody::Raw { body, .. } = call else {
            let message = "a call of a batch was not written in the provider's protocol";
            return Err(Error::new(ErrorKind::Internal, message));
        };
        let mut request = rest.get(custom_id).and_then(Value::as_object).cloned().unwrap_or_default();
        request.insert("custom_id".to_owned(), custom_id.as_str().into());
        request.insert("params".to_owned(), body.clone());
        Ok(Value::Object(request))
    });
    let requests = requests.collect::<Result<_>>()?;
    members.insert(REQUESTS.to_owned(), Value::Array(requests));
    Ok(Encoded::post(STORE.path, Bytes::from(Value::Object(members).to_string()), DecodeContext::new(target)))
}

fn batch(members: Map<String, Value>) -> Option<Batch> {
    let text = |name: &str| stored::text(&members, name);
    let counted = |name: &str| members.get("request_counts").and_then(|counts| counts.get(name)?.as_u64()).unwrap_or(0);
    let (completed, failed) = (counted("succeeded"), counted("errored") + counted("canceled") + counted("expired"));
    let id = text("id")?;
    let state = match text("processing_status")?.as_str() {
        // How each call ended is its own result's to say.
        "ended" if counted("canceled") > 0 && completed == 0 && counted("errored") == 0 => BatchState::Cancelled,
        "ended" => BatchState::Completed,
        "canceling" => BatchState::Cancelling,
        other => BatchState::from(other),
    };
    Some(Batch {
        results: if state.is_final() { vec![id.clone()] } else { Vec::new() },
        id,
        state,
        counts: BatchCounts { total: completed + failed + counted("processing"), completed, failed },
        input_file: None,
        native: Native::new(ME, members),
    })
}

/// Reads the answer to a deletion by what it lacks: only of a batch that is gone no state is said, in whatever words.
fn gone(cx: &DecodeContext, body: &[u8]) -> Option<BatchesAnswer> {
    let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let id = stored::text(&members, "id").filter(|_| !members.contains_key("processing_status"))?;
    let native = Native::new(ME, members);
    Some(BatchesAnswer { deleted: Some(id), provider: cx.provider.clone(), native, ..BatchesAnswer::default() })
}

/// Reads a line of results.
fn result(cx: &DecodeContext, line: &[u8]) -> Result<BatchResult> {
    let unreadable = |error| Error::bad_answer("a line of a batch's results is not JSON").with_source(error);
    let members: Map<String, Value> = serde_json::from_slice(line).map_err(unreadable)?;
    let mut fields = Fields::new(members);
    let custom_id = fields.take_text("custom_id").unwrap_or_default();
    let mut result = BatchResult { custom_id, ..BatchResult::default() };
    if let Some(mut told) = fields.take_object("result") {
        let kind = told.text("type").unwrap_or_default().to_owned();
        match told.take("message") {
            Some(message) => {
                let chat = answer::decode(cx, message.to_string().as_bytes())?;
                result.usage = chat.usage.clone();
                result.chat = Some(Box::new(chat));
                result.body = Some(message);
            }
            None => result.error = Some(BatchError(why(cx, &kind, told.get("error")))),
        }
        fields.put("result", Value::Object(told.into_members()));
    }
    result.native = fields.into_native(ME);
    Ok(result)
}

/// Why a call has no answer.
fn why(cx: &DecodeContext, kind: &str, said: Option<&Value>) -> Error {
    match said.and_then(Value::as_object) {
        // The error stands in an envelope of its own.
        Some(envelope) if envelope.get("error").is_some_and(Value::is_object) => error::in_answer(cx, envelope),
        Some(bare) => error::in_answer(cx, &Map::from_iter([("error".to_owned(), Value::Object(bare.clone()))])),
        None => {
            let message = match kind {
                "canceled" => "the batch was stopped before the call was answered",
                "expired" => "the batch's time was over before the call was answered",
                _ => "the call has no answer",
            };
            Error::new(ErrorKind::ProviderError, message).with_code(kind).with_provider(&cx.provider)
        }
    }
}

/// Writes results as lines.
struct Writer(AnswerContext);

impl StreamEncoder<Batches> for Writer {
    fn content_type(&self) -> &'static str {
        "application/x-jsonl"
    }

    fn encode(&mut self, result: &BatchResult, out: &mut Vec<u8>) -> Result<()> {
        let told = match (&result.chat, &result.error) {
            (Some(chat), _) => {
                let message: Value = serde_json::from_slice(&answer::encode(&self.0, chat)).map_err(|error| {
                    Error::new(ErrorKind::Internal, "an answer has no JSON form").with_source(error)
                })?;
                json!({"type": "succeeded", "message": message})
            }
            (None, Some(error)) => json!({"type": "errored", "error": error::body(&error.0)}),
            (None, None) => {
                let error = Error::bad_answer("the answer is none of Messages");
                json!({"type": "errored", "error": error::body(&error)})
            }
        };
        let line = json!({"custom_id": result.custom_id, "result": told});
        out.extend_from_slice(line.to_string().as_bytes());
        out.push(b'\n');
        Ok(())
    }

    fn finish(&mut self, _: &Trailer, _: &mut Vec<u8>) {}

    fn error(&mut self, _: &Error, _: &mut Vec<u8>) {
        // Lines have no place for it: the body breaks off.
    }
}

impl Upstream<Batches> for AnthropicApi {
    fn encode_request(&self, request: &BatchesRequest, target: &Target<'_>) -> Result<Encoded> {
        let mut encoded = match &request.ask {
            BatchAsk::Create(draft) => create(draft, target)?,
            BatchAsk::List(list) => STORE.page(list.limit, list.after.as_deref(), &list.native, target),
            BatchAsk::Get(id) => STORE.ask(Method::GET, Some(id), "", target),
            BatchAsk::Cancel(id) => STORE.stop(id, &request.native, target)?,
            BatchAsk::Delete(id) => STORE.ask(Method::DELETE, Some(id), "", target),
            BatchAsk::Results(id) => STORE.ask(Method::GET, Some(id), "/results", target),
        };
        files::headed(target, &mut encoded)?;
        Ok(encoded)
    }
    fn decode_answer(&self, cx: &DecodeContext, _: &ResponseHead, body: &[u8]) -> Result<BatchesAnswer> {
        let unreadable =
            || Error::bad_answer("the provider's answer is no batch").with_body(Bytes::copy_from_slice(body));
        batches::decode_answer(&STORE, cx, body, batch).or_else(|| gone(cx, body)).ok_or_else(unreadable)
    }
    fn decode_stream(&self, cx: &DecodeContext) -> Box<dyn StreamDecoder<Batches>> {
        Box::new(Lines { cx: cx.clone(), read: result })
    }
    fn decode_error(&self, cx: &DecodeContext, head: &ResponseHead, body: &[u8]) -> Error {
        error::decode(cx, head, body)
    }
}

impl Downstream<Batches> for AnthropicApi {
    fn decode_request(&self, head: &RequestHead, body: &[u8]) -> Result<(BatchesRequest, AnswerContext)> {
        let more = |method: &Method, id: String, verb: &str| match (method, verb) {
            (&Method::GET, "results") => Some(BatchAsk::Results(id)),
            (&Method::DELETE, "") => Some(BatchAsk::Delete(id)),
            _ => None,
        };
        batches::decode_request(&STORE, head, body, draft, more)
    }
    fn encode_answer(&self, cx: &AnswerContext, answer: &BatchesAnswer) -> Result<Bytes> {
        if let Some(id) = &answer.deleted {
            let mut object = answer_object(&answer.native, ME);
            object.set("id", id.as_str());
            object.complete("type", || json!("message_batch_deleted"));
            return Ok(object.bytes());
        }
        Ok(batches::encode_answer(ME, cx, answer, foreign))
    }
    fn encode_stream(&self, cx: &AnswerContext) -> Box<dyn StreamEncoder<Batches>> {
        Box::new(Writer(cx.clone()))
    }
    fn encode_error(&self, error: &Error) -> ErrorAnswer {
        error::encode(error)
    }
}

fn draft(body: &[u8]) -> Result<BatchDraft> {
    let mut fields = Fields::parse(body)?;
    let listed = fields.want_list(REQUESTS)?.ok_or_else(|| fields.missing(REQUESTS))?;
    let (mut calls, mut rest) = (Vec::with_capacity(listed.len()), Map::new());
    for (place, item) in listed.into_iter().enumerate() {
        let mut item = Fields::at(format!("{REQUESTS}[{place}]"), item)?;
        let custom_id = item.need_text("custom_id")?;
        let params = item.want_object("params")?.ok_or_else(|| item.missing("params"))?;
        let body = Value::Object(params.into_members());
        let more = item.into_members();
        if !more.is_empty() {
            rest.insert(custom_id.clone(), Value::Object(more));
        }
        calls.push(BatchCall { custom_id, call: BatchBody::Raw { endpoint: ENDPOINT.to_owned(), body } });
    }
    if !rest.is_empty() {
        fields.put(REQUESTS, Value::Object(rest));
    }
    Ok(BatchDraft { calls, native: fields.into_native(ME), ..BatchDraft::default() })
}

/// A batch that came in another protocol.
fn foreign(batch: &Batch) -> Value {
    let status = match batch.state {
        BatchState::Cancelling => "canceling",
        ref state if state.is_final() => "ended",
        _ => "in_progress",
    };
    let open = batch.counts.total.saturating_sub(batch.counts.completed + batch.counts.failed);
    let results = (!batch.results.is_empty()).then(|| format!("{}/{}/results", STORE.path, batch.id));
    json!({
        "id": batch.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {
            "processing": open,
            "succeeded": batch.counts.completed,
            "errored": batch.counts.failed,
            "canceled": 0,
            "expired": 0,
        },
        "created_at": "1970-01-01T00:00:00Z",
        "expires_at": "1970-01-02T00:00:00Z",
        "results_url": results,
    })
}

impl Speaks<Batches> for AnthropicApi {
    fn protocol(&self) -> Protocol {
        ME
    }
    fn passthrough(&self) -> Option<&dyn Passthrough> {
        None
    }
}

#[cfg(test)]
mod tests;
