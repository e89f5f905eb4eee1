//! `litellm_params` and `model_info`: one deployment.

use llm_core::NanoUsd;
use llm_providers::catalogue::Catalogue;

use super::super::amount;
use super::super::node::Fields;
use super::super::{Outcome, Report};
use super::account::{self, Credentials};
use super::{Deployment, general, price, provider};

/// What is known of the members of `litellm_params` that are not taken over.
const PARAMS: &[(&[&str], Outcome, &str)] = &[
    (
        &["max_retries", "num_retries"],
        Outcome::Ignored,
        "attempts are counted once for a model name, over all its deployments: `retries`",
    ),
    (
        &["stream_timeout"],
        Outcome::Refused,
        "streams have no time-out of their own; see `[providers.ID.timeouts]` for one until the first byte",
    ),
    (
        &[
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
            "aws_profile_name",
            "aws_role_name",
            "aws_session_name",
            "aws_web_identity_token",
            "aws_sts_endpoint",
            "aws_external_id",
        ],
        Outcome::Refused,
        "AWS's credentials are found where AWS's own tools find them, or give a Bedrock key as `api_key`",
    ),
    (
        &["vertex_credentials"],
        Outcome::Refused,
        "Google's credentials are found as application default credentials: set `GOOGLE_APPLICATION_CREDENTIALS`",
    ),
    (
        &[
            "azure_ad_token",
            "tenant_id",
            "client_id",
            "client_secret",
            "azure_scope",
            "azure_username",
            "azure_password",
        ],
        Outcome::Refused,
        "Azure's tokens are found by the environment; see the page of providers",
    ),
    (&["mock_response"], Outcome::Refused, "nothing is answered in a provider's place; `sandbox` is the stand-in"),
    (&["tags", "tag_regex"], Outcome::Refused, "deployments are not chosen by tags; make a model name for each"),
    (
        &["max_budget", "budget_duration"],
        Outcome::Refused,
        "a deployment has no budget; limit keys, teams, users, organizations or tags, for some models if need be",
    ),
    (&["drop_params", "additional_drop_params"], Outcome::Refused, "no parameter is dropped in silence"),
    (
        &[
            "use_in_pass_through",
            "use_litellm_proxy",
            "litellm_trace_id",
            "model_id",
            "db_model",
            "merge_reasoning_content_in_choices",
        ],
        Outcome::Ignored,
        "of no use here",
    ),
    (
        &[
            "temperature",
            "top_p",
            "top_k",
            "max_tokens",
            "max_completion_tokens",
            "seed",
            "stop",
            "n",
            "presence_penalty",
            "frequency_penalty",
            "reasoning_effort",
            "thinking",
            "extra_body",
            "response_format",
            "user",
            "metadata",
            "tools",
            "tool_choice",
            "stream",
            "dimensions",
            "num_ctx",
            "keep_alive",
        ],
        Outcome::Refused,
        "a deployment adds no parameter to what was asked; send it with the call",
    ),
];

/// The same for `model_info`.
const INFO: &[(&[&str], Outcome, &str)] = &[
    (
        &[
            "id",
            "db_model",
            "created_at",
            "updated_at",
            "created_by",
            "updated_by",
            "health_check_timeout",
            "health_check_model",
            "health_check_max_tokens",
            "disable_background_health_check",
        ],
        Outcome::Ignored,
        "of use to LiteLLM only",
    ),
    (
        &[
            "mode",
            "max_tokens",
            "max_input_tokens",
            "max_output_tokens",
            "litellm_provider",
            "description",
            "supported_openai_params",
            "supported_endpoints",
            "supported_environments",
            "tier",
            "version",
        ],
        Outcome::Ignored,
        "a description of the model, which the catalogue gives",
    ),
    (
        &["team_id", "team_public_model_name"],
        Outcome::Refused,
        "a model of one team alone is said by the lists of models of all others",
    ),
];

