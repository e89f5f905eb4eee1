//! What a model can do, as a small set.

macro_rules! capabilities {
    ($($(#[$doc:meta])* $arm:ident = $text:literal, $letter:literal;)+) => {
        /// Something that a model can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Capability { $($(#[$doc])* $arm),+ }

        impl Capability {
            /// Every capability.
            pub const ALL: &[Capability] = &[$(Capability::$arm),+];

            /// The name, as the gateway's API writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$arm => $text),+ }
            }

            /// By its letter in the data file.
            pub(super) fn from_letter(letter: char) -> Option<Self> {
                match letter { $($letter => Some(Self::$arm),)+ _ => None }
            }
        }
    };
}

capabilities! {
    /// It sees images.
    Vision = "vision", 'v';
    /// It reads PDF.
    Pdf = "pdf", 'd';
    /// It hears sound.
    Audio = "audio", 'a';
    /// It sees videos.
    Video = "video", 'm';
    /// It answers with images.
    ImageOut = "image_out", 'i';
    /// It answers with sound.
    AudioOut = "audio_out", 'o';
    /// It calls tools.
    Tools = "tools", 't';
    /// It calls several tools at once.
    ParallelTools = "parallel_tools", 'p';
    /// It answers by a JSON Schema.
    JsonSchema = "json_schema", 'j';
    /// It reasons before it answers.
    Reasoning = "reasoning", 'r';
    /// Its provider caches prompts.
    Cache = "cache", 'c';
    /// Its provider searches the web for it.
    WebSearch = "web_search", 'w';
}

/// A set of capabilities. What is not in it is not known to be there.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(u16);

impl Capabilities {
    /// Whether `capability` is in it.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u16) != 0
    }

    /// Those that are in both.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// All that are in it.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(move |capability| self.has(*capability))
    }

    /// Whether nothing is known.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().fold(0, |bits, capability| bits | 1 << capability as u16))
    }
}

impl std::fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(Capability::as_str)).finish()
    }
}
