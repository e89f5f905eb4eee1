//! A look at a request in one pass, without building it.
//!
//! Texts count with their bytes; schemas, arguments and whatever else is JSON in the prompt with about the bytes of its
//! shortest spelling. Base64 data and signatures are no text.

use llm_core::codec::{Skim, Stored};
use llm_core::stored::google_file;
use llm_core::{Error, Result};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};

use super::super::name::{
    CACHED_CONTENT, CANDIDATE_COUNT, FILE_DATA, FILE_URI, FUNCTION_DECLARATIONS, FUNCTION_RESPONSE, GENERATION_CONFIG,
    INLINE_DATA, MAX_OUTPUT_TOKENS, MIME_TYPE, Name as Spelled, RESPONSE_JSON_SCHEMA, RESPONSE_SCHEMA, SERVICE_TIER,
    SYSTEM_INSTRUCTION, THOUGHT_SIGNATURE, TOOL_CONFIG,
};
use crate::protocols::reader::{Found, Name, Read, Reader, pass};

/// Reads what limits need, and makes sure that the body is one JSON object with contents.
///
/// A member that matters and stands there twice, in one spelling or in both, is refused: which one counts is for every
/// reader to choose, and the provider must not choose another than we did.
pub(in super::super) fn skim(body: &[u8]) -> Result<Skim> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Error::invalid_request(format!("the request body is not valid UTF-8: {error}")))?;
    let mut look = Look::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let walk = Walk { look: &mut look, place: Place::Body };
    Read(walk)
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| Error::invalid_request(format!("the request body is not valid JSON: {error}")))?;
    look.finish()
}

#[derive(Default)]
struct Look {
    skim: Skim,
    /// What is wrong, if anything is.
    wrong: Option<String>,
    before: Vec<&'static str>,
    choices: Option<u64>,
    /// Whether the file that is being looked at is an image.
    is_image: bool,
}

impl Look {
    fn finish(self) -> Result<Skim> {
        if let Some(wrong) = self.wrong {
            return Err(Error::invalid_request(wrong));
        }
        if !self.before.contains(&"contents") {
            return Err(Error::invalid_request("missing required parameter `contents`").with_param("contents"));
        }
        if self.skim.messages == 0 {
            let message = "`contents` must not be empty: at least one content is required";
            return Err(Error::invalid_request(message).with_param("contents"));
        }
        Ok(Skim { choices: self.choices.unwrap_or(1).max(1), ..self.skim })
    }

    fn wrong(&mut self, message: impl Into<String>) {
        self.wrong.get_or_insert(message.into());
    }

    /// Notes that a member stands there.
    fn meet(&mut self, name: &'static str) {
        if self.before.contains(&name) {
            self.wrong(format!("`{name}` stands there twice"));
        }
        self.before.push(name);
    }
}

/// Where a value stands, and so what it is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Body,
    Contents,
    Content,
    Parts,
    Part,
    /// A function's response: JSON, with parts in it.
    Response,
    Text,
    /// Counts with all that is in it.
    Json,
    Inline,
    File,
    FileUri,
    MimeType,
    Tools,
    Tool,
    Functions,
    Config,
    MaxTokens,
    Choices,
    Tier,
    /// What has no computable bound, as soon as it is said.
    Unbounded,
    /// The name of a prefix that the provider keeps.
    Cached,
    Skip,
}

impl Place {
    /// The place of a member of the object at this place.
    fn of(self, name: &str) -> Self {
        let is = |spelled: Spelled| name == spelled.camel || name == spelled.snake;
        match self {
            Self::Body => match name {
                "contents" => Self::Contents,
                "tools" => Self::Tools,
                _ if is(SYSTEM_INSTRUCTION) => Self::Content,
                _ if is(GENERATION_CONFIG) => Self::Config,
                _ if is(CACHED_CONTENT) => Self::Cached,
                _ if is(SERVICE_TIER) => Self::Tier,
                _ if is(TOOL_CONFIG) => Self::Json,
                _ => Self::Skip,
            },
            Self::Contents | Self::Content if name == "parts" => Self::Parts,
            Self::Parts | Self::Part => match name {
                "text" => Self::Text,
                _ if is(INLINE_DATA) => Self::Inline,
                _ if is(FILE_DATA) => Self::File,
                _ if is(FUNCTION_RESPONSE) => Self::Response,
                _ if is(THOUGHT_SIGNATURE) => Self::Skip,
                _ => Self::Json,
            },
            Self::Response if name == "parts" => Self::Parts,
            Self::Response => Self::Json,
            Self::File if is(MIME_TYPE) => Self::MimeType,
            Self::File if is(FILE_URI) => Self::FileUri,
            Self::Tools | Self::Tool if is(FUNCTION_DECLARATIONS) => Self::Functions,
            Self::Tools | Self::Tool => Self::Unbounded,
            Self::Config => match name {
                _ if is(MAX_OUTPUT_TOKENS) => Self::MaxTokens,
                _ if is(CANDIDATE_COUNT) => Self::Choices,
                _ if is(RESPONSE_JSON_SCHEMA) || is(RESPONSE_SCHEMA) => Self::Json,
                _ => Self::Skip,
            },
            _ => Self::Skip,
        }
    }

