//! `/batches`: calls in a file of lines, results in another.
//!
//! A line of the input is `{custom_id, method, url, body}`; a line of the results
//! `{id, custom_id, response: {status_code, request_id, body}, error}`, with the failed ones in a file of their own.
//! Source: OpenAI's API reference.

use bytes::Bytes;
use http::{Method, StatusCode};
use llm_core::batch::{
    Batch, BatchAsk, BatchBody, BatchCall, BatchCounts, BatchDraft, BatchError, BatchResult, BatchState, Batches,
    BatchesRequest,
};
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{Chat, DecodeContext, Encoded, ResponseHead, Target, Unsupported, Upstream};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result, Usage};
use serde_json::{Map, Value, json};

use super::{OpenAi, OpenAiChat, PROTOCOL, error, files, usage};
use crate::protocols::batches::{self, Lines};
use crate::protocols::speaks::speaks;
use crate::protocols::stored::{self, Store};

const STORE: Store = Store { protocol: PROTOCOL, path: "/batches", after: "after" };
/// The time in which a batch is answered, where nobody says one. It is the only one that there is.
const WINDOW: &str = "24h";

/// The lines of a file that holds `calls`, each of which is a body already.
pub(in crate::protocols) fn lines(calls: &[BatchCall]) -> Result<Bytes> {
    write_lines(
        calls,
        |custom_id, endpoint, body| json!({"custom_id": custom_id, "method": "POST", "url": endpoint, "body": body}),
    )
}

/// The same, each as `line` makes it of the call's id, endpoint and body.
pub(in crate::protocols) fn write_lines(
    calls: &[BatchCall],
    line: impl Fn(&str, &str, &Value) -> Value,
) -> Result<Bytes> {
    let mut out = String::new();
    for call in calls {
        let (endpoint, body) = batches::written(call)?;
        out.push_str(&line(&call.custom_id, endpoint, body).to_string());
        out.push('\n');
    }
    Ok(Bytes::from(out))
}

/// Where all calls of a draft go; an error where they go to several places.
pub(in crate::protocols) fn endpoint(draft: &BatchDraft) -> Result<Option<String>> {
    let mut found = draft.endpoint.clone();
    for call in &draft.calls {
        let BatchBody::Raw { endpoint, .. } = &call.call else { continue };
        match &found {
            Some(other) if other != endpoint => {
                let message = format!("all calls of a batch go to one endpoint, not to `{other}` and `{endpoint}`");
                return Err(Error::invalid_request(message).with_param("endpoint"));
            }
            Some(_) => {}
            None => found = Some(endpoint.clone()),
        }
    }
    Ok(found)
}

fn create(draft: &BatchDraft, target: &Target<'_>) -> Result<Encoded> {
    Unsupported::new(UnsupportedPolicy::Refuse, target.provider).foreign(&draft.native, PROTOCOL)?;
    let mut members = draft.native.object(PROTOCOL);
    let Some(input_file) = &draft.input_file else {
        return Err(Error::invalid_request("missing required parameter `input_file_id`").with_param("input_file_id"));
    };
    let endpoint = endpoint(draft)?
        .ok_or_else(|| Error::invalid_request("missing required parameter `endpoint`").with_param("endpoint"))?;
    members.insert("input_file_id".to_owned(), input_file.as_str().into());
    members.insert("endpoint".to_owned(), endpoint.into());
    members.insert("completion_window".to_owned(), draft.window.as_deref().unwrap_or(WINDOW).into());
    if let Some(metadata) = &draft.metadata {
        members.insert("metadata".to_owned(), Value::Object(metadata.clone()));
    }
    Ok(Encoded::post(STORE.path, Bytes::from(Value::Object(members).to_string()), DecodeContext::new(target)))
}

fn batch(members: Map<String, Value>) -> Option<Batch> {
    let text = |name: &str| stored::text(&members, name);
    let counted = |name: &str| members.get("request_counts").and_then(|counts| counts.get(name)?.as_u64()).unwrap_or(0);
    Some(Batch {
        id: text("id")?,
        state: BatchState::from(text("status")?.as_str()),
        counts: BatchCounts { total: counted("total"), completed: counted("completed"), failed: counted("failed") },
        input_file: text("input_file_id"),
        results: ["output_file_id", "error_file_id"].into_iter().filter_map(text).collect(),
        native: Native::new(PROTOCOL, members),
    })
}

