//! `GET /api/v1/usage`: totals by any combination of key, team, model and so on, in JSON or CSV.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use llm_core::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::actor::Actor;
use super::admin::Admin;
use super::answer::{Answer, Json, Query};
use crate::schema::Dollars;
use crate::store::{self, UsageFilter, UsageGroup};

/// What is summed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Groups, with commas between them; one total unless said.
    group_by: Option<String>,
    /// `json` or `csv`; what `accept` asks for unless said.
    format: Option<String>,
    key: Option<String>,
    team: Option<String>,
    user: Option<String>,
    organization: Option<String>,
    end_user: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    tag: Option<String>,
    #[schemars(with = "Option<crate::schema::Time>")]
    from: Option<Timestamp>,
    #[schemars(with = "Option<crate::schema::Time>")]
    to: Option<Timestamp>,
}

/// A sum as it is shown: the grouped members, and the counts.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "`UsageRow` writes itself; this describes how")]
pub(super) struct Sum {
    #[schemars(flatten)]
    grouped: Grouped,
    calls: i64,
    /// How many of them failed or were refused.
    errors: i64,
    input_tokens: i64,
    output_tokens: i64,
    #[schemars(with = "Dollars")]
    cost_usd: String,
}

/// What is grouped by; null where the calls have no such thing.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "see `Sum`")]
#[schemars(inline)]
struct Grouped {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// A date in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// When the hour begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    hour: Option<String>,
}

/// `GET /api/v1/usage`.
pub(super) async fn sums(
    State(admin): State<Arc<Admin>>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    Query(mut filter): Query<Filter>,
) -> Answer<Response> {
    actor.narrow(&mut filter.key, &mut filter.team, &mut filter.user)?;
    let groups = groups(filter.group_by.as_deref().unwrap_or_default())?;
    let csv = wants_csv(filter.format.as_deref(), &headers)?;
    let wanted = UsageFilter {
        key: filter.key,
        team: filter.team,
        user: filter.user,
        organization: filter.organization,
        end_user: filter.end_user,
        model: filter.model,
        provider: filter.provider,
        tag: filter.tag,
        from: filter.from,
        to: filter.to,
    };
    let rows = store::usage(&admin.gateway.db, &groups, &wanted).await?;
    if csv {
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        return Ok(([(header::CONTENT_TYPE, kind)], store::usage_csv(&groups, &rows)).into_response());
    }
    Ok(Json::ok(&json!({"data": rows, "next_cursor": null})).into_response())
}

/// `key,model`: each group once, in the order asked for.
fn groups(text: &str) -> Result<Vec<UsageGroup>> {
    let mut groups = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let group: UsageGroup = name.parse().map_err(|error| Error::from(error).with_param("group_by"))?;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(groups)
}

fn wants_csv(format: Option<&str>, headers: &HeaderMap) -> Result<bool> {
    match format {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(Error::invalid_request("`format` must be `json` or `csv`").with_param("format")),
        None => {
            let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
            Ok(accept.split([',', ';']).any(|kind| kind.trim() == "text/csv"))
        }
    }
}
