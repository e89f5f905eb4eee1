//! `llm chat`, as a script tells it what to say.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::command::llm;
use crate::server::{Server, streamed, whole};

fn says(text: &str) -> Vec<u8> {
    let event = |delta: Value, finish: Value| {
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    streamed(&[event(json!({"content": text}), Value::Null), event(json!({}), json!("stop"))], true)
}

fn fails() -> Vec<u8> {
    let body = json!({"error": {"message": "Your project has no access", "type": "invalid_request_error"}});
    whole(403, "application/json", &body.to_string())
}

#[test]
fn what_was_said_is_remembered_until_it_is_cleared() {
    let server = Server::answering_each(vec![says("Hello Ada."), says("Ada."), says("I don't know.")]);
    let input = "I am Ada.\n\n\"\"\"\nWho\nam I?\n\"\"\"\n/clear\nWho am\\\nI?\n";
    let outcome = server.llm(&["chat", "-m", "openai:gpt-4o-mini", "-s", "be brief"]).input(input).run();
    assert_snapshot!(outcome, @r#"
    status: 0
    --- stdout
    Hello Ada.
    Ada.
    I don't know.
    --- stderr
    note: what was said is forgotten
    ---
    "#);
    let requests = server.requests();
    assert_eq!(
        requests[1].body["messages"],
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "I am Ada."},
            {"role": "assistant", "content": "Hello Ada."}, {"role": "user", "content": "Who\nam I?"}])
    );
    assert_eq!(
        requests[2].body["messages"],
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "Who am\nI?"}])
    );
}

#[test]
fn another_model_can_be_asked_and_the_talk_be_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (notes, data) = (folder.path().join("talk.md"), folder.path().join("talk.json"));
    let server = Server::answering_each(vec![says("One."), says("Two.")]);
    let input = format!(
        "first\n/model\n/model openai:gpt-4o\nsecond\n/save {}\n/save {}\n/exit\nnever asked\n",
        notes.display(),
        data.display()
    );
    let outcome = server.llm(&["chat", "-m", "openai:gpt-4o-mini"]).input(input).run();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "One.\nTwo.\n"), "{outcome}");
    assert!(outcome.stderr.starts_with("model: openai:gpt-4o-mini\nmodel: openai:gpt-4o\nnote: saved 4"), "{outcome}");
    let models: Vec<Value> = server.requests().into_iter().map(|request| request.body["model"].clone()).collect();
    assert_eq!(models, ["gpt-4o-mini", "gpt-4o"]);
    assert_snapshot!(std::fs::read_to_string(notes).unwrap(), @r#"
    # A conversation with openai:gpt-4o

    ## Question

    first

    ## Answer

    One.

    ## Question

    second

    ## Answer

    Two.
    "#);
    let data: Value = serde_json::from_str(&std::fs::read_to_string(data).unwrap()).unwrap();
    assert_eq!((data["model"].as_str(), data["messages"].as_array().map(Vec::len)), (Some("openai:gpt-4o"), Some(4)));
}

#[test]
fn a_call_that_fails_is_forgotten_and_the_talk_goes_on() {
    let server = Server::answering_each(vec![fails(), says("Yes.")]);
    let outcome = server.llm(&["chat", "-m", "openai:gpt-4o-mini"]).input("first\nsecond\n").run();
    assert_snapshot!(outcome, @r#"
    status: 0
    --- stdout
    Yes.
    --- stderr
    error: openai: Your project has no access
    ---
    "#);
    assert_eq!(server.requests()[1].body["messages"], json!([{"role": "user", "content": "second"}]));
}

#[test]
fn a_script_that_ends_with_a_failure_fails() {
    let server = Server::answering_each(vec![fails()]);
    let outcome = server.llm(&["chat", "-m", "openai:gpt-4o-mini"]).input("first\n").run();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{outcome}");
    let outcome = llm(&["chat", "-m", "sandbox:echo"]).input("/save\n/sing\n/model nowhere:x\n").run();
    assert_snapshot!(outcome, @r#"
    status: 2
    --- stdout
    --- stderr
    error: no file is named
    hint: for example `/save talk.md`
    error: there is no command `/sing`
    hint: `/help` lists them; a message that begins with a slash is written with two
    error: unknown provider `nowhere`
    ---
    "#);
}

#[test]
fn help_is_there() {
    assert_snapshot!(llm(&["chat", "-m", "sandbox:echo"]).input("/help\n").run(), @r#"
    status: 0
    --- stdout
    --- stderr
    /model [MODEL]  say which model is asked, or ask another from now on
    /clear          forget what was said
    /save FILE      write the conversation: as JSON where FILE ends in .json, else as Markdown
    /help           this
    /exit           leave, as the end of the input does
    A line that ends in a backslash goes on; lines between two lines of """ are one message.
    ---
    "#);
}
