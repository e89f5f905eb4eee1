use serde_json::json;

use super::*;

#[test]
fn a_place_in_a_document_needs_no_address() {
    for (unit, want) in [
        (CitedUnit::Character, json!({"type": "char_location", "start_char_index": 2, "end_char_index": 3})),
        (CitedUnit::Page, json!({"type": "page_location", "start_page_number": 2, "end_page_number": 3})),
        (CitedUnit::Block, json!({"type": "content_block_location", "start_block_index": 2, "end_block_index": 3})),
    ] {
        let place = Some(CitedPlace { unit, index: 1, start: 2, end: 3 });
        let said = Citation { place: place.clone(), cited_text: Some("w".to_owned()), ..Citation::default() };
        let mut want = want;
        want["cited_text"] = json!("w");
        want["document_index"] = json!(1);
        want["document_title"] = Value::Null;
        let written = write(&said).unwrap();
        assert_eq!(written, want);
        let Value::Object(members) = written else { panic!("an object") };
        assert_eq!(read(members).place, place);
    }
}

#[test]
fn a_place_in_a_search_result_names_its_source() {
    let said = Citation {
        url: Some("https://a".to_owned()),
        title: Some("A".to_owned()),
        place: Some(CitedPlace { unit: CitedUnit::SearchResultBlock, index: 0, start: 0, end: 1 }),
        ..Citation::default()
    };
    let want = json!({
        "type": "search_result_location", "cited_text": "", "source": "https://a", "title": "A",
        "search_result_index": 0, "start_block_index": 0, "end_block_index": 1
    });
    assert_eq!(write(&said), Some(want));
}

#[test]
fn what_has_neither_place_nor_address_can_not_be_said() {
    let place = Some(CitedPlace { unit: "line".into(), index: 0, start: 0, end: 1 });
    assert_eq!(write(&Citation { place, ..Citation::default() }), None);
    assert_eq!(write(&Citation::default()), None);
}
