//! OpenAI Responses, upstream and downstream.
//!
//! Items of the model (its messages, thoughts and calls) are parts of one assistant turn, in order; a message of anyone
//! else, and the result of a call, is a turn of its own. Errors, tiers and counts are those of Chat Completions. What a
//! decoder leaves in a [`Native`](llm_core::Native) beside unknown members are hints of spelling:
//!
//! | left behind | means |
//! | --- | --- |
//! | `(item)` | in a part: what is left of the message item it begins; null in the further parts of that item |
//! | `(event)` | in a chunk: the event, without the text of its piece |
//! | `(name)`, `(done)` | in a chunk: its event had another name than its type; it was the end mark of other protocols |
//! | `content: []`, `output: []` | it was a list of parts |
//! | `input: ""` | the whole input was a text |
//! | `instructions: ""` | in a message: it stood in `instructions` |
//! | `truncation: ""` | it was said to be off |
//! | null, false in `include` | encrypted thoughts, log probabilities |
//! | null in `annotations` | the place of a citation that was understood |

mod annotation;
mod answer;
mod content;
mod error;
mod finish;
pub(super) mod groups;
mod item;
mod passthrough;
mod reasoning;
mod request;
mod searches;
mod shell;
pub mod stored;
mod stream;
mod usage;

use llm_core::Protocol;
use llm_core::codec::Chat;

use super::openai_chat::error as errors;
use super::speaks::speaks;

const PROTOCOL: Protocol = Protocol::OpenAiResponses;
/// What is left of the item that a part belongs to.
const ITEM: &str = "(item)";
/// An event of a stream.
const EVENT: &str = "(event)";

/// The codec of OpenAI Responses.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiResponses;

/// Reads what a response used; none where its usage is of another protocol.
pub(super) fn read_usage(response: &serde_json::Map<String, serde_json::Value>) -> Option<llm_core::Usage> {
    let members = response.get("usage")?.as_object().filter(|members| members.contains_key("input_tokens"))?;
    Some(usage::read(members.clone()).with(llm_core::Meter::Query, searches::charged(response)))
}

speaks! {
    OpenAiResponses: Chat, PROTOCOL, errors errors,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, head, body) answer::decode(cx, head, body),
    decode_stream(cx) stream::Decoder::new(cx.clone()),
    decode_request(_head, body) request::decode(body),
    encode_answer(cx, answer) answer::encode(cx, answer),
    encode_stream(cx) stream::Encoder::new(cx.clone()),
    passthrough &OpenAiResponses,
}
