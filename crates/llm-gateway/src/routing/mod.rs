//! From the model that an application asks for to the deployments that can serve it.

mod build;
mod deployment;
mod order;
mod recent;
mod tariff;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use llm_core::{Error, ErrorKind, Result};
use llm_providers::catalogue::Catalogue;
use llm_providers::client::split_model_id;
use llm_providers::registry::{canonical, nearest};
use llm_providers::{Provider, Timeouts};

pub use deployment::{Deployment, Health};
pub use recent::Recent;
pub use tariff::{Overrides, PriceSource, Tariff, provider_named};

use crate::config::Strategy;
use crate::keys::VirtualKey;
use crate::record::Object;

/// How many `provider:model` ids are remembered with their price; more only cost a look-up in the catalogue.
const REMEMBERED: u64 = 4096;

/// The longest name or id of a model, in bytes. Names are remembered, compared with each other and recorded.
pub(crate) const MAX_MODEL: usize = 512;

/// What a model name stands for.
#[derive(Debug)]
pub struct Route {
    /// What the application asks for.
    pub name: Arc<str>,
    /// How a deployment is chosen.
    pub strategy: Strategy,
    /// Further attempts after the first, over all deployments together.
    pub retries: u32,
    /// What is tried, in this order, when no deployment answers.
    pub fallbacks: Vec<Fallback>,
    /// What can serve it.
    pub deployments: Vec<Arc<Deployment>>,
    /// How long the first content of a stream is awaited before the headers leave.
    pub commit_after: Duration,
    /// Output tokens to reserve where the caller states no bound.
    pub assume_output: Option<u64>,
}

/// What a name falls back to. Of another name only its own deployments are tried.
#[derive(Debug)]
pub struct Fallback {
    /// The name or `provider:model`, as the configuration says it.
    pub name: String,
    /// How a deployment is chosen.
    pub strategy: Strategy,
    /// What can serve it.
    pub deployments: Vec<Arc<Deployment>>,
}

/// Every model name, and every provider whose models can be called by id.
#[derive(Debug)]
pub struct Routes {
    names: BTreeMap<String, Arc<Route>>,
    providers: BTreeMap<String, Arc<Provider>>,
    /// Whether callers may name models by `provider:model`.
    direct: bool,
    /// Models of providers that names fall back to, by `provider:model`: the same ones when they are called by it.
    known: BTreeMap<Arc<str>, Arc<Deployment>>,
    remembered: moka::sync::Cache<String, Arc<Route>>,
    overrides: Overrides,
    commit_after: Duration,
}

impl Routes {
    /// The route of a name, of `provider:model`, or of `provider/model`, in that order.
    pub fn resolve(&self, model: &str) -> Result<Arc<Route>> {
        if let Some(route) = self.names.get(model) {
            return Ok(route.clone());
        }
        if model.len() > MAX_MODEL {
            let message = format!("a model's name has at most {MAX_MODEL} bytes");
            return Err(Error::new(ErrorKind::ModelNotFound, message).with_param("model"));
        }
        if let Some(route) = self.remembered.get(model) {
            return Ok(route);
        }
        let route = Arc::new(self.direct_route(model)?);
        self.remembered.insert(model.to_owned(), route.clone());
        Ok(route)
    }

    /// The deployments that a call of `route` may try, in order: the name's own, over and over as its retries allow,
    /// and then each fallback's once.
    pub fn candidates(&self, route: &Route, now_ms: i64) -> Vec<Arc<Deployment>> {
        let own = order::ordered(&route.deployments, route.strategy, now_ms);
        let attempts = 1 + route.retries as usize;
        let mut candidates: Vec<_> = own.iter().cycle().take(attempts).cloned().collect();
        for fallback in &route.fallbacks {
            candidates.extend(order::ordered(&fallback.deployments, fallback.strategy, now_ms));
        }
        candidates
    }

    /// The prices that stand in the place of the catalogue's.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// A model of a provider as it is by itself.
    fn bare(&self, provider: &Arc<Provider>, model: &str) -> Arc<Deployment> {
        let made = Deployment::of(provider.clone(), model, *provider.timeouts(), &self.overrides);
        self.known.get(&made.id).cloned().unwrap_or_else(|| Arc::new(made))
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.names.values()
    }

    /// Every provider that can be called.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// The route of one deployment, whatever its name.
    pub(crate) fn alone(&self, deployment: Arc<Deployment>) -> Arc<Route> {
        Arc::new(Route {
            name: deployment.id.clone(),
            strategy: Strategy::Priority,
            retries: 1,
            fallbacks: Vec::new(),
            deployments: vec![deployment],
            commit_after: self.commit_after,
            assume_output: None,
        })
    }

    /// One deployment of each place: of each provider as it is configured, and of each further key of it.
    pub(crate) fn places(&self) -> Vec<Arc<Deployment>> {
        let own = self.providers.values().map(|provider| {
            let known = self.deployments().find(|one| *one.provider_id == *provider.id() && one.account.is_none());
            known.cloned().unwrap_or_else(|| self.bare(provider, ""))
        });
        let mut places: Vec<Arc<Deployment>> = own.collect();
        for deployment in self.deployments() {
            if !places.iter().any(|place| place.is_beside(deployment)) {
                places.push(deployment.clone());
            }
        }
        places
    }

