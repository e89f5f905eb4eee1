//! Routes from the configuration and the environment.

use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use llm_core::{Error, Result};
use llm_providers::client::split_model_id;
use llm_providers::registry::{self, ProviderRow};
use llm_providers::{Provider, Secret, environment};

use super::{Deployment, REMEMBERED, Route, Routes};
use crate::config::{Config, DeploymentConfig, ModelConfig};
use crate::keys::KeyHash;

/// How long a local Ollama may take to accept a connection at the start.
const OLLAMA_PATIENCE: Duration = Duration::from_millis(50);

impl Routes {
    /// The routes that a configuration asks for. Where it names no provider, every provider whose key stands in the
    /// environment is used, and a local Ollama if one answers; where there is none at all, the sandbox.
    pub fn build(config: &Config) -> Result<Self> {
        let mut providers = Providers { config, made: BTreeMap::new() };
        if config.providers.is_empty() {
            providers.add_from_environment()?;
        }
        for id in config.providers.keys() {
            providers.get(id)?;
        }
        let mut names = BTreeMap::new();
        for model in &config.models {
            names.insert(model.name.clone(), Arc::new(route(model, config, &mut providers)?));
            for fallback in &model.fallbacks {
                if !config.models.iter().any(|other| other.name == *fallback) {
                    providers.of_model(fallback)?;
                }
            }
        }
        if providers.made.is_empty() {
            providers.made.insert("sandbox".to_owned(), Arc::new(Provider::sandbox()?));
        }
        Ok(Self {
            names,
            providers: providers.made,
            direct: config.direct_models,
            remembered: moka::sync::Cache::new(REMEMBERED),
            commit_after: config.commit_after.0,
        })
    }
}

/// The providers that are needed so far, each made once.
struct Providers<'a> {
    config: &'a Config,
    made: BTreeMap<String, Arc<Provider>>,
}

impl Providers<'_> {
    fn add_from_environment(&mut self) -> Result<()> {
        for (id, row) in registry::rows() {
            let Some((row, key)) = environment::configured(row) else { continue };
            // Local servers need no key, so nothing but an answer tells whether one is there.
            if key.is_none() && row.key_optional && !(id == "ollama" && answers(&row)) {
                continue;
            }
            let provider = Provider::new(id, row, key, self.config.timeouts.resolve())?;
            self.made.insert(id.clone(), Arc::new(provider));
        }
        Ok(())
    }

    fn get(&mut self, id: &str) -> Result<Arc<Provider>> {
        if let Some(provider) = self.made.get(id) {
            return Ok(provider.clone());
        }
        let provider = Arc::new(self.make(id, None)?);
        self.made.insert(id.to_owned(), provider.clone());
        Ok(provider)
    }

    /// The provider of `provider:model`, and the model.
    fn of_model<'m>(&mut self, model: &'m str) -> Result<(Arc<Provider>, &'m str)> {
        let (id, rest) = split_model_id(model, |id| self.config.providers.contains_key(id))?;
        Ok((self.get(id)?, rest))
    }

    fn make(&self, id: &str, key: Option<Secret>) -> Result<Provider> {
        if id == "sandbox" {
            return Provider::sandbox();
        }
        let changes = self.config.providers.get(id).cloned().unwrap_or_default();
        // The environment completes a known row; what the file says wins over it.
        let known = registry::row(id);
        let (completed, customary) = match known.map(environment::completed) {
            Some((row, key)) => (Some(row), key),
            None => (None, None),
        };
        let row = changes.over(id, completed.as_ref());
        let row = row.ok_or_else(|| Error::invalid_request(format!("there is no provider `{id}`")))?;
        let key = key.or(changes.api_key).or(customary);
        Provider::new(id, row, key, changes.timeouts.or(self.config.timeouts).resolve())
    }
}

fn route(model: &ModelConfig, config: &Config, providers: &mut Providers<'_>) -> Result<Route> {
    let deployments = model.deployments.iter().map(|deployment| self::deployment(deployment, providers).map(Arc::new));
    Ok(Route {
        name: model.name.as_str().into(),
        strategy: model.strategy,
        retries: model.retries,
        fallbacks: model.fallbacks.clone(),
        deployments: deployments.collect::<Result<_>>()?,
        commit_after: model.commit_after.unwrap_or(config.commit_after).0,
        assume_output: model.assume_output,
    })
}

fn deployment(wanted: &DeploymentConfig, providers: &mut Providers<'_>) -> Result<Deployment> {
    let (mut provider, model) = providers.of_model(&wanted.model)?;
    if let Some(key) = &wanted.api_key {
        provider = Arc::new(providers.make(provider.id(), Some(key.clone()))?);
    }
    let mut timeouts = *provider.timeouts();
    if let Some(total) = wanted.timeout {
        timeouts.total = total.0;
    }
    let mut deployment = Deployment::of(provider, model, timeouts);
    deployment.weight = wanted.weight;
    deployment.account = wanted.api_key.as_ref().map(account);
    if let Some(price) = &wanted.price {
        deployment.price = price.0.clone();
    }
    Ok(deployment)
}

/// A digest of a key, too short to say anything of it but whether it is the same.
fn account(key: &Secret) -> Arc<str> {
    KeyHash::of(key.expose()).to_string().chars().take(8).collect::<String>().into()
}

/// Whether something accepts connections where the row says.
fn answers(row: &ProviderRow) -> bool {
    let Some(place) = row.base_url.as_deref() else { return false };
    let host = place.rsplit("://").next().unwrap_or(place).split('/').next().unwrap_or_default();
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:11434") };
    let Ok(addresses) = address.to_socket_addrs() else { return false };
    addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, OLLAMA_PATIENCE).is_ok())
}
