//! Where a request goes: base URL, path and query of a row, with its variables filled in.

use llm_core::codec::Encoded;
use llm_core::{Error, ErrorKind, Result};

use super::{ProviderRow, is_url, template};
use crate::protocols::path;

/// The path for every request that has none of its own.
const ANY: &str = "*";

impl ProviderRow {
    /// The base URL with its variables filled in; the name of the first that is not set where one is missing. None
    /// where the row has no base URL.
    pub fn place(&self) -> Option<Result<String, &str>> {
        let template = self.base_url.as_deref()?;
        let filled = template::fill(template, |name| self.variables.get(name).cloned());
        Some(filled.map(|url| google_host(&url).unwrap_or(url)))
    }

    /// The variables that have no value, of all that the row's URLs need.
    pub fn missing_variables(&self) -> Vec<&str> {
        let paths = self.paths.values().chain(self.stream_paths.values());
        let texts = self.base_url.iter().chain(paths).chain(self.query.values()).chain(self.quirks.members.values());
        let given = |name: &&str| !["model", "path"].contains(name) && !self.variables.contains_key(*name);
        let mut missing: Vec<&str> = texts.flat_map(|text| template::names(text)).filter(given).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Whether the base URL holds this variable.
    pub fn is_in_base(&self, variable: &str) -> bool {
        self.base_url.as_deref().is_some_and(|template| template::names(template).any(|name| name == variable))
    }

    /// The path of a request below the host, `base` being the path of the base URL, and what it adds to the query. A URL
    /// where the row has it at a host of its own.
    pub fn locate(&self, base: &str, encoded: &Encoded) -> Result<(String, Vec<(String, String)>)> {
        let base = base.trim_end_matches('/');
        let own = encoded.path.as_str();
        let streamed = encoded.context.stream.then_some(&self.stream_paths);
        let stated = |path: &str| streamed.and_then(|paths| paths.get(path)).or_else(|| self.paths.get(path));
        let path = match stated(own) {
            Some(template) => self.filled(template, encoded)?,
            None => match stated(ANY).filter(|_| base.is_empty()) {
                Some(template) => self.filled(template, encoded)?,
                None => without_version(base, own).to_owned(),
            },
        };
        let query = self.query.iter().map(|(name, value)| Ok((name.clone(), self.value(value)?)));
        let place = if is_url(&path) { path } else { format!("{base}{path}") };
        Ok((place, query.collect::<Result<_>>()?))
    }

    fn filled(&self, template: &str, encoded: &Encoded) -> Result<String> {
        let value = |name: &str| match name {
            "model" => Some(path::segment(&encoded.context.model)),
            "path" => Some(encoded.path.clone()),
            name => self.variables.get(name).map(|value| path::segment(value)),
        };
        template::fill(template, value).map_err(|name| self.lacks(name))
    }

    fn value(&self, template: &str) -> Result<String> {
        template::fill(template, |name| self.variables.get(name).cloned()).map_err(|name| self.lacks(name))
    }

    /// The error for a variable without a value.
    pub(crate) fn lacks(&self, variable: &str) -> Error {
        let error = Error::new(ErrorKind::MissingCredential, format!("{} needs to know its `{variable}`", self.name));
        match self.variables_env.get(variable) {
            Some(names) if !names.is_empty() => error.with_hint(format!("set `{}`", names.join("` or `"))),
            _ => error.with_hint(format!("set `variables.{variable}` in its configuration")),
        }
    }
}

/// The host of Google's locations that are no region: `global` has no name in it, and the multi-regions are others.
fn google_host(url: &str) -> Option<String> {
    const HOST: &str = "aiplatform.googleapis.com";
    let (location, rest) = url.strip_prefix("https://")?.split_once('-')?;
    let rest = rest.strip_prefix(HOST)?;
    match location {
        "global" => Some(format!("https://{HOST}{rest}")),
        "us" | "eu" => Some(format!("https://aiplatform.{location}.rep.googleapis.com{rest}")),
        _ => None,
    }
}

/// A protocol's path below a base URL that may end in an API version already, which then counts.
fn without_version<'a>(base: &str, path: &'a str) -> &'a str {
    let is_version = |segment: &str| {
        let number = segment.strip_prefix('v').unwrap_or_default();
        number.starts_with(|c: char| c.is_ascii_digit()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let of_base = base.rsplit('/').next().is_some_and(is_version);
    match path.trim_start_matches('/').split_once('/') {
        Some((first, rest)) if of_base && is_version(first) => path.get(path.len() - rest.len() - 1..).unwrap_or(path),
        _ => path,
    }
}

#[cfg(test)]
mod tests;
