//! `Idempotency-Key` on whatever makes something: the same request of the same caller is done once, and answered alike.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use llm_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::actor::Actor;
use super::admin::Admin;
use super::answer::{Refused, unread};
use crate::once::{Claim, Done};

/// The header by which a caller names a request.
pub(super) const HEADER: &str = "idempotency-key";
/// The header of an answer that was given before.
const REPLAYED: &str = "idempotent-replayed";
/// The longest name of a request, in bytes.
const MAX_NAME: usize = 255;
/// How long the answer to a request that is being done elsewhere is waited for, and how often it is looked for.
const PATIENCE: u32 = 40;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// More than any answer of these routes has.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Does a `POST` that is named by a key once.
pub(super) async fn once(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    named(&admin, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn named(admin: &Admin, request: Request, next: Next) -> std::result::Result<Response, Refused> {
    let key = key_of(request.headers())?;
    let who = request.extensions().get::<Actor>().map(Actor::author);
    let who = serde_json::to_string(&who).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await.map_err(unread)?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let claim = Claim::new(&who, &key, &[parts.method.as_str().as_bytes(), path.as_bytes(), &body]);
    let db = &admin.gateway.db;
    if let Some(done) = claim.done(db).await? {
        return replayed(admin, &claim, &key, done).await;
    }
    let response = claim.holds(next.run(Request::from_parts(parts, Body::from(body)))).await;
    if claim.is_lost()
        && let Some(done) = claim.done(db).await?
    {
        return replayed(admin, &claim, &key, done).await;
    }
    // What was refused has done nothing and may be tried again.
    if !claim.is_taken() || !response.status().is_success() {
        return Ok(response);
    }
    kept(admin, &claim, response).await
}

/// The one name that is said.
fn key_of(headers: &HeaderMap) -> Result<String> {
    let mut said = headers.get_all(HEADER).iter();
    let text = said.next().and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default();
    if text.is_empty() || text.len() > MAX_NAME || said.next().is_some() {
        let message = format!("`{HEADER}` takes one text of 1 to {MAX_NAME} characters of ASCII");
        return Err(Error::invalid_request(message).with_param(HEADER));
    }
    Ok(text.to_owned())
}

/// Keeps an answer, without the secret that is shown once.
async fn kept(admin: &Admin, claim: &Claim, response: Response) -> std::result::Result<Response, Refused> {
    let (parts, body) = response.into_parts();
    let broken = |error: axum::Error| Error::new(ErrorKind::Internal, "an answer can't be read").with_source(error);
    let body = to_bytes(body, MAX_ANSWER).await.map_err(broken)?;
    if let Ok(mut answer) = serde_json::from_slice::<Value>(&body) {
        if let Some(members) = answer.as_object_mut() {
            members.shift_remove("key");
        }
        if let Err(error) = claim.answered(&admin.gateway.db, parts.status.as_u16(), &answer.to_string()).await {
            tracing::warn!(%error, "the answer to a request that is done once can't be kept");
        }
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// What was answered when it was done.
async fn replayed(admin: &Admin, claim: &Claim, key: &str, mut done: Done) -> std::result::Result<Response, Refused> {
    for _ in 0..PATIENCE {
        if !done.is_same || done.answer.is_some() {
            break;
        }
        // It is being answered at this moment, here or elsewhere.
        tokio::time::sleep(LOOK_EVERY).await;
        done = claim.done(&admin.gateway.db).await?.unwrap_or(done);
    }
    let conflict = |message: String| Err(Error::new(ErrorKind::Conflict, message).with_param(HEADER).into());
    if !done.is_same {
        return conflict(format!("the idempotency key `{key}` was used for another request"));
    }
    let Some((status, answer)) = done.answer else {
        return conflict(format!("the request `{key}` was done, and its answer is lost; look for what it made"));
    };
    let status = u16::try_from(status).ok().and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static(REPLAYED), HeaderValue::from_static("true")),
    ];
    Ok((status, headers, answer).into_response())
}
