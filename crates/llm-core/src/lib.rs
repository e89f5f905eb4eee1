//! The vocabulary of calls to language models.
//!
//! Types, errors, money and the codec traits that every other crate of the workspace speaks.
//! There is no I/O here, no clock and no async runtime: bytes and values in, bytes and values out.
//!
//! | module | holds |
//! | --- | --- |
//! | [`chat`] | requests, messages as ordered parts, answers, stream chunks and their accumulator |
//! | [`embedding`], [`rerank`], [`moderation`], [`completion`] | the other operations on text |
//! | [`image`], [`audio`] | images, and speech both ways |
//! | [`token_count`], [`model_list`] | a prompt's tokens, a provider's models |
//! | [`mod@file`], [`batch`] | files that a provider keeps, and many calls handed over at once |
//! | [`stored`] | what providers store for whoever made it |
//! | [`operation`] | kinds of calls, and what every request and answer says |
//! | [`codec`] | the traits that a protocol implements, and what is handed across them |
//! | [`usage`], [`price`], [`money`] | what a call used, what a unit costs, what the call costs |
//! | [`error`] | the one opaque [`Error`] |
//! | [`native`] | what only one protocol knows, carried along and written back only to it |
//! | [`fields`] | reading JSON objects without losing a member |
#![warn(missing_docs)]

pub mod audio;
pub mod batch;
mod bytes_as_base64;
pub mod chat;
pub mod codec;
pub mod completion;
pub mod embedding;
pub mod error;
pub mod fields;
pub mod file;
pub mod image;
pub mod model_list;
pub mod moderation;
pub mod money;
pub mod native;
mod open_enum;
pub mod operation;
pub mod price;
pub mod rerank;
pub mod stored;
pub mod token_count;
pub mod usage;

pub use audio::{AudioFile, SpeakAnswer, SpeakRequest, TranscribeAnswer, TranscribeRequest};
pub use batch::{Batch, BatchAsk, BatchBody, BatchCall, BatchDraft, BatchList, BatchResult, BatchState};
pub use chat::{CacheControl, ChatAccumulator, ChatAnswer, ChatChunk, ChatRequest, Choice, Message, Part, Role};
pub use completion::{CompleteAnswer, CompleteRequest};
pub use embedding::{EmbedAnswer, EmbedRequest};
pub use error::{Error, ErrorKind, Result};
pub use file::{FileAsk, FileContent, FileList, FileUpload, StoredFile};
pub use image::{ImagesAnswer, ImagesRequest};
pub use moderation::{ModerateAnswer, ModerateRequest};
pub use money::NanoUsd;
pub use native::{Native, Protocol};
pub use operation::{Operation, OperationKind};
pub use price::{CostLine, Price, PriceLine};
pub use rerank::{RerankAnswer, RerankRequest};
pub use usage::{Meter, Usage};
