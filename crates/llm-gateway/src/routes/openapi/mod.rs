//! `GET /openapi.json`: every route of the gateway in the form of OpenAPI 3.1, made of the types that the routes read and
//! write and of the tables that say who may use them.

mod administration;
mod applications;
mod operation;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::{Map, Value, json};

#[cfg(test)]
pub(super) use self::applications::summary;
use self::operation::{Book, Operation, template};
use super::{ADMIN_ROUTES, LITELLM_ROUTES, Rule};
use crate::router::APPLICATION_ROUTES;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /openapi.json`. It says nothing of this gateway that its source does not.
pub(super) async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

/// The whole document.
pub(super) fn document() -> Value {
    let mut book = Book::new();
    administration::describe(&mut book);
    let (described, schemas) = book.finish();
    let mut paths = Map::new();
    for &(method, path, _) in APPLICATION_ROUTES {
        add(&mut paths, method, path, applications::operation(path));
    }
    for &(method, path, rule) in ADMIN_ROUTES {
        let found = described.iter().find(|one| one.method == method && one.path == path);
        add(&mut paths, method, path, found.map_or_else(|| json!({}), |one| by_rule(one, rule)));
    }
    for &(method, path, _) in LITELLM_ROUTES {
        add(&mut paths, method, path, applications::of_litellm());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "llm-gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "description": "A metered gateway to any language model: keys, limits, exact spend. Amounts of money are \
                decimal strings in US dollars, times are RFC 3339 in UTC, and lists come in pages.",
        },
        "tags": [
            {"name": "administration", "description": "Keys, whom they belong to, limits, and what was used"},
            {"name": "applications", "description": "Calls, as the SDKs of the providers make them"},
            {"name": "litellm", "description": "For scripts that were written for LiteLLM's proxy"},
        ],
        "security": [{"bearer": []}, {"x-api-key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "responses": {"Error": operation::error()},
            "schemas": schemas,
        },
    })
}

/// Puts an operation under its path.
fn add(paths: &mut Map<String, Value>, method: &str, path: &str, mut operation: Value) {
    let id: String = format!("{}{path}", method.to_lowercase())
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    operation["operationId"] = id.into();
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).map(std::mem::take);
    let in_path = operation::variables(path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let all: Vec<Value> = in_path.chain(parameters.unwrap_or_default()).collect();
    if !all.is_empty() {
        operation["parameters"] = all.into();
    }
    let item = paths.entry(template(path)).or_insert_with(|| json!({}));
    item[method.to_lowercase()] = operation;
}

/// An operation, and who may ask for it.
fn by_rule(operation: &Operation, rule: Rule) -> Value {
    let mut shown = operation.to_json();
    shown["tags"] = json!(["administration"]);
    let who = match rule {
        Rule::Administrator => "Takes an administrator.",
        Rule::Auditor => "Takes an administrator or an auditor.",
        Rule::Manager => "Takes an administrator, or a team administrator for its teams.",
        Rule::Member => "Takes any role; each reaches what it may.",
        Rule::Key => "Takes a virtual key, about itself.",
        Rule::Open => "Takes no key.",
        Rule::Login => "Takes no key, and is there where a login is configured.",
    };
    shown["description"] = who.into();
    if matches!(rule, Rule::Open | Rule::Login) {
        shown["security"] = json!([]);
    }
    shown
}
