//! How one operation is described: by the types that it reads and writes.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::super::idempotency;

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    summary: &'static str,
    query: Vec<Value>,
    body: Option<Value>,
    status: u16,
    answer: Value,
}

/// Operations as they are described, and the schemas that they share.
pub(super) struct Book {
    operations: Vec<Operation>,
    /// Of what is read: each whole where it stands, since what may be left out is not what is always there in answers.
    taken: SchemaGenerator,
    /// Of what is written.
    given: SchemaGenerator,
}

/// An operation that is being described.
pub(super) struct Describing<'a> {
    operation: &'a mut Operation,
    taken: &'a mut SchemaGenerator,
    given: &'a mut SchemaGenerator,
}

impl Book {
    pub(super) fn new() -> Self {
        let mut taken = SchemaSettings::draft2020_12().for_deserialize();
        taken.inline_subschemas = true;
        let mut given = SchemaSettings::draft2020_12().for_serialize();
        given.definitions_path = "/components/schemas".into();
        Self { operations: Vec::new(), taken: taken.into_generator(), given: given.into_generator() }
    }

    /// Begins an operation; what it reads and writes is said behind it.
    pub(super) fn add(&mut self, method: &'static str, path: &'static str, summary: &'static str) -> Describing<'_> {
        let operation =
            Operation { method, path, summary, query: Vec::new(), body: None, status: 200, answer: json!({}) };
        let operation = self.operations.push_mut(operation);
        Describing { operation, taken: &mut self.taken, given: &mut self.given }
    }

    /// Describes a member of a written type that is not one of its fields.
    pub(super) fn add_member<T: JsonSchema>(&mut self, of: &str, name: &str) {
        let schema = self.given.subschema_for::<T>().to_value();
        let Some(of) = self.given.definitions_mut().get_mut(of) else { return };
        of["properties"][name] = schema;
        if let Some(required) = of.get_mut("required").and_then(Value::as_array_mut) {
            required.push(name.into());
        }
    }

    /// The operations, and the schemas by their names.
    pub(super) fn finish(mut self) -> (Vec<Operation>, Map<String, Value>) {
        (self.operations, self.given.take_definitions(true))
    }
}

impl Describing<'_> {
    /// It reads these members of the query.
    pub(super) fn asks<Q: JsonSchema>(self) -> Self {
        let schema = self.taken.subschema_for::<Q>().to_value();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|members| members.shift_remove("description"));
            let mut parameter =
                json!({"name": name, "in": "query", "required": required.contains(&name.as_str()), "schema": schema});
            if let Some(description) = description {
                parameter["description"] = description;
            }
            self.operation.query.push(parameter);
        }
        self
    }

    /// It reads this body.
    pub(super) fn takes<B: JsonSchema>(self) -> Self {
        self.operation.body = Some(self.taken.subschema_for::<B>().to_value());
        self
    }

    /// It answers this.
    pub(super) fn gives<A: JsonSchema>(self) -> Self {
        let schema = self.given.subschema_for::<A>().to_value();
        self.operation.answer = json!({"application/json": {"schema": schema}});
        self
    }

    /// It answers with 201, because it has made something.
    pub(super) fn made(self) -> Self {
        self.operation.status = 201;
        self
    }

    /// It answers with 303 and no body.
    pub(super) fn sends_on(self) -> Self {
        self.operation.status = 303;
        self
    }

    /// It may answer with a table instead.
    pub(super) fn or_csv(self) -> Self {
        self.operation.answer["text/csv"] = json!({"schema": {"type": "string"}});
        self
    }
}

impl Operation {
    pub(super) fn to_json(&self) -> Value {
        let mut parameters = self.query.clone();
        if self.method == "POST" && self.path.starts_with("/api/") {
            parameters.push(json!({
                "name": idempotency::HEADER, "in": "header", "schema": {"type": "string", "maxLength": 255},
                "description": "Does the request once, however often it is sent within 24 hours",
            }));
        }
        let mut shown = json!({
            "summary": self.summary,
            "parameters": parameters,
            "responses": {
                self.status.to_string(): {"description": "What was asked for", "content": self.answer},
                "default": {"$ref": "#/components/responses/Error"},
            },
        });
        if let Some(body) = &self.body {
            shown["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": body}}});
        }
        shown
    }
}

/// The envelope of errors.
pub(super) fn error() -> Value {
    let text = || json!({"type": ["string", "null"]});
    json!({
        "description": "What was wrong, and what to do",
        "content": {"application/json": {"schema": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {
                "type": "object",
                "required": ["message", "type", "code", "param"],
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "code": {"type": "string"},
                    "param": text(),
                },
            }},
        }}},
    })
}

/// The variables of a path.
pub(super) fn variables(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.trim_start_matches('*')))
}

/// A path as OpenAPI writes it, which knows no variable of several parts.
pub(super) fn template(path: &str) -> String {
    path.replace("{*", "{")
}
