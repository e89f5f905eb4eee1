//! The results of a batch on their way to its maker: the bytes as they come where both sides speak one protocol, else
//! line by line in the caller's.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use http::{HeaderValue, header};
use llm_core::batch::{BatchAsk, Batches, BatchesRequest};
use llm_core::codec::{AnswerContext, Speaks, StreamEncoder, Trailer};
use llm_core::{Error, ErrorKind, Result};
use llm_providers::Provider;
use llm_providers::stream::ChunkStream;

use super::answer::{BATCH, look_now, owned, settle_now};
use crate::errand::Visit;
use crate::files::keeper;
use crate::record::{Object, ObjectKind};

/// Answers with the results of the batch, or in the file, that `of` names.
pub(super) async fn answer(
    visit: &Visit,
    codec: &dyn Speaks<Batches>,
    cx: &AnswerContext,
    of: &str,
) -> Result<Response> {
    let found = visit.gateway.objects.find(visit.key.id.as_str(), of).await?;
    let object = match found {
        Some(file) if file.kind == ObjectKind::File && file.detail.get(BATCH).is_some() => file,
        _ => owned(visit, of).await?,
    };
    let (deployment, provider) = keeper::<Batches>(visit, &object)?;
    let errand = visit.begin(Some(&object.provider), Some(&deployment.id)).await?;
    match opened(visit, codec, cx, &object, provider).await {
        Ok((kind, body)) => {
            errand.done(Vec::new()).await?;
            let mut response = Response::new(body);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            Ok(response)
        }
        Err(error) => Err(errand.failed(error).await),
    }
}

async fn opened(
    visit: &Visit,
    codec: &dyn Speaks<Batches>,
    cx: &AnswerContext,
    object: &Object,
    provider: Arc<Provider>,
) -> Result<(HeaderValue, Body)> {
    let mut places = places(visit, object, &provider).await?;
    if provider.row().protocol == visit.protocol
        && let (Some(only), 1) = (places.front(), places.len())
    {
        let opened = provider.open::<Batches>(&request(&provider, only), "").await?;
        let kind = opened.head.headers.get(header::CONTENT_TYPE).cloned();
        let mut body = opened.body;
        let pieces = stream::poll_fn(move |cx| body.poll_next(cx));
        let lines = HeaderValue::from_static("application/x-jsonl");
        return Ok((kind.unwrap_or(lines), Body::from_stream(pieces.map_err(std::io::Error::other))));
    }
    // Opened before the head leaves, so that what is wrong with it is said in words.
    let first = match places.pop_front() {
        Some(place) => Some(provider.stream::<Batches>(&request(&provider, &place), "").await?),
        None => None,
    };
    let encoder = codec.encode_stream(cx);
    let kind = HeaderValue::from_static(encoder.content_type());
    Ok((kind, Body::from_stream(encoded(Results { provider, places, lines: first }, encoder))))
}

fn request(provider: &Provider, place: &str) -> BatchesRequest {
    BatchesRequest::new(provider.id(), BatchAsk::Results(place.to_owned()))
}

/// Where the results stand. They are settled first, as far as they are not.
async fn places(visit: &Visit, object: &Object, provider: &Arc<Provider>) -> Result<VecDeque<String>> {
    if let Some(batch) = object.detail.get(BATCH).and_then(serde_json::Value::as_str) {
        look_now(visit, object, batch).await;
        return Ok(VecDeque::from([object.native_id().to_owned()]));
    }
    let ask = BatchesRequest::new(provider.id(), BatchAsk::Get(object.native_id().to_owned()));
    let answer = provider.call::<Batches>(&ask, "").await?;
    let batch = answer.batches.into_iter().next();
    let batch = batch.ok_or_else(|| Error::bad_answer("the provider's answer holds no batch"))?;
    settle_now(&visit.gateway, object, provider, &batch).await;
    if batch.results.is_empty() {
        let message = format!("the batch `{}` has no results: it is `{}`", object.id, batch.state);
        return Err(Error::new(ErrorKind::InvalidRequest, message));
    }
    Ok(batch.results.into())
}

/// Results of one place after the other.
struct Results {
    provider: Arc<Provider>,
    places: VecDeque<String>,
    lines: Option<ChunkStream<Batches>>,
}

impl Results {
    /// Writes the next results; false at the end.
    async fn next(&mut self, encoder: &mut dyn StreamEncoder<Batches>, out: &mut Vec<u8>) -> Result<bool> {
        loop {
            if let Some(lines) = &mut self.lines
                && let Some(result) = lines.next().await.transpose()?
            {
                encoder.encode(&result, out)?;
                return Ok(true);
            }
            self.lines = None;
            let Some(place) = self.places.pop_front() else { return Ok(false) };
            self.lines = Some(self.provider.stream::<Batches>(&request(&self.provider, &place), "").await?);
        }
    }
}

/// The bytes of the answer. One that can't go on ends with the protocol's error, or breaks off where it has none.
fn encoded(
    results: Results,
    encoder: Box<dyn StreamEncoder<Batches>>,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    stream::unfold(Some((results, encoder)), |state| async move {
        let (mut results, mut encoder) = state?;
        let mut out = Vec::new();
        match results.next(encoder.as_mut(), &mut out).await {
            Ok(true) => Some((Ok(out.into()), Some((results, encoder)))),
            Ok(false) => {
                encoder.finish(&Trailer::default(), &mut out);
                Some((Ok(out.into()), None))
            }
            Err(error) => {
                out.clear();
                encoder.error(&error, &mut out);
                let told = if out.is_empty() { Err(std::io::Error::other(error)) } else { Ok(out.into()) };
                Some((told, None))
            }
        }
    })
}
