//! A text, or a list of texts.

use serde::Deserialize;

/// `"one"` or `["one", "two"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Said")]
pub struct OneOrMany(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum Said {
    One(String),
    Many(Vec<String>),
}

impl From<Said> for OneOrMany {
    fn from(said: Said) -> Self {
        match said {
            Said::One(text) => Self(vec![text]),
            Said::Many(texts) => Self(texts),
        }
    }
}
