//! `/batch/jobs`: calls in a file of lines, all to one endpoint, results in another file.
//!
//! A line of the input is `{custom_id, body}`; a line of the results that of OpenAI's batches. Source: Mistral's API
//! reference and its guide to batch processing.

use bytes::Bytes;
use http::Method;
use llm_core::batch::{
    Batch, BatchAsk, BatchBody, BatchCall, BatchCounts, BatchDraft, BatchResult, BatchState, Batches, BatchesAnswer,
    BatchesRequest,
};
use llm_core::chat::{Relabel, UnsupportedPolicy};
use llm_core::codec::{DecodeContext, Encoded, Target, Unsupported};
use llm_core::fields::Fields;
use llm_core::{Error, Native, Result};
use serde_json::{Map, Value, json};

use super::{INNER, MISTRAL, MistralApi, files};
use crate::protocols::batches;
use crate::protocols::openai_chat::batches as openai;
use crate::protocols::openai_chat::error;
use crate::protocols::speaks::speaks;
use crate::protocols::stored::{self, Store};

const STORE: Store = Store { protocol: MISTRAL, path: "/batch/jobs", after: "after" };

/// The lines of a file that holds `calls`, each of which is a body already.
pub(in crate::protocols) fn lines(calls: &[BatchCall]) -> Result<Bytes> {
    openai::write_lines(calls, |custom_id, _, body| json!({"custom_id": custom_id, "body": body}))
}

fn create(draft: &BatchDraft, target: &Target<'_>) -> Result<Encoded> {
    Unsupported::new(UnsupportedPolicy::Refuse, target.provider).foreign(&draft.native, MISTRAL)?;
    let Some(input_file) = &draft.input_file else {
        return Err(Error::invalid_request("missing required parameter `input_files`").with_param("input_files"));
    };
    let endpoint = openai::endpoint(draft)?
        .ok_or_else(|| Error::invalid_request("missing required parameter `endpoint`").with_param("endpoint"))?;
    let mut members = draft.native.object(MISTRAL);
    members.insert("input_files".to_owned(), json!([input_file]));
    members.insert("endpoint".to_owned(), endpoint.into());
    if let Some(model) = one_model(&draft.calls)? {
        members.insert("model".to_owned(), model.into());
    }
    if let Some(hours) = draft.window.as_deref() {
        let number = hours.strip_suffix('h').and_then(|hours| hours.parse::<u64>().ok());
        let number = number.ok_or_else(|| {
            Error::invalid_request(format!("`completion_window` must be hours such as `24h`, not `{hours}`"))
                .with_param("completion_window")
        })?;
        members.insert("timeout_hours".to_owned(), number.into());
    }
    if let Some(metadata) = &draft.metadata {
        members.insert("metadata".to_owned(), Value::Object(metadata.clone()));
    }
    Ok(Encoded::post(STORE.path, Bytes::from(Value::Object(members).to_string()), DecodeContext::new(target)))
}

/// The one model that all calls go to; none where they are not known.
fn one_model(calls: &[BatchCall]) -> Result<Option<String>> {
    let mut found: Option<&str> = None;
    for call in calls {
        let BatchBody::Raw { body, .. } = &call.call else { continue };
        let model = body.get("model").and_then(Value::as_str);
        match (found, model) {
            (Some(one), Some(other)) if one != other => {
                let message = format!("all calls of a batch go to one model, not to `{one}` and `{other}`");
                return Err(Error::invalid_request(message).with_param("model"));
            }
            _ => found = found.or(model),
        }
    }
    Ok(found.map(str::to_owned))
}

fn batch(members: Map<String, Value>) -> Option<Batch> {
    let text = |name: &str| stored::text(&members, name);
    let counted = |name: &str| members.get(name).and_then(Value::as_u64).unwrap_or(0);
    let state = match text("status")?.as_str() {
        "QUEUED" => BatchState::Validating,
        "RUNNING" => BatchState::InProgress,
        "SUCCESS" => BatchState::Completed,
        "FAILED" => BatchState::Failed,
        "TIMEOUT_EXCEEDED" => BatchState::Expired,
        "CANCELLATION_REQUESTED" => BatchState::Cancelling,
        "CANCELLED" => BatchState::Cancelled,
        other => BatchState::from(other),
    };
    let input = members.get("input_files").and_then(|files| files.get(0)?.as_str()).map(str::to_owned);
    Some(Batch {
        id: text("id")?,
        state,
        counts: BatchCounts {
            total: counted("total_requests"),
            completed: counted("succeeded_requests"),
            failed: counted("failed_requests"),
        },
        input_file: input,
        results: ["output_file", "error_file"].into_iter().filter_map(text).collect(),
        native: Native::new(MISTRAL, members),
    })
}

