//! Logging in and out, and who one is: `/login`, `/login/callback`, `/logout`, `/api/v1/me`.
//!
//! Who is logged in has a cookie with a secret that no script can read, and acts as with a token. A browser sends a
//! cookie whoever makes it ask, so what changes something is taken only from pages of this gateway itself.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use llm_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::admin::Admin;
use super::answer::{Answer, Json, Query, Refused};
use crate::keys::{Identified, KeyHash, KeyId, Role, Team, TeamId, User, UserId, VirtualKey, secret};
use crate::oidc::{Back, Login};
use crate::store::sessions;

/// The cookies: of a login under way, and of who is logged in. Where there is TLS their names say so, and then no other
/// host or unprotected page can have set them.
const UNDER_WAY: &str = "llm_login";
const SESSION: &str = "llm_session";
/// How long a login may be under way, in seconds.
const LOGIN_PATIENCE: i64 = 600;
/// The longest path that one is sent on to.
const MAX_NEXT: usize = 2048;

/// How a login begins.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Begin {
    /// The path of this gateway to go on to afterwards.
    next: Option<String>,
}

/// `GET /login`: on to the identity provider.
pub(super) async fn begin(State(admin): State<Arc<Admin>>, Query(begin): Query<Begin>) -> Answer<Response> {
    let login = admin.login()?;
    let next = begin.next.as_deref().unwrap_or("/");
    if !is_path(next) {
        return Err(Refused(Error::invalid_request("`next` must be a path of this gateway").with_param("next")));
    }
    let begun = login.begin().await?;
    let kept = format!("{}.{}", begun.secret, escaped(next));
    let mut answer = go_on(begun.to.as_str())?;
    set_cookie(login, &mut answer, UNDER_WAY, &kept, LOGIN_PATIENCE)?;
    Ok(answer)
}

/// `GET /login/callback`: back from the identity provider.
pub(super) async fn finish(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Answer<Response> {
    let login = admin.login()?;
    let kept = cookie(login, &headers, UNDER_WAY).unwrap_or_default();
    let (begun, next) = kept.split_once('.').unwrap_or_default();
    let done = async {
        let now = Timestamp::now();
        let who = login.finish(begun, &back, now).await?;
        // Whoever is not let in by a token is not by a login either.
        let key = admin.gateway.keys.log_in(&who).await?;
        key.check(now)?;
        if let Some(old) = cookie(login, &headers, SESSION) {
            sessions::end(&admin.gateway.db, &KeyHash::of(old)).await?;
        }
        let who = serde_json::to_string(&login.remembered(who))
            .map_err(|error| Error::new(ErrorKind::Internal, "who is logged in can't be written").with_source(error))?;
        let fresh = secret::random("")?;
        let lasts = login.config.session.0;
        let until = now.checked_add(lasts).unwrap_or(Timestamp::MAX);
        sessions::begin(&admin.gateway.db, &KeyHash::of(&fresh), &who, now, until).await?;
        tracing::info!(user = key.user.as_ref().map(|user| user.id.as_str()), "someone has logged in");
        let mut answer = go_on(&plain(next).filter(|next| is_path(next)).unwrap_or_else(|| "/".to_owned()))?;
        set_cookie(login, &mut answer, SESSION, &fresh, i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX))?;
        Ok(answer)
    };
    // However it ends, it can't be ended twice.
    let done: Result<Response> = done.await;
    let mut answer = done.unwrap_or_else(|error| Refused(error).into_response());
    set_cookie(login, &mut answer, UNDER_WAY, "", 0)?;
    Ok(answer)
}

/// `POST /logout`: the session is over, here and on every replica.
pub(super) async fn end(State(admin): State<Arc<Admin>>, headers: HeaderMap) -> Answer<Response> {
    let login = admin.login()?;
    check_origin(login, &headers)?;
    if let Some(session) = cookie(login, &headers, SESSION) {
        sessions::end(&admin.gateway.db, &KeyHash::of(session)).await?;
    }
    let mut answer = Json::ok(&LoggedOut { logged_out: true }).into_response();
    set_cookie(login, &mut answer, SESSION, "", 0)?;
    Ok(answer)
}

/// Who asks.
#[derive(Serialize, JsonSchema)]
pub(super) struct Me {
    /// What they may do.
    role: Role,
    /// The user that they are; none with the administrator's key, and with one that belongs to nobody.
    user: Option<Person>,
    /// The team that the key belongs to.
    team: Option<Group>,
    /// The key that they present, or that stands for them; none with the administrator's.
    key: Option<KeyId>,
}

