//! A gateway that is asked without a socket, and what it answers. Only built for tests.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::config::{Config, Secret};
use crate::routes::Admin;
use crate::{Gateway, admin_key, testing};

/// A gateway, and the routes that are asked. Database and journal are its own.
pub(crate) struct Served {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) router: Router,
    _folder: TempDir,
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The status and the code of an error of the administration, whose envelope must be whole.
    pub(crate) fn refused(&self) -> (u16, String) {
        let error = &self.json()["error"];
        let members: Vec<&String> = error.as_object().unwrap().keys().collect();
        assert_eq!(members, ["message", "type", "code", "param"], "{}", self.text);
        (self.status.as_u16(), error["code"].as_str().unwrap().to_owned())
    }

    /// The status, and what an error says.
    pub(crate) fn told(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"]["message"].as_str().unwrap_or_default().to_owned())
    }
}

impl Served {
    /// One with a configuration in TOML, whose administrator has the key `admin`. `routes` are those that are asked.
    pub(crate) async fn open(
        config: &str,
        admin: &str,
        routes: impl FnOnce(Arc<Gateway>, Arc<Admin>) -> Router,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let (mut config, _) = Config::parse("test.toml", config, &|_| None).unwrap_or_else(|error| panic!("{error}"));
        testing::settle(&mut config, folder.path());
        config.admin_key = Some(Secret::new(admin));
        let gateway = Gateway::open(config).await.unwrap();
        let prepared = admin_key::prepare(gateway.config(), gateway.keys()).await.unwrap();
        let admin = Arc::new(Admin::new(Arc::clone(&gateway), prepared.administrator));
        Self { router: routes(Arc::clone(&gateway), admin), gateway, _folder: folder }
    }

    /// Sends JSON, or nothing.
    pub(crate) async fn send(&self, key: Option<&str>, method: &str, path: &str, body: impl Into<Body>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.request(request.header("content-type", "application/json").body(body.into()).unwrap()).await
    }

    pub(crate) async fn request(&self, request: Request<Body>) -> Reply {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Reply { status: head.status, headers: head.headers, text }
    }
}
