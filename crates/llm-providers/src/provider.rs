//! One configured provider: its row, its codec, its credential and its connections.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use llm_core::chat::{ChatAnswer, ChatRequest};
use llm_core::codec::{Chat, ChatProtocol, DecodeContext, Encoded, Operation, ResponseHead, Speaks, Target};
use llm_core::operation::{Answers, Asks, complete_usage};
use llm_core::stored::ObjectKind;
use llm_core::{Error, ErrorKind, OperationKind, Protocol, Result};
use url::Url;

use crate::catalogue::Catalogue;
use crate::environment;
use crate::protocols::{self, Spoken, other_models};
use crate::registry::{Auth, ProviderRow};
use crate::retry::{self, Retries};
use crate::stream::{ChatStream, ChunkStream};
use crate::transport::{
    Credentials, HttpTransport, Secret, StaticHeader, Timeouts, Transport, WireRequest, WireResponse, ibm_iam,
};

/// The header in which a gateway says who answered.
pub const ANSWERED_BY: HeaderName = HeaderName::from_static("x-llm-provider");
/// The header in which a gateway says what an error was before it was put into the caller's envelope: its kind, a space,
/// and its status.
pub const ERROR_WAS: HeaderName = HeaderName::from_static("x-llm-error");
/// The header in which a gateway says that the same call will never succeed.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// The largest answer that is read whole.
const MAX_ANSWER: usize = 256 * 1024 * 1024;
/// The most of an error's body that is read.
const MAX_ERROR: usize = 1024 * 1024;

/// A provider that can be called.
pub struct Provider {
    id: String,
    row: ProviderRow,
    base_url: Url,
    headers: HeaderMap,
    credentials: Option<Box<dyn Credentials>>,
    transport: Transport,
    timeouts: Timeouts,
    retries: Retries,
    /// The same provider in each further protocol of its row.
    also: Vec<Arc<Provider>>,
}

impl Provider {
    /// A provider by its row and key. Fails where the row has no place to send to, or needs a key and has none.
    pub fn new(id: impl Into<String>, row: ProviderRow, key: Option<Secret>, timeouts: Timeouts) -> Result<Self> {
        let transport = Transport::Http(HttpTransport::new(&timeouts)?);
        Self::connected(id.into(), row, key, timeouts, transport)
    }

    fn connected(
        id: String,
        row: ProviderRow,
        key: Option<Secret>,
        timeouts: Timeouts,
        transport: Transport,
    ) -> Result<Self> {
        let base_url = base_url(&id, &row)?;
        let further = row.also.keys().filter_map(|protocol| row.speaking(*protocol));
        let further = further.map(|row| Self::connected(id.clone(), row, key.clone(), timeouts, transport.clone()));
        let also = further.map(|provider| provider.map(Arc::new)).collect::<Result<_>>()?;
        let credentials: Option<Box<dyn Credentials>> = match (&row.auth, &key) {
            (Auth::None, _) => None,
            (Auth::Bearer | Auth::Aws(_) | Auth::Google, Some(key)) => Some(Box::new(StaticHeader::bearer(key)?)),
            (Auth::Azure(name), Some(key)) if name == "authorization" => Some(Box::new(StaticHeader::bearer(key)?)),
            (Auth::Scheme(scheme), Some(key)) => Some(Box::new(StaticHeader::scheme(scheme, key)?)),
            (Auth::Ibm, Some(key)) => Some(Box::new(ibm_iam(key.clone(), &row.variables)?)),
            (Auth::Header(name) | Auth::Azure(name), Some(key)) => Some(Box::new(StaticHeader::named(name, key)?)),
            (_, None) if row.key_optional => None,
            (Auth::Aws(service), None) => Some(aws_credentials(&id, &row, service)?),
            (Auth::Azure(_), None) => Some(azure_credentials(&id, &row)?),
            (Auth::Google, None) => Some(google_credentials(&id, &row)?),
            (Auth::Bearer | Auth::Scheme(_) | Auth::Header(_) | Auth::Ibm, None) => return Err(missing_key(&id, &row)),
        };
        let headers = fixed_headers(&row.headers)?;
        Ok(Self { id, row, base_url, headers, credentials, transport, timeouts, retries: Retries::NONE, also })
    }

