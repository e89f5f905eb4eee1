//! `${VAR}` in the strings of the configuration.

use std::fmt;

use super::env::Lookup;

/// Why a text can't be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is not written as it must be; the message.
    Text(String),
    /// The variable of this name is not set.
    Unset(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(message) => f.write_str(message),
            Self::Unset(name) => write!(f, "the environment variable `{name}` is not set"),
        }
    }
}

/// Puts the environment's values in the place of `${VAR}` and `${VAR:-default}`; `$$` is a dollar sign, and any other
/// one stands for itself. The default is used where the variable is unset or empty, and is not looked into.
pub(super) fn interpolate(text: &str, env: Lookup<'_>) -> Result<String, Wrong> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some((inside, after)) = after.split_once('}') else {
                return Err(Wrong::Text("`${` without its `}`".to_owned()));
            };
            let (name, default) = match inside.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(Wrong::Text(format!("`${{{inside}}}` does not name an environment variable")));
            }
            match (env(name), default) {
                (Some(value), None) => out.push_str(&value),
                (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
                (_, Some(default)) => out.push_str(default),
                (None, None) => return Err(Wrong::Unset(name.to_owned())),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(out)
}