/// Reads a line of results.
fn result(cx: &DecodeContext, line: &[u8]) -> Result<BatchResult> {
    let mut result = openai::result(cx, line)?;
    if let Some(chat) = &mut result.chat {
        chat.relabel(INNER, MISTRAL);
    }
    result.native = Native::new(MISTRAL, result.native.into_members());
    Ok(result)
}

fn encode_request(request: &BatchesRequest, target: &Target<'_>) -> Result<Encoded> {
    Ok(match &request.ask {
        BatchAsk::Create(draft) => create(draft, target)?,
        BatchAsk::List(list) => {
            if list.after.is_some() {
                let why = "its pages have numbers: say `page` in `native`";
                return Err(Error::unsupported("after", format_args!("`{}`", target.provider), why));
            }
            let mut encoded = STORE.page(None, None, &list.native, target);
            encoded.query.extend(list.limit.map(|limit| ("page_size".to_owned(), limit.to_string())));
            encoded
        }
        BatchAsk::Get(id) => STORE.ask(Method::GET, Some(id), "", target),
        BatchAsk::Cancel(id) => STORE.stop(id, &request.native, target)?,
        BatchAsk::Delete(_) => return Err(batches::never_deleted(target)),
        BatchAsk::Results(file) => files::STORE.ask(Method::GET, Some(file), "/content", target),
    })
}

fn draft(body: &[u8]) -> Result<BatchDraft> {
    let mut fields = Fields::parse(body)?;
    let mut files = fields.want_list("input_files")?.unwrap_or_default();
    let input_file = match (files.pop(), files.is_empty()) {
        (Some(Value::String(file)), true) => Some(file),
        (None, _) => return Err(fields.missing("input_files")),
        _ => return Err(Error::invalid_request("`input_files` must be a list of one id").with_param("input_files")),
    };
    Ok(BatchDraft {
        calls: Vec::new(),
        input_file,
        endpoint: Some(fields.need_text("endpoint")?),
        window: fields.want_u64("timeout_hours")?.map(|hours| format!("{hours}h")),
        metadata: fields.want_object("metadata")?.map(Fields::into_members),
        native: fields.into_native(MISTRAL),
    })
}

/// A batch that came in another protocol.
fn foreign(batch: &Batch) -> Value {
    let status = match batch.state {
        BatchState::Validating => "QUEUED",
        BatchState::Completed => "SUCCESS",
        BatchState::Failed => "FAILED",
        BatchState::Expired => "TIMEOUT_EXCEEDED",
        BatchState::Cancelling => "CANCELLATION_REQUESTED",
        BatchState::Cancelled => "CANCELLED",
        _ => "RUNNING",
    };
    json!({
        "id": batch.id,
        "object": "batch",
        "input_files": batch.input_file.iter().collect::<Vec<_>>(),
        "endpoint": "/v1/chat/completions",
        "errors": [],
        "status": status,
        "created_at": 0,
        "total_requests": batch.counts.total,
        "completed_requests": batch.counts.completed + batch.counts.failed,
        "succeeded_requests": batch.counts.completed,
        "failed_requests": batch.counts.failed,
    })
}

speaks! {
    MistralApi: Batches, MISTRAL, errors error,
    encode_request(request, target) encode_request(request, target),
    decode_answer(cx, head, body) {
        let answer: Option<BatchesAnswer> = batches::decode_answer(&STORE, cx, body, batch);
        answer.ok_or_else(|| error::unreadable(head, body))
    },
    decode_stream(cx) batches::Lines { cx: cx.clone(), read: result },
    decode_request(head, body) batches::decode_request(&STORE, head, body, draft, |_, _, _| None),
    encode_answer(cx, answer) Ok(batches::encode_answer(MISTRAL, cx, answer, foreign)),
}

#[cfg(test)]
mod tests;
