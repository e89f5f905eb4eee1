//! Where a deployment is reached, and with which credential.

use std::collections::BTreeMap;

use super::super::Report;
use super::super::node::{Fields, Node};

/// Where a deployment is reached, and with which credential; the provider's own unless said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::litellm) struct Account {
    pub(in crate::litellm) api_key: Option<String>,
    pub(in crate::litellm) base_url: Option<String>,
    pub(in crate::litellm) variables: BTreeMap<&'static str, String>,
    pub(in crate::litellm) headers: BTreeMap<String, String>,
}

/// Credentials by name.
pub(super) type Credentials = BTreeMap<String, Fields>;

/// A text of LiteLLM as a text of this gateway: `os.environ/NAME` is `${NAME}`, and a dollar sign means itself. None
/// where the name can't be a variable's.
pub(in crate::litellm) fn filled(text: &str) -> Option<String> {
    let Some(name) = text.trim().strip_prefix("os.environ/") else { return Some(text.replace('$', "$$")) };
    let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    good.then(|| format!("${{{name}}}"))
}

/// `credential_list`.
pub(super) fn credentials(list: Option<Node>, report: &mut Report) -> Credentials {
    let mut credentials = Credentials::new();
    let Some(Node::List(items)) = list else { return credentials };
    for item in items {
        let Node::Table(mut fields) = item else { continue };
        let name = fields.take_text("credential_name").unwrap_or_default();
        credentials.insert(name.clone(), fields.take_table("credential_values"));
        let place = format!("credential_list.{name}");
        if fields.take_said("credential_info").is_some() {
            report.ignored(format!("{place}.credential_info"), "a description");
        }
        report.mapped(place, "its values stand with each deployment that names it");
        for (field, node) in fields.0 {
            super::general::rest(&field, &node, &[], report);
        }
    }
    credentials
}

/// Takes the members out of `params` that say where and with which credential the provider `id` is reached.
pub(super) fn take(params: &mut Fields, id: &str, place: &str, report: &mut Report) -> Account {
    let mut account = Account::default();
    let mut text = |name: &str, report: &mut Report| -> Option<String> {
        let text = params.take_text(name)?;
        let filled = filled(&text);
        if filled.is_none() {
            report.refused(format!("{place}.{name}"), "what it names in the environment can't be a variable");
        }
        filled
    };
    if let Some(key) = text("api_key", report) {
        if key.starts_with("${") {
            report.carried(format!("{place}.api_key"), "`os.environ/…` is `${…}`");
        } else {
            report.carried(format!("{place}.api_key"), "in clear, as it stood; better, put it into the environment");
        }
        account.api_key = Some(key);
    }
    let (base, other) = (text("api_base", report), text("base_url", report));
    if let Some(url) = base.or(other) {
        report.carried(format!("{place}.api_base"), "`base_url` of the deployment");
        account.base_url = Some(base_url(id, &url));
    }
    let variables = [
        ("api_version", "api_version", id == "azure"),
        ("aws_region_name", "region", id.starts_with("bedrock") || id == "sagemaker"),
        ("region_name", "region", id.starts_with("bedrock") || id == "sagemaker"),
        ("vertex_project", "project", id.starts_with("vertexai")),
        ("vertex_location", "location", id.starts_with("vertexai")),
        ("vertex_ai_project", "project", id.starts_with("vertexai")),
        ("vertex_ai_location", "location", id.starts_with("vertexai")),
    ];
    for (name, variable, known) in variables {
        if known && let Some(value) = text(name, report) {
            report.carried(format!("{place}.{name}"), format!("`variables.{variable}` of the deployment"));
            account.variables.insert(variable, value);
        }
    }
    if id == "openai"
        && let Some(organization) = text("organization", report)
    {
        report.mapped(format!("{place}.organization"), "the header `openai-organization`");
        account.headers.insert("openai-organization".to_owned(), organization);
    }
    for name in ["extra_headers", "headers"] {
        for (header, value) in params.take_table(name).0 {
            match value.text().and_then(filled) {
                Some(value) => {
                    report.carried(format!("{place}.{name}.{header}"), "`headers` of the deployment");
                    account.headers.insert(header.to_ascii_lowercase(), value);
                }
                None => report.refused(format!("{place}.{name}.{header}"), "not the text of a header"),
            }
        }
    }
    account
}

/// The place of a provider without what this gateway adds itself.
fn base_url(id: &str, url: &str) -> String {
    let url = url.trim_end_matches('/');
    let added: &[&str] = match id {
        "anthropic" => &["/v1/messages", "/v1"],
        "cohere" => &["/v2/chat", "/v1/chat", "/v2", "/v1"],
        "ollama" => &["/v1", "/api"],
        _ => &["/chat/completions"],
    };
    let shorter = added.iter().find_map(|end| url.strip_suffix(end));
    shorter.unwrap_or(url).to_owned()
}
