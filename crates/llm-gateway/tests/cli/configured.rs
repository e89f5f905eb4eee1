//! What a configuration comes to: what can be called with it, what is wrong beyond its text, and how little of it the
//! commands need that work on the database alone.

use serde_json::{Value, json};

use crate::command::Place;
use crate::running::Running;

/// A name whose deployment nobody answers at, and that falls back to a model by its id, which callers may not name.
const CLOSED: &str = "direct_models = false\n\
    [providers.local]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
    [[models]]\nname = \"fast\"\nretries = 0\nfallbacks = [\"sandbox:echo\"]\ndeployments = [{ model = \"local:small\" }]\n";

#[test]
fn a_fallback_is_reached_by_its_id_where_callers_may_not_name_ids() {
    let place = Place::configured(CLOSED);
    let free = place.stdout(&["key", "create", "--name", "free"]);
    let bound = place.stdout(&["key", "create", "--name", "bound", "--models", "local:*"]);
    let gateway = Running::start(&place);
    let call = |key: &str, model: &str| {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]}).to_string();
        let (status, body) = gateway.request("POST", "/v1/chat/completions", key.trim(), &body);
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, answer) = call(&free, "fast");
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["model"], "echo", "{answer}");
    let (status, refused) = call(&free, "sandbox:echo");
    assert_eq!((status, &refused["error"]["code"]), (404, &json!("model_not_found")), "{refused}");
    // A list of models that admits the name by its deployment alone does not reach the fallback.
    let (status, refused) = call(&bound, "fast");
    assert_eq!((status, &refused["error"]["code"]), (502, &json!("provider_unreachable")), "{refused}");
}

