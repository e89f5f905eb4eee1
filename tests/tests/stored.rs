//! What providers store, through a real gateway: whose it is, where a call goes that names it, and what it costs.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't be set up must fail loudly")]

use std::time::Duration;

use http::Method;
use llm_core::{Error, ErrorKind, Meter, NanoUsd, Protocol};
use llm_gateway::record::{CallRecord, CallStatus};
use llm_providers::registry::ProviderRow;
use llm_providers::{Client, MessagesRequest, Provider, ResponseRequest, StoredPage, Timeouts};
use llm_tests::live::{Answer, Keeper, Piece, Script, TestGateway, Upstream, not_found, openai};
use serde_json::{Value, json};

/// Two providers that keep responses, behind one name.
struct Scene {
    keepers: [Keeper; 2],
    upstreams: [Upstream; 2],
    gateway: TestGateway,
    config: String,
}

impl Scene {
    async fn new(more: &str) -> Self {
        let keepers = ["a", "b"].map(Keeper::new);
        let upstream = |keeper: &Keeper| {
            let keeper = keeper.clone();
            Upstream::start(move |seen| keeper.answer(seen))
        };
        let upstreams = [upstream(&keepers[0]).await, upstream(&keepers[1]).await];
        let config = format!(
            r#"
            {more}
            [providers.a]
            protocol = "openai-responses"
            base_url = "{}"
            [providers.b]
            protocol = "openai-responses"
            base_url = "{}"
            [[models]]
            name = "fast"
            strategy = "weighted"
            deployments = [
                {{ model = "a:m-1", price = {{ input = "1", output = "2" }} }},
                {{ model = "b:m-2", price = {{ input = "1", output = "2" }} }},
            ]
            "#,
            upstreams[0].url, upstreams[1].url
        );
        let gateway = TestGateway::start(&config).await;
        Self { keepers, upstreams, gateway, config }
    }

    async fn restarted(mut self) -> Self {
        self.gateway = self.gateway.restart(&self.config).await;
        self
    }

