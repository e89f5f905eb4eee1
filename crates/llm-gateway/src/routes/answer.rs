//! Reading requests and writing answers: JSON in, JSON out, every error in one envelope.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use llm_core::{Error, ErrorKind, Protocol};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::call::error_in;
use crate::router::spoken_by;

/// What a handler answers.
pub(super) type Answer<T = Json> = Result<T, Refused>;

/// An error on its way to the caller.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(error) = self;
        if error.kind() == ErrorKind::Internal {
            // The source stays here: what the database says is not for callers.
            tracing::error!(error = %error, source = ?std::error::Error::source(&error), "a request failed");
        }
        let message = match error.hint() {
            Some(hint) => format!("{} (hint: {hint})", error.message()),
            None => error.message().to_owned(),
        };
        let code = error.kind().as_str();
        let body = json!({"error": {"message": message, "type": kind_name(error.kind()), "code": code, "param": error.param()}});
        Json::of(error.kind().default_status(), &body).0
    }
}

/// An error as whoever asks at `path` reads it: in the envelope of its SDK, or of the administration.
pub(super) fn refused_at(path: &str, headers: &HeaderMap, error: Error) -> Response {
    match spoken_by(path, headers) {
        Protocol::Native if !path.starts_with("/api/v1/call/") => Refused(error).into_response(),
        protocol => error_in(protocol, &error),
    }
}

/// The coarse name that OpenAI's envelope has beside the code.
fn kind_name(kind: ErrorKind) -> &'static str {
    match kind.default_status().as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    }
}

/// An answer in JSON.
#[derive(Debug)]
pub(super) struct Json(Response);

impl Json {
    /// 200.
    pub(super) fn ok(body: &impl Serialize) -> Self {
        Self::of(StatusCode::OK, body)
    }

    /// 201.
    pub(super) fn created(body: &impl Serialize) -> Self {
        Self::of(StatusCode::CREATED, body)
    }

    pub(super) fn of(status: StatusCode, body: &impl Serialize) -> Self {
        // Only a map whose keys are no strings can't be written, and nothing here has one.
        let (status, body) = match serde_json::to_vec(body) {
            Ok(body) => (status, body),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
        };
        let json = HeaderValue::from_static("application/json");
        // Answers hold keys and spend, which no cache on the way shall keep.
        let no_store = HeaderValue::from_static("no-store");
        Self((status, [(header::CONTENT_TYPE, json), (header::CACHE_CONTROL, no_store)], body).into_response())
    }
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        self.0
    }
}

/// A body of JSON.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let said = error.to_string();
            let error = Error::invalid_request(format!("the request body can't be read: {said}"));
            let named = said
                .split('`')
                .nth(1)
                .filter(|_| said.starts_with("unknown field") || said.starts_with("missing field"));
            Refused(match named {
                Some(param) => error.with_param(param),
                None => error,
            })
        })
    }
}

pub(super) fn unread(rejection: BytesRejection) -> Refused {
    Refused(match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(ErrorKind::RequestTooLarge, "the request body is too large"),
        _ => Error::invalid_request("the request body broke off"),
    })
}

/// What stands in the path in the place of its names.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(value)| Self(value)).map_err(|_| {
            let error = Error::new(ErrorKind::NotFound, "what stands in the path is no name of anything");
            refused_at(parts.uri.path(), &parts.headers, error)
        })
    }
}

/// The members of the query.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        let read = read.map_err(|rejection| {
            let said = rejection.body_text();
            let said = said.strip_prefix("Failed to deserialize query string: ").unwrap_or(&said);
            Refused(Error::invalid_request(format!("the query can't be read: {said}")))
        })?;
        Ok(Self(read.0))
    }
}
