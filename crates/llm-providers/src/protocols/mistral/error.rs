//! Errors as callers read them. Those of the provider are read as OpenAI's relatives' are.

use bytes::Bytes;
use llm_core::Error;
use llm_core::codec::{Downstream, ErrorAnswer};
use serde_json::json;

use super::OpenAiChat;

pub(super) use crate::protocols::openai_chat::error::decode;

/// `{"object": "error", message, type, param, code}`.
pub(super) fn encode(error: &Error) -> ErrorAnswer {
    let told = error.for_caller();
    let body = json!({
        "object": "error",
        "message": told.message(),
        "type": told.kind().as_str(),
        "param": told.param(),
        "code": told.code(),
    });
    ErrorAnswer { body: Bytes::from(body.to_string()), ..OpenAiChat.encode_error(error) }
}
