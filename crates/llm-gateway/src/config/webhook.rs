//! Places that are told when a share of a limit is used up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// `[[webhooks]]`: a place that is told when a limit is used up to one of its `notify_at`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The address. It may hold a secret, so it is never shown.
    #[schemars(with = "String")]
    pub url: Secret,
    /// What is sent: `json`, or `slack` for an incoming webhook of Slack or what reads the same; by the address unless
    /// set.
    #[serde(default)]
    pub form: Option<WebhookForm>,
}

/// The form of what a webhook is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookForm {
    /// Every detail as a member.
    Json,
    /// One sentence as `text`.
    Slack,
}

impl WebhookConfig {
    /// The form, by the address where none is set.
    pub fn form(&self) -> WebhookForm {
        let is_slack = || self.url().is_some_and(|url| url.host_str() == Some("hooks.slack.com"));
        self.form.unwrap_or_else(|| if is_slack() { WebhookForm::Slack } else { WebhookForm::Json })
    }

    /// The address; none where it is no address of HTTP.
    pub fn url(&self) -> Option<url::Url> {
        let url: url::Url = self.url.expose().parse().ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
    }
}
