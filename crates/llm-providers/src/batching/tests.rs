use llm_core::batch::{BatchBody, BatchDraft};
use llm_core::chat::ChatRequest;
use llm_core::{EmbedRequest, ErrorKind, Protocol};

use crate::protocols::{batch_endpoint, batch_lines};
use crate::registry::ProviderRow;
use crate::{Provider, Timeouts};

fn provider(protocol: Protocol) -> Provider {
    let row = ProviderRow::new("Test", protocol, "http://127.0.0.1:9");
    Provider::new("test", row, None, Timeouts::default()).unwrap()
}

fn draft() -> BatchDraft {
    let hello = |model: &str| ChatRequest::new(model).user("Hello").max_tokens(5);
    BatchDraft::default().chat("a", hello("test:m")).chat("b", hello("m"))
}

#[test]
fn calls_are_written_as_the_protocol_has_them() {
    let written = provider(Protocol::OpenAiChat).write_calls("test", draft()).unwrap();
    let lines = batch_lines(Protocol::OpenAiChat, &written.calls).unwrap().unwrap();
    insta::assert_snapshot!(std::str::from_utf8(&lines).unwrap(), @r#"
    {"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"Hello"}],"max_completion_tokens":5}}
    {"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"Hello"}],"max_completion_tokens":5}}
    "#);
    let written = provider(Protocol::Anthropic).write_calls("test", draft()).unwrap();
    assert!(batch_lines(Protocol::Anthropic, &written.calls).is_none());
    let BatchBody::Raw { endpoint, body } = &written.calls[0].call else { panic!("it was not written") };
    assert_eq!(endpoint, "/v1/messages");
    assert_eq!((&body["model"], &body["max_tokens"]), (&"m".into(), &5.into()));
}

#[test]
fn what_no_batch_can_hold_is_said_before_anything_is_sent() {
    let openai = provider(Protocol::OpenAiChat);
    let refused = |draft| openai.write_calls("test", draft).unwrap_err();
    assert_eq!(refused(BatchDraft::default()).param(), Some("calls"));
    assert_eq!(refused(draft().chat("a", ChatRequest::new("m").user("again"))).param(), Some("custom_id"));
    let mixed = openai.write_calls("test", draft().embed("c", EmbedRequest::new("m").text("x"))).unwrap();
    assert_eq!(batch_endpoint(&mixed).unwrap_err().param(), Some("endpoint"));
    let none = provider(Protocol::Ollama).codec::<llm_core::batch::Batches>().map(|_| ()).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotImplemented);
}
