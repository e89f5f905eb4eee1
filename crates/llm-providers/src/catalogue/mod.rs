//! What is known of models: windows, bounds, capabilities and prices.
//!
//! The data is one text, `models.tsv`, sorted by `provider:model`, made by `cargo xtask catalogue`. Nothing of it is
//! parsed at start: a look-up is a binary search over its lines, and reads the one line that it finds. Where the lines
//! begin is noted once, at the first look-up. Keep what you look up often.
//!
//! ```
//! use llm_providers::catalogue::Catalogue;
//! let model = Catalogue::bundled().lookup("openai", "gpt-4o-mini").unwrap();
//! assert_eq!(model.window, Some(128_000));
//! assert_eq!(model.price.rate(llm_core::Meter::Input, 0, None), Some(150_000_000)); // 0.15 dollars per million
//! ```

mod capability;
mod line;
mod names;

pub use capability::{Capabilities, Capability};

use std::sync::OnceLock;

use llm_core::Price;

/// What is known of one model. Whatever is `None` or empty is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The provider's id, as it was asked for; empty for a name that only a gateway knows.
    pub provider: String,
    /// The model as the provider spells it. For a name that stands for another model, this is that model.
    pub id: String,
    /// What it is for.
    pub mode: Mode,
    /// The most tokens that a prompt may have.
    pub window: Option<u64>,
    /// The most tokens that an answer may have.
    pub max_output: Option<u64>,
    /// What it is known to be able to do.
    pub capabilities: Capabilities,
    /// What it costs. Empty where that is not known; what is free has lines of zero.
    pub price: Price,
    /// The day on which the provider takes it away, `YYYY-MM-DD`, where one is announced.
    pub deprecated_on: Option<String>,
}

impl Model {
    /// `provider:model`, or the bare name where no provider is known.
    pub fn full_id(&self) -> String {
        if self.provider.is_empty() { self.id.clone() } else { format!("{}:{}", self.provider, self.id) }
    }
}

macro_rules! modes {
    ($($(#[$doc:meta])* $arm:ident = $text:literal),+ $(,)?) => {
        /// What a model is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Mode { $($(#[$doc])* $arm),+ }

        impl Mode {
            /// The name, as the data and the gateway's API write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$arm => $text),+ }
            }

            fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$arm),)+ _ => None }
            }
        }
    };
}

modes! {
    /// Conversations.
    Chat = "chat",
    /// Conversations by OpenAI's Responses only.
    Responses = "responses",
    /// Text that is continued.
    Completion = "completion",
    /// Vectors of texts.
    Embedding = "embedding",
    /// Documents in the order of their relevance.
    Rerank = "rerank",
    /// Judgement of contents.
    Moderation = "moderation",
    /// Images made or changed.
    Image = "image",
    /// Speech to text.
    Transcription = "transcription",
    /// Text to speech.
    Speech = "speech",
    /// Speech both ways, live.
    Realtime = "realtime",
    /// Videos made.
    Video = "video",
    /// Text of pages.
    Ocr = "ocr",
    /// Something else, or not known.
    Other = "other",
}

/// A list of models. [`bundled`](Catalogue::bundled) is the one that comes with this version.
#[derive(Debug)]
pub struct Catalogue {
    text: &'static str,
    /// The lines of `text`, comments left out.
    lines: OnceLock<Vec<&'static str>>,
}

static BUNDLED: Catalogue = Catalogue { text: include_str!("models.tsv"), lines: OnceLock::new() };

impl Catalogue {
    /// The catalogue that comes with this version. Costs nothing.
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// The day of which the prices are, `YYYY-MM-DD`.
    pub fn as_of(&self) -> &'static str {
        self.text.lines().find_map(|line| line.strip_prefix("# as-of ")).unwrap_or_default()
    }

    /// A model by the provider's id and the model as the provider spells it.
    ///
    /// The name is looked for as it is; then, in this order:
    /// - without what only addresses it: `models/` and `publishers/google/models/` (Gemini), an ARN up to its last
    ///   `/` (Bedrock), `:latest` (Ollama);
    /// - a fine-tuned model (`ft:gpt-4o-mini-2024-07-18:team::id`) as its base's `ft:` entry;
    /// - without the date at its end (`-2026-01-31`, `-20260131`, `@20260131`, `@default`), as a snapshot that has no
    ///   entry of its own costs what its family does.
    ///
    /// Nothing is found by likeness: see [`nearest`](Self::nearest) for that.
    pub fn lookup(&self, provider: &str, model: &str) -> Option<Model> {
        let found = line::parse(self.find(provider, model)?)?;
        Some(Model { provider: provider.to_owned(), ..found })
    }

    /// The most tokens that an answer of a model may have, without reading the rest; by the same names as
    /// [`lookup`](Self::lookup).
    pub fn max_output(&self, provider: &str, model: &str) -> Option<u64> {
        line::max_output(self.find(provider, model)?)
    }

    /// Every model of a provider, in the order of its names. Further names of the same model are left out.
    pub fn models<'a>(&'a self, provider: &'a str) -> impl Iterator<Item = Model> + 'a {
        let places = || names::places(provider);
        let listed = places().enumerate().flat_map(move |(rank, place)| {
            let prefix = format!("{place}:");
            let lines = self.lines_from(&prefix).iter().take_while(move |line| line.starts_with(&prefix));
            // What an earlier list of the same provider has, this one does not say again.
            lines
                .filter_map(|line| line::parse(line))
                .filter(move |model| !places().take(rank).any(|earlier| self.line(earlier, &model.id).is_some()))
        });
        listed.map(move |model| Model { provider: provider.to_owned(), ..model })
    }

    /// Every model, in the order of `provider:model`.
    pub fn all(&self) -> impl Iterator<Item = Model> + '_ {
        self.lines().iter().filter_map(|line| line::parse(line))
    }

    /// The model of a provider whose name is most like `model`, if one is at all: for "did you mean".
    pub fn nearest(&self, provider: &str, model: &str) -> Option<String> {
        let asked = model.to_lowercase();
        let likeness = |model: &Model| strsim::jaro_winkler(&asked, &model.id.to_lowercase());
        let scored = self.models(provider).map(|model| (likeness(&model), model.id)).filter(|(score, _)| *score > 0.8);
        scored.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, id)| id)
    }

    fn find(&self, provider: &str, model: &str) -> Option<&'static str> {
        let of = |name: &str| names::places(provider).find_map(|place| self.exact(place, name));
        of(model).or_else(|| names::spellings(provider, model).iter().find_map(|name| of(name)))
    }

    /// The line of a name, or of the model that the name stands for.
    fn exact(&self, place: &str, name: &str) -> Option<&'static str> {
        let line = self.line(place, name)?;
        line::alias(line).map_or(Some(line), |target| self.line(place, target))
    }

    fn line(&self, place: &str, name: &str) -> Option<&'static str> {
        let key = format!("{place}:{name}");
        self.lines_from(&key).first().copied().filter(|line| line::key(line) == key)
    }

    /// The lines from the first one whose key is not before `key`.
    fn lines_from(&self, key: &str) -> &[&'static str] {
        let lines = self.lines();
        let start = lines.partition_point(|line| line::key(line) < key);
        lines.get(start..).unwrap_or_default()
    }

    fn lines(&self) -> &[&'static str] {
        self.lines.get_or_init(|| self.text.lines().filter(|line| !line.starts_with('#')).collect())
    }
}

#[cfg(test)]
mod tests;
