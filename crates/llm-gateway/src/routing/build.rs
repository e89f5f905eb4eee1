//! Routes from the configuration and the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use llm_core::{Error, ErrorKind};
use llm_providers::client::split_model_id;
use llm_providers::registry::{self, ProviderRow};
use llm_providers::{Provider, Secret, environment};

use super::{Deployment, Fallback, Overrides, REMEMBERED, Route, Routes, Tariff};
use crate::config::Step::{self, Index, Key};
use crate::config::{Config, DeploymentConfig, ModelConfig, Problem, Problems, ProviderConfig, Strategy};
use crate::keys::KeyHash;

/// The stand-in that answers by itself.
const SANDBOX: &str = "sandbox";
/// How long a local Ollama may take to accept a connection at the start.
const OLLAMA_PATIENCE: Duration = Duration::from_millis(50);

impl Routes {
    /// The routes that a configuration asks for. Where it names no provider, every provider whose key stands in the
    /// environment is used, and a local Ollama if one answers; where there is none at all, the sandbox.
    ///
    /// Whatever can't be made is told at once: each provider that lacks something, and each place in need of it.
    pub fn build(config: &Config) -> Result<Self, Problems> {
        let mut making = Making::of(config);
        if config.providers.is_empty() {
            making.add_from_environment();
        }
        for id in config.providers.keys() {
            making.provider(id, &[Key("providers"), Key(id)]);
        }
        let mut names = BTreeMap::new();
        for (index, model) in config.models.iter().enumerate() {
            names.insert(model.name.clone(), making.route(index, model));
        }
        let fallbacks: Vec<_> =
            config.models.iter().enumerate().map(|(at, model)| making.fallbacks(at, model, &names)).collect();
        for (model, fallbacks) in config.models.iter().zip(fallbacks) {
            if let Some(route) = names.get_mut(&model.name) {
                route.fallbacks = fallbacks;
            }
        }
        making.into_routes(names)
    }
}

/// What is made of a configuration so far, each provider once, and what is wrong with it.
struct Making<'a> {
    config: &'a Config,
    providers: BTreeMap<String, Arc<Provider>>,
    /// Those that can't be made, each of which is told once.
    failed: BTreeSet<String>,
    direct: BTreeMap<Arc<str>, Arc<Deployment>>,
    overrides: Overrides,
    problems: Vec<Problem>,
}

impl<'a> Making<'a> {
    fn of(config: &'a Config) -> Self {
        Self {
            config,
            providers: BTreeMap::new(),
            failed: BTreeSet::new(),
            direct: BTreeMap::new(),
            overrides: Overrides::default(),
            problems: Vec::new(),
        }
    }

    fn into_routes(mut self, names: BTreeMap<String, Route>) -> Result<Routes, Problems> {
        if self.providers.is_empty()
            && let Some(sandbox) = self.kept(Provider::sandbox(), &[], SANDBOX)
        {
            self.providers.insert(SANDBOX.to_owned(), sandbox);
        }
        if !self.problems.is_empty() {
            self.problems.sort_by_key(|problem| problem.line);
            return Err(Problems(self.problems));
        }
        Ok(Routes {
            names: names.into_iter().map(|(name, route)| (name, Arc::new(route))).collect(),
            providers: self.providers,
            direct: self.config.direct_models,
            known: self.direct,
            remembered: moka::sync::Cache::new(REMEMBERED),
            overrides: self.overrides,
            commit_after: self.config.commit_after.0,
        })
    }

    fn add_from_environment(&mut self) {
        for (id, row) in registry::rows() {
            let Some((row, key)) = environment::configured(row) else { continue };
            // Local servers need no key, so nothing but an answer tells whether one is there.
            if key.is_none() && row.key_optional && !(id == "ollama" && answers(&row)) {
                continue;
            }
            let made = Provider::new(id, row, key, self.config.timeouts.resolve());
            if let Some(provider) = self.kept(made, &[], id) {
                self.providers.insert(id.clone(), provider);
            }
        }
    }

