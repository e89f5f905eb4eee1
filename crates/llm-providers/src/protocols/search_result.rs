//! Search results that an application sends along for the model to cite: `search_result` of Anthropic Messages and
//! `searchResult` of Bedrock Converse hold the same. No other protocol has them, and so they have no part of their own.

use llm_core::Protocol;
use llm_core::chat::CacheControl;
use llm_core::fields::Fields;
use serde_json::{Map, Value, json};

const ANTHROPIC: &str = "search_result";
const BEDROCK: &str = "searchResult";

/// A block of Anthropic's as one of Bedrock's, and the cache marker behind it. None where it is something else, or says
/// what the other has no word for.
pub(super) fn to_bedrock(block: &Value) -> Option<(Value, Option<CacheControl>)> {
    let mut block = Fields::new(block.as_object()?.clone());
    block.take_text("type").filter(|kind| kind == ANTHROPIC)?;
    let cache = match block.take_object("cache_control") {
        Some(mut marker) => {
            let ttl = marker.take_text("ttl");
            Some(CacheControl { ttl, native: marker.into_native(Protocol::Anthropic) })
        }
        None => None,
    };
    let result = convert(block, |text| {
        text.take_text("type").filter(|kind| kind == "text")?;
        Some(json!({"text": text.take_text("text")?}))
    })?;
    Some((json!({ BEDROCK: result }), cache))
}

/// A block of Bedrock's as one of Anthropic's.
pub(super) fn to_anthropic(block: &Value) -> Option<Value> {
    let mut block = Fields::new(block.as_object()?.clone());
    let inner = block.take_object(BEDROCK)?;
    block.is_empty().then_some(())?;
    let mut result = convert(inner, |text| Some(json!({"type": "text", "text": text.take_text("text")?})))?;
    result.insert("type".to_owned(), ANTHROPIC.into());
    Some(result.into())
}

/// Source, title, texts and whether to cite them, which both protocols spell alike, but for the texts.
fn convert(mut from: Fields, text: impl Fn(&mut Fields) -> Option<Value>) -> Option<Map<String, Value>> {
    let mut to = Map::new();
    for name in ["source", "title"] {
        to.insert(name.to_owned(), from.take_text(name)?.into());
    }
    let pieces = from.take_list("content")?.into_iter().map(|piece| {
        let mut piece = Fields::at("content", piece).ok()?;
        let written = text(&mut piece)?;
        piece.is_empty().then_some(written)
    });
    to.insert("content".to_owned(), pieces.collect::<Option<Vec<Value>>>()?.into());
    if let Some(mut citations) = from.take_object("citations") {
        to.insert("citations".to_owned(), json!({"enabled": citations.take_bool("enabled")?}));
        citations.is_empty().then_some(())?;
    }
    from.is_empty().then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> (Value, Value) {
        let result = |content: Value| json!({"source": "https://a", "title": "A", "citations": {"enabled": true}, "content": content});
        let mut theirs = result(json!([{"type": "text", "text": "x"}]));
        theirs["type"] = json!("search_result");
        (theirs, json!({"searchResult": result(json!([{"text": "x"}]))}))
    }

    #[test]
    fn a_search_result_says_the_same_in_both() {
        let (mut anthropic, bedrock) = results();
        assert_eq!(to_bedrock(&anthropic), Some((bedrock.clone(), None)));
        assert_eq!(to_anthropic(&bedrock), Some(anthropic.clone()));
        anthropic["cache_control"] = json!({"type": "ephemeral", "ttl": "1h"});
        assert_eq!(to_bedrock(&anthropic).unwrap().1.unwrap().ttl.as_deref(), Some("1h"));
    }

    #[test]
    fn what_the_other_can_not_say_is_not_said_in_part() {
        let (anthropic, bedrock) = results();
        for place in ["/new", "/content/0/citations", "/citations/more"] {
            let mut odd = anthropic.clone();
            let (outer, name) = place.rsplit_once('/').unwrap();
            odd.pointer_mut(outer).unwrap()[name] = json!(1);
            assert_eq!(to_bedrock(&odd), None, "{place}");
        }
        assert_eq!(to_bedrock(&json!({"type": "text", "text": "x"})), None);
        let mut odd = bedrock;
        odd["more"] = json!({});
        assert_eq!(to_anthropic(&odd), None);
    }
}
