use llm_core::batch::{BatchAsk, BatchState, Batches, BatchesRequest};
use llm_core::codec::{AnswerContext, DecodeContext, Downstream, Frame, RequestHead, ResponseHead, Upstream};
use llm_core::{ErrorKind, Meter};
use serde_json::{Value, json};

use super::OpenAi;

fn result(line: &Value) -> llm_core::BatchResult {
    let mut out = Vec::new();
    let cx = DecodeContext { provider: "openai".to_owned(), ..DecodeContext::default() };
    let mut decoder = Upstream::<Batches>::decode_stream(&OpenAi, &cx);
    decoder.decode(&Frame::data(line.to_string().as_bytes()), &mut out).unwrap();
    out.pop().unwrap()
}

#[test]
fn a_batch_survives_with_members_and_states_that_nobody_knows() {
    let body = json!({"id": "batch_1", "object": "batch", "status": "dreaming", "input_file_id": "file-1", "x": [1],
        "output_file_id": "file-2", "error_file_id": null, "request_counts": {"total": 3, "completed": 2, "failed": 1}});
    let body = body.to_string();
    let cx = DecodeContext::default();
    let answer = Upstream::<Batches>::decode_answer(&OpenAi, &cx, &ResponseHead::default(), body.as_bytes()).unwrap();
    let batch = &answer.batches[0];
    assert_eq!(
        (batch.id.as_str(), batch.counts.completed, batch.results.as_slice()),
        ("batch_1", 2, &["file-2".to_owned()][..])
    );
    assert_eq!(batch.state, BatchState::Unknown("dreaming".to_owned()));
    assert!(!batch.state.is_final());
    let again = Downstream::<Batches>::encode_answer(&OpenAi, &AnswerContext::default(), &answer).unwrap();
    assert_eq!(again, body);
}

#[test]
fn results_tell_answers_usage_and_errors_apart() {
    let usage = json!({"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10});
    let message = json!({"role": "assistant", "content": "Hi"});
    let body = json!({"id": "c", "object": "chat.completion", "model": "m", "usage": usage,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    let chat = result(&json!({"id": "r", "custom_id": "a", "error": null,
        "response": {"status_code": 200, "request_id": "q", "body": body}}));
    assert_eq!((chat.custom_id.as_str(), chat.chat.unwrap().text()), ("a", "Hi".to_owned()));
    assert_eq!((chat.usage.unwrap().get(Meter::Output), chat.body.unwrap(), chat.error), (6, body, None));

    let responses = result(&json!({"custom_id": "b", "response": {"status_code": 200, "body":
        {"object": "response", "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}}}}));
    assert_eq!(responses.usage.unwrap().input_tokens(), 3);

    let said =
        json!({"error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}});
    let failed = result(&json!({"custom_id": "c", "response": {"status_code": 400, "body": said}}));
    assert_eq!(failed.error.unwrap().0.kind(), ErrorKind::ContextLengthExceeded);
    let expired =
        result(&json!({"custom_id": "d", "response": null, "error": {"code": "batch_expired", "message": "late"}}));
    assert_eq!(expired.error.unwrap().0.code(), Some("batch_expired"));
}

#[test]
fn callers_name_batches_in_path_and_query() {
    let read = |method: &str, path: &str, query: Option<&str>| {
        let method = method.parse().unwrap();
        let head =
            RequestHead { method, path: path.to_owned(), query: query.map(str::to_owned), ..RequestHead::default() };
        let body = br#"{"input_file_id":"f","endpoint":"/v1/embeddings","completion_window":"24h","new":1}"#;
        Downstream::<Batches>::decode_request(&OpenAi, &head, body).map(|(BatchesRequest { ask, .. }, _)| ask)
    };
    assert_eq!(read("GET", "/v1/batches/b%2F1", None).unwrap(), BatchAsk::Get("b/1".to_owned()));
    assert_eq!(read("POST", "/v1/batches/b/cancel", None).unwrap(), BatchAsk::Cancel("b".to_owned()));
    let BatchAsk::List(list) = read("GET", "/v1/batches", Some("limit=2&after=b&key=sk-secret")).unwrap() else {
        panic!()
    };
    assert_eq!((list.limit, list.after.as_deref(), list.native.into_members().len()), (Some(2), Some("b"), 0));
    let BatchAsk::Create(draft) = read("POST", "/v1/batches", None).unwrap() else { panic!() };
    assert_eq!(draft.native.into_members(), json!({"new": 1}).as_object().unwrap().clone());
    assert_eq!(read("GET", "/v1/batches", Some("limit=x")).unwrap_err().param(), Some("limit"));
    assert_eq!(read("DELETE", "/v1/batches/b", None).unwrap_err().kind(), ErrorKind::NotFound);
}
