//! One recorded HTTP exchange with a provider, as JSON, and where exchanges are found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use llm_core::codec::{RequestHead, ResponseHead};
use serde::Deserialize;
use serde_json::Value;

/// The folder that holds recordings and oracle beside the repository.
pub const SHARED: &str = "../shared";

/// One exchange.
#[derive(Clone, Debug, Deserialize)]
pub struct Exchange {
    /// The provider that answered.
    pub provider: String,
    /// Which of its interfaces.
    pub api: String,
    /// The case's name.
    #[serde(default)]
    pub case: String,
    /// What was asked, where it is known.
    #[serde(default)]
    pub request: Option<Asked>,
    /// What was answered; our own exchanges may leave it out.
    #[serde(default)]
    pub response: Option<Answered>,
}

/// The request of an exchange.
#[derive(Clone, Debug, Deserialize)]
pub struct Asked {
    /// The method; `POST` where it is not said.
    #[serde(default)]
    pub method: String,
    /// The path.
    #[serde(default)]
    pub path: String,
    /// The query.
    #[serde(default)]
    pub query: BTreeMap<String, Value>,
    /// The headers that mean something.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, where it is JSON.
    #[serde(default)]
    pub body: Option<Value>,
}

/// The answer of an exchange.
#[derive(Clone, Debug, Deserialize)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The headers that mean something.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, where it is JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// The exact text of a stream, or of an answer that is not JSON.
    #[serde(default)]
    pub raw: Option<String>,
    /// A binary body.
    #[serde(default)]
    pub raw_base64: Option<String>,
}

impl Exchange {
    /// Reads one file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("can't read `{}`", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("`{}` is not an exchange", path.display()))
    }

    /// A header of the request.
    pub fn request_header(&self, name: &str) -> Option<&str> {
        self.request.as_ref()?.headers.get(name).map(String::as_str)
    }

    /// The model that was asked for, in the path or in the body.
    pub fn model(&self) -> &str {
        let asked = self.request.as_ref();
        let in_path = asked.and_then(|asked| asked.path.split_once("/models/")?.1.rsplit_once(':'));
        let in_body = || {
            let body = asked?.body.as_ref()?;
            body.get("model").or_else(|| body.get("model_id"))?.as_str()
        };
        // In Bedrock, as the path spells it.
        let in_step = || asked?.path.split_once("/model/")?.1.split('/').next();
        in_path.map(|(model, _)| model).or_else(in_body).or_else(in_step).unwrap_or_default()
    }

    /// Whether the path names the model.
    pub fn names_model_in_path(&self) -> bool {
        self.request.as_ref().is_some_and(|asked| asked.path.contains("/models/"))
    }
}

impl Asked {
    /// The head as a codec wants it.
    pub fn head(&self) -> RequestHead {
        let query: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
        RequestHead {
            method: self.method.parse().unwrap_or(Method::POST),
            path: self.path.clone(),
            query: (!query.is_empty()).then(|| query.join("&")),
            headers: header_map(&self.headers),
        }
    }
}

impl Answered {
    /// The head as a codec wants it.
    pub fn head(&self) -> ResponseHead {
        ResponseHead {
            status: StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK),
            headers: header_map(&self.headers),
        }
    }

    /// The `content-type`, or the one that fits the body where none was kept.
    pub fn content_type(&self) -> &str {
        match self.headers.get("content-type") {
            Some(kind) => kind,
            None if self.raw.as_deref().is_some_and(|raw| raw.starts_with('{')) => "application/x-ndjson",
            None if self.raw.as_deref().is_some_and(|raw| raw.starts_with('[')) => "application/json",
            None if self.raw.is_some() => "text/event-stream",
            None if self.raw_base64.is_some() => "application/vnd.amazon.eventstream",
            None => "application/json",
        }
    }

    /// The bytes of a stream, text or binary; none for an answer in JSON.
    pub fn stream(&self) -> Option<Bytes> {
        match (&self.body, &self.raw, &self.raw_base64) {
            (None, Some(raw), _) => Some(Bytes::from(raw.clone())),
            (None, None, Some(encoded)) => STANDARD.decode(encoded).ok().map(Bytes::from),
            _ => None,
        }
    }

    /// Puts other bytes in the place of a stream's.
    pub fn set_stream(&mut self, bytes: Vec<u8>) {
        match String::from_utf8(bytes) {
            Ok(text) if self.raw.is_some() => self.raw = Some(text),
            Ok(text) => self.raw_base64 = Some(STANDARD.encode(text)),
            Err(binary) => self.raw_base64 = Some(STANDARD.encode(binary.as_bytes())),
        }
    }

    /// The bytes of a whole answer.
    pub fn bytes(&self) -> Bytes {
        match (&self.body, &self.raw) {
            (Some(body), _) => Bytes::from(body.to_string()),
            (None, Some(raw)) => Bytes::from(raw.clone()),
            (None, None) => Bytes::new(),
        }
    }
}

fn header_map(headers: &BTreeMap<String, String>) -> HeaderMap {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?)))
        .collect()
}

/// Every `*.json` file below `folder`, in order of name.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("can't read the folder `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}
