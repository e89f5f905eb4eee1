//! Kinds of calls, and what can be asked of every request, answer and piece of an answer, whatever the kind.
//!
//! An operation is a type with a request, an answer and a chunk ([`Operation`]). Codecs, client and gateway are generic
//! over it, so an operation costs its types here, a codec per protocol that has it, and a line in each table.

use serde::{Deserialize, Serialize};

use crate::chat::{CallInfo, ChatAccumulator, ChatAnswer, ChatChunk, ChatRequest};
use crate::codec::{Skim, Stored};
use crate::{Meter, Usage};

macro_rules! kinds {
    ($($(#[$doc:meta])* $arm:ident = $text:literal),+ $(,)?) => {
        /// Which operation, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum OperationKind { $($(#[$doc])* $arm),+ }

        impl OperationKind {
            /// Every operation, in the order of declaration.
            pub const ALL: &[OperationKind] = &[$(OperationKind::$arm),+];

            /// The name in routes, configuration, call records and error messages.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$arm => $text),+ }
            }
        }
    };
}

kinds! {
    /// Conversations.
    Chat = "chat",
    /// Text that is continued.
    Complete = "complete",
    /// Vectors of texts.
    Embed = "embed",
    /// Documents in the order of their relevance.
    Rerank = "rerank",
    /// Judgement of contents.
    Moderate = "moderate",
    /// Images made or changed.
    Images = "images",
    /// Text to speech.
    Speak = "speak",
    /// Speech to text.
    Transcribe = "transcribe",
    /// The tokens of a prompt, counted by the provider.
    CountTokens = "count_tokens",
    /// The models that a provider lists.
    Models = "models",
    /// Files that a provider keeps.
    Files = "files",
    /// Many calls at once, answered later.
    Batches = "batches",
}

impl OperationKind {
    /// Whether providers answer it without charging for it.
    pub const fn is_free(self) -> bool {
        matches!(self, Self::CountTokens | Self::Models | Self::Files)
    }
}

impl std::fmt::Display for OperationKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A kind of call: what is asked, what is answered, and the answer in pieces.
pub trait Operation: Sized + Send + Sync + 'static {
    /// Which one.
    const KIND: OperationKind;
    /// The name in routes, call records and error messages.
    const NAME: &'static str = Self::KIND.as_str();
    /// Whether a streamed answer is lines of JSON, whatever media type its provider gives it.
    const LINES: bool = false;
    /// What is asked.
    type Request: Asks;
    /// What is answered.
    type Answer: Answers;
    /// A piece of a streamed answer; [`Never`] where answers always come whole.
    type Chunk: Tells;

    /// All text in the pieces of an answer, for counting its tokens.
    fn text_of(chunks: &[Self::Chunk]) -> String {
        let _ = chunks;
        String::new()
    }

    /// A whole answer in pieces, for a caller who asked for a stream; none where the operation has no way to do so.
    fn pieces(answer: Self::Answer) -> Option<Vec<Self::Chunk>> {
        let _ = answer;
        None
    }
}

/// What every request says.
pub trait Asks: Clone + Send + Sync + 'static {
    /// The model, `provider:model` or a name that a gateway knows.
    fn model(&self) -> &str;
    /// Another model in its place.
    fn set_model(&mut self, model: &str);
    /// What routing and limits need to know; `stream` and `include_usage` are for the protocol to say.
    fn skim(&self) -> Skim;
    /// What it names that a provider stores.
    fn stored(&self) -> Vec<Stored> {
        Vec::new()
    }
    /// All text that the provider reads, a line each, for counting its tokens.
    fn text(&self) -> String;
    /// Lowers the bound of the answer to `tokens`, where the operation has one.
    fn cap_output(&mut self, tokens: u64) {
        let _ = tokens;
    }
}

/// Says what every request says, of one that holds nothing that a model reads: it asks what a provider has.
macro_rules! asks_without_text {
    ($name:ident) => {
        impl $crate::operation::Asks for $name {
            fn model(&self) -> &str {
                &self.model
            }
            fn set_model(&mut self, model: &str) {
                model.clone_into(&mut self.model);
            }
            fn skim(&self) -> $crate::codec::Skim {
                $crate::codec::Skim {
                    model: self.model.clone(),
                    max_tokens: Some(0),
                    choices: 1,
                    ..$crate::codec::Skim::default()
                }
            }
            fn text(&self) -> String {
                String::new()
            }
        }
    };
}
pub(crate) use asks_without_text;

/// What every whole answer says.
pub trait Answers: Send + 'static {
    /// The provider that answered; empty where the decoder did not say.
    fn provider(&self) -> &str;
    /// The model that answered, as the provider spells it; empty where it did not say.
    fn model(&self) -> &str;
    /// What the call used, where the provider says it.
    fn usage(&self) -> Option<&Usage>;
    /// The service tier that served the call, where the provider says it.
    fn service_tier(&self) -> Option<&str> {
        None
    }
    /// What a gateway on the way has to say of the call.
    fn call(&self) -> Option<&CallInfo>;
    /// Says who answered.
    fn set_provider(&mut self, provider: &str);
    /// Says which model answered.
    fn set_model(&mut self, model: &str);
    /// Says what was used.
    fn set_usage(&mut self, usage: Usage);
    /// Adds parameters that were left out.
    fn add_dropped(&mut self, dropped: Vec<String>);
    /// Says what a gateway knows of the call.
    fn set_call(&mut self, call: CallInfo);
    /// All text that the model wrote, for counting its tokens.
    fn text(&self) -> String {
        String::new()
    }
}

