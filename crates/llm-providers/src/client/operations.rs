//! Calls other than chat.

use llm_core::audio::{Speak, SpeakRequest, Transcribe, TranscribeAnswer, TranscribeRequest};
use llm_core::completion::{Complete, CompleteAnswer, CompleteRequest};
use llm_core::embedding::{Embed, EmbedAnswer, EmbedRequest};
use llm_core::image::{Images, ImagesAnswer, ImagesRequest};
use llm_core::model_list::{Models, ModelsAnswer, ModelsRequest};
use llm_core::moderation::{Moderate, ModerateAnswer, ModerateRequest};
use llm_core::operation::Asks;
use llm_core::rerank::{Rerank, RerankAnswer, RerankRequest};
use llm_core::token_count::{CountAnswer, CountRequest, CountTokens};
use llm_core::{ChatRequest, Error, ErrorKind, Result};

use super::Client;
use crate::protocols::Spoken;
use crate::stream::SpeakStream;

impl Client {
    /// The vectors of some texts.
    pub async fn embed(&self, request: EmbedRequest) -> Result<EmbedAnswer> {
        self.call::<Embed>(&request).await
    }

    /// Documents in the order of their relevance to a query.
    pub async fn rerank(&self, request: RerankRequest) -> Result<RerankAnswer> {
        self.call::<Rerank>(&request).await
    }

    /// Judgement of contents.
    pub async fn moderate(&self, request: ModerateRequest) -> Result<ModerateAnswer> {
        self.call::<Moderate>(&request).await
    }

    /// Images, made or changed.
    pub async fn images(&self, request: ImagesRequest) -> Result<ImagesAnswer> {
        self.call::<Images>(&request).await
    }

    /// Speech to text.
    pub async fn transcribe(&self, request: TranscribeRequest) -> Result<TranscribeAnswer> {
        self.call::<Transcribe>(&request).await
    }

    /// Text to speech, as a stream of the file's bytes.
    pub async fn speak(&self, request: SpeakRequest) -> Result<SpeakStream> {
        let (provider, model) = self.route(&request.model)?;
        let provider = provider.having::<Speak>(provider.row().protocol)?;
        let chunks = provider.stream::<Speak>(&request, model).await?;
        Ok(SpeakStream::new(chunks, model, request.skim().units))
    }

    /// A text continued: the older interface, without roles.
    pub async fn complete(&self, request: CompleteRequest) -> Result<CompleteAnswer> {
        self.call::<Complete>(&request).await
    }

    /// The tokens of a conversation, counted by the provider. Free of charge.
    pub async fn count_tokens(&self, request: ChatRequest) -> Result<CountAnswer> {
        self.call::<CountTokens>(&CountRequest(request)).await
    }

    /// The models that a provider lists itself, with all that it says of them. A gateway does not hand these lists on:
    /// what can be called there says [`models`](Self::models).
    pub async fn list_models(&self, provider: &str) -> Result<ModelsAnswer> {
        if self.is_gateway() {
            return Err(Error::new(ErrorKind::NotImplemented, "a gateway does not hand on what a provider lists")
                .with_hint("`models` says what can be called there"));
        }
        let place = self.place::<Models>(provider)?;
        place.provider.call::<Models>(&ModelsRequest::default(), "").await
    }

    async fn call<O: Spoken>(&self, request: &O::Request) -> Result<O::Answer> {
        if request.model().is_empty() {
            return Err(Error::new(ErrorKind::InvalidRequest, "the request names no model").with_param("model"));
        }
        let (provider, model) = self.route(request.model())?;
        provider.having::<O>(provider.row().protocol)?.call::<O>(request, model).await
    }
}
