//! Tokens of a real issuer on loopback, presented to a gateway.
#![expect(clippy::indexing_slicing, reason = "a test that can't go on must fail loudly")]

mod calls;
mod identity;
mod idp;
mod keys;
mod login;
mod roles;

use std::ops::Deref;

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use crate::routes::surface;
use crate::served::{Reply, Served};
use idp::{Idp, Signer};

const ADMIN: &str = "the-key-of-the-administrator";

/// A gateway that takes the tokens of an issuer.
struct Setup {
    idp: Idp,
    served: Served,
}

impl Deref for Setup {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
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
        let served = Served::open(&config, ADMIN, surface).await;
        Self { idp, served }
    }

    async fn send(&self, key: &str, method: &str, path: &str, body: impl Into<Body>) -> Reply {
        self.served.send(Some(key), method, path, body).await
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
        reply.told()
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
