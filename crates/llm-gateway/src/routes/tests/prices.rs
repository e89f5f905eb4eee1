//! Prices: the catalogue, what an administrator puts in its place, and what the file says.

use llm_core::PriceLine;
use tower::ServiceExt;

use super::*;
use crate::keys::Keys;
use crate::limits::Ledger;
use crate::routing::{Overrides, PriceSource};

const MINI: &str = "/api/v1/prices/openai/gpt-4o-mini";

fn lines(input: &str, output: &str) -> Value {
    json!({"lines": [{"meter": "input", "amount": input}, {"meter": "output", "amount": output}]})
}

async fn put(server: &Server, path: &str, body: Value) -> Reply {
    server.send(Some(ADMIN), "PUT", path, body.to_string()).await
}

/// The nano-dollars for a million tokens of prompt that a call of a model is charged at now, and by whose word.
fn charged(server: &Server, model: &str) -> (Option<i64>, PriceSource) {
    let route = server.gateway.routes().resolve(model).unwrap();
    let tariff = route.deployments[0].tariff();
    (tariff.price.rate(Meter::Input, 0, None), tariff.source)
}

#[tokio::test]
async fn an_override_is_in_force_for_the_next_call_until_it_is_deleted() {
    let server = Server::with("[providers.openai]\napi_key = \"k\"").await;
    let before = server.get(MINI).await.json();
    assert_eq!((&before["source"], &before["lines"]), (&json!("catalogue"), &before["catalogue"]));
    let input = json!({"meter": "input", "amount": "0.15", "per": 1_000_000});
    assert!(before["lines"].as_array().unwrap().contains(&input), "{before}");
    assert_eq!(charged(&server, "openai:gpt-4o-mini"), (Some(150_000_000), PriceSource::Catalogue));

    let after = put(&server, MINI, lines("0.10", "0.4")).await.json();
    assert_eq!((&after["source"], &after["catalogue"]), (&json!("override"), &before["catalogue"]));
    assert_eq!(after["lines"][0], json!({"meter": "input", "amount": "0.1", "per": 1_000_000}));
    assert_eq!(charged(&server, "openai:gpt-4o-mini"), (Some(100_000_000), PriceSource::Override));
    // What is shown can be said again.
    assert_eq!(put(&server, MINI, json!({"lines": after["lines"]})).await.json()["lines"], after["lines"]);

    assert_eq!(
        server.send(Some(ADMIN), "DELETE", MINI, "").await.json(),
        json!({"id": "openai:gpt-4o-mini", "deleted": true})
    );
    assert_eq!(server.get(MINI).await.json(), before);
    assert_eq!(charged(&server, "openai:gpt-4o-mini"), (Some(150_000_000), PriceSource::Catalogue));
    assert_eq!(server.send(Some(ADMIN), "DELETE", MINI, "").await.refused(), (404, "not_found".into()));
}

#[tokio::test]
async fn a_model_that_nobody_knows_gets_a_price() {
    let server = Server::new().await;
    let path = "/api/v1/prices/local/org/model:7b";
    assert_eq!(server.get(path).await.refused(), (404, "not_found".into()));
    assert_eq!(charged(&server, "local:org/model:7b").0, None);
    let query = json!({"lines": [{"meter": "input", "amount": "1", "above": 200_000, "service": "flex"}, {"meter": "input", "amount": "0"}, {"meter": "query", "amount": "0.01"}]});
    let made = put(&server, path, query).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!((&made.json()["id"], &made.json()["catalogue"]), (&json!("local:org/model:7b"), &json!(null)));
    assert_eq!(made.json()["lines"][2], json!({"meter": "query", "amount": "0.01", "per": 1}));
    let route = server.gateway.routes().resolve("local:org/model:7b").unwrap();
    let query = PriceLine { meter: Meter::Query, above: 0, service: None, nano_per_million: 10_000_000_000_000 };
    assert!(route.deployments[0].tariff().price.lines.contains(&query));
    assert_eq!(server.get(path).await.json(), made.json());
}

