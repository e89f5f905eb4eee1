//! What a request names that a provider stores, in every place of every protocol: another key's is a 404 in the caller's
//! own envelope and reaches nobody, one's own goes to the deployment that made it.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use llm_gateway::record::ObjectKind;
use llm_gateway::store::query;
use llm_tests::live::{Answer, Script, Seen, TestGateway, Upstream, anthropic, openai};
use serde_json::{Value, json};

struct Scene {
    upstream: Upstream,
    gateway: TestGateway,
}

/// What an Anthropic machine leaves behind, whole and streamed.
fn container(streamed: bool) -> Script {
    let mut answer = anthropic::answer("Done", 3, 2);
    let made = json!({"type": "bash_code_execution_tool_result", "tool_use_id": "t", "content": {
        "type": "bash_code_execution_result", "stdout": "", "stderr": "", "return_code": 0,
        "content": [{"type": "bash_code_execution_output", "file_id": "file_made"}],
    }});
    let container = json!({"id": "container_1", "expires_at": "2030-01-01T00:00:00Z"});
    if !streamed {
        answer["container"] = container;
        answer["content"].as_array_mut().unwrap().push(made);
        return Script::json(200, &answer);
    }
    let mut begun = answer.clone();
    begun["content"] = json!([]);
    let event = |event: Value| anthropic::event(&event);
    Script::sse([
        event(json!({"type": "message_start", "message": begun})),
        event(json!({"type": "content_block_start", "index": 0, "content_block": made})),
        event(json!({"type": "content_block_stop", "index": 0})),
        event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "container": container},
            "usage": {"output_tokens": 2}})),
        event(json!({"type": "message_stop"})),
    ])
}

fn answer(seen: &Seen) -> Script {
    let request = if seen.body.starts_with(b"{") { seen.json() } else { Value::Null };
    match seen.path.as_str() {
        "/v1/messages/count_tokens" => Script::json(200, &json!({"input_tokens": 3})),
        "/v1/messages" => container(request["stream"] == true),
        "/chat/completions" => openai::echo(&request, &["Hi"], 3),
        "/images/edits" | "/images/generations" => {
            Script::json(200, &json!({"created": 1, "data": [{"b64_json": "aGk="}]}))
        }
        "/audio/transcriptions" => {
            Script::json(200, &json!({"text": "Ahoy", "usage": {"type": "duration", "seconds": 3}}))
        }
        "/moderations" => Script::json(200, &json!({"id": "m", "model": "m", "results": []})),
        path if path.starts_with("/conversations") => {
            Script::json(200, &json!({"id": "conv_new", "object": "conversation"}))
        }
        path if path.contains("enerateContent") => Script::json(
            200,
            &json!({
                "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP", "index": 0}],
                "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
            }),
        ),
        _ => Script::json(
            200,
            &json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
            "model": "m", "output": [], "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}}),
        ),
    }
}

impl Scene {
    async fn new() -> Self {
        let upstream = Upstream::start(answer).await;
        let url = &upstream.url;
        let mut config = String::new();
        for protocol in ["openai-chat", "openai-responses", "anthropic", "gemini", "mistral"] {
            for place in ["a", "b"] {
                config.push_str(&format!(
                    "[providers.{protocol}-{place}]\nprotocol = \"{protocol}\"\nbase_url = \"{url}\"\napi_key = \"up-{place}\"\n"
                ));
            }
            let priced =
                |place| format!("{{ model = \"{protocol}-{place}:m\", price = {{ input = \"1\", output = \"2\" }} }}");
            config.push_str(&format!(
                "[[models]]\nname = \"{protocol}\"\nstrategy = \"priority\"\ndeployments = [{}, {}]\n",
                priced("a"),
                priced("b")
            ));
        }
        let gateway = TestGateway::start(&config).await;
        Self { upstream, gateway }
    }