    /// The stand-in that answers by itself; see [`crate::transport`].
    pub fn sandbox() -> Result<Self> {
        let mut row = ProviderRow::new("Sandbox", Protocol::OpenAiChat, "http://sandbox.invalid/v1");
        row.without = OperationKind::ALL.iter().copied().filter(|kind| *kind != OperationKind::Chat).collect();
        let base_url = base_url("sandbox", &row)?;
        Ok(Self {
            id: "sandbox".to_owned(),
            row,
            base_url,
            headers: HeaderMap::new(),
            credentials: None,
            transport: Transport::Sandbox,
            timeouts: Timeouts::default(),
            retries: Retries::NONE,
            also: Vec::new(),
        })
    }

    /// The same provider as it is spoken to in `protocol`: itself where that is its main one, else the further one of
    /// its row, which may be at another place; none where it doesn't speak it.
    pub fn speaking(self: &Arc<Self>, protocol: Protocol) -> Option<&Arc<Self>> {
        if self.row.protocol == protocol {
            return Some(self);
        }
        self.also.iter().find(|provider| provider.row.protocol == protocol)
    }

    /// The same provider, whose calls are tried again where that may help. Without this they are not.
    #[must_use]
    pub fn retrying(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// The id that stands before the colon of a model id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The provider's row, with what the configuration changed.
    pub fn row(&self) -> &ProviderRow {
        &self.row
    }

    /// Whether its tokens cost nothing: it runs on one's own machine and was given no key.
    pub fn is_free(&self) -> bool {
        self.row.local && self.credentials.is_none()
    }

    /// The time-outs of its calls.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Whether its row says that it keeps nothing of this kind: it refuses the parameter that would name one.
    pub fn lacks_stored(&self, kind: ObjectKind) -> bool {
        let name = match kind {
            ObjectKind::Response | ObjectKind::Item => "previous_response_id",
            ObjectKind::Conversation => "conversation",
            _ => return false,
        };
        self.row.protocol != Protocol::OpenAiResponses || self.row.quirks.refuse.contains(name)
    }

    /// The codec it is spoken to with for chat.
    pub fn chat_codec(&self) -> Result<&'static dyn ChatProtocol> {
        if self.row.without.contains(&OperationKind::Chat) {
            return Err(self.lacks(OperationKind::Chat));
        }
        protocols::chat(self.row.protocol).ok_or_else(|| {
            let message = format!("provider `{}` speaks `{}`, which is not built yet", self.id, self.row.protocol);
            Error::new(ErrorKind::NotImplemented, message)
        })
    }

    /// The same provider as it is spoken to for an operation: in `protocol` where it has the operation there, else in
    /// the first of its protocols that has it. An error where none has.
    pub fn having<O: Spoken>(self: &Arc<Self>, protocol: Protocol) -> Result<&Arc<Self>> {
        let own = self.speaking(protocol).into_iter().chain([self]).chain(&self.also);
        own.into_iter().find(|provider| provider.codec::<O>().is_ok()).ok_or_else(|| self.lacks(O::KIND))
    }

    /// The member of a request, as it leaves, by which this provider would answer with another model than the one that
    /// is asked for; as its row names it. An error where the body is no JSON and no form.
    pub fn other_model_in(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<&str>> {
        other_models::said_in(&self.row.other_models, headers, body)
    }

    fn lacks(&self, kind: OperationKind) -> Error {
        Error::new(ErrorKind::NotImplemented, format!("provider `{}` has no `{kind}`", self.id))
    }

    /// The codec it is spoken to with for an operation; an error that says so where it lacks it.
    pub fn codec<O: Spoken>(&self) -> Result<&'static dyn Speaks<O>> {
        self.row.protocol_of(O::KIND).and_then(O::codec).ok_or_else(|| self.lacks(O::KIND))
    }

