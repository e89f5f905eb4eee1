//! Exchanges in the form of the recordings: ours under `tests/fixtures`, and recorded ones where the environment
//! variable `LLM_RECORDINGS` names their folder.

#![allow(dead_code, clippy::allow_attributes, reason = "every test that uses this module uses another half of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Map, Value};

/// One request and its answer.
pub(crate) struct Exchange {
    /// The file's name without its ending.
    pub(crate) name: String,
    /// The request's path, as it is on the wire.
    pub(crate) path: String,
    /// The request's query.
    pub(crate) query: BTreeMap<String, String>,
    /// The request's body; null where there is none.
    pub(crate) request_body: Value,
    /// The answer's status.
    pub(crate) status: u16,
    /// The answer's `content-type`.
    pub(crate) content_type: Option<String>,
    /// A whole answer.
    pub(crate) answer_body: Option<Value>,
    /// A stream as text.
    pub(crate) raw: Option<String>,
    /// A stream that is no text, as base64.
    pub(crate) raw_base64: Option<String>,
    /// Whether it is our own.
    pub(crate) is_own: bool,
}

impl Exchange {
    /// A stream that is no text.
    pub(crate) fn binary(&self) -> Option<Vec<u8>> {
        Some(base64::engine::general_purpose::STANDARD.decode(self.raw_base64.as_ref()?).unwrap())
    }
}

/// The exchanges of `provider`: our own, and the recorded ones of `apis`.
pub(crate) fn all(provider: &str, apis: &[&str]) -> Vec<Exchange> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(provider);
    let mut files = files_in(&own);
    if let Some(recordings) = std::env::var_os("LLM_RECORDINGS") {
        for api in apis {
            files.extend(files_in(&Path::new(&recordings).join(provider).join(api)));
        }
    }
    files.iter().map(|file| read(file)).collect()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

fn read(file: &Path) -> Exchange {
    let whole: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let text = |pointer: &str| whole.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let query = whole.pointer("/request/query").and_then(Value::as_object);
    Exchange {
        name: file.file_stem().unwrap().to_str().unwrap().to_owned(),
        path: text("/request/path").unwrap_or_default(),
        query: query
            .into_iter()
            .flatten()
            .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()))
            .collect(),
        request_body: whole.pointer("/request/body").cloned().unwrap_or_default(),
        status: u16::try_from(whole["response"]["status"].as_u64().unwrap()).unwrap(),
        content_type: text("/response/headers/content-type"),
        answer_body: whole.pointer("/response/body").filter(|body| !body.is_null()).cloned(),
        raw: text("/response/raw"),
        raw_base64: text("/response/raw_base64"),
        is_own: whole["fidelity"] == "written",
    }
}

/// `value` as it is, with its members in reverse order, and with a member that nobody knows in every object.
pub(crate) fn variants(value: &Value) -> [Value; 3] {
    let reversed = |members: Map<String, Value>| members.into_iter().rev().collect();
    let extended = |mut members: Map<String, Value>| {
        members.insert("x_new".to_owned(), serde_json::json!({"of": ["tomorrow", 1.5, null]}));
        members
    };
    [value.clone(), every_object(value, &reversed), every_object(value, &extended)]
}

fn every_object(value: &Value, change: &impl Fn(Map<String, Value>) -> Map<String, Value>) -> Value {
    match value {
        Value::Object(members) => {
            let inner = members.iter().map(|(name, value)| (name.clone(), every_object(value, change)));
            Value::Object(change(inner.collect()))
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| every_object(item, change)).collect()),
        other => other.clone(),
    }
}

/// Panics where two JSON values differ in more than the order of members and the spelling of numbers.
#[track_caller]
pub(crate) fn same(got: &Value, wanted: &Value, name: &str) {
    let mut differences = Vec::new();
    compare(got, wanted, "", &mut differences);
    assert!(differences.is_empty(), "{name}:\n{}", differences.join("\n"));
}

fn compare(got: &Value, wanted: &Value, at: &str, differences: &mut Vec<String>) {
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => {
            for name in got.keys().chain(wanted.keys().filter(|name| !got.contains_key(*name))) {
                let member = |members: &Map<String, Value>| members.get(name).cloned();
                match (member(got), member(wanted)) {
                    (Some(got), Some(wanted)) => compare(&got, &wanted, &format!("{at}/{name}"), differences),
                    (got, wanted) => differences.push(format!("{at}/{name}: got {got:?}, wanted {wanted:?}")),
                }
            }
        }
        (Value::Array(got), Value::Array(wanted)) if got.len() == wanted.len() => {
            for (index, (got, wanted)) in got.iter().zip(wanted).enumerate() {
                compare(got, wanted, &format!("{at}/{index}"), differences);
            }
        }
        (Value::Number(got), Value::Number(wanted)) if got.as_f64() == wanted.as_f64() => {}
        (got, wanted) if got == wanted => {}
        _ => differences.push(format!("{at}: got {got}, wanted {wanted}")),
    }
}
