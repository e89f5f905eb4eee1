//! `general_settings`, `litellm_settings`, and what the rest of a file holds.

use super::super::node::{Fields, Node};
use super::super::{Outcome, Report, amount, duration};
use super::{Plan, filled, router};

/// Names, what becomes of them, and why.
pub(super) type Known = &'static [(&'static [&'static str], Outcome, &'static str)];

/// What is known of further members of the file.
pub(super) const FILE: Known = &[
    (&["guardrails", "policies", "prompts"], Outcome::Refused, "guards and prompts are not taken over"),
    (
        &[
            "mcp_servers",
            "vector_store_registry",
            "search_tools",
            "assistant_settings",
            "finetune_settings",
            "agent_list",
        ],
        Outcome::Refused,
        "not served here",
    ),
    (&["files_settings"], Outcome::Refused, "files go to the providers that are configured"),
    (&["include"], Outcome::Refused, "other files are not read; import each of them"),
];

const LITELLM: Known = &[
    (
        &[
            "set_verbose",
            "json_logs",
            "telemetry",
            "suppress_debug_info",
            "turn_off_message_logging",
            "redact_user_api_key_info",
            "log_raw_request_response",
            "modify_params",
            "ssl_security_level",
            "public_model_groups",
            "public_model_groups_links",
            "disable_hf_tokenizer_download",
            "cost_discount_config",
            "in_memory_llm_clients_cache",
            "max_parallel_requests_per_worker",
        ],
        Outcome::Ignored,
        "of use to LiteLLM only; see `[log]`, which never holds prompts or keys",
    ),
    (
        &["drop_params", "additional_drop_params"],
        Outcome::Refused,
        "no parameter is dropped in silence: one that a provider can't take is refused by name",
    ),
    (
        &["cache", "cache_params", "enable_caching_on_provider_specific_optional_params"],
        Outcome::Refused,
        "answers are not kept",
    ),
    (
        &[
            "callbacks",
            "success_callback",
            "failure_callback",
            "service_callback",
            "callback_settings",
            "langfuse_default_tags",
            "audit_log_callbacks",
            "store_audit_logs",
        ],
        Outcome::Refused,
        "nothing is sent to places that the configuration does not name; calls stand under `/api/v1/calls`",
    ),
    (&["guardrails", "default_guardrails"], Outcome::Refused, "guards are not taken over"),
    (
        &["max_budget", "budget_duration"],
        Outcome::Refused,
        "there is no limit on everybody together; limit an organization",
    ),
    (
        &[
            "max_internal_user_budget",
            "internal_user_budget_duration",
            "default_internal_user_params",
            "default_team_settings",
            "default_team_params",
            "max_end_user_budget",
            "max_end_user_budget_id",
            "max_ui_session_budget",
            "default_max_internal_user_budget",
        ],
        Outcome::Refused,
        "only keys have limits of their own accord, `[limits.defaults]`; others get theirs when they are made",
    ),
    (
        &["upperbound_key_generate_params", "key_generation_settings", "custom_key_generate", "required_key_params"],
        Outcome::Refused,
        "who makes keys is bound by the limits of the team",
    ),
    (&["ssl_verify", "ssl_certificate", "ssl_ca_bundle"], Outcome::Refused, "certificates are always checked"),
    (
        &["custom_provider_map", "custom_llm_provider"],
        Outcome::Refused,
        "a provider is a row of data; see `[providers.ID]`",
    ),
    (&["content_policy_fallbacks", "allowed_fails", "cooldown_time"], Outcome::Ignored, "see `router_settings`"),
    (
        &["s3_callback_params", "gcs_bucket_name", "datadog_params", "prometheus_metrics_config"],
        Outcome::Refused,
        "not sent there",
    ),
    (
        &["require_auth_for_metrics_endpoint", "enable_end_user_cost_tracking_prometheus_only"],
        Outcome::Ignored,
        "see `/metrics`",
    ),
    (
        &["disable_end_user_cost_tracking", "extra_spend_tag_headers", "forward_traceparent_to_llm_provider"],
        Outcome::Refused,
        "not to be set here",
    ),
    (&["force_ipv4", "user_agent", "aiohttp_trust_env"], Outcome::Ignored, "of use to LiteLLM only"),
];

