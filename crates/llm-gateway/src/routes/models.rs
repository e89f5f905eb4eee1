//! `GET /v1/models`: what the caller's key may call, in the form of the SDK that asks.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Protocol, Result};
use llm_providers::catalogue::{Catalogue, Mode};
use serde_json::{Value, json};

use super::answer::Path;
use crate::Gateway;
use crate::call::{error_in, no_key, presented};
use crate::keys::VirtualKey;
use crate::routing::Route;

/// `GET /v1/models`.
pub(crate) async fn list(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let form = Form::of(&request);
    match callable(&gateway, request.headers(), request.uri().query()).await {
        Ok(models) => Json(form.list(&models)).into_response(),
        Err(error) => error_in(form.protocol(), &error),
    }
}

/// `GET /v1/models/{id}`.
pub(crate) async fn one(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, request: Request) -> Response {
    let form = Form::of(&request);
    let found = callable(&gateway, request.headers(), request.uri().query()).await.and_then(|models| {
        let model = models.into_iter().find(|model| model.id == id);
        model.ok_or_else(|| Error::new(ErrorKind::ModelNotFound, format!("the model `{id}` does not exist here")))
    });
    match found {
        Ok(model) => Json(form.model(&model)).into_response(),
        Err(error) => error_in(form.protocol(), &error),
    }
}

/// A model that can be called.
struct Listed {
    id: String,
    owner: String,
    window: Option<u64>,
    max_output: Option<u64>,
    /// Whether it makes vectors, and does not talk.
    embeds: bool,
}

/// The names of the configuration, and then the catalogued models of its providers, as far as the key's lists allow.
async fn callable(gateway: &Gateway, headers: &HeaderMap, query: Option<&str>) -> Result<Vec<Listed>> {
    let secret = presented(headers, query).ok_or_else(no_key)?;
    let key = gateway.authenticate(&secret, Timestamp::now()).await?;
    Ok(models_of(gateway, &key))
}

fn models_of(gateway: &Gateway, key: &VirtualKey) -> Vec<Listed> {
    let routes = gateway.routes();
    let is_allowed = |route: &&Arc<Route>| route.deployments.iter().any(|one| key.allows(&route.name, &one.id));
    let mut models: Vec<Listed> = routes
        .names()
        .filter(is_allowed)
        .map(|route| {
            let first = route.deployments.first();
            Listed {
                id: route.name.to_string(),
                owner: first.map(|first| first.provider_id.to_string()).unwrap_or_default(),
                window: first.and_then(|first| first.window),
                max_output: first.and_then(|first| first.max_output),
                embeds: first.is_some_and(|first| embeds(&first.provider_id, &first.model)),
            }
        })
        .collect();
    let is_allowed = |model: &Listed| key.allows(&model.id, &model.id);
    if routes.is_direct() {
        for provider in routes.providers() {
            if provider.id() == "sandbox" {
                let id = format!("sandbox:{}", llm_providers::transport::SANDBOX_MODEL);
                let sandbox = Listed { id, owner: "sandbox".to_owned(), window: None, max_output: None, embeds: false };
                models.extend(Some(sandbox).filter(is_allowed));
            }
            for model in Catalogue::bundled().models(provider.id()) {
                let listed = Listed {
                    id: format!("{}:{}", provider.id(), model.id),
                    owner: provider.id().to_owned(),
                    window: model.window,
                    max_output: model.max_output,
                    embeds: model.mode == Mode::Embedding,
                };
                models.extend(Some(listed).filter(is_allowed));
            }
        }
    }
    models
}

fn embeds(provider: &str, model: &str) -> bool {
    Catalogue::bundled().lookup(provider, model).is_some_and(|model| model.mode == Mode::Embedding)
}

/// The three forms that SDKs read.
#[derive(Clone, Copy)]
enum Form {
    OpenAi,
    Anthropic,
    Google,
}

impl Form {
    fn of(request: &Request) -> Self {
        let headers = request.headers();
        if headers.contains_key("anthropic-version") {
            Self::Anthropic
        } else if headers.contains_key("x-goog-api-key") || request.uri().path().starts_with("/v1beta/") {
            Self::Google
        } else {
            Self::OpenAi
        }
    }

    /// The protocol whose envelope errors come in.
    fn protocol(self) -> Protocol {
        match self {
            Self::Anthropic => Protocol::Anthropic,
            Self::Google => Protocol::Gemini,
            Self::OpenAi => Protocol::OpenAiChat,
        }
    }

    fn list(self, models: &[Listed]) -> Value {
        let data: Vec<Value> = models.iter().map(|model| self.model(model)).collect();
        match self {
            Self::OpenAi => json!({"object": "list", "data": data}),
            Self::Anthropic => {
                let id = |model: Option<&Listed>| model.map(|model| model.id.clone());
                json!({"data": data, "has_more": false, "first_id": id(models.first()), "last_id": id(models.last())})
            }
            Self::Google => json!({"models": data}),
        }
    }

    fn model(self, model: &Listed) -> Value {
        let Listed { id, owner, window, max_output, embeds } = model;
        match self {
            Self::OpenAi => json!({"id": id, "object": "model", "created": 0, "owned_by": owner}),
            Self::Anthropic => {
                json!({
                    "type": "model",
                    "id": id,
                    "display_name": id,
                    "created_at": "1970-01-01T00:00:00Z",
                    "lifecycle": "active",
                    "max_input_tokens": window,
                    "max_tokens": max_output,
                })
            }
            Self::Google => json!({
                "name": format!("models/{id}"),
                "displayName": id,
                "inputTokenLimit": window,
                "outputTokenLimit": max_output,
                "supportedGenerationMethods": match embeds {
                    true => json!(["embedContent", "batchEmbedContents"]),
                    false => json!(["generateContent", "streamGenerateContent", "countTokens"]),
                },
            }),
        }
    }
}
