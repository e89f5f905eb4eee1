//! Every route, with the rule by which it is metered. Nothing is served that does not stand here.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderMap;
use llm_core::{OperationKind, Protocol};
use llm_providers::protocols::gemini::{split_path, uploads};

use crate::Gateway;
use crate::routes;
use crate::{batches, call, files};

/// How the calls of a route are metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metering {
    /// Reserved before, settled after, recorded: the route reaches a provider.
    Call,
    /// Reaches a provider for something that costs nothing: one request under the limits, recorded.
    Free,
    /// Makes calls that are answered later: each reserved before, settled and recorded once its result is seen.
    Later,
    /// Reaches no provider, so there is nothing to meter.
    Local,
}

/// The routes for applications, each with its rule. A test walks them all.
pub const APPLICATION_ROUTES: &[(&str, &str, Metering)] = &[
    ("POST", "/v1/chat/completions", Metering::Call),
    ("POST", "/v1/responses", Metering::Call),
    ("GET", "/v1/responses/{id}", Metering::Free),
    ("DELETE", "/v1/responses/{id}", Metering::Free),
    ("POST", "/v1/responses/{id}/cancel", Metering::Free),
    ("GET", "/v1/responses/{id}/input_items", Metering::Free),
    ("POST", "/v1/conversations", Metering::Free),
    ("GET", "/v1/conversations/{id}", Metering::Free),
    ("POST", "/v1/conversations/{id}", Metering::Free),
    ("DELETE", "/v1/conversations/{id}", Metering::Free),
    ("GET", "/v1/conversations/{id}/items", Metering::Free),
    ("POST", "/v1/conversations/{id}/items", Metering::Free),
    ("GET", "/v1/conversations/{id}/items/{item}", Metering::Free),
    ("DELETE", "/v1/conversations/{id}/items/{item}", Metering::Free),
    ("POST", "/v1/messages", Metering::Call),
    ("POST", "/v1/messages/count_tokens", Metering::Call),
    ("POST", "/v1/completions", Metering::Call),
    ("POST", "/v1/embeddings", Metering::Call),
    ("POST", "/v1/rerank", Metering::Call),
    ("POST", "/v1/moderations", Metering::Call),
    ("POST", "/v1/images/generations", Metering::Call),
    ("POST", "/v1/images/edits", Metering::Call),
    ("POST", "/v1/audio/speech", Metering::Call),
    ("POST", "/v1/audio/transcriptions", Metering::Call),
    ("POST", "/api/v1/call/chat", Metering::Call),
    ("POST", "/api/v1/call/complete", Metering::Call),
    ("POST", "/api/v1/call/embed", Metering::Call),
    ("POST", "/api/v1/call/rerank", Metering::Call),
    ("POST", "/api/v1/call/moderate", Metering::Call),
    ("POST", "/api/v1/call/images", Metering::Call),
    ("POST", "/api/v1/call/speak", Metering::Call),
    ("POST", "/api/v1/call/transcribe", Metering::Call),
    ("POST", "/api/v1/call/count_tokens", Metering::Call),
    ("POST", "/v1/files", Metering::Free),
    ("GET", "/v1/files", Metering::Free),
    ("GET", "/v1/files/{id}", Metering::Free),
    ("DELETE", "/v1/files/{id}", Metering::Free),
    ("GET", "/v1/files/{id}/content", Metering::Free),
    ("POST", "/v1/batches", Metering::Later),
    ("GET", "/v1/batches", Metering::Free),
    ("GET", "/v1/batches/{id}", Metering::Free),
    ("DELETE", "/v1/batches/{id}", Metering::Free),
    ("POST", "/v1/batches/{id}", Metering::Free),
    ("POST", "/v1/batches/{id}/cancel", Metering::Free),
    ("POST", "/v1/messages/batches", Metering::Later),
    ("GET", "/v1/messages/batches", Metering::Free),
    ("GET", "/v1/messages/batches/{id}", Metering::Free),
    ("DELETE", "/v1/messages/batches/{id}", Metering::Free),
    ("POST", "/v1/messages/batches/{id}/cancel", Metering::Free),
    ("GET", "/v1/messages/batches/{id}/results", Metering::Free),
    ("POST", "/upload/v1/files", Metering::Free),
    ("POST", "/upload/v1beta/files", Metering::Free),
    ("GET", "/v1beta/files", Metering::Free),
    ("GET", "/v1beta/files/{id}", Metering::Free),
    ("DELETE", "/v1beta/files/{id}", Metering::Free),
    ("GET", "/download/v1/files/{id}", Metering::Free),
    ("GET", "/download/v1beta/files/{id}", Metering::Free),
    ("GET", "/v1beta/batches", Metering::Free),
    ("GET", "/v1beta/batches/{id}", Metering::Free),
    ("DELETE", "/v1beta/batches/{id}", Metering::Free),
    ("POST", "/v1beta/batches/{id}", Metering::Free),
    ("POST", "/api/v1/call/files", Metering::Free),
    ("POST", "/api/v1/call/batches", Metering::Later),
    ("GET", "/v1/models", Metering::Local),
    ("GET", "/v1/models/{*id}", Metering::Local),
    ("GET", "/v1beta/models", Metering::Local),
    ("GET", "/v1beta/models/{*id}", Metering::Local),
    // Google's methods of a model. `:batchGenerateContent` makes a batch, whose calls are metered like any batch's.
    ("POST", "/v1/models/{*id}", Metering::Call),
    ("POST", "/v1beta/models/{*id}", Metering::Call),
];

