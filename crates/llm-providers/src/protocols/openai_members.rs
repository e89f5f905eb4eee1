//! Members of requests that both of OpenAI's protocols know, and that have no place in the vocabulary: said in one, they
//! are said in the other.

use llm_core::Protocol;
use llm_core::chat::ChatRequest;
use llm_core::codec::{CacheMarkers, Quirks};
use serde_json::{Map, Value};

use super::end_user::SAFETY_IDENTIFIER;

/// What changes no answer, and has the same name in both.
const HINTS: [&str; 4] = ["prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", SAFETY_IDENTIFIER];
/// Whether the provider keeps the conversation. It is kept unasked in Responses and not in Chat Completions, so that
/// what Responses' callers say of it means little there.
const STORE: &str = "store";
/// How much to say: at the top in Chat Completions, within `text` in Responses.
const VERBOSITY: &str = "verbosity";
const TEXT: &str = "text";

/// Why a marker of another protocol may ask for more than is to be had. Whoever spells it in OpenAI's own words can ask
/// for twelve hours.
pub(super) const LIFETIME: &str = "it keeps a marked prefix for half an hour";

/// Whether a prefix is kept as long as a marker of another protocol asks, which is half an hour at least. Source: the API
/// reference on `prompt_cache_breakpoint`.
pub(super) fn is_kept_for(ttl: Option<&str>) -> bool {
    matches!(ttl, None | Some("5m" | "30m"))
}

/// Writes what a request that came in the one protocol says for the other, `own`. Returns the members that were said so.
pub(super) fn write(
    request: &ChatRequest,
    own: Protocol,
    quirks: &Quirks,
    out: &mut Map<String, Value>,
) -> Vec<&'static str> {
    let theirs = match own {
        Protocol::OpenAiChat => Protocol::OpenAiResponses,
        _ => Protocol::OpenAiChat,
    };
    let Some(members) = request.native.members(theirs) else { return Vec::new() };
    let mut said = Vec::new();
    // Hosts that cache in their own way know nothing of these, and may refuse what they don't know.
    let takes_hints = matches!(quirks.cache_markers, CacheMarkers::AsGiven | CacheMarkers::Breakpoint);
    for name in HINTS {
        let Some(value) = members.get(name) else { continue };
        if takes_hints {
            out.insert(name.to_owned(), value.clone());
            said.push(name);
        } else if name == SAFETY_IDENTIFIER {
            out.insert("user".to_owned(), value.clone());
            said.push(name);
        }
    }
    if let Some(store) = members.get(STORE).filter(|_| own == Protocol::OpenAiResponses) {
        out.insert(STORE.to_owned(), store.clone());
        said.push(STORE);
    }
    if let Some(verbosity) = members.get(VERBOSITY).filter(|_| own == Protocol::OpenAiResponses) {
        let text = out.entry(TEXT).or_insert_with(|| Map::new().into());
        if let Value::Object(text) = text {
            text.insert(VERBOSITY.to_owned(), verbosity.clone());
            said.push(VERBOSITY);
        }
    }
    let text = members.get(TEXT).and_then(Value::as_object).filter(|_| own == Protocol::OpenAiChat);
    // Whatever else stands there is for the caller to hear of.
    if let Some(verbosity) = text.filter(|text| text.len() == 1).and_then(|text| text.get(VERBOSITY)) {
        out.insert(VERBOSITY.to_owned(), verbosity.clone());
        said.push(TEXT);
    }
    said
}