#[test]
fn explain_knows_fallbacks_that_callers_may_not_name() {
    insta::assert_snapshot!(Place::configured(CLOSED).shown(&["explain", "--model", "fast"]), @r"
    status: 0
    --- stdout
    fast: weighted, 1 attempt over its own, then its fallbacks once

    DEPLOYMENT    PRICE IN/OUT  SAID BY   WHY
    local:small   not known     -         the only one
    sandbox:echo  0.1 / 0.4     built in  when none of `fast` answers: the fallback `sandbox:echo`
    --- stderr
    ");
}

#[test]
fn every_provider_without_a_key_is_told_at_once_with_its_line() {
    let place = Place::configured(
        "[providers.openai]\nbase_url = \"https://elsewhere.example/v1\"\n\
         [providers.anthropic]\n\
         [[models]]\nname = \"fast\"\nfallbacks = [\"groq:some\"]\ndeployments = [\n\
         { model = \"openai:gpt-4o\" },\n{ model = \"mistral:small\" },\n{ model = \"mistral:large\" },\n\
         { model = \"cohere:command\", base_url = \"https://elsewhere.example\" },\n]\n",
    );
    let told = place.shown(&["check"]);
    insta::assert_snapshot!(told, @r"
    status: 2
    --- stdout
    --- stderr
    error: llm-gateway.toml:1: no key for provider `openai` (OpenAI)
      hint: set `OPENAI_API_KEY`, or `api_key` in `[providers.openai]`
    error: llm-gateway.toml:3: no key for provider `anthropic` (Anthropic)
      hint: set `ANTHROPIC_API_KEY`, or `api_key` in `[providers.anthropic]`
    error: llm-gateway.toml:6: no key for provider `groq` (Groq)
      hint: set `GROQ_API_KEY`, or `api_key` in `[providers.groq]`
    error: llm-gateway.toml:9: no key for provider `mistral` (Mistral AI)
      hint: set `MISTRAL_API_KEY`, or `api_key` in `[providers.mistral]`
    error: llm-gateway.toml:11: no key for provider `cohere` (Cohere)
      hint: set `COHERE_API_KEY` or `CO_API_KEY`, or `api_key` in `[providers.cohere]`
    ");
    assert_eq!(place.shown(&["serve"]), told);
    assert_eq!(place.shown(&["explain", "--model", "fast"]), told);
    let place = place.with("OPENAI_API_KEY", "a").with("ANTHROPIC_API_KEY", "b").with("GROQ_API_KEY", "c");
    let place = place.with("MISTRAL_API_KEY", "d").with("COHERE_API_KEY", "e");
    assert!(place.stdout(&["check"]).contains("is good"));
}

/// A configuration whose secrets stand in variables that a shell beside the server does not have.
const SECRETS: &str = "admin_key = \"${ADMIN_KEY}\"\nredis = \"${REDIS_URL}\"\nmax_body = \"${MAX_BODY}\"\n\
    [providers.openai]\napi_key = \"${OPENAI_API_KEY}\"\nbase_url = \"${OPENAI_PLACE}\"\n\
    [providers.mine]\nprotocol = \"openai-chat\"\nbase_url = \"${MY_PLACE}/v1\"\n\
    [[models]]\nname = \"fast\"\nfallbacks = [\"${FALLBACK}\"]\n\
    deployments = [{ model = \"${MODEL}\", api_key = \"${KEY}\", timeout = \"${TIMEOUT}\" }]\n\
    [[issuers]]\nissuer = \"${ISSUER}\"\naudience = \"${AUDIENCE}\"\nleeway = \"${LEEWAY}\"\n\
    [login]\nissuer = \"https://login.example\"\nclient_id = \"${CLIENT}\"\nclient_secret = \"${CLIENT_SECRET}\"\n\
    [[webhooks]]\nurl = \"${WEBHOOK}\"\n[limits.defaults]\nrequests = \"7/minute\"\n";

#[test]
fn commands_on_the_database_need_no_secret_of_a_provider() {
    let place = Place::configured(SECRETS);
    for args in [
        &["migrate"][..],
        &["key", "create", "--name", "ci", "--team", "search"],
        &["key", "list"],
        &["team", "list"],
        &["limit", "create", "spend=5/day", "--key", "ci"],
        &["limit", "list"],
        &["price", "set", "mine:small", "input=1", "output=2"],
        &["price", "set", "openai:gpt-4o", "input=1", "output=2"],
        &["usage"],
        &["audit"],
        &["admin-key", "reset"],
    ] {
        let output = place.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(place.stdout(&["key", "show", "ci"]).contains("default"), "the file's limits are known");
    // Whoever starts needs all of them.
    let told = place.shown(&["serve"]);
    assert!(told.starts_with("status: 2") && told.matches("is not set").count() == 16, "{told}");
}

#[test]
fn what_a_command_on_the_database_needs_must_be_set_and_other_mistakes_are_told() {
    let place =
        Place::configured("database = \"${DATABASE}\"\n[limits]\ntz = \"${ZONE}\"\n[providers.openai]\nkey = \"x\"\n");
    insta::assert_snapshot!(place.shown(&["key", "list"]), @r"
    status: 2
    --- stdout
    --- stderr
    error: llm-gateway.toml:1: the environment variable `DATABASE` is not set
      hint: set it, or give a default as in `${NAME:-default}`
    error: llm-gateway.toml:3: the environment variable `ZONE` is not set
      hint: set it, or give a default as in `${NAME:-default}`
    error: llm-gateway.toml:5: unknown key `key` in `providers.openai`
      hint: the keys here are `api_key`, `base_url`, `protocol`, `also`, `auth`, `version`, `quirks`, `headers`, `forward_headers`, `other_models`, `timeouts`, `variables`, `paths`, `stream_paths`, `query`
    ");
}

#[test]
fn listing_prices_makes_no_database() {
    let place = Place::new();
    assert!(place.stdout(&["price", "list", "--provider", "openai"]).lines().count() > 20);
    assert!(!place.folder.path().join("llm-gateway.db").exists());
}

#[test]
fn check_tells_of_providers_that_a_configuration_leaves_out() {
    let text = "[providers.sandbox]\n";
    let said = Place::configured(text).with("OPENAI_API_KEY", "sk").stdout(&["check"]);
    assert!(said.contains("providers   sandbox\n") && said.contains("not used    openai: keys stand in the"), "{said}");
    let said = Place::new().with("OPENAI_API_KEY", "sk").stdout(&["check"]);
    assert!(said.contains("providers   openai\n") && !said.contains("not used"), "{said}");
    let said =
        Place::configured(&format!("{text}[providers.openai]\n")).with("OPENAI_API_KEY", "sk").stdout(&["check"]);
    assert!(!said.contains("not used"), "{said}");
}

#[test]
fn the_schema_of_the_configuration_is_printed() {
    let place = Place::configured("nonsense");
    let schema: Value = serde_json::from_str(&place.stdout(&["check", "--schema"])).unwrap();
    assert_eq!(schema["properties"]["commit_after"]["default"], "20s");
    assert_eq!(schema["additionalProperties"], false);
    assert!(schema["$defs"]["DeploymentConfig"]["required"].as_array().unwrap().contains(&json!("model")), "{schema}");
}
