//! The paths of Azure OpenAI, so that its SDKs can be pointed at the gateway: what stands below `/openai` there stands
//! below `/v1` here, and a path may name the model, which Azure calls a deployment.
//! Source: Azure OpenAI's REST reference, and the paths that the `openai` SDKs make of them.

use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Uri, header};
use llm_core::Result;
use llm_providers::protocols;
use llm_providers::protocols::path::decoded;

/// What the SDKs ask of a deployment by its path. Of two that end alike, the longer stands first.
const OF_A_DEPLOYMENT: [&str; 8] = [
    "chat/completions",
    "completions",
    "embeddings",
    "audio/speech",
    "audio/transcriptions",
    "audio/translations",
    "images/generations",
    "images/edits",
];

/// The model that the path named.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named(String);

/// The request as OpenAI's SDK would have sent it; any other passes as it came.
pub(crate) fn as_openai<B>(mut request: Request<B>) -> Request<B> {
    let Some((uri, model)) = read(request.uri()) else { return request };
    *request.uri_mut() = uri;
    if let Some(model) = model {
        request.extensions_mut().insert(Named(model));
    }
    request
}

/// The body with the model that the path named. Forms name it themselves.
pub(crate) fn with_model(head: &Parts, body: Bytes) -> Result<Bytes> {
    let is_form = || {
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.starts_with("multipart/"))
    };
    match head.extensions.get::<Named>() {
        Some(Named(model)) if !is_form() => protocols::with_model(&body, model),
        _ => Ok(body),
    }
}

/// OpenAI's address for one of Azure's, and the model that it names.
fn read(uri: &Uri) -> Option<(Uri, Option<String>)> {
    let below = uri.path().strip_prefix("/openai/")?;
    let (model, path) = match below.strip_prefix("deployments/").and_then(split) {
        Some((model, path)) => (Some(decoded(model)), path),
        None => (None, below.strip_prefix("v1/").unwrap_or(below)),
    };
    let is_ours = |pair: &&str| !pair.starts_with("api-version=");
    let query: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(is_ours).collect();
    let query = query.join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("/v1/{path}{mark}{query}")).ok()?);
    Some((Uri::from_parts(parts).ok()?, model))
}

/// A deployment's name, in which the SDKs leave a slash as it is, and what is asked of it.
fn split(rest: &str) -> Option<(&str, &str)> {
    let asked = OF_A_DEPLOYMENT.iter().find(|asked| rest.ends_with(*asked))?;
    let model = rest.strip_suffix(asked)?.strip_suffix('/').filter(|model| !model.is_empty())?;
    Some((model, asked))
}

#[cfg(test)]
mod tests;
