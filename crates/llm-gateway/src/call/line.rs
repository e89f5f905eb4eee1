//! One call of a batch: read and bounded as it would be by itself, held, and never sent from here.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, header};
use llm_core::batch::BatchBody;
use llm_core::codec::{Chat, Stored};
use llm_core::operation::Asks;
use llm_core::{Error, ErrorKind, OperationKind, Price, Protocol, Result};
use llm_providers::Provider;
use llm_providers::protocols::gemini::split_path;
use serde_json::{Map, Value};

use super::admit::open_record;
use super::asked::{self, Arrival, Asked};
use super::estimate::Bound;
use super::made_for;
use super::surface::Surface;
use crate::Gateway;
use crate::keys::VirtualKey;
use crate::limits::{Estimate, Reservation};
use crate::record::OpenRecord;
use crate::routing::Deployment;

/// What a call of a batch may ask for, by the path that it would have by itself.
const ENDPOINTS: &[(&str, OperationKind, Protocol)] = &[
    ("/v1/chat/completions", OperationKind::Chat, Protocol::OpenAiChat),
    ("/v1/responses", OperationKind::Chat, Protocol::OpenAiResponses),
    ("/v1/messages", OperationKind::Chat, Protocol::Anthropic),
    ("/v1/completions", OperationKind::Complete, Protocol::OpenAiChat),
    ("/v1/embeddings", OperationKind::Embed, Protocol::OpenAiChat),
    ("/v1/moderations", OperationKind::Moderate, Protocol::OpenAiChat),
    ("/v1/images/generations", OperationKind::Images, Protocol::OpenAiChat),
    ("/api/v1/call/chat", OperationKind::Chat, Protocol::Native),
    ("/api/v1/call/embed", OperationKind::Embed, Protocol::Native),
];

/// What goes to an endpoint. Google's have the model in them.
fn surface_of(endpoint: &str) -> Option<Surface> {
    let known = ENDPOINTS.iter().find(|(path, ..)| *path == endpoint).map(|&(_, kind, protocol)| (kind, protocol));
    let (kind, protocol) = match (known, split_path(endpoint)) {
        (Some(known), _) => known,
        (None, Ok((_, "generateContent"))) => (OperationKind::Chat, Protocol::Gemini),
        _ => return None,
    };
    Surface::of(kind, protocol)
}

/// One call of a batch that was read, and whose key may make it.
pub(crate) struct Line {
    asked: Asked,
}

/// What a call of a batch holds until its result is seen.
pub(crate) struct HeldLine {
    /// Its record as long as it is open.
    pub(crate) open: OpenRecord,
    /// What it holds of every limit that applies.
    pub(crate) reservation: Reservation,
}

impl Line {
    /// Reads a call to `endpoint`, with the head of the request that brought it.
    pub(crate) fn read(
        gateway: &Gateway,
        key: &Arc<VirtualKey>,
        parts: &Parts,
        endpoint: &str,
        body: Bytes,
        arrival: Arrival,
    ) -> Result<Self> {
        let surface = surface_of(endpoint).ok_or_else(|| {
            Error::invalid_request(format!("no call of a batch can go to `{endpoint}`")).with_param("url")
        })?;
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = parts.method.clone();
        head.uri = endpoint.parse().map_err(|_| Error::invalid_request(format!("`{endpoint}` is no path")))?;
        head.headers = headers_of_call(&parts.headers);
        let asked = asked::read(gateway, surface, arrival, key.clone(), head, body)?;
        if asked.skim.stream {
            let error = Error::unsupported("stream", "a batch", "its answers come whole");
            return Err(error);
        }
        Ok(Self { asked })
    }

    /// The model as it was asked for.
    pub(crate) fn model(&self) -> &str {
        &self.asked.skim.model
    }

    /// What it names that a provider stores.
    pub(crate) fn stored(&self) -> &[Stored] {
        &self.asked.skim.stored
    }

    /// What can serve it, the first choice first.
    pub(crate) fn usable(&self, gateway: &Gateway) -> Vec<Arc<Deployment>> {
        let mut candidates = gateway.routes.candidates(&self.asked.route, gateway.now_ms());
        candidates.retain(|one| {
            self.asked.route.deployments.iter().any(|own| Arc::ptr_eq(own, one))
                && self.asked.key.allows(&self.asked.skim.model, &one.id)
        });
        candidates
    }

    /// Brings into memory what the limits that apply have counted; done before anything is held.
    pub(crate) async fn recall(&self, gateway: &Gateway) {
        let names = self.asked.model_names();
        let tags: Vec<&str> = self.asked.tags.iter().map(|tag| &**tag).collect();
        gateway.recall(gateway.now_ms(), &self.asked.subject(&tags, &names)).await;
    }

