//! Calls about what a provider stores: stored responses and conversations. The bytes pass, and nothing is charged.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Query;
use axum::response::Response;
use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use llm_core::codec::{Encoded, RequestHead, Skim, Target};
use llm_core::stored::Made;
use llm_core::{Error, ErrorKind, OperationKind, Protocol, Result};
use llm_providers::protocols::openai_responses::stored as protocol;
use serde_json::{Map, Value};

use super::account::Account;
use super::asked::{self, Arrival, Asked};
use super::surface::Surface;
use super::{admit, answer, made_for, own, parked, stored, stream};
use crate::Gateway;
use crate::errand::Visit;
use crate::keys::VirtualKey;
use crate::record::{Object, ObjectKind};
use crate::routing::Deployment;

/// What a call about something stored asks the provider for.
#[derive(Clone)]
pub(crate) struct Kept {
    /// Its name in call records.
    pub(crate) operation: &'static str,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    /// What it is about; none where it makes something.
    object: Option<Arc<Object>>,
}

/// One of the calls that there are, as method and path name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted<'a> {
    operation: &'static str,
    kind: ObjectKind,
    /// The id in the path; empty where something is made.
    id: &'a str,
    /// What follows the id.
    rest: &'a str,
}

impl<'a> Wanted<'a> {
    fn of(method: &Method, path: &'a str) -> Option<Self> {
        let path = path.strip_prefix("/v1/")?;
        let (resource, behind) = path.split_once('/').unwrap_or((path, ""));
        let (id, rest) = behind.split_once('/').map_or((behind, ""), |(id, rest)| (id, rest));
        let (place, item) = rest.split_once('/').unwrap_or((rest, ""));
        let is_safe = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        if !is_safe(id) || !is_safe(item) || matches!(item, "." | "..") {
            return None;
        }
        let kind = match resource {
            "responses" => ObjectKind::Response,
            "conversations" => ObjectKind::Conversation,
            _ => return None,
        };
        let operation = match (kind, method.as_str(), id.is_empty(), place, item.is_empty()) {
            (ObjectKind::Response, "GET", false, "", true) => "responses.retrieve",
            (ObjectKind::Response, "DELETE", false, "", true) => DELETE_RESPONSE,
            (ObjectKind::Response, "POST", false, "cancel", true) => "responses.cancel",
            (ObjectKind::Response, "GET", false, "input_items", true) => "responses.input_items",
            (ObjectKind::Conversation, "POST", true, "", true) => CREATE_CONVERSATION,
            (ObjectKind::Conversation, "GET", false, "", true) => "conversations.retrieve",
            (ObjectKind::Conversation, "POST", false, "", true) => "conversations.update",
            (ObjectKind::Conversation, "DELETE", false, "", true) => DELETE_CONVERSATION,
            (ObjectKind::Conversation, "GET", false, "items", true) => "conversations.items",
            (ObjectKind::Conversation, "POST", false, "items", true) => "conversations.items.create",
            (ObjectKind::Conversation, "GET", false, "items", false) => "conversations.items.retrieve",
            (ObjectKind::Conversation, "DELETE", false, "items", false) => "conversations.items.delete",
            _ => return None,
        };
        Some(Self { operation, kind, id, rest })
    }
}

const DELETE_RESPONSE: &str = "responses.delete";
const DELETE_CONVERSATION: &str = "conversations.delete";
const CREATE_CONVERSATION: &str = "conversations.create";

/// Answers a call about a stored response or conversation.
pub(crate) async fn kept(gateway: &Arc<Gateway>, request: Request<Body>) -> Response {
    let Some(surface) = Surface::of(OperationKind::Chat, Protocol::OpenAiResponses) else {
        return axum::response::IntoResponse::into_response(http::StatusCode::NOT_IMPLEMENTED);
    };
    let arrival = Arrival::now();
    match Box::pin(run(gateway, surface, arrival, request)).await {
        Ok(response) => response,
        Err(error) => surface.error(&error, Some(&arrival.id.to_string())),
    }
}

