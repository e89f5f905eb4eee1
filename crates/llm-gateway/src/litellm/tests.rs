use super::amount::{self, Units};
use super::node::Node;
use super::{Outcome, Plan, Report, duration, yaml};
use crate::config::Config;
use crate::limits::Window;

/// What a file comes to, and what is said of it.
fn read(text: &str) -> (Plan, String) {
    let mut report = Report::default();
    let plan = Plan::read(text, &mut report).unwrap();
    plan.check(&mut report);
    let said = report.findings().map(|(finding, times)| {
        format!("{} | {} | {} | {times}\n", finding.place, finding.outcome.as_str(), finding.reason)
    });
    let said = said.collect();
    (plan, said)
}

#[test]
fn a_usual_file_becomes_a_configuration_that_can_be_read() {
    let (plan, said) = read(
        r#"
model_list:
  - model_name: fast
    litellm_params:
      model: azure/gpt-mini-eu
      api_base: https://eu.openai.azure.com/
      api_key: os.environ/AZURE_EU
      api_version: "2025-01-01-preview"
      rpm: 600
    model_info: { base_model: azure/gpt-4o-mini, access_groups: [cheap] }
  - model_name: fast
    litellm_params:
      model: azure/gpt-mini-us
      api_base: os.environ/AZURE_US_BASE
      api_key: os.environ/AZURE_US
      rpm: 200
      input_cost_per_token: 1.5e-07
      output_cost_per_token: 0.0000006
  - model_name: claude
    litellm_params:
      model: anthropic/claude-opus-4-8
      api_key: sk-$in-clear
      timeout: 90
  - model_name: local
    litellm_params: { model: hosted_vllm/qwen, api_base: "http://127.0.0.1:8000/v1", input_cost_per_token: 0 }
router_settings:
  routing_strategy: least-busy
  num_retries: 3
  timeout: 30.5
  fallbacks: [{ fast: [claude] }, { claude: [fast] }]
  context_window_fallbacks: [{ fast: [local] }]
  model_group_alias: { gpt-4: fast }
litellm_settings: { drop_params: true, set_verbose: false, timezone: Europe/Berlin }
general_settings: { master_key: os.environ/LITELLM_MASTER_KEY, max_request_size_mb: 8, database_url: os.environ/DATABASE_URL }
environment_variables: { AZURE_EU: secret-value }
"#,
    );
    let toml = plan.to_toml();
    let env = |name: &str| Some(if name.ends_with("BASE") { "https://us.openai.azure.com" } else { "k" }.to_owned());
    let (config, _) = Config::parse("llm-gateway.toml", &toml, &env).unwrap();
    assert_eq!(config.models[1].deployments[0].api_key.as_ref().unwrap().expose(), "sk-$in-clear");
    assert_eq!(plan.expand(vec!["cheap".to_owned(), "claude".to_owned()]), ["fast", "claude"]);
    assert!(!said.contains("secret-value") && !toml.contains("secret-value"));
    insta::assert_snapshot!(toml);
    insta::assert_snapshot!(said);
}

#[test]
fn what_can_not_be_taken_over_is_refused_by_name() {
    let (plan, said) = read(
        r#"
model_list:
  - model_name: "openai/*"
    litellm_params: { model: "openai/*", api_key: os.environ/OPENAI_API_KEY }
  - model_name: "*"
    litellm_params: { model: "*" }
  - model_name: odd
    litellm_params: { model: nowhere/model }
  - model_name: "two words"
    litellm_params: { model: openai/gpt-4o }
  - model_name: bare
    litellm_params: { model: gpt-4o, temperature: 0.5, new_setting: 1, input_cost_per_token: 1e-17 }
router_settings: { routing_strategy: my-own, fallbacks: [{ bare: [gone] }] }
general_settings: { master_key: sk-1234, custom_auth: my.module }
litellm_settings: { cache: true, callbacks: [langfuse] }
guardrails: [{ guardrail_name: pii }]
unheard_of: true
"#,
    );
    assert!(!plan.to_toml().contains("sk-1234"));
    insta::assert_snapshot!(plan.to_toml());
    insta::assert_snapshot!(said);
}

#[test]
fn a_setting_of_many_rows_is_said_once() {
    let mut report = Report::default();
    for _ in 0..3 {
        report.add("keys.tpm_limit", Outcome::Mapped, "a limit");
    }
    report.add("keys.tpm_limit", Outcome::Refused, "a limit");
    let said: Vec<_> = report.findings().map(|(finding, times)| (finding.outcome, times)).collect();
    assert_eq!(said, [(Outcome::Mapped, 3), (Outcome::Refused, 1)]);
    assert_eq!(report.count(Outcome::Mapped), 3);
}

#[test]
fn prices_are_exact() {
    let million = |text: &str| amount::price(text, Units::Million);
    assert_eq!(million("2.5e-07").as_deref(), Some("0.25"));
    assert_eq!(million("0.00000015").as_deref(), Some("0.15"));
    assert_eq!(million("1E-6").as_deref(), Some("1"));
    assert_eq!(million("3.0000000000000001e-06"), None, "more digits than an amount has");
    assert_eq!(million("0").as_deref(), Some("0"));
    assert_eq!(million("-1e-06"), None);
    assert_eq!(million("cheap"), None);
    assert_eq!(million("1e999999999999"), None);
    assert_eq!(amount::price("0.0001", Units::One).as_deref(), Some("0.0001"));
    assert_eq!(amount::dollars("1e-10").unwrap().0, 0);
    assert_eq!(amount::dollars("12.3456789015").unwrap().0, 12_345_678_902);
    assert_eq!(amount::dollars("0.1").unwrap().0, 100_000_000);
}

#[test]
fn numbers_are_taken_as_they_stand() {
    let Node::Table(fields) =
        yaml::read("a: 2.50e-07\nb: &x 0.10\nc: *x\nd: 7\ne: '1.0'\nf: ~\ng: é # comment\nh: 1.5 # é").unwrap()
    else {
        panic!("a table")
    };
    let number = |text: &str| Node::Number(text.to_owned());
    let values: Vec<Node> = fields.0.into_iter().map(|(_, node)| node).collect();
    let text = |text: &str| Node::Text(text.to_owned());
    assert_eq!(
        values,
        [
            number("2.50e-07"),
            number("0.10"),
            number("0.10"),
            number("7"),
            text("1.0"),
            Node::Null,
            text("é"),
            number("1.5")
        ]
    );
    assert_eq!(
        Node::from_json("[1.10, \"x\", null, true]").unwrap(),
        Node::List(vec![number("1.10"), text("x"), Node::Null, Node::Bool(true)])
    );
}

#[test]
fn only_windows_that_mean_the_same_are_taken() {
    assert_eq!(duration::window("30d"), Some(Window::Month));
    assert_eq!(duration::window("1mo"), Some(Window::Month));
    assert_eq!(duration::window("24h"), Some(Window::Day));
    assert_eq!(duration::window("14d"), None);
    assert_eq!(duration::seconds("2w"), Some(1_209_600));
    assert_eq!(duration::seconds("x"), None);
}
