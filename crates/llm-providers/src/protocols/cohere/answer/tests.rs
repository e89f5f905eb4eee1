use llm_core::chat::{Content, FinishReason};
use llm_core::codec::{AnswerContext, DecodeContext, ResponseHead};
use serde_json::{Value, json};

use super::{decode, encode};

fn cx() -> DecodeContext {
    DecodeContext { provider: "cohere".to_owned(), id_seed: "s".to_owned(), ..DecodeContext::default() }
}

fn round(body: &Value) -> Value {
    let answer = decode(&cx(), &ResponseHead::default(), body.to_string().as_bytes()).expect("read");
    serde_json::from_slice(&encode(&AnswerContext::default(), &answer).expect("written")).expect("JSON")
}

#[test]
fn an_answer_with_everything_is_written_as_it_was() {
    let body = json!({
        "id": "1", "finish_reason": "TOOL_CALL", "more": [null],
        "message": {
            "role": "assistant", "tool_plan": "I will look.",
            "content": [
                {"type": "thinking", "thinking": "hm", "x": 1},
                {"type": "text", "text": "Paris"},
                {"type": "odd", "y": {}},
            ],
            "citations": [{"start": 0, "end": 5, "text": "Paris", "sources": [{"type": "tool", "id": "t:0"}]}],
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}, "z": 0}],
        },
        "logprobs": [{"token_ids": [1], "text": "Pa", "logprobs": [-0.5]}],
        "usage": {"billed_units": {"input_tokens": 1, "output_tokens": 2}},
    });
    assert_eq!(round(&body), body);
    let answer = decode(&cx(), &ResponseHead::default(), body.to_string().as_bytes()).expect("read");
    assert_eq!(answer.choices[0].logprobs.as_ref().expect("some")["content"][0]["logprob"], -0.5);
    assert_eq!(answer.reasoning(), "hm");
}

#[test]
fn citations_find_their_text() {
    let body = json!({"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "citations": [{"text": "a", "content_index": 0}, {"text": "b", "content_index": 1}]}});
    let answer = decode(&cx(), &ResponseHead::default(), body.to_string().as_bytes()).expect("read");
    let cited = |part: usize| match &answer.choices[0].message.parts[part].content {
        Content::Text { citations, .. } => citations.len(),
        _ => 0,
    };
    assert_eq!((cited(0), cited(1)), (1, 1));
    assert_eq!(round(&body), body);
}

#[test]
fn an_unknown_reason_survives() {
    let body = json!({"finish_reason": "NEW", "message": {"role": "assistant", "content": "text", "tool_calls": null}});
    assert_eq!(round(&body), body);
    let answer = decode(&cx(), &ResponseHead::default(), body.to_string().as_bytes()).expect("read");
    assert_eq!(answer.finish_reason(), Some(&FinishReason::Unknown("NEW".to_owned())));
}
