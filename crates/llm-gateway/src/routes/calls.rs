//! `/api/v1/calls`: single calls, newest first; each caller sees those that it may.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;
use llm_core::Result;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actor::Actor;
use super::admin::Admin;
use super::answer::{Answer, Json, Path, Query};
use super::{charged, page};
use crate::keys::not_found;
use crate::record::CallStatus;
use crate::store::{self, CallFilter};

/// Which calls are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
    cursor: Option<String>,
    key: Option<String>,
    team: Option<String>,
    user: Option<String>,
    organization: Option<String>,
    end_user: Option<String>,
    tag: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    deployment: Option<String>,
    status: Option<CallStatus>,
    #[schemars(with = "Option<crate::schema::Time>")]
    from: Option<Timestamp>,
    #[schemars(with = "Option<crate::schema::Time>")]
    to: Option<Timestamp>,
}

/// `GET /api/v1/calls`.
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Query(mut filter): Query<Filter>,
) -> Answer {
    let limit = page::limit(filter.limit)?;
    actor.narrow(&mut filter.key, &mut filter.team, &mut filter.user)?;
    let wanted = CallFilter {
        key: filter.key,
        team: filter.team,
        user: filter.user,
        organization: filter.organization,
        end_user: filter.end_user,
        tag: filter.tag,
        model: filter.model,
        provider: filter.provider,
        deployment: filter.deployment,
        status: filter.status,
        from: filter.from,
        to: filter.to,
    };
    let page = store::calls(&admin.gateway.db, &wanted, filter.cursor.as_deref(), limit).await?;
    let data: Vec<Value> = page.data.iter().map(charged::listed).collect();
    Ok(Json::ok(&json!({"data": data, "next_cursor": page.next_cursor})))
}

/// `GET /api/v1/calls/{id}`.
pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Answer {
    let found = async {
        // A text that can't be an id is the id of nothing.
        let Ok(id) = id.parse() else { return Result::Ok(None) };
        store::call(&admin.gateway.db, id).await
    };
    let call = found.await?.filter(|call| actor.sees_call(call)).ok_or_else(|| not_found("call", &id))?;
    Ok(Json::ok(&charged::made_up(&call)))
}
