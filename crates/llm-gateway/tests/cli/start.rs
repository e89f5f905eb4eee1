//! `check`, and what stops a start.

use crate::command::Place;

#[test]
fn check_says_what_a_start_comes_to() {
    let place = Place::configured(
        "listen = \"127.0.0.1:4444\"\n[providers.local]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
         [[models]]\nname = \"fast\"\ndeployments = [{ model = \"local:small\" }]\n",
    );
    insta::assert_snapshot!(place.shown(&["check"]), @r"
    status: 0
    --- stdout
    `llm-gateway.toml` is good
      listens on  127.0.0.1:4444
      database    sqlite://llm-gateway.db
      providers   local
      models      fast
    --- stderr
    ");
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 1, "check makes nothing");
}

#[test]
fn every_mistake_is_told_at_once() {
    let place = Place::configured("databse = \"x\"\n[providers.openai]\napi_key = \"${NO_KEY}\"\n");
    insta::assert_snapshot!(place.shown(&["check"]), @r"
    status: 2
    --- stdout
    --- stderr
    error: llm-gateway.toml:1: unknown key `databse`
      hint: did you mean `database`?
    error: llm-gateway.toml:3: the environment variable `NO_KEY` is not set
      hint: set it, or give a default as in `${NAME:-default}`
    ");
    assert_eq!(place.run(&["serve"]).status.code(), Some(2));
}

#[test]
fn a_file_that_is_named_must_be_there() {
    insta::assert_snapshot!(Place::new().shown(&["check", "--config", "nowhere.toml"]), @r"
    status: 2
    --- stdout
    --- stderr
    error: nowhere.toml: the configuration can't be read: No such file or directory (os error 2)
    ");
}

#[test]
fn beyond_loopback_there_must_be_an_administrators_key_before() {
    let place = Place::new();
    insta::assert_snapshot!(place.shown(&["serve", "--listen", "0.0.0.0:0"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: no administrator's key was set or made, and `0.0.0.0:0` is reachable from other machines
      hint: set `LLM_GATEWAY_ADMIN_KEY`, or run `llm-gateway admin-key reset` first
    ");
    let short = place.with("LLM_GATEWAY_ADMIN_KEY", "short");
    insta::assert_snapshot!(short.shown(&["serve", "--listen", "0.0.0.0:0"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: the administrator's key has fewer than 20 characters, and `0.0.0.0:0` is reachable from other machines
      hint: choose a longer one, such as `openssl rand -hex 32` prints
    ");
}

#[test]
fn a_flag_wins_over_the_environment() {
    let place = Place::new().with("LLM_GATEWAY_DATABASE", "sqlite://environment.db");
    place.stdout(&["key", "create", "--name", "a"]);
    place.stdout(&["key", "create", "--name", "a", "--database", "sqlite://flag.db"]);
    assert!(place.folder.path().join("environment.db").exists() && place.folder.path().join("flag.db").exists());
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let place = Place::new();
    for args in [&["sreve"][..], &["key", "create"], &["key", "create", "--name", "a", "--limit", "spend=much/month"]] {
        assert_eq!(place.run(args).status.code(), Some(2), "{args:?}");
    }
    let output = place.run(&["key", "create", "--name", "a", "--limit", "requests=1/fortnight"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("unknown window `fortnight`"), "{told}");
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let place = Place::new();
    place.stdout(&["key", "create", "--name", "a"]);
    let mut list = place.command(&["key", "list"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(list.stdout.take());
    assert!(list.wait().unwrap().success());
}

#[test]
fn explain_says_what_would_be_tried() {
    let place = Place::configured(
        "[providers.local]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
         [[models]]\nname = \"fast\"\nfallbacks = [\"slow\"]\ndeployments = [\n\
         { model = \"local:small\", weight = 3, price = { input = \"0.15\", output = \"0.60\" } },\n\
         { model = \"local:tiny\" },\n{ model = \"local:spare\", weight = 0 },\n]\n\
         [[models]]\nname = \"slow\"\nretries = 0\nstrategy = \"priority\"\ndeployments = [{ model = \"local:large\" }]\n",
    );
    insta::assert_snapshot!(place.shown(&["explain", "--model", "fast"]), @r"
    status: 0
    --- stdout
    fast: weighted, up to 3 attempts over its own, then its fallbacks once

    DEPLOYMENT   PRICE IN/OUT  SAID BY   WHY
    local:small  0.15 / 0.6    the file  first in 3 of 4 calls, else after those drawn before it
    local:tiny   not known     -         first in 1 of 4 calls, else after those drawn before it
    local:spare  not known     -         only when the others fail
    local:large  not known     -         when none of `fast` answers: the fallback `slow`
    --- stderr
    ");
    assert!(!place.folder.path().join("llm-gateway.db").exists(), "explaining makes no database");
    for (model, output) in [("small", "9"), ("tiny", "2"), ("large", "3.5")] {
        place.stdout(&["price", "set", &format!("local:{model}"), "input=1", &format!("output={output}")]);
    }
    insta::assert_snapshot!(place.shown(&["explain", "--model", "fast"]), @r"
    status: 0
    --- stdout
    fast: weighted, up to 3 attempts over its own, then its fallbacks once

    DEPLOYMENT   PRICE IN/OUT  SAID BY      WHY
    local:small  0.15 / 0.6    the file     first in 3 of 4 calls, else after those drawn before it
    local:tiny   1 / 2         `price set`  first in 1 of 4 calls, else after those drawn before it
    local:spare  not known     -            only when the others fail
    local:large  1 / 3.5       `price set`  when none of `fast` answers: the fallback `slow`
    --- stderr
    ");
    insta::assert_snapshot!(place.shown(&["explain", "--model", "fats"]), @r"
    status: 1
    --- stdout
    --- stderr
    error: the model `fats` does not exist here
      hint: did you mean `fast`?
    ");
}