    /// The deployment that keeps what it made for a key. Where it is no longer configured that is said: no other one has
    /// the thing. Of a thing that no model made, the provider's deployment of the empty model.
    pub fn keeper(&self, object: &Object) -> Result<Arc<Deployment>> {
        let same_id: Vec<_> = self.deployments().filter(|deployment| deployment.id == object.deployment).collect();
        let same_account = same_id.iter().find(|deployment| deployment.account == object.account);
        // A deployment whose key was changed is still the same one, unless there are several.
        if let Some(found) = same_account.or(if same_id.len() == 1 { same_id.first() } else { None }) {
            return Ok(Arc::clone(found));
        }
        self.provider_itself(object).ok_or_else(|| {
            let Object { id, deployment, .. } = object;
            let message = format!("`{id}` was made by the deployment `{deployment}`, which is no longer configured");
            Error::new(ErrorKind::NoDeploymentAvailable, message)
        })
    }

    /// The deployment of a provider's own key that an object names, also where its id can't be called.
    fn provider_itself(&self, object: &Object) -> Option<Arc<Deployment>> {
        if object.account.is_some() {
            return None;
        }
        if let Ok(route) = self.resolve(&object.deployment)
            && let Some(known) = route.deployments.iter().find(|known| known.id == object.deployment)
        {
            return Some(known.clone());
        }
        let provider = self.providers.get(&*object.provider)?;
        let model = object.deployment.strip_prefix(&*object.provider)?.trim_start_matches(':');
        Some(self.bare(provider, model))
    }

    /// Whether a key may call any model of a provider, by its id or by a name: what is stored there without a model's
    /// name is then the key's to store.
    pub(crate) fn may_use(&self, key: &VirtualKey, provider: &str) -> bool {
        let direct = format!("{provider}:");
        (self.direct && key.allows(&direct, &direct))
            || self.names().any(|route| {
                let mut own = route.deployments.iter().filter(|deployment| &*deployment.provider_id == provider);
                own.any(|deployment| key.allows(&route.name, &deployment.id))
            })
    }

    /// Whether `provider:model` ids can be called at all.
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// Every deployment that a name uses.
    pub fn deployments(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.names.values().flat_map(|route| &route.deployments)
    }

    fn direct_route(&self, model: &str) -> Result<Route> {
        let known = |id: &str| self.providers.contains_key(id);
        let Ok((id, rest)) = split_model_id(model, known) else { return Err(self.not_found(model)) };
        if !self.direct {
            return Err(self.not_found(model));
        }
        let Some(provider) = self.providers.get(id).or_else(|| self.providers.get(canonical(id))) else {
            return Err(self.not_found(model));
        };
        let deployment = self.bare(provider, rest);
        Ok(Route {
            name: model.into(),
            strategy: Strategy::Priority,
            retries: 1,
            fallbacks: Vec::new(),
            deployments: vec![deployment],
            commit_after: self.commit_after,
            assume_output: None,
        })
    }

    fn not_found(&self, model: &str) -> Error {
        let error = Error::new(ErrorKind::ModelNotFound, format!("the model `{model}` does not exist here"))
            .with_param("model");
        match self.nearest(model) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        }
    }

    /// The name or id that `model` was most likely meant to be.
    fn nearest(&self, model: &str) -> Option<String> {
        let names = self.names.keys().map(String::as_str);
        if let Ok((id, rest)) = split_model_id(model, |_| false) {
            let provider = match self.providers.get_key_value(id) {
                Some((provider, _)) => provider.as_str(),
                None => nearest(id, self.providers.keys().map(String::as_str))?,
            };
            return Some(format!("{provider}:{rest}"));
        }
        if let Some(name) = nearest(model, names) {
            return Some(name.to_owned());
        }
        // A bare model that a configured provider has: the application left the provider out.
        let of = |id: &&String| Catalogue::bundled().lookup(id, model).is_some();
        self.providers.keys().find(of).map(|id| format!("{id}:{model}"))
    }
}

impl Deployment {
    /// A deployment with what is known of its model.
    pub(crate) fn of(provider: Arc<Provider>, model: &str, timeouts: Timeouts, overrides: &Overrides) -> Self {
        let known = Catalogue::bundled().lookup(provider.id(), model);
        Self {
            id: format!("{}:{model}", provider.id()).into(),
            provider_id: provider.id().into(),
            account: None,
            model: model.to_owned(),
            own: Arc::new(Tariff::known(&provider, known.as_ref())),
            overrides: overrides.clone(),
            max_output: known.as_ref().and_then(|known| known.max_output),
            window: known.as_ref().and_then(|known| known.window),
            weight: 1,
            timeouts,
            health: Health::default(),
            recent: Recent::default(),
            provider,
        }
    }
}
