//! Google's application default credentials: access tokens for Vertex.
//!
//! | found | the token comes from |
//! | --- | --- |
//! | the file that `GOOGLE_APPLICATION_CREDENTIALS` names | what the file says: a service account, or a user who logged in |
//! | the file that `gcloud auth application-default login` writes | the same |
//! | neither | the metadata server of the machine, for the account that runs there |
//!
//! Source: "How Application Default Credentials works" and "Using OAuth 2.0 for Server to Server Applications" in
//! Google's documentation.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use llm_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::{BearerTokens, Secret, Token, TokenHttp, TokenSource};
use crate::environment::{self, CLOUDSDK_CONFIG, GCE_METADATA_HOST, GOOGLE_APPLICATION_CREDENTIALS};

/// What tokens are asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where Google hands out tokens, for files that don't say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// The metadata server; reachable from within only.
const METADATA: &str = "metadata.google.internal";
/// How long what a service account signs may be shown.
const ASSERTION: Duration = Duration::from_secs(3600);

/// Application default credentials, by what environment and files say. Nothing is asked for yet.
pub fn google_default() -> Result<BearerTokens> {
    BearerTokens::new(Google::find(&environment::variable)?)
}

/// Whether a file of credentials stands ready.
pub(crate) fn has_file() -> bool {
    file(&environment::variable).is_some()
}

/// The file of credentials: the one that is named, else the customary one where it exists.
fn file(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(path) = variable(GOOGLE_APPLICATION_CREDENTIALS) {
        return Some(path.into());
    }
    let folder = variable(CLOUDSDK_CONFIG).map(PathBuf::from).or_else(|| match variable("APPDATA") {
        Some(data) => Some(PathBuf::from(data).join("gcloud")),
        None => Some(PathBuf::from(variable("HOME")?).join(".config").join("gcloud")),
    });
    folder.map(|folder| folder.join("application_default_credentials.json")).filter(|path| path.is_file())
}

/// One way to a token.
#[derive(Debug)]
enum Google {
    Account(Box<ServiceAccount>),
    User(Box<User>),
    /// The metadata server's URL of the token.
    Machine(String),
}

/// A file of credentials, by its type.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum File {
    ServiceAccount(ServiceAccount),
    AuthorizedUser(User),
    #[serde(other)]
    Other,
}

/// An account of a program.
#[derive(Debug, Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: Secret,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

/// A person who logged in.
#[derive(Debug, Deserialize)]
struct User {
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    token_uri: Option<String>,
}

impl Google {
    fn find(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let Some(path) = file(variable) else {
            let host = variable(GCE_METADATA_HOST).unwrap_or_else(|| METADATA.to_owned());
            let place = "computeMetadata/v1/instance/service-accounts/default/token";
            return Ok(Self::Machine(format!("http://{host}/{place}?scopes={SCOPE}")));
        };
        let bad = |what: String| {
            let message = format!("the file of Google's credentials, `{}`, {what}", path.display());
            Error::new(ErrorKind::MissingCredential, message)
        };
        let text = std::fs::read(&path).map_err(|error| bad("can't be read".to_owned()).with_source(error))?;
        // What is wrong is said without the value, which may be a secret.
        match serde_json::from_slice(&text) {
            Ok(File::ServiceAccount(account)) => Ok(Self::Account(Box::new(account))),
            Ok(File::AuthorizedUser(user)) => Ok(Self::User(Box::new(user))),
            Ok(File::Other) => {
                let hint = "use the key of a service account, or `gcloud auth application-default login`";
                Err(bad("is of a type that is not supported".to_owned()).with_hint(hint))
            }
            Err(error) => Err(bad(format!("can't be understood at line {}", error.line()))),
        }
    }
}

impl ServiceAccount {
    fn token_uri(&self) -> &str {
        self.token_uri.as_deref().unwrap_or(TOKEN_URI)
    }

    /// Who the account is, signed with its key.
    fn assertion(&self, now: SystemTime) -> Result<String> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            scope: &'a str,
            aud: &'a str,
            iat: u64,
            exp: u64,
        }
        let bad = |error: jsonwebtoken::errors::Error| {
            let message = format!("the private key of `{}` can't be used", self.client_email);
            Error::new(ErrorKind::MissingCredential, message).with_source(error)
        };
        let iat = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            iss: &self.client_email,
            scope: SCOPE,
            aud: self.token_uri(),
            iat,
            exp: iat + ASSERTION.as_secs(),
        };
        let key = EncodingKey::from_rsa_pem(self.private_key.expose().as_bytes()).map_err(bad)?;
        let header = Header { kid: self.private_key_id.clone(), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &key).map_err(bad)
    }
}

impl TokenSource for Google {
    fn fetch<'a>(&'a self, http: &'a TokenHttp) -> BoxFuture<'a, Result<Token>> {
        Box::pin(async move {
            let answer = match self {
                Self::Account(account) => {
                    let assertion = account.assertion(SystemTime::now())?;
                    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                    let form = [("grant_type", grant), ("assertion", assertion.as_str())];
                    http.post_form(account.token_uri(), &form).await?
                }
                Self::User(user) => {
                    let form = [
                        ("grant_type", "refresh_token"),
                        ("client_id", user.client_id.as_str()),
                        ("client_secret", user.client_secret.expose()),
                        ("refresh_token", user.refresh_token.expose()),
                    ];
                    http.post_form(user.token_uri.as_deref().unwrap_or(TOKEN_URI), &form).await?
                }
                Self::Machine(url) => {
                    let mut headers = HeaderMap::new();
                    headers.insert(HeaderName::from_static("metadata-flavor"), HeaderValue::from_static("Google"));
                    http.get(url, headers).await.map_err(|error| {
                        error.with_hint(format!(
                            "set `{GOOGLE_APPLICATION_CREDENTIALS}`, or run `gcloud auth application-default login`"
                        ))
                    })?
                }
            };
            Token::read(&answer)
        })
    }
}

#[cfg(test)]
mod tests;