    async fn respond(&self, key: &str, members: Value) -> Answer {
        let mut body = json!({"model": "fast", "input": "Hello"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.gateway.post("/v1/responses", key, body.to_string()).await
    }

    /// Makes a response and gives its id.
    async fn made(&self, key: &str, members: Value) -> String {
        let answer = self.respond(key, members).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Whose upstream made a response, 0 or 1.
    fn maker(id: &str) -> usize {
        usize::from(id.contains("_b"))
    }

    fn asked(&self) -> usize {
        self.upstreams.iter().map(|upstream| upstream.seen().len()).sum()
    }

    /// What the first limit of the first key has counted as used, and holds for calls under way.
    fn counted(&self) -> (i64, i64) {
        let gateway = &self.gateway.gateway;
        let key = gateway.keys().list(None, 1, |_| true).remove(0);
        let status = gateway.ledger().statuses(gateway.now_ms(), &key.scope()).remove(0);
        (status.used, status.reserved)
    }

    /// The records of calls that made a response, once there are `count`.
    async fn chats(&self, count: usize) -> Vec<CallRecord> {
        for _ in 0..400 {
            let calls = self.gateway.calls().await;
            let chats: Vec<_> = calls.into_iter().filter(|call| call.operation == "chat").collect();
            if chats.len() >= count {
                return chats;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{count} records of responses were awaited");
    }
}

#[tokio::test]
async fn a_response_is_its_keys_alone() {
    let scene = Scene::new("").await;
    let (own, other) = (scene.gateway.key(json!({})).await, scene.gateway.key(json!({})).await);
    let id = scene.made(&own, json!({})).await;
    let ways = [
        (Method::GET, format!("/v1/responses/{id}")),
        (Method::GET, format!("/v1/responses/{id}/input_items?limit=2&order=asc")),
        (Method::GET, format!("/v1/responses/{id}?stream=true")),
        (Method::POST, format!("/v1/responses/{id}/cancel")),
        (Method::DELETE, format!("/v1/responses/{id}")),
    ];
    let before = scene.asked();
    for (method, path) in &ways {
        not_found(&scene.gateway.send(method.clone(), path, &other).await);
        not_found(&scene.gateway.send(method.clone(), &path.replace(&id, "resp_nobodys"), &own).await);
        not_found(&scene.gateway.send(method.clone(), &path.replace(&id, "..%2Fconversations"), &own).await);
    }
    for named in [
        json!({"previous_response_id": id}),
        json!({"input": [{"type": "item_reference", "id": id.replace("resp_", "msg_")}]}),
        json!({"tools": [{"type": "code_interpreter", "container": id.replace("resp_", "cntr_")}]}),
        json!({"conversation": id}),
    ] {
        let answer = scene.respond(&other, named).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
    assert_eq!(scene.asked(), before, "nothing of it reaches a provider");
    for (method, path) in &ways {
        let answer = scene.gateway.send(method.clone(), path, &own).await;
        assert_eq!(answer.status, 200, "{path} {}", answer.text);
        assert!(answer.headers.contains_key("x-request-id") && answer.headers.contains_key("x-llm-deployment"));
    }
    let sent = scene.upstreams[Scene::maker(&id)].seen();
    assert_eq!(sent[2].path, format!("/responses/{id}/input_items?limit=2&order=asc"));
    // Deleted is deleted, for every way and for good.
    for (method, path) in &ways {
        not_found(&scene.gateway.send(method.clone(), path, &own).await);
    }
    assert_eq!(scene.respond(&own, json!({"previous_response_id": id})).await.status, 404);
    let calls = scene.gateway.calls_once(6).await;
    let kept: Vec<_> = calls.iter().skip(1).collect();
    let names: Vec<_> = kept.iter().map(|call| &*call.operation).collect();
    let all = ["retrieve", "input_items", "retrieve", "cancel", "delete"].map(|name| format!("responses.{name}"));
    assert_eq!(names, all);
    for call in kept {
        assert_eq!((call.cost_usd, call.usage.total(), call.status), (Some(NanoUsd(0)), 0, CallStatus::Ok));
    }
}

#[tokio::test]
async fn what_names_a_response_goes_to_who_made_it() {
    let scene = Scene::new("").await;
    let key = scene.gateway.key(json!({})).await;
    for turn in 0..12 {
        let id = scene.made(&key, json!({})).await;
        let maker = Scene::maker(&id);
        let named = match turn % 3 {
            0 => json!({"previous_response_id": id}),
            1 => json!({"input": [{"type": "item_reference", "id": id.replace("resp_", "msg_")}]}),
            _ => json!({"tools": [{"type": "code_interpreter", "container": id.replace("resp_", "cntr_")}]}),
        };
        let next = scene.made(&key, named.clone()).await;
        assert_eq!(Scene::maker(&next), maker, "{named}");
        // Also where another provider's model is asked for: only the maker has it.
        let mut other = named;
        other["model"] = json!(["b:m-2", "a:m-1"][maker]);
        assert_eq!(Scene::maker(&scene.made(&key, other).await), maker);
        // And the model that is asked for, where the maker's provider has it.
        let mut same = json!({"previous_response_id": id});
        same["model"] = json!(["a:m-9", "b:m-9"][maker]);
        assert_eq!(Scene::maker(&scene.made(&key, same).await), maker);
        assert_eq!(scene.upstreams[maker].last().json()["model"], "m-9");
    }
    let (first, second) =
        (scene.made(&key, json!({"model": "a:m-1"})).await, scene.made(&key, json!({"model": "b:m-2"})).await);
    let both = json!({
        "previous_response_id": first, "input": [{"type": "item_reference", "id": second.replace("resp_", "msg_")}]
    });
    assert_eq!(scene.respond(&key, both).await.status, 400);
    // A list of models holds for who is asked in the end, too.
    let narrow = scene.gateway.key(json!({"models": ["a:*"]})).await;
    let id = scene.made(&narrow, json!({"model": "a:m-1"})).await;
    assert_eq!(scene.respond(&narrow, json!({"model": "b:m-2", "previous_response_id": id})).await.status, 403);
}

#[tokio::test]
async fn ids_outlive_a_restart_and_what_is_not_stored_has_none() {
    let mut scene = Scene::new("").await;
    let key = scene.gateway.key(json!({})).await;
    let id = scene.made(&key, json!({})).await;
    let unstored = scene.made(&key, json!({"store": false})).await;
    let streamed = scene.respond(&key, json!({"stream": true})).await;
    let streamed = streamed.events()[0]["response"]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        for id in [&id, &streamed] {
            let answer = scene.gateway.get(&format!("/v1/responses/{id}"), &key).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["id"]), (200, &json!(id)));
        }
        not_found(&scene.gateway.get(&format!("/v1/responses/{unstored}"), &key).await);
        scene = scene.restarted().await;
    }
}

#[tokio::test]
async fn a_deployment_that_is_gone_is_said_to_be() {
    let keeper = Keeper::new("a");
    let upstream = Upstream::start(move |seen| keeper.answer(seen)).await;
    let config = |provider: &str| {
        format!("[providers.{provider}]\nprotocol = \"openai-responses\"\nbase_url = \"{}\"", upstream.url)
    };
    let gateway = TestGateway::start(&config("a")).await;
    let key = gateway.key(json!({})).await;
    let made = gateway.post("/v1/responses", &key, r#"{"model":"a:m","input":"Hello"}"#).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let gateway = gateway.restart(&config("z")).await;
    let answer = gateway.get(&format!("/v1/responses/{id}"), &key).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.text.contains("a:m"), "{}", answer.text);
    let body = json!({"model": "z:m", "input": "Hello", "previous_response_id": id});
    let answer = gateway.post("/v1/responses", &key, body.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"]["param"].as_str()), (503, Some("previous_response_id")));
}

#[tokio::test]
async fn a_stream_is_resumed_where_it_was_left() {
    let scene = Scene::new("").await;
    let key = scene.gateway.key(json!({})).await;
    let id = scene.made(&key, json!({})).await;
    let rest = scene.gateway.get(&format!("/v1/responses/{id}?stream=true&starting_after=1"), &key).await;
    let numbers: Vec<_> = rest.events().iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 3]);
    let calls = scene.gateway.calls_once(2).await;
    assert_eq!((calls[1].cost_usd, calls[1].stream, calls[1].usage.total()), (Some(NanoUsd(0)), true, 0));
}

#[tokio::test]
async fn a_background_response_is_charged_once_when_its_end_is_seen() {
    for who in ["caller", "gateway", "next process"] {
        let poll = if who == "caller" { "[responses]\npoll = \"1h\"" } else { "[responses]\npoll = \"20ms\"" };
        let mut scene = Scene::new(poll).await;
        let limits = json!({"limits": [{"meter": "spend", "window": "total", "amount": "1"}]});
        let key = scene.gateway.key(limits).await;
        let answer = scene.respond(&key, json!({"background": true})).await;
        assert_eq!((answer.status.as_u16(), answer.json()["status"].as_str()), (200, Some("queued")));
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert!(scene.gateway.calls().await.is_empty(), "{who}: it has not ended");
        let held = scene.counted();
        assert!(held.0 == 0 && held.1 > 0, "{who}: {held:?}");
        if who == "next process" {
            scene = scene.restarted().await;
            assert_eq!(scene.counted(), held, "a restart does not touch what is held");
            assert!(scene.gateway.calls().await.is_empty());
        }
        scene.keepers.iter().for_each(Keeper::finish);
        if who == "caller" {
            for _ in 0..2 {
                let seen = scene.gateway.get(&format!("/v1/responses/{id}"), &key).await;
                assert_eq!(seen.json()["status"], "completed");
            }
        }
        let chats = scene.chats(1).await;
        let [call] = chats.as_slice() else { panic!("{who}: {chats:#?}") };
        let used = [Meter::Input, Meter::CacheRead, Meter::Output].map(|meter| call.usage.get(meter));
        assert_eq!((used, call.cost_usd, call.estimated), ([6, 4, 1], Some(NanoUsd(14_000)), false), "{who}");
        assert_eq!(call.status, CallStatus::Ok);
        scene = scene.restarted().await;
        assert_eq!(scene.chats(1).await.len(), 1, "{who}");
        assert_eq!(scene.counted(), (14_000, 0), "{who}");
        // What its end told of is the key's as well.
        let container = json!({"tools": [{"type": "code_interpreter", "container": id.replace("resp_", "cntr_")}]});
        let named = scene.respond(&key, container).await;
        assert_eq!(named.status, if who == "caller" { 200 } else { 404 }, "{who}");
    }
}

#[tokio::test]
async fn a_background_stream_that_breaks_off_is_charged_when_it_ends() {
    let scene = Scene::new("[responses]\npoll = \"20ms\"").await;
    let key = scene.gateway.key(json!({})).await;
    let cut = scene.respond(&key, json!({"background": true, "stream": true})).await;
    let id = cut.events()[0]["response"]["id"].as_str().unwrap().to_owned();
    assert_eq!(cut.events().last().unwrap()["type"], "error");
    assert!(scene.gateway.calls().await.is_empty());
    scene.keepers.iter().for_each(Keeper::finish);
    let rest = scene.gateway.get(&format!("/v1/responses/{id}?stream=true&starting_after=1"), &key).await;
    assert_eq!(rest.events().last().unwrap()["type"], "response.completed");
    let chats = scene.chats(1).await;
    assert_eq!((chats.len(), chats[0].cost_usd, chats[0].estimated), (1, Some(NanoUsd(14_000)), false));
}

#[tokio::test]
async fn a_background_response_that_is_cancelled_or_deleted_costs_what_was_reserved() {
    for method in [Method::POST, Method::DELETE] {
        let scene = Scene::new("[responses]\npoll = \"1h\"").await;
        let key = scene.gateway.key(json!({})).await;
        let id = scene.made(&key, json!({"background": true, "max_output_tokens": 50})).await;
        let path =
            if method == Method::POST { format!("/v1/responses/{id}/cancel") } else { format!("/v1/responses/{id}") };
        assert_eq!(scene.gateway.send(method, &path, &key).await.status, 200);
        let chats = scene.chats(1).await;
        assert_eq!((chats[0].status, chats[0].estimated), (CallStatus::Interrupted, true));
        assert_eq!((chats[0].cost_usd, chats[0].usage.output_tokens()), (chats[0].reserved_usd, 50));
    }
}

#[tokio::test]
async fn a_background_response_costs_what_the_attempts_before_it_did_too() {
    let broken = Upstream::start(|_| Script::body(200, "application/json", "{").then(Piece::Break)).await;
    let more = format!(
        "[responses]\npoll = \"1h\"\n[providers.broken]\nprotocol = \"openai-responses\"\nbase_url = \"{}\"\n\
         [[models]]\nname = \"safe\"\nretries = 0\nfallbacks = [\"fast\"]\n\
         deployments = [{{ model = \"broken:m-0\", price = {{ input = \"1\", output = \"2\" }} }}]\n",
        broken.url
    );
    for end in ["seen", "next process", "deleted"] {
        let mut scene = Scene::new(&more).await;
        let limits = json!({"limits": [{"meter": "spend", "window": "total", "amount": "1"}]});
        let key = scene.gateway.key(limits).await;
        let id = scene.made(&key, json!({"model": "safe", "background": true})).await;
        if end == "next process" {
            scene = scene.restarted().await;
        }
        scene.keepers.iter().for_each(Keeper::finish);
        let method = if end == "deleted" { Method::DELETE } else { Method::GET };
        let answer = scene.gateway.send(method, &format!("/v1/responses/{id}"), &key).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let chats = scene.chats(1).await;
        let [call] = chats.as_slice() else { panic!("{end}: {chats:#?}") };
        let [lost, last] = call.attempts.as_slice() else { panic!("{end}: {call:#?}") };
        assert!(lost.estimated && lost.cost_usd > Some(NanoUsd::ZERO), "{end}: {call:#?}");
        assert_eq!(call.cost_usd, Some(lost.cost_usd.unwrap() + last.cost_usd.unwrap()), "{end}");
        let sum = |meter| lost.usage.get(meter) + last.usage.get(meter);
        assert_eq!(
            [Meter::Input, Meter::Output].map(|meter| call.usage.get(meter)),
            [Meter::Input, Meter::Output].map(sum)
        );
        assert!(call.estimated, "{end}");
        match end {
            "deleted" => assert_eq!((call.cost_usd, call.status), (call.reserved_usd, CallStatus::Interrupted)),
            _ => assert_eq!((last.cost_usd, call.status), (Some(NanoUsd(14_000)), CallStatus::Ok), "{end}"),
        }
        assert_eq!(scene.counted(), (call.cost_usd.unwrap().0, 0), "{end}");
    }
}

#[tokio::test]
async fn conversations_are_kept_by_key() {
    let scene = Scene::new("").await;
    let (own, other) = (scene.gateway.key(json!({})).await, scene.gateway.key(json!({})).await);
    let unclear = scene.gateway.post("/v1/conversations", &own, "{}").await;
    assert_eq!((unclear.status.as_u16(), unclear.json()["error"]["param"].as_str()), (400, Some("model")));
    let body = json!({"model": "b:m-2", "metadata": {"a": "b"}});
    let made = scene.gateway.post("/v1/conversations", &own, body.to_string()).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(scene.upstreams[1].last().json(), json!({"metadata": {"a": "b"}}));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let ways = [
        (Method::GET, format!("/v1/conversations/{id}")),
        (Method::GET, format!("/v1/conversations/{id}/items?limit=3")),
        (Method::POST, format!("/v1/conversations/{id}/items")),
        (Method::GET, format!("/v1/conversations/{id}/items/msg_c")),
        (Method::DELETE, format!("/v1/conversations/{id}/items/msg_c")),
        (Method::POST, format!("/v1/conversations/{id}")),
        (Method::DELETE, format!("/v1/conversations/{id}")),
    ];
    for (method, path) in &ways {
        not_found(&scene.gateway.send(method.clone(), path, &other).await);
    }
    for named in [json!(id), json!({"id": id})] {
        assert_eq!(scene.respond(&other, json!({"conversation": named})).await.status, 404);
        assert_eq!(Scene::maker(&scene.made(&own, json!({"conversation": named})).await), 1);
    }
    for (method, path) in &ways {
        let answer = scene.gateway.send(method.clone(), path, &own).await;
        assert_eq!(answer.status, 200, "{path} {}", answer.text);
    }
    assert_eq!(scene.respond(&own, json!({"conversation": id})).await.status, 404);
}

#[tokio::test]
async fn a_conversation_is_made_only_where_the_key_may_call() {
    let scene = Scene::new("").await;
    let at_a = scene.gateway.key(json!({"models": ["a:*"]})).await;
    let make = async |key: &str, body: Value| scene.gateway.post("/v1/conversations", key, body.to_string()).await;
    for model in ["b:", "b:m-2"] {
        let refused = make(&at_a, json!({"model": model})).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["error"]["code"].as_str()),
            (403, Some("model_not_allowed"))
        );
    }
    assert_eq!(scene.asked(), 0);
    assert_eq!(make(&at_a, json!({"model": "a:"})).await.status, 200);
    // Of two places it may call one, so nothing is unclear.
    assert_eq!(make(&at_a, json!({})).await.status, 200);
    assert_eq!((scene.upstreams[0].seen().len(), scene.upstreams[1].seen().len()), (2, 0));
    let nowhere = scene.gateway.key(json!({"models": ["c:*"]})).await;
    for body in [json!({}), json!({"model": "a:"})] {
        let refused = make(&nowhere, body).await;
        assert!([403, 501].contains(&refused.status.as_u16()), "{}", refused.text);
        assert!(!refused.text.contains("`b`"), "{}", refused.text);
    }
    // A name that the key may call admits the places behind it.
    let by_name = scene.gateway.key(json!({"models": ["fast"]})).await;
    assert_eq!(make(&by_name, json!({"model": "b:"})).await.status, 200);
    assert_eq!(make(&by_name, json!({})).await.status, 400);
    assert_eq!(scene.asked(), 3);
}

