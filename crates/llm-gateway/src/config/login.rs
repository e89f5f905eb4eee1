//! The login of people, by one of the issuers.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::issuer::safe_url;
use super::{Config, Period, Secret};

/// `[login]`: people log in at `/login` with an account of one of the issuers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginConfig {
    /// Which of the issuers; its address as it stands there.
    pub issuer: String,
    /// What this gateway is called there.
    pub client_id: String,
    /// What it proves that by; none for a public client.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<Secret>,
    /// What is asked to be told of people: `openid`, and whatever the claims need that are mapped.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Where browsers reach this gateway, such as `https://gateway.example`; where it listens, if that is on this machine
    /// only. `/login/callback` below it must be known to the issuer.
    #[serde(default)]
    pub url: Option<String>,
    /// After how long one must log in again.
    #[serde(default = "session")]
    pub session: Period,
}

fn scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

fn session() -> Period {
    Period::seconds(12 * 3600)
}

impl LoginConfig {
    /// Where browsers reach the gateway of `config`; an error says what is wrong with it.
    pub(crate) fn base(&self, config: &Config) -> Result<Url, String> {
        let text = match &self.url {
            Some(text) => text.clone(),
            None if config.listen.is_loopback() => format!("http://{}", config.listen),
            None => return Err("`login` needs `url`, since browsers on other machines reach this gateway".to_owned()),
        };
        let url = safe_url(&text).map_err(|why| format!("`login.url` {why}"))?;
        if url.path() != "/" || url.query().is_some() {
            return Err("`login.url` can't have a path or a query".to_owned());
        }
        Ok(url)
    }
}
