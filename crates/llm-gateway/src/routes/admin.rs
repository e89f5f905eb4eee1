//! What the routes for administrators work on, who may use them, and which there are.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};

use super::answer::Refused;
use super::{calls, deployments, health, keys, limits, teams, usage};
use crate::Gateway;
use crate::admin_key::Administrator;
use crate::keys::VirtualKey;

/// The largest body of these routes. Nothing that is made here is nearly as large.
const MAX_BODY: usize = 1024 * 1024;

/// What the routes for administrators work on.
#[derive(Debug)]
pub struct Admin {
    /// Keys, limits, calls: everything that is shown and changed.
    pub(super) gateway: Arc<Gateway>,
    /// Who the administrator is.
    administrator: Administrator,
    /// When the process began to serve.
    pub(super) started: Timestamp,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The administrator.
    Administrator,
    /// A virtual key, about itself.
    Key,
    /// Anyone.
    Open,
}

/// Every route here, and who may use it. None reaches a provider, so none is metered.
pub const ADMIN_ROUTES: &[(&str, &str, Rule)] = &[
    ("POST", "/api/v1/keys", Rule::Administrator),
    ("GET", "/api/v1/keys", Rule::Administrator),
    ("GET", "/api/v1/keys/{id}", Rule::Administrator),
    ("PATCH", "/api/v1/keys/{id}", Rule::Administrator),
    ("DELETE", "/api/v1/keys/{id}", Rule::Administrator),
    ("POST", "/api/v1/keys/{id}/rotate", Rule::Administrator),
    ("POST", "/api/v1/teams", Rule::Administrator),
    ("GET", "/api/v1/teams", Rule::Administrator),
    ("GET", "/api/v1/teams/{id}", Rule::Administrator),
    ("POST", "/api/v1/limits", Rule::Administrator),
    ("GET", "/api/v1/limits", Rule::Administrator),
    ("GET", "/api/v1/limits/{id}", Rule::Administrator),
    ("DELETE", "/api/v1/limits/{id}", Rule::Administrator),
    ("GET", "/api/v1/calls", Rule::Administrator),
    ("GET", "/api/v1/calls/{id}", Rule::Administrator),
    ("GET", "/api/v1/usage", Rule::Administrator),
    ("GET", "/api/v1/models", Rule::Administrator),
    ("GET", "/api/v1/deployments", Rule::Administrator),
    ("GET", "/api/v1/keys/me", Rule::Key),
    ("GET", "/healthz", Rule::Open),
    ("GET", "/readyz", Rule::Open),
];

/// Those routes. A test holds the table above against them.
pub fn admin_router(admin: Arc<Admin>) -> Router {
    let administrator = Router::new()
        .route("/api/v1/keys", post(keys::create).get(keys::list))
        .route("/api/v1/keys/{id}", get(keys::show).patch(keys::change).delete(keys::remove))
        .route("/api/v1/keys/{id}/rotate", post(keys::rotate))
        .route("/api/v1/teams", post(teams::create).get(teams::list))
        .route("/api/v1/teams/{id}", get(teams::show))
        .route("/api/v1/limits", post(limits::create).get(limits::list))
        .route("/api/v1/limits/{id}", get(limits::show).delete(limits::remove))
        .route("/api/v1/calls", get(calls::list))
        .route("/api/v1/calls/{id}", get(calls::show))
        .route("/api/v1/usage", get(usage::sums))
        .route("/api/v1/models", get(deployments::models))
        .route("/api/v1/deployments", get(deployments::deployments))
        // Asked of the route that was matched and not of the path, so both can't see a different one.
        .route_layer(from_fn_with_state(Arc::clone(&admin), only_administrators));
    let others = Router::new()
        .route("/api/v1/keys/me", get(keys::me))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    administrator.merge(others).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(admin)
}

/// Everything that is served: the routes for applications and these, and an error in words for any other path.
pub fn surface(gateway: Arc<Gateway>, admin: Arc<Admin>) -> Router {
    crate::router::router(gateway)
        .merge(admin_router(admin))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
}

async fn nothing_here(request: Request) -> Response {
    let path = request.uri().path();
    let error = Error::new(ErrorKind::NotFound, format!("there is nothing at `{path}`"));
    // Only Anthropic's SDKs ask below this path, and they read no other envelope.
    if path.starts_with("/v1/messages/") {
        return crate::call::error_in(llm_core::Protocol::Anthropic, &error);
    }
    Refused(error).into_response()
}

async fn wrong_method(request: Request) -> Response {
    let message = format!("`{}` can't be asked with `{}`", request.uri().path(), request.method());
    let refused = Refused(Error::invalid_request(message)).into_response();
    (StatusCode::METHOD_NOT_ALLOWED, refused).into_response()
}

async fn only_administrators(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    match admin.authorize(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => Refused(error).into_response(),
    }
}

impl Admin {
    /// The administration of `gateway`, by `administrator`.
    pub fn new(gateway: Arc<Gateway>, administrator: Administrator) -> Self {
        Self { gateway, administrator, started: Timestamp::now() }
    }

    /// Whether the caller is the administrator. A virtual key is told that it is not; any other is no key at all.
    fn authorize(&self, headers: &HeaderMap) -> Result<()> {
        let presented = presented(headers)?;
        if self.administrator.is(presented) {
            return Ok(());
        }
        self.gateway.keys.authenticate(presented, Timestamp::now())?;
        Err(Error::new(ErrorKind::PermissionDenied, "this takes the administrator's key; a virtual key was sent"))
    }

    /// The virtual key that the caller presents.
    pub(super) fn key(&self, headers: &HeaderMap) -> Result<Arc<VirtualKey>> {
        let presented = presented(headers)?;
        self.gateway.keys.authenticate(presented, Timestamp::now()).map_err(|error| {
            if self.administrator.is(presented) {
                Error::new(ErrorKind::PermissionDenied, "this takes a virtual key; the administrator's was sent")
            } else {
                error
            }
        })
    }
}

/// The key in `Authorization: Bearer` or `x-api-key`. Not in the query: that is written to logs on the way.
fn presented(headers: &HeaderMap) -> Result<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| text("x-api-key")).filter(|key| !key.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidApiKey, "no API key was sent").with_hint("send `Authorization: Bearer KEY`")
    })
}
