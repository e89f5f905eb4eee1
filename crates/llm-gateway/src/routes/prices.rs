//! `/api/v1/prices`: the catalogue, and what an administrator puts in the place of its prices.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use llm_providers::catalogue::{Catalogue, Model};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::admin::Admin;
use super::answer::{Answer, Body, Json, Path, Query};
use super::page::{self, Page};
use crate::keys::{PriceDraft, Rate, not_found};
use crate::limits::ModelPattern;
use crate::routing::{PriceSource, Tariff, provider_named};

/// What a model costs here, and what is known of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Price")]
pub(super) struct Shown {
    /// `provider:model`.
    id: String,
    provider: String,
    /// The model as the provider spells it.
    model: String,
    /// Who says the price that is in force, but for deployments that have their own; null where nobody knows one.
    source: Option<PriceSource>,
    /// Of when the price is: the catalogue's day, or the time of the override.
    as_of: Option<String>,
    /// The lines of the price that is in force.
    lines: Vec<Rate>,
    /// What the catalogue says; null where it does not know the model, empty where it knows no price.
    catalogue: Option<Vec<Rate>>,
    /// Deployments whose price stands in the configuration file, which wins and is read-only.
    file: Vec<InFile>,
    /// What the model is for; null where that is not known.
    mode: Option<String>,
    /// The most tokens of a prompt.
    window: Option<u64>,
    /// The most tokens of an answer.
    max_output: Option<u64>,
    /// The day on which the provider takes it away.
    deprecated_on: Option<String>,
}

/// The own price of a deployment.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PriceInFile")]
pub(super) struct InFile {
    /// The model name that it serves.
    name: String,
    lines: Vec<Rate>,
}

/// Which prices are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// How many, from 1 to 500; 100 unless said.
    limit: Option<usize>,
    /// The last page's `next_cursor`.
    cursor: Option<String>,
    /// Of this provider.
    provider: Option<String>,
    /// Of this model; `*` stands for any text.
    model: Option<String>,
    /// That stand in force by whose word: `catalogue`, `override`, ….
    source: Option<PriceSource>,
}

/// `GET /api/v1/prices`: the catalogue's models and all that have a price here, by id.
pub(super) async fn list(State(admin): State<Arc<Admin>>, Query(filter): Query<Filter>) -> Answer {
    let limit = page::limit(filter.limit)?;
    let pattern = filter.model.as_deref().map(ModelPattern::from);
    let wanted = |id: &str| {
        let (provider, model) = id.split_once(':').unwrap_or((id, ""));
        filter.provider.as_deref().is_none_or(|asked| asked == provider)
            && pattern.as_ref().is_none_or(|pattern| pattern.matches(model))
            && filter.cursor.as_deref().is_none_or(|cursor| id > cursor)
    };
    let mut ids: BTreeSet<String> = match &filter.provider {
        Some(provider) => Catalogue::bundled().models(provider).map(|model| model.full_id()).collect(),
        None => Catalogue::bundled().all().map(|model| model.full_id()).collect(),
    };
    ids.extend(admin.gateway.keys.prices().iter().map(|price| price.id.clone()));
    let deployments = admin.gateway.routes().deployments();
    let in_file = deployments.filter(|deployment| deployment.tariff().source == PriceSource::File);
    ids.extend(in_file.map(|deployment| deployment.id.to_string()));
    let shown = ids.iter().filter(|id| wanted(id)).filter_map(|id| admin.show_price(id));
    let shown = shown.filter(|shown| filter.source.is_none() || shown.source == filter.source);
    let found: Vec<Shown> = shown.take(limit + 1).collect();
    Ok(Json::ok(&Page::of(found, limit, |shown| shown.id.clone())))
}

/// `GET /api/v1/prices/{provider}/{model}`.
pub(super) async fn show(State(admin): State<Arc<Admin>>, Path((provider, model)): Path<(String, String)>) -> Answer {
    let id = format!("{provider}:{model}");
    let shown = admin.show_price(&id).ok_or_else(|| {
        let error = not_found("price of", &id);
        match Catalogue::bundled().nearest(&provider, &model) {
            Some(near) => error.with_hint(format!("did you mean `{provider}/{near}`?")),
            None => error,
        }
    })?;
    Ok(Json::ok(&shown))
}

/// `PUT /api/v1/prices/{provider}/{model}`: a price in the place of the catalogue's, as a whole.
pub(super) async fn put(
    State(admin): State<Arc<Admin>>,
    Path((provider, model)): Path<(String, String)>,
    Body(draft): Body<PriceDraft>,
) -> Answer {
    let provider = provider_named(admin.gateway.config(), &provider)?;
    let made = admin.gateway.keys.put_price(provider, &model, draft).await?;
    tracing::info!(price = made.id, "overrode a price");
    Ok(Json::ok(&admin.show_price(&made.id).ok_or_else(|| not_found("price of", &made.id))?))
}

/// `DELETE /api/v1/prices/{provider}/{model}`: the catalogue's price is in force again.
pub(super) async fn remove(State(admin): State<Arc<Admin>>, Path((provider, model)): Path<(String, String)>) -> Answer {
    let provider = provider_named(admin.gateway.config(), &provider)?;
    let id = format!("{provider}:{model}");
    admin.gateway.keys.delete_price(&id).await?;
    tracing::info!(price = id, "took an override of a price away");
    Ok(Json::ok(&json!({"id": id, "deleted": true})))
}

impl Admin {
    /// What is known of the price of `provider:model`; none where nothing is.
    fn show_price(&self, id: &str) -> Option<Shown> {
        let (provider, model) = id.split_once(':')?;
        let known = Catalogue::bundled().lookup(provider, model);
        let routes = self.gateway.routes();
        let in_file = routes.names().flat_map(|route| {
            let own = route.deployments.iter().map(|one| (one, one.tariff()));
            let own = own.filter(|(one, tariff)| *one.id == *id && tariff.source == PriceSource::File);
            own.map(|(_, tariff)| InFile { name: route.name.to_string(), lines: rates(&tariff) })
        });
        let file: Vec<InFile> = in_file.collect();
        let overridden = routes.overrides().get(id);
        if known.is_none() && overridden.is_none() && file.is_empty() {
            return None;
        }
        let catalogue = Tariff::of_catalogue(known.as_ref());
        let tariff = overridden.as_deref().unwrap_or(&catalogue);
        let is_known = !tariff.price.lines.is_empty();
        let of = |read: fn(&Model) -> Option<String>| known.as_ref().and_then(read);
        Some(Shown {
            id: id.to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            source: is_known.then_some(tariff.source),
            as_of: tariff.as_of.as_deref().filter(|_| is_known).map(str::to_owned),
            lines: rates(tariff),
            catalogue: known.as_ref().map(|_| rates(&catalogue)),
            file,
            mode: of(|model| Some(model.mode.as_str().to_owned())),
            window: known.as_ref().and_then(|model| model.window),
            max_output: known.as_ref().and_then(|model| model.max_output),
            deprecated_on: of(|model| model.deprecated_on.clone()),
        })
    }
}

fn rates(tariff: &Tariff) -> Vec<Rate> {
    tariff.price.lines.iter().map(Rate::of).collect()
}
