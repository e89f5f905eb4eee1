use std::collections::BTreeMap;

use llm_core::batch::{BatchAsk, BatchBody, BatchCall, BatchDraft, BatchState, Batches, BatchesAnswer, BatchesRequest};
use llm_core::codec::{
    AnswerContext, DecodeContext, Downstream, Encoded, Frame, Quirks, ResponseHead, Target, Upstream,
};
use llm_core::{ErrorKind, Meter};
use serde_json::{Value, json};

use super::super::GeminiApi;

fn encode(ask: BatchAsk, project: Option<&str>) -> llm_core::Result<Encoded> {
    let quirks = Quirks::default();
    let variables: BTreeMap<_, _> =
        project.into_iter().map(|project| ("project".to_owned(), project.to_owned())).collect();
    let target = Target {
        provider: "gemini",
        model: "",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "seed",
    };
    Upstream::<Batches>::encode_request(&GeminiApi, &BatchesRequest::new("gemini", ask), &target)
}

fn call(custom_id: &str, model: &str, method: &str) -> BatchCall {
    let endpoint = format!("/v1/v1beta/models/{model}:{method}");
    let call = BatchBody::Raw { endpoint, body: json!({"contents": [{"parts": [{"text": "x"}]}]}) };
    BatchCall { custom_id: custom_id.to_owned(), call }
}

fn draft(calls: Vec<BatchCall>) -> BatchAsk {
    BatchAsk::Create(BatchDraft { calls, ..BatchDraft::default() })
}

fn decode(cx: &DecodeContext, body: &Value) -> BatchesAnswer {
    let body = body.to_string();
    Upstream::<Batches>::decode_answer(&GeminiApi, cx, &ResponseHead::default(), body.as_bytes()).unwrap()
}

fn done() -> Value {
    let said = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 6, "totalTokenCount": 10}});
    let failed = json!({"code": 400, "message": "no", "status": "INVALID_ARGUMENT"});
    json!({"name": "batches/b1", "done": true,
        "metadata": {"state": "BATCH_STATE_SUCCEEDED", "x": 1,
            "batchStats": {"requestCount": "2", "successfulRequestCount": "1", "failedRequestCount": "1"}},
        "response": {"inlinedResponses": {"inlinedResponses": [
            {"response": said, "metadata": {"key": "a"}}, {"error": failed, "metadata": {"key": "b"}}]}}})
}

#[test]
fn calls_stand_in_the_request_of_their_model() {
    let calls =
        vec![call("a", "gemini-2.5-flash", "generateContent"), call("b", "gemini-2.5-flash", "generateContent")];
    let sent = encode(draft(calls.clone()), None).unwrap();
    assert_eq!(sent.path, "/v1beta/models/gemini-2.5-flash:batchGenerateContent");
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(body["batch"]["displayName"], "batch-seed");
    let requests = &body["batch"]["inputConfig"]["requests"]["requests"];
    assert_eq!(
        (&requests[1]["metadata"]["key"], &requests[1]["request"]["contents"][0]["parts"][0]["text"]),
        (&json!("b"), &json!("x"))
    );

    assert_eq!(encode(draft(calls.clone()), Some("p")).unwrap_err().kind(), ErrorKind::NotImplemented);
    let two = vec![calls[0].clone(), call("b", "gemini-2.5-pro", "generateContent")];
    assert_eq!(encode(draft(two), None).unwrap_err().param(), Some("model"));
    let other = vec![call("a", "gemini-embedding-001", "embedContent")];
    assert_eq!(encode(draft(other), None).unwrap_err().kind(), ErrorKind::NotImplemented);
    let filed = BatchDraft { calls, input_file: Some("f".to_owned()), ..BatchDraft::default() };
    assert_eq!(encode(BatchAsk::Create(filed), None).unwrap_err().param(), Some("input_file_id"));
}

