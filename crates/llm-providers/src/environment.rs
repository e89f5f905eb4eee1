//! What the environment says of providers: every variable that this crate reads.

use llm_core::{Error, ErrorKind, Result};
use url::Url;

use crate::registry::{Auth, ProviderRow};
use crate::transport::Secret;

/// The gateway that every call goes to, with or without the key in it (`https://sk-…@gateway.example`).
pub const LLM_GATEWAY_URL: &str = "LLM_GATEWAY_URL";
/// The virtual key for that gateway, where the URL holds none.
pub const LLM_GATEWAY_KEY: &str = "LLM_GATEWAY_KEY";

/// A variable that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The gateway to call, if one is set: its URL without the key, and the key.
pub(crate) fn gateway() -> Result<Option<(String, Option<Secret>)>> {
    let Some(text) = variable(LLM_GATEWAY_URL) else { return Ok(None) };
    let bad = || Error::new(ErrorKind::InvalidRequest, format!("`{LLM_GATEWAY_URL}` is not an http or https URL"));
    let mut url = Url::parse(&text).map_err(|_| bad())?;
    let in_url = match (url.username(), url.password()) {
        ("", None) => None,
        ("", Some(key)) | (key, _) => Some(key.to_owned()),
    };
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| bad())?;
    let key = in_url.or_else(|| variable(LLM_GATEWAY_KEY)).map(Secret::new);
    Ok(Some((url.as_str().trim_end_matches('/').to_owned(), key)))
}

/// A row as the environment completes it, and its key; none where something it needs is not set.
pub fn configured(row: &ProviderRow) -> Option<(ProviderRow, Option<Secret>)> {
    let (row, key) = completed(row);
    row.base_url.as_ref()?;
    if !row.missing_variables().is_empty() {
        return None;
    }
    let proven = key.is_some() || row.key_optional || found_elsewhere(&row.auth);
    proven.then_some((row, key))
}

/// A row as the environment completes it, and its key, whether or not that is enough to call it.
pub fn completed(row: &ProviderRow) -> (ProviderRow, Option<Secret>) {
    let mut row = row.clone();
    if let Some((name, url)) = row.base_url_env.iter().find_map(|name| Some((name.clone(), variable(name)?))) {
        row.move_to(&url);
        row.variables.extend(row.variables_by_base.remove(&name).unwrap_or_default());
    }
    for (variable, names) in &row.variables_env {
        if let Some(value) = names.iter().find_map(|name| self::variable(name)) {
            row.variables.insert(variable.clone(), value);
        }
    }
    let found = row.key_env.iter().find_map(|name| Some((name.clone(), variable(name)?)));
    if let Some(auth) = found.as_ref().and_then(|(name, _)| row.auth_by_env.remove(name)) {
        row.auth = auth;
    }
    let mut key = found.map(|(_, key)| Secret::new(key));
    if key.is_none()
        && let Some(token) = row.token_env.iter().find_map(|name| variable(name))
    {
        row.auth = Auth::Bearer;
        key = Some(Secret::new(token));
    }
    (row, key)
}

/// What must be set before a row can be called: lists of variables, one of each of which is needed.
pub fn missing(row: &ProviderRow) -> Vec<Vec<String>> {
    let (completed, key) = completed(row);
    let mut missing = Vec::new();
    if key.is_none() && !row.key_optional && !key_variables(row).is_empty() && !found_elsewhere(&row.auth) {
        missing.push(key_variables(row));
    }
    if completed.base_url.is_none() {
        missing.push(row.base_url_env.clone());
    }
    missing.extend(completed.missing_variables().into_iter().map(|name| {
        let names = completed.variables_env.get(name).cloned().unwrap_or_default();
        // Another base URL needs no such variable.
        let instead = if completed.is_in_base(name) { row.base_url_env.as_slice() } else { &[] };
        names.into_iter().chain(instead.iter().cloned()).collect()
    }));
    missing
}

/// The variables that may hold the key of a row, or stand for it.
pub(crate) fn key_variables(row: &ProviderRow) -> Vec<String> {
    let mut names: Vec<String> = row.key_env.iter().chain(&row.token_env).cloned().collect();
    match row.auth {
        Auth::Aws(_) if cfg!(feature = "aws") => names.push(AWS_CREDENTIALS[0].to_owned()),
        Auth::Azure(_) if cfg!(feature = "azure") => names.push(AZURE_CLIENT_SECRET.to_owned()),
        Auth::Google => names.push(GOOGLE_APPLICATION_CREDENTIALS.to_owned()),
        _ => {}
    }
    names
}

/// Any one of these says that AWS's own credentials are meant to be used. The machine's role is asked for only where a
/// configuration names the provider.
pub const AWS_CREDENTIALS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];
/// The directory (tenant) whose tokens Azure is shown.
pub const AZURE_TENANT_ID: &str = "AZURE_TENANT_ID";
/// The application, or the managed identity, that asks for tokens.
pub const AZURE_CLIENT_ID: &str = "AZURE_CLIENT_ID";
/// That application's secret.
pub const AZURE_CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";
/// The file with a workload's federated token, in the place of a secret.
pub const AZURE_FEDERATED_TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// Another place to ask for tokens of Entra ID, for sovereign clouds.
pub const AZURE_AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";
/// Where a managed identity of App Service or Container Apps asks for tokens.
pub const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";
/// What proves to that place that it is asked from within.
pub const IDENTITY_HEADER: &str = "IDENTITY_HEADER";

/// The file with Google's application default credentials. The metadata server is asked only where a configuration names
/// the provider.
pub const GOOGLE_APPLICATION_CREDENTIALS: &str = "GOOGLE_APPLICATION_CREDENTIALS";
/// The folder in which Google's command line keeps that file otherwise.
pub const CLOUDSDK_CONFIG: &str = "CLOUDSDK_CONFIG";
/// Where the metadata server of a machine in Google's cloud answers, if not at its customary name.
pub const GCE_METADATA_HOST: &str = "GCE_METADATA_HOST";

/// Whether credentials other than a key stand ready for this way of proving who we are.
fn found_elsewhere(auth: &Auth) -> bool {
    let set = |name: &str| variable(name).is_some();
    match auth {
        Auth::Aws(_) => cfg!(feature = "aws") && AWS_CREDENTIALS.into_iter().any(set),
        Auth::Azure(_) => {
            cfg!(feature = "azure")
                && ([AZURE_TENANT_ID, AZURE_CLIENT_ID].into_iter().all(set)
                    && [AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE].into_iter().any(set)
                    || set(IDENTITY_ENDPOINT))
        }
        #[cfg(feature = "google")]
        Auth::Google => crate::transport::has_google_file(),
        #[cfg(not(feature = "google"))]
        Auth::Google => false,
        Auth::Bearer | Auth::Scheme(_) | Auth::Header(_) | Auth::Ibm | Auth::None => false,
    }
}
