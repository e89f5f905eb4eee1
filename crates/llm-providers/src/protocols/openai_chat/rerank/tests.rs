use std::collections::BTreeMap;

use llm_core::Protocol;
use llm_core::codec::{Quirks, RequestHead, ResponseHead, Target};
use llm_core::rerank::Rerank;
use serde_json::{Value, json};

use crate::protocols::Spoken;

/// What is sent to a provider of `protocol` for a caller of this one, what stands in, and what the caller gets.
fn ranked(protocol: Protocol, asked: &Value, answered: &Value) -> (Value, Vec<String>, Value) {
    let (quirks, variables) = (Quirks::default(), BTreeMap::new());
    let target = Target {
        provider: "p",
        model: "cohere.m",
        version: None,
        quirks: &quirks,
        variables: &variables,
        stream: false,
        max_output: None,
        id_seed: "s",
    };
    let (ours, theirs) = (Rerank::codec(Protocol::OpenAiChat).unwrap(), Rerank::codec(protocol).unwrap());
    let (request, cx) = ours.decode_request(&RequestHead::default(), asked.to_string().as_bytes()).unwrap();
    let encoded = theirs.encode_request(&request, &target).unwrap();
    let answered = answered.to_string();
    let answer = theirs.decode_answer(&encoded.context, &ResponseHead::default(), answered.as_bytes()).unwrap();
    let told = serde_json::from_slice(&ours.encode_answer(&cx, &answer).unwrap()).unwrap();
    (serde_json::from_slice(&encoded.body).unwrap(), encoded.context.emulated_params(), told)
}

#[test]
fn documents_are_repeated_where_the_provider_repeats_none() {
    let answered = json!({"id": "1", "results": [
        {"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2}, {"index": 7, "relevance_score": 0.1},
    ]});
    let documents = json!(["a tree", {"text": "a ship", "flag": "Denmark"}]);
    let asked =
        |wanted: Value| json!({"model": "m", "query": "boats", "documents": documents, "return_documents": wanted});
    for protocol in [Protocol::Cohere, Protocol::Bedrock] {
        let (body, emulated, told) = ranked(protocol, &asked(json!(true)), &answered);
        assert_eq!((body.get("return_documents"), emulated), (None, vec!["return_documents".to_owned()]));
        assert_eq!(told["results"][0]["document"], documents[1], "{protocol}");
        assert_eq!(told["results"][1]["document"], json!({"text": "a tree"}), "{protocol}");
        assert_eq!(told["results"][2].get("document"), None, "{protocol}");
        for unwanted in [json!(false), Value::Null] {
            let (_, emulated, told) = ranked(protocol, &asked(unwanted), &answered);
            assert_eq!((emulated.len(), told["results"][0].get("document")), (0, None), "{protocol}");
        }
    }
    let (body, emulated, _) = ranked(Protocol::OpenAiChat, &asked(json!(true)), &answered);
    assert_eq!((&body["return_documents"], emulated.len()), (&json!(true), 0));
}