/// What every piece of an answer says.
pub trait Tells: Send + 'static {
    /// What the call used so far, in the pieces that say it.
    fn usage(&self) -> Option<&Usage>;
    /// The service tier, in the pieces that say it.
    fn service_tier(&self) -> Option<&str> {
        None
    }
    /// Whether there is content in it.
    fn has_content(&self) -> bool;
}

/// Something other than tokens that a call is charged by, as its request tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What is counted.
    pub meter: Meter,
    /// The most of it.
    pub most: u64,
    /// Whether it is exactly that much, so that it can be charged where the provider never says what was used.
    pub is_exact: bool,
}

impl Unit {
    /// Exactly so much.
    pub fn exactly(meter: Meter, count: u64) -> Self {
        Self { meter, most: count, is_exact: true }
    }

    /// At most so much.
    pub fn at_most(meter: Meter, count: u64) -> Self {
        Self { meter, most: count, is_exact: false }
    }
}

/// Says what the request itself tells was used, where the provider did not say anything and all of it is exact.
pub fn complete_usage(answer: &mut impl Answers, units: &[Unit]) {
    if answer.usage().is_none()
        && let Some(usage) = exactly(units)
    {
        answer.set_usage(usage);
    }
}

/// What a request tells was used; none where it tells nothing, or not all of it exactly.
pub fn exactly(units: &[Unit]) -> Option<Usage> {
    if units.is_empty() || units.iter().any(|unit| !unit.is_exact) {
        return None;
    }
    let mut usage = Usage::default();
    units.iter().for_each(|unit| usage.add(unit.meter, unit.most));
    Some(usage)
}

/// The chunk of an operation whose answers always come whole: there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Never {}

impl Tells for Never {
    fn usage(&self) -> Option<&Usage> {
        match *self {}
    }
    fn has_content(&self) -> bool {
        match *self {}
    }
}

/// The operation of [`ChatRequest`], [`ChatAnswer`] and [`ChatChunk`].
#[derive(Debug)]
pub enum Chat {}

impl Operation for Chat {
    const KIND: OperationKind = OperationKind::Chat;
    type Request = ChatRequest;
    type Answer = ChatAnswer;
    type Chunk = ChatChunk;

    fn text_of(chunks: &[ChatChunk]) -> String {
        let mut answer = ChatAccumulator::default();
        chunks.iter().for_each(|chunk| answer.push(chunk));
        Answers::text(&answer.finish())
    }

    fn pieces(answer: ChatAnswer) -> Option<Vec<ChatChunk>> {
        Some(answer.into_chunks())
    }
}

/// Declares a whole answer: the members that the operation has of its own, and those that every answer has.
macro_rules! answer {
    (
        $(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty,)* }
        $(text($this:ident) $text:block)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
            /// The model that answered, as the provider spells it; empty where it does not say.
            #[serde(skip_serializing_if = "String::is_empty")]
            pub model: String,
            /// The provider that answered.
            pub provider: String,
            /// What the call used, where it is known.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub usage: Option<$crate::Usage>,
            /// Parameters that were left out because the provider can't take them, where the caller allowed it.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub dropped_params: Vec<String>,
            /// What a gateway on the way has to say of the call; none in process.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub call: Option<$crate::chat::CallInfo>,
            /// What only the answer's own protocol knows.
            #[serde(skip_serializing_if = "crate::Native::is_none")]
            pub native: $crate::Native,
        }

        impl $name {
            /// What the call used; all zero where that is not known.
            pub fn usage(&self) -> &$crate::Usage {
                self.usage.as_ref().unwrap_or($crate::Usage::NONE)
            }
        }

        $crate::operation::answers!($name $(, { fn text(&$this) -> String $text })?);
    };
}
pub(crate) use answer;

/// What every answer says, where it has the customary members.
macro_rules! answers {
    ($name:ident $(, { $($more:item)* })?) => {
        impl $crate::operation::Answers for $name {
            fn provider(&self) -> &str {
                &self.provider
            }
            fn model(&self) -> &str {
                &self.model
            }
            fn usage(&self) -> Option<&$crate::Usage> {
                self.usage.as_ref()
            }
            fn call(&self) -> Option<&$crate::chat::CallInfo> {
                self.call.as_ref()
            }
            fn set_provider(&mut self, provider: &str) {
                provider.clone_into(&mut self.provider);
            }
            fn set_model(&mut self, model: &str) {
                model.clone_into(&mut self.model);
            }
            fn set_usage(&mut self, usage: $crate::Usage) {
                self.usage = Some(usage);
            }
            fn add_dropped(&mut self, mut dropped: Vec<String>) {
                self.dropped_params.append(&mut dropped);
            }
            fn set_call(&mut self, call: $crate::chat::CallInfo) {
                self.call = Some(call);
            }
            $($($more)*)?
        }
    };
}
pub(crate) use answers;