    /// The name of a member that may stand there once only.
    fn single(self, parent: Self) -> Option<&'static str> {
        match self {
            Self::Contents => Some("contents"),
            Self::Tools => Some("tools"),
            Self::Config => Some(GENERATION_CONFIG.camel),
            Self::MaxTokens => Some(MAX_OUTPUT_TOKENS.camel),
            Self::Choices => Some(CANDIDATE_COUNT.camel),
            Self::Tier => Some(SERVICE_TIER.camel),
            Self::Content if parent == Self::Body => Some(SYSTEM_INSTRUCTION.camel),
            _ => None,
        }
    }
}

struct Walk<'l> {
    look: &'l mut Look,
    place: Place,
}

impl Walk<'_> {
    fn count_wanted(&mut self, found: Found) {
        let name = if self.place == Place::MaxTokens { MAX_OUTPUT_TOKENS } else { CANDIDATE_COUNT };
        let Found(found) = found;
        self.look.wrong(format!(
            "`generationConfig.{}` must be a whole number that is not negative, not {found}",
            name.camel
        ));
    }

    /// Notes that something stands here that is more than null.
    fn said(&mut self) {
        match self.place {
            Place::Unbounded | Place::Cached => self.look.skim.unbounded = true,
            Place::Inline | Place::File => self.look.skim.media += 1,
            _ => {}
        }
    }
}

impl<'de> Reader<'de> for Walk<'_> {
    type Value = ();

    fn other<E: serde::de::Error>(mut self, found: Found) -> Result<(), E> {
        if found == Found("null") {
            return Ok(());
        }
        self.said();
        match self.place {
            Place::Body => {
                self.look.wrong(format!("the request body must be a JSON object, not {}", found.0));
            }
            Place::Contents | Place::Tools => {
                let name = if self.place == Place::Contents { "contents" } else { "tools" };
                self.look.wrong(format!("`{name}` must be a list, not {}", found.0));
            }
            Place::MaxTokens | Place::Choices => self.count_wanted(found),
            // Numbers and truth values are a few bytes.
            Place::Json => self.look.skim.text_bytes += 8,
            _ => {}
        }
        Ok(())
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let skim = &mut self.look.skim;
        match self.place {
            Place::Text => skim.text_bytes += text.len() as u64,
            Place::Json => skim.text_bytes += text.len() as u64 + 3,
            Place::Tier => skim.service_tier = Some(text.to_ascii_lowercase()),
            Place::MimeType => self.look.is_image = text.starts_with("image/"),
            Place::FileUri => {
                skim.stored.extend(google_file(text).map(|id| Stored::new("fileUri", id)));
            }
            Place::Cached => {
                skim.unbounded = true;
                skim.stored.push(Stored::new("cachedContent", text));
            }
            _ => return self.other(Found("a string")),
        }
        Ok(())
    }

    fn count<E: serde::de::Error>(self, count: u64) -> Result<(), E> {
        match self.place {
            Place::MaxTokens => self.look.skim.max_tokens = Some(count),
            Place::Choices => self.look.choices = Some(count),
            _ => return self.other(Found("a number")),
        }
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        self.said();
        let inner = match self.place {
            Place::Contents => Place::Content,
            Place::Parts => Place::Part,
            Place::Tools => Place::Tool,
            Place::Functions | Place::Json => Place::Json,
            Place::MaxTokens | Place::Choices => {
                self.count_wanted(Found("a list"));
                Place::Skip
            }
            Place::Body => {
                self.look.wrong("the request body must be a JSON object, not a list");
                Place::Skip
            }
            _ => Place::Skip,
        };
        while list.next_element_seed(Read(Walk { look: &mut *self.look, place: inner }))?.is_some() {
            match self.place {
                Place::Contents => self.look.skim.messages += 1,
                Place::Functions => self.look.skim.tools += 1,
                Place::Json => self.look.skim.text_bytes += 1,
                _ => {}
            }
        }
        Ok(())
    }

    fn object<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.said();
        let place = self.place;
        match place {
            // A lone one counts as a list of one.
            Place::Contents => self.look.skim.messages += 1,
            Place::Functions => self.look.skim.tools += 1,
            Place::MaxTokens | Place::Choices => self.count_wanted(Found("an object")),
            Place::File => self.look.is_image = false,
            Place::Skip
            | Place::Unbounded
            | Place::Cached
            | Place::Inline
            | Place::Tier
            | Place::FileUri
            | Place::MimeType => {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(());
            }
            _ => {}
        }
        if matches!(place, Place::Json | Place::Functions | Place::Text) {
            while let Some(bytes) = members.next_key_seed(Name(|name: &str| name.len() as u64))? {
                self.look.skim.text_bytes += bytes + 4;
                members.next_value_seed(Read(Walk { look: &mut *self.look, place: Place::Json }))?;
            }
            return Ok(());
        }
        while let Some(inner) = members.next_key_seed(Name(|name: &str| place.of(name)))? {
            if let Some(name) = inner.single(place) {
                self.look.meet(name);
            }
            if inner == Place::Skip {
                pass(&mut members)?;
            } else {
                members.next_value_seed(Read(Walk { look: &mut *self.look, place: inner }))?;
            }
        }
        // How long a sound, a film or a document is can't be told from its address.
        if place == Place::File && !self.look.is_image {
            self.look.skim.unbounded = true;
        }
        Ok(())
    }
}