    /// The target of a call of an operation of `model`. What the catalogue knows of the model is not in it.
    pub fn target_of<'a, O: Operation>(&'a self, model: &'a str, stream: bool, id_seed: &'a str) -> Target<'a> {
        Target { quirks: self.row.quirks_of(O::KIND), ..self.target(model, stream, id_seed) }
    }

    /// The same for whatever is asked of its main protocol.
    pub fn target<'a>(&'a self, model: &'a str, stream: bool, id_seed: &'a str) -> Target<'a> {
        Target {
            provider: &self.id,
            model,
            version: self.row.version.as_deref(),
            quirks: &self.row.quirks,
            variables: &self.row.variables,
            stream,
            max_output: None,
            id_seed,
        }
    }

    /// The target of a call from here, with the model's bound from the catalogue.
    fn known_target<'a, O: Operation>(&'a self, model: &'a str, stream: bool, id_seed: &'a str) -> Target<'a> {
        let max_output = Catalogue::bundled().max_output(&self.id, model);
        Target { max_output, ..self.target_of::<O>(model, stream, id_seed) }
    }

    /// Sends an encoded request and waits for the head of its answer, whatever the status.
    pub async fn send(&self, encoded: &Encoded, timeouts: &Timeouts) -> Result<WireResponse> {
        let send = async {
            let mut request = self.address(encoded)?;
            if let Some(credentials) = &self.credentials {
                // What is asked for a token is not the request itself.
                credentials.sign(&mut request).await.map_err(|error| error.in_doubt(false))?;
            }
            self.transport.send(request, timeouts).await.map(WireResponse::unwrapped)
        };
        send.await.map_err(|error: Error| error.with_provider(self.id.as_str()))
    }

    /// The same, but an answer of any status other than 2xx is an error.
    pub async fn send_ok<O: Spoken>(&self, encoded: &Encoded, timeouts: &Timeouts) -> Result<WireResponse> {
        let response = self.send(encoded, timeouts).await?;
        if response.head.status.is_success() {
            return Ok(response);
        }
        let WireResponse { head, body } = response;
        // An error whose body breaks off is still that error.
        let body = body.collect(MAX_ERROR).await.unwrap_or_default();
        let codec = self.codec::<O>()?;
        let error = codec.decode_error(&self.context_of(encoded, &head), &head, &body);
        Err(self.as_in_process(self.named(error), &head))
    }

    /// The same, tried again as far as this provider is; never once an answer has begun.
    async fn send_again<O: Spoken>(&self, encoded: &Encoded) -> Result<WireResponse> {
        if self.retries.most == 0 {
            return self.send_ok::<O>(encoded, &self.timeouts).await;
        }
        let named =
            self.row.idempotency_header.as_deref().and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let named = named.and_then(|name| Some((name, HeaderValue::from_str(&fresh_seed()).ok()?)));
        let mut encoded = std::borrow::Cow::Borrowed(encoded);
        if let Some((name, value)) = named {
            encoded.to_mut().headers.entry(name).or_insert(value);
        }
        let encoded = encoded.as_ref();
        retry::retrying(&self.retries, &retry::World, self.timeouts.total, |left| {
            let timeouts = Timeouts { total: left, ..self.timeouts };
            async move { self.send_ok::<O>(encoded, &timeouts).await }
        })
        .await
    }

    /// What a provider said went wrong, with the provider's name. A gateway's errors have the names that belong to
    /// them, and those of its own have none.
    fn named(&self, error: Error) -> Error {
        let knows = self.row.protocol == Protocol::Native || self.row.gateway;
        if knows { error } else { error.with_provider(self.id.as_str()) }
    }

    /// What the decoder of an answer must know: of a gateway's, who answered.
    fn context_of<'e>(&self, encoded: &'e Encoded, head: &ResponseHead) -> Cow<'e, DecodeContext> {
        if !self.row.gateway {
            return Cow::Borrowed(&encoded.context);
        }
        let provider = header(head, ANSWERED_BY).unwrap_or_default().to_owned();
        Cow::Owned(DecodeContext { provider, ..encoded.context.clone() })
    }

    /// An error of a gateway as it would be without one: kind and status are not always those of its HTTP answer.
    fn as_in_process(&self, mut error: Error, head: &ResponseHead) -> Error {
        if !self.row.gateway || self.row.protocol == Protocol::Native {
            return error;
        }
        if header(head, SHOULD_RETRY) == Some("false") {
            error = error.hopeless();
        }
        let Some((kind, status)) = header(head, ERROR_WAS).and_then(|was| was.split_once(' ')) else { return error };
        let error = error.with_kind(ErrorKind::of(kind));
        match status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()) {
            Some(status) => error.with_status(status),
            None => error,
        }
    }

    /// Asks `model` and waits for the whole answer.
    pub async fn chat(&self, request: &ChatRequest, model: &str) -> Result<ChatAnswer> {
        self.call::<Chat>(request, model).await
    }

    /// Writes a chat request as it would be sent, and sends nothing.
    pub(crate) fn try_chat(&self, request: &ChatRequest, model: &str) -> Result<()> {
        self.write::<Chat>(request, model, "").map(|_| ())
    }

    /// Writes a request as it would be sent, and sends nothing.
    pub(crate) fn write<O: Spoken>(&self, request: &O::Request, model: &str, seed: &str) -> Result<Encoded> {
        self.codec::<O>()?.encode_request(request, &self.known_target::<O>(model, false, seed))
    }

    /// Makes a call of any operation and waits for the whole answer.
    pub async fn call<O: Spoken>(&self, request: &O::Request, model: &str) -> Result<O::Answer> {
        let codec = self.codec::<O>()?;
        let seed = fresh_seed();
        let encoded = codec.encode_request(request, &self.known_target::<O>(model, false, &seed))?;
        let response = self.send_again::<O>(&encoded).await?;
        let head = response.head;
        let body = response.body.collect(MAX_ANSWER).await;
        let body = body.map_err(|error| error.with_provider(self.id.as_str()).in_doubt(true))?;
        let cx = self.context_of(&encoded, &head);
        let mut answer = codec.decode_answer(&cx, &head, &body).map_err(|error| self.named(error).in_doubt(true))?;
        drop(cx);
        if answer.provider().is_empty() {
            answer.set_provider(&self.id);
        }
        if answer.model().is_empty() && self.row.protocol != Protocol::Native {
            answer.set_model(model);
        }
        answer.add_dropped(encoded.dropped);
        if self.row.protocol != Protocol::Native {
            complete_usage(&mut answer, &request.skim().units);
        }
        Ok(answer)
    }

    /// Makes a call of any operation and gives its answer of status 2xx as it comes over the wire, unread.
    pub async fn open<O: Spoken>(&self, request: &O::Request, model: &str) -> Result<WireResponse> {
        self.send_again::<O>(&self.write::<O>(request, model, &fresh_seed())?).await
    }

    /// Asks `model` and gives the answer as it comes.
    pub async fn chat_stream(&self, request: &ChatRequest, model: &str) -> Result<ChatStream> {
        self.stream::<Chat>(request, model).await.map(ChatStream::new)
    }

    /// Makes a call of any operation and gives the answer as it comes.
    pub async fn stream<O: Spoken>(&self, request: &O::Request, model: &str) -> Result<ChunkStream<O>> {
        let codec = self.codec::<O>()?;
        let seed = fresh_seed();
        let encoded = codec.encode_request(request, &self.known_target::<O>(model, true, &seed))?;
        self.chunks(codec, encoded).await
    }

    /// Sends a request of Responses that was written already, and gives the answer as it comes.
    pub(crate) async fn stream_of(&self, encoded: &Encoded) -> Result<ChatStream> {
        self.chunks(self.codec::<Chat>()?, encoded.clone()).await.map(ChatStream::new)
    }

    async fn chunks<O: Spoken>(&self, codec: &'static dyn Speaks<O>, mut encoded: Encoded) -> Result<ChunkStream<O>> {
        let response = self.send_again::<O>(&encoded).await?;
        encoded.context = self.context_of(&encoded, &response.head).into_owned();
        ChunkStream::new(codec, &encoded, response).await
    }

    fn address(&self, encoded: &Encoded) -> Result<WireRequest> {
        let (path, query) = self.row.locate(self.base_url.path(), encoded)?;
        let mut url = self.base_url.clone();
        match Url::parse(&path) {
            Ok(elsewhere) => url = elsewhere,
            Err(_) => url.set_path(&path),
        }
        if !(encoded.query.is_empty() && query.is_empty()) {
            url.query_pairs_mut().extend_pairs(&encoded.query).extend_pairs(&query);
        }
        let mut headers = encoded.headers.clone();
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(WireRequest { method: encoded.method.clone(), url, headers, body: encoded.body.clone() })
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("id", &self.id).field("base_url", &self.base_url.as_str()).finish()
    }
}