/// Reads one deployment. `place` is where it stands. The error says why it can't be taken over as a whole.
pub(super) fn read(
    mut params: Fields,
    info: &mut Fields,
    credentials: &Credentials,
    place: &str,
    report: &mut Report,
) -> Result<Deployment, String> {
    if let Some(name) = params.take_text("litellm_credential_name") {
        let named = credentials.get(&name).ok_or_else(|| format!("there is no credential `{name}`"))?;
        for (field, node) in &named.0 {
            if params.get(field).is_none() {
                params.0.push((field.clone(), node.clone()));
            }
        }
        report.mapped(format!("{place}.litellm_credential_name"), format!("the values of `{name}`"));
    }
    let asked = params.take_text("model").ok_or("it names no model")?;
    let said = params.take_text("custom_llm_provider");
    let (id, model) = provider::split(&asked, said.as_deref())?;
    let mut deployment = Deployment { model: format!("{id}:{model}"), ..Deployment::default() };
    let ours = &deployment.model;
    if asked.replacen('/', ":", 1) == *ours {
        report.carried(format!("{place}.model"), format!("`{ours}`"));
    } else {
        report.mapped(format!("{place}.model"), format!("`{ours}`"));
    }
    deployment.account = account::take(&mut params, id, place, report);
    shares(&mut deployment, &mut params, place, report);
    for name in ["timeout", "request_timeout"] {
        let Some(node) = params.take(name) else { continue };
        match node.text().and_then(amount::seconds) {
            Some(timeout) => {
                report.carried(format!("{place}.{name}"), format!("`timeout = \"{timeout}\"`"));
                deployment.timeout = Some(timeout);
            }
            None => report.refused(format!("{place}.{name}"), "not a number of seconds"),
        }
    }
    price::take(&mut deployment.price, &mut params, place, report);
    let place_of_info = place.replace("litellm_params", "model_info");
    price::take(&mut deployment.price, info, &place_of_info, report);
    price::complete(&mut deployment.price, place, report);
    if let Some(base) = info.take_text("base_model") {
        base_model(&mut deployment, id, &base, &format!("{place_of_info}.base_model"), report);
    }
    for (name, node) in params.0 {
        general::rest_at(&name, &node, PARAMS, &format!("{place}.{name}"), report);
    }
    for (name, node) in std::mem::take(&mut info.0) {
        let at = format!("{place_of_info}.{name}");
        if name.starts_with("supports_") {
            report.ignored(at, "a description of the model, which the catalogue gives");
        } else {
            general::rest_at(&name, &node, INFO, &at, report);
        }
    }
    Ok(deployment)
}

/// LiteLLM chooses at random by `weight`, or else by `rpm`, or else by `tpm`; it enforces the latter two only on wish.
fn shares(deployment: &mut Deployment, params: &mut Fields, place: &str, report: &mut Report) {
    for (share, name) in deployment.shares.iter_mut().zip(["weight", "rpm", "tpm"]) {
        let Some(node) = params.take(name) else { continue };
        let at = format!("{place}.{name}");
        match node.text().and_then(amount::dollars).filter(|amount| amount.0 >= 0) {
            Some(amount) => {
                *share = Some(amount.0);
                match name {
                    "weight" => report.carried(at, "`weight`"),
                    _ => report.mapped(at, "`weight`, where no `weight` is said: the share of the calls, and no limit"),
                }
            }
            None => report.refused(at, "not a number"),
        }
    }
}

/// The model that a deployment of another name serves is what its price is known by.
fn base_model(deployment: &mut Deployment, id: &str, base: &str, place: &str, report: &mut Report) {
    if !deployment.price.is_empty() {
        report.ignored(place, "the deployment has a price of its own");
        return;
    }
    let model = base.split_once('/').map_or(base, |(_, model)| model);
    let found = Catalogue::bundled().lookup(id, model).or_else(|| Catalogue::bundled().lookup("openai", model));
    let lines = found.map(|found| found.price.lines).unwrap_or_default();
    let plain = lines.iter().filter(|line| line.above == 0 && line.service.is_none());
    for line in plain {
        let nano = if line.meter.is_token() { line.nano_per_million } else { line.nano_per_million / 1_000_000 };
        deployment.price.push((line.meter.as_str(), NanoUsd(nano).to_string()));
    }
    if deployment.price.is_empty() {
        report.refused(place, format!("the price of `{model}` is not known; say `price` yourself"));
    } else {
        report.mapped(place, format!("`price`, as the catalogue has it of `{model}` now"));
    }
}
