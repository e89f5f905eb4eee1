//! The one error of the workspace: opaque, with questions to ask of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! kinds {
    ($($(#[$doc:meta])* $arm:ident = $text:literal, $status:literal;)+) => {
        /// What went wrong, coarsely enough to act upon.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[$doc])* $arm),+ }

        impl ErrorKind {
            /// The code that callers of the gateway see.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$arm => $text),+ }
            }

            /// The HTTP status that says the same.
            pub fn default_status(self) -> StatusCode {
                let code: u16 = match self { $(Self::$arm => $status),+ };
                StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// The kind of that code; `Internal` for one that nobody knows.
            pub fn of(text: &str) -> Self {
                match text { $($text => Self::$arm,)+ _ => Self::Internal }
            }
        }
    };
}

kinds! {
    /// The request is malformed or contradicts itself; sending it again changes nothing.
    InvalidRequest = "invalid_request", 400;
    /// The protocol or provider can't take a parameter that the request sets.
    UnsupportedParameter = "unsupported_parameter", 400;
    /// The prompt is longer than the model's window.
    ContextLengthExceeded = "context_length_exceeded", 400;
    /// The provider refused for reasons of content.
    ContentFiltered = "content_filter", 400;
    /// A spend limit applies and the model has no price.
    ModelNotPriced = "model_not_priced", 400;
    /// The caller's own key is missing or wrong.
    InvalidApiKey = "invalid_api_key", 401;
    /// The key is blocked.
    KeyBlocked = "key_blocked", 403;
    /// The key has expired.
    KeyExpired = "key_expired", 403;
    /// The key may not call this model.
    ModelNotAllowed = "model_not_allowed", 403;
    /// The caller may not do this.
    PermissionDenied = "permission_denied", 403;
    /// No such model, or no such provider.
    ModelNotFound = "model_not_found", 404;
    /// No such thing.
    NotFound = "not_found", 404;
    /// The thing exists already, or has changed meanwhile.
    Conflict = "conflict", 409;
    /// The body is larger than is taken.
    RequestTooLarge = "request_too_large", 413;
    /// A rate limit; trying again later helps.
    RateLimited = "rate_limit_exceeded", 429;
    /// A budget is spent; trying again does not help.
    QuotaExceeded = "insufficient_quota", 429;
    /// The operation or protocol is not there.
    NotImplemented = "not_implemented", 501;
    /// No credential for the provider stands in the configuration or environment.
    MissingCredential = "missing_credential", 401;
    /// The provider refused our credential.
    ProviderAuth = "provider_auth", 502;
    /// The provider failed, or answered what can't be understood.
    ProviderError = "provider_error", 502;
    /// The provider has too much to do.
    Overloaded = "overloaded", 503;
    /// No connection to the provider.
    Connection = "provider_unreachable", 502;
    /// The answer ended before it was whole.
    Cut = "stream_cut", 502;
    /// The provider took longer than was allowed.
    Timeout = "provider_timeout", 504;
    /// No deployment can take the call now.
    NoDeploymentAvailable = "no_deployment_available", 503;
    /// Spend can't be recorded, so no call is taken.
    JournalUnavailable = "journal_unavailable", 503;
    /// A mistake of ours.
    Internal = "internal_error", 500;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&std::borrow::Cow::<'de, str>::deserialize(deserializer)?))
    }
}

/// An error of a call. Its text is for people and is not part of the interface; ask [`kind`](Error::kind) and the
/// other questions instead.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone, Default)]
struct Inner {
    kind: Option<ErrorKind>,
    message: String,
    hint: Option<String>,
    status: Option<StatusCode>,
    code: Option<String>,
    param: Option<String>,
    provider: Option<String>,
    retry_after: Option<Duration>,
    body: Option<Bytes>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// Zero where nobody counted.
    attempts: u32,
    /// Whether the same call can never succeed, whatever the kind says in general.
    hopeless: bool,
    /// Whether nobody knows what became of the request.
    in_doubt: bool,
}

