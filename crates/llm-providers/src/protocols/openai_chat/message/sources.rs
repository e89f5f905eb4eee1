//! Sources of a whole answer, beside its choices: Perplexity's `search_results` (title, address and date of each) and
//! `citations` (the addresses alone), the latter xAI's too. Streams repeat them in every event.
//!
//! They stay where they stand, for callers of this protocol; for others they are citations of the text.

use std::collections::BTreeSet;

use llm_core::Native;
use llm_core::chat::{Citation, Content, Part};
use llm_core::fields::Fields;
use serde_json::Value;

use super::super::PROTOCOL;

const RESULTS: &str = "search_results";
const ADDRESSES: &str = "citations";

/// The sources of one answer, so far.
#[derive(Debug, Default)]
pub(in super::super) struct Sources {
    known: BTreeSet<String>,
    found: Vec<Citation>,
}

impl Sources {
    /// An address that the text itself cites.
    pub(in super::super) fn cited(&mut self, url: &str) {
        self.known.insert(url.to_owned());
        self.found.retain(|source| source.url.as_deref() != Some(url));
    }

    /// The addresses that texts cite.
    pub(in super::super) fn cited_by(&mut self, parts: &[Part]) {
        for part in parts {
            let Content::Text { citations, .. } = &part.content else { continue };
            citations.iter().filter_map(|citation| citation.url.as_deref()).for_each(|url| self.cited(url));
        }
    }

    /// Looks for sources in an answer or an event.
    pub(in super::super) fn look(&mut self, fields: &Fields) {
        let list = |name| fields.get(name).and_then(Value::as_array).into_iter().flatten();
        for result in list(RESULTS) {
            let text = |name| result.get(name).and_then(Value::as_str);
            self.add(text("url"), text("title"));
        }
        for address in list(ADDRESSES) {
            self.add(address.as_str(), None);
        }
    }

    fn add(&mut self, url: Option<&str>, title: Option<&str>) {
        let Some(url) = url.filter(|url| !url.is_empty() && self.known.insert((*url).to_owned())) else { return };
        let mut native = Native::NONE;
        native.insert(PROTOCOL, RESULTS, Value::Null);
        let title = title.filter(|title| !title.is_empty()).map(str::to_owned);
        self.found.push(Citation { url: Some(url.to_owned()), title, native, ..Citation::default() });
    }

    /// Takes what was found and not taken before.
    pub(in super::super) fn take(&mut self) -> Vec<Citation> {
        std::mem::take(&mut self.found)
    }
}

/// Whether a citation stands beside the choices already.
pub(in super::super) fn stands_beside(citation: &Citation) -> bool {
    citation.native.get(PROTOCOL, RESULTS).is_some()
}
