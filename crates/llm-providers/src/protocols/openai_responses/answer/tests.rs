use llm_core::chat::{FinishReason, Reasoning, ToolCall};
use llm_core::{Meter, Usage};

use super::*;

fn cx() -> DecodeContext {
    DecodeContext { provider: "host".to_owned(), ..DecodeContext::default() }
}

fn asked() -> AnswerContext {
    AnswerContext { model: "fast".to_owned(), id_seed: "s".to_owned(), created: 7, ..AnswerContext::default() }
}

fn read(body: &Value) -> Result<ChatAnswer> {
    decode(&cx(), &ResponseHead::default(), body.to_string().as_bytes())
}

fn written(answer: &ChatAnswer) -> Value {
    serde_json::from_slice(&encode(&asked(), answer).unwrap()).unwrap()
}

fn response() -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 5, "status": "completed", "error": null, "model": "m",
        "incomplete_details": null, "service_tier": "default", "x": {"y": [null]},
        "output": [
            {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gA"},
            {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}},
            {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "z": 1, "content": [
                {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": [{"token": "Hi", "logprob": -0.1}]},
                {"type": "output_text", "text": "!", "annotations": []},
                {"type": "output_new", "q": 1}
            ]},
            {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
            {"id": "odd", "type": "function_call", "name": 3},
            "odder"
        ],
        "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
            "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 6}, "total_tokens": 19, "cost": 1}
    })
}

#[test]
fn an_answer_is_read_and_written_as_it_came() {
    let body = response();
    let answer = read(&body).unwrap();
    assert_eq!((answer.text().as_str(), answer.reasoning().as_str()), ("Hi!", "hm"));
    assert_eq!(answer.tool_calls()[0].id, "c");
    assert_eq!(answer.finish_reason(), Some(&FinishReason::ToolCalls));
    let usage = answer.usage();
    let counts = [Meter::Input, Meter::CacheRead, Meter::CacheWrite, Meter::Output, Meter::Reasoning];
    assert_eq!(counts.map(|meter| usage.get(meter)), [5, 4, 1, 3, 6]);
    assert_eq!(answer.choices[0].logprobs, Some(json!({"content": [{"token": "Hi", "logprob": -0.1}]})));
    assert_eq!(written(&answer), body);
}

#[test]
fn the_status_says_why_it_stopped() {
    let mut body = response();
    body["output"].as_array_mut().unwrap().truncate(3);
    for (status, details, want) in [
        ("completed", Value::Null, Some(FinishReason::Stop)),
        ("incomplete", json!({"reason": "max_output_tokens"}), Some(FinishReason::Length)),
        ("incomplete", json!({"reason": "content_filter"}), Some(FinishReason::ContentFilter)),
        ("incomplete", json!({"reason": "new"}), Some(FinishReason::Unknown("new".to_owned()))),
        ("in_progress", Value::Null, None),
    ] {
        body["status"] = json!(status);
        body["incomplete_details"] = details;
        let answer = read(&body).unwrap();
        assert_eq!(answer.finish_reason(), want.as_ref());
        assert_eq!(written(&answer), body);
    }
}

#[test]
fn a_failed_answer_is_an_error() {
    let body =
        json!({"status": "failed", "output": [], "error": {"code": "rate_limit_exceeded", "message": "slow down"}});
    let error = read(&body).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::RateLimited, "slow down"));
    assert_eq!(read(&json!({"object": "list"})).unwrap_err().kind(), ErrorKind::ProviderError);
}

#[test]
fn an_answer_of_another_protocol_is_written_in_full() {
    let thought = Reasoning {
        text: "hm".to_owned(),
        signature: Some("sig".to_owned()),
        provider: Some("anthropic".to_owned()),
        ..Reasoning::default()
    };
    let call = ToolCall::new("c", "f", "");
    let refusal = Part::from(Content::Refusal { text: "no".to_owned() });
    let parts = vec![thought.into(), Part::text("Hi"), refusal, Part::from(call), Part::text("Bye")];
    let choice = Choice {
        index: 0,
        message: Message::new(Role::Assistant, parts),
        finish_reason: Some(FinishReason::Length),
        logprobs: None,
        native: Native::NONE,
    };
    let usage = Usage::default().with(Meter::Input, 3).with(Meter::CacheRead, 2).with(Meter::Output, 4);
    let answer = ChatAnswer { choices: vec![choice], usage: Some(usage), created: Some(9), ..ChatAnswer::default() };
    let body = written(&answer);
    let text = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let message = |id: &str, content: Value| json!({"id": id, "type": "message", "status": "completed", "role": "assistant", "content": content});
    assert_eq!(
        body["output"],
        json!([
            {"id": "rs_s_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
                "encrypted_content": "llm:s:anthropic:sig"},
            message("msg_s_1", json!([text("Hi"), {"type": "refusal", "refusal": "no"}])),
            {"id": "fc_s_2", "type": "function_call", "status": "completed", "call_id": "c", "name": "f", "arguments": "{}"},
            message("msg_s_3", json!([text("Bye")])),
        ])
    );
    assert_eq!((&body["id"], &body["object"], &body["model"]), (&json!("resp_s"), &json!("response"), &json!("fast")));
    assert_eq!(
        (&body["status"], &body["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    assert_eq!(
        body["usage"],
        json!({"input_tokens": 5, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
            "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 9})
    );
}

#[test]
fn several_choices_are_refused_by_name() {
    let choice = |index| Choice {
        index,
        message: Message::text(Role::Assistant, "x"),
        finish_reason: None,
        logprobs: None,
        native: Native::NONE,
    };
    let answer = ChatAnswer { choices: vec![choice(0), choice(1)], ..ChatAnswer::default() };
    assert_eq!(encode(&asked(), &answer).unwrap_err().param(), Some("n"));
}
