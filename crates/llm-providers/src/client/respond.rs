//! Calls in the form of OpenAI Responses, of any provider.

use llm_core::chat::ChatAnswer;
use llm_core::{Protocol, Result};
use serde_json::{Map, Value, json};

use super::Client;
use super::form::{EventStream, form};

/// A request in the form of OpenAI Responses.
///
/// ```no_run
/// # async fn run() -> llm_core::Result<()> {
/// use llm_providers::{Client, ResponseRequest};
///
/// let client = Client::from_env()?;
/// let request = ResponseRequest::new("openai:gpt-4.1-mini", "Hello").instructions("be brief");
/// println!("{}", client.respond(request).await?.text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseRequest {
    body: Map<String, Value>,
}

/// An answer in the form of OpenAI Responses.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    body: Map<String, Value>,
    answer: ChatAnswer,
}

form!(ResponseRequest, Response, "OpenAI Responses");

impl ResponseRequest {
    /// Asks `model` about `input`: a text, or a list of items.
    pub fn new(model: impl Into<String>, input: impl Into<Value>) -> Self {
        Self { body: Map::new() }.set("model", model.into()).set("input", input)
    }

    /// Sets what stands above the conversation.
    #[must_use]
    pub fn instructions(self, text: impl Into<String>) -> Self {
        self.set("instructions", text.into())
    }

    /// Bounds the answer.
    #[must_use]
    pub fn max_output_tokens(self, tokens: u64) -> Self {
        self.set("max_output_tokens", tokens)
    }

    /// Offers a tool, as the protocol writes it.
    #[must_use]
    pub fn tool(mut self, tool: Value) -> Self {
        if let Some(tools) = self.body.entry("tools").or_insert_with(|| json!([])).as_array_mut() {
            tools.push(tool);
        }
        self
    }
}

impl Response {
    /// Whether it is `completed`, `incomplete` or something else.
    pub fn status(&self) -> &str {
        self.body.get("status").and_then(Value::as_str).unwrap_or_default()
    }

    /// The items that the model answered with; they can be sent back as items of the next input.
    pub fn output(&self) -> &[Value] {
        self.body.get("output").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Client {
    /// Makes a call in the form of OpenAI Responses: as it stands where the provider speaks that protocol, else through
    /// the types of chat. What only Responses has is then refused by name.
    pub async fn respond(&self, request: ResponseRequest) -> Result<Response> {
        let (body, answer) = self.call_in(Protocol::OpenAiResponses, &request.body).await?;
        Ok(Response { body, answer })
    }

    /// The same, with the protocol's events as they come.
    pub async fn respond_stream(&self, request: ResponseRequest) -> Result<EventStream> {
        self.stream_in(Protocol::OpenAiResponses, &request.body).await
    }
}
