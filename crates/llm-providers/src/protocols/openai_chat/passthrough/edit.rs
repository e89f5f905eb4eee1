//! Edits of a body's top-level members in place; every other byte stays.

use bytes::Bytes;
use llm_core::Result;
use llm_core::codec::Edits;
use serde_json::{Map, Value, json};

use super::super::super::splice::Splice;

/// The bound of the answer, by its newer and its older name.
const BOUNDS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// Makes the edits. A name that stands there twice is edited in both places.
pub(super) fn edit(body: &Bytes, edits: &Edits) -> Result<Bytes> {
    if edits.is_empty() {
        return Ok(body.clone());
    }
    let mut splice = Splice::new(body)?;
    if let Some(model) = &edits.model {
        splice.set_text("model", model);
    }
    if edits.ask_usage {
        ask_usage(&mut splice);
    }
    if let Some(cap) = edits.cap_output {
        cap_output(&mut splice, cap, edits.cap_name.as_deref().unwrap_or(BOUNDS[0]));
    }
    Ok(splice.finish())
}

fn ask_usage(splice: &mut Splice<'_>) {
    let name = "stream_options";
    let mut options = match splice.value(name).map(serde_json::from_slice) {
        Some(Ok(Value::Object(options))) => options,
        _ => Map::new(),
    };
    if options.get("include_usage") != Some(&json!(true)) {
        options.insert("include_usage".to_owned(), json!(true));
        splice.set(name, Value::Object(options).to_string());
    }
}

/// Lowers every bound that is higher, under whichever name it stands; where there is none, sets one.
fn cap_output(splice: &mut Splice<'_>, cap: u64, name: &str) {
    let others = BOUNDS.into_iter().filter(|bound| *bound != name);
    let mut is_bound = false;
    for bound in others.chain([name]) {
        let Some(stated) = splice.value(bound).filter(|stated| *stated != b"null") else { continue };
        is_bound = true;
        let is_low = serde_json::from_slice::<u64>(stated).is_ok_and(|stated| stated <= cap);
        // Set even then: the name may stand there once more.
        splice.set(bound, if is_low { stated.to_vec() } else { cap.to_string().into_bytes() });
    }
    if !is_bound {
        splice.set(name, cap.to_string());
    }
}
