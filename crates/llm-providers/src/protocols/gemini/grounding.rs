//! Where an answer is taken from: grounding and citation metadata, and citations of texts.

use llm_core::Native;
use llm_core::chat::Citation;
use serde_json::{Map, Value, json};

use super::ME;

/// The sources that a candidate names. The metadata stay where they are.
pub(super) fn read(candidate: &Map<String, Value>) -> Vec<Citation> {
    let mut citations = Vec::new();
    if let Some(metadata) = candidate.get("groundingMetadata") {
        let chunks = items(metadata, "groundingChunks");
        for support in items(metadata, "groundingSupports") {
            let cited_text = support.pointer("/segment/text").and_then(Value::as_str);
            for place in items(support, "groundingChunkIndices") {
                let chunk = place.as_u64().and_then(|place| usize::try_from(place).ok()).and_then(|at| chunks.get(at));
                citations.extend(chunk.and_then(|chunk| of_chunk(chunk, cited_text)));
            }
        }
    }
    let metadata = candidate.get("citationMetadata");
    for name in ["citationSources", "citations"] {
        for source in metadata.map_or(&[][..], |metadata| items(metadata, name)) {
            let text = |name: &str| source.get(name).and_then(Value::as_str).map(str::to_owned);
            if let Some(url) = text("uri") {
                citations.push(Citation { url: Some(url), title: text("title"), ..own() });
            }
        }
    }
    citations
}

/// A page, or a document of a store, as a citation.
fn of_chunk(chunk: &Value, cited_text: Option<&str>) -> Option<Citation> {
    let source = ["web", "retrievedContext", "maps"].into_iter().find_map(|kind| chunk.get(kind))?;
    let text = |name: &str| source.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Citation { url: text("uri"), title: text("title"), cited_text: cited_text.map(str::to_owned), ..own() })
}

fn own() -> Citation {
    Citation { native: Native::new(ME, Map::new()), ..Citation::default() }
}

/// Writes citations of another protocol's answer as grounding.
pub(super) fn write(citations: &[&Citation], candidate: &mut Map<String, Value>) {
    let mut pages: Vec<(&str, Option<&str>)> = Vec::new();
    let mut supports = Vec::new();
    for citation in citations {
        let Some(url) = citation.url.as_deref() else { continue };
        let place = pages.iter().position(|(page, _)| *page == url).unwrap_or_else(|| {
            pages.push((url, citation.title.as_deref()));
            pages.len() - 1
        });
        if let Some(text) = &citation.cited_text {
            supports.push(json!({"segment": {"text": text}, "groundingChunkIndices": [place]}));
        }
    }
    if pages.is_empty() {
        return;
    }
    let chunk = |(url, title): (&str, Option<&str>)| json!({"web": {"uri": url, "title": title.unwrap_or(url)}});
    let chunks: Vec<Value> = pages.into_iter().map(chunk).collect();
    let mut metadata = Map::new();
    metadata.insert("groundingChunks".to_owned(), chunks.into());
    if !supports.is_empty() {
        metadata.insert("groundingSupports".to_owned(), supports.into());
    }
    candidate.insert("groundingMetadata".to_owned(), metadata.into());
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
