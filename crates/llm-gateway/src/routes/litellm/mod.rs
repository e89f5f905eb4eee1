//! The management endpoints that LiteLLM's users call from scripts, in LiteLLM's form.
//!
//! Nothing is done here: a request is said again as one or several of this gateway's own administration, with the same
//! credential, and the answer is said again in LiteLLM's words. So the roles, checks and records are the same. Whatever
//! a request says that can't be said here is refused by name, and not left out.

mod answer;
mod budgets;
mod health;
mod keys;
mod limits;
mod members;
mod models;
mod ours;
mod spend;
mod teams;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::admin::Admin;
use crate::router::Metering;
use answer::Asked;
use ours::Ours;

/// The largest body of these routes.
const MAX_BODY: usize = 1024 * 1024;

/// Every route here, with the rule by which it is metered: none reaches a provider. Who may use it is decided by the
/// routes of this gateway's own that it stands for.
pub const LITELLM_ROUTES: &[(&str, &str, Metering)] = &[
    ("POST", "/key/generate", Metering::Local),
    ("GET", "/key/info", Metering::Local),
    ("GET", "/key/list", Metering::Local),
    ("POST", "/key/update", Metering::Local),
    ("POST", "/key/delete", Metering::Local),
    ("POST", "/key/block", Metering::Local),
    ("POST", "/key/unblock", Metering::Local),
    ("POST", "/key/regenerate", Metering::Local),
    ("POST", "/key/{key}/regenerate", Metering::Local),
    ("POST", "/team/new", Metering::Local),
    ("GET", "/team/info", Metering::Local),
    ("GET", "/team/list", Metering::Local),
    ("POST", "/team/update", Metering::Local),
    ("POST", "/team/delete", Metering::Local),
    ("POST", "/team/member_add", Metering::Local),
    ("POST", "/user/new", Metering::Local),
    ("GET", "/user/info", Metering::Local),
    ("GET", "/user/list", Metering::Local),
    ("POST", "/budget/new", Metering::Local),
    ("POST", "/budget/info", Metering::Local),
    ("POST", "/budget/update", Metering::Local),
    ("POST", "/budget/delete", Metering::Local),
    ("GET", "/budget/list", Metering::Local),
    ("GET", "/model/info", Metering::Local),
    ("GET", "/v1/model/info", Metering::Local),
    ("GET", "/spend/logs", Metering::Local),
    ("GET", "/global/spend/report", Metering::Local),
    ("GET", "/health", Metering::Local),
    ("GET", "/health/liveliness", Metering::Local),
    ("GET", "/health/liveness", Metering::Local),
    ("GET", "/health/readiness", Metering::Local),
];

/// Makes a handler of a function that asks our own administration.
macro_rules! by {
    ($function:path) => {
        |State(ours): State<Arc<Ours>>, asked: Asked| async move {
            // Who asks comes first: to nobody it is told what is wrong with the rest.
            let answer = async {
                ours.admit(&asked.headers).await?;
                $function(&ours, asked.or_refused()?).await
            };
            answer.await.map_or_else(IntoResponse::into_response, answer::ok)
        }
    };
}

/// Those routes, over the administration `admin`. A test holds the table above against them.
pub fn litellm_router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/key/generate", post(by!(keys::generate)))
        .route("/key/info", get(by!(keys::info)))
        .route("/key/list", get(by!(keys::list)))
        .route("/key/update", post(by!(keys::update)))
        .route("/key/delete", post(by!(keys::delete)))
        .route("/key/block", post(by!(keys::block)))
        .route("/key/unblock", post(by!(keys::unblock)))
        .route("/key/regenerate", post(by!(keys::regenerate)))
        .route("/key/{key}/regenerate", post(by!(keys::regenerate)))
        .route("/team/new", post(by!(teams::new)))
        .route("/team/info", get(by!(teams::info)))
        .route("/team/list", get(by!(teams::list)))
        .route("/team/update", post(by!(teams::update)))
        .route("/team/delete", post(by!(teams::delete)))
        .route("/team/member_add", post(by!(teams::member_add)))
        .route("/user/new", post(by!(users::new)))
        .route("/user/info", get(by!(users::info)))
        .route("/user/list", get(by!(users::list)))
        .route("/budget/new", post(by!(budgets::new)))
        .route("/budget/info", post(by!(budgets::info)))
        .route("/budget/update", post(by!(budgets::update)))
        .route("/budget/delete", post(by!(budgets::delete)))
        .route("/budget/list", get(by!(budgets::list)))
        .route("/model/info", get(by!(models::info)))
        .route("/v1/model/info", get(by!(models::info)))
        .route("/spend/logs", get(by!(spend::logs)))
        .route("/global/spend/report", get(by!(spend::report)))
        .route("/health", get(by!(health::deployments)))
        .route("/health/liveliness", get(alive))
        .route("/health/liveness", get(alive))
        .route("/health/readiness", get(ready))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(Ours::new(admin)))
}

/// Calls are taken.
async fn ready(State(ours): State<Arc<Ours>>) -> Response {
    health::ready(&ours).await.map_or_else(IntoResponse::into_response, answer::ok)
}

/// The process runs.
async fn alive() -> Response {
    answer::ok(serde_json::Value::String("I'm alive!".to_owned()))
}

#[cfg(test)]
mod tests;
