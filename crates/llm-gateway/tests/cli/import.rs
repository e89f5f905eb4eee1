//! `import litellm`.

use std::os::unix::fs::PermissionsExt;

use crate::command::Place;

const CONFIG: &str = "\
model_list:
  - model_name: fast
    litellm_params: { model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_KEY, rpm: 100 }
router_settings: { num_retries: 1 }
";

fn place(more: &str) -> Place {
    let place = Place::new().with("OPENAI_KEY", "sk-test");
    place.write("config.yaml", &format!("{CONFIG}{more}"));
    place
}

#[test]
fn the_file_is_written_and_a_table_says_what_became_of_everything() {
    let place = place("");
    let import = &["--config", "new.toml", "import", "litellm", "config.yaml"];
    let first = place.shown(import);
    insta::assert_snapshot!(first, @r#"
    status: 0
    --- stdout
    SETTING                                 OUTCOME       WHAT BECAME OF IT
    model_list.fast.litellm_params.model    carried over  `openai:gpt-4o-mini`
    model_list.fast.litellm_params.api_key  carried over  `os.environ/…` is `${…}`
    model_list.fast.litellm_params.rpm      mapped        `weight`, where no `weight` is said: the share of the calls, and no limit
    router_settings.num_retries             carried over  `retries = 1` of every name
    --- stderr
    "#);
    let file = place.folder.path().join("new.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(place.stdout(&["check", "--config", "new.toml"]).contains("models      fast"));
    assert_eq!(place.shown(import), first, "again is the same");

    place.write("new.toml", &format!("{written}# mine\n"));
    let again = place.run(import);
    assert_eq!(again.status.code(), Some(1));
    assert!(std::fs::read_to_string(&file).unwrap().ends_with("# mine\n"), "what somebody has changed is left alone");
}

#[test]
fn without_a_file_the_configuration_stands_alone_on_standard_output() {
    let place = place("guardrails: [{ guardrail_name: pii }]\n");
    insta::assert_snapshot!(place.shown(&["import", "litellm", "config.yaml"]), @r#"
    status: 1
    --- stdout
    # Made from a configuration of LiteLLM by `llm-gateway import litellm`.
    # Only the names below can be called, as with LiteLLM.
    direct_models = false

    [[models]]
    name = "fast"
    strategy = "weighted"
    retries = 1
    deployments = [
      { model = "openai:gpt-4o-mini", weight = 100, api_key = "${OPENAI_KEY}" },
    ]
    --- stderr
    SETTING                                 OUTCOME       WHAT BECAME OF IT
    model_list.fast.litellm_params.model    carried over  `openai:gpt-4o-mini`
    model_list.fast.litellm_params.api_key  carried over  `os.environ/…` is `${…}`
    model_list.fast.litellm_params.rpm      mapped        `weight`, where no `weight` is said: the share of the calls, and no limit
    router_settings.num_retries             carried over  `retries = 1` of every name
    guardrails                              refused       guards and prompts are not taken over
    error: one setting could not be taken over
      hint: the table says which, and why; the rest was taken over
    "#);
}

#[test]
fn a_dry_run_writes_nothing() {
    let place = place("");
    place.stdout(&["--config", "new.toml", "import", "litellm", "config.yaml", "--dry-run"]);
    assert!(!place.folder.path().join("new.toml").exists());
}

#[test]
fn what_is_no_file_of_litellm_is_told() {
    let place = Place::new();
    place.write("list.yaml", "- a\n- b\n");
    place.write("broken.yaml", "a: [\n");
    let error = |file: &str| {
        let output = place.run(&["import", "litellm", file]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(error("list.yaml").starts_with("error: the file is not a configuration of LiteLLM: it holds no table"));
    assert!(error("broken.yaml").starts_with("error: the file can't be read as YAML: "));
    assert!(error("nowhere.yaml").starts_with("error: `nowhere.yaml` can't be read: "));
}