#[test]
fn a_batch_is_asked_about_by_its_id() {
    for (ask, want) in [
        (BatchAsk::Get("b1".to_owned()), "GET /v1beta/batches/b1"),
        (BatchAsk::Cancel("b1".to_owned()), "POST /v1beta/batches/b1:cancel"),
        (BatchAsk::Delete("b1".to_owned()), "DELETE /v1beta/batches/b1"),
        (BatchAsk::Results("b1".to_owned()), "GET /v1beta/batches/b1"),
        (BatchAsk::Results("files/f1".to_owned()), "GET /download/v1beta/files/f1:download"),
        (BatchAsk::List(llm_core::BatchList::default()), "GET /v1beta/batches"),
    ] {
        let sent = encode(ask, None).unwrap();
        assert_eq!(format!("{} {}", sent.method, sent.path), want);
    }
    // What is stopped or deleted is answered with nothing.
    let cancel = encode(BatchAsk::Cancel("b1".to_owned()), None).unwrap();
    let batch = decode(&cancel.context, &json!({})).batches.remove(0);
    assert_eq!((batch.id.as_str(), batch.state), ("b1", BatchState::Cancelling));
    let delete = encode(BatchAsk::Delete("b1".to_owned()), None).unwrap();
    assert_eq!(decode(&delete.context, &json!({})).deleted.as_deref(), Some("b1"));
}

#[test]
fn a_batch_survives_and_its_results_are_read() {
    let body = done();
    let answer = decode(&DecodeContext::default(), &body);
    let batch = &answer.batches[0];
    assert_eq!((batch.id.as_str(), &batch.state), ("b1", &BatchState::Completed));
    assert_eq!((batch.counts.total, batch.counts.completed, batch.counts.failed), (2, 1, 1));
    assert_eq!((batch.results.as_slice(), answer.results.len()), (&["b1".to_owned()][..], 0));
    let again = Downstream::<Batches>::encode_answer(&GeminiApi, &AnswerContext::default(), &answer).unwrap();
    assert_eq!(again, body.to_string());

    let results = decode(&DecodeContext { stream: true, ..DecodeContext::default() }, &body).results;
    assert_eq!((results[0].custom_id.as_str(), results[0].chat.as_ref().unwrap().text().as_str()), ("a", "Hi"));
    assert_eq!(results[0].usage.as_ref().map(|usage| usage.get(Meter::Output)), Some(6));
    let error = results[1].error.as_ref().unwrap();
    assert_eq!((results[1].custom_id.as_str(), error.0.kind()), ("b", ErrorKind::InvalidRequest));

    let page =
        decode(&DecodeContext::default(), &json!({"operations": [body, {"name": "batches/b2"}], "nextPageToken": "t"}));
    assert_eq!((page.batches.len(), page.has_more), (2, true));
    let odd = decode(
        &DecodeContext::default(),
        &json!({"name": "batches/b3", "metadata": {"state": "BATCH_STATE_DREAMING"}}),
    );
    assert_eq!(odd.batches[0].state, BatchState::Unknown("BATCH_STATE_DREAMING".to_owned()));
    let filed = json!({"name": "batches/b4", "done": true, "response": {"responsesFile": "files/f1"}});
    assert_eq!(decode(&DecodeContext::default(), &filed).batches[0].results, ["files/f1"]);
}

#[test]
fn results_in_a_file_are_lines() {
    let line =
        json!({"key": "a", "response": done()["response"]["inlinedResponses"]["inlinedResponses"][0]["response"]});
    let (mut out, cx) = (Vec::new(), DecodeContext::default());
    let mut decoder = Upstream::<Batches>::decode_stream(&GeminiApi, &cx);
    decoder.decode(&Frame::data(line.to_string().as_bytes()), &mut out).unwrap();
    assert_eq!((out[0].custom_id.as_str(), out[0].chat.as_ref().unwrap().text().as_str()), ("a", "Hi"));
}
