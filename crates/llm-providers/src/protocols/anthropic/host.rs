//! Anthropic Messages in other clouds: the model stands in the path, the version in the body, and in Bedrock's streams
//! every event is wrapped in a frame of its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::header::HeaderName;
use llm_core::codec::{DecodeContext, Encoded, Host, Target};
use llm_core::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::version;
use crate::protocols::path;

/// The caller's betas: a header, and in Bedrock a member of the body.
pub(super) const BETA: &str = "anthropic-beta";

/// Adds to a body what names model, version, betas and stream, where the host wants them there.
pub(super) fn write(target: &Target<'_>, betas: Option<&str>, body: &mut Map<String, Value>) {
    let host = target.quirks.host;
    if host == Host::Own {
        body.insert("model".to_owned(), target.model.into());
    } else {
        body.insert("anthropic_version".to_owned(), version::of(target).into());
    }
    match host {
        Host::Bedrock => {
            body.shift_remove("stream");
            if let Some(betas) = betas {
                let betas: Vec<&str> = betas.split(',').map(str::trim).filter(|beta| !beta.is_empty()).collect();
                body.insert("anthropic_beta".to_owned(), json!(betas));
            }
        }
        Host::Own | Host::Vertex if target.stream => {
            body.insert("stream".to_owned(), true.into());
        }
        Host::Own | Host::Vertex => {}
    }
}

/// A body on its way to the target.
pub(super) fn address(target: &Target<'_>, betas: Option<&str>, body: Bytes) -> Result<Encoded> {
    let model = || path::segment(target.model);
    let (place, version, betas) = match (target.quirks.host, target.stream) {
        (Host::Own, _) => ("/v1/messages".to_owned(), Some(version::of(target)), betas),
        (Host::Bedrock, false) => (format!("/model/{}/invoke", model()), None, None),
        (Host::Bedrock, true) => (format!("/model/{}/invoke-with-response-stream", model()), None, None),
        (Host::Vertex, false) => (format!("/publishers/anthropic/models/{}:rawPredict", model()), None, betas),
        (Host::Vertex, true) => (format!("/publishers/anthropic/models/{}:streamRawPredict", model()), None, betas),
    };
    let mut encoded = Encoded::post(place, body, DecodeContext::new(target));
    for (name, value) in [("anthropic-version", version), (BETA, betas)] {
        let Some(value) = value else { continue };
        let value = HeaderValue::from_str(value)
            .map_err(|_| Error::invalid_request(format!("`{name}` can't be sent as a header")).with_param(name))?;
        encoded.headers.insert(HeaderName::from_static(name), value);
    }
    Ok(encoded)
}

/// The name of the frames in which Bedrock wraps a model's own events.
pub(super) const CHUNK: &str = "chunk";

/// The event in a frame of Bedrock's.
pub(super) fn unwrap(cx: &DecodeContext, data: &[u8]) -> Result<Vec<u8>> {
    #[derive(Deserialize)]
    struct Chunk {
        bytes: String,
    }
    let broken = || Error::bad_answer("an event does not hold what Bedrock wraps").with_provider(&cx.provider);
    let chunk: Chunk = serde_json::from_slice(data).map_err(|error| broken().with_source(error))?;
    STANDARD.decode(chunk.bytes).map_err(|error| broken().with_source(error))
}

#[cfg(test)]
mod tests;
