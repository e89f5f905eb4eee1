//! One conversation with a model: the request, the answer, and the answer in pieces.

mod accumulate;
mod answer;
mod chunk;
mod message;
mod pieces;
mod relabel;
mod request;
mod stored;
mod text;

pub use accumulate::ChatAccumulator;
pub use answer::{CallInfo, ChatAnswer, Choice, FinishReason};
pub use chunk::{Change, ChatChunk, ChunkChoice, Delta};
pub use message::{
    CacheControl, Citation, CitedPlace, CitedUnit, Content, Media, MediaKind, MediaSource, Message, Part, Reasoning,
    Role, ServerToolCall, ServerToolResult, ToolCall, ToolResult,
};
pub use relabel::Relabel;
pub use request::{
    ChatRequest, Effort, Grammar, ReasoningOptions, ResponseFormat, Tool, ToolChoice, UnsupportedPolicy,
};
pub(crate) use stored::{in_native as stored_in_native, in_parts as stored_in, in_source as stored_in_source};
