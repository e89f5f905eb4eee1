//! A recorded error: its kind is what the status says, and nothing that the provider said is lost.

use serde_json::Value;

use super::{Case, Outcome, Promise};
use crate::exchange::Answered;
use crate::reading::{kinds_for, read_error};

pub(super) fn replay(case: &Case<'_>, answered: &Answered, outcome: &mut Outcome) {
    let bytes = answered.bytes();
    let error = case.codec.decode_error(&case.decode_context(), &answered.head(), &bytes);
    let mut found = Vec::new();
    if !kinds_for(answered.status).contains(&error.kind()) {
        found.push(format!("kind is `{}` for status {}", error.kind(), answered.status));
    }
    if error.status().as_u16() != answered.status {
        found.push(format!("status is {}, want {}", error.status(), answered.status));
    }
    if error.body() != Some(&bytes) {
        found.push("the body is not kept".to_owned());
    }
    if error.provider() != Some(case.exchange.provider.as_str()) {
        found.push(format!("provider is {:?}, want `{}`", error.provider(), case.exchange.provider));
    }
    let said = answered.body.as_ref().map(read_error).unwrap_or_default();
    if let Some(message) = &said.message
        && error.message() != message
    {
        found.push(format!("message is {:?}, want {message:?}", error.message()));
    }
    if said.code.is_some() && error.code() != said.code.as_deref() {
        found.push(format!("code is {:?}, want {:?}", error.code(), said.code));
    }
    let told = case.codec.encode_error(&error);
    match serde_json::from_slice::<Value>(&told.body) {
        Ok(body) if error.kind() != llm_core::ErrorKind::ProviderAuth => {
            let message = read_error(&body).message.unwrap_or_default();
            if !message.contains(error.message()) {
                found.push(format!("the caller is told {message:?} instead of {:?}", error.message()));
            }
        }
        Ok(_) => {}
        Err(problem) => found.push(format!("the error that the caller sees is not JSON: {problem}")),
    }
    outcome.note(Promise::Error, found);
}
