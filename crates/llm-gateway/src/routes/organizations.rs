//! `/api/v1/organizations`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;

use super::admin::Admin;
use super::answer::{Answer, Body, Json, Path, Query};
use super::limits::WithLimits;
use super::page::{Page, Paging};
use crate::keys::{Organization, OrganizationDraft, OrganizationId, OrganizationPatch, not_found};

impl Admin {
    fn shown<'a>(&self, organization: &'a Organization) -> WithLimits<'a, Organization> {
        self.with_limits(organization, &organization.scope())
    }

    /// The organization of an id or name.
    fn organization(&self, id: &str) -> Answer<Arc<Organization>> {
        Ok(self.gateway.keys.find_organization(id).ok_or_else(|| not_found("organization", id))?)
    }
}

/// `POST /api/v1/organizations`.
pub(super) async fn create(State(admin): State<Arc<Admin>>, Body(draft): Body<OrganizationDraft>) -> Answer {
    let made = admin.gateway.keys.create_organization(draft).await?;
    tracing::info!(organization = %made.id, name = made.name, "made an organization");
    Ok(Json::created(&admin.shown(&made)))
}

/// `GET /api/v1/organizations`.
pub(super) async fn list(State(admin): State<Arc<Admin>>, Query(paging): Query<Paging>) -> Answer {
    let (limit, after) = paging.read(OrganizationId::new)?;
    let found = admin.gateway.keys.organizations(after.as_ref(), limit + 1);
    let found: Vec<&Organization> = found.iter().map(Arc::as_ref).collect();
    Ok(Json::ok(&Page::new(found, limit, |found| found.id.to_string(), |found| admin.shown(found))))
}

/// `GET /api/v1/organizations/{id}`: by id or name.
pub(super) async fn show(State(admin): State<Arc<Admin>>, Path(id): Path<String>) -> Answer {
    let found = admin.organization(&id)?;
    Ok(Json::ok(&admin.shown(&found)))
}

/// `PATCH /api/v1/organizations/{id}`.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
    Body(patch): Body<OrganizationPatch>,
) -> Answer {
    let id = admin.organization(&id)?.id.clone();
    let changed = admin.gateway.keys.patch_organization(&id, patch).await?;
    tracing::info!(organization = %changed.id, blocked = changed.blocked, "changed an organization");
    Ok(Json::ok(&admin.shown(&changed)))
}

/// `DELETE /api/v1/organizations/{id}`: with its teams and their keys.
pub(super) async fn remove(State(admin): State<Arc<Admin>>, Path(id): Path<String>) -> Answer {
    let id = admin.organization(&id)?.id.clone();
    admin.gateway.keys.delete_organization(&id).await?;
    tracing::info!(organization = %id, "deleted an organization");
    Ok(Json::ok(&json!({"id": id, "deleted": true})))
}