#[tokio::test]
async fn a_provider_that_keeps_nothing_says_so_by_name() {
    let keeper = Keeper::new("a");
    let upstream = Upstream::start(move |seen| keeper.answer(seen)).await;
    let gateway = TestGateway::start(&format!(
        "[providers.a]\nprotocol = \"openai-responses\"\nbase_url = \"{0}\"\n[providers.a.quirks]\n\
         refuse = [\"previous_response_id\", \"conversation\", \"background\"]\n\
         [providers.z]\nprotocol = \"openai-chat\"\nbase_url = \"{0}\"",
        upstream.url
    ))
    .await;
    let key = gateway.key(json!({})).await;
    let made = gateway.post("/v1/responses", &key, r#"{"model":"a:m","input":"Hello","background":false}"#).await;
    assert_eq!(made.status, 200, "{}", made.text);
    not_found(&gateway.get(&format!("/v1/responses/{}", made.json()["id"].as_str().unwrap()), &key).await);
    for model in ["a:m", "z:m"] {
        let body = json!({"model": model, "input": "Hello", "background": true});
        let answer = gateway.post("/v1/responses", &key, body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"]["param"].as_str()), (400, Some("background")));
    }
    assert_eq!(gateway.post("/v1/conversations", &key, "{}").await.status, 501);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn errors_of_a_keeper_are_its_own() {
    let upstream = Upstream::start(|seen| match seen.method.as_str() {
        "POST" => Script::json(200, &json!({"id": "resp_1", "status": "completed", "output": []})),
        _ => Script::json(404, &json!({"error": {"message": "it has expired", "code": null}})),
    })
    .await;
    let config = format!("[providers.a]\nprotocol = \"openai-responses\"\nbase_url = \"{}\"", upstream.url);
    let gateway = TestGateway::start(&config).await;
    let key = gateway.key(json!({})).await;
    gateway.post("/v1/responses", &key, r#"{"model":"a:m","input":"Hello"}"#).await;
    let answer = gateway.get("/v1/responses/resp_1", &key).await;
    not_found(&answer);
    assert_eq!(answer.json()["error"]["message"], "it has expired");
}

fn in_process(upstream: &Upstream) -> Client {
    let row = ProviderRow::new("A", Protocol::OpenAiResponses, upstream.url.clone());
    Client::builder().provider(Provider::new("a", row, None, Timeouts::default()).unwrap()).build()
}

#[tokio::test]
async fn the_client_keeps_responses_and_conversations_with_and_without_a_gateway() {
    let scene = Scene::new("").await;
    let key = scene.gateway.key(json!({})).await;
    for client in [in_process(&scene.upstreams[0]), scene.gateway.client(&key)] {
        let made = client.respond(ResponseRequest::new("a:m-1", "Hello")).await.unwrap();
        assert_eq!(made.answer().provider, "a");
        let responses = client.responses("a").unwrap();
        assert_eq!(responses.get(made.id()).await.unwrap()["status"], "completed");
        let page = StoredPage { limit: Some(1), order: Some("asc".to_owned()), ..StoredPage::default() };
        let items = responses.input_items(made.id(), &page).await.unwrap();
        assert_eq!(items["data"][0]["content"][0]["text"], "limit=1&order=asc");
        assert_eq!(responses.cancel(made.id()).await.unwrap()["status"], "cancelled");
        let resumed = responses.stream(made.id(), Some(0)).await.unwrap().into_answer().await.unwrap();
        assert_eq!(resumed.text(), "Hi there");
        responses.delete(made.id()).await.unwrap();
        assert_eq!(responses.get(made.id()).await.unwrap_err().kind(), ErrorKind::NotFound);

        let conversations = client.conversations("a").unwrap();
        let metadata = json!({"metadata": {"a": "b"}}).as_object().unwrap().clone();
        let made = conversations.create(metadata).await.unwrap();
        let id = made["id"].as_str().unwrap();
        assert_eq!(conversations.get(id).await.unwrap()["metadata"], json!({"a": "b"}));
        assert_eq!(conversations.items(id, &StoredPage::default()).await.unwrap()["data"][0]["id"], "msg_c");
        conversations.delete(id).await.unwrap();
        assert_eq!(conversations.get(id).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    let other = Client::builder().provider(Provider::sandbox().unwrap()).build();
    assert_eq!(other.responses("sandbox").unwrap_err().kind(), ErrorKind::NotImplemented);
    assert_eq!(other.conversations("sandbox").unwrap_err().kind(), ErrorKind::NotImplemented);
}

#[tokio::test]
async fn errors_of_forms_are_the_same_with_and_without_a_gateway() {
    for status in [400, 401, 404, 429, 500, 503] {
        let error = json!({"error": {"message": "no", "type": "some_error", "code": "some_code"}});
        let upstream = Upstream::start(move |_| Script::json(status, &error)).await;
        let config = format!("[providers.a]\nprotocol = \"openai-responses\"\nbase_url = \"{}\"", upstream.url);
        let gateway = TestGateway::start(&config).await;
        let key = gateway.key(json!({})).await;
        let mut seen = Vec::new();
        for client in [in_process(&upstream), gateway.client(&key)] {
            let respond = client.respond(ResponseRequest::new("a:m", "Hello")).await.unwrap_err();
            let messages = client.messages(MessagesRequest::new("a:m", 5).user("Hello")).await.unwrap_err();
            let streamed = client.respond_stream(ResponseRequest::new("a:m", "Hello")).await.map(drop).unwrap_err();
            let say = |error: &Error| (error.kind(), error.status(), error.provider().map(str::to_owned));
            seen.push([say(&respond), say(&messages), say(&streamed)]);
        }
        assert_eq!(seen[0], seen[1], "{status}");
        assert_eq!(seen[0][0].2.as_deref(), Some("a"));
    }
    // What the gateway says itself is no provider's word.
    let gateway = TestGateway::start("").await;
    let refused = gateway.client("sk-nobodys").respond(ResponseRequest::new("a:m", "Hello")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.provider()), (ErrorKind::InvalidApiKey, None));
}

#[tokio::test]
async fn anothers_proof_of_thought_does_not_reach_the_provider() {
    let upstream =
        Upstream::start(|_| Script::json(200, &json!({"id": "resp_1", "status": "completed", "output": []}))).await;
    let config = format!("[providers.a]\nprotocol = \"openai-responses\"\nbase_url = \"{}\"", upstream.url);
    let gateway = TestGateway::start(&config).await;
    let key = gateway.key(json!({})).await;
    let thought = |proof: &str| json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": proof});
    for (proof, reaches) in
        [("llm:e:anthropic:c2VjcmV0", None), ("llm:e:a:bWluZQ", Some("bWluZQ")), ("cGxhaW4", Some("cGxhaW4"))]
    {
        let body = json!({"model": "a:m", "input": [thought(proof), {"role": "user", "content": "Hello"}]});
        let answer = gateway.post("/v1/responses", &key, body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let sent = upstream.last().json();
        let found = sent["input"].as_array().unwrap().iter().find_map(|item| item["encrypted_content"].as_str());
        assert_eq!(found, reaches, "{sent}");
    }
}

#[tokio::test]
async fn a_translated_response_repeats_what_was_asked() {
    let upstream = Upstream::start(|seen| openai::echo(&seen.json(), &["Hi"], 9)).await;
    let config = format!("[providers.a]\nprotocol = \"openai-chat\"\nbase_url = \"{}\"", upstream.url);
    let gateway = TestGateway::start(&config).await;
    let key = gateway.key(json!({})).await;
    let tool =
        json!({"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": false});
    let mut body = json!({
        "model": "a:m", "input": "Hello", "instructions": "be brief", "temperature": 0.5, "tools": [tool],
        "tool_choice": "required", "max_output_tokens": 9, "metadata": {"a": "b"}
    });
    let whole = gateway.post("/v1/responses", &key, body.to_string()).await.json();
    body["stream"] = json!(true);
    let streamed = gateway.post("/v1/responses", &key, body.to_string()).await;
    let events = streamed.events();
    for response in [&whole, &events[0]["response"], &events.last().unwrap()["response"]] {
        for name in ["instructions", "temperature", "tools", "tool_choice", "max_output_tokens", "metadata"] {
            assert_eq!(response[name], body[name], "{name}");
        }
        assert_eq!(response["top_p"], Value::Null);
    }
}
