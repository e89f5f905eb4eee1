//! `llm models` and `llm providers`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::command::llm;
use crate::server::Server;

#[test]
fn models_with_window_and_price() {
    let outcome = llm(&["models", "ANTHROPIC", "opus-4-8"]).env("ANTHROPIC_API_KEY", "sk-test").run();
    assert_snapshot!(outcome, @r#"
    status: 0
    --- stdout
    model                      window  input $/M  output $/M  can
    anthropic:claude-opus-4-8  1M      5          25          vision,pdf,tools,json_schema,reasoning
    --- stderr
    ---
    "#);
}

#[test]
fn models_of_configured_providers_only() {
    let ids = |args: &[&str]| -> Vec<String> {
        let stdout = llm(args).env("ANTHROPIC_API_KEY", "sk-test").run().stdout;
        let list: Value = serde_json::from_str(&stdout).unwrap();
        list.as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
    };
    let configured = ids(&["models", "--json"]);
    assert!(configured.contains(&"anthropic:claude-opus-4-8".to_owned()));
    assert!(configured.iter().all(|id| id.starts_with("anthropic:")));
    assert!(ids(&["models", "--json", "--all"]).iter().any(|id| id.starts_with("openai:")));
}

#[test]
fn models_are_found_by_what_they_can() {
    let ids = |args: &[&str]| llm(args).env("OPENAI_API_KEY", "sk-test").run().stdout;
    let seeing = ids(&["models", "gpt-4", "vision"]);
    assert!(seeing.contains("openai:gpt-4o-mini ") && !seeing.contains("openai:gpt-4 "), "{seeing}");
}

#[test]
fn no_model_matches() {
    let outcome = llm(&["models", "xyzzy"]).env("ANTHROPIC_API_KEY", "sk-test").run();
    assert_snapshot!(outcome, @r#"
    status: 0
    --- stdout
    --- stderr
    note: no model matches `xyzzy`
    ---
    "#);
}

#[test]
fn no_provider_is_configured() {
    assert_snapshot!(llm(&["models"]).run(), @r#"
    status: 0
    --- stdout
    --- stderr
    note: no provider with a list of models is configured
    hint: `llm providers` says what to set; `llm models --all` lists the models of every provider
    ---
    "#);
}

#[test]
fn providers_say_what_is_missing() {
    let outcome = llm(&["providers"]).env("ANTHROPIC_API_KEY", "sk-test").run();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let line = |id: &str| {
        let line = outcome.stdout.lines().find(|line| line.split(' ').next() == Some(id)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        line("anthropic"),
        "anthropic ready, by ANTHROPIC_API_KEY Anthropic chat,count_tokens,models,files,batches"
    );
    assert_eq!(line("ollama"), "ollama ready, needs no key Ollama chat,embed,models");
    assert_eq!(line("deepgram"), "deepgram set DEEPGRAM_API_KEY Deepgram speak,transcribe,models");
    assert_eq!(line("voyage"), "voyage set VOYAGE_API_KEY Voyage AI embed,rerank");
    assert!(!outcome.stdout.contains("sk-test"), "a key is shown");
}

#[test]
fn providers_as_json() {
    let stdout = llm(&["providers", "--json"]).run().stdout;
    let list: Value = serde_json::from_str(&stdout).unwrap();
    let openai = list.as_array().unwrap().iter().find(|row| row["id"] == "openai").unwrap();
    assert_eq!(openai["configured"], false);
    assert_eq!(openai["missing"], json!([["OPENAI_API_KEY"]]));
    assert!(openai["operations"].as_array().unwrap().contains(&json!("transcribe")));
}

#[test]
fn a_gateway_is_asked_for_its_models() {
    let list = json!({"object": "list", "data": [{"id": "fast", "object": "model"}, {"id": "openai:gpt-4o-mini"}]});
    let server = Server::json(200, &list);
    let outcome = llm(&["models"]).env("LLM_GATEWAY_URL", server.url("sk-gateway@")).run();
    assert_snapshot!(outcome, @r#"
    status: 0
    --- stdout
    model               window  input $/M  output $/M  can
    fast                -       -          -
    openai:gpt-4o-mini  128k    0.15       0.6         vision,pdf,tools,json_schema
    --- stderr
    ---
    "#);
    let head = server.request().head;
    assert!(head.starts_with("GET /v1/models "), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer sk-gateway"), "{head}");
}

#[test]
fn behind_a_gateway_a_model_must_be_named() {
    let outcome = llm(&["hello"]).env("LLM_GATEWAY_URL", "http://sk-gateway@127.0.0.1:1").run();
    assert_snapshot!(outcome, @r#"
    status: 2
    --- stdout
    --- stderr
    error: no model is named
    hint: name one that the gateway serves with `-m MODEL` or in `LLM_MODEL`; `llm models` lists them
    ---
    "#);
}