/// The routes of operations other than chat: what is asked there, and in which protocol.
const OPERATIONS: &[(&str, OperationKind, Protocol)] = &[
    ("/v1/messages/count_tokens", OperationKind::CountTokens, Protocol::Anthropic),
    ("/v1/completions", OperationKind::Complete, Protocol::OpenAiChat),
    ("/v1/embeddings", OperationKind::Embed, Protocol::OpenAiChat),
    ("/v1/rerank", OperationKind::Rerank, Protocol::OpenAiChat),
    ("/v1/moderations", OperationKind::Moderate, Protocol::OpenAiChat),
    ("/v1/images/generations", OperationKind::Images, Protocol::OpenAiChat),
    ("/v1/images/edits", OperationKind::Images, Protocol::OpenAiChat),
    ("/v1/audio/speech", OperationKind::Speak, Protocol::OpenAiChat),
    ("/v1/audio/transcriptions", OperationKind::Transcribe, Protocol::OpenAiChat),
    ("/api/v1/call/complete", OperationKind::Complete, Protocol::Native),
    ("/api/v1/call/embed", OperationKind::Embed, Protocol::Native),
    ("/api/v1/call/rerank", OperationKind::Rerank, Protocol::Native),
    ("/api/v1/call/moderate", OperationKind::Moderate, Protocol::Native),
    ("/api/v1/call/images", OperationKind::Images, Protocol::Native),
    ("/api/v1/call/speak", OperationKind::Speak, Protocol::Native),
    ("/api/v1/call/transcribe", OperationKind::Transcribe, Protocol::Native),
    ("/api/v1/call/count_tokens", OperationKind::CountTokens, Protocol::Native),
];

