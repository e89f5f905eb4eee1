//! Tokens of Microsoft Entra ID, for Azure's models without a key.
//!
//! | found in the environment | the token comes from |
//! | --- | --- |
//! | tenant, client and client secret | Entra ID itself, for the application |
//! | tenant, client and a federated token's file | Entra ID itself, for the workload (Kubernetes) |
//! | `IDENTITY_ENDPOINT` | the managed identity of App Service, Functions or Container Apps |
//! | nothing of it | the managed identity of the virtual machine |
//!
//! Source: "OAuth 2.0 client credentials flow" and "How to use managed identities" in Microsoft's documentation.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use llm_core::{Error, ErrorKind, Result};

use super::{BearerTokens, Secret, Token, TokenHttp, TokenSource};
use crate::environment::{
    self, AZURE_AUTHORITY_HOST, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID,
    IDENTITY_ENDPOINT, IDENTITY_HEADER,
};

/// What tokens are asked for, unless a row's variable `scope` says another.
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
/// Where Entra ID hands out tokens.
const AUTHORITY: &str = "https://login.microsoftonline.com";
/// Where a virtual machine asks for its own identity's; reachable from within only.
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// Credentials of Entra ID, by what the environment says. Nothing is asked for yet.
pub fn entra_id(variables: &BTreeMap<String, String>) -> Result<BearerTokens> {
    let scope = variables.get("scope").map_or(SCOPE, String::as_str);
    BearerTokens::new(Entra::find(scope, &environment::variable))
}

/// One way to a token.
#[derive(Debug)]
enum Entra {
    Application { url: String, client: String, proof: Proof, scope: String },
    Managed { url: String, header: HeaderMap },
}

/// What an application shows for itself.
#[derive(Debug)]
enum Proof {
    Secret(Secret),
    /// A file whose content is exchanged now and then, so it is read each time.
    File(String),
}

impl Entra {
    fn find(scope: &str, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let client = variable(AZURE_CLIENT_ID);
        let proof = variable(AZURE_CLIENT_SECRET)
            .map(|secret| Proof::Secret(Secret::new(secret)))
            .or_else(|| variable(AZURE_FEDERATED_TOKEN_FILE).map(Proof::File));
        if let (Some(tenant), Some(client), Some(proof)) = (variable(AZURE_TENANT_ID), &client, proof) {
            let authority = variable(AZURE_AUTHORITY_HOST).unwrap_or_else(|| AUTHORITY.to_owned());
            let url = format!("{}/{tenant}/oauth2/v2.0/token", authority.trim_end_matches('/'));
            return Self::Application { url, client: client.clone(), proof, scope: scope.to_owned() };
        }
        let (place, version, header) = match variable(IDENTITY_ENDPOINT) {
            Some(place) => (place, "2019-08-01", ("x-identity-header", variable(IDENTITY_HEADER).unwrap_or_default())),
            None => (MACHINE.to_owned(), "2018-02-01", ("metadata", "true".to_owned())),
        };
        // Managed identities are asked by resource, which is the scope without its last step.
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("api-version", version).append_pair("resource", resource);
        if let Some(client) = &client {
            query.append_pair("client_id", client);
        }
        let url = format!("{place}?{}", query.finish());
        let header = HeaderValue::from_str(&header.1).map(|value| (HeaderName::from_static(header.0), value));
        Self::Managed { url, header: header.into_iter().collect() }
    }
}

impl TokenSource for Entra {
    fn fetch<'a>(&'a self, http: &'a TokenHttp) -> BoxFuture<'a, Result<Token>> {
        Box::pin(async move {
            let answer = match self {
                Self::Managed { url, header } => http.get(url, header.clone()).await?,
                Self::Application { url, client, proof, scope } => {
                    let mut form = vec![
                        ("grant_type", "client_credentials"),
                        ("client_id", client.as_str()),
                        ("scope", scope.as_str()),
                    ];
                    let assertion;
                    match proof {
                        Proof::Secret(secret) => form.push(("client_secret", secret.expose())),
                        Proof::File(path) => {
                            assertion = tokio::fs::read_to_string(path).await.map_err(|error| {
                                let message =
                                    format!("the file that `{AZURE_FEDERATED_TOKEN_FILE}` names can't be read");
                                Error::new(ErrorKind::MissingCredential, message).with_source(error)
                            })?;
                            form.push((
                                "client_assertion_type",
                                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                            ));
                            form.push(("client_assertion", assertion.trim()));
                        }
                    }
                    http.post_form(url, &form).await?
                }
            };
            Token::read(&answer)
        })
    }
}

#[cfg(test)]
mod tests;
