//! Errors: read as those of OpenAI's kind, written as Deepgram says them.

use bytes::Bytes;
use llm_core::Error;
use llm_core::codec::ErrorAnswer;
use serde_json::json;

use crate::protocols::openai_chat;

pub(super) use openai_chat::error::decode;

/// `{"err_code", "err_msg"}`.
pub(super) fn encode(error: &Error) -> ErrorAnswer {
    let said = error.for_caller();
    let code = said.code().unwrap_or_else(|| said.kind().as_str());
    let body = Bytes::from(json!({"err_code": code, "err_msg": said.message()}).to_string());
    ErrorAnswer { body, ..openai_chat::error::encode(error) }
}