/// A user, as far as it concerns who asks.
#[derive(Serialize, JsonSchema)]
struct Person {
    id: UserId,
    name: String,
    email: Option<String>,
}

/// A team, as far as it concerns who asks.
#[derive(Serialize, JsonSchema)]
struct Group {
    id: TeamId,
    name: String,
}

/// That a session is over.
#[derive(Serialize, JsonSchema)]
pub(super) struct LoggedOut {
    logged_out: bool,
}

/// `GET /api/v1/me`: who asks, and what they may do.
pub(super) async fn me(Extension(actor): Extension<Actor>) -> Json {
    let person = |user: &User| Person { id: user.id.clone(), name: user.name.clone(), email: user.email.clone() };
    let group = |team: &Team| Group { id: team.id.clone(), name: team.name.clone() };
    Json::ok(&Me {
        role: actor.role,
        user: actor.user.as_deref().map(person),
        team: actor.key.as_ref().and_then(|key| key.team.as_deref()).map(group),
        key: actor.key.as_ref().map(|key| key.id.clone()),
    })
}

impl Admin {
    fn login(&self) -> Result<&Login> {
        let message = "nobody can log in here: no `[login]` is configured";
        self.gateway.issuers.login().ok_or_else(|| Error::new(ErrorKind::NotFound, message))
    }

    /// The key of whoever is logged in; none where no such cookie is sent.
    pub(super) async fn session(&self, headers: &HeaderMap, method: &Method) -> Result<Option<Arc<VirtualKey>>> {
        let Some(login) = self.gateway.issuers.login() else { return Ok(None) };
        let Some(session) = cookie(login, headers, SESSION) else { return Ok(None) };
        if !method.is_safe() {
            check_origin(login, headers)?;
        }
        let now = Timestamp::now();
        let over = || Error::new(ErrorKind::InvalidApiKey, "this login is over").with_hint("log in again at `/login`");
        let found = sessions::find(&self.gateway.db, &KeyHash::of(session), now).await?.ok_or_else(over)?;
        // One of an issuer that is another now is over, too.
        let who = serde_json::from_str(&found).ok().filter(|who: &Identified| login.is_by(who)).ok_or_else(over)?;
        let key = self.gateway.keys.log_in(&who).await?;
        key.check(now)?;
        Ok(Some(key))
    }
}

/// Refuses what a page of another site has made a browser ask. Browsers say which site it was; those that don't say
/// where the page is from.
fn check_origin(login: &Login, headers: &HeaderMap) -> Result<()> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_own = match text(&HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => text(&header::ORIGIN) == Some(&login.base.origin().ascii_serialization()),
    };
    if is_own {
        return Ok(());
    }
    let message = "with a login, changes are taken only from pages of this gateway";
    Err(Error::new(ErrorKind::PermissionDenied, message).with_hint("send `Authorization: Bearer KEY` instead"))
}

/// Whether a text is a path here and can't lead anywhere else, however a browser reads it.
fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    text.len() <= MAX_NEXT && text.starts_with('/') && !text.starts_with("//") && text.bytes().all(is_plain)
}

/// A path as it can stand in a cookie.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What was escaped.
fn plain(text: &str) -> Option<String> {
    let (plain, _) = url::form_urlencoded::parse(text.as_bytes()).next()?;
    Some(plain.into_owned())
}

/// Sends a browser on.
fn go_on(to: &str) -> Result<Response> {
    let to = HeaderValue::from_str(to)
        .map_err(|error| Error::new(ErrorKind::Internal, "an address can't stand in a header").with_source(error))?;
    let headers = [
        (header::LOCATION, to),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// The name of a cookie, as it is where there is TLS.
fn cookie_name(login: &Login, name: &str) -> String {
    if login.is_secure() { format!("__Host-{name}") } else { name.to_owned() }
}

/// The value of a cookie.
fn cookie<'a>(login: &Login, headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let name = cookie_name(login, name);
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut all = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    all.find(|(of, value)| *of == name && !value.is_empty()).map(|(_, value)| value)
}

/// Sets a cookie for `seconds`; 0 takes it away.
fn set_cookie(login: &Login, answer: &mut Response, name: &str, value: &str, seconds: i64) -> Result<()> {
    let (name, secure) = (cookie_name(login, name), if login.is_secure() { "; Secure" } else { "" });
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_str(&text)
        .map_err(|error| Error::new(ErrorKind::Internal, "a cookie can't be written").with_source(error))?;
    value.set_sensitive(true);
    answer.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}
