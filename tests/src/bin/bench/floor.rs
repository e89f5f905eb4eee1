//! The floor: axum and reqwest with nothing between them but a parsed body and a key that is looked up.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use axum::serve::ListenerExt;
use bytes::Bytes;

/// The one key that it knows.
pub(crate) const KEY: &str = "sk-floor-0123456789abcdefghijklmnopqrstuvwxyz";

struct Floor {
    keys: HashSet<String>,
    upstream: String,
    client: reqwest::Client,
}

/// Serves on a free port until it is ended.
#[tokio::main]
pub(crate) async fn serve(upstream: &str) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|socket| {
        // A socket that can't be told is as good as none; the next read says so.
        let _ = socket.set_nodelay(true);
    });
    let floor = Floor {
        keys: HashSet::from([format!("Bearer {KEY}")]),
        upstream: format!("http://{upstream}"),
        client: reqwest::Client::builder().no_proxy().build()?,
    };
    let routes = Router::new().fallback(pass).with_state(Arc::new(floor));
    Ok(axum::serve(listener, routes).await?)
}

async fn pass(
    State(floor): State<Arc<Floor>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !floor.keys.contains(key) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let parsed: serde_json::Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    if !parsed["model"].is_string() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let request = floor.client.post(format!("{}{}", floor.upstream, uri.path()));
    let request = request.header(header::CONTENT_TYPE, "application/json").bearer_auth("upstream").body(body);
    let answer = request.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let mut response = Response::builder().status(answer.status());
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value);
        }
    }
    response.body(Body::from_stream(answer.bytes_stream())).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