impl Error {
    /// An error of `kind`. The message is lower case and has no final full stop, unless it is a provider's own.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind: Some(kind), message: message.into(), ..Inner::default() }))
    }

    /// The caller's mistake.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// A parameter that `taker` (a protocol or provider) can't take.
    pub fn unsupported(param: impl Into<String>, taker: impl fmt::Display, why: impl fmt::Display) -> Self {
        let param = param.into();
        Self::new(ErrorKind::UnsupportedParameter, format!("`{param}` can't be sent to {taker}: {why}"))
            .with_param(param)
    }

    /// An answer that can't be understood.
    pub fn bad_answer(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ProviderError, message)
    }

    /// A stream that ended before it was whole.
    pub fn cut() -> Self {
        Self::new(ErrorKind::Cut, "the provider's stream ended before the answer was whole")
    }

    /// What to do about it, for people.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The status that the provider answered with.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The provider's own code (`context_length_exceeded`, `overloaded_error`).
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// The parameter that is wrong.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// The same error, of another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = Some(kind);
        self
    }

    /// The provider that the error came from; none for an empty name.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<String>) -> Self {
        self.0.provider = Some(provider.into()).filter(|provider: &String| !provider.is_empty());
        self
    }

    /// How long to wait before trying again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// How many attempts were made before this one was told.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The same error, of a call that can never succeed as it is, though others of the kind may later.
    #[must_use]
    pub fn hopeless(mut self) -> Self {
        self.0.hopeless = true;
        self
    }

    /// The body as the provider sent it.
    #[must_use]
    pub fn with_body(mut self, body: Bytes) -> Self {
        self.0.body = Some(body);
        self
    }

    /// The error underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Says whether it is unknown what became of the request ([`is_in_doubt`](Self::is_in_doubt)).
    #[must_use]
    pub fn in_doubt(mut self, is_in_doubt: bool) -> Self {
        self.0.in_doubt = is_in_doubt;
        self
    }

    /// What went wrong, coarsely.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Internal)
    }

    /// The message alone: the provider's own where it said one.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The HTTP status: the provider's where it answered, else the one that says the same as the kind.
    pub fn status(&self) -> StatusCode {
        self.0.status.unwrap_or_else(|| self.kind().default_status())
    }

    /// The status that the provider answered with; none where no answer of it says what went wrong.
    pub fn answered_with(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Whether nobody here knows what became of the request: it had left, at least in part, and no answer came back that
    /// could be understood. The provider may have done the work.
    pub fn is_in_doubt(&self) -> bool {
        self.0.in_doubt
    }

    /// The provider's own code, where it said one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The parameter that is wrong.
    pub fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// The provider that the error came from; none for errors made before a byte was sent.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// How long the provider (or a limit) asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many attempts were made in all, where the caller's own side tried again; one where nobody counted.
    pub fn attempts(&self) -> u32 {
        self.0.attempts.max(1)
    }

    /// The provider's body as it came.
    pub fn body(&self) -> Option<&Bytes> {
        self.0.body.as_ref()
    }

    /// The error as a gateway's caller may see it. Where a provider refused the gateway's own credential, neither its
    /// message nor its status is the caller's business.
    #[must_use]
    pub fn for_caller(&self) -> Self {
        let mut error = self.clone();
        error.0.source = None;
        if self.kind() == ErrorKind::ProviderAuth {
            error.0.message = "the provider refused the credential it was sent".to_owned();
            error.0.hint = None;
            error.0.code = None;
            error.0.param = None;
            error.0.body = None;
        }
        error
    }

    /// The HTTP status for a gateway's caller: a refused credential of the gateway's own is 502, not the caller's 401,
    /// and so is a provider that failed, whatever status it failed with. What concerns the caller keeps the provider's.
    pub fn status_for_caller(&self) -> StatusCode {
        match self.kind() {
            ErrorKind::ProviderAuth | ErrorKind::ProviderError => self.kind().default_status(),
            _ => self.status(),
        }
    }

    /// `retry-after` in whole seconds, rounded up.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// Whether whoever made the error says that the same call is not to be made again: what `x-should-retry: false` tells
    /// OpenAI's and Anthropic's SDKs, which try again by status alone; Claude Code does so for minutes on a key that is
    /// refused.
    pub fn is_hopeless(&self) -> bool {
        use ErrorKind::{InvalidApiKey, KeyBlocked, KeyExpired, QuotaExceeded};
        self.0.hopeless || matches!(self.kind(), InvalidApiKey | KeyBlocked | KeyExpired | QuotaExceeded)
    }

    /// Whether the same call may succeed when it is made again.
    pub fn is_retryable(&self) -> bool {
        use ErrorKind::{Connection, Overloaded, ProviderError, RateLimited, Timeout};
        match self.kind() {
            _ if self.is_hopeless() => false,
            RateLimited | Overloaded | Connection | Timeout => true,
            ProviderError => self.0.status.is_none_or(|status| {
                status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::CONFLICT
            }),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.provider {
            Some(provider) => write!(f, "{provider}: {}", self.0.message),
            None => f.write_str(&self.0.message),
        }?;
        match self.attempts() {
            1 => Ok(()),
            attempts => write!(f, " ({attempts} attempts)"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("message", &self.0.message)
            .field("status", &self.0.status.map(|status| status.as_u16()))
            .field("code", &self.0.code)
            .field("param", &self.0.param)
            .field("provider", &self.0.provider)
            .field("retry_after", &self.0.retry_after)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// An error as the native protocol writes it.
#[derive(Serialize, Deserialize)]
struct Wire {
    kind: ErrorKind,
    message: String,
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hopeless: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = &self.0;
        Wire {
            kind: self.kind(),
            message: inner.message.clone(),
            status: self.status().as_u16(),
            hint: inner.hint.clone(),
            code: inner.code.clone(),
            param: inner.param.clone(),
            provider: inner.provider.clone(),
            retry_after_ms: inner.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            hopeless: inner.hopeless,
            body: inner.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self(Box::new(Inner {
            kind: Some(wire.kind),
            message: wire.message,
            hint: wire.hint,
            status: StatusCode::from_u16(wire.status).ok(),
            code: wire.code,
            param: wire.param,
            provider: wire.provider,
            retry_after: wire.retry_after_ms.map(Duration::from_millis),
            body: wire.body.map(Bytes::from),
            source: None,
            attempts: 0,
            hopeless: wire.hopeless,
            in_doubt: false,
        })))
    }
}
