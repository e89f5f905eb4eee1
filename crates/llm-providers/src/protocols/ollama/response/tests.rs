use llm_core::chat::{ChatAnswer, Choice, FinishReason, Message, Part, Reasoning, Role, ToolCall};
use llm_core::codec::{AnswerContext, DecodeContext, ResponseHead};
use llm_core::{ErrorKind, Meter, Native, Usage};
use serde_json::{Value, json};

fn cx() -> DecodeContext {
    DecodeContext { provider: "ollama".into(), id_seed: "s".into(), ..DecodeContext::default() }
}

#[test]
fn an_answer_of_another_provider_is_written_as_ollama_would() {
    let call = ToolCall::new("call_1", "tide", "{\"port\":\"Brest\"}");
    let thought = Reasoning { text: "Hm.".into(), signature: Some("opaque".into()), ..Reasoning::default() };
    let answer = ChatAnswer {
        id: "msg_1".into(),
        model: "big-1".into(),
        provider: "elsewhere".into(),
        created: Some(1_786_082_891),
        choices: vec![Choice {
            index: 0,
            message: Message::new(Role::Assistant, vec![thought.into(), Part::text("Wait"), call.into()]),
            finish_reason: Some(FinishReason::ToolCalls),
            logprobs: None,
            native: Native::NONE,
        }],
        usage: Some(Usage::default().with(Meter::Input, 10).with(Meter::CacheRead, 5).with(Meter::Output, 2)),
        ..ChatAnswer::default()
    };
    let bytes = super::encode(&AnswerContext::default(), &answer).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&bytes).unwrap(),
        json!({"model": "big-1", "created_at": "2026-08-07T06:08:11Z", "done": true, "done_reason": "stop",
            "message": {"role": "assistant", "content": "Wait", "thinking": "Hm.",
                "tool_calls": [{"id": "call_1", "function": {"name": "tide", "arguments": {"port": "Brest"}}}]},
            "prompt_eval_count": 15, "eval_count": 2})
    );
}

#[test]
fn an_error_with_status_200_is_an_error() {
    let error = super::decode(&cx(), &ResponseHead::default(), br#"{"error": "no such luck"}"#).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::ProviderError, "no such luck"));
}

#[test]
fn what_is_no_answer_is_an_error() {
    for body in [&b"<html>"[..], b"", b"[]", b"null", b"\"text\"", b"{\"model\":"] {
        let error = super::decode(&cx(), &ResponseHead::default(), body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderError);
        assert_eq!(error.body().unwrap(), body);
    }
}

/// One odd value never costs an answer, and is written back as it came.
#[test]
fn members_of_another_type_stay_where_they_are() {
    let body = json!({"model": 7, "created_at": 0, "done": "yes", "done_reason": ["stop"], "eval_count": "many",
        "prompt_eval_count": -1, "logprobs": {},
        "message": {"role": "assistant", "content": ["x"], "thinking": 1, "images": [2], "tool_calls": ["x"]}});
    let answer = super::decode(&cx(), &ResponseHead::default(), body.to_string().as_bytes()).unwrap();
    assert_eq!((answer.text(), answer.usage.is_none()), (String::new(), true));
    let again = super::encode(&AnswerContext::default(), &answer).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&again).unwrap(), body);
}

#[test]
fn arguments_written_as_a_text_are_read_and_stay_one() {
    let body = json!({"done": true, "message": {"role": "assistant",
        "tool_calls": [{"function": {"name": "t", "arguments": "{\"a\":1}"}}, {"function": {"name": "t", "arguments": null}}]}});
    let answer = super::decode(&cx(), &ResponseHead::default(), body.to_string().as_bytes()).unwrap();
    let calls: Vec<&str> = answer.tool_calls().iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!(calls, ["{\"a\":1}", "{}"]);
    let again: Value = serde_json::from_slice(&super::encode(&AnswerContext::default(), &answer).unwrap()).unwrap();
    assert_eq!(again["message"]["tool_calls"][0], body["message"]["tool_calls"][0]);
}
