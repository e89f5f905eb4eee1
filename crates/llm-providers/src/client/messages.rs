//! Calls in the form of Anthropic Messages, of any provider.

use llm_core::chat::ChatAnswer;
use llm_core::{Protocol, Result};
use serde_json::{Map, Value, json};

use super::Client;
use super::form::{EventStream, form};

/// A request in the form of Anthropic Messages.
///
/// ```no_run
/// # async fn run() -> llm_core::Result<()> {
/// use llm_providers::{Client, MessagesRequest};
///
/// let client = Client::from_env()?;
/// let request = MessagesRequest::new("openai:gpt-4.1-mini", 100).user("Hello");
/// println!("{}", client.messages(request).await?.text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MessagesRequest {
    body: Map<String, Value>,
}

/// An answer in the form of Anthropic Messages.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagesAnswer {
    body: Map<String, Value>,
    answer: ChatAnswer,
}

form!(MessagesRequest, MessagesAnswer, "Anthropic Messages");

impl MessagesRequest {
    /// An empty conversation with `model`, whose answer has at most `max_tokens`.
    pub fn new(model: impl Into<String>, max_tokens: u64) -> Self {
        Self { body: Map::new() }.set("model", model.into()).set("max_tokens", max_tokens).set("messages", json!([]))
    }

    /// Sets what stands above the conversation.
    #[must_use]
    pub fn system(self, text: impl Into<String>) -> Self {
        self.set("system", text.into())
    }

    /// Adds what the user says: a text, or a list of blocks.
    #[must_use]
    pub fn user(self, content: impl Into<Value>) -> Self {
        self.turn("user", content.into())
    }

    /// Adds what the model said, such as an answer's [`content`](MessagesAnswer::content).
    #[must_use]
    pub fn assistant(self, content: impl Into<Value>) -> Self {
        self.turn("assistant", content.into())
    }

    fn turn(mut self, role: &str, content: Value) -> Self {
        if let Some(turns) = self.body.entry("messages").or_insert_with(|| json!([])).as_array_mut() {
            turns.push(json!({"role": role, "content": content}));
        }
        self
    }
}

impl MessagesAnswer {
    /// Why the model stopped.
    pub fn stop_reason(&self) -> Option<&str> {
        self.body.get("stop_reason").and_then(Value::as_str)
    }

    /// The blocks that the model answered with.
    pub fn content(&self) -> &[Value] {
        self.body.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Client {
    /// Makes a call in the form of Anthropic Messages: as it stands where the provider speaks that protocol, else
    /// through the types of chat. What only Messages has is then refused by name.
    pub async fn messages(&self, request: MessagesRequest) -> Result<MessagesAnswer> {
        let (body, answer) = self.call_in(Protocol::Anthropic, &request.body).await?;
        Ok(MessagesAnswer { body, answer })
    }

    /// The same, with the protocol's events as they come.
    pub async fn messages_stream(&self, request: MessagesRequest) -> Result<EventStream> {
        self.stream_in(Protocol::Anthropic, &request.body).await
    }
}