fn header(head: &ResponseHead, name: HeaderName) -> Option<&str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

/// A text that is unique to one call, for ids that a provider does not give.
pub fn fresh_seed() -> String {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u8(0);
    format!("{:016x}", hasher.finish())
}

/// The error for a provider that is known and has no key.
pub(crate) fn missing_key(id: &str, row: &ProviderRow) -> Error {
    let variables = environment::key_variables(row).join("` or `");
    Error::new(ErrorKind::MissingCredential, format!("no key for provider `{id}` ({})", row.name))
        .with_hint(format!("set `{variables}`"))
}

#[cfg(feature = "aws")]
fn aws_credentials(_: &str, row: &ProviderRow, service: &str) -> Result<Box<dyn Credentials>> {
    Ok(Box::new(crate::transport::AwsSigner::new(service, &row.variables)))
}

#[cfg(not(feature = "aws"))]
fn aws_credentials(id: &str, row: &ProviderRow, _: &str) -> Result<Box<dyn Credentials>> {
    Err(not_compiled_in(id, row, "aws"))
}

#[cfg(feature = "azure")]
fn azure_credentials(_: &str, row: &ProviderRow) -> Result<Box<dyn Credentials>> {
    Ok(Box::new(crate::transport::entra_id(&row.variables)?))
}

