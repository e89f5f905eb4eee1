//! The request that we would send for an intent.

use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{ChatProtocol, Encoded, RequestHead, Target};
use llm_core::embedding::Embed;
use llm_core::model_list::Models;
use llm_core::rerank::Rerank;
use llm_core::{Error, ErrorKind, Protocol};
use llm_providers::protocols::{self, Spoken};
use llm_providers::registry::{self, Auth, ProviderRow};
use serde_json::Value;

use super::{Expected, Intent, Wire};

/// Who says a provider's requests: its row, its codec and the API version.
pub struct Speaker {
    id: String,
    row: ProviderRow,
    /// None where it is not a provider of conversations.
    codec: Option<&'static dyn ChatProtocol>,
    version: Option<&'static str>,
}

/// The speaker for a folder of expectations; the reason where there is none.
pub fn speaker(folder: &str) -> Result<Speaker, String> {
    let (id, version) = match folder {
        "anthropic" => ("anthropic", Some("2026-10-21")),
        "anthropic_2023_06_01" => ("anthropic", Some("2023-06-01")),
        "vertex_anthropic" => ("vertexaianthropic", Some("2026-10-21")),
        "vertex_anthropic_2023_10_16" => ("vertexaianthropic", Some("vertex-2023-10-16")),
        "openai_responses" => ("openai", None),
        "bedrock_anthropic" => ("bedrock_anthropic", Some("2026-10-21")),
        "bedrock_anthropic_2023_05_31" => ("bedrock_anthropic", Some("bedrock-2023-05-31")),
        other => (other, None),
    };
    let row = registry::row(id).ok_or_else(|| format!("there is no row `{id}` in the provider table"))?;
    if protocols::chat(Protocol::OpenAiChat).is_none() {
        return Err("the protocol `openai-chat`, in which intents are written, is not built".to_owned());
    }
    let protocol = if folder == "openai_responses" { Protocol::OpenAiResponses } else { row.protocol };
    let mut row = row.speaking(protocol).ok_or_else(|| format!("`{id}` does not speak `{protocol}`"))?;
    let codec = protocols::chat(row.protocol);
    if row.auth == Auth::Google {
        // The project and the places in which the SDKs were driven.
        let location = if row.protocol == Protocol::Gemini { "us-central1" } else { "us-east5" };
        row.variables.extend(
            [("project", "example-project"), ("location", location)]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
    }
    Ok(Speaker { id: id.to_owned(), row, codec, version })
}

/// Our request, with the headers that the transport adds and `$API_KEY` for the key.
pub fn request(expected: &Expected, intent: &Intent, speaker: &Speaker) -> Result<Wire, Error> {
    if intent.operation != "chat" {
        return other(expected, intent, speaker);
    }
    // What is unsupported was never sent, so no model stands beside it.
    let model = expected.model.as_deref().unwrap_or("some-model");
    let (mut request, stream) = intent.decode(model)?;
    if !expected.lossy.is_empty() {
        request.unsupported = UnsupportedPolicy::Drop;
    }
    let row = &speaker.row;
    let target = Target {
        provider: &speaker.id,
        model,
        version: speaker.version.or(row.version.as_deref()),
        quirks: &row.quirks,
        variables: &row.variables,
        stream,
        max_output: None,
        id_seed: "seed",
    };
    let encoded = speaker
        .codec
        .ok_or_else(|| Error::new(ErrorKind::NotImplemented, "it has no conversations"))?
        .encode_request(&request, &target)?;
    if !expected.lossy.is_empty() && encoded.dropped.is_empty() && encoded.context.emulated_params().is_empty() {
        let what = Value::from(expected.lossy.clone());
        return Err(Error::new(ErrorKind::Internal, format!("nothing is reported as dropped, want {what}")));
    }
    wire(row, encoded)
}

/// Our request of an operation other than chat.
fn other(expected: &Expected, intent: &Intent, speaker: &Speaker) -> Result<Wire, Error> {
    match intent.operation.as_str() {
        "embeddings" => said::<Embed>(expected, intent, speaker),
        "rerank" => said::<Rerank>(expected, intent, speaker),
        "models" => said::<Models>(expected, intent, speaker),
        other => Err(Error::new(ErrorKind::Internal, format!("`{other}` is no operation of the oracle's"))),
    }
}

fn said<O: Spoken>(expected: &Expected, intent: &Intent, speaker: &Speaker) -> Result<Wire, Error> {
    let row = &speaker.row;
    let lacks = || Error::new(ErrorKind::NotImplemented, format!("it has no `{}`", O::NAME));
    let codec = row.protocol_of(O::KIND).and_then(O::codec).ok_or_else(lacks)?;
    let model = expected.model.as_deref().unwrap_or("some-model");
    let mut body = intent.request.clone();
    body["model"] = Value::from(model);
    let asks = O::codec(Protocol::OpenAiChat).ok_or_else(lacks)?;
    let (request, _) = asks.decode_request(&RequestHead::default(), body.to_string().as_bytes())?;
    let target = Target {
        provider: &speaker.id,
        model,
        version: speaker.version.or(row.version.as_deref()),
        quirks: row.quirks_of(O::KIND),
        variables: &row.variables,
        stream: false,
        max_output: None,
        id_seed: "seed",
    };
    wire(row, codec.encode_request(&request, &target)?)
}

fn wire(row: &ProviderRow, encoded: Encoded) -> Result<Wire, Error> {
    let base = row.base_url.as_deref().map_or("", path_of);
    let (place, query) = row.locate(base, &encoded)?;
    let mut wire = Wire {
        method: encoded.method.to_string(),
        path: if place.starts_with('/') { place } else { path_of(&place).to_owned() },
        query: encoded.query.into_iter().chain(query).map(|(name, value)| (name, Value::from(value))).collect(),
        body: serde_json::from_slice(&encoded.body).ok(),
        is_emulated: !encoded.context.emulated_params().is_empty(),
        ..Wire::default()
    };
    for (name, value) in &encoded.headers {
        wire.headers.insert(name.to_string(), value.to_str().unwrap_or_default().to_owned());
    }
    wire.headers.extend(row.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
    match &row.auth {
        Auth::Scheme(scheme) => wire.headers.insert("authorization".to_owned(), format!("{scheme} $API_KEY")),
        Auth::Bearer | Auth::Google | Auth::Ibm => {
            wire.headers.insert("authorization".to_owned(), "Bearer $API_KEY".to_owned())
        }
        Auth::Header(name) => wire.headers.insert(name.to_lowercase(), "$API_KEY".to_owned()),
        Auth::Azure(name) if name == "authorization" => wire.headers.insert(name.clone(), "Bearer $API_KEY".to_owned()),
        Auth::Azure(name) => wire.headers.insert(name.to_lowercase(), "$API_KEY".to_owned()),
        Auth::Aws(service) => {
            // The region in which the SDKs were driven.
            let signature = format!("AWS4-HMAC-SHA256 $SIGV4(region=us-east-1, service={service})");
            wire.headers.insert("authorization".to_owned(), signature)
        }
        Auth::None => None,
    };
    Ok(wire)
}

/// The path of a URL.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}
