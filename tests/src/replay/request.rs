//! A recorded request, understood as a server would and said again as a client would.

use std::collections::BTreeMap;

use llm_core::codec::{Quirks, Target};
use serde_json::Value;

use super::{Case, Outcome, Promise, native, passing};
use crate::exchange::Asked;
use crate::json;

pub(super) fn replay(case: &Case<'_>, asked: &Asked, body: &Value, outcome: &mut Outcome) {
    let bytes = body.to_string();
    passing::request(case, asked, body, outcome);
    let (request, cx) = match case.codec.decode_request(&asked.head(), bytes.as_bytes()) {
        Ok(decoded) => decoded,
        Err(error) => return outcome.fail(Promise::Request, format!("can't be read: {error:?}")),
    };
    native::round_trip("request", &request, outcome);
    let quirks = Quirks::default();
    let target = Target {
        provider: &case.exchange.provider,
        model: case.exchange.model(),
        version: case.version(),
        quirks: &quirks,
        variables: &BTreeMap::new(),
        stream: cx.stream,
        max_output: None,
        id_seed: "seed",
    };
    let encoded = match case.codec.encode_request(&request, &target) {
        Ok(encoded) => encoded,
        Err(error) => return outcome.fail(Promise::Request, format!("can't be written: {error:?}")),
    };
    let mut found = encoded.dropped.iter().map(|name| format!("`{name}` was dropped")).collect::<Vec<_>>();
    match serde_json::from_slice::<Value>(&encoded.body) {
        Ok(mut ours) => {
            forget_usage_option(body, &mut ours);
            found.extend(json::differences(body, &ours));
        }
        Err(error) => found.push(format!("what was written is not JSON: {error}")),
    }
    outcome.note(Promise::Request, found);
}

/// A stream's usage is asked for even where the caller did not; that is the one member that may be added.
fn forget_usage_option(theirs: &Value, ours: &mut Value) {
    let asks = serde_json::json!({ "include_usage": true });
    if let Some(members) = ours.as_object_mut()
        && theirs.get("stream_options").is_none()
        && members.get("stream_options") == Some(&asks)
        && members.get("stream") == Some(&Value::Bool(true))
    {
        members.shift_remove("stream_options");
    }
}
