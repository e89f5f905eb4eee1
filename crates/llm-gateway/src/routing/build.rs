//! Routes from the configuration and the environment.

use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use llm_core::{Error, Result};
use llm_providers::client::split_model_id;
use llm_providers::registry::{self, ProviderRow};
use llm_providers::{Provider, Secret, environment};

use super::{Deployment, Overrides, REMEMBERED, Route, Routes, Tariff};
use crate::config::{Config, DeploymentConfig, ModelConfig, ProviderConfig};
use crate::keys::KeyHash;

/// How long a local Ollama may take to accept a connection at the start.
const OLLAMA_PATIENCE: Duration = Duration::from_millis(50);

impl Routes {
    /// The routes that a configuration asks for. Where it names no provider, every provider whose key stands in the
    /// environment is used, and a local Ollama if one answers; where there is none at all, the sandbox.
    pub fn build(config: &Config) -> Result<Self> {
        let mut providers = Providers { config, made: BTreeMap::new(), overrides: Overrides::default() };
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
            overrides: providers.overrides,
            commit_after: config.commit_after.0,
        })
    }
}

/// The providers that are needed so far, each made once.
struct Providers<'a> {
    config: &'a Config,
    made: BTreeMap<String, Arc<Provider>>,
    overrides: Overrides,
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
        let provider = Arc::new(self.make(id, self.config.providers.get(id).cloned().unwrap_or_default())?);
        self.made.insert(id.to_owned(), provider.clone());
        Ok(provider)
    }

    /// The provider of `provider:model`, and the model.
    fn of_model<'m>(&mut self, model: &'m str) -> Result<(Arc<Provider>, &'m str)> {
        let (id, rest) = self.split(model)?;
        Ok((self.get(id)?, rest))
    }

    /// The provider as a deployment reaches it, and the model. What has an account of its own needs none of the
    /// provider, and does not make its other models callable.
    fn of_deployment<'m>(&mut self, wanted: &'m DeploymentConfig) -> Result<(Arc<Provider>, &'m str)> {
        if !wanted.is_account_of_its_own() {
            return self.of_model(&wanted.model);
        }
        let (id, rest) = self.split(&wanted.model)?;
        let changes = self.config.providers.get(id).cloned().unwrap_or_default();
        Ok((Arc::new(self.make(id, changes.of_deployment(wanted))?), rest))
    }

    fn split<'m>(&self, model: &'m str) -> Result<(&'m str, &'m str)> {
        split_model_id(model, |id| self.config.providers.contains_key(id))
    }

    /// A provider with what is said of it.
    fn make(&self, id: &str, changes: ProviderConfig) -> Result<Provider> {
        if id == "sandbox" {
            return Provider::sandbox();
        }
        // The environment completes a known row; what the file says wins over it.
        let known = registry::row(id);
        let (completed, customary) = match known.map(environment::completed) {
            Some((row, key)) => (Some(row), key),
            None => (None, None),
        };
        let row = changes.over(id, completed.as_ref());
        let row = row.ok_or_else(|| Error::invalid_request(format!("there is no provider `{id}`")))?;
        let key = changes.api_key.or(customary);
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
    let (provider, model) = providers.of_deployment(wanted)?;
    let mut timeouts = *provider.timeouts();
    if let Some(total) = wanted.timeout {
        timeouts.total = total.0;
    }
    let mut deployment = Deployment::of(provider, model, timeouts, &providers.overrides);
    deployment.weight = wanted.weight;
    deployment.account = account(wanted);
    if let Some(price) = &wanted.price {
        deployment.own = Arc::new(Tariff::of_file(price.0.clone()));
    }
    Ok(deployment)
}

/// Tells accounts of the same provider apart: a digest of key and place, too short to say anything of them but whether
/// they are the same. None for the provider's own.
fn account(wanted: &DeploymentConfig) -> Option<Arc<str>> {
    let key = wanted.api_key.as_ref().map(Secret::expose);
    let place = wanted.base_url.as_deref();
    let text = match (key, place) {
        (None, None) => return None,
        (Some(key), None) => key.to_owned(),
        (key, Some(place)) => format!(
            "{}
{place}",
            key.unwrap_or_default()
        ),
    };
    Some(KeyHash::of(&text).to_string().chars().take(8).collect::<String>().into())
}

/// Whether something accepts connections where the row says.
fn answers(row: &ProviderRow) -> bool {
    let Some(place) = row.base_url.as_deref() else { return false };
    let host = place.rsplit("://").next().unwrap_or(place).split('/').next().unwrap_or_default();
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:11434") };
    let Ok(addresses) = address.to_socket_addrs() else { return false };
    addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, OLLAMA_PATIENCE).is_ok())
}
