//! Questions and answers, over a real socket.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::command::llm;
use crate::server::Server;

fn chunk(delta: &Value, finish: &Value) -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

fn said(text: &str) -> Value {
    chunk(&json!({"content": text}), &Value::Null)
}

fn usage() -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini", "choices": [],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
            "prompt_tokens_details": {"cached_tokens": 400}}})
}

/// A stream that says `texts` and then ends as it should.
fn stream(texts: &[&str]) -> Server {
    let mut events = vec![chunk(&json!({"role": "assistant", "content": ""}), &Value::Null)];
    events.extend(texts.iter().map(|text| said(text)));
    events.extend([chunk(&json!({}), &json!("stop")), usage()]);
    Server::stream(&events, true)
}

fn whole(text: &str) -> Server {
    Server::json(
        200,
        &json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}}),
    )
}

#[test]
fn an_answer_is_streamed() {
    let server = stream(&["The sky ", "scatters ", "blue."]);
    let outcome = server.llm(&["-m", "openai:gpt-4o-mini", "-s", "be brief", "why", "blue?"]).run();
    assert_snapshot!(outcome, @r#"
    status: 0
    --- stdout
    The sky scatters blue.
    --- stderr
    ---
    "#);
    let request = server.request();
    assert!(request.head.starts_with("POST /v1/chat/completions "), "{}", request.head);
    assert_eq!(request.body["model"], "gpt-4o-mini");
    assert_eq!(request.body["stream"], true);
    assert_eq!(
        request.body["messages"],
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "why blue?"}])
    );
}

#[test]
fn usage_is_said_on_standard_error() {
    let server = stream(&["Blue.\n"]);
    assert_snapshot!(server.llm(&["-m", "openai:gpt-4o-mini", "--show-usage", "why?"]).run(), @r#"
    status: 0
    --- stdout
    Blue.
    --- stderr
    usage: 1000 input (400 from the cache) + 200 output tokens, 0.00024 USD, openai:gpt-4o-mini
    ---
    "#);
}

#[test]
fn standard_input_is_appended() {
    let server = whole("Short.");
    let outcome =
        server.llm(&["--no-stream", "summarize"]).env("LLM_MODEL", "openai:gpt-4o-mini").input("A report.\n").run();
    assert_snapshot!(outcome, @r#"
    status: 0
    --- stdout
    Short.
    --- stderr
    ---
    "#);
    let request = server.request();
    assert_ne!(request.body["stream"], true);
    assert_eq!(request.body["messages"][0]["content"], "summarize\n\nA report.\n");
}

#[test]
fn standard_input_alone_is_a_question() {
    let server = whole("Yes.");
    assert_eq!(server.llm(&["--no-stream"]).input("Is it?").run().stdout, "Yes.\n");
    let request = server.request();
    assert_eq!(request.body["messages"][0]["content"], "Is it?");
    assert_eq!(request.body["model"], "gpt-4.1-mini", "the provider's default model");
}

#[test]
fn parameters_are_passed_on() {
    let server = whole("Yes.");
    let outcome = server.llm(&["--no-stream", "--temperature", "0.5", "--max-tokens", "7", "hello"]).run();
    assert_eq!(outcome.status, Some(0), "{outcome}");
    let body = server.request().body;
    assert_eq!((&body["temperature"], &body["max_completion_tokens"]), (&json!(0.5), &json!(7)));
}

#[test]
fn the_whole_answer_as_json() {
    let server = whole("Blue.");
    let outcome = server.llm(&["-m", "openai:gpt-4o-mini", "--json", "why?"]).run();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["text"], "Blue.");
    assert_eq!(answer["cost_usd"], "0.00027");
    assert_eq!(answer["provider"], "openai");
    assert_eq!(answer["usage"]["input"], 1000);
}

#[test]
fn a_schema_and_an_image_go_along() {
    let folder = tempfile::tempdir().unwrap();
    let (schema, image) = (folder.path().join("a person.json"), folder.path().join("photo"));
    std::fs::write(&schema, r#"{"type": "object", "properties": {"name": {"type": "string"}}}"#).unwrap();
    std::fs::write(&image, b"\x89PNG\r\n\x1a\n").unwrap();
    let server = whole(r#"{"name": "Ada"}"#);
    let (schema, image) = (schema.to_str().unwrap(), image.to_str().unwrap());
    let outcome = server.llm(&["--no-stream", "--schema", schema, "-a", image, "who is this?"]).run();
    assert_eq!(outcome.stdout, "{\"name\": \"Ada\"}\n", "{outcome}");
    let body = server.request().body;
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert_eq!(body["response_format"]["json_schema"]["name"], "a_person");
    let parts = body["messages"][0]["content"].as_array().unwrap();
    assert_eq!(parts[0]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgo=");
    assert_eq!(parts[1]["text"], "who is this?");
}

#[test]
fn the_provider_refuses() {
    let server = Server::json(
        403,
        &json!({"error": {"message": "Your project has no access to gpt-4o-mini", "type": "invalid_request_error"}}),
    );
    assert_snapshot!(server.llm(&["-m", "openai:gpt-4o-mini", "hello"]).run(), @r#"
    status: 1
    --- stdout
    --- stderr
    error: openai: Your project has no access to gpt-4o-mini
    ---
    "#);
}

#[test]
fn the_model_is_not_there() {
    let server = Server::json(
        404,
        &json!({"error": {"message": "The model `gpt-4o-min` does not exist", "type": "invalid_request_error", "code": "model_not_found"}}),
    );
    assert_snapshot!(server.llm(&["-m", "openai:gpt-4o-min", "hello"]).run(), @r#"
    status: 1
    --- stdout
    --- stderr
    error: openai: The model `gpt-4o-min` does not exist
    hint: did you mean `openai:gpt-4o-mini`?
    ---
    "#);
}

#[test]
fn a_stream_breaks_off() {
    let server = Server::stream(&[said("The sky is")], false);
    assert_snapshot!(server.llm(&["-m", "openai:gpt-4o-mini", "why?"]).run(), @r#"
    status: 1
    --- stdout
    The sky is
    --- stderr
    error: openai: the provider's stream ended before the answer was whole
    ---
    "#);
}

#[test]
fn an_answer_that_was_cut_is_said_to_be() {
    let server = Server::stream(&[said("The"), chunk(&json!({}), &json!("length"))], true);
    assert_snapshot!(server.llm(&["-m", "openai:gpt-4o-mini", "--max-tokens", "1", "why?"]).run(), @r#"
    status: 0
    --- stdout
    The
    --- stderr
    note: the answer is cut: it reached the most tokens it may have
    ---
    "#);
}

#[test]
fn nobody_listens_there() {
    let outcome = llm(&["-m", "openai:gpt-4o-mini", "hello"])
        .env("OPENAI_API_KEY", "sk-test")
        .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
        .run();
    assert_snapshot!(outcome, @r#"
    status: 1
    --- stdout
    --- stderr
    error: openai: no connection to the provider (3 attempts)
    hint: is there a server at `http://127.0.0.1:1/v1`?
    ---
    "#);
}

/// `llm … | head -n 1` ends well although nobody reads the rest.
#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let lines = "a line\n".repeat(100_000);
    let server = stream(&[&lines, &lines]);
    let mut command: Command = server.llm(&["-m", "openai:gpt-4o-mini", "count"]).into();
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(line, "a line\n");
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn the_sandbox_answers_without_a_network() {
    assert_snapshot!(llm(&["-m", "sandbox:echo", "hello there"]).run(), @r#"
    status: 0
    --- stdout
    This is the sandbox, not a model. You said: hello there
    --- stderr
    ---
    "#);
}
