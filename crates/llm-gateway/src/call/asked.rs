//! What was asked: a request that was read, and whose model and key are known.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use jiff::Timestamp;
use llm_core::codec::{AnswerContext, Grouped, RequestHead, Skim};
use llm_core::{Error, ErrorKind, Result};

use super::kept::Kept;
use super::own::Own;
use super::surface::{Surface, with_codec};
use super::{made_for, spoken, tokens};
use crate::keys::VirtualKey;
use crate::limits::Subject;
use crate::record::CallId;
use crate::routing::Route;
use crate::{Gateway, azure};

/// A call at its arrival: its id, and when.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    /// The call's id, which the caller sees as `x-request-id`.
    pub(crate) id: CallId,
    /// By the calendar.
    pub(crate) at: Timestamp,
    /// By the clock that spans are measured with.
    pub(crate) clock: Instant,
}

impl Arrival {
    /// A call that has just come.
    pub(crate) fn now() -> Self {
        let at = Timestamp::now();
        Self { id: CallId::new(at), at, clock: Instant::now() }
    }
}

/// One request, read.
pub(crate) struct Asked {
    /// The call's id, which the caller sees as `x-request-id`.
    pub(crate) id: CallId,
    pub(crate) surface: Surface,
    pub(crate) key: Arc<VirtualKey>,
    pub(crate) route: Arc<Route>,
    pub(crate) head: RequestHead,
    pub(crate) body: Bytes,
    pub(crate) skim: Skim,
    /// The application's own user.
    pub(crate) end_user: Option<Arc<str>>,
    /// The tags of key and call.
    pub(crate) tags: Vec<Arc<str>>,
    pub(crate) arrived: Instant,
    pub(crate) created_at: Timestamp,
    /// Set where the call is about something that a provider stores.
    pub(crate) kept: Option<Kept>,
    /// Set where the gateway keeps the response itself, unless its provider does.
    pub(super) own: Option<Own>,
}

impl Asked {
    /// What its answer must be written with; `form` as the request asks for it.
    pub(crate) fn answer_context(&self, form: Option<String>) -> AnswerContext {
        let version = self.head.headers.get("anthropic-version").and_then(|value| value.to_str().ok());
        AnswerContext {
            model: self.skim.model.clone(),
            stream: self.skim.stream,
            include_usage: self.skim.include_usage,
            version: version.map(str::to_owned),
            form,
            echo: serde_json::Map::new(),
            grouped: Grouped::new(),
            id_seed: self.id.to_string().replace('-', ""),
            created: self.created_at.as_second(),
        }
    }

    /// The prompt's tokens, counted. Slow: not for the runtime's threads.
    pub(crate) fn count_input(&self) -> u64 {
        match with_codec!(self.surface, codec => spoken::text_of_request(codec, self)) {
            Some(text) => tokens::count(&text),
            // It was read before it was admitted, so this is a request that passes and that our types can't hold.
            None => self.skim.text_bytes,
        }
    }

    /// What is asked for, as call records name it.
    pub(crate) fn operation(&self) -> &'static str {
        self.kept.as_ref().map_or(self.surface.kind().as_str(), |kept| kept.operation)
    }

    /// Whether no provider charges for it.
    pub(crate) fn is_free(&self) -> bool {
        self.kept.is_some() || self.surface.kind().is_free()
    }

    /// Every name that the model goes by: as asked, and `provider:model` of each deployment.
    pub(crate) fn model_names(&self) -> Vec<&str> {
        let asked = self.skim.model.as_str();
        let ids = self.route.deployments.iter().map(|deployment| &*deployment.id).filter(|id| *id != asked);
        std::iter::once(asked).chain(ids).collect()
    }

    /// Whose call it is: what decides which limits apply.
    pub(crate) fn subject<'a>(&'a self, tags: &'a [&'a str], models: &'a [&'a str]) -> Subject<'a> {
        Subject { end_user: self.end_user.as_deref(), tags, models, ..self.key.subject() }
    }
}