    /// Takes what it may cost at `deployment` from every limit that applies, or from none. It takes no place under a
    /// limit on concurrency: nothing here is busy with it.
    pub(crate) async fn hold(
        &self,
        gateway: &Gateway,
        deployment: &Arc<Deployment>,
        price: &Price,
    ) -> Result<HeldLine> {
        let asked = &self.asked;
        let names = asked.model_names();
        let tags: Vec<&str> = asked.tags.iter().map(|tag| &**tag).collect();
        let subject = asked.subject(&tags, &names);
        let now = gateway.now_ms();
        let limits = gateway.ledger.output_bound(now, &subject);
        if limits.strict && asked.skim.max_tokens.is_none() {
            let message = "a strict limit applies, under which every call of a batch must state its `max_tokens`";
            return Err(Error::invalid_request(message).with_param("max_tokens"));
        }
        let settings = asked.route.assume_output.or(gateway.config.limits.assume_output);
        let assumed = asked.key.assume_output.or(limits.assume_output).or(settings);
        let bound = Bound::of(&asked.skim, deployment, assumed, &limits)?;
        let estimate =
            Estimate { spend: bound.cost(price, asked), input_tokens: bound.input, output_tokens: bound.output };
        let mut reservation = gateway.ledger.admit(now, &subject, &estimate).await.map_err(Error::from)?;
        reservation.release_concurrency();
        let open = open_record(asked, Some(deployment), Some(&reservation));
        Ok(HeldLine { open, reservation })
    }

    /// The call as the provider of `deployment` is sent it in a batch: its own body with the model's name in it where that
    /// speaks the caller's protocol, as `same`, else what it says.
    pub(crate) fn written(
        &self,
        endpoint: &str,
        deployment: &Deployment,
        same: Option<&Provider>,
    ) -> Result<BatchBody> {
        let asked = &self.asked;
        if let Some(provider) = same {
            if asked.surface.protocol() == Protocol::Gemini {
                return self.written_for_google(deployment, provider);
            }
            let mut body: Value = serde_json::from_slice(&asked.body)
                .map_err(|error| Error::invalid_request(format!("the call is not valid JSON: {error}")))?;
            if let Some(members) = body.as_object_mut() {
                members.insert("model".to_owned(), deployment.model.as_str().into());
            }
            return Ok(BatchBody::Raw { endpoint: endpoint.to_owned(), body });
        }
        match asked.surface {
            Surface::Chat(codec) => {
                let (mut request, _) = codec.decode_request(&asked.head, &asked.body)?;
                request.set_model(&deployment.model);
                Ok(BatchBody::Chat(request))
            }
            Surface::Embed(codec) => {
                let (mut request, _) = codec.decode_request(&asked.head, &asked.body)?;
                request.set_model(&deployment.model);
                Ok(BatchBody::Embed(request))
            }
            _ => {
                let kind = asked.surface.kind();
                let message = format!("batches of `{kind}` can't be sent to `{}`", deployment.provider_id);
                Err(Error::new(ErrorKind::NotImplemented, message))
            }
        }
    }

    /// The model stands in the path; what can't pass as it is is said anew.
    fn written_for_google(&self, deployment: &Deployment, provider: &Provider) -> Result<BatchBody> {
        let asked = &self.asked;
        let Surface::Chat(codec) = asked.surface else {
            return Err(Error::new(ErrorKind::Internal, "a batch of Google's holds chats alone"));
        };
        let target = provider.target_of::<Chat>(&deployment.model, false, "");
        let passthrough = codec.passthrough().filter(|way| way.can_pass(&target, &asked.head, &asked.body));
        let Some(passthrough) = passthrough else {
            let (mut request, _) = codec.decode_request(&asked.head, &asked.body)?;
            request.set_model(&deployment.model);
            return Ok(BatchBody::Chat(request));
        };
        let mut body: Map<String, Value> = serde_json::from_slice(&asked.body)
            .map_err(|error| Error::invalid_request(format!("the call is not a JSON object: {error}")))?;
        // Which model is asked, the path says.
        body.shift_remove("model");
        Ok(BatchBody::Raw { endpoint: passthrough.address(&target)?.path, body: Value::Object(body) })
    }
}

/// What the headers of the request that brought a batch say of each of its calls. There may be very many calls, so
/// nothing else is kept with each.
fn headers_of_call(brought: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["anthropic-version", "anthropic-beta", made_for::END_USER, made_for::TAGS] {
        for value in brought.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}
