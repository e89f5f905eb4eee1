//! One call, from the application's bytes to its answer. The stages, in order:
//!
//! ```text
//! authenticate → read (size, parse, resolve the model, allow-list) → plan (candidate deployments)
//! → admit (one reservation of every limit) → send (retry, fall back) → answer (meter, settle in the journal)
//! ```

mod account;
mod admit;
mod answer;
mod asked;
mod attempted;
mod count;
mod estimate;
mod headers;
mod kept;
mod line;
mod made_for;
mod other_models;
mod own;
mod parked;
mod relay;
mod send;
mod sight;
mod spoken;
mod stored;
mod stream;
mod surface;
mod tokens;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use llm_core::{Error, ErrorKind, OperationKind, Protocol, Result};

use crate::Gateway;
use crate::limits::RateLimits;
pub(crate) use asked::{Arrival, enter, let_in, no_key, presented};
pub(crate) use kept::kept;
pub(crate) use line::{HeldLine, Line};
pub(crate) use made_for::{end_user, tags};
pub(crate) use other_models::refuse as refuse_other_models;
pub(crate) use parked::{Parked, resume};
use surface::Surface;

/// Answers one call of an application that speaks `protocol`. Whatever goes wrong is said in that protocol.
pub(crate) async fn answer(
    gateway: &Arc<Gateway>,
    kind: OperationKind,
    protocol: Protocol,
    request: Request<Body>,
) -> Response {
    let Some(surface) = Surface::of(kind, protocol) else {
        return axum::response::IntoResponse::into_response(http::StatusCode::NOT_IMPLEMENTED);
    };
    let arrival = Arrival::now();
    match run(gateway, surface, arrival, request).await {
        Ok(response) => response,
        Err(Failed { error, limits }) => {
            let mut response = surface.error(&error, Some(&arrival.id.to_string()));
            headers::rate_limits(&limits, response.headers_mut());
            response
        }
    }
}

/// A call that comes to nothing, and what is left of the limit if it was that which refused it.
#[derive(Debug)]
struct Failed {
    error: Error,
    limits: RateLimits,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, limits: RateLimits::default() }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

async fn run(
    gateway: &Arc<Gateway>,
    surface: Surface,
    arrival: Arrival,
    request: Request<Body>,
) -> std::result::Result<Response, Failed> {
    let (head, body) = request.into_parts();
    let (key, body) = asked::enter(gateway, &head, body, arrival.at).await?;
    let mut asked = asked::read(gateway, surface, arrival, key, head, body)?;
    if surface.protocol() == Protocol::OpenAiResponses {
        asked = Box::pin(own::go_on(gateway, asked)).await?;
    }
    let asked = Arc::new(asked);
    let candidates = match asked.skim.stored.is_empty() {
        true => stored::allowed_candidates(gateway, &asked),
        false => Box::pin(stored::candidates(gateway, &asked)).await?,
    };
    let Some(first) = candidates.first() else {
        return Err(Error::new(ErrorKind::NoDeploymentAvailable, "no deployment serves this model").into());
    };
    if count::is_ours(&asked, &candidates) {
        return Ok(count::answer(asked).await?);
    }
    let admitted = admit::admit(gateway, asked.clone(), first).await?;
    if asked.skim.stream {
        // On the heap, so that calls which don't stream carry no room for it about.
        Ok(Box::pin(stream::answer(admitted, &candidates)).await?)
    } else {
        Ok(answer::answer(admitted, candidates).await?)
    }
}

/// An answer of a route whose work is no call of its own, with the id of the request; an error in the caller's envelope.
pub(crate) fn named(protocol: Protocol, id: &str, done: Result<Response>) -> Response {
    let Some(surface) = Surface::of(OperationKind::Chat, protocol) else {
        return axum::response::IntoResponse::into_response(http::StatusCode::NOT_IMPLEMENTED);
    };
    match done {
        Ok(mut response) => {
            surface.name_call(id, response.headers_mut());
            response
        }
        Err(error) => surface.error(&error, Some(id)),
    }
}

/// An error of a route that is no call, in the envelope of `protocol`.
pub(crate) fn error_in(protocol: Protocol, error: &Error) -> Response {
    match Surface::of(OperationKind::Chat, protocol) {
        Some(surface) => surface.error(error, None),
        None => axum::response::IntoResponse::into_response(error.status_for_caller()),
    }
}
