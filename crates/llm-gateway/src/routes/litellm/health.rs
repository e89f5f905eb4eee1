//! `/health…`.

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Asked, Refused};
use super::ours::Ours;

/// `GET /health`: the deployments and how they are doing, as their calls tell. None is called for it.
pub(super) async fn deployments(ours: &Ours, mut asked: Asked) -> Answer {
    let wanted = asked.fields.take_text("model");
    asked.finish(&[])?;
    let deployments = ours.get(&asked.headers, "/api/v1/deployments").await?;
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for deployment in deployments["data"].as_array().into_iter().flatten() {
        if wanted.as_ref().is_some_and(|name| deployment["name"] != **name) {
            continue;
        }
        let model = deployment["id"].as_str().unwrap_or_default().replacen(':', "/", 1);
        let shown = json!({"model": model, "model_name": deployment["name"]});
        if deployment["healthy"] == Value::Bool(false) { unhealthy.push(shown) } else { healthy.push(shown) }
    }
    let (well, ill) = (healthy.len(), unhealthy.len());
    Ok(json!({
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
        "healthy_count": well,
        "unhealthy_count": ill,
    }))
}

/// `GET /health/readiness`: 200 where calls are taken.
pub(super) async fn ready(ours: &Ours) -> Answer {
    let (status, body) = ours.raw(&HeaderMap::new(), Method::GET, "/readyz", None).await?;
    if !status.is_success() {
        let message = "the gateway takes no calls now";
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "internal_server_error", None, message));
    }
    let database = if body["database"] == "ok" { "connected" } else { "disconnected" };
    Ok(json!({"status": "healthy", "db": database}))
}
