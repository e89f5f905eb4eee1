//! Counting the tokens of a prompt, here: no provider is asked, and nothing is charged.
//!
//! The count is that of one vocabulary, whatever model is named; other vocabularies' differ by some tens of percent.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::Request;
use llm_core::{Error, ErrorKind, OperationKind, Protocol, Result};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::asked::{self, Arrival};
use super::stored;
use super::surface::Surface;
use crate::Gateway;

/// What Google documents for a picture; a stand-in for all media.
const PER_MEDIA: u64 = 258;

/// Answers Google's `:countTokens`.
pub(crate) async fn count_tokens(gateway: &Arc<Gateway>, request: Request<Body>) -> Response {
    let Some(surface) = Surface::of(OperationKind::Chat, Protocol::Gemini) else {
        return http::StatusCode::NOT_IMPLEMENTED.into_response();
    };
    let arrival = Arrival::now();
    match run(gateway, surface, arrival, request).await {
        Ok(tokens) => Json(json!({ "totalTokens": tokens })).into_response(),
        Err(error) => surface.error(&error, Some(&arrival.id.to_string())),
    }
}

async fn run(gateway: &Arc<Gateway>, surface: Surface, arrival: Arrival, request: Request<Body>) -> Result<u64> {
    let (mut head, body) = request.into_parts();
    let (key, body) = asked::enter(gateway, &head, body, arrival.at).await?;
    let body = inner(&body);
    // What would be asked is read as if it were.
    let path = head.uri.path().replace("countTokens", "generateContent");
    head.uri = path.parse().map_err(|_| Error::new(ErrorKind::NotFound, "the path is not one of a model"))?;
    let asked = asked::read(gateway, surface, arrival, key, head, body)?;
    stored::candidates(gateway, &asked).await?;
    let media = asked.skim.media.saturating_mul(PER_MEDIA);
    let text = tokio::task::spawn_blocking(move || asked.count_input()).await;
    let text = text.map_err(|_| Error::new(ErrorKind::Internal, "the text could not be counted"))?;
    Ok(text.saturating_add(media))
}

/// The request whose tokens are to be counted: the whole body, or the member that holds it.
fn inner(body: &Bytes) -> Bytes {
    #[derive(Deserialize)]
    struct Outer<'a> {
        #[serde(borrow, alias = "generateContentRequest")]
        generate_content_request: Option<&'a RawValue>,
    }
    match serde_json::from_slice::<Outer<'_>>(body) {
        Ok(Outer { generate_content_request: Some(request) }) => Bytes::copy_from_slice(request.get().as_bytes()),
        _ => body.clone(),
    }
}