/// Reads a line of results.
pub(in crate::protocols) fn result(cx: &DecodeContext, line: &[u8]) -> Result<BatchResult> {
    let mut fields = Fields::new(batches::members_of(line)?);
    let custom_id = fields.take_text("custom_id").unwrap_or_default();
    let mut result = BatchResult { custom_id, ..BatchResult::default() };
    if let Some(mut response) = fields.take_object("response") {
        let status = response.get("status_code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        let status = status.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK);
        let body = response.take("body").unwrap_or(Value::Null);
        fields.put("response", Value::Object(response.into_members()));
        read_body(cx, status, body, &mut result);
    }
    if let Some(Value::Object(said)) = fields.take("error") {
        let members = Map::from_iter([("error".to_owned(), Value::Object(said))]);
        let error = error::from_body(cx, None, &members, line);
        result.error.get_or_insert(BatchError(error));
    }
    result.native = fields.into_native(PROTOCOL);
    Ok(result)
}

/// Reads what a call was answered with.
pub(in crate::protocols) fn read_body(cx: &DecodeContext, status: StatusCode, body: Value, result: &mut BatchResult) {
    let bytes = body.to_string();
    let head = ResponseHead { status, ..ResponseHead::default() };
    if !status.is_success() {
        result.error = Some(BatchError(error::decode(cx, &head, bytes.as_bytes())));
        return;
    }
    if body.get("choices").is_some_and(|choices| choices.is_array())
        && let Ok(chat) = Upstream::<Chat>::decode_answer(&OpenAiChat, cx, &head, bytes.as_bytes())
    {
        result.answer(chat);
    }
    if result.usage.is_none() {
        result.usage = body.as_object().and_then(counted);
    }
    result.body = Some(body);
}

/// Usage by the names of Chat Completions, or else by those of Responses.
fn counted(body: &Map<String, Value>) -> Option<Usage> {
    let said = body.get("usage").and_then(Value::as_object)?;
    if said.contains_key("prompt_tokens") {
        return Some(usage::read(said.clone()));
    }
    crate::protocols::openai_responses::read_usage(body)
}

fn encode_request(request: &BatchesRequest, target: &Target<'_>) -> Result<Encoded> {
    Ok(match &request.ask {
        BatchAsk::Create(draft) => create(draft, target)?,
        BatchAsk::List(list) => STORE.page(list.limit, list.after.as_deref(), &list.native, target),
        BatchAsk::Get(id) => STORE.ask(Method::GET, Some(id), "", target),
        BatchAsk::Cancel(id) => STORE.stop(id, &request.native, target)?,
        BatchAsk::Delete(_) => return Err(batches::never_deleted(target)),
        BatchAsk::Results(file) => files::store(PROTOCOL).ask(Method::GET, Some(file), "/content", target),
    })
}

fn draft(body: &[u8]) -> Result<BatchDraft> {
    let mut fields = Fields::parse(body)?;
    Ok(BatchDraft {
        calls: Vec::new(),
        input_file: Some(fields.need_text("input_file_id")?),
        endpoint: Some(fields.need_text("endpoint")?),
        window: Some(fields.need_text("completion_window")?),
        metadata: fields.want_object("metadata")?.map(Fields::into_members),
        native: fields.into_native(PROTOCOL),
    })
}

/// A batch that came in another protocol.
fn foreign(batch: &Batch) -> Value {
    json!({
        "id": batch.id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_file_id": batch.input_file,
        "completion_window": WINDOW,
        "status": batch.state,
        "created_at": 0,
        "request_counts": batch.counts,
    })
}

speaks! {
    OpenAi: Batches, PROTOCOL, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) {
        batches::decode_answer(&STORE, cx, body, batch).ok_or_else(|| error::unreadable(head, body))
    },
    decode_stream(cx) Lines { cx: cx.clone(), read: result },
    decode_request(head, body) batches::decode_request(&STORE, head, body, draft, |_, _, _| None),
    encode_answer(cx, answer) Ok(batches::encode_answer(PROTOCOL, cx, answer, foreign)),
}

#[cfg(test)]
mod tests;
