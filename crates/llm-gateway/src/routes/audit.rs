//! `/api/v1/audit`: who changed what, before and after, newest first.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::admin::Admin;
use super::answer::{Answer, Json, Query};
use super::page;
use crate::store::{self, AuditAction, AuditFilter};

/// Which entries are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    limit: Option<usize>,
    cursor: Option<String>,
    /// `key`, `team`, `user`, `organization`, `limit` or `setting`.
    kind: Option<String>,
    /// The id of what was changed.
    target: Option<String>,
    /// `administrator`, `key`, `login`, `command_line` or `process`.
    by: Option<String>,
    /// The id of the key that was presented.
    key: Option<String>,
    /// The id of its user.
    user: Option<String>,
    /// `create`, `change` or `delete`.
    action: Option<AuditAction>,
    #[schemars(with = "Option<crate::schema::Time>")]
    from: Option<Timestamp>,
    #[schemars(with = "Option<crate::schema::Time>")]
    to: Option<Timestamp>,
}

/// `GET /api/v1/audit`.
pub(super) async fn list(State(admin): State<Arc<Admin>>, Query(filter): Query<Filter>) -> Answer {
    let limit = page::limit(filter.limit)?;
    let wanted = AuditFilter {
        kind: filter.kind,
        target: filter.target,
        author: filter.by,
        key: filter.key,
        user: filter.user,
        action: filter.action,
        from: filter.from,
        to: filter.to,
    };
    let page = store::audit(&admin.gateway.db, &wanted, filter.cursor.as_deref(), limit).await?;
    Ok(Json::ok(&page))
}
