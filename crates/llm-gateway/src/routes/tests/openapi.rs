//! The document says what is served, and what is answered is as it says.

use std::collections::BTreeSet;

use tower::ServiceExt;

use super::super::openapi::document;
use super::super::{ADMIN_ROUTES, LITELLM_ROUTES};
use super::*;
use crate::router::APPLICATION_ROUTES;

/// What of a value is not as a schema says. Members that the schema does not know are wrong as well.
struct Checked<'a> {
    document: &'a Value,
    wrong: Vec<String>,
}

impl Checked<'_> {
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        let mut known = BTreeSet::new();
        let is_strict = self.members(schema, &mut known);
        self.keywords(schema, value, at);
        if let (true, Some(members)) = (is_strict, value.as_object()) {
            self.wrong.extend(
                members
                    .keys()
                    .filter(|name| !known.contains(*name))
                    .map(|name| format!("{at}.{name} is not described")),
            );
        }
    }

    /// The members that a schema names, of itself and of all that it refers to; whether it may have no others.
    fn members(&self, schema: &Value, known: &mut BTreeSet<String>) -> bool {
        let mut strict = false;
        if let Some(properties) = schema["properties"].as_object() {
            known.extend(properties.keys().cloned());
            strict = !schema["additionalProperties"].is_object() && schema["additionalProperties"] != json!(true);
        }
        if let Some(target) = schema["$ref"].as_str() {
            strict |= self.members(self.target(target), known);
        }
        for keyword in ["anyOf", "oneOf", "allOf"] {
            for part in schema[keyword].as_array().into_iter().flatten() {
                strict |= self.members(part, known);
            }
        }
        strict
    }

    fn target(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}"));
        self.document.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut inner = Checked { document: self.document, wrong: Vec::new() };
        inner.keywords(schema, value, at);
        inner.wrong
    }

    fn keywords(&mut self, schema: &Value, value: &Value, at: &str) {
        let Some(keywords) = schema.as_object() else { return };
        for (keyword, said) in keywords {
            let fine = match keyword.as_str() {
                "title" | "description" | "default" | "format" | "required" | "additionalProperties" | "examples" => {
                    true
                }
                "type" => match said {
                    Value::Array(types) => types.iter().any(|one| is_of(one, value)),
                    one => is_of(one, value),
                },
                "enum" => said.as_array().unwrap().contains(value),
                "const" => said == value,
                "minimum" => value.as_f64().is_none_or(|number| number >= said.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= said.as_f64().unwrap()),
                "maxLength" | "minItems" | "maxItems" => true,
                // The one pattern there is.
                "pattern" => value.as_str().is_none_or(|text| text.parse::<NanoUsd>().is_ok()),
                "$ref" => {
                    let target = self.target(said.as_str().unwrap()).clone();
                    self.check(&target, value, at);
                    true
                }
                "allOf" => {
                    said.as_array().unwrap().iter().for_each(|part| self.keywords(part, value, at));
                    true
                }
                "anyOf" | "oneOf" => {
                    let all: Vec<_> = said.as_array().unwrap().iter().map(|part| self.fits(part, value, at)).collect();
                    let fits = all.iter().filter(|wrong| wrong.is_empty()).count();
                    if keyword == "oneOf" { fits == 1 } else { fits > 0 }
                }
                "items" => {
                    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(said, item, &format!("{at}[{place}]"));
                    }
                    true
                }
                "properties" => {
                    for (name, schema) in said.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.check(schema, member, &format!("{at}.{name}"));
                        }
                    }
                    true
                }
                other => panic!("the keyword `{other}` is not known here"),
            };
            if !fine {
                self.wrong.push(format!("{at} is {value}, which is against `{keyword}`: {said}"));
            }
        }
        for name in keywords.get("required").and_then(Value::as_array).into_iter().flatten() {
            if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
                self.wrong.push(format!("{at} lacks {name}"));
            }
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    }
}

fn wrong_in(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut checked = Checked { document, wrong: Vec::new() };
    checked.check(schema, value, "");
    checked.wrong
}

/// Every operation, by method and path.
fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, one)| (method.to_uppercase(), path.as_str(), one))
    })
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let application = APPLICATION_ROUTES.iter().map(|(method, path, _)| (*method, *path));
    let admin = ADMIN_ROUTES.iter().map(|(method, path, _)| (*method, *path));
    let litellm = LITELLM_ROUTES.iter().map(|(method, path, _)| (*method, *path));
    let routes: BTreeSet<(String, String)> = application
        .chain(admin)
        .chain(litellm)
        .map(|(method, path)| (method.to_owned(), path.replace("{*", "{")))
        .collect();
    let described = operations(&document).map(|(method, path, _)| (method, path.to_owned())).collect();
    assert_eq!(routes, described);
    for (method, path, one) in operations(&document) {
        assert!(one["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{method} {path} says nothing");
    }
    for (_, path, _) in APPLICATION_ROUTES {
        assert!(super::super::openapi::summary(path).is_some(), "{path} is not described");
    }
}

