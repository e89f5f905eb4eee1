//! The in-process entry point: model id in, typed answer out.

mod batches;
mod capabilities;
mod files;
mod form;
mod messages;
mod models;
mod operations;
mod respond;
mod stored;

pub(crate) use batches::one as one_batch;
pub use batches::{BatchResults, BatchesOf};
pub use files::FilesOf;
pub use form::EventStream;
pub use messages::{MessagesAnswer, MessagesRequest};
pub use respond::{Response, ResponseRequest};
pub use stored::{ConversationsOf, ResponsesOf, StoredPage};

use std::collections::BTreeMap;
use std::sync::Arc;

use llm_core::chat::{ChatAnswer, ChatRequest, ResponseFormat};
use llm_core::operation::Answers;
use llm_core::{Error, ErrorKind, NanoUsd, Native, Protocol, Result};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::catalogue::Catalogue;
use crate::environment;
use crate::provider::{Provider, missing_key};
use crate::registry::{self, Dialect, ProviderRow};
use crate::retry::Retries;
use crate::stream::ChatStream;
use crate::transport::{Secret, Timeouts, sandbox_price};

/// Calls models by `provider:model`. Cheap to clone; every clone shares the same connections.
///
/// ```no_run
/// # async fn run() -> llm_core::Result<()> {
/// use llm_providers::{ChatRequest, Client};
///
/// let client = Client::from_env()?;
/// let reply = client.chat(ChatRequest::new("anthropic:claude-opus-4-8").user("Hello")).await?;
/// println!("{} ({} tokens)", reply.text(), reply.usage().total());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    providers: BTreeMap<String, Arc<Provider>>,
    /// Where every call goes instead, once there is a gateway.
    gateway: Option<Arc<Provider>>,
}

impl Client {
    /// Every provider whose key stands in the environment, and those that need none; calls are tried again as
    /// [`Retries`] says unless set. With `LLM_GATEWAY_URL` set, every
    /// call goes to that gateway instead, and model names are the gateway's to resolve.
    pub fn from_env() -> Result<Self> {
        if let Some((url, key)) = environment::gateway()? {
            return Self::of_gateway(url, key);
        }
        let mut builder = Self::builder();
        for (id, row) in registry::rows() {
            if let Some((row, key)) = environment::configured(row) {
                builder =
                    builder.provider(Provider::new(id, row, key, Timeouts::default())?.retrying(Retries::default()));
            }
        }
        builder = builder.provider(Provider::sandbox()?);
        Ok(builder.build())
    }

    /// A client of one gateway: `url` is where it listens, `key` a virtual key of it.
    pub fn of_gateway(url: impl Into<String>, key: Option<Secret>) -> Result<Self> {
        let url = url.into();
        let mut row = ProviderRow::new("Gateway", Protocol::Native, url.as_str());
        let at = |place: &str| Some(format!("{}{place}", url.trim_end_matches('/')));
        row.gateway = true;
        row.also.insert(Protocol::OpenAiResponses, Dialect { base_url: at("/v1"), ..Dialect::default() });
        row.also.insert(Protocol::Anthropic, Dialect { base_url: at(""), ..Dialect::default() });
        let gateway = Arc::new(Provider::new("gateway", row, key, Timeouts::default())?);
        Ok(Self { inner: Arc::new(Inner { providers: BTreeMap::new(), gateway: Some(gateway) }) })
    }

