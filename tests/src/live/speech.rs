//! What a model says, independent of any protocol, and how each provider's API spells it: whole and streamed.
//!
//! Written by hand after the providers' documentation and never with the codecs, which it is there to test.

mod anthropic;
mod gemini;
mod ollama;
mod openai;

use std::borrow::Cow;
use std::time::Duration;

use llm_core::Protocol;
use serde_json::Value;

use super::{Piece, Script};

/// The server writes what it has when it must wait for more.
const BEFORE_BREAK: Duration = Duration::from_millis(20);

/// One answer of a model.
#[derive(Clone, Debug, Default)]
pub struct Speech {
    /// What it thought, in pieces.
    pub thoughts: Vec<&'static str>,
    /// The provider's mark under its thoughts.
    pub signature: Option<&'static str>,
    /// What it said, in pieces.
    pub words: Vec<&'static str>,
    /// Which tools it asked for.
    pub calls: Vec<Call>,
    /// Why it stopped.
    pub stop: Stop,
    /// What it counted.
    pub tokens: Tokens,
    /// How the stream goes wrong after its content, if it does.
    pub broken: Option<Broken>,
}

/// One call of a tool.
#[derive(Clone, Debug)]
pub struct Call {
    /// The provider's id of it. Ollama gives none.
    pub id: &'static str,
    /// The tool.
    pub name: Cow<'static, str>,
    /// The arguments as JSON, cut as they arrive.
    pub arguments: Vec<&'static str>,
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// It had said everything.
    #[default]
    End,
    /// It wants tools.
    Tools,
    /// It may say no more.
    Length,
    /// It came to this text of the caller's.
    Sequence(&'static str),
    /// It would not answer.
    Refusal,
}

/// How a stream goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The provider says that it failed.
    Said,
    /// The body ends before the answer does.
    Ended,
    /// The connection breaks.
    Connection,
}

/// Tokens, disjoint.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Of the prompt, read afresh.
    pub input: u64,
    /// Of the prompt, out of a cache.
    pub cached: u64,
    /// Of the prompt, put into a cache. Only Anthropic says it.
    pub written: u64,
    /// Thought.
    pub thought: u64,
    /// Said.
    pub output: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { input: 20, cached: 0, written: 0, thought: 0, output: 7 }
    }
}

impl Speech {
    /// An answer of text.
    pub fn of(words: &[&'static str]) -> Self {
        Self { words: words.to_vec(), ..Self::default() }
    }

    /// Asks for a tool.
    #[must_use]
    pub fn call(mut self, id: &'static str, name: impl Into<Cow<'static, str>>, arguments: &[&'static str]) -> Self {
        self.calls.push(Call { id, name: name.into(), arguments: arguments.to_vec() });
        self.stop = Stop::Tools;
        self
    }

    /// As a provider of `protocol` answers `request`: streamed where that is asked for.
    pub fn spelled(&self, protocol: Protocol, request: &Value) -> Script {
        let script = match protocol {
            Protocol::OpenAiChat => openai::spell(self, request),
            Protocol::Anthropic => anthropic::spell(self, request),
            Protocol::Gemini => gemini::spell(self, request),
            Protocol::Ollama => ollama::spell(self, request),
            other => panic!("nobody here speaks `{other}`"),
        };
        match self.broken {
            // What was said before leaves in the pause.
            Some(Broken::Connection) => script.then(Piece::Pause(BEFORE_BREAK)).then(Piece::Break),
            _ => script,
        }
    }
}

impl Call {
    fn input(&self) -> Value {
        let text = self.arguments.concat();
        if text.is_empty() { Value::Object(serde_json::Map::new()) } else { serde_json::from_str(&text).unwrap() }
    }
}
