//! `/api/v1/models` and `/api/v1/deployments`: what is served, and how it is doing.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};

use super::admin::Admin;
use super::answer::{Answer, Json};
use crate::routing::{Deployment, Route};

/// `GET /api/v1/models`: the names, what stands behind them, and the providers whose models can be called by id.
pub(super) async fn models(State(admin): State<Arc<Admin>>) -> Answer {
    let routes = admin.gateway.routes();
    let model = |route: &Arc<Route>| {
        json!({
            "name": &*route.name,
            "strategy": route.strategy.as_str(),
            "retries": route.retries,
            "fallbacks": route.fallbacks,
            "deployments": route.deployments.iter().map(|deployment| &*deployment.id).collect::<Vec<_>>(),
        })
    };
    let models: Vec<Value> = routes.names().map(model).collect();
    let direct: Vec<&str> =
        if routes.is_direct() { routes.providers().map(|provider| provider.id()).collect() } else { Vec::new() };
    Ok(Json::ok(&json!({"data": models, "next_cursor": null, "direct_providers": direct})))
}

/// A deployment as it is shown. Its credential is not.
#[derive(Serialize)]
struct Shown<'a> {
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
