//! Which model is asked, and what is said where none can be.

use insta::assert_snapshot;

use crate::command::llm;

#[test]
fn nothing_is_configured() {
    assert_snapshot!(llm(&["hello"]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: no model is named, and no provider has a key
    hint: set `OPENAI_API_KEY` or `ANTHROPIC_API_KEY`, or name a model with `-m`, for example `-m ollama:llama3.2`; `llm providers` lists all
    ---
    "#);
}

#[test]
fn the_key_is_missing() {
    assert_snapshot!(llm(&["-m", "openai:gpt-4o-mini", "hello"]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: no key for provider `openai` (OpenAI)
    hint: set `OPENAI_API_KEY`
    ---
    "#);
}

#[test]
fn the_provider_is_not_named() {
    assert_snapshot!(llm(&["-m", "gpt-4o-mini", "hello"]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: `gpt-4o-mini` names no provider
    hint: did you mean `openai:gpt-4o-mini`?
    ---
    "#);
}

#[test]
fn the_provider_is_misspelt() {
    assert_snapshot!(llm(&["-m", "opnai:gpt-4o-mini", "hello"]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: unknown provider `opnai`
    hint: did you mean `openai`?
    ---
    "#);
}

#[test]
fn there_is_nothing_to_ask() {
    assert_snapshot!(llm(&[]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: nothing to ask
    hint: give a prompt, for example `llm "why is the sky blue?"`; `llm --help` shows more
    ---
    "#);
}

#[test]
fn standard_input_is_no_text() {
    assert_snapshot!(llm(&["hello"]).input([0xff, 0xfe, 0x00]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: standard input is not UTF-8 text
    hint: give images, PDF and sound with `-a FILE`, or `-a -` for standard input
    ---
    "#);
}

#[test]
fn an_option_is_unknown() {
    let outcome = llm(&["--temprature", "1", "hello"]).run();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""));
    assert!(outcome.stderr.contains("--temperature"), "{}", outcome.stderr);
}

/// What is asked and what is a command: only a word that is the name of one, and stands alone before all else.
#[test]
fn a_command_is_not_a_prompt() {
    let is_prompt = |args: &[&str]| llm(args).run().stderr.contains("no model is named");
    for prompt in [
        &["models are fun"][..],
        &["prompt", "models"],
        &["--", "models"],
        &["what", "are", "models"],
        &["-s", "be brief", "models"],
    ] {
        assert!(is_prompt(prompt), "{prompt:?}");
    }
    for command in [&["models"][..], &["providers"], &["models", "gpt"]] {
        assert!(!is_prompt(command), "{command:?}");
    }
}

#[test]
fn a_file_is_not_there_or_not_what_it_should_be() {
    assert_snapshot!(llm(&["-m", "sandbox:echo", "-a", "no-such.png", "what is this?"]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: can't read `no-such.png`: No such file or directory (os error 2)
    ---
    "#);
    assert_snapshot!(llm(&["-m", "sandbox:echo", "-a", "Cargo.toml", "what is this?"]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: `Cargo.toml` is not an image, a PDF or a sound that is known here
    hint: text goes through standard input, without `-a`: `llm "…" < Cargo.toml`
    ---
    "#);
    assert_snapshot!(llm(&["-m", "sandbox:echo", "--schema", "Cargo.toml", "hello"]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: `Cargo.toml` is not a JSON Schema: expected value at line 1 column 2
    ---
    "#);
}