/// How much of a stranger's body is read before it is refused, and for how long.
const OF_A_STRANGER: (usize, Duration) = (64 << 10, Duration::from_secs(1));

/// Authenticates a request and reads its body.
///
/// A short body is read even where its sender is refused. Else the connection would have to be closed, which a caller
/// who keeps it for further calls learns too late: the next one would break.
pub(crate) async fn enter(
    gateway: &Gateway,
    head: &Parts,
    body: Body,
    now: Timestamp,
) -> Result<(Arc<VirtualKey>, Bytes)> {
    let key = authenticate(gateway, head, now).await;
    let_in(gateway, key, body).await
}

/// The same for a key that was found otherwise.
pub(crate) async fn let_in<K>(gateway: &Gateway, key: Result<K>, body: Body) -> Result<(K, Bytes)> {
    match key {
        Ok(key) => Ok((key, collect(body, gateway.max_body).await?)),
        Err(error) => {
            let (most, patience) = OF_A_STRANGER;
            // Whatever comes of it, the answer is that the key is no good.
            let _ = tokio::time::timeout(patience, collect(body, most)).await;
            Err(error)
        }
    }
}

/// Finds the key that the request presents, and checks that it may call at all.
async fn authenticate(gateway: &Gateway, head: &Parts, now: Timestamp) -> Result<Arc<VirtualKey>> {
    let query = head.uri.query();
    let secret = presented(&head.headers, query).ok_or_else(no_key)?;
    gateway.authenticate(&secret, now).await
}

/// Reads a request of an authenticated key.
pub(crate) fn read(
    gateway: &Gateway,
    surface: Surface,
    arrival: Arrival,
    key: Arc<VirtualKey>,
    head: Parts,
    body: Bytes,
) -> Result<Asked> {
    let body = azure::with_model(&head, body)?;
    let query = head.uri.query().map(str::to_owned);
    let head = RequestHead { method: head.method, path: head.uri.path().to_owned(), query, headers: head.headers };
    let skim = surface.skim(&head, &body)?;
    let route = gateway.routes.resolve(&skim.model)?;
    if !route.deployments.iter().any(|deployment| key.allows(&skim.model, &deployment.id)) {
        return Err(VirtualKey::not_allowed(&skim.model));
    }
    let end_user = made_for::end_user(&head.headers, skim.user.as_deref())?;
    let tags = made_for::tags(&head.headers, &key.tags)?;
    let Arrival { id, at, clock } = arrival;
    Ok(Asked {
        id,
        surface,
        key,
        route,
        head,
        body,
        skim,
        end_user,
        tags,
        arrived: clock,
        created_at: at,
        kept: None,
        own: None,
    })
}

/// The key as any of the SDKs presents it. Where a key may not stand in the query, none is handed in.
pub(crate) fn presented<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> Option<Cow<'a, str>> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let named = || {
        ["x-api-key", "api-key", "x-goog-api-key"]
            .into_iter()
            .find_map(|name| text(header::HeaderName::from_static(name)))
    };
    let found = bearer.or_else(named).filter(|key| !key.is_empty());
    found.map(Cow::Borrowed).or_else(|| in_query(query?))
}

/// The error of who presents none.
pub(crate) fn no_key() -> Error {
    Error::new(ErrorKind::InvalidApiKey, "no API key was sent")
        .with_hint("send `Authorization: Bearer KEY` or `x-api-key: KEY`")
}

fn in_query(query: &str) -> Option<Cow<'_, str>> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("key="))?;
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    // Keys have no character that needs an escape, so an escaped one is no key.
    (plain && !value.is_empty()).then_some(Cow::Borrowed(value))
}

/// Reads a request's body, at most `limit` bytes of it.
async fn collect(body: Body, limit: usize) -> Result<Bytes> {
    let too_large = || Error::new(ErrorKind::RequestTooLarge, format!("the request body is larger than {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match http_body_util::Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Error::invalid_request("the request body broke off")),
    }
}