async fn run(gateway: &Arc<Gateway>, surface: Surface, arrival: Arrival, request: Request<Body>) -> Result<Response> {
    let (head, body) = request.into_parts();
    let (key, mut body) = asked::enter(gateway, &head, body, arrival.at).await?;
    let query = Query::<Vec<(String, String)>>::try_from_uri(&head.uri);
    let Query(mut query) = query.map_err(|_| Error::invalid_request("the query can't be read"))?;
    // It may hold the caller's key, which is nobody else's business.
    query.retain(|(name, _)| name != "key");
    let wanted = Wanted::of(&head.method, head.uri.path())
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "nothing of this key has such a path"))?;
    let named = protocol::named(&body)?;
    let has_all = stored::keeper(gateway, &key, &named).await?;
    let (keeper, object) = if wanted.operation == CREATE_CONVERSATION {
        let (keeper, rest) = place_of_new(gateway, &key, &body, has_all.as_ref())?;
        body = rest;
        (keeper, None)
    } else {
        let own = gateway.objects.find(key.id.as_str(), wanted.id).await?;
        if let Some(own) = own.filter(|own| wanted.kind == ObjectKind::Response && own.kind == ObjectKind::OwnResponse)
        {
            let operation = wanted.operation;
            let (kind, protocol) = (surface.kind(), surface.protocol());
            let visit = Visit::new(gateway, kind, protocol, arrival, key, head, body)?.named(operation);
            let mut response = own::tell(&visit, &own, &query).await?;
            surface.name_call(&arrival.id.to_string(), response.headers_mut());
            return Ok(response);
        }
        let object = gateway.objects.owned(key.id.as_str(), wanted.kind, "", wanted.id).await?;
        (gateway.routes.keeper(&object)?, Some(object))
    };
    if has_all.is_some_and(|place| !place.is_beside(&keeper)) {
        let message =
            format!("what `items` names is not stored at `{}`, where the conversation is", keeper.provider_id);
        return Err(Error::invalid_request(message).with_param("items"));
    }
    let provider = stored::speaking(&keeper)?;
    if provider.lacks_stored(wanted.kind) {
        let what = if wanted.kind == ObjectKind::Conversation { "conversations" } else { "stored responses" };
        let message = format!("provider `{}` has no {what}", keeper.provider_id);
        return Err(Error::new(ErrorKind::NotImplemented, message));
    }
    let resource = if wanted.kind == ObjectKind::Conversation { "conversations" } else { "responses" };
    let id = object.as_ref().map(|object| object.native_id()).unwrap_or_default();
    let path = [resource, id, wanted.rest].into_iter().filter(|part| !part.is_empty());
    let path = path.fold(String::new(), |path, part| path + "/" + part);
    let skim = Skim {
        model: keeper.id.to_string(),
        stream: head.method == Method::GET && query.iter().any(|(name, value)| name == "stream" && value == "true"),
        include_usage: true,
        max_tokens: Some(0),
        choices: 1,
        ..Skim::default()
    };
    // What changes nothing may be asked for again.
    let tries = if head.method == Method::GET { 2 } else { 1 };
    let kept = Kept { operation: wanted.operation, method: head.method.clone(), path, query, object };
    let end_user = made_for::end_user(&head.headers, None)?;
    let tags = made_for::tags(&head.headers, &key.tags)?;
    let asked = Arc::new(Asked {
        id: arrival.id,
        surface,
        key,
        route: gateway.routes.alone(keeper.clone()),
        head: RequestHead { method: head.method, path: head.uri.path().to_owned(), query: None, headers: head.headers },
        body,
        skim,
        end_user,
        tags,
        arrived: arrival.clock,
        created_at: arrival.at,
        kept: Some(kept),
        own: None,
    });
    let admitted = admit::admit(gateway, asked.clone(), &keeper).await?;
    let candidates = vec![keeper; tries];
    match asked.skim.stream {
        true => stream::answer(admitted, &candidates).await,
        false => answer::answer(admitted, candidates).await,
    }
}

