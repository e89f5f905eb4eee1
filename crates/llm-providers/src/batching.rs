//! Making a batch: every call written as the provider's protocol has it, and a file of them sent up where the protocol
//! takes the calls so.

use llm_core::batch::{Batch, BatchAsk, BatchBody, BatchCall, BatchDraft, Batches, BatchesRequest};
use llm_core::codec::{Chat, Encoded};
use llm_core::embedding::Embed;
use llm_core::file::{FileAsk, FileUpload, Files, FilesRequest};
use llm_core::operation::Asks;
use llm_core::{Error, Result};
use serde_json::Value;

use crate::client::one_batch;
use crate::protocols::{self, Spoken};
use crate::provider::{Provider, fresh_seed};

/// The name of a file of calls.
const FILENAME: &str = "batch.jsonl";
/// What it is for.
const PURPOSE: &str = "batch";

impl Provider {
    /// Makes a batch here. `id` is the name of this provider that may stand before the models' own. An error that is [in
    /// doubt](Error::is_in_doubt) is one after which the batch may have been made.
    pub async fn make_batch(&self, id: &str, draft: BatchDraft) -> Result<Batch> {
        let mut draft = self.write_calls(id, draft)?;
        if draft.input_file.is_none()
            && let Some(lines) = protocols::batch_lines(self.row().protocol, &draft.calls)
        {
            draft.endpoint = protocols::batch_endpoint(&draft)?;
            let upload = FileUpload::new(FILENAME, lines?).purpose(PURPOSE).content_type("application/jsonl");
            let kept = self.call::<Files>(&FilesRequest::new(id, FileAsk::Upload(upload)), "").await;
            // A file alone is no batch, whatever became of it.
            let kept = kept.map_err(|error| error.in_doubt(false))?;
            let file = kept.files.into_iter().next().ok_or_else(|| Error::bad_answer("the answer holds no file"))?;
            draft.input_file = Some(file.id);
        }
        let made = self.call::<Batches>(&BatchesRequest::new(id, BatchAsk::Create(draft)), "").await;
        // Who stands before the provider and did not wait for it knows no more than we do. Any other error that it answers
        // with is a refusal.
        let gave_up = |error: &Error| matches!(error.answered_with().map(|status| status.as_u16()), Some(504 | 524));
        let made = made.map_err(|error| if gave_up(&error) { error.in_doubt(true) } else { error })?;
        one_batch(made).map_err(|error| error.in_doubt(true))
    }

    /// The draft with every call as it would be sent here by itself.
    pub fn write_calls(&self, id: &str, mut draft: BatchDraft) -> Result<BatchDraft> {
        if draft.calls.is_empty() && draft.input_file.is_none() {
            return Err(Error::invalid_request("a batch needs a call").with_param("calls"));
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = draft.calls.iter().find(|call| !seen.insert(call.custom_id.as_str())) {
            let message = format!("two calls of the batch have the `custom_id` `{}`", twice.custom_id);
            return Err(Error::invalid_request(message).with_param("custom_id"));
        }
        for BatchCall { call, .. } in &mut draft.calls {
            let encoded = match call {
                BatchBody::Chat(request) => self.written::<Chat>(id, request)?,
                BatchBody::Embed(request) => self.written::<Embed>(id, request)?,
                BatchBody::Raw { .. } => continue,
            };
            let body: Value = serde_json::from_slice(&encoded.body)
                .map_err(|_| Error::invalid_request("a call that is no JSON can't be part of a batch"))?;
            let path = encoded.path;
            let endpoint = if path.starts_with("/v1/") { path } else { format!("/v1{path}") };
            *call = BatchBody::Raw { endpoint, body };
        }
        Ok(draft)
    }

    fn written<O: Spoken>(&self, id: &str, request: &O::Request) -> Result<Encoded> {
        let asked = request.model().to_owned();
        let prefix = format!("{id}:");
        let model = asked.strip_prefix(&prefix).unwrap_or(&asked);
        let encoded = self.write::<O>(request, model, &fresh_seed())?;
        match encoded.dropped.first() {
            None => Ok(encoded),
            // Nothing in a batch's answer could say it.
            Some(dropped) => Err(Error::unsupported(dropped, "a batch", "the provider does not take it")),
        }
    }
}

#[cfg(test)]
mod tests;
