//! Tokens of a real issuer on loopback, presented to a gateway.
#![expect(clippy::indexing_slicing, reason = "a test that can't go on must fail loudly")]

mod calls;
mod identity;
mod idp;
mod keys;
mod login;
mod roles;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::config::{Config, Secret};
use crate::routes::{Admin, surface};
use crate::{Gateway, admin_key};
use idp::{Idp, Signer};

const ADMIN: &str = "the-key-of-the-administrator";

/// A gateway that takes the tokens of an issuer.
struct Setup {
    idp: Idp,
    gateway: Arc<Gateway>,
    router: Router,
    _folder: TempDir,
}

struct Reply {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The status, and what the error says.
    fn refused(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"]["message"].as_str().unwrap_or_default().to_owned())
    }
}

impl Setup {
    /// One whose issuer is configured further by `more`: members of `[[issuers]]`, and tables behind them.
    async fn new(more: &str) -> Self {
        Self::with(Idp::start().await, more).await
    }

    async fn with(idp: Idp, more: &str) -> Self {
        let url = &idp.url;
        let config = format!(
            "[providers.local]\nprotocol = \"openai-chat\"\nbase_url = \"{url}/v1\"\nauth = \"none\"\n\
             [[issuers]]\nissuer = \"{url}\"\naudience = \"gateway\"\n{more}"
        );
        let folder = TempDir::new().unwrap();
        let (mut config, _) = Config::parse("test.toml", &config, &|_| None).unwrap_or_else(|error| panic!("{error}"));
        crate::testing::settle(&mut config, folder.path());
        config.admin_key = Some(Secret::new(ADMIN));
        let gateway = Gateway::open(config).await.unwrap();
        let prepared = admin_key::prepare(gateway.config(), gateway.keys()).await.unwrap();
        let admin = Arc::new(Admin::new(Arc::clone(&gateway), prepared.administrator));
        Self { idp, router: surface(Arc::clone(&gateway), admin), gateway, _folder: folder }
    }

    async fn send(&self, key: &str, method: &str, path: &str, body: impl Into<Body>) -> Reply {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        self.request(request.header("content-type", "application/json").body(body.into()).unwrap()).await
    }

    async fn request(&self, request: Request<Body>) -> Reply {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Reply { status: head.status, headers: head.headers, text }
    }

    /// A call of a model.
    async fn call(&self, token: &str) -> Reply {
        let body = json!({"model": "local:some", "messages": [{"role": "user", "content": "hello"}]});
        self.send(token, "POST", "/v1/chat/completions", body.to_string()).await
    }

    /// What a call is refused with.
    async fn refused(&self, token: &str) -> (u16, String) {
        let reply = self.call(token).await;
        assert!(!reply.text.contains(token), "a token is never said back");
        reply.refused()
    }

    async fn get(&self, key: &str, path: &str) -> Reply {
        self.send(key, "GET", path, Body::empty()).await
    }

    /// Everything of a kind, as the administrator sees it.
    async fn all(&self, kind: &str) -> Vec<Value> {
        self.get(ADMIN, &format!("/api/v1/{kind}?limit=500")).await.json()["data"].as_array().unwrap().clone()
    }

    async fn make(&self, kind: &str, draft: Value) -> Value {
        let made = self.send(ADMIN, "POST", &format!("/api/v1/{kind}"), draft.to_string()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.json()
    }

    async fn patch(&self, path: &str, change: Value) -> Reply {
        self.send(ADMIN, "PATCH", &format!("/api/v1/{path}"), change.to_string()).await
    }

    /// A token of `ada`, with claims laid over the usual ones; null takes one away.
    fn token(&self, claims: Value) -> String {
        self.idp.token(claims)
    }
}
