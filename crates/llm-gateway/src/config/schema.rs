//! The configuration as a JSON Schema: for editors, and for the page of all its keys.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{ClaimPath, Config, Database, DefaultLimits, Listen, OneOrMany, Period, PriceConfig, Size};
use crate::limits::LimitMeter;

/// Every table and key of the configuration, made of the types that read it, with their defaults.
pub fn schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

/// Says how types are written that are read from a text or from several forms.
macro_rules! written {
    ($($type:ty: $schema:expr;)+) => {
        $(impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        })+
    };
}

written! {
    Listen: json_schema!({"type": "string", "examples": ["127.0.0.1:4000"]});
    Database: json_schema!({"type": "string", "examples": ["sqlite://llm-gateway.db", "postgres://user@host/name"]});
    Period: json_schema!({"type": "string", "examples": ["60s", "500ms", "1m 30s", "90d"]});
    Size: json_schema!({"type": ["string", "integer"], "examples": ["32MiB"]});
    ClaimPath: texts();
    OneOrMany: texts();
    PriceConfig: json_schema!({
        "type": "object",
        "additionalProperties": {"type": ["string", "integer"]},
        "minProperties": 1,
        "examples": [{"input": "0.15", "output": "0.60"}]
    });
    DefaultLimits: default_limits();
}

fn texts() -> Schema {
    json_schema!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
}

fn default_limits() -> Schema {
    let amounts = |meter: &LimitMeter| {
        let (said, example) = match meter {
            LimitMeter::Spend => ("`AMOUNT/WINDOW` in US dollars, or a list of them", "5/day"),
            LimitMeter::Concurrency => ("How many calls at the same time", "20"),
            _ => ("`AMOUNT/WINDOW`, or a list of them", "600/minute"),
        };
        // Only of calls at the same time a number says it all.
        let kind = if *meter == LimitMeter::Concurrency { json!(["string", "integer"]) } else { json!("string") };
        let one = json!({"type": kind, "examples": [example]});
        let many = json!({"type": "array", "items": one});
        (meter.as_str().to_owned(), json!({"description": format!("{said}."), "anyOf": [one, many]}))
    };
    let properties: Map<String, Value> = LimitMeter::ALL.iter().map(amounts).collect();
    json_schema!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// Defaults stand in the schema as they would stand in a file.
macro_rules! shown {
    ($($type:ty => $text:expr;)+) => {
        $(impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let text: fn(&Self) -> String = $text;
                serializer.serialize_str(&text(self))
            }
        })+
    };
}

shown! {
    Listen => ToString::to_string;
    Database => Database::shown;
    Period => ToString::to_string;
    Size => ToString::to_string;
    ClaimPath => ToString::to_string;
}
