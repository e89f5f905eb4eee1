//! `/files`: what Mistral keeps, nearly as OpenAI has it.
//! Source: Mistral's API reference.

use llm_core::file::Files;

use super::{MISTRAL, MistralApi};
use crate::protocols::files;
use crate::protocols::openai_chat::{error, files as openai};
use crate::protocols::speaks::speaks;
use crate::protocols::stored::Store;

pub(super) const STORE: Store = openai::store(MISTRAL);

speaks! {
    MistralApi: Files, MISTRAL, errors error,
    encode_request(request, target) files::encode_request(&STORE, request, target),
    decode_answer(cx, head, body) {
        files::decode_answer(&STORE, cx, head, body).ok_or_else(|| error::unreadable(head, body))
    },
    decode_request(head, body) files::decode_request(&STORE, head, body),
    encode_answer(cx, answer) Ok(files::encode_answer(&STORE, cx, answer, openai::foreign, openai::gone)),
}
