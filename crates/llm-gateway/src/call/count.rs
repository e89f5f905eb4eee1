//! Counting the tokens of a prompt here, for Google's callers of a model whose providers don't count.
//!
//! The count is that of one vocabulary, whatever model is named; other vocabularies' differ by some tens of percent. So
//! the answer says in a header that it is an estimate.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use llm_core::codec::AnswerContext;
use llm_core::operation::Asks;
use llm_core::token_count::{CountAnswer, CountTokens};
use llm_core::{Error, ErrorKind, Protocol, Result};

use super::asked::Asked;
use super::surface::Surface;
use super::tokens;
use crate::routing::Deployment;

/// What Google documents for a picture; a stand-in for all media.
const PER_MEDIA: u64 = 258;
/// Says that a count is ours.
const ESTIMATED: HeaderName = HeaderName::from_static("x-llm-estimated");

/// Whether a count is asked for, in Google's protocol, that none of the candidates gives.
pub(super) fn is_ours(asked: &Asked, candidates: &[Arc<Deployment>]) -> bool {
    let counts = |one: &Arc<Deployment>| one.provider.having::<CountTokens>(Protocol::Gemini).is_ok();
    matches!(asked.surface, Surface::CountTokens(codec) if codec.protocol() == Protocol::Gemini)
        && !candidates.iter().any(counts)
}

/// Counts here. No provider is asked, and nothing is charged.
pub(super) async fn answer(asked: Arc<Asked>) -> Result<Response> {
    let Surface::CountTokens(codec) = asked.surface else {
        return Err(Error::new(ErrorKind::Internal, "no count was asked for"));
    };
    let (request, _) = codec.decode_request(&asked.head, &asked.body)?;
    let media = request.0.skim().media.saturating_mul(PER_MEDIA);
    let text = tokio::task::spawn_blocking(move || tokens::count(&Asks::text(&request.0))).await;
    let text = text.map_err(|_| Error::new(ErrorKind::Internal, "the text could not be counted"))?;
    let count = CountAnswer { input_tokens: text.saturating_add(media), ..CountAnswer::default() };
    let mut response = Response::new(Body::from(codec.encode_answer(&AnswerContext::default(), &count)?));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ESTIMATED, HeaderValue::from_static("true"));
    asked.surface.name_call(&asked.id.to_string(), headers);
    Ok(response)
}
