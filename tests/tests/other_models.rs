//! Requests by which a provider would answer with another model than the one that is asked for: the gateway, which
//! admits and charges by the model's name, refuses them by name; an application in process may send them.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use llm_core::{Native, Protocol};
use llm_providers::ChatRequest;
use llm_tests::live::{Script, Seen, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};

fn answer(seen: &Seen) -> Script {
    match seen.path.as_str() {
        path if path.ends_with("/messages") => Script::json(200, &anthropic::answer("Hi", 3, 2)),
        path if path.ends_with("/responses") => Script::json(
            200,
            &json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
            "model": "m", "output": [], "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}}),
        ),
        _ => openai::echo(&seen.json(), &["Hi"], 3),
    }
}

/// A gateway to the providers that have such members, all at one place.
async fn scene(upstream: &Upstream) -> TestGateway {
    let providers = ["openrouter", "vercel", "anthropic", "openai", "litellm"];
    let mut config: String = providers
        .iter()
        .map(|id| format!("[providers.{id}]\napi_key = \"up\"\nbase_url = \"{}\"\n", upstream.url))
        .collect();
    // A provider of one's own says it for itself.
    config.push_str(&format!(
        "[providers.mine]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"\nother_models = [\"deep.model\"]\n",
        upstream.url
    ));
    // What is said of quirks replaces the row's, and takes nothing of this away.
    config.push_str("[providers.openrouter.quirks]\nno_done = true\n");
    TestGateway::start(&config).await
}

fn with(mut body: Value, members: &Value) -> String {
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body.to_string()
}

#[tokio::test]
async fn a_request_that_names_another_model_is_refused_by_name() {
    let upstream = Upstream::start(answer).await;
    let gateway = scene(&upstream).await;
    let key = gateway.key(json!({})).await;
    let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "x"}]});
    let response = |model: &str| json!({"model": model, "input": "x"});
    let message =
        |model: &str| json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]});
    let (chats, responses, messages, natively) =
        ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/v1/call/chat");
    let native = |model: &str, protocol: &str, members: Value| {
        json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "parts": [{"type": "text", "text": "x"}]}],
            "native": {"protocol": protocol, "members": members}})
    };
    let dear = json!({"models": ["dear"]});
    let advisor = json!({"tools": [{"type": "advisor_20260301", "name": "advisor", "model": "dear"}]});
    let cases = [
        (chats, with(chat("openrouter:cheap"), &dear), "models"),
        (chats, with(chat("openrouter:cheap"), &dear).replace("models", "mod\\u0065ls"), "models"),
        (chats, with(chat("openrouter:cheap"), &json!({"route": "fallback"})), "route"),
        (chats, with(chat("openrouter:cheap"), &json!({"preset": "dear"})), "preset"),
        (
            chats,
            with(
                chat("openrouter:cheap"),
                &json!({"tools": [{"type": "openrouter:advisor", "parameters": {"model": "dear"}}]}),
            ),
            "tools.parameters.model",
        ),
        (responses, with(response("openrouter:cheap"), &dear), "models"),
        (natively, native("openrouter:cheap", "openai-chat", dear.clone()).to_string(), "models"),
        (chats, with(chat("vercel:cheap"), &dear), "models"),
        (
            chats,
            with(chat("vercel:cheap"), &json!({"providerOptions": {"gateway": {"models": ["dear"]}}})),
            "providerOptions.gateway.models",
        ),
        (messages, with(message("vercel:cheap"), &dear), "models"),
        (chats, with(chat("litellm:cheap"), &json!({"fallbacks": ["dear"]})), "fallbacks"),
        (messages, with(message("anthropic:cheap"), &json!({"fallbacks": [{"model": "dear"}]})), "fallbacks"),
        (messages, with(message("anthropic:cheap"), &advisor), "tools.model"),
        (chats, with(chat("mine:cheap"), &json!({"deep": [{"model": "dear"}]})), "deep.model"),
    ];
    for (path, body, param) in &cases {
        let answer = gateway.post(path, &key, body.clone()).await;
        assert_eq!(answer.status, 400, "{path} {body} {}", answer.text);
        assert!(answer.text.contains(&format!("`{param}`")) && answer.text.contains("`fallbacks`"), "{}", answer.text);
    }
    let calls =
        json!({"requests": [{"custom_id": "1", "params": serde_json::from_str::<Value>(&cases[12].1).unwrap()}]});
    let batch = gateway.post("/v1/messages/batches", &key, calls.to_string()).await;
    assert!(batch.status == 400 && batch.text.contains("`tools.model`"), "{}", batch.text);
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn what_names_no_other_model_passes() {
    let upstream = Upstream::start(answer).await;
    let gateway = scene(&upstream).await;
    let key = gateway.key(json!({})).await;
    let chat = |model: &str, members: Value| {
        with(json!({"model": model, "messages": [{"role": "user", "content": "\"models\": 1"}]}), &members)
    };
    let tool = json!({"type": "function", "function": {"name": "models", "parameters": {
        "type": "object", "properties": {"models": {"type": "array"}, "route": {"type": "string"}}}}});
    let custom = json!({"name": "f", "input_schema": {"type": "object", "properties": {"model": {"type": "string"}}}});
    let message = json!({"model": "anthropic:m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}],
        "tools": [custom]});
    for (path, body) in [
        ("/v1/chat/completions", chat("openrouter:m", json!({"tools": [tool], "models": null}))),
        ("/v1/chat/completions", chat("openrouter:m", json!({"provider": {"order": ["a"], "allow_fallbacks": true}}))),
        ("/v1/chat/completions", chat("openai:m", json!({"models": ["x"]}))),
        ("/v1/messages", message.to_string()),
    ] {
        let answer = gateway.post(path, &key, body.clone()).await;
        assert_eq!(answer.status, 200, "{body} {}", answer.text);
    }
    assert_eq!(upstream.seen().len(), 4);
}

#[tokio::test]
async fn an_application_in_process_may_name_them() {
    let upstream = Upstream::start(answer).await;
    let client = upstream.client(&[("openrouter", "")]);
    let mut request = ChatRequest::new("openrouter:cheap").user("x");
    request.native = Native::NONE;
    request.native.insert(Protocol::OpenAiChat, "models", json!(["dear"]));
    client.chat(request).await.unwrap();
    assert_eq!(upstream.last().json()["models"], json!(["dear"]));
}
