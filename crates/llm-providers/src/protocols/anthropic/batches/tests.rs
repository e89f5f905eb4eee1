use llm_core::batch::{BatchAsk, BatchState, Batches};
use llm_core::codec::{AnswerContext, DecodeContext, Downstream, Frame, RequestHead, ResponseHead, Upstream};
use llm_core::{ErrorKind, Meter};
use serde_json::{Value, json};

use super::AnthropicApi;

fn batch(status: &str, counts: Value) -> Value {
    json!({"id": "msgbatch_1", "type": "message_batch", "processing_status": status, "request_counts": counts,
        "created_at": "2026-01-01T00:00:00Z", "results_url": null, "new": true})
}

#[test]
fn states_are_told_in_one_vocabulary_and_written_back_as_they_came() {
    let counts = |good: u64, bad: u64, stopped: u64| json!({"processing": 0, "succeeded": good, "errored": bad, "canceled": stopped, "expired": 0});
    for (body, state) in [
        (batch("in_progress", json!({"processing": 2})), BatchState::InProgress),
        (batch("canceling", counts(0, 0, 0)), BatchState::Cancelling),
        (batch("ended", counts(1, 1, 1)), BatchState::Completed),
        (batch("ended", counts(0, 0, 2)), BatchState::Cancelled),
        (batch("odd", counts(0, 0, 0)), BatchState::Unknown("odd".to_owned())),
    ] {
        let (cx, text) = (DecodeContext::default(), body.to_string());
        let head = ResponseHead::default();
        let answer = Upstream::<Batches>::decode_answer(&AnthropicApi, &cx, &head, text.as_bytes()).unwrap();
        assert_eq!(answer.batches[0].state, state);
        assert_eq!(answer.batches[0].results.is_empty(), !state.is_final());
        let again = Downstream::<Batches>::encode_answer(&AnthropicApi, &AnswerContext::default(), &answer).unwrap();
        assert_eq!(again, text);
    }
}

#[test]
fn results_tell_answers_and_errors_apart() {
    let read = |result: Value| {
        let mut out = Vec::new();
        let line = json!({"custom_id": "a", "result": result}).to_string();
        let mut decoder = Upstream::<Batches>::decode_stream(&AnthropicApi, &DecodeContext::default());
        decoder.decode(&Frame::data(line.as_bytes()), &mut out).unwrap();
        out.pop().unwrap()
    };
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Hi"}], "usage": {"input_tokens": 4, "output_tokens": 6}});
    let good = read(json!({"type": "succeeded", "message": message}));
    assert_eq!((good.chat.unwrap().text(), good.usage.unwrap().get(Meter::Output)), ("Hi".to_owned(), 6));
    let said = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}});
    let bad = read(json!({"type": "errored", "error": said})).error.unwrap().0;
    assert_eq!((bad.kind(), bad.message()), (ErrorKind::InvalidRequest, "no"));
    for kind in ["canceled", "expired"] {
        assert_eq!(read(json!({"type": kind})).error.unwrap().0.code(), Some(kind));
    }
}

#[test]
fn a_callers_batch_is_read_with_every_member() {
    let head =
        RequestHead { method: http::Method::POST, path: "/v1/messages/batches".to_owned(), ..RequestHead::default() };
    let read = |body: Value| Downstream::<Batches>::decode_request(&AnthropicApi, &head, body.to_string().as_bytes());
    let request = json!({"custom_id": "a", "params": {"model": "m", "new": 1}});
    let (asked, _) = read(json!({"requests": [request]})).unwrap();
    let BatchAsk::Create(draft) = asked.ask else { panic!("it is not made") };
    assert_eq!(draft.calls.len(), 1);
    for (body, param) in [
        (json!({}), "requests"),
        (json!({"requests": [{}]}), "requests[0].custom_id"),
        (json!({"requests": [{"custom_id": "a"}]}), "requests[0].params"),
    ] {
        assert_eq!(read(body).unwrap_err().param(), Some(param));
    }
}