const GENERAL: Known = &[
    (
        &["database_url", "database_type", "database_args"],
        Outcome::Ignored,
        "LiteLLM's own database; name it with `--from-database` to take its keys over, and this gateway's with `database`",
    ),
    (
        &[
            "database_connection_pool_limit",
            "database_connection_timeout",
            "database_connect_timeout",
            "database_socket_timeout",
            "allow_requests_on_db_unavailable",
            "proxy_batch_write_at",
            "disable_spend_logs",
            "disable_error_logs",
            "disable_adding_master_key_hash_to_db",
            "disable_reset_budget",
            "store_model_in_db",
            "background_health_checks",
            "health_check_interval",
            "health_check_details",
            "use_shared_health_check",
            "proxy_budget_rescheduler_min_time",
            "proxy_budget_rescheduler_max_time",
            "disable_retry_on_max_parallel_request_limit_error",
            "user_api_key_cache_ttl",
            "user_api_key_cache_max_size",
            "proxy_config_reload_interval_seconds",
            "otel",
            "ui_access_mode",
            "ui_logo_path",
            "enable_public_model_hub",
            "infer_model_from_keys",
            "use_redis_transaction_buffer",
            "supported_db_objects",
            "disable_budget_reservation",
        ],
        Outcome::Ignored,
        "of use to LiteLLM only",
    ),
    (
        &[
            "alerting",
            "alert_types",
            "alert_to_webhook_url",
            "alerting_args",
            "alerting_threshold",
            "spend_report_frequency",
        ],
        Outcome::Refused,
        "a limit's `notify_at` tells of spend; the place that is told is set by hand",
    ),
    (
        &["custom_auth", "custom_auth_run_common_checks", "custom_ui_sso_sign_in_handler", "custom_sso"],
        Outcome::Refused,
        "no code is run from the configuration",
    ),
    (
        &["enable_jwt_auth", "litellm_jwtauth", "enable_oauth2_auth", "enable_oauth2_proxy_auth"],
        Outcome::Refused,
        "calls with tokens of an identity provider are set up by hand",
    ),
    (
        &["key_management_system", "key_management_settings", "use_google_kms", "use_azure_key_vault"],
        Outcome::Refused,
        "credentials come from the file and the environment",
    ),
    (
        &["max_parallel_requests", "global_max_parallel_requests"],
        Outcome::Refused,
        "there is no limit on everybody together; limit `concurrency` of keys or teams",
    ),
    (
        &["pass_through_endpoints"],
        Outcome::Refused,
        "no call goes unmetered: a place is a provider of the configuration",
    ),
    (
        &[
            "allowed_routes",
            "public_routes",
            "admin_only_routes",
            "allowed_ips",
            "use_x_forwarded_for",
            "enforce_user_param",
            "reject_clientside_metadata_tags",
            "enforced_params",
            "user_header_name",
            "user_header_mappings",
            "forward_client_headers_to_llm_api",
            "always_include_stream_usage",
            "completion_model",
            "max_response_size_mb",
            "disable_master_key_return",
            "role_permissions",
            "allow_client_side_credentials",
        ],
        Outcome::Refused,
        "not to be set here",
    ),
];

/// Notes what becomes of a member that nothing above has taken.
pub(super) fn rest(name: &str, node: &Node, known: Known, report: &mut Report) {
    rest_at(name, node, known, name, report);
}

/// The same, where it stands at `place`.
pub(super) fn rest_at(name: &str, node: &Node, known: Known, place: &str, report: &mut Report) {
    if node.is_empty() {
        return report.ignored(place, "it says nothing");
    }
    match known.iter().find(|(names, _, _)| names.contains(&name)) {
        // What is switched off needs nothing to take its place.
        Some((_, Outcome::Refused, _)) if *node == Node::Bool(false) => report.ignored(place, "it is switched off"),
        Some((_, outcome, reason)) => report.add(place, *outcome, *reason),
        None => report.refused(place, "this setting is not known, so nothing can be said of what it would do"),
    }
}

