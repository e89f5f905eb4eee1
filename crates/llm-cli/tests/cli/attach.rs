//! `-a`: files that go along with a question.

use insta::assert_snapshot;
use serde_json::json;

use crate::command::llm;
use crate::server::Server;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn answering() -> Server {
    Server::json(
        200,
        &json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "A boat."}, "finish_reason": "stop"}]}),
    )
}

#[test]
fn standard_input_can_be_attached() {
    let server = answering();
    let outcome = server.llm(&["--no-stream", "-m", "openai:gpt-4o-mini", "-a", "-", "what is it?"]).input(PNG).run();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(0), "A boat.\n"), "{outcome}");
    let parts = server.request().body["messages"][0]["content"].clone();
    assert_eq!(parts[0]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgo=");
    assert_eq!(parts[1], json!({"type": "text", "text": "what is it?"}), "and is no text besides");
}

#[test]
fn a_document_goes_with_its_name_and_sound_with_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let (document, sound) = (folder.path().join("plan.pdf"), folder.path().join("ahoy"));
    std::fs::write(&document, b"%PDF-1.7").unwrap();
    std::fs::write(&sound, b"RIFF\0\0\0\0WAVE").unwrap();
    let (document, sound) = (document.to_str().unwrap(), sound.to_str().unwrap());
    let server = answering();
    server.llm(&["--no-stream", "-m", "openai:some-new-model", "-a", document, "-a", sound]).run();
    let parts = server.request().body["messages"][0]["content"].clone();
    assert_eq!(parts[0]["file"]["filename"], "plan.pdf");
    assert_eq!(parts[0]["file"]["file_data"], "data:application/pdf;base64,JVBERi0xLjc=");
    assert_eq!(parts[1]["input_audio"]["format"], "wav");
}

#[test]
fn what_the_model_can_not_take_is_said_before_anything_is_sent() {
    // Nothing listens there, so a call would be another error.
    let ask = |args: &[&str], input: &'static [u8]| {
        llm(args)
            .env("OPENAI_API_KEY", "sk-test")
            .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
            .env("DEEPSEEK_API_KEY", "sk-test")
            .input(input)
            .run()
    };
    assert_snapshot!(ask(&["-m", "openai:gpt-3.5-turbo", "-a", "-", "what is it?"], PNG), @r#"
    status: 2
    --- stdout
    --- stderr
    error: `openai:gpt-3.5-turbo` takes no images
    hint: `llm models vision` lists the models that do
    ---
    "#);
    assert_snapshot!(ask(&["-m", "openai:gpt-4o-mini", "-a", "-", "what is it?"], b"ID3"), @r#"
    status: 2
    --- stdout
    --- stderr
    error: `openai:gpt-4o-mini` takes no sound
    hint: `llm models audio` lists the models that do
    ---
    "#);
    assert_snapshot!(ask(&["-m", "openai:gpt-3.5-turbo", "-a", "-", "what is it?"], b"%PDF-1.7"), @r#"
    status: 2
    --- stdout
    --- stderr
    error: `openai:gpt-3.5-turbo` takes no PDF
    hint: `llm models pdf` lists the models that do
    ---
    "#);
}

#[test]
fn what_is_no_attachment_is_said_to_be_none() {
    assert_snapshot!(llm(&["-m", "sandbox:echo", "-a", "-", "what is it?"]).input("words").run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: standard input is not an image, a PDF or a sound that is known here
    hint: text goes through standard input, without `-a`: `… | llm "…"`
    ---
    "#);
    assert_snapshot!(llm(&["-m", "sandbox:echo", "-a", "-", "what is it?"]).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: standard input is empty
    hint: text goes through standard input, without `-a`: `… | llm "…"`
    ---
    "#);
    assert_snapshot!(llm(&["-m", "sandbox:echo", "-a", "-", "-a", "-", "what is it?"]).input(PNG).run(), @r#"
    status: 2
    --- stdout
    --- stderr
    error: standard input can be attached once only
    ---
    "#);
}
