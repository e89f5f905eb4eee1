//! Cohere's chat, version 2: `POST /v2/chat`, server-sent events where it streams.
//!
//! What differs from most: `p`, `k` and `stop_sequences`; a choice of tools is `REQUIRED`, `NONE` or nothing; what is
//! said beside tool calls is the `tool_plan`; thoughts are parts of the content; citations stand beside the content and
//! name its parts; usage says both what was read and written and what is charged. Source: Cohere's API reference, and
//! recorded traffic.
//!
//! What a decoder leaves in a [`Native`](llm_core::Native) beside unknown members are hints of spelling:
//!
//! | left behind | means |
//! | --- | --- |
//! | `content: []` | the content was a list of parts |
//! | `tool_plan: ""` in a text part | the text was the plan |
//! | `schema: {}` in a response format | the schema stood under its older name |
//! | `event` in a chunk | the name of the event, where it was not its type |

mod answer;
mod citation;
mod content;
pub(super) mod embed;
mod error;
mod finish;
mod message;
mod models;
mod request;
mod rerank;
mod stream;
mod usage;

use llm_core::Protocol;
use llm_core::codec::Chat;

use super::speaks::speaks;

const COHERE: Protocol = Protocol::Cohere;

/// The codec of Cohere's chat.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cohere;

/// The codec of Cohere's other operations.
#[derive(Clone, Copy, Debug)]
pub struct CohereApi;

speaks! {
    Cohere: Chat, COHERE, errors error,
    encode_request(request, target) request::encode(request, target),
    decode_answer(cx, head, body) answer::decode(cx, head, body),
    decode_stream(cx) stream::Decoder::new(cx),
    decode_request(_head, body) request::decode(body),
    encode_answer(cx, answer) answer::encode(cx, answer),
    encode_stream(cx) stream::Encoder::new(cx),
}
