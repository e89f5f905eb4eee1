//! What a call used, in disjoint kinds: no token is counted under two of them.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Native;

macro_rules! meters {
    ($($(#[$doc:meta])* $arm:ident = $text:literal $(in $parent:ident)?),+ $(,)?) => {
        /// A unit that providers charge by. Kinds of tokens are disjoint: `Input` is what was neither read from a
        /// cache, nor written to one, nor audio, nor an image.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Meter { $($(#[$doc])* $arm),+ }

        impl Meter {
            /// Every meter, in the order of declaration.
            pub const ALL: &[Meter] = &[$(Meter::$arm),+];

            /// The name in JSON, configuration and price data.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$arm => $text),+ }
            }

            /// The meter whose price applies where this one has none of its own.
            pub fn parent(self) -> Option<Meter> {
                match self { $($(Self::$arm => Some(Self::$parent),)?)+ _ => None }
            }

            /// The meter of that name.
            pub fn from_name(name: &str) -> Option<Meter> {
                match name { $($text => Some(Self::$arm),)+ _ => None }
            }
        }
    };
}

meters! {
    /// Prompt tokens at the full rate.
    Input = "input",
    /// Completion tokens that are neither reasoning, audio nor images.
    Output = "output",
    /// Prompt tokens read from the provider's cache.
    CacheRead = "cache_read" in Input,
    /// Prompt tokens written to the provider's cache for its shortest time (Anthropic: 5 minutes).
    CacheWrite = "cache_write" in Input,
    /// Prompt tokens written to the provider's cache for an hour.
    CacheWrite1h = "cache_write_1h" in CacheWrite,
    /// Completion tokens spent on reasoning.
    Reasoning = "reasoning" in Output,
    /// Audio tokens of the prompt.
    InputAudio = "input_audio" in Input,
    /// Audio tokens of the prompt read from the provider's cache.
    CacheReadAudio = "cache_read_audio" in CacheRead,
    /// Image tokens of the prompt.
    InputImage = "input_image" in Input,
    /// Audio tokens of the completion.
    OutputAudio = "output_audio" in Output,
    /// Image tokens of the completion.
    OutputImage = "output_image" in Output,
    /// Whole calls.
    Request = "request",
    /// Images made.
    Image = "image",
    /// Seconds of audio.
    Second = "second",
    /// Characters of text.
    Character = "character",
    /// Search queries run by the provider.
    Query = "query",
    /// Pages read.
    Page = "page",
}

impl Meter {
    /// Whether tokens are counted.
    pub fn is_token(self) -> bool {
        !self.is_measure() && !matches!(self, Self::Request | Self::Query)
    }

    /// Whether it measures in another way what tokens may measure as well.
    pub fn is_measure(self) -> bool {
        matches!(self, Self::Image | Self::Second | Self::Character | Self::Page)
    }
}

const METERS: usize = Meter::ALL.len();

impl std::fmt::Display for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Meter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Meter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Meter::from_name(&name).ok_or_else(|| serde::de::Error::custom(format!("unknown meter `{name}`")))
    }
}

/// What a call used, by [`Meter`], and the provider's own usage object as it came.
///
/// As JSON an object of the counts that are not zero (`{"input": 12, "output": 30}`), with `native` beside them
/// where the provider's own object is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    counts: [u64; METERS],
    /// The provider's usage object, whole, written back only to its own protocol.
    pub native: Native,
}

impl Usage {
    /// Nothing used.
    pub const NONE: &Usage = &Usage { counts: [0; METERS], native: Native::NONE };

    /// The count of one meter.
    pub fn get(&self, meter: Meter) -> u64 {
        self.counts[meter as usize]
    }

    /// Sets the count of one meter.
    pub fn set(&mut self, meter: Meter, count: u64) {
        self.counts[meter as usize] = count;
    }

    /// The same, chained.
    #[must_use]
    pub fn with(mut self, meter: Meter, count: u64) -> Self {
        self.set(meter, count);
        self
    }

    /// Adds to the count of one meter; saturates.
    pub fn add(&mut self, meter: Meter, count: u64) {
        let sum = &mut self.counts[meter as usize];
        *sum = sum.saturating_add(count);
    }

    /// Every count that is not zero.
    pub fn counts(&self) -> impl Iterator<Item = (Meter, u64)> + '_ {
        Meter::ALL.iter().map(|&meter| (meter, self.get(meter))).filter(|&(_, count)| count > 0)
    }

    /// All tokens of the prompt, cached, audio and image tokens included.
    pub fn input_tokens(&self) -> u64 {
        use Meter::{CacheRead, CacheReadAudio, CacheWrite, CacheWrite1h, Input, InputAudio, InputImage};
        self.sum(&[Input, CacheRead, CacheReadAudio, CacheWrite, CacheWrite1h, InputAudio, InputImage])
    }

    /// All tokens of the completion, reasoning, audio and image tokens included.
    pub fn output_tokens(&self) -> u64 {
        self.sum(&[Meter::Output, Meter::Reasoning, Meter::OutputAudio, Meter::OutputImage])
    }

    /// All tokens.
    pub fn total(&self) -> u64 {
        self.input_tokens().saturating_add(self.output_tokens())
    }

    /// Whether no count was said.
    pub fn is_zero(&self) -> bool {
        self.counts.iter().all(|&count| count == 0)
    }

    fn sum(&self, meters: &[Meter]) -> u64 {
        meters.iter().fold(0, |sum, &meter| sum.saturating_add(self.get(meter)))
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (meter, count) in self.counts() {
            map.serialize_entry(meter.as_str(), &count)?;
        }
        if !self.native.is_none() {
            map.serialize_entry("native", &self.native)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Usage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Usage;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of counts by meter")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Usage, A::Error> {
                let mut usage = Usage::default();
                while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    if name == "native" {
                        usage.native = map.next_value()?;
                    } else if let Some(meter) = Meter::from_name(&name) {
                        usage.set(meter, map.next_value()?);
                    } else {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                Ok(usage)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests;