/// `litellm_settings`, but for what the router has taken.
pub(super) fn litellm_settings(mut fields: Fields, plan: &mut Plan, report: &mut Report) {
    let at = |name: &str| format!("litellm_settings.{name}");
    if let Some(node) = fields.take("request_timeout") {
        router::timeout(plan, &node, &at("request_timeout"), report);
    }
    if let Some(zone) = fields.take_text("timezone") {
        if zone.parse::<crate::limits::Zone>().is_ok() {
            report.carried(at("timezone"), format!("`limits.tz = \"{zone}\"`"));
            plan.zone = Some(zone);
        } else {
            report.refused(at("timezone"), "not a time zone");
        }
    }
    if let Some(Node::Table(params)) = fields.take("default_key_generate_params") {
        default_limits(params, plan, report);
    }
    for (name, node) in fields.0 {
        rest_at(&name, &node, LITELLM, &at(&name), report);
    }
}

/// Limits of keys that are made without their own.
fn default_limits(mut params: Fields, plan: &mut Plan, report: &mut Report) {
    let at = |name: &str| format!("litellm_settings.default_key_generate_params.{name}");
    let duration = params.take_text("budget_duration");
    if let Some(node) = params.take("max_budget") {
        let window = match duration.as_deref() {
            None => Some("total"),
            Some(duration) => duration::window(duration).map(crate::limits::Window::as_str),
        };
        match (node.text().and_then(amount::dollars), window) {
            (Some(amount), Some(window)) => {
                report.mapped(at("max_budget"), format!("`limits.defaults.spend = \"{amount}/{window}\"`"));
                plan.defaults.push(("spend", format!("{amount}/{window}")));
            }
            (Some(_), None) => report.refused(at("budget_duration"), "no window here is as long"),
            (None, _) => report.refused(at("max_budget"), "not an amount of US dollars"),
        }
    }
    for (name, meter, window) in [
        ("rpm_limit", "requests", "/minute"),
        ("tpm_limit", "tokens", "/minute"),
        ("tpd_limit", "tokens", "/day"),
        ("max_parallel_requests", "concurrency", ""),
    ] {
        let Some(node) = params.take(name) else { continue };
        match node.whole() {
            Some(amount) if !plan.defaults.iter().any(|(known, _)| *known == meter) => {
                report.mapped(at(name), format!("`limits.defaults.{meter} = \"{amount}{window}\"`"));
                plan.defaults.push((meter, format!("{amount}{window}")));
            }
            Some(_) => report.refused(at(name), format!("`limits.defaults.{meter}` is said already")),
            None => report.refused(at(name), "not a whole number"),
        }
    }
    for (name, node) in params.0 {
        rest_at(&name, &node, &[], &at(&name), report);
    }
}

/// `general_settings`.
pub(super) fn general_settings(mut fields: Fields, plan: &mut Plan, report: &mut Report) {
    let at = |name: &str| format!("general_settings.{name}");
    if let Some(key) = fields.take_text("master_key") {
        match filled(&key) {
            Some(variable) if key.starts_with("os.environ/") => {
                report.mapped(
                    at("master_key"),
                    format!("`admin_key = \"{variable}\"`; it administers, and calls no models"),
                );
                plan.admin_key = Some(variable);
            }
            _ => report.mapped(
                at("master_key"),
                "written nowhere, since it stands in clear: set `LLM_GATEWAY_ADMIN_KEY` to it",
            ),
        }
    }
    if let Some(node) = fields.take("max_request_size_mb") {
        match node.whole().filter(|size| *size > 0) {
            Some(size) => {
                report.carried(at("max_request_size_mb"), format!("`max_body = \"{size}MiB\"`"));
                plan.max_body = Some(format!("{size}MiB"));
            }
            None => report.refused(at("max_request_size_mb"), "not a whole number of megabytes"),
        }
    }
    if let Some(node) = fields.take("cancel_on_disconnect") {
        let policy = if node.bool() == Some(true) { "cancel" } else { "drain" };
        report.carried(at("cancel_on_disconnect"), format!("`on_disconnect = \"{policy}\"`"));
        plan.on_disconnect = Some(policy);
    }
    if let Some(period) = fields.take_text("maximum_spend_logs_retention_period") {
        match duration::seconds(&period).filter(|seconds| *seconds > 0) {
            Some(seconds) => {
                report.carried(
                    at("maximum_spend_logs_retention_period"),
                    "`calls.retention`; hourly sums are kept for ever",
                );
                plan.retention = Some(format!("{}h", (seconds + 3_599) / 3_600));
            }
            None => report.refused(at("maximum_spend_logs_retention_period"), "not a length of time"),
        }
    }
    for (name, node) in fields.0 {
        rest_at(&name, &node, GENERAL, &at(&name), report);
    }
}
