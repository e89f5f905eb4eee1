//! `/api/v1/models` and `/api/v1/deployments`: what is served, and how it is doing.

use std::sync::Arc;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::admin::Admin;
use super::answer::{Answer, Json};
use crate::routing::{Deployment, Route};

/// A model name of the configuration.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Model")]
pub(super) struct ShownModel {
    name: String,
    /// How a deployment is chosen.
    strategy: &'static str,
    /// Further attempts after the first.
    retries: u32,
    /// Names or ids that are tried when no deployment answers.
    fallbacks: Vec<String>,
    /// The ids of what can serve it.
    deployments: Vec<String>,
}

/// What is served.
#[derive(Serialize, JsonSchema)]
pub(super) struct Models {
    data: Vec<ShownModel>,
    next_cursor: Option<String>,
    /// The providers whose models can be called as `provider:model`.
    direct_providers: Vec<String>,
}

/// `GET /api/v1/models`: the names, what stands behind them, and the providers whose models can be called by id.
pub(super) async fn models(State(admin): State<Arc<Admin>>) -> Answer {
    let routes = admin.gateway.routes();
    let model = |route: &Arc<Route>| ShownModel {
        name: route.name.to_string(),
        strategy: route.strategy.as_str(),
        retries: route.retries,
        fallbacks: route.fallbacks.iter().map(|fallback| fallback.name.clone()).collect(),
        deployments: route.deployments.iter().map(|deployment| deployment.id.to_string()).collect(),
    };
    let direct = routes.providers().filter(|_| routes.is_direct()).map(|provider| provider.id().to_owned());
    Ok(Json::ok(&Models {
        data: routes.names().map(model).collect(),
        next_cursor: None,
        direct_providers: direct.collect(),
    }))
}

/// A deployment as it is shown. Its credential is not.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Deployment")]
pub(super) struct Shown<'a> {
    id: &'a str,
    /// The model name that it serves.
    name: &'a str,
    provider: &'a str,
    weight: u32,
    /// Whether its calls have a price.
    priced: bool,
    /// False while it is left alone because it failed too often.
    healthy: bool,
    in_flight: u32,
    /// The moving average of the time to the first byte; null before the first call.
    first_byte_ms: Option<u64>,
    tokens_this_minute: u64,
}

/// `GET /api/v1/deployments`: those behind the names.
pub(super) async fn deployments(State(admin): State<Arc<Admin>>) -> Answer {
    let now = admin.gateway.now_ms();
    let routes = admin.gateway.routes();
    let shown: Vec<Shown<'_>> = routes
        .names()
        .flat_map(|route| route.deployments.iter().map(move |deployment| show(route, deployment, now)))
        .collect();
    Ok(Json::ok(&json!({"data": shown, "next_cursor": null})))
}

fn show<'a>(route: &'a Route, deployment: &'a Deployment, now: i64) -> Shown<'a> {
    let health = &deployment.health;
    let latency = health.latency_us();
    Shown {
        id: &deployment.id,
        name: &route.name,
        provider: &deployment.provider_id,
        weight: deployment.weight,
        priced: !deployment.tariff().price.lines.is_empty(),
        healthy: !health.is_cooling(now),
        in_flight: health.in_flight(),
        first_byte_ms: (latency > 0).then_some(latency / 1_000),
        tokens_this_minute: health.tokens_this_minute(now),
    }
}
