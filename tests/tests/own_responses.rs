//! Responses that the gateway keeps itself, for providers that keep none: gone on from, told, deleted, forgotten.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up must fail loudly")]

use http::Method;
use llm_core::NanoUsd;
use llm_gateway::store::query;
use llm_tests::live::{Answer, Script, TestGateway, Upstream, anthropic, not_found, openai};
use serde_json::{Value, json};

const STORE: &str = "[responses]\nstore = true";
const SIGNATURE: &str = "UHJvb2YtMQ==";

/// Three providers that keep nothing, each in a protocol of its own, and one that keeps responses.
struct Scene {
    upstream: Upstream,
    gateway: TestGateway,
    config: String,
}

/// Whatever is asked, in the protocol of the path; at length, where that is asked for.
fn answer(path: &str, request: &Value) -> Script {
    let is_streamed = request["stream"] == true;
    let long = format!(" there{}", ", and there".repeat(200));
    let words = ["Hi", if request.to_string().contains("at length") { &long } else { " there" }];
    let text = words.concat();
    match path {
        "/v1/messages" if is_streamed => anthropic::stream(&words, 3),
        "/v1/messages" => {
            let mut answer = anthropic::answer(&text, 3, 2);
            let thought = json!({"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE});
            answer["content"].as_array_mut().unwrap().insert(0, thought);
            Script::json(200, &answer)
        }
        "/chat/completions" => openai::echo(request, &words, 3),
        _ => {
            let id = format!("resp_theirs_{}", request["input"].as_array().map_or(0, Vec::len));
            let response = json!({
                "id": id, "object": "response", "created_at": 1, "status": "completed", "model": "m",
                "output": [{"id": format!("msg_{id}"), "type": "message", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": text, "annotations": []}]}],
                "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
            });
            if !is_streamed {
                return Script::json(200, &response);
            }
            let mut begun = response.clone();
            begun["status"] = json!("in_progress");
            begun["output"] = json!([]);
            let event = |kind: &str, response: &Value| {
                format!("event: {kind}\ndata: {}\n\n", json!({"type": kind, "response": response}))
            };
            Script::sse([event("response.created", &begun), event("response.completed", &response)])
        }
    }
}

impl Scene {
    async fn new(more: &str) -> Self {
        let upstream = Upstream::start(|seen| answer(&seen.path, &seen.json())).await;
        let url = &upstream.url;
        let price = "price = { input = \"1\", output = \"2\" }";
        let config = format!(
            r#"
            {more}
            [providers.claude]
            protocol = "anthropic"
            base_url = "{url}"
            [providers.chat]
            protocol = "openai-chat"
            base_url = "{url}"
            [providers.same]
            protocol = "openai-responses"
            base_url = "{url}"
            [providers.same.quirks]
            refuse = ["previous_response_id", "conversation", "background"]
            [providers.keeps]
            protocol = "openai-responses"
            base_url = "{url}"
            [[models]]
            name = "claude"
            deployments = [{{ model = "claude:m", {price} }}]
            [[models]]
            name = "chat"
            deployments = [{{ model = "chat:m", {price} }}]
            [[models]]
            name = "same"
            deployments = [{{ model = "same:m", {price} }}]
            "#
        );
        let gateway = TestGateway::start(&config).await;
        Self { upstream, gateway, config }
    }

    async fn ask(&self, key: &str, members: Value) -> Answer {
        let mut body = json!({"model": "claude", "input": "Hello"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.gateway.post("/v1/responses", key, body.to_string()).await
    }

    /// The response to a request that is answered, streamed or whole.
    async fn response(&self, key: &str, members: Value) -> Value {
        let answer = self.ask(key, members).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if !answer.text.contains("event: response.created") {
            return answer.json();
        }
        let events = answer.events();
        let end = events.iter().find(|event| event["type"] == "response.completed").unwrap();
        assert_eq!(events[0]["response"]["id"], end["response"]["id"]);
        end["response"].clone()
    }
}

fn id(response: &Value) -> &str {
    response["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_conversation_goes_on_from_what_was_kept() {
    let scene = Scene::new(STORE).await;
    let key = scene.gateway.key(json!({"limits": [{"meter": "spend", "window": "month", "amount": "1"}]})).await;
    for (model, stream) in
        [("claude", false), ("claude", true), ("chat", false), ("chat", true), ("same", false), ("same", true)]
    {
        let first = scene.response(&key, json!({"model": model, "stream": stream, "store": true})).await;
        let second = json!({
            "model": model, "stream": stream, "previous_response_id": id(&first), "instructions": "Be brief.",
            "input": [{"role": "user", "content": "And you?"}],
        });
        let second = scene.response(&key, second).await;
        let third = json!({"model": model, "stream": stream, "previous_response_id": id(&second), "input": "Bye"});
        let third = scene.response(&key, third).await;
        if model != "same" {
            assert_eq!(third["previous_response_id"], second["id"]);
            assert_eq!(third["store"], true);
        }
        let sent = scene.upstream.last().json();
        assert!(sent.get("previous_response_id").is_none() && sent.get("instructions").is_none(), "{sent}");
        let said = sent.get("messages").or(sent.get("input")).unwrap();
        let roles: Vec<_> = said.as_array().unwrap().iter().filter_map(|item| item["role"].as_str()).collect();
        assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"], "{model} {said}");
        let text = said.to_string();
        let words = ["Hello", "Hi there", "And you?", "Hi there", "Bye"];
        let ends = words.iter().try_fold(0, |from, word| Some(from + text[from..].find(word)? + word.len()));
        assert!(ends.is_some(), "{model} {text}");
        assert_eq!(text.contains(SIGNATURE), model == "claude" && !stream, "thoughts keep their proof: {text}");
    }
    // Every turn is metered like any other call.
    let calls = scene.gateway.calls_once(18).await;
    assert!(calls.iter().all(|call| call.cost_usd == Some(NanoUsd(7_000))), "{calls:?}");
}

#[tokio::test]
async fn a_conversation_goes_on_with_another_provider() {
    let scene = Scene::new(STORE).await;
    let key = scene.gateway.key(json!({})).await;
    let first = scene.response(&key, json!({})).await;
    let next = json!({"model": "chat", "previous_response_id": id(&first), "input": "And you?"});
    let next = scene.response(&key, next).await;
    let sent = scene.upstream.last().json();
    assert_eq!(sent["messages"].as_array().unwrap().len(), 3);
    assert!(!sent.to_string().contains(SIGNATURE), "nobody is sent another's proof: {sent}");
    // One that keeps responses is told everything that it can't know, and keeps its own answer.
    let kept = json!({"model": "keeps:m", "previous_response_id": id(&next), "input": "Bye"});
    let kept = scene.response(&key, kept).await;
    // But for the thought, whose proof is another's.
    assert_eq!(scene.upstream.last().json()["input"].as_array().unwrap().len(), 5);
    scene.response(&key, json!({"model": "keeps:m", "previous_response_id": id(&kept), "input": "Bye"})).await;
    assert_eq!(scene.upstream.last().json()["previous_response_id"], kept["id"]);
}

#[tokio::test]
async fn items_are_referred_to() {
    let scene = Scene::new(STORE).await;
    let key = scene.gateway.key(json!({})).await;
    let first = scene.response(&key, json!({})).await;
    let items: Vec<_> = first["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| json!({"type": "item_reference", "id": item["id"]}))
        .collect();
    assert_eq!(items.len(), 2);
    let mut input = vec![json!({"role": "user", "content": "Hello"})];
    input.extend(items.clone());
    input.push(json!({"role": "user", "content": "And you?"}));
    scene.response(&key, json!({"input": input})).await;
    let sent = scene.upstream.last().json();
    assert_eq!(sent["messages"][1]["content"][0]["signature"], SIGNATURE, "{sent}");
    let other = scene.gateway.key(json!({})).await;
    not_found(&scene.ask(&other, json!({"input": items})).await);
    scene.gateway.send(Method::DELETE, &format!("/v1/responses/{}", id(&first)), &key).await;
    not_found(&scene.ask(&key, json!({"input": items})).await);
}

#[tokio::test]
async fn it_is_told_again_and_deleted_by_its_key_alone() {
    let mut scene = Scene::new(STORE).await;
    let (own, other) = (scene.gateway.key(json!({})).await, scene.gateway.key(json!({})).await);
    for stream in [false, true] {
        let made = scene.response(&own, json!({"stream": stream})).await;
        let path = format!("/v1/responses/{}", id(&made));
        scene.gateway = scene.gateway.restart(&scene.config).await;
        let ways = [
            (Method::GET, path.clone()),
            (Method::GET, format!("{path}/input_items")),
            (Method::POST, format!("{path}/cancel")),
            (Method::DELETE, path.clone()),
        ];
        let before = scene.upstream.seen().len();
        for (method, path) in &ways {
            not_found(&scene.gateway.send(method.clone(), path, &other).await);
        }
        not_found(&scene.ask(&other, json!({"previous_response_id": made["id"]})).await);
        not_found(&scene.ask(&own, json!({"conversation": made["id"]})).await);

        let told = scene.gateway.get(&path, &own).await;
        assert_eq!(told.json(), made);
        assert!(told.headers.contains_key("x-request-id"));
        let items = scene.gateway.get(&format!("{path}/input_items?limit=1"), &own).await.json();
        assert_eq!((&items["data"][0]["type"], &items["has_more"]), (&json!("message"), &json!(false)));
        assert_eq!(items["data"][0]["content"], json!([{"type": "input_text", "text": "Hello"}]));
        for (wrong, param) in
            [("limit=0", "limit"), ("limit=101", "limit"), ("order=up", "order"), ("after=x", "after")]
        {
            let answer = scene.gateway.get(&format!("{path}/input_items?{wrong}"), &own).await;
            assert_eq!((answer.status.as_u16(), answer.json()["error"]["param"].as_str()), (400, Some(param)));
        }
        let cancelled = scene.gateway.send(Method::POST, &format!("{path}/cancel"), &own).await;
        assert_eq!(cancelled.status, 400);
        assert_eq!(scene.gateway.get(&format!("{path}?stream=true"), &own).await.status, 400);
        let deleted = scene.gateway.send(Method::DELETE, &path, &own).await;
        assert_eq!(deleted.json(), json!({"id": made["id"], "object": "response", "deleted": true}));
        for (method, path) in &ways {
            not_found(&scene.gateway.send(method.clone(), path, &own).await);
        }
        not_found(&scene.ask(&own, json!({"previous_response_id": made["id"]})).await);
        assert_eq!(scene.upstream.seen().len(), before, "nobody else is asked");
    }
    // Nothing of what was deleted is left.
    scene.gateway.gateway.flush().await.unwrap();
    let sql = "SELECT detail FROM objects WHERE kind = 'own_response'";
    let details = query(sql).all::<(String,)>(scene.gateway.gateway.db()).await.unwrap();
    assert_eq!(details, [("null".to_owned(),), ("null".to_owned(),)]);
    let calls = scene.gateway.calls().await;
    let deletes: Vec<_> = calls.iter().filter(|call| call.operation == "responses.delete").collect();
    assert!(deletes.len() >= 2 && deletes.iter().all(|call| call.cost_usd == Some(NanoUsd(0))));
}

#[tokio::test]
async fn what_a_deleted_turn_held_is_gone_from_those_behind_it() {
    let scene = Scene::new(STORE).await;
    let key = scene.gateway.key(json!({})).await;
    let first = scene.response(&key, json!({})).await;
    let second = scene.response(&key, json!({"previous_response_id": first["id"], "input": "And you?"})).await;
    scene.gateway.send(Method::DELETE, &format!("/v1/responses/{}", id(&first)), &key).await;
    let answer = scene.ask(&key, json!({"previous_response_id": second["id"]})).await;
    not_found(&answer);
    assert!(answer.text.contains(id(&first)) && answer.json()["error"]["param"] == "previous_response_id");
}

#[tokio::test]
async fn only_what_was_asked_for_is_kept() {
    let kept = async |scene: &Scene| {
        scene.gateway.gateway.flush().await.unwrap();
        let rows = query("SELECT count(*) FROM objects").all::<(i64,)>(scene.gateway.gateway.db()).await.unwrap();
        rows[0].0
    };
    // Off, nothing is.
    let scene = Scene::new("").await;
    let key = scene.gateway.key(json!({})).await;
    let made = scene.response(&key, json!({})).await;
    not_found(&scene.ask(&key, json!({"previous_response_id": made["id"]})).await);
    let wished = scene.ask(&key, json!({"store": true})).await;
    assert_eq!((wished.status.as_u16(), wished.json()["error"]["param"].as_str()), (400, Some("store")));
    assert_eq!(kept(&scene).await, 0);

    let scene = Scene::new(STORE).await;
    let key = scene.gateway.key(json!({})).await;
    for stream in [false, true] {
        let made = scene.response(&key, json!({"store": false, "stream": stream})).await;
        not_found(&scene.gateway.get(&format!("/v1/responses/{}", id(&made)), &key).await);
    }
    // Other callers than those of Responses have nothing to go on from.
    let chat = json!({"model": "chat", "messages": [{"role": "user", "content": "Hello"}]});
    scene.gateway.post("/v1/chat/completions", &key, chat.to_string()).await;
    assert_eq!(kept(&scene).await, 0);
}

#[tokio::test]
async fn what_is_too_large_to_keep_says_so_and_is_told_of_later() {
    let scene = Scene::new(&format!("{STORE}\nmax_size = \"1KiB\"")).await;
    let (key, other) = (scene.gateway.key(json!({})).await, scene.gateway.key(json!({})).await);
    for (model, stream) in [("claude", false), ("claude", true), ("same", false), ("same", true)] {
        for input in ["Tell me at length".to_owned(), "x".repeat(2_000)] {
            let is_known_before = input.len() > 1_000;
            let asked = json!({"model": model, "input": input, "stream": stream, "store": true});
            let answer = scene.ask(&key, asked.clone()).await;
            let way = format!("{model} {stream} {is_known_before}");
            let is_said = answer.headers.get("x-llm-dropped-params").is_some_and(|dropped| dropped == "store");
            assert_eq!(is_said, is_known_before || !stream, "{way}");
            let made = scene.response(&key, asked).await;
            assert_eq!((&made["store"], &made["status"]), (&json!(false), &json!("completed")), "{way} {made}");
            assert!(made["output"].to_string().contains("Hi there"), "{way} {made}");

            let why = "larger than what this gateway keeps";
            let path = format!("/v1/responses/{}", id(&made));
            let ways = [
                scene.gateway.get(&path, &key).await,
                scene.gateway.get(&format!("{path}/input_items"), &key).await,
                scene.gateway.send(Method::POST, &format!("{path}/cancel"), &key).await,
                scene.ask(&key, json!({"model": model, "previous_response_id": made["id"]})).await,
            ];
            for answer in ways {
                not_found(&answer);
                assert!(answer.text.contains(why), "{way} {}", answer.text);
            }
            let answer = scene.gateway.get(&path, &other).await;
            not_found(&answer);
            assert!(!answer.text.contains(why), "nobody else learns of it: {}", answer.text);
        }
    }
    // What was said is nowhere.
    scene.gateway.gateway.flush().await.unwrap();
    let details = query("SELECT detail FROM objects").all::<(String,)>(scene.gateway.gateway.db()).await.unwrap();
    assert!(!details.is_empty() && details.iter().all(|(detail,)| detail.len() < 100), "{details:?}");
}

#[tokio::test]
async fn a_conversation_has_a_bound() {
    let scene = Scene::new(&format!("max_body = \"4KiB\"\n{STORE}")).await;
    let key = scene.gateway.key(json!({})).await;
    let mut last = scene.response(&key, json!({"input": "x".repeat(1_500)})).await;
    last = scene.response(&key, json!({"input": "x".repeat(1_500), "previous_response_id": last["id"]})).await;
    let answer = scene.ask(&key, json!({"input": "x".repeat(1_500), "previous_response_id": last["id"]})).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"]["param"].as_str()), (413, Some("previous_response_id")));
}
