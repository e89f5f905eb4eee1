//! Asking this gateway's own administration.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::super::admin::{Admin, admin_router};
use super::answer::{Answer, Refused};
use crate::Gateway;
use crate::call;
use crate::keys::KeyHash;

/// The largest answer that is read: a page of 500 keys with all their limits is far smaller.
const MOST: usize = 64 * 1024 * 1024;
/// The most pages that are read of a list.
const PAGES: usize = 400;

/// The routes of this gateway, asked in process.
#[derive(Debug)]
pub(super) struct Ours {
    router: Router,
    gateway: Arc<Gateway>,
}

impl Ours {
    pub(super) fn new(admin: Arc<Admin>) -> Self {
        let gateway = Arc::clone(&admin.gateway);
        let router = admin_router(admin).merge(crate::router::router(Arc::clone(&gateway)));
        Self { router, gateway }
    }

    /// Asks, and gives the answer's status and body whatever it is.
    pub(super) async fn raw(
        &self,
        headers: &HeaderMap,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer<(StatusCode, Value)> {
        let failed =
            || Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", None, "the request failed");
        let mut request = Request::builder().method(method).uri(path);
        // All of the caller that goes along: who asks.
        if let Some(key) = presented(headers) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(serde_json::to_vec(body).map_err(|_| failed())?)
            }
        };
        let request = request.body(body).map_err(|_| failed())?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), MOST).await.map_err(|_| failed())?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    /// Asks, and gives the answer's body, if it is one.
    pub(super) async fn ask(
        &self,
        headers: &HeaderMap,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer<Value> {
        let (status, body) = self.raw(headers, method, path, body).await?;
        if status.is_success() { Ok(body) } else { Err(Refused::of(status, &body)) }
    }

    /// Refuses whoever presents no key that there is.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Answer<()> {
        // Any key may ask this of itself. The administrator's is none, and is told so in another way.
        let (status, body) = self.raw(headers, Method::GET, "/api/v1/keys/me", None).await?;
        if status == StatusCode::UNAUTHORIZED { Err(Refused::of(status, &body)) } else { Ok(()) }
    }

    pub(super) async fn get(&self, headers: &HeaderMap, path: &str) -> Answer<Value> {
        self.ask(headers, Method::GET, path, None).await
    }

    /// Every entry of a list, page by page.
    pub(super) async fn all(&self, headers: &HeaderMap, path: &str) -> Answer<Vec<Value>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        let joint = if path.contains('?') { '&' } else { '?' };
        for _ in 0..PAGES {
            let after = cursor.as_deref().map(|cursor| format!("&cursor={}", escaped(cursor))).unwrap_or_default();
            let mut page = self.get(headers, &format!("{path}{joint}limit=500{after}")).await?;
            if let Some(Value::Array(data)) = page.get_mut("data").map(Value::take) {
                all.extend(data);
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(all),
            }
        }
        let message = "the list is too long to be shown at once; ask for less of it";
        Err(Refused::new(StatusCode::BAD_REQUEST, "bad_request_error", None, message))
    }

    /// The id of the key that is meant: by its secret, by the hash of that, or by its id. Whether the caller may know of
    /// it is decided when it is asked for.
    pub(super) fn key_id(&self, text: &str) -> String {
        let hash = KeyHash::from_hex(text).unwrap_or_else(|| KeyHash::of(text));
        match self.gateway.keys.of_hash(&hash, Timestamp::now()) {
            Some(key) => key.id.to_string(),
            None => text.to_owned(),
        }
    }

    /// A key, as this gateway shows it.
    pub(super) async fn key(&self, headers: &HeaderMap, text: &str) -> Answer<Value> {
        let path = format!("/api/v1/keys/{}", escaped(&self.key_id(text)));
        let (status, body) = self.raw(headers, Method::GET, &path, None).await?;
        match status {
            // What was sent may be a secret, which is not said back.
            StatusCode::NOT_FOUND => Err(Refused::new(status, "not_found_error", Some("key"), "there is no such key")),
            _ if status.is_success() => Ok(body),
            _ => Err(Refused::of(status, &body)),
        }
    }

    /// What is spent, by the ids of one kind of thing.
    pub(super) async fn spent(&self, headers: &HeaderMap, kind: &str) -> HashMap<String, Value> {
        let Ok(usage) = self.get(headers, &format!("/api/v1/usage?group_by={kind}")).await else {
            return HashMap::new();
        };
        let rows = usage.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
        let row = |row: Value| Some((row.get(kind)?.as_str()?.to_owned(), row.get("cost_usd")?.clone()));
        rows.into_iter().filter_map(row).collect()
    }

    /// The user's id as LiteLLM's scripts say it: its name, where the id is one of ours.
    pub(super) async fn user_id(&self, headers: &HeaderMap, id: Option<&Value>) -> Value {
        let Some(id) = id.and_then(Value::as_str) else { return Value::Null };
        if id.starts_with("user_")
            && let Ok(user) = self.get(headers, &format!("/api/v1/users/{}", escaped(id))).await
            && let Some(name) = user.get("name")
        {
            return name.clone();
        }
        json!(id)
    }
}

/// A part of a path or query.
pub(super) fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// The key that is presented, as everywhere, or in LiteLLM's own header, which its SDKs may be told to use.
pub(super) fn presented(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let own = || headers.get("x-litellm-api-key").and_then(|value| value.to_str().ok());
    call::presented(headers, None)
        .or_else(|| own().map(|text| Cow::Borrowed(text.strip_prefix("Bearer ").unwrap_or(text).trim())))
}