#[tokio::test]
async fn what_stands_in_the_file_wins_and_is_shown() {
    let server = Server::with(
        "[[models]]\nname = \"fast\"\ndeployments = [{ model = \"local:small\", price = { input = \"3\" } }]",
    )
    .await;
    let path = "/api/v1/prices/local/small";
    let shown = server.get(path).await.json();
    let in_file = json!([{"name": "fast", "lines": [{"meter": "input", "amount": "3", "per": 1_000_000}]}]);
    assert_eq!((&shown["source"], &shown["file"]), (&json!(null), &in_file));
    let shown = put(&server, path, lines("5", "5")).await.json();
    assert_eq!((&shown["source"], &shown["file"]), (&json!("override"), &in_file));
    assert_eq!(charged(&server, "fast"), (Some(3_000_000_000), PriceSource::File));
    assert_eq!(charged(&server, "local:small"), (Some(5_000_000_000), PriceSource::Override));
}

#[tokio::test]
async fn every_process_has_it_and_the_log_says_who_did_it() {
    let server = Server::new().await;
    let config = &server.gateway.config().limits;
    let overrides = Overrides::default();
    let other = Keys::open(server.gateway.db.clone(), Ledger::new(), config).await.unwrap().pricing(overrides.clone());
    put(&server, MINI, lines("1", "2")).await;
    assert_eq!(overrides.get("openai:gpt-4o-mini"), None);
    other.refresh().await.unwrap();
    let seen = overrides.get("openai:gpt-4o-mini").unwrap();
    assert_eq!((seen.price.rate(Meter::Output, 0, None), seen.source), (Some(2_000_000_000), PriceSource::Override));
    // One that starts now has it as well.
    let late = Overrides::default();
    let _keys = Keys::open(server.gateway.db.clone(), Ledger::new(), config).await.unwrap().pricing(late.clone());
    assert_eq!(late.get("openai:gpt-4o-mini"), Some(seen));
    server.send(Some(ADMIN), "DELETE", MINI, "").await;
    other.refresh().await.unwrap();
    assert_eq!(overrides.get("openai:gpt-4o-mini"), None);

    let log = server.get("/api/v1/audit?kind=price").await.json()["data"].clone();
    let told: Vec<_> = log.as_array().unwrap().iter().map(|entry| (&entry["action"], &entry["target"]["id"])).collect();
    let id = json!("openai:gpt-4o-mini");
    assert_eq!(told, [(&json!("delete"), &id), (&json!("create"), &id)]);
    assert_eq!(log[0]["before"]["lines"][0]["amount"], "1");
}

#[tokio::test]
async fn prices_that_can_not_be_charged_are_refused_by_name() {
    let server = Server::new().await;
    let line = |members: Value| json!({"lines": [members]});
    for wrong in [
        json!({"lines": []}),
        json!({}),
        line(json!({"meter": "inputs", "amount": "1"})),
        line(json!({"meter": "input", "amount": 1})),
        line(json!({"meter": "input", "amount": "-1"})),
        line(json!({"meter": "input", "amount": "1e3"})),
        line(json!({"meter": "input", "amount": "1", "per": 7})),
        line(json!({"meter": "image", "amount": "9000000000"})),
        line(json!({"meter": "input", "amount": "1", "service": ""})),
        json!({"lines": [{"meter": "input", "amount": "1"}, {"meter": "input", "amount": "2"}]}),
        json!({"lines": vec![json!({"meter": "input", "amount": "1"}); 65]}),
    ] {
        assert_eq!(put(&server, MINI, wrong.clone()).await.refused(), (400, "invalid_request".into()), "{wrong}");
    }
    let strange = put(&server, "/api/v1/prices/opnai/gpt-4o", lines("1", "1")).await;
    assert_eq!(strange.json()["error"]["param"], "provider");
    assert!(strange.text.contains("openai"), "{}", strange.text);
    assert_eq!(server.get("/api/v1/prices?source=override").await.json()["data"], json!([]));
}