#[cfg(not(feature = "azure"))]
fn azure_credentials(id: &str, row: &ProviderRow) -> Result<Box<dyn Credentials>> {
    Err(not_compiled_in(id, row, "azure"))
}

#[cfg(feature = "google")]
fn google_credentials(_: &str, _: &ProviderRow) -> Result<Box<dyn Credentials>> {
    Ok(Box::new(crate::transport::google_default()?))
}

#[cfg(not(feature = "google"))]
fn google_credentials(id: &str, row: &ProviderRow) -> Result<Box<dyn Credentials>> {
    Err(not_compiled_in(id, row, "google"))
}

/// The error for a provider without a key, whose other credentials this build can't use.
#[cfg_attr(
    all(feature = "aws", feature = "azure", feature = "google"),
    expect(dead_code, reason = "every way is compiled in")
)]
fn not_compiled_in(id: &str, row: &ProviderRow, feature: &str) -> Error {
    missing_key(id, row).with_hint(format!(
        "set `{}`, or build with the feature `{feature}` for the cloud's own credentials",
        row.key_env.join("` or `")
    ))
}

fn base_url(id: &str, row: &ProviderRow) -> Result<Url> {
    let Some(text) = row.place().transpose().map_err(|variable| row.lacks(variable))? else {
        let error = Error::new(ErrorKind::MissingCredential, format!("provider `{id}` has no base URL"));
        return Err(error.with_hint(format!("set `{}`", row.base_url_env.join("` or `"))));
    };
    // `OLLAMA_HOST` is customarily given without a scheme.
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(Error::invalid_request(format!("the base URL of provider `{id}` is not an http or https URL"))),
    }
}

fn fixed_headers(headers: &BTreeMap<String, String>) -> Result<HeaderMap> {
    let header = |(name, value): (&String, &String)| {
        let name_read = HeaderName::from_bytes(name.as_bytes());
        match (name_read, HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            _ => Err(Error::invalid_request(format!("`{name}` is not a header that can be sent"))),
        }
    };
    headers.iter().map(header).collect()
}
