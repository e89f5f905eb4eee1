//! What the routes for administrators work on, who may use them, and which there are.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};

use super::actor::Actor;
use super::answer::{Refused, refused_at};
use super::{
    audit, calls, deployments, health, idempotency, keys, limits, login, members, openapi, organizations, prices,
    teams, usage, users,
};
use crate::Gateway;
use crate::admin_key::Administrator;
use crate::call::{no_key, presented};
use crate::keys::{Role, VirtualKey};

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

/// Who may use a route. How far it reaches is decided by what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The administrator.
    Administrator,
    /// Who sees everything: the administrator and auditors.
    Auditor,
    /// Who has others to look after: the administrator, and team administrators for their teams.
    Manager,
    /// Whoever has a role, auditors included where nothing is changed: each sees what it may.
    Member,
    /// A virtual key, about itself.
    Key,
    /// Anyone.
    Open,
    /// A browser on its way in or out, where there is a login.
    Login,
}

impl Rule {
    /// Whether a role may come in.
    fn admits(self, role: Role, method: &Method) -> bool {
        match self {
            Self::Administrator => role == Role::Administrator,
            Self::Auditor => matches!(role, Role::Administrator | Role::Auditor),
            Self::Manager => matches!(role, Role::Administrator | Role::TeamAdministrator),
            Self::Member => role != Role::Auditor || method.is_safe(),
            Self::Key | Self::Open | Self::Login => false,
        }
    }
}

/// Every route here, and who may use it. None reaches a provider, so none is metered.
pub const ADMIN_ROUTES: &[(&str, &str, Rule)] = &[
    ("POST", "/api/v1/organizations", Rule::Administrator),
    ("GET", "/api/v1/organizations", Rule::Auditor),
    ("GET", "/api/v1/organizations/{id}", Rule::Auditor),
    ("PATCH", "/api/v1/organizations/{id}", Rule::Administrator),
    ("DELETE", "/api/v1/organizations/{id}", Rule::Administrator),
    ("POST", "/api/v1/teams", Rule::Administrator),
    ("GET", "/api/v1/teams", Rule::Member),
    ("GET", "/api/v1/teams/{id}", Rule::Member),
    ("PATCH", "/api/v1/teams/{id}", Rule::Administrator),
    ("DELETE", "/api/v1/teams/{id}", Rule::Administrator),
    ("GET", "/api/v1/teams/{id}/members", Rule::Member),
    ("PUT", "/api/v1/teams/{id}/members/{user}", Rule::Manager),
    ("DELETE", "/api/v1/teams/{id}/members/{user}", Rule::Manager),
    ("POST", "/api/v1/users", Rule::Manager),
    ("GET", "/api/v1/users", Rule::Member),
    ("GET", "/api/v1/users/{id}", Rule::Member),
    ("PATCH", "/api/v1/users/{id}", Rule::Manager),
    ("DELETE", "/api/v1/users/{id}", Rule::Administrator),
    ("POST", "/api/v1/keys", Rule::Manager),
    ("GET", "/api/v1/keys", Rule::Member),
    ("GET", "/api/v1/keys/{id}", Rule::Member),
    ("PATCH", "/api/v1/keys/{id}", Rule::Manager),
    ("DELETE", "/api/v1/keys/{id}", Rule::Manager),
    ("POST", "/api/v1/keys/{id}/rotate", Rule::Member),
    ("POST", "/api/v1/limits", Rule::Manager),
    ("GET", "/api/v1/limits", Rule::Member),
    ("GET", "/api/v1/limits/{id}", Rule::Member),
    ("PATCH", "/api/v1/limits/{id}", Rule::Manager),
    ("DELETE", "/api/v1/limits/{id}", Rule::Manager),
    ("GET", "/api/v1/calls", Rule::Member),
    ("GET", "/api/v1/calls/{id}", Rule::Member),
    ("GET", "/api/v1/usage", Rule::Member),
    ("GET", "/api/v1/audit", Rule::Auditor),
    ("GET", "/api/v1/prices", Rule::Auditor),
    ("GET", "/api/v1/prices/{provider}/{*model}", Rule::Auditor),
    ("PUT", "/api/v1/prices/{provider}/{*model}", Rule::Administrator),
    ("DELETE", "/api/v1/prices/{provider}/{*model}", Rule::Administrator),
    ("GET", "/api/v1/models", Rule::Auditor),
    ("GET", "/api/v1/deployments", Rule::Auditor),
    ("GET", "/api/v1/me", Rule::Member),
    ("GET", "/api/v1/keys/me", Rule::Key),
    ("GET", "/openapi.json", Rule::Open),
    ("GET", "/login", Rule::Login),
    ("GET", "/login/callback", Rule::Login),
    ("POST", "/logout", Rule::Login),
    ("GET", "/healthz", Rule::Open),
    ("GET", "/readyz", Rule::Open),
];