#[tokio::test]
async fn the_list_comes_in_pages_by_provider_model_and_source() {
    let server = Server::new().await;
    put(&server, "/api/v1/prices/local/new", lines("1", "1")).await;
    put(&server, MINI, lines("1", "1")).await;
    let ids = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let overridden = server.get("/api/v1/prices?source=override").await.json();
    assert_eq!(ids(&overridden), ["local:new", "openai:gpt-4o-mini"]);
    let found = server.get("/api/v1/prices?provider=openai&model=gpt-4o-mini*&limit=500").await.json();
    assert!(ids(&found).iter().all(|id| id.starts_with("openai:gpt-4o-mini")) && ids(&found).len() > 1, "{found}");
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/api/v1/prices?limit=500{cursor}")).await.json();
        all.extend(ids(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let sorted: std::collections::BTreeSet<_> = all.iter().cloned().collect();
    assert!(sorted.len() == all.len() && sorted.iter().eq(&all) && all.len() > 1_500, "{}", all.len());
}

#[tokio::test]
async fn a_call_is_reserved_and_charged_at_the_override_and_shows_how_its_cost_was_made_up() {
    let server = Server::with("[providers.sandbox]").await;
    let (_, key) =
        server.key(json!({"name": "a", "limits": [{"meter": "spend", "window": "total", "amount": "1.00"}]})).await;
    let applications = crate::router::router(Arc::clone(&server.gateway));
    let call = async || {
        let body =
            json!({"model": "sandbox:echo", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]});
        let request = Request::post("/v1/chat/completions").header("authorization", format!("Bearer {key}"));
        let reply = applications.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        (reply.status(), reply.headers().clone())
    };
    let price = json!({"lines": [{"meter": "input", "amount": "7"}, {"meter": "output", "amount": "1000"}]});
    assert_eq!(put(&server, "/api/v1/prices/sandbox/echo", price).await.status, StatusCode::OK);
    let (status, headers) = call().await;
    assert_eq!(status, StatusCode::OK);
    server.gateway.flush().await.unwrap();

    let id = headers["x-request-id"].to_str().unwrap();
    let shown = server.get(&format!("/api/v1/calls/{id}")).await.json();
    let (input, output) = (shown["usage"]["input"].as_i64().unwrap(), shown["usage"]["output"].as_i64().unwrap());
    let expected = NanoUsd(input * 7_000 + output * 1_000_000).to_string();
    assert_eq!(shown["cost_usd"], json!(expected));
    assert_eq!(headers["x-llm-cost-usd"], expected.as_str());
    let attempt = &shown["attempts"][0];
    let cost = &attempt["cost"];
    assert_eq!(
        (&cost["source"], &cost["total_usd"], &attempt["rates"]),
        (&json!("override"), &json!(expected), &json!(null))
    );
    let line = json!({"meter": "input", "quantity": input, "price_usd": "7", "per": 1_000_000, "amount_usd": NanoUsd(input * 7_000).to_string()});
    assert_eq!(cost["lines"][0], line);
    let listed = server.get("/api/v1/calls").await.json();
    assert_eq!((&listed["data"][0]["attempts"][0]["cost"], &listed["data"][0]["id"]), (&json!(null), &json!(id)));

    // Fifty tokens of answer at a dollar each don't fit into what is left.
    let dear = json!({"lines": [{"meter": "input", "amount": "7"}, {"meter": "output", "amount": "1000000"}]});
    put(&server, "/api/v1/prices/sandbox/echo", dear).await;
    assert_eq!(call().await.0, StatusCode::TOO_MANY_REQUESTS);
    // What was charged before is as it was.
    assert_eq!(server.get(&format!("/api/v1/calls/{id}")).await.json(), shown);
}
