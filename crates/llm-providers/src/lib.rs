//! Call any language model: codecs, provider table, transport and [`Client`].
//!
//! | module | holds |
//! | --- | --- |
//! | [`client`] | [`Client`]: `provider:model` in, typed answer out |
//! | [`provider`] | one configured provider, and what it takes to call it |
//! | [`registry`] | the table of providers, as data |
//! | [`retry`] | trying again: when, how often, until when |
//! | [`protocols`] | a folder of pure codecs per wire format, and the table of them |
//! | [`framing`] | how a body is cut into events; pure |
//! | [`transport`] | sockets, time-outs and credentials |
//! | [`catalogue`] | prices, windows and capabilities of models, as data |
//! | [`environment`] | every environment variable that is read |
//!
//! | feature | adds |
//! | --- | --- |
//! | `aws` | signing with AWS's own credentials, where no Bedrock key is given |
//! | `azure` | tokens of Microsoft Entra ID, where no key of Azure is given
//! | `google` | tokens by Google's application default credentials, where no key of Vertex is given |
#![warn(missing_docs)]

mod batching;
pub mod catalogue;
pub mod client;
pub mod environment;
pub mod framing;
pub mod protocols;
pub mod provider;
pub mod registry;
pub mod retry;
pub mod stream;
pub mod transport;

pub use client::{
    BatchResults, BatchesOf, Client, ClientBuilder, ConversationsOf, EventStream, FilesOf, MessagesAnswer,
    MessagesRequest, Response, ResponseRequest, ResponsesOf, StoredPage,
};
pub use llm_core::{self as core, chat, codec, *};
pub use provider::Provider;
pub use retry::Retries;
pub use stream::{ChatStream, SpeakStream};
pub use transport::{Secret, Timeouts};

/// The guide's examples, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/library.md")]
struct LibraryGuide;
