//! Files that go up in pieces, as Google's SDKs send them.
//!
//! The pieces are handed on as they come and never put together here. The address that a caller is given holds a secret
//! of the gateway's own, for Google's clients send no key with a piece: its hash stands among the objects of the key that
//! began, beside the provider's address, so that every replica knows where a piece goes, and whose it is.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use llm_core::file::Files;
use llm_core::{Error, ErrorKind, OperationKind, Protocol, Result};
use llm_providers::protocols::Spoken;
use llm_providers::protocols::gemini::uploads;

use super::upload::{by_itself, chosen};
use super::{keeper, objects};
use crate::Gateway;
use crate::call::{self, Arrival};
use crate::errand::{self, Errand, Keeper, Visit};
use crate::keys::{KeyHash, KeyId, VirtualKey, secret};
use crate::record::{Object, ObjectKind};

/// What an answer to a piece may hold at most: what is said of a file.
const MAX_ANSWER: usize = 1 << 20;
/// How long who begins waits until other replicas can know of it. One that is asked too early says that it knows nothing.
const SHIPPED_WITHIN: Duration = Duration::from_secs(1);

/// Begins an upload where the file shall be kept.
pub(super) async fn begin(visit: &Arc<Visit>) -> Result<Response> {
    let head = visit.head();
    let (named, body) = uploads::addressee(&visit.body)?;
    let (id, provider) = chosen(visit, named.as_deref())?;
    let encoded = uploads::begin(&head, body, &provider.target_of::<Files>("", false, ""))?;
    let errand = visit.begin(Some(provider.id()), Some(id)).await?;
    let answered = provider.send_ok::<Files>(&encoded, provider.timeouts()).await;
    let begun = answered.and_then(|answer| Ok((uploads::address(&answer.head)?, secret::random("")?, answer.head)));
    let (address, secret, answer) = match begun {
        Ok(begun) => begun,
        Err(error) => return Err(errand.failed(error).await),
    };
    let mut object = visit.object(ObjectKind::Upload, &KeyHash::of(&secret).to_string(), &by_itself(&provider));
    object.native_id = Some(address.into());
    errand.done(vec![object]).await?;
    match tokio::time::timeout(SHIPPED_WITHIN, visit.gateway.flush()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "other replicas don't know yet of an upload that has begun"),
        Err(_) => tracing::warn!("other replicas don't know yet of an upload that has begun"),
    }
    let mut response = errand::json("{}".into());
    uploads::told(&answer, response.headers_mut());
    let place = place(&visit.parts.uri, &visit.parts.headers, visit.key.id.as_str(), &secret)?;
    response.headers_mut().insert(uploads::ADDRESS, place);
    Ok(response)
}

/// The address of the pieces, here: at the host that the caller asked. Only the caller sees it.
fn place(uri: &Uri, headers: &HeaderMap, key: &str, secret: &str) -> Result<HeaderValue> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = uri.authority().map(|authority| authority.as_str()).or_else(|| text(header::HOST.as_str()));
    let host = host.ok_or_else(|| Error::invalid_request("the request names no `host`").with_param("host"))?;
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    let path = "/upload/v1beta/files";
    let place = format!("{scheme}://{host}{path}?{}={key}.{secret}&upload_protocol=resumable", uploads::ID);
    HeaderValue::from_str(&place).map_err(|_| Error::invalid_request("the `host` is none").with_param("host"))
}

/// Hands on a piece of a file, or what else is asked of its upload.
pub(crate) async fn go_on(gateway: Arc<Gateway>, secret: &str, request: Request<Body>) -> Response {
    let (protocol, arrival) = (Protocol::Gemini, Arrival::now());
    let (parts, body) = request.into_parts();
    let found = known(&gateway, secret, arrival).await;
    let mut upload = None;
    let visit = match call::let_in(&gateway, found, body).await {
        Ok(((key, object), body)) => {
            upload = Some(object);
            Visit::new(&gateway, OperationKind::Files, protocol, arrival, key, parts, body)
        }
        Err(error) => Err(error),
    };
    let work = |visit: Arc<Visit>| async move {
        let upload = upload.ok_or_else(|| Error::new(ErrorKind::Internal, "the upload was not looked up"))?;
        piece(&visit, &upload).await
    };
    errand::carry_out(&gateway, protocol, arrival, visit, work).await
}

/// Whose upload a secret lets into, and which it is.
async fn known(gateway: &Gateway, secret: &str, arrival: Arrival) -> Result<(Arc<VirtualKey>, Arc<Object>)> {
    let unknown = || Error::new(ErrorKind::NotFound, "there is no such upload, or it is over").with_param(uploads::ID);
    let (key, secret) = secret.split_once('.').ok_or_else(unknown)?;
    let key = gateway.keys.get(&KeyId::new(key)).ok_or_else(unknown)?;
    key.check(arrival.at)?;
    let object = gateway.objects.find(key.id.as_str(), &KeyHash::of(secret).to_string()).await?;
    let object = object.filter(|object| object.kind == ObjectKind::Upload).ok_or_else(unknown)?;
    Ok((key, object))
}

async fn piece(visit: &Arc<Visit>, upload: &Object) -> Result<Response> {
    let (deployment, provider) = keeper::<Files>(visit, upload)?;
    let target = provider.target_of::<Files>("", false, "");
    let encoded = uploads::piece(&visit.head(), upload.native_id(), visit.body.clone(), &target);
    let errand = visit.begin(Some(&upload.provider), Some(&deployment.id)).await?;
    let answered = async {
        let answer = provider.send_ok::<Files>(&encoded, provider.timeouts()).await?;
        Ok((answer.body.collect(MAX_ANSWER).await?, answer.head))
    };
    let (body, answer) = match answered.await {
        Ok(answered) => answered,
        Err(error) => return Err(errand.failed(error).await),
    };
    let made = match uploads::is_over(&answer) {
        true => ended(visit, upload, &answer, &body),
        false => Ok(Vec::new()),
    };
    settled(errand, made).await?;
    let mut response = errand::json(body);
    uploads::told(&answer, response.headers_mut());
    Ok(response)
}

/// What there is once an upload is over: the file, unless the upload was cancelled, and no upload any more.
fn ended(visit: &Visit, upload: &Object, answer: &llm_core::codec::ResponseHead, body: &[u8]) -> Result<Vec<Object>> {
    let mut changed = vec![upload.gone(visit.arrival.at)];
    if body.trim_ascii().is_empty() || body.trim_ascii() == b"{}" {
        return Ok(changed);
    }
    let codec = Files::codec(visit.protocol).ok_or_else(|| errand::unspoken(visit.kind, visit.protocol))?;
    let told = codec.decode_answer(&llm_core::codec::DecodeContext::default(), answer, body)?;
    let at = Keeper {
        provider: upload.provider.clone(),
        deployment: upload.deployment.clone(),
        account: upload.account.clone(),
    };
    changed.extend(objects(visit, &told, &at));
    Ok(changed)
}

async fn settled(errand: Errand, made: Result<Vec<Object>>) -> Result<()> {
    match made {
        Ok(made) => errand.done(made).await,
        Err(error) => Err(errand.failed(error).await),
    }
}