    /// A provider by its id, which is needed by what stands at `at`.
    fn provider(&mut self, id: &str, at: &[Step<'_>]) -> Option<Arc<Provider>> {
        if let Some(provider) = self.providers.get(id) {
            return Some(Arc::clone(provider));
        }
        if self.failed.contains(id) {
            return None;
        }
        let made = self.make(id, self.config.providers.get(id).cloned().unwrap_or_default());
        match self.kept(made, at, id) {
            Some(provider) => {
                self.providers.insert(id.to_owned(), Arc::clone(&provider));
                Some(provider)
            }
            None => {
                self.failed.insert(id.to_owned());
                None
            }
        }
    }

    /// The provider of `provider:model`, and the model.
    fn of_model<'m>(&mut self, model: &'m str, at: &[Step<'_>]) -> Option<(Arc<Provider>, &'m str)> {
        let (id, rest) = self.split(model, at)?;
        Some((self.provider(id, at)?, rest))
    }

    /// The provider as a deployment reaches it, and the model. What has an account of its own needs none of the
    /// provider, and does not make its other models callable.
    fn of_deployment<'m>(&mut self, wanted: &'m DeploymentConfig, at: &[Step<'_>]) -> Option<(Arc<Provider>, &'m str)> {
        if !wanted.is_account_of_its_own() {
            return self.of_model(&wanted.model, at);
        }
        let (id, rest) = self.split(&wanted.model, at)?;
        let changes = self.config.providers.get(id).cloned().unwrap_or_default();
        let made = self.make(id, changes.of_deployment(wanted));
        Some((self.kept(made, at, id)?, rest))
    }

    fn split<'m>(&mut self, model: &'m str, at: &[Step<'_>]) -> Option<(&'m str, &'m str)> {
        let split = split_model_id(model, |id| self.config.providers.contains_key(id));
        split.map_err(|error| self.wrong(at, &error, None)).ok()
    }

    /// A provider with what is said of it.
    fn make(&self, id: &str, changes: ProviderConfig) -> llm_core::Result<Provider> {
        if id == SANDBOX {
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

    /// A provider, if it could be made; else that is noted.
    fn kept(&mut self, made: llm_core::Result<Provider>, at: &[Step<'_>], id: &str) -> Option<Arc<Provider>> {
        match made {
            Ok(provider) => Some(Arc::new(provider)),
            Err(error) => {
                let key =
                    (error.kind() == ErrorKind::MissingCredential).then(|| format!("`api_key` in `[providers.{id}]`"));
                self.wrong(at, &error, key);
                None
            }
        }
    }

    /// Notes what is wrong at a value. `or`: what else can be set to mend it.
    fn wrong(&mut self, at: &[Step<'_>], error: &Error, or: Option<String>) {
        let hint = match (error.hint(), or) {
            (Some(hint), Some(or)) => Some(format!("{hint}, or {or}")),
            (None, Some(or)) => Some(format!("set {or}")),
            (hint, None) => hint.map(str::to_owned),
        };
        self.problems.push(self.config.source.problem(at, error.message(), hint));
    }

    /// The route of a name, without what it falls back to.
    fn route(&mut self, index: usize, model: &ModelConfig) -> Route {
        let mut deployments = Vec::new();
        for (place, wanted) in model.deployments.iter().enumerate() {
            let at = [Key("models"), Index(index), Key("deployments"), Index(place)];
            deployments.extend(self.deployment(wanted, &at).map(Arc::new));
        }
        Route {
            name: model.name.as_str().into(),
            strategy: model.strategy,
            retries: model.retries,
            fallbacks: Vec::new(),
            deployments,
            commit_after: model.commit_after.unwrap_or(self.config.commit_after).0,
            assume_output: model.assume_output,
        }
    }

    fn deployment(&mut self, wanted: &DeploymentConfig, at: &[Step<'_>]) -> Option<Deployment> {
        let (provider, model) = self.of_deployment(wanted, at)?;
        let mut timeouts = *provider.timeouts();
        if let Some(total) = wanted.timeout {
            timeouts.total = total.0;
        }
        let mut deployment = Deployment::of(provider, model, timeouts, &self.overrides);
        deployment.weight = wanted.weight;
        deployment.account = account(wanted);
        if let Some(price) = &wanted.price {
            deployment.own = Arc::new(Tariff::of_file(price.0.clone()));
        }
        Some(deployment)
    }

    /// What a name falls back to: the own deployments of another name, or a model of a provider, also where callers may
    /// not name that by its id.
    fn fallbacks(&mut self, index: usize, model: &ModelConfig, names: &BTreeMap<String, Route>) -> Vec<Fallback> {
        let mut fallbacks = Vec::new();
        for (place, name) in model.fallbacks.iter().enumerate() {
            if let Some(route) = names.get(name) {
                let deployments = route.deployments.clone();
                fallbacks.push(Fallback { name: name.clone(), strategy: route.strategy, deployments });
                continue;
            }
            let at = [Key("models"), Index(index), Key("fallbacks"), Index(place)];
            let Some((provider, model)) = self.of_model(name, &at) else { continue };
            let timeouts = *provider.timeouts();
            let made = Arc::new(Deployment::of(provider, model, timeouts, &self.overrides));
            let one = Arc::clone(self.direct.entry(Arc::clone(&made.id)).or_insert(made));
            fallbacks.push(Fallback { name: name.clone(), strategy: Strategy::Priority, deployments: vec![one] });
        }
        fallbacks
    }
}

/// Tells accounts of the same provider apart: a digest of key and place, too short to say anything of them but whether
/// they are the same. None for the provider's own.
fn account(wanted: &DeploymentConfig) -> Option<Arc<str>> {
    let key = wanted.api_key.as_ref().map(Secret::expose);
    let place = wanted.base_url.as_deref();
    let text = match (key, place) {
        (None, None) => return None,
        (Some(key), None) => key.to_owned(),
        (key, Some(place)) => format!("{}\n{place}", key.unwrap_or_default()),
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
