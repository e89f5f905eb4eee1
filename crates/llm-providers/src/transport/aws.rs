//! AWS Signature Version 4, with the credentials that AWS's own tools would find: the environment, profiles of the
//! shared files, web identity, the container's or the machine's role.
//!
//! The signature covers method, URL, body, host, `content-type` and what begins with `x-amz-`. Other headers are left
//! out, since proxies may change them. Source: "Create a signed AWS API request" in the IAM user guide.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, header};
use llm_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::kept::Kept;
use super::{Credentials, WireRequest};

/// Where requests go when nobody says a region, as AWS's own tools have it.
const REGION: &str = "us-east-1";

/// Signs requests to one AWS service.
pub struct AwsSigner {
    service: String,
    region: String,
    profile: Option<String>,
    chain: OnceCell<SharedCredentialsProvider>,
    keys: Kept<Keys>,
}

impl AwsSigner {
    /// A signer for `service` (`bedrock`). Of a row's variables it takes `region`, and `profile`, the name of a profile
    /// in AWS's shared files.
    pub fn new(service: &str, variables: &BTreeMap<String, String>) -> Self {
        Self {
            service: service.to_owned(),
            region: variables.get("region").map_or(REGION, String::as_str).to_owned(),
            profile: variables.get("profile").cloned(),
            chain: OnceCell::new(),
            keys: Kept::default(),
        }
    }

    async fn fetch(&self) -> Result<(Keys, Option<Instant>)> {
        let chain = self.chain.get_or_try_init(|| self.find()).await?;
        let keys = chain.provide_credentials().await.map_err(|error| no_keys().with_source(error))?;
        let left = keys.expiry().map(|end| end.duration_since(SystemTime::now()).unwrap_or_default());
        Ok((keys, left.map(|left| Instant::now() + left)))
    }

    async fn find(&self) -> Result<SharedCredentialsProvider> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(self.region.clone()));
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        loader.load().await.credentials_provider().ok_or_else(no_keys)
    }
}

fn no_keys() -> Error {
    Error::new(ErrorKind::MissingCredential, "no AWS credentials were found")
        .with_hint("set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `AWS_PROFILE`")
}

impl Credentials for AwsSigner {
    fn sign<'a>(&'a self, request: &'a mut WireRequest) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let keys = self.keys.get(self.fetch()).await?;
            sign_with(request, keys, &self.region, &self.service, SystemTime::now())
        })
    }
}

impl fmt::Debug for AwsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsSigner")
    }
}

/// Adds `authorization`, `x-amz-date` and, for keys that run out, `x-amz-security-token`.
fn sign_with(request: &mut WireRequest, keys: Keys, region: &str, service: &str, time: SystemTime) -> Result<()> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Internal, "the request could not be signed").with_source(error)
    };
    let identity = keys.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| failed(error.into()))?
        .into();
    let signed = |name: &HeaderName| *name == header::CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let headers = request.headers.iter().filter(|(name, _)| signed(name));
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method.as_str(),
        request.url.as_str(),
        headers,
        SignableBody::Bytes(&request.body),
    )
    .map_err(|error| failed(error.into()))?;
    let (instructions, _) = sign(signable, &params).map_err(|error| failed(error.into()))?.into_parts();
    let (added, _) = instructions.into_parts();
    for header in added {
        let name = HeaderName::from_bytes(header.name().as_bytes()).map_err(|error| failed(error.into()))?;
        let mut value = HeaderValue::from_str(header.value()).map_err(|error| failed(error.into()))?;
        value.set_sensitive(true);
        request.headers.insert(name, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
