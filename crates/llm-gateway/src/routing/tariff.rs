//! What a deployment charges, and who says so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use llm_core::{Error, Meter, Price, Result};
use llm_providers::Provider;
use llm_providers::catalogue::{Catalogue, Model};
use llm_providers::registry::{self, canonical, nearest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Config;

/// Who says what something costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The deployment's own `price` in the configuration file.
    File,
    /// An administrator, for the gateway.
    Override,
    /// The catalogue that comes with this version.
    Catalogue,
    /// Nobody has to: the sandbox has a made-up price, and what runs on one's own machine is free.
    BuiltIn,
    /// Whoever said it when the batch was made that the call is part of.
    Batch,
}

/// A price, and who says so. Without lines it is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    /// What is charged.
    pub price: Price,
    /// By whose word.
    pub source: PriceSource,
    /// Of when that is: the catalogue's day, or the time of the override.
    pub as_of: Option<Arc<str>>,
}

impl Tariff {
    /// The price that stands in the configuration file.
    pub fn of_file(price: Price) -> Self {
        Self { price, source: PriceSource::File, as_of: None }
    }

    /// What is known of a model of `provider` without anybody's word here.
    pub(super) fn known(provider: &Provider, model: Option<&Model>) -> Self {
        let built_in = |price| Self { price, source: PriceSource::BuiltIn, as_of: None };
        match provider.id() {
            "sandbox" => built_in(llm_providers::transport::sandbox_price()),
            _ if provider.is_free() => built_in(Price::new([(Meter::Input, 0), (Meter::Output, 0)])),
            _ => Self::of_catalogue(model),
        }
    }

    /// What the catalogue says of a model.
    pub(crate) fn of_catalogue(model: Option<&Model>) -> Self {
        Self {
            price: model.map(|model| model.price.clone()).unwrap_or_default(),
            source: PriceSource::Catalogue,
            as_of: Some(Catalogue::bundled().as_of().into()),
        }
    }
}

/// The prices that an administrator puts in the place of the catalogue's, by `provider:model`. Shared by handle: whoever
/// has read a change puts it here, and every deployment asks before each attempt.
#[derive(Clone, Debug, Default)]
pub struct Overrides(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Most gateways have none, and their calls shall not wait for a lock to know that.
    any: AtomicBool,
    by_id: RwLock<HashMap<String, Arc<Tariff>>>,
}

impl Overrides {
    /// The override of `provider:model`.
    pub fn get(&self, id: &str) -> Option<Arc<Tariff>> {
        if !self.0.any.load(Ordering::Acquire) {
            return None;
        }
        // A map that is half changed is never seen: each change is one insertion or removal.
        self.0.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Puts a price in force, or takes it out.
    pub(crate) fn put(&self, id: &str, tariff: Option<Tariff>) {
        let mut by_id = self.0.by_id.write().unwrap_or_else(PoisonError::into_inner);
        match tariff {
            Some(tariff) => by_id.insert(id.to_owned(), Arc::new(tariff)),
            None => by_id.remove(id),
        };
        self.0.any.store(!by_id.is_empty(), Ordering::Release);
    }

    /// Puts these in the place of all.
    pub(crate) fn replace(&self, all: impl IntoIterator<Item = (String, Tariff)>) {
        let mut by_id = self.0.by_id.write().unwrap_or_else(PoisonError::into_inner);
        *by_id = all.into_iter().map(|(id, tariff)| (id, Arc::new(tariff))).collect();
        self.0.any.store(!by_id.is_empty(), Ordering::Release);
    }
}

/// The id under which `config` calls a provider that someone names. One that nobody knows is an error that says the
/// nearest.
pub fn provider_named<'a>(config: &Config, name: &'a str) -> Result<&'a str> {
    let is_known = |id: &str| config.providers.contains_key(id) || registry::row(id).is_some() || id == "sandbox";
    if let Some(id) = [name, canonical(name)].into_iter().find(|id| is_known(id)) {
        return Ok(id);
    }
    let known = config.providers.keys().chain(registry::rows().keys());
    let error = Error::invalid_request(format!("there is no provider `{name}`")).with_param("provider");
    Err(match nearest(name, known.map(String::as_str)) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error,
    })
}

#[cfg(test)]
mod tests;
