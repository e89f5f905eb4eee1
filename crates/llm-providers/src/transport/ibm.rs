//! Tokens of IBM Cloud's IAM, for which an API key is exchanged.
//!
//! Source: "Generating an IBM Cloud IAM token by using an API key" in IBM's documentation.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use llm_core::Result;

use super::{BearerTokens, Secret, Token, TokenHttp, TokenSource};

/// Where IAM hands out tokens, unless a row's variable `iam_url` says another place.
const TOKEN_URL: &str = "https://iam.cloud.ibm.com/identity/token";
/// What is asked for.
const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// Credentials of IAM for an API key. Nothing is asked for yet.
pub fn ibm_iam(key: Secret, variables: &BTreeMap<String, String>) -> Result<BearerTokens> {
    let url = variables.get("iam_url").map_or(TOKEN_URL, String::as_str).to_owned();
    BearerTokens::new(Iam { url, key })
}

#[derive(Debug)]
struct Iam {
    url: String,
    key: Secret,
}

impl TokenSource for Iam {
    fn fetch<'a>(&'a self, http: &'a TokenHttp) -> BoxFuture<'a, Result<Token>> {
        Box::pin(async move {
            let answer = http.post_form(&self.url, &[("grant_type", GRANT), ("apikey", self.key.expose())]).await?;
            Token::read(&answer)
        })
    }
}
