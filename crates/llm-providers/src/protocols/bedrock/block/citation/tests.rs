use serde_json::{Value, json};

use super::*;

fn as_read(location: Value) -> Citation {
    let Value::Object(members) = json!({"title": "T", "sourceContent": [{"text": "w"}], "location": location}) else {
        panic!("an object")
    };
    let citation = read(members.clone());
    assert_eq!(write(&citation), Value::Object(members), "its own are written as they came");
    citation
}

#[test]
fn places_are_those_that_anthropic_names() {
    let place = |unit| CitedPlace { unit, index: 1, start: 2, end: 3 };
    let location = |name: &str, index: &str| json!({name: {index: 1, "start": 2, "end": 3}});
    for (location, unit) in [
        (location("documentChar", "documentIndex"), CitedUnit::Character),
        (location("documentPage", "documentIndex"), CitedUnit::Page),
        (location("documentChunk", "documentIndex"), CitedUnit::Block),
        (location("searchResultLocation", "searchResultIndex"), CitedUnit::SearchResultBlock),
    ] {
        let citation = as_read(location.clone());
        assert_eq!(citation.place, Some(place(unit)));
        let foreign = Citation { native: llm_core::Native::NONE, ..citation };
        assert_eq!(write(&foreign)["location"], location);
    }
    assert_eq!(as_read(json!({"documentChar": {"documentIndex": 1}})).place, None);
    assert_eq!(as_read(json!({"web": {"url": "https://a"}})).place, None);
}
