//! What the providers' official SDKs put on the wire for a neutral intent, and whether we would send the same.

mod compare;
mod equal;
mod intent;
mod ours;
mod rules;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use compare::compare;
pub use intent::{Intent, intents};
pub use ours::{Speaker, request, speaker};
pub use rules::Rule;

/// What one SDK sent for one intent, and which differences don't matter.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Expected {
    /// The provider, and the SDK's generation where there are several.
    pub provider: String,
    /// The intent's id.
    pub intent: String,
    /// The kind of call.
    #[serde(default)]
    pub operation: String,
    /// The model that stands for `$MODEL`; none for calls without a model.
    #[serde(default)]
    pub model: Option<String>,
    /// What must be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Wire>,
    /// Why the provider can't take the intent; there is no request then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
    /// Features of the intent that the SDK's request leaves out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lossy: Vec<Value>,
    /// Differences of the body that don't matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Rule>,
    /// Other paths that are as good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_paths: Vec<String>,
    /// Other headers that are as good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_headers: Vec<Instead>,
    /// Other paths with their own bodies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
}

/// A request on the wire.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Wire {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query.
    #[serde(default)]
    pub query: Map<String, Value>,
    /// The headers that mean something, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Option<Value>,
    /// Whether something stands in for what the provider lacks, which the answer will say.
    #[serde(skip)]
    pub is_emulated: bool,
}

/// Headers that may stand in the place of another.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Instead {
    /// The header that the SDK sends.
    pub instead_of: String,
    /// What may be sent in its place.
    pub send: BTreeMap<String, String>,
}

/// Another path that takes another body.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Alternative {
    /// The path.
    pub path: String,
    /// The body that must be sent there.
    pub body: Value,
}

impl Expected {
    /// Reads one expectation.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("can't read `{}`", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("`{}` is no expectation", path.display()))
    }
}

/// What became of one intent.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Our request is the SDK's.
    Equal,
    /// The provider can't take the intent, and we say so: in an error, or in the answer where something stood in for it.
    Refused,
    /// Ours differs.
    Differs(Vec<String>),
}

/// Holds our request for `intent` against the SDK's.
pub fn judge(expected: &Expected, intent: &Intent, speaker: &Speaker) -> Verdict {
    use llm_core::ErrorKind;
    match (&expected.unsupported, request(expected, intent, speaker)) {
        (_, Ok(ours)) if ours.is_emulated => Verdict::Refused,
        (None, Ok(ours)) => match compare(expected, &ours) {
            found if found.is_empty() => Verdict::Equal,
            found => Verdict::Differs(found),
        },
        (None, Err(error)) => Verdict::Differs(vec![format!("can't be sent: {error:?}")]),
        (Some(_), Err(error))
            if matches!(error.kind(), ErrorKind::UnsupportedParameter | ErrorKind::NotImplemented) =>
        {
            Verdict::Refused
        }
        (Some(why), Err(error)) => {
            Verdict::Differs(vec![format!("refused with `{}` though it is unsupported ({why})", error.kind())])
        }
        (Some(why), Ok(ours)) => Verdict::Differs(vec![format!(
            "sent though it is unsupported ({why}): {}",
            crate::json::short(&ours.body.unwrap_or_default())
        )]),
    }
}

#[cfg(test)]
mod tests;