/// The whole surface of the gateway.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let mut router = Router::new();
    for &(path, kind, protocol) in OPERATIONS {
        let answer = move |State(gateway): State<Arc<Gateway>>, request: Request<Body>| async move {
            call::answer(&gateway, kind, protocol, request).await
        };
        router = router.route(path, post(answer));
    }
    router
        .route("/v1/chat/completions", post(chat_completions))
        .route("/v1/responses", post(responses))
        .route("/v1/responses/{id}", get(kept).delete(kept))
        .route("/v1/responses/{id}/cancel", post(kept))
        .route("/v1/responses/{id}/input_items", get(kept))
        .route("/v1/conversations", post(kept))
        .route("/v1/conversations/{id}", get(kept).post(kept).delete(kept))
        .route("/v1/conversations/{id}/items", get(kept).post(kept))
        .route("/v1/conversations/{id}/items/{item}", get(kept).delete(kept))
        .route("/v1/messages", post(messages))
        .route("/api/v1/call/chat", post(native_chat))
        .route("/v1/files", get(of_files).post(of_files))
        .route("/v1/files/{id}", get(of_files).delete(of_files))
        .route("/v1/files/{id}/content", get(of_files))
        .route("/v1/batches", get(of_batches).post(of_batches))
        .route("/v1/batches/{id}", get(of_batches).delete(of_batches).post(of_batches))
        .route("/v1/batches/{id}/cancel", post(of_batches))
        .route("/v1/messages/batches", get(of_batches).post(of_batches))
        .route("/v1/messages/batches/{id}", get(of_batches).delete(of_batches))
        .route("/v1/messages/batches/{id}/cancel", post(of_batches))
        .route("/v1/messages/batches/{id}/results", get(of_batches))
        .route("/upload/v1/files", post(of_uploads))
        .route("/upload/v1beta/files", post(of_uploads))
        .route("/v1beta/files", get(of_files))
        .route("/v1beta/files/{id}", get(of_files).delete(of_files))
        .route("/download/v1/files/{id}", get(of_files))
        .route("/download/v1beta/files/{id}", get(of_files))
        .route("/v1beta/batches", get(of_batches))
        .route("/v1beta/batches/{id}", get(of_batches).delete(of_batches).post(of_batches))
        .route("/api/v1/call/files", post(of_files))
        .route("/api/v1/call/batches", post(of_batches))
        .route("/v1/models", get(routes::models::list))
        .route("/v1/models/{*id}", get(routes::models::one).post(of_google))
        .route("/v1beta/models", get(routes::models::list))
        .route("/v1beta/models/{*id}", get(routes::models::one).post(of_google))
        .with_state(gateway)
}

async fn chat_completions(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    call::answer(&gateway, OperationKind::Chat, Protocol::OpenAiChat, request).await
}

async fn responses(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    call::answer(&gateway, OperationKind::Chat, Protocol::OpenAiResponses, request).await
}

/// A stored response or conversation.
async fn kept(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    call::kept(&gateway, request).await
}

async fn messages(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    call::answer(&gateway, OperationKind::Chat, Protocol::Anthropic, request).await
}

async fn of_files(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    let protocol = spoken_by(request.uri().path(), request.headers());
    files::answer(gateway, protocol, request).await
}

async fn of_batches(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    let protocol = spoken_by(request.uri().path(), request.headers());
    batches::answer(gateway, protocol, request).await
}

/// A file on its way up: what begins, or goes on where the query says so.
async fn of_uploads(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    match uploads::secret(request.uri().query()) {
        Some(secret) => files::go_on(gateway, &secret, request).await,
        None => files::answer(gateway, Protocol::Gemini, request).await,
    }
}

/// What a caller speaks on a path that several protocols have, or that is none.
pub(crate) fn spoken_by(path: &str, headers: &HeaderMap) -> Protocol {
    let is_below = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
    if is_below(&["/api/"]) {
        Protocol::Native
    } else if is_below(&["/v1/messages"]) || headers.contains_key("anthropic-version") {
        Protocol::Anthropic
    } else if is_below(&["/v1beta/", "/upload/", "/download/"]) || headers.contains_key("x-goog-api-key") {
        Protocol::Gemini
    } else {
        Protocol::OpenAiChat
    }
}

/// A method of a model, as Google's SDKs name it behind the model's name.
async fn of_google(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    let kind = match split_path(request.uri().path()) {
        Ok((_, "batchGenerateContent")) => return batches::answer(gateway, Protocol::Gemini, request).await,
        Ok((_, "countTokens")) => OperationKind::CountTokens,
        Ok((_, "embedContent" | "batchEmbedContents")) => OperationKind::Embed,
        // What is no method of a model's is said where chats are read.
        _ => OperationKind::Chat,
    };
    call::answer(&gateway, kind, Protocol::Gemini, request).await
}

async fn native_chat(State(gateway): State<Arc<Gateway>>, request: Request<Body>) -> Response {
    call::answer(&gateway, OperationKind::Chat, Protocol::Native, request).await
}
