use std::collections::BTreeMap;

use llm_core::batch::{BatchAsk, BatchBody, BatchCall, BatchDraft, BatchState, Batches, BatchesRequest};
use llm_core::codec::{
    AnswerContext, DecodeContext, Downstream, Frame, Quirks, RequestHead, ResponseHead, Target, Upstream,
};
use llm_core::{ErrorKind, Meter};
use serde_json::{Value, json};

use super::super::MistralApi;

fn encode(ask: BatchAsk) -> llm_core::Result<llm_core::codec::Encoded> {
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "mistral",
        model: "",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "seed",
    };
    Upstream::<Batches>::encode_request(&MistralApi, &BatchesRequest::new("mistral", ask), &target)
}

fn call(custom_id: &str, model: &str) -> BatchCall {
    let body = json!({"model": model, "messages": []});
    BatchCall {
        custom_id: custom_id.to_owned(),
        call: BatchBody::Raw { endpoint: "/v1/chat/completions".to_owned(), body },
    }
}

#[test]
fn a_job_names_its_file_its_endpoint_and_its_model() {
    let draft = BatchDraft {
        calls: vec![call("a", "m"), call("b", "m")],
        input_file: Some("f".to_owned()),
        window: Some("24h".to_owned()),
        ..BatchDraft::default()
    };
    let sent = encode(BatchAsk::Create(draft.clone())).unwrap();
    assert_eq!(sent.path, "/batch/jobs");
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    let want = json!({"input_files": ["f"], "endpoint": "/v1/chat/completions", "model": "m", "timeout_hours": 24});
    assert_eq!(body, want);
    let two = BatchDraft { calls: vec![call("a", "m"), call("b", "n")], ..draft };
    assert_eq!(encode(BatchAsk::Create(two)).unwrap_err().param(), Some("model"));
    let lines = super::lines(&[call("a", "m")]).unwrap();
    assert_eq!(lines, "{\"custom_id\":\"a\",\"body\":{\"model\":\"m\",\"messages\":[]}}\n");
    for (ask, path) in [
        (BatchAsk::Get("j".to_owned()), "/batch/jobs/j"),
        (BatchAsk::Cancel("j".to_owned()), "/batch/jobs/j/cancel"),
        (BatchAsk::Results("f".to_owned()), "/files/f/content"),
    ] {
        assert_eq!(encode(ask).unwrap().path, path);
    }
    assert_eq!(encode(BatchAsk::Delete("j".to_owned())).unwrap_err().kind(), ErrorKind::NotImplemented);
}

#[test]
fn a_job_survives_and_its_words_are_understood() {
    let body = json!({"id": "j", "object": "batch", "input_files": ["f"], "status": "SUCCESS", "output_file": "g",
        "error_file": null, "total_requests": 3, "completed_requests": 3, "succeeded_requests": 2, "failed_requests": 1,
        "x": 1})
    .to_string();
    let cx = DecodeContext::default();
    let answer =
        Upstream::<Batches>::decode_answer(&MistralApi, &cx, &ResponseHead::default(), body.as_bytes()).unwrap();
    let batch = &answer.batches[0];
    assert_eq!((&batch.state, batch.results.as_slice()), (&BatchState::Completed, &["g".to_owned()][..]));
    assert_eq!((batch.counts.total, batch.counts.completed, batch.counts.failed), (3, 2, 1));
    let again = Downstream::<Batches>::encode_answer(&MistralApi, &AnswerContext::default(), &answer).unwrap();
    assert_eq!(again, body);
}

#[test]
fn a_callers_job_is_read() {
    let head = RequestHead { method: http::Method::POST, path: "/v1/batch/jobs".to_owned(), ..RequestHead::default() };
    let body = json!({"input_files": ["f"], "endpoint": "/v1/chat/completions", "model": "m", "timeout_hours": 2});
    let (request, _) = Downstream::<Batches>::decode_request(&MistralApi, &head, body.to_string().as_bytes()).unwrap();
    let BatchAsk::Create(draft) = request.ask else { panic!("{request:?}") };
    assert_eq!((draft.input_file.as_deref(), draft.window.as_deref()), (Some("f"), Some("2h")));
    let sent = encode(BatchAsk::Create(draft)).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), body);
}

#[test]
fn a_line_of_results_holds_an_answer() {
    let usage = json!({"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10});
    let body = json!({"id": "c", "object": "chat.completion", "model": "m", "usage": usage,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]});
    let line = json!({"id": "r", "custom_id": "a", "response": {"status_code": 200, "body": body}, "error": null});
    let (mut out, cx) = (Vec::new(), DecodeContext::default());
    let mut decoder = Upstream::<Batches>::decode_stream(&MistralApi, &cx);
    decoder.decode(&Frame::data(line.to_string().as_bytes()), &mut out).unwrap();
    let result = out.pop().unwrap();
    assert_eq!((result.custom_id.as_str(), result.chat.unwrap().text().as_str()), ("a", "Hi"));
    assert_eq!(result.usage.map(|usage| usage.get(Meter::Output)), Some(6));
}