    /// Notes, as a call would, that something was made for a key at the second place of a protocol.
    async fn made(&self, key: &str, protocol: &str, kind: ObjectKind, id: &str) {
        let keys = self.gateway.gateway.keys().list(None, 10, |_| true);
        let own = keys.into_iter().find(|known| key.starts_with(&known.prefix)).unwrap();
        let sql = "INSERT INTO objects (key, id, kind, provider, deployment, made_at, detail)
            VALUES ($1, $2, $3, $4, $5, 1, 'null')";
        let place = format!("{protocol}-b");
        let insert = query(sql).bind(own.id.as_str()).bind(id).bind(kind.as_str());
        insert.bind(&place).bind(format!("{place}:m")).execute(self.gateway.gateway.db()).await.unwrap();
    }
}

/// Each place: the callers' protocol and path, the upstream's protocol, the kind of the thing, and a request that names
/// it as `ID`.
fn places() -> Vec<(&'static str, &'static str, &'static str, ObjectKind, Value)> {
    use ObjectKind::{Container, Conversation, File, Item, Response};
    let chat = |part: Value| json!({"model": "openai-chat", "messages": [{"role": "user", "content": [part]}]});
    let response = |members: Value| {
        let mut body = json!({"model": "openai-responses", "input": "Hello"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    let said = |part: Value| response(json!({"input": [{"role": "user", "content": [part]}]}));
    let tool = |tool: Value| response(json!({"tools": [tool]}));
    let message = |block: Value| json!({"model": "anthropic", "max_tokens": 9, "messages": [{"role": "user", "content": [block]}]});
    let contained = |container: Value| json!({"model": "anthropic", "max_tokens": 9, "container": container, "messages": [{"role": "user", "content": "x"}]});
    let file = json!({"type": "file", "file_id": "ID"});
    let native = |model: &str, members: Value| {
        let mut body =
            json!({"model": model, "messages": [{"role": "user", "parts": [{"type": "text", "text": "x"}]}]});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    let media = json!({"type": "media", "kind": "document", "source": {"at": "file", "id": "ID"}});
    let own = |members: Value| json!({"native": {"protocol": "openai-responses", "members": members}});
    let item = |item: Value| response(json!({"input": [item]}));
    let edit = |members: Value| {
        let mut body =
            json!({"model": "openai-chat", "prompt": "x", "images": [{"image_url": "https://i.example/1.png"}]});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    let picture = json!({"source": {"at": "file", "id": "ID"}});
    let (edits, generations, natively_made) = ("/v1/images/edits", "/v1/images/generations", "/api/v1/call/images");
    let (openai, responses, anthropic) = ("/v1/chat/completions", "/v1/responses", "/v1/messages");
    let (count, natively) = ("/v1/messages/count_tokens", "/api/v1/call/chat");
    let gemini = "/v1beta/models/gemini:generateContent";
    let mut counted = message(json!({"type": "document", "source": file}));
    counted.as_object_mut().unwrap().remove("max_tokens");
    vec![
        ("openai", openai, "openai-chat", File, chat(json!({"type": "file", "file": {"file_id": "ID"}}))),
        ("openai", openai, "openai-chat", File, chat(json!({"type": "file", "file_id": "ID"}))),
        ("openai", openai, "openai-chat", File, chat(json!({"type": "image_url", "image_url": {"file_id": "ID"}}))),
        ("openai", edits, "openai-chat", File, edit(json!({"images": [{"file_id": "ID"}]}))),
        ("openai", edits, "openai-chat", File, edit(json!({"mask": {"file_id": "ID"}}))),
        (
            "openai",
            edits,
            "openai-chat",
            File,
            edit(json!({"images": [{"image_url": "https://i.example/1.png", "file_id": "ID"}]})),
        ),
        ("openai", edits, "openai-chat", File, edit(json!({"image": {"file_id": "ID"}}))),
        ("openai", generations, "openai-chat", File, edit(json!({"images": [{"file_id": "ID"}]}))),
        (
            "openai",
            natively_made,
            "openai-chat",
            File,
            json!({"model": "openai-chat", "prompt": "x", "images": [picture],
                "native": {"protocol": "openai-chat", "members": {"images": []}}}),
        ),
        (
            "openai",
            "/api/v1/call/transcribe",
            "mistral",
            File,
            json!({"model": "mistral", "native": {"protocol": "mistral", "members": {"file_id": "ID"}}}),
        ),
        (
            "openai",
            "/v1/moderations",
            "openai-chat",
            File,
            json!({"model": "openai-chat", "input": [
                {"type": "image_url", "image_url": {"url": "https://i.example/1.png", "file_id": "ID"}}]}),
        ),
        ("openai", responses, "openai-responses", File, said(json!({"type": "input_file", "file_id": "ID"}))),
        ("openai", responses, "openai-responses", File, said(json!({"type": "input_image", "file_id": "ID"}))),
        ("openai", responses, "openai-responses", Response, response(json!({"previous_response_id": "ID"}))),
        ("openai", responses, "openai-responses", Conversation, response(json!({"conversation": "ID"}))),
        (
            "openai",
            responses,
            "openai-responses",
            Item,
            response(json!({"input": [{"type": "item_reference", "id": "ID"}]})),
        ),
        ("openai", responses, "openai-responses", Item, item(json!({"id": "ID"}))),
        ("openai", responses, "openai-responses", Item, item(json!({"type": null, "id": "ID"}))),
        ("openai", responses, "openai-responses", Item, item(json!({"id": "ID", "role": null, "content": null}))),
        (
            "openai",
            responses,
            "openai-responses",
            File,
            item(json!({"type": "computer_call_output", "call_id": "c",
                "output": {"type": "computer_screenshot", "file_id": "ID"}})),
        ),
        (
            "openai",
            responses,
            "openai-responses",
            File,
            response(json!({"prompt": {"id": "pmpt_1", "variables": {"x": {"type": "input_file", "file_id": "ID"}}}})),
        ),
        (
            "openai",
            responses,
            "openai-responses",
            Container,
            tool(json!({"type": "shell", "environment": {"type": "container_reference", "container_id": "ID"}})),
        ),
        (
            "openai",
            responses,
            "openai-responses",
            Container,
            tool(json!({"type": "code_interpreter", "container": "ID"})),
        ),
        (
            "openai",
            responses,
            "openai-responses",
            File,
            tool(json!({"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["ID"]}})),
        ),
        (
            "openai",
            responses,
            "openai-responses",
            File,
            tool(json!({"type": "file_search", "vector_store_ids": ["ID"]})),
        ),
        (
            "openai",
            responses,
            "openai-responses",
            File,
            tool(json!({"type": "image_generation", "input_image_mask": {"file_id": "ID"}})),
        ),
        ("anthropic", anthropic, "anthropic", File, message(json!({"type": "document", "source": file}))),
        ("anthropic", anthropic, "anthropic", File, message(json!({"type": "image", "source": file}))),
        ("anthropic", anthropic, "anthropic", File, message(json!({"type": "container_upload", "file_id": "ID"}))),
        ("anthropic", anthropic, "anthropic", Container, contained(json!("ID"))),
        ("anthropic", anthropic, "anthropic", Container, contained(json!({"id": "ID", "skills": []}))),
        ("anthropic", count, "anthropic", File, counted),
        (
            "gemini",
            gemini,
            "gemini",
            File,
            json!({"contents": [{"parts": [
            {"fileData": {"mimeType": "image/png", "fileUri": "https://g.example/v1beta/files/ID"}}]}]}),
        ),
        ("gemini", gemini, "gemini", File, json!({"cachedContent": "ID", "contents": [{"parts": [{"text": "x"}]}]})),
        (
            "openai",
            natively,
            "openai-chat",
            File,
            native("openai-chat", json!({"messages": [{"role": "user", "parts": [media]}]})),
        ),
        (
            "openai",
            natively,
            "openai-responses",
            Response,
            native("openai-responses", own(json!({"previous_response_id": "ID"}))),
        ),
    ]
}

fn not_found(protocol: &str, answer: &Answer) {
    assert!(is_not_found(protocol, answer), "{} {}", answer.status, answer.text);
}

fn is_not_found(protocol: &str, answer: &Answer) -> bool {
    let body = answer.json();
    let said = match protocol {
        "anthropic" => {
            (body["type"].as_str(), body["error"]["type"].as_str()) == (Some("error"), Some("not_found_error"))
        }
        "gemini" => body["error"]["status"] == "NOT_FOUND",
        _ => {
            body["error"]["code"] == "not_found" || body["kind"] == "not_found" || body["error"]["kind"] == "not_found"
        }
    };
    answer.status == 404 && said
}

#[tokio::test]
async fn what_another_key_made_does_not_exist_wherever_it_is_named() {
    let mut wrong = Vec::new();
    for (place, (envelope, path, protocol, kind, body)) in places().into_iter().enumerate() {
        let scene = Scene::new().await;
        let (own, other) = (scene.gateway.key(json!({})).await, scene.gateway.key(json!({})).await);
        let id = format!("thing_{place}");
        scene.made(&own, protocol, kind, &id).await;
        let body = body.to_string().replace("ID", &id);
        let others = scene.gateway.post(path, &other, body.clone()).await;
        let unknown = scene.gateway.post(path, &own, body.replace(&id, &format!("{id}0"))).await;
        if !is_not_found(envelope, &others) || !is_not_found(envelope, &unknown) || !scene.upstream.seen().is_empty() {
            wrong.push(format!("{path} {body} is another's: {} {}", others.status, others.text));
            continue;
        }
        let answer = scene.gateway.post(path, &own, body.clone()).await;
        if answer.status != 200 {
            wrong.push(format!("{path} {body} is the key's own: {} {}", answer.status, answer.text));
            continue;
        }
        let sent = scene.upstream.last();
        let key =
            ["authorization", "x-api-key", "x-goog-api-key"].iter().find_map(|name| sent.headers.get(*name)).unwrap();
        if !key.to_str().unwrap().ends_with("up-b") {
            wrong.push(format!("{path} {body} went to {key:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_a_conversation_is_made_of_is_checked_like_a_request() {
    let scene = Scene::new().await;
    let (own, other) = (scene.gateway.key(json!({})).await, scene.gateway.key(json!({})).await);
    let known = [("file_1", ObjectKind::File), ("msg_1", ObjectKind::Item), ("conv_1", ObjectKind::Conversation)];
    for (id, kind) in known {
        scene.made(&own, "openai-responses", kind, id).await;
    }
    scene.made(&other, "openai-responses", ObjectKind::Conversation, "conv_2").await;
    let message = json!({"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]});
    for item in [message, json!({"type": "item_reference", "id": "msg_1"}), json!({"id": "msg_1"})] {
        let before = scene.upstream.seen().len();
        let new = json!({"items": [item]});
        let mut placed = new.clone();
        placed["model"] = json!("openai-responses-b:m");
        not_found("openai", &scene.gateway.post("/v1/conversations", &other, placed.to_string()).await);
        not_found("openai", &scene.gateway.post("/v1/conversations", &other, new.to_string()).await);
        not_found("openai", &scene.gateway.post("/v1/conversations/conv_2/items", &other, new.to_string()).await);
        assert_eq!(scene.upstream.seen().len(), before, "{item}");
        // Where nobody says where it is made, what it is made of does.
        for (path, body) in
            [("/v1/conversations", &placed), ("/v1/conversations", &new), ("/v1/conversations/conv_1/items", &new)]
        {
            let answer = scene.gateway.post(path, &own, body.to_string()).await;
            assert_eq!(answer.status, 200, "{path} {body} {}", answer.text);
            let key = scene.upstream.last().headers["authorization"].clone();
            assert!(key.to_str().unwrap().ends_with("up-b"), "{path} {body} went to {key:?}");
        }
        let mut elsewhere = new.clone();
        elsewhere["model"] = json!("openai-responses-a:m");
        let refused = scene.gateway.post("/v1/conversations", &own, elsewhere.to_string()).await;
        assert_eq!((refused.status.as_u16(), refused.json()["error"]["param"].as_str()), (400, Some("items")));
    }
    let before = scene.upstream.seen().len();
    for odd in [r#"{"items":[{"id":"x"}],"items":[]}"#, r#"{"items":"x"}"#, "[]", "nonsense"] {
        let refused = scene.gateway.post("/v1/conversations/conv_2/items", &other, odd).await;
        assert_eq!(refused.status, 400, "{odd} {}", refused.text);
    }
    assert_eq!(scene.upstream.seen().len(), before);
}

#[tokio::test]
async fn a_form_that_names_a_file_is_checked_like_json() {
    let scene = Scene::new().await;
    let (own, other) = (scene.gateway.key(json!({})).await, scene.gateway.key(json!({})).await);
    scene.made(&own, "openai-chat", ObjectKind::File, "file_1").await;
    let cases = [
        ("/v1/audio/transcriptions", "file_id"),
        ("/v1/images/edits", "mask[file_id]"),
        ("/v1/images/edits", "images[][file_id]"),
        ("/v1/images/edits", "file_ids[]"),
    ];
    for (path, name) in cases {
        let form = format!(
            "--cut\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nopenai-chat\r\n--cut\r\n\
             Content-Disposition: form-data; name=\"prompt\"\r\n\r\nx\r\n--cut\r\n\
             Content-Disposition: form-data; name=\"{name}\"\r\n\r\nfile_1\r\n--cut--\r\n"
        );
        for (key, status) in [(&other, 404), (&own, 200)] {
            let request = scene.gateway.http().post(format!("{}{path}", scene.gateway.url)).bearer_auth(key);
            let request = request.header("content-type", "multipart/form-data; boundary=cut").body(form.clone());
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{name} {}", answer.text().await.unwrap());
        }
    }
    assert_eq!(scene.upstream.seen().len(), cases.len());
}

#[tokio::test]
async fn a_file_at_google_is_checked_whoever_names_it() {
    let scene = Scene::new().await;
    let key = scene.gateway.key(json!({})).await;
    let uri = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    let chat = json!({"model": "gemini", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": uri}}]}]});
    not_found("openai", &scene.gateway.post("/v1/chat/completions", &key, chat.to_string()).await);
    let message = json!({"model": "gemini", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "url", "url": uri}}]}]});
    not_found("anthropic", &scene.gateway.post("/v1/messages", &key, message.to_string()).await);
    assert!(scene.upstream.seen().is_empty());
}

#[tokio::test]
async fn the_machines_and_files_of_an_answer_are_its_keys() {
    for stream in [false, true] {
        let scene = Scene::new().await;
        let (own, other) = (scene.gateway.key(json!({})).await, scene.gateway.key(json!({})).await);
        let body = |members: Value| {
            let mut body = json!({"model": "anthropic", "max_tokens": 9, "stream": stream,
                "messages": [{"role": "user", "content": "x"}]});
            body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            body.to_string()
        };
        assert_eq!(scene.gateway.post("/v1/messages", &own, body(json!({}))).await.status, 200);
        let upload = json!([{"role": "user", "content": [{"type": "container_upload", "file_id": "file_made"}]}]);
        for named in [json!({"container": "container_1"}), json!({"messages": upload})] {
            not_found("anthropic", &scene.gateway.post("/v1/messages", &other, body(named.clone())).await);
            assert_eq!(scene.gateway.post("/v1/messages", &own, body(named)).await.status, 200);
        }
    }
}
