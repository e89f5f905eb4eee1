//! Containers at Amazon SageMaker: whole, streamed in its messages, and broken off, in process and through a gateway.

use llm_core::{ChatRequest, ErrorKind};
use llm_gateway::record::CallStatus;
use llm_providers::framing::{AwsMessage, write_aws_message};
use llm_tests::live::{Piece, Script, Seen, TestGateway, Upstream, openai};
use serde_json::json;

/// What a container streams, cut where nothing ends, each piece in a message of its own.
fn wrapped(sent: &str) -> Script {
    let script = Script::body(200, "application/vnd.amazon.eventstream", "");
    let script = script.header("x-amzn-sagemaker-content-type", "text/event-stream; charset=utf-8");
    sent.as_bytes()
        .chunks(29)
        .fold(script, |script, piece| script.then(message(AwsMessage::Event, "PayloadPart", piece)))
}

fn message(kind: AwsMessage, name: &str, payload: &[u8]) -> Piece {
    let mut bytes = Vec::new();
    write_aws_message(kind, name, payload, &mut bytes);
    Piece::Bytes(bytes.into())
}

fn spoken(seen: &Seen) -> Script {
    let body = seen.json();
    match seen.path.as_str() {
        "/endpoints/my-llm/invocations" => Script::json(200, &openai::answer("Hi there", 20, 2)),
        "/endpoints/my-llm/invocations-response-stream" => {
            let chunk = |text: &str, finish| openai::chunk(&json!({"content": text}), finish);
            let begun = chunk("Hi", None) + &chunk(" there", None);
            if body["messages"][0]["content"] == "Break off" {
                let said = br#"{"Message": "the container is gone", "ErrorCode": "StreamBroken"}"#;
                return wrapped(&begun).then(message(AwsMessage::Exception, "ModelStreamError", said));
            }
            wrapped(&(begun + &chunk("", Some("stop")) + &openai::usage(20, 2) + "data: [DONE]\n\n"))
        }
        other => openai::error(404, "invalid", "not_found", &format!("nothing at {other}")),
    }
}

#[tokio::test]
async fn a_container_answers_whole_and_streamed() {
    let upstream = Upstream::start(spoken).await;
    let gateway = TestGateway::start(&format!(
        r#"
        [providers.sagemaker]
        api_key = "up"
        base_url = "{}"
        [[models]]
        name = "mine"
        retries = 0
        deployments = [{{ model = "sagemaker:my-llm", price = {{ input = "1", output = "2" }} }}]
        "#,
        upstream.url
    ))
    .await;
    let key = gateway.key(json!({})).await;
    let (alone, through) = (upstream.client(&[("sagemaker", "")]), gateway.client(&key));
    for (client, model) in [(&alone, "sagemaker:my-llm"), (&through, "mine")] {
        let ask = || ChatRequest::new(model).user("Hello");
        assert_eq!(client.chat(ask()).await.unwrap().text(), "Hi there");
        let streamed = client.chat_stream(ask()).await.unwrap().into_answer().await.unwrap();
        assert_eq!((streamed.text().as_str(), streamed.usage().total()), ("Hi there", 22));
        let mut broken = client.chat_stream(ChatRequest::new(model).user("Break off")).await.unwrap();
        let mut text = String::new();
        let error = loop {
            match broken.next().await.unwrap() {
                Ok(_) => text = broken.answer_so_far().text(),
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind(), text.as_str()), (ErrorKind::ProviderError, "Hi there"));
        assert!(error.message().contains("the container is gone"), "{error}");
    }
    // Bytes that pass are the container's own.
    let body = json!({"model": "mine", "messages": [{"role": "user", "content": "Hello"}], "stream": true});
    let passed = gateway.post("/v1/chat/completions", &key, body.to_string()).await;
    assert_eq!(passed.headers["content-type"], "text/event-stream");
    assert!(passed.text.starts_with("data: {") && passed.text.ends_with("data: [DONE]\n\n"), "{}", passed.text);
    let calls = gateway.calls_once(4).await;
    let costs = calls.iter().filter(|call| call.status == CallStatus::Ok).map(|call| call.cost_usd.unwrap().0);
    assert_eq!(costs.collect::<Vec<_>>(), [24_000; 3]);
}