#[test]
fn the_document_is_whole() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, one) in operations(&document) {
        assert!(ids.insert(one["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
        let parameters = one["parameters"].as_array().cloned().unwrap_or_default();
        let in_path: Vec<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let variables: Vec<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(in_path, variables, "{method} {path}");
        let names: BTreeSet<(&str, &str)> = parameters
            .iter()
            .map(|parameter| (parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap()))
            .collect();
        assert_eq!(names.len(), parameters.len(), "{method} {path} has a parameter twice");
    }
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    let checked = Checked { document: &document, wrong: Vec::new() };
    found.iter().for_each(|reference| _ = checked.target(reference));
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn what_is_answered_is_as_it_is_described() {
    let config = "[limits.defaults]\nrequests = \"600/minute\"\n[providers.sandbox]\n[[models]]\nname = \"fast\"\n\
        deployments = [{ model = \"sandbox:echo\", price = { input = \"3\", output = \"4\" } }]";
    let server = Server::with(config).await;
    let document: Value = serde_json::from_str(&server.send(None, "GET", "/openapi.json", "").await.text).unwrap();
    let id = |reply: &Value| reply["id"].as_str().unwrap().to_owned();
    let spend = json!({"meter": "spend", "window": "month", "amount": "25.00", "notify_at": [80], "strict": true, "tz": "Europe/Berlin"});
    let mut tried = BTreeSet::new();
    let mut ask = async |key: &str, method: &str, template: &str, path: &str, body: Value| -> Value {
        let reply =
            server.send(Some(key), method, path, if body.is_null() { String::new() } else { body.to_string() }).await;
        let operation = &document["paths"][template][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {template}");
        let answer = &operation["responses"][reply.status.as_str()]["content"]["application/json"]["schema"];
        assert!(!answer.is_null(), "{method} {path} answers {}: {}", reply.status, reply.text);
        let wrong = wrong_in(&document, answer, &reply.json());
        assert_eq!(wrong, Vec::<String>::new(), "{method} {path} answers {}", reply.text);
        let taken = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() {
            assert_eq!(wrong_in(&document, taken, &body), Vec::<String>::new(), "{method} {path} takes {body}");
            let mut more = body;
            more["colour"] = json!("red");
            assert_ne!(wrong_in(&document, taken, &more), Vec::<String>::new(), "{method} {path} takes anything");
        }
        tried.insert((method.to_owned(), template.to_owned()));
        reply.json()
    };
    let (organizations, organization) = ("/api/v1/organizations", "/api/v1/organizations/{id}");
    let made = ask(ADMIN, "POST", organizations, organizations, json!({"name": "acme", "limits": [spend]})).await;
    let acme = format!("{organizations}/{}", id(&made));
    ask(ADMIN, "GET", organizations, "/api/v1/organizations?limit=1", json!(null)).await;
    ask(ADMIN, "GET", organization, &acme, json!(null)).await;
    ask(ADMIN, "PATCH", organization, &acme, json!({"models": ["*"], "metadata": {"a": [1]}})).await;

    let (teams, team) = ("/api/v1/teams", "/api/v1/teams/{id}");
    let made = ask(ADMIN, "POST", teams, teams, json!({"name": "search", "organization": "acme"})).await;
    let search = format!("{teams}/{}", id(&made));
    ask(ADMIN, "GET", teams, teams, json!(null)).await;
    ask(ADMIN, "GET", team, &search, json!(null)).await;
    ask(ADMIN, "PATCH", team, &search, json!({"name": "find", "organization": "acme"})).await;

    let (users, user) = ("/api/v1/users", "/api/v1/users/{id}");
    let draft = json!({"name": "ada", "email": "ada@example.org", "teams": ["find"], "role": "member"});
    let made = ask(ADMIN, "POST", users, users, draft).await;
    let ada = format!("{users}/{}", id(&made));
    ask(ADMIN, "GET", users, "/api/v1/users?team=find", json!(null)).await;
    ask(ADMIN, "GET", user, &ada, json!(null)).await;
    ask(ADMIN, "PATCH", user, &ada, json!({"blocked": false, "email": null})).await;
    let (members, member) = ("/api/v1/teams/{id}/members", "/api/v1/teams/{id}/members/{user}");
    let of_ada = format!("{search}/members/{}", id(&made));
    ask(ADMIN, "PUT", member, &of_ada, json!({"role": "team_administrator"})).await;
    ask(ADMIN, "GET", members, &format!("{search}/members"), json!(null)).await;

    let (keys, key) = ("/api/v1/keys", "/api/v1/keys/{id}");
    let draft = json!({"name": "ci", "team": "find", "user": "ada", "expires_at": "2099-01-01T00:00:00Z", "tags": ["a"], "models": ["*"]});
    let made = ask(ADMIN, "POST", keys, keys, draft).await;
    let ci = format!("{keys}/{}", id(&made));
    ask(ADMIN, "GET", keys, "/api/v1/keys?blocked=false", json!(null)).await;
    ask(ADMIN, "GET", key, &ci, json!(null)).await;
    let limits_of_key = json!([spend, {"meter": "concurrency", "amount": 5}]);
    ask(ADMIN, "PATCH", key, &ci, json!({"limits": limits_of_key, "assume_output": 100})).await;
    let rotated = ask(ADMIN, "POST", "/api/v1/keys/{id}/rotate", &format!("{ci}/rotate"), json!({"grace": "1h"})).await;
    let secret = rotated["key"].as_str().unwrap().to_owned();
    ask(&secret, "GET", "/api/v1/keys/me", "/api/v1/keys/me", json!(null)).await;

    let (limits, limit) = ("/api/v1/limits", "/api/v1/limits/{id}");
    let scope = json!({"kind": "tag", "id": "*"});
    let draft = json!({"scope": scope, "meter": "tokens", "window": "24h", "amount": 5_000, "models": ["fast"], "fail": "closed", "assume_output": 9});
    let made = ask(ADMIN, "POST", limits, limits, draft).await;
    let tag = format!("{limits}/{}", id(&made));
    ask(ADMIN, "GET", limits, "/api/v1/limits?scope=tag", json!(null)).await;
    ask(ADMIN, "GET", limit, &tag, json!(null)).await;
    ask(ADMIN, "PATCH", limit, &tag, json!({"amount": 6_000})).await;

    let body =
        json!({"model": "fast", "max_tokens": 9, "user": "ann", "messages": [{"role": "user", "content": "hello"}]});
    let request = Request::post("/v1/chat/completions").header("authorization", format!("Bearer {secret}"));
    let request = request.body(Body::from(body.to_string())).unwrap();
    let reply = crate::router::router(Arc::clone(&server.gateway)).oneshot(request).await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    server.gateway.flush().await.unwrap();
    let calls = ask(ADMIN, "GET", "/api/v1/calls", "/api/v1/calls?status=ok", json!(null)).await;
    let call = format!("/api/v1/calls/{}", id(&calls["data"][0]));
    let shown = ask(ADMIN, "GET", "/api/v1/calls/{id}", &call, json!(null)).await;
    assert_eq!(shown["attempts"][0]["cost"]["source"], "file");
    let all = "key,team,user,organization,end_user,model,provider,tag,day,hour";
    let sums = ask(ADMIN, "GET", "/api/v1/usage", &format!("/api/v1/usage?group_by={all}"), json!(null)).await;
    assert_eq!(sums["data"][0].as_object().unwrap().len(), 15);
    ask(ADMIN, "GET", "/api/v1/usage", "/api/v1/usage", json!(null)).await;
    ask(ADMIN, "GET", "/api/v1/audit", "/api/v1/audit?limit=500", json!(null)).await;

    let (prices, price) = ("/api/v1/prices", "/api/v1/prices/{provider}/{model}");
    let echo = "/api/v1/prices/sandbox/echo";
    let line = json!({"meter": "input", "amount": "1", "per": 1000, "above": 5, "service": "flex"});
    ask(ADMIN, "PUT", price, echo, json!({"lines": [line]})).await;
    ask(ADMIN, "GET", price, echo, json!(null)).await;
    ask(ADMIN, "GET", prices, "/api/v1/prices?provider=openai&limit=50", json!(null)).await;
    ask(ADMIN, "GET", "/api/v1/models", "/api/v1/models", json!(null)).await;
    ask(ADMIN, "GET", "/api/v1/deployments", "/api/v1/deployments", json!(null)).await;
    for path in ["/api/v1/me", "/healthz", "/readyz", "/openapi.json"] {
        ask(ADMIN, "GET", path, path, json!(null)).await;
    }
    for (template, path) in [
        (price, echo),
        (limit, &*tag),
        (key, &*ci),
        (member, &*of_ada),
        (user, &*ada),
        (team, &*search),
        (organization, &*acme),
    ] {
        ask(ADMIN, "DELETE", template, path, json!(null)).await;
    }
    // A login is tried where there is an identity provider.
    let here = ADMIN_ROUTES.iter().filter(|(_, _, rule)| *rule != Rule::Login);
    let all: BTreeSet<_> = here.map(|(method, path, _)| ((*method).to_owned(), path.replace("{*", "{"))).collect();
    assert_eq!(tried, all, "a route's answer is not held against its description");

    let refused = server.send(None, "GET", "/api/v1/keys", "").await.json();
    let error = &document["components"]["responses"]["Error"]["content"]["application/json"]["schema"];
    assert_eq!(wrong_in(&document, error, &refused), Vec::<String>::new());
}