/// Those routes. A test holds the table above against them.
pub fn admin_router(admin: Arc<Admin>) -> Router {
    let by_role = Router::new()
        .route("/api/v1/organizations", post(organizations::create).get(organizations::list))
        .route(
            "/api/v1/organizations/{id}",
            get(organizations::show).patch(organizations::change).delete(organizations::remove),
        )
        .route("/api/v1/teams", post(teams::create).get(teams::list))
        .route("/api/v1/teams/{id}", get(teams::show).patch(teams::change).delete(teams::remove))
        .route("/api/v1/teams/{id}/members", get(members::list))
        .route("/api/v1/teams/{id}/members/{user}", put(members::put).delete(members::remove))
        .route("/api/v1/users", post(users::create).get(users::list))
        .route("/api/v1/users/{id}", get(users::show).patch(users::change).delete(users::remove))
        .route("/api/v1/keys", post(keys::create).get(keys::list))
        .route("/api/v1/keys/{id}", get(keys::show).patch(keys::change).delete(keys::remove))
        .route("/api/v1/keys/{id}/rotate", post(keys::rotate))
        .route("/api/v1/limits", post(limits::create).get(limits::list))
        .route("/api/v1/limits/{id}", get(limits::show).patch(limits::change).delete(limits::remove))
        .route("/api/v1/calls", get(calls::list))
        .route("/api/v1/calls/{id}", get(calls::show))
        .route("/api/v1/usage", get(usage::sums))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/prices", get(prices::list))
        .route("/api/v1/prices/{provider}/{*model}", get(prices::show).put(prices::put).delete(prices::remove))
        .route("/api/v1/models", get(deployments::models))
        .route("/api/v1/deployments", get(deployments::deployments))
        .route("/api/v1/me", get(login::me))
        .route_layer(from_fn_with_state(Arc::clone(&admin), idempotency::once))
        // Asked of the route that was matched and not of the path, so both can't see a different one.
        .route_layer(from_fn_with_state(Arc::clone(&admin), by_rule));
    let others = Router::new()
        .route("/api/v1/keys/me", get(keys::me))
        .route("/openapi.json", get(openapi::serve))
        .route("/login", get(login::begin))
        .route("/login/callback", get(login::finish))
        .route("/logout", post(login::end))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    by_role.merge(others).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(admin)
}

/// Everything that is served: the routes for applications and these, and an error in words for any other path.
pub fn surface(gateway: Arc<Gateway>, admin: Arc<Admin>) -> Router {
    crate::router::router(gateway)
        .merge(super::litellm_router(Arc::clone(&admin)))
        .merge(admin_router(admin))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
}

async fn nothing_here(request: Request) -> Response {
    let error = Error::new(ErrorKind::NotFound, format!("there is nothing at `{}`", request.uri().path()));
    refused_at(request.uri().path(), request.headers(), error)
}

async fn wrong_method(request: Request) -> Response {
    let message = format!("`{}` can't be asked with `{}`", request.uri().path(), request.method());
    let refused = refused_at(request.uri().path(), request.headers(), Error::invalid_request(message));
    (StatusCode::METHOD_NOT_ALLOWED, refused).into_response()
}

/// Lets in whom the route's rule admits, and tells the handler who it is.
async fn by_rule(State(admin): State<Arc<Admin>>, mut request: Request, next: Next) -> Response {
    match admin.actor(request.headers(), rule_of(&request), request.method()).await {
        Ok(actor) => {
            let author = actor.author();
            request.extensions_mut().insert(actor);
            author.does(next.run(request)).await
        }
        Err(error) => Refused(error).into_response(),
    }
}

/// The rule of the route that was matched; the strictest for what has none.
fn rule_of(request: &Request) -> Rule {
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let found = ADMIN_ROUTES.iter().find(|(of, matched, _)| method == of && *matched == path);
    found.map_or(Rule::Administrator, |(_, _, rule)| *rule)
}

impl Admin {
    /// The administration of `gateway`, by `administrator`.
    pub fn new(gateway: Arc<Gateway>, administrator: Administrator) -> Self {
        Self { gateway, administrator, started: Timestamp::now() }
    }

    /// Who asks, if the route's rule admits it. A virtual key that may not come in is told so; any other is no key at
    /// all.
    async fn actor(&self, headers: &HeaderMap, rule: Rule, method: &Method) -> Result<Actor> {
        // Not in the query, which is written to logs on the way and which a link can bring along. Only the SDKs that make
        // calls know of no other place.
        let key = match presented(headers, None) {
            Some(presented) if self.administrator.is(&presented) => return Ok(Actor::administrator()),
            Some(presented) => self.gateway.authenticate(&presented, Timestamp::now()).await?,
            // What is presented wins over what a browser sends by itself.
            None => self.session(headers, method).await?.ok_or_else(no_key)?,
        };
        let Some(actor) = Actor::of_key(key) else {
            let message = "this takes the administrator's key or one with a role; a virtual key without one was sent";
            return Err(Error::new(ErrorKind::PermissionDenied, message));
        };
        if rule.admits(actor.role, method) {
            return Ok(actor);
        }
        let message = format!("the role `{}` of this key may not do that", actor.role);
        Err(Error::new(ErrorKind::PermissionDenied, message))
    }

    /// The virtual key that the caller presents, in any way that it may make calls with it.
    pub(super) async fn key(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Arc<VirtualKey>> {
        let presented = presented(headers, query).ok_or_else(no_key)?;
        self.gateway.authenticate(&presented, Timestamp::now()).await.map_err(|error| {
            if self.administrator.is(&presented) {
                Error::new(ErrorKind::PermissionDenied, "this takes a virtual key; the administrator's was sent")
            } else {
                error
            }
        })
    }
}
