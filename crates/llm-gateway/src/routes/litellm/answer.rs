//! Requests and answers in LiteLLM's form.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llm_core::Error;
use serde_json::{Value, json};

use super::super::answer::Json;
use crate::litellm::node::{Fields, Node};

/// What is answered.
pub(super) type Answer<T = Value> = Result<T, Refused>;

/// A request: its credential, and what it says in path, query and body together.
pub(super) struct Asked {
    pub(super) headers: HeaderMap,
    pub(super) fields: Fields,
    wrong: Option<Refused>,
}

impl Asked {
    /// The request, if it could be read.
    pub(super) fn or_refused(self) -> Answer<Self> {
        match self.wrong {
            Some(refused) => Err(refused),
            None => Ok(self),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, name: &str) -> Answer<String> {
        self.fields.take_text(name).ok_or_else(|| Refused::bad(name, format!("`{name}` is needed")))
    }

    /// Refuses what nobody has taken, unless it says nothing. `harmless` are members whose usual value says nothing.
    pub(super) fn finish(&mut self, harmless: &[(&str, &str)]) -> Answer<()> {
        for (name, node) in std::mem::take(&mut self.fields.0) {
            let usual = harmless.iter().any(|(known, value)| *known == name && node.text() == Some(*value));
            if node.is_empty() || node == Node::Bool(false) || usual {
                continue;
            }
            let message = format!("`{name}` is not supported by this gateway's LiteLLM routes");
            return Err(Refused::bad(&name, message));
        }
        Ok(())
    }
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let headers = request.headers().clone();
        let mut fields = Fields::default();
        let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(request.uri());
        // The only path that says something: `/key/{key}/regenerate`.
        let in_path = request.uri().path().strip_prefix("/key/").and_then(|rest| rest.strip_suffix("/regenerate"));
        let in_path = in_path.map(str::to_owned);
        let mut wrong = None;
        match Bytes::from_request(request, state).await {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => {}
            Ok(bytes) => match read(&bytes) {
                Ok(read) => fields = read,
                Err(refused) => wrong = Some(refused),
            },
            Err(rejection) => {
                wrong = Some(Refused::new(rejection.status(), "bad_request_error", None, rejection.body_text()));
            }
        }
        match query {
            Ok(query) => fields.0.extend(query.0.into_iter().map(|(name, value)| (name, Node::Text(value)))),
            Err(rejection) => wrong = Some(Refused::bad("query", rejection.body_text())),
        }
        if let Some(key) = in_path {
            fields.0.retain(|(name, _)| name != "key");
            fields.0.push(("key".to_owned(), Node::Text(key)));
        }
        Ok(Self { headers, fields, wrong })
    }
}

fn read(bytes: &[u8]) -> Answer<Fields> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refused::bad("body", "the body is not UTF-8"))?;
    match Node::from_json(text) {
        Ok(Node::Table(fields)) => Ok(fields),
        Ok(_) => Err(Refused::bad("body", "the body is not a JSON object")),
        Err(error) => Err(Refused::bad("body", error.message())),
    }
}

/// An error in LiteLLM's envelope, whose code is the status as a text.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    kind: String,
    param: Option<String>,
    message: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, kind: &str, param: Option<&str>, message: impl Into<String>) -> Self {
        Self { status, kind: kind.to_owned(), param: param.map(str::to_owned), message: message.into() }
    }

    /// What was said can't be done.
    pub(super) fn bad(param: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request_error", Some(param), message)
    }

    pub(super) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found_error", None, format!("there is no {what} `{id}`"))
    }

    /// An answer of this gateway's own administration that is none.
    pub(super) fn of(status: StatusCode, body: &Value) -> Self {
        let error = body.get("error").unwrap_or(body);
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let kind = match status.as_u16() {
            401 | 403 => "auth_error",
            404 => "not_found_error",
            400..=499 => "bad_request_error",
            _ => "internal_server_error",
        };
        Self::new(status, kind, text("param"), text("message").unwrap_or("the request failed"))
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::new(error.kind().default_status(), "bad_request_error", error.param(), error.message())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let code = self.status.as_str().to_owned();
        let error = json!({"message": self.message, "type": self.kind, "param": self.param, "code": code});
        Json::of(self.status, &json!({"error": error})).into_response()
    }
}

/// A body with 200.
pub(super) fn ok(body: Value) -> Response {
    Json::ok(&body).into_response()
}

/// An amount of US dollars as the number that LiteLLM answers with. Only here, at the very end, is money a float.
pub(super) fn number(amount: Option<&Value>) -> Value {
    let text = amount.and_then(Value::as_str);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

/// The same, 0 where nothing is said.
pub(super) fn number_or_zero(amount: Option<&Value>) -> Value {
    match number(amount) {
        Value::Null => json!(0.0),
        number => number,
    }
}
