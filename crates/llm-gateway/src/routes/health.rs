//! `/healthz` and `/readyz`, for whoever starts, stops and watches the process. They need no key and tell nothing more.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::admin::Admin;
use super::answer::Json;
use crate::limits::Standing;

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// That the process runs.
#[derive(Serialize, JsonSchema)]
pub(super) struct Alive {
    /// `ok`.
    status: &'static str,
    version: &'static str,
    uptime_seconds: i64,
}

/// Whether calls are taken.
#[derive(Serialize, JsonSchema)]
pub(super) struct Ready {
    /// `ready`; `degraded` where calls are taken and something is missing; `unavailable`.
    status: &'static str,
    /// `ok` or `unavailable`, as the others.
    journal: &'static str,
    database: &'static str,
    /// Only where limits are shared by Redis.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_limits: Option<&'static str>,
}

/// `GET /healthz`: the process runs.
pub(super) async fn alive(State(admin): State<Arc<Admin>>) -> Json {
    let uptime = Timestamp::now().duration_since(admin.started).as_secs();
    Json::ok(&Alive { status: "ok", version: env!("CARGO_PKG_VERSION"), uptime_seconds: uptime })
}

/// `GET /readyz`: 200 where calls are taken. A database that is down does not stop calls, so it is told and stays 200:
/// an outage of it must not make an orchestrator remove every replica.
pub(super) async fn ready(State(admin): State<Arc<Admin>>) -> Json {
    let ping = admin.gateway.db.ping();
    let database = matches!(tokio::time::timeout(PATIENCE, ping).await, Ok(Ok(())));
    let journal = admin.gateway.journal.is_available();
    // Without the counters that replicas share each spends its part of what was left: calls are taken, too.
    let shared = admin.gateway.ledger.standing().map(|standing| standing == Standing::Together);
    let status = match (journal, database && shared != Some(false)) {
        (true, true) => "ready",
        (true, false) => "degraded",
        (false, _) => "unavailable",
    };
    let word = |up: bool| if up { "ok" } else { "unavailable" };
    let code = if journal { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let told = Ready { status, journal: word(journal), database: word(database), shared_limits: shared.map(word) };
    Json::of(code, &told)
}
