//! Patterns of model names: `openai:*`, `fast`, `*-mini`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A model name in which `*` stands for any text, the empty one included.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ModelPattern(Box<str>);

impl ModelPattern {
    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `name` is one of those meant. Takes time in proportion to both lengths at worst, whatever the pattern.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where to go on when what follows the last star did not fit: one byte further into the name.
        let mut star: Option<(usize, usize)> = None;
        while let Some(&byte) = name.get(n) {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p + 1, n));
                    p += 1;
                }
                Some(&wanted) if wanted == byte => {
                    p += 1;
                    n += 1;
                }
                _ => match &mut star {
                    Some((after, from)) => {
                        *from += 1;
                        (p, n) = (*after, *from);
                    }
                    None => return false,
                },
            }
        }
        pattern.iter().skip(p).all(|&byte| byte == b'*')
    }
}

impl From<&str> for ModelPattern {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests;