/// Where a new conversation is made, and its request without the `model` that may say it: the protocol names none.
/// `has_all`: the place of what it is made of, which decides where the request does not.
fn place_of_new(
    gateway: &Gateway,
    key: &VirtualKey,
    body: &Bytes,
    has_all: Option<&Arc<Deployment>>,
) -> Result<(Arc<Deployment>, Bytes)> {
    let has_them = |deployment: &Arc<Deployment>| {
        stored::speaking(deployment).is_ok_and(|provider| !provider.lacks_stored(ObjectKind::Conversation))
    };
    let may_use = |place: &Arc<Deployment>| gateway.routes.may_use(key, &place.provider_id);
    let mut members: Map<String, Value> = match body.is_empty() {
        true => Map::new(),
        false => serde_json::from_slice(body)
            .map_err(|error| Error::invalid_request(format!("the request body is not a JSON object: {error}")))?,
    };
    if let Some(model) = members.remove("model") {
        let model = model.as_str().ok_or_else(|| Error::invalid_request("`model` must be a string"))?;
        let rest = serde_json::to_vec(&members)
            .map_err(|error| Error::new(ErrorKind::Internal, "the request can't be written").with_source(error))?;
        // A provider by itself, without any model of it.
        let named = model.strip_suffix(':');
        let is_named = |place: &Arc<Deployment>| named == Some(&*place.provider_id) && has_them(place);
        if let Some(place) = gateway.routes.places().into_iter().find(is_named) {
            return match may_use(&place) {
                true => Ok((place, Bytes::from(rest))),
                false => Err(VirtualKey::not_allowed(model)),
            };
        }
        let route = gateway.routes.resolve(model)?;
        let allowed = |deployment: &&Arc<Deployment>| key.allows(model, &deployment.id);
        if !route.deployments.iter().any(|deployment| allowed(&deployment)) {
            return Err(VirtualKey::not_allowed(model));
        }
        let found = route.deployments.iter().filter(allowed).find(|deployment| has_them(deployment)).cloned();
        let found = found.ok_or_else(|| {
            let message = format!("no deployment of `{model}` has conversations");
            Error::new(ErrorKind::NotImplemented, message).with_param("model")
        })?;
        return Ok((found, Bytes::from(rest)));
    }
    let mut places = gateway.routes.places();
    places.retain(has_them);
    if let Some(has_all) = has_all {
        places.retain(|place| place.is_beside(has_all));
    }
    let is_nowhere = places.is_empty();
    places.retain(may_use);
    match places.as_slice() {
        [only] => Ok((only.clone(), body.clone())),
        [] if is_nowhere => Err(Error::new(ErrorKind::NotImplemented, "no provider here has conversations")),
        [] => Err(Error::new(ErrorKind::ModelNotAllowed, "this API key may use no provider that has conversations")
            .with_param("model")
            .with_hint("where it may call single models, name one of them in the member `model`")),
        several => {
            let names: Vec<&str> = several.iter().map(|place| &*place.provider_id).collect();
            let message = format!("conversations can be made at `{}`", names.join("`, `"));
            Err(Error::invalid_request(message)
                .with_param("model")
                .with_hint("name a model of the one that is meant in the member `model`"))
        }
    }
}

impl Kept {
    /// The request as the keeper is sent it.
    pub(super) fn encode(&self, asked: &Asked, target: &Target<'_>) -> Encoded {
        protocol::request(self.method.clone(), self.path.clone(), self.query.clone(), asked.body.clone(), target)
    }

    /// Notes what a whole answer has changed: something was made or deleted, or a response has come to its end.
    pub(super) fn done(&self, account: &mut Account, deployment: &Arc<Deployment>, body: &Bytes) {
        let gateway = account.gateway().clone();
        let now = Timestamp::now();
        match (self.operation, &self.object) {
            (DELETE_RESPONSE | DELETE_CONVERSATION, Some(object)) => {
                parked::deleted(&gateway, object);
                account.keep_objects([object.gone(now)]);
            }
            (CREATE_CONVERSATION, None) => {
                let id = serde_json::from_slice::<Value>(body).ok();
                let id = id.as_ref().and_then(|made| made.get("id")?.as_str()).filter(|id| !id.is_empty());
                if let Some(id) = id {
                    let made = Made { kind: ObjectKind::Conversation, id: id.to_owned() };
                    account.keep_objects([stored::object(account.asked(), deployment, &made)]);
                }
            }
            ("responses.retrieve" | "responses.cancel", Some(object)) => parked::seen(&gateway, object, body),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_and_odd_ones_are_nobodys() {
        let read = |method: Method, path| Wanted::of(&method, path).map(|wanted| (wanted.operation, wanted.id));
        assert_eq!(read(Method::GET, "/v1/responses/resp_1"), Some(("responses.retrieve", "resp_1")));
        assert_eq!(read(Method::GET, "/v1/responses/resp_1/input_items"), Some(("responses.input_items", "resp_1")));
        assert_eq!(read(Method::POST, "/v1/conversations"), Some((CREATE_CONVERSATION, "")));
        let item = "/v1/conversations/conv_1/items/msg_1";
        assert_eq!(read(Method::DELETE, item), Some(("conversations.items.delete", "conv_1")));
        for odd in [
            "/v1/responses/..%2ffiles",
            "/v1/responses/resp_1/../files",
            "/v1/responses/resp_1/cancel",
            "/v1/responses/",
            "/v1/conversations/conv_1/items/..",
            "/v1/conversations/conv_1/items/a/b",
            "/v1/models/x",
        ] {
            assert_eq!(read(Method::GET, odd), None, "{odd}");
        }
    }
}