    /// A client of named providers only.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The providers that can be called, by id; empty behind a gateway.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.inner.providers.values()
    }

    /// Whether calls go to a gateway.
    pub fn is_gateway(&self) -> bool {
        self.inner.gateway.is_some()
    }

    /// The provider that a model id names, and the model as that provider spells it.
    ///
    /// `provider:model` first; `provider/model` too where the provider is known. Nothing is guessed: an id without a
    /// provider is an error, and so is a provider without a key.
    pub fn resolve<'m>(&self, model: &'m str) -> Result<(&Arc<Provider>, &'m str)> {
        let (id, rest) = split_model_id(model, |id| self.inner.providers.contains_key(id))?;
        let providers = &self.inner.providers;
        match providers.get(id).or_else(|| providers.get(registry::canonical(id))) {
            Some(provider) => Ok((provider, rest)),
            None => Err(self.not_configured(id)),
        }
    }

    /// Asks a model and waits for the whole answer.
    pub async fn chat(&self, request: ChatRequest) -> Result<ChatAnswer> {
        let (provider, model) = self.route(&request.model)?;
        provider.chat(&request, model).await
    }

    /// Asks a model and gives the answer as it comes.
    pub async fn chat_stream(&self, request: ChatRequest) -> Result<ChatStream> {
        let (provider, model) = self.route(&request.model)?;
        provider.chat_stream(&request, model).await
    }

    /// Asks a model for a value of type `T`, whose JSON Schema goes with the request.
    pub async fn chat_as<T: JsonSchema + DeserializeOwned>(&self, request: ChatRequest) -> Result<T> {
        let schema = schemars::SchemaGenerator::default().into_root_schema_for::<T>();
        let format = ResponseFormat::JsonSchema {
            name: T::schema_name().into_owned(),
            description: None,
            schema: schema.to_value(),
            strict: None,
            native: Native::NONE,
        };
        let answer = self.chat(request.response_format(format)).await?;
        let text = answer.text();
        serde_json::from_str(&text).map_err(|error| {
            Error::bad_answer(format!("the answer is not the asked-for JSON: {error}"))
                .with_provider(answer.provider.clone())
                .with_body(text.into())
                .with_source(error)
        })
    }

    /// The exact cost of an answer of any operation, by the gateway's word or by the catalogue; none where the model has
    /// no price, or where it is not known what was used.
    pub fn cost<A: Answers>(&self, answer: &A) -> Option<NanoUsd> {
        if let Some(call) = answer.call() {
            return call.cost_usd;
        }
        let usage = answer.usage()?;
        if answer.provider() == "sandbox" {
            return sandbox_price().cost(usage, None);
        }
        if self.inner.providers.get(answer.provider()).is_some_and(|provider| provider.is_free()) {
            return Some(NanoUsd::ZERO);
        }
        let model = Catalogue::bundled().lookup(answer.provider(), answer.model())?;
        model.price.cost(usage, answer.service_tier())
    }

    fn route<'m>(&self, model: &'m str) -> Result<(&Arc<Provider>, &'m str)> {
        match &self.inner.gateway {
            Some(gateway) => Ok((gateway, model)),
            None => self.resolve(model),
        }
    }

    fn not_configured(&self, id: &str) -> Error {
        if let Some(row) = registry::row(id) {
            return missing_key(id, row);
        }
        let known = registry::rows().keys().chain(self.inner.providers.keys()).map(String::as_str);
        let error = Error::new(ErrorKind::ModelNotFound, format!("unknown provider `{id}`"));
        match registry::nearest(id, known) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        }
    }
}

/// Cuts a model id at its first colon, or at its first slash where what stands before it is a known provider.
pub fn split_model_id(model: &str, is_provider: impl Fn(&str) -> bool) -> Result<(&str, &str)> {
    let known = |id: &str| is_provider(id) || registry::row(id).is_some();
    let by_slash = model.split_once('/').filter(|(id, _)| known(id));
    let by_colon = model.split_once(':');
    let cut = match (by_colon, by_slash) {
        (Some((id, _)), _) if known(id) => by_colon,
        (_, Some(_)) => by_slash,
        _ => by_colon,
    };
    match cut {
        Some((id, rest)) if !id.is_empty() && !rest.is_empty() => Ok((id, rest)),
        _ => Err(Error::new(ErrorKind::ModelNotFound, format!("`{model}` names no provider"))
            .with_hint("write `provider:model`, for example `openai:gpt-4.1-mini`")),
    }
}

/// Puts a [`Client`] together from providers.
#[derive(Debug, Default)]
pub struct ClientBuilder {
    providers: BTreeMap<String, Arc<Provider>>,
}

impl ClientBuilder {
    /// Adds a provider, in the place of one of the same id.
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.providers.insert(provider.id().to_owned(), Arc::new(provider));
        self
    }

    /// The client.
    pub fn build(self) -> Client {
        Client { inner: Arc::new(Inner { providers: self.providers, gateway: None }) }
    }
}

#[cfg(test)]
mod tests;
