//! What a model can do, here: what the catalogue knows of it, as far as it can be asked for.
//!
//! Whether something can be asked for is not a table beside the codecs, it is asked of them: a small request that uses
//! it is written, and what the codec or the provider's row refuses is not reported. Nothing is sent.

use llm_core::chat::{
    ChatRequest, Effort, Media, MediaKind, MediaSource, Part, ReasoningOptions, ResponseFormat, Tool,
};
use llm_core::{Error, ErrorKind, Native, Result};
use serde_json::json;

use super::Client;
use crate::catalogue::{Capabilities, Capability, Catalogue};
use crate::provider::Provider;

impl Client {
    /// What a model can do and can be asked for here; none where the catalogue doesn't know the model, or a gateway
    /// knows it by a name of its own.
    ///
    /// ```
    /// use llm_providers::catalogue::Capability;
    /// use llm_providers::{Client, Provider, Secret, Timeouts, registry};
    ///
    /// let row = registry::row("openai").cloned().unwrap();
    /// let provider = Provider::new("openai", row, Some(Secret::new("key")), Timeouts::default())?;
    /// let client = Client::builder().provider(provider).build();
    /// let can = client.capabilities("openai:gpt-4o-mini")?.unwrap();
    /// assert!(can.has(Capability::Vision) && !can.has(Capability::Reasoning));
    /// # Ok::<(), llm_providers::Error>(())
    /// ```
    pub fn capabilities(&self, model: &str) -> Result<Option<Capabilities>> {
        if self.is_gateway() {
            let known = model.split_once(':').and_then(|(id, model)| Catalogue::bundled().lookup(id, model));
            return Ok(known.map(|known| known.capabilities));
        }
        let (provider, model) = self.resolve(model)?;
        let known = Catalogue::bundled().lookup(provider.id(), model);
        Ok(known.map(|known| provider.reachable(known.capabilities, model)))
    }
}

impl Provider {
    /// Those of `capabilities` that `model` can be asked for in this provider's protocol.
    pub fn reachable(&self, capabilities: Capabilities, model: &str) -> Capabilities {
        capabilities.iter().filter(|capability| self.can_ask(*capability, model)).collect()
    }

    fn can_ask(&self, capability: Capability, model: &str) -> bool {
        let probes = probes(capability);
        probes.is_empty() || probes.iter().any(|request| !is_refused(self.try_chat(request, model)))
    }
}

/// Whether a request was refused for what it asks. That an account's variable is missing says nothing of that.
fn is_refused(tried: Result<()>) -> bool {
    let refused = |error: Error| matches!(error.kind(), ErrorKind::UnsupportedParameter | ErrorKind::NotImplemented);
    tried.err().is_some_and(refused)
}

/// Requests that use a capability, one of which must be taken; none where it is no matter of the request.
fn probes(capability: Capability) -> Vec<ChatRequest> {
    let question = || ChatRequest::new("").user("x");
    let media = |kind, media_type: &str| {
        let source = MediaSource::Base64 { media_type: media_type.to_owned(), data: "AAAA".to_owned() };
        vec![ChatRequest::new("").user_parts(vec![Part::text("x"), Media::new(kind, source).into()])]
    };
    let tool = || question().tool(Tool::function("f", "x", json!({"type": "object", "properties": {}})));
    let thinking = |options| ChatRequest { reasoning: Some(options), ..question().max_tokens(4096) };
    match capability {
        Capability::Vision => media(MediaKind::Image, "image/png"),
        Capability::Pdf => media(MediaKind::Document, "application/pdf"),
        Capability::Audio => media(MediaKind::Audio, "audio/wav"),
        Capability::Video => media(MediaKind::Video, "video/mp4"),
        Capability::Tools => vec![tool()],
        Capability::ParallelTools => vec![tool()],
        Capability::JsonSchema => vec![question().response_format(ResponseFormat::JsonSchema {
            name: "answer".to_owned(),
            description: None,
            schema: json!({"type": "object", "properties": {}, "additionalProperties": false}),
            strict: None,
            native: Native::NONE,
        })],
        Capability::Reasoning => vec![
            question().effort(Effort::High),
            thinking(ReasoningOptions { enabled: Some(true), budget_tokens: Some(1024), ..Default::default() }),
            thinking(ReasoningOptions { enabled: Some(true), ..Default::default() }),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
