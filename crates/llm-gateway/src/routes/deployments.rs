//! `/api/v1/models` and `/api/v1/deployments`: what the configuration serves.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::admin::Admin;
use super::answer::{Answer, Json};
use crate::config::ModelConfig;

/// `GET /api/v1/models`: the names, and what stands behind them.
pub(super) async fn models(State(admin): State<Arc<Admin>>) -> Answer {
    let models: Vec<Value> = admin.config.models.iter().map(model).collect();
    Ok(Json::ok(&json!({"data": models, "next_cursor": null, "direct_models": admin.config.direct_models})))
}

fn model(model: &ModelConfig) -> Value {
    json!({
        "name": model.name,
        "strategy": model.strategy.as_str(),
        "retries": model.retries,
        "fallbacks": model.fallbacks,
        "deployments": model.deployments.iter().map(|deployment| &deployment.model).collect::<Vec<_>>(),
    })
}

/// `GET /api/v1/deployments`: each of them by itself.
pub(super) async fn deployments(State(admin): State<Arc<Admin>>) -> Answer {
    let of = |model: &ModelConfig| {
        let name = model.name.clone();
        let show = move |deployment: &crate::config::DeploymentConfig| {
            json!({
                "name": name,
                "model": deployment.model,
                "weight": deployment.weight,
                "timeout_ms": deployment.timeout.map(|timeout| timeout.0.as_millis()),
                "own_price": deployment.price.is_some(),
                "own_key": deployment.api_key.is_some(),
            })
        };
        model.deployments.iter().map(show).collect::<Vec<_>>()
    };
    let deployments: Vec<Value> = admin.config.models.iter().flat_map(of).collect();
    Ok(Json::ok(&json!({"data": deployments, "next_cursor": null})))
}
