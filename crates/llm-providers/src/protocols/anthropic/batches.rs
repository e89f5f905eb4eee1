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
use llm_core::codec::{AnswerContext, DecodeContext, Encoded, StreamEncoder, Target, Trailer};
use llm_core::fields::Fields;
use llm_core::{Error, ErrorKind, Native, Result};
use serde_json::{Map, Value, json};

use super::{AnthropicApi, ME, answer, error, files};
use crate::protocols::batches::{self, Lines};
use crate::protocols::body::answer_object;
use crate::protocols::speaks::speaks;
use crate::protocols::stored::{self, Store};

const STORE: Store = Store { protocol: ME, path: "/v1/messages/batches", after: "after_id" };
/// Where a call of a batch would go by itself.
const ENDPOINT: &str = "/v1/messages";
/// The member that lists the calls; of a draft, what its calls hold beside what is understood, by `custom_id`.
const REQUESTS: &str = "requests";

fn create(draft: &BatchDraft, target: &Target<'_>) -> Result<Encoded> {
    let mut members = batches::of_calls(draft, ME, target)?;
    let rest = members.shift_remove(REQUESTS).unwrap_or_default();
    let requests = draft.calls.iter().map(|call| {
        let (_, body) = batches::written(call)?;
        let mut request = rest.get(&call.custom_id).and_then(Value::as_object).cloned().unwrap_or_default();
        request.insert("custom_id".to_owned(), call.custom_id.as_str().into());
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
    let mut fields = Fields::new(batches::members_of(line)?);
    let custom_id = fields.take_text("custom_id").unwrap_or_default();
    let mut result = BatchResult { custom_id, ..BatchResult::default() };
    if let Some(mut told) = fields.take_object("result") {
        let kind = told.text("type").unwrap_or_default().to_owned();
        match told.take("message") {
            Some(message) => {
                result.answer(answer::decode(cx, message.to_string().as_bytes())?);
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

fn encode_request(request: &BatchesRequest, target: &Target<'_>) -> Result<Encoded> {
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

fn decode_answer(cx: &DecodeContext, body: &[u8]) -> Result<BatchesAnswer> {
    let unreadable = || Error::bad_answer("the provider's answer is no batch").with_body(Bytes::copy_from_slice(body));
    batches::decode_answer(&STORE, cx, body, batch).or_else(|| gone(cx, body)).ok_or_else(unreadable)
}

/// What only this protocol can be asked.
fn more(method: &Method, id: String, verb: &str) -> Option<BatchAsk> {
    match (method, verb) {
        (&Method::GET, "results") => Some(BatchAsk::Results(id)),
        (&Method::DELETE, "") => Some(BatchAsk::Delete(id)),
        _ => None,
    }
}

fn encode_answer(cx: &AnswerContext, answer: &BatchesAnswer) -> Bytes {
    if let Some(id) = &answer.deleted {
        let mut object = answer_object(&answer.native, ME);
        object.set("id", id.as_str());
        object.complete("type", || json!("message_batch_deleted"));
        return object.bytes();
    }
    batches::encode_answer(ME, cx, answer, foreign)
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

speaks! {
    AnthropicApi: Batches, ME, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, _head, body) decode_answer(cx, body),
    decode_stream(cx) Lines { cx: cx.clone(), read: result },
    decode_request(head, body) batches::decode_request(&STORE, head, body, draft, more),
    encode_answer(cx, answer) Ok(encode_answer(cx, answer)),
    encode_stream(cx) Writer(cx.clone()),
}

#[cfg(test)]
mod tests;
