//! What can be called.

use http::Method;
use llm_core::codec::{DecodeContext, Encoded};
use llm_core::{Error, ErrorKind, Price, Result};
use serde_json::Value;

use super::Client;
use crate::catalogue::{Capabilities, Capability, Catalogue, Mode, Model};
use crate::environment;
use crate::provider::Provider;

/// The longest list that is read.
const MAX_LIST: usize = 16 * 1024 * 1024;

impl Client {
    /// The models that can be called: behind a gateway what it lists for this key, in process what the catalogue knows
    /// of the providers with a key. Models that run on one's own machine are not in the catalogue.
    ///
    /// A name that only the gateway knows has no provider, and nothing is known of it.
    pub async fn models(&self) -> Result<Vec<Model>> {
        if let Some(gateway) = &self.inner.gateway {
            return listed(gateway).await;
        }
        let catalogue = Catalogue::bundled();
        // A cloud's own credentials stand for a key; a server that needs none says nothing.
        let has_key = |provider: &Provider| {
            let row = provider.row();
            !row.key_optional || row.key_env.iter().any(|name| environment::variable(name).is_some())
        };
        let callable = self.providers().filter(|provider| provider.chat_codec().is_ok() && has_key(provider));
        let models = callable.flat_map(|provider| {
            let all: Capabilities = Capability::ALL.iter().copied().collect();
            let models = catalogue.models(provider.id()).filter(|model| model.mode == Mode::Chat);
            // What can be asked for is the protocol's and the row's to say, whatever the model.
            let reach = provider.reachable(all, "");
            models.map(move |model| Model { capabilities: model.capabilities.both(reach), ..model })
        });
        Ok(models.collect())
    }

    /// What a gateway says of the key that it is called with: its limits, what they have counted and what is left, as
    /// `GET /api/v1/keys/me` answers. An error in process, where no key has limits.
    pub async fn own_key(&self) -> Result<Value> {
        match &self.inner.gateway {
            Some(gateway) => got(gateway, "/api/v1/keys/me").await,
            None => Err(Error::new(ErrorKind::NotImplemented, "there is no gateway that could know of a key")),
        }
    }
}

/// What the gateway says at a path.
async fn got(gateway: &Provider, path: &str) -> Result<Value> {
    let mut request = Encoded::post(path, bytes::Bytes::new(), DecodeContext::default());
    request.method = Method::GET;
    let response = gateway.send_ok::<llm_core::codec::Chat>(&request, gateway.timeouts()).await?;
    let body = response.body.collect(MAX_LIST).await?;
    serde_json::from_slice(&body)
        .map_err(|error| Error::bad_answer(format!("what the gateway says at `{path}` is not JSON: {error}")))
}

/// The gateway's own list, completed from the catalogue.
async fn listed(gateway: &Provider) -> Result<Vec<Model>> {
    let list = got(gateway, "/v1/models").await?;
    let ids = list["data"].as_array().into_iter().flatten().filter_map(|entry| entry["id"].as_str());
    Ok(ids.map(known_or_bare).collect())
}

fn known_or_bare(id: &str) -> Model {
    let known = id.split_once(':').and_then(|(provider, model)| Catalogue::bundled().lookup(provider, model));
    match (known, id.split_once(':')) {
        (Some(model), Some((_, asked))) => Model { id: asked.to_owned(), ..model },
        _ => Model {
            provider: String::new(),
            id: id.to_owned(),
            mode: Mode::Chat,
            window: None,
            max_output: None,
            capabilities: Capabilities::default(),
            price: Price::default(),
            deprecated_on: None,
        },
    }
}
