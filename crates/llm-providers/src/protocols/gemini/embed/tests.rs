use std::collections::BTreeMap;

use bytes::Bytes;
use llm_core::Protocol;
use llm_core::codec::{
    AnswerContext, DecodeContext, Downstream, Edits, Encoded, Passthrough, Quirks, RequestHead, ResponseHead, Target,
    Upstream,
};
use llm_core::embedding::{Embed, EmbedAnswer, EmbedInput, EmbedRequest, Embedding, Purpose, Vector};
use llm_core::operation::Asks;
use llm_core::{Meter, Result, Usage};
use serde_json::{Value, json};

use super::GeminiApi;
use super::passing::Passing;
use crate::protocols::Spoken;

fn head(method: &str) -> RequestHead {
    RequestHead { path: format!("/v1beta/models/fast:{method}"), ..RequestHead::default() }
}

fn asked(method: &str, body: &Value) -> Result<(EmbedRequest, AnswerContext)> {
    Downstream::<Embed>::decode_request(&GeminiApi, &head(method), body.to_string().as_bytes())
}

fn before<T>(model: &str, is_vertex: bool, look: impl FnOnce(&Target<'_>) -> T) -> T {
    let variables = [("project", "p"), ("location", "l")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables = if is_vertex { BTreeMap::from(variables) } else { BTreeMap::new() };
    look(&Target {
        provider: "up",
        model,
        version: None,
        quirks: &Quirks::default(),
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "seed",
    })
}

fn sent(protocol: Protocol, request: &EmbedRequest, model: &str, is_vertex: bool) -> Result<Encoded> {
    let codec = Embed::codec(protocol).unwrap();
    before(model, is_vertex, |target| codec.encode_request(request, target))
}

fn body(encoded: &Encoded) -> Value {
    serde_json::from_slice(&encoded.body).unwrap()
}

fn of_two() -> Value {
    let one = |text: &str| {
        json!({
            "model": "models/fast",
            "content": {"role": "user", "parts": [{"text": text}]},
            "taskType": "RETRIEVAL_QUERY",
            "output_dimensionality": 8,
        })
    };
    json!({"requests": [one("a"), one("b")]})
}

#[test]
fn what_a_caller_asks_is_understood() {
    let (request, cx) = asked("batchEmbedContents", &of_two()).unwrap();
    assert_eq!(request.input, [EmbedInput::Text("a".to_owned()), EmbedInput::Text("b".to_owned())]);
    assert_eq!((request.purpose.clone(), request.dimensions), (Some(Purpose::Query), Some(8)));
    assert_eq!((cx.model.as_str(), cx.form.as_deref()), ("fast", Some("batchEmbedContents")));
    let skim = request.skim();
    assert_eq!((skim.messages, skim.media), (2, 0));
    let one =
        json!({"content": {"parts": [{"text": "a"}, {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]}});
    let (request, _) = asked("embedContent", &one).unwrap();
    assert_eq!((request.skim().text_bytes, request.skim().media), (1, 1));
}

#[test]
fn a_request_of_google_s_comes_back_as_it_was() {
    let odd = json!({"requests": [
        {"model": "models/fast", "content": {"parts": [{"text": "a", "zz": 1}]}, "title": "A", "taskType": "RETRIEVAL_QUERY"},
        {"model": "models/fast", "content": {"parts": [{"text": "b"}], "zz": 2}, "outputDimensionality": 4, "zz": null},
    ], "zz": [3]});
    let single =
        json!({"content": {"parts": [{"fileData": {"fileUri": "files/x"}}]}, "title": "T", "model": "models/fast"});
    for (method, asked_for) in [("batchEmbedContents", of_two()), ("batchEmbedContents", odd), ("embedContent", single)]
    {
        let (request, _) = asked(method, &asked_for).unwrap();
        let sent = sent(Protocol::Gemini, &request, "fast", false).unwrap();
        assert_eq!(body(&sent), asked_for);
        assert_eq!(sent.path, format!("/v1beta/models/fast:{method}"));
    }
}

#[test]
fn others_are_asked_the_same_and_refuse_by_name_what_they_lack() {
    let plain = json!({"requests": [
        {"model": "models/fast", "content": {"role": "user", "parts": [{"text": "a"}]}, "outputDimensionality": 8},
    ]});
    let (request, _) = asked("batchEmbedContents", &plain).unwrap();
    let sent_on = sent(Protocol::OpenAiChat, &request, "text-embedding-3-small", false).unwrap();
    assert_eq!(body(&sent_on), json!({"model": "text-embedding-3-small", "input": "a", "dimensions": 8}));
    let (request, _) = asked("batchEmbedContents", &of_two()).unwrap();
    let voyage = sent(Protocol::Voyage, &request, "voyage-4", false).unwrap();
    assert_eq!(body(&voyage)["input_type"], "query");
    let mut titled = plain;
    titled["requests"][0]["title"] = json!("T");
    let (request, _) = asked("batchEmbedContents", &titled).unwrap();
    let refused = sent(Protocol::OpenAiChat, &request, "text-embedding-3-small", false).unwrap_err();
    assert_eq!(refused.param(), Some("title"), "{refused}");
}

#[test]
fn vertex_is_asked_in_its_own_forms() {
    let (request, _) = asked("batchEmbedContents", &of_two()).unwrap();
    let older = sent(Protocol::Gemini, &request, "text-embedding-005", true).unwrap();
    let instance = |text: &str| json!({"content": text, "task_type": "RETRIEVAL_QUERY"});
    let want = json!({"instances": [instance("a"), instance("b")], "parameters": {"outputDimensionality": 8}});
    assert_eq!(body(&older), want);
    let refused = sent(Protocol::Gemini, &request, "gemini-embedding-2", true).unwrap_err();
    assert!(refused.message().contains("one input"), "{refused}");
}

#[test]
fn what_is_missing_is_said_by_name() {
    for (method, body, param) in [
        ("batchEmbedContents", json!({}), "requests"),
        ("batchEmbedContents", json!({"requests": []}), "requests"),
        ("batchEmbedContents", json!({"requests": [{}]}), "requests[0].content"),
        ("batchEmbedContents", json!({"requests": [{"content": {}}]}), "requests[0].content.parts"),
        ("embedContent", json!({"content": {"parts": [1]}}), "content.parts[0]"),
        ("embedContent", json!({"content": {"parts": []}, "taskType": 1}), "taskType"),
    ] {
        let error = asked(method, &body).unwrap_err();
        assert_eq!(error.param(), Some(param), "{error}");
    }
}

#[test]
fn answers_come_in_the_form_that_was_asked_for() {
    let vector = |index, number: f64| Embedding::new(index, Vector::Numbers(vec![json!(number)]));
    let foreign = EmbedAnswer {
        embeddings: vec![vector(0, 0.5), vector(1, 0.25)],
        usage: Some(Usage::default().with(Meter::Input, 7)),
        ..EmbedAnswer::default()
    };
    let cx = |method: &str| AnswerContext { form: Some(method.to_owned()), ..AnswerContext::default() };
    let written = |method, answer: &EmbedAnswer| -> Value {
        serde_json::from_slice(&Downstream::<Embed>::encode_answer(&GeminiApi, &cx(method), answer).unwrap()).unwrap()
    };
    let many = written("batchEmbedContents", &foreign);
    let want = json!({"embeddings": [{"values": [0.5]}, {"values": [0.25]}], "usageMetadata": {"promptTokenCount": 7}});
    assert_eq!(many, want);
    let one = EmbedAnswer { embeddings: vec![vector(0, 0.5)], ..EmbedAnswer::default() };
    assert_eq!(written("embedContent", &one), json!({"embedding": {"values": [0.5]}}));
    let told = json!({"predictions": [{"embeddings": {"values": [0.5], "statistics": {"token_count": 3}}}], "zz": 1});
    let of_vertex = Upstream::<Embed>::decode_answer(
        &GeminiApi,
        &DecodeContext::default(),
        &ResponseHead::default(),
        told.to_string().as_bytes(),
    );
    let of_vertex = of_vertex.unwrap();
    let want = json!({"embeddings": [{"values": [0.5]}], "usageMetadata": {"promptTokenCount": 3}, "zz": 1});
    assert_eq!(written("batchEmbedContents", &of_vertex), want);
    assert_eq!(written("predict", &of_vertex), told);
}

#[test]
fn bytes_pass_with_only_the_models_edited() {
    let passes = |body: &str| {
        before("up-1", false, |target| Passing.can_pass(target, &head("batchEmbedContents"), body.as_bytes()))
    };
    let asked = "{ \"requests\": [ {\"model\" : \"models/fast\", \"content\":{\"parts\":[{\"text\":\"a: \\\" b\"}]}},\n {\"content\":{}} ] }";
    assert!(passes(asked));
    let edits = Edits { model: Some("up-1".to_owned()), ..Edits::default() };
    let edited = Passing.edit(&Bytes::from(asked), &edits).unwrap();
    assert_eq!(edited, asked.replace("models/fast", "models/up-1"));
    assert!(!passes("{\"requests\":[{\"model\":\"models/other\"}]}"));
    assert!(!passes("{\"requests\":[{\"content\":{},\"content\":{}}]}"));
    let at_vertex = before("up-1", true, |target| Passing.can_pass(target, &head("embedContent"), b"{}"));
    assert!(!at_vertex);
    let mut address = before("up-1", false, |target| Passing.address(target)).unwrap();
    Passing.follow(&head("embedContent"), &mut address);
    assert_eq!(address.path, "/v1beta/models/up-1:embedContent");
}

#[test]
fn files_are_seen_wherever_they_are_named() {
    let body = json!({"content": {"parts": [
        {"fileData": {"fileUri": "files/one"}}, {"text": "x", "file_data": {"file_uri": "files/two"}},
    ]}});
    let skim = Passing.skim(&head("embedContent"), body.to_string().as_bytes()).unwrap();
    let ids: Vec<_> = skim.stored.iter().map(|stored| stored.id.as_str()).collect();
    assert_eq!(ids, ["one", "two"]);
}
