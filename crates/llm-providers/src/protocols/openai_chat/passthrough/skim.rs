//! A look at a request in one pass, without building it.

use llm_core::codec::{Skim, Stored};
use llm_core::{Error, Result};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};

use crate::protocols::look::{Look, look};
use crate::protocols::reader::{Found, Name, Read, Reader, pass};

/// Reads what routing and limits need, and makes sure that the body is one JSON object.
///
/// A member that matters and stands there twice is refused: which one counts is for every reader to choose, and the
/// provider must not choose another than we did.
pub(super) fn skim(body: &[u8]) -> Result<Skim> {
    look(body, |look, reader| Read(Body(look)).deserialize(reader))
}

/// The members that matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Model,
    Messages,
    Stream,
    StreamOptions,
    MaxTokens,
    MaxCompletionTokens,
    N,
    Tools,
    Functions,
    User,
    SafetyIdentifier,
    ServiceTier,
    /// Text that the model reads.
    Text,
    /// What makes the provider search or run something.
    Hosted,
    Other,
}

impl Top {
    fn of(name: &str) -> Self {
        match name {
            "model" => Self::Model,
            "messages" => Self::Messages,
            "stream" => Self::Stream,
            "stream_options" => Self::StreamOptions,
            "max_tokens" => Self::MaxTokens,
            "max_completion_tokens" => Self::MaxCompletionTokens,
            "n" => Self::N,
            "tools" => Self::Tools,
            "functions" => Self::Functions,
            "user" => Self::User,
            "safety_identifier" => Self::SafetyIdentifier,
            "service_tier" => Self::ServiceTier,
            "response_format" | "prediction" => Self::Text,
            "web_search_options" | "search_parameters" | "plugins" => Self::Hosted,
            _ => Self::Other,
        }
    }

    fn may_repeat(self) -> bool {
        matches!(self, Self::Text | Self::Hosted | Self::Other)
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

struct Body<'a>(&'a Look);

impl<'de> Reader<'de> for Body<'_> {
    type Value = ();

    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        Err(self.0.no_object(found))
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let look = self.0;
        let mut seen = 0;
        let mut bounds = [None, None];
        look.set(|skim| skim.choices = 1);
        while let Some(top) = members.next_key_seed(Name(Top::of))? {
            if seen & top.bit() != 0 && !top.may_repeat() {
                return Err(look.twice());
            }
            seen |= top.bit();
            match top {
                Top::MaxTokens => {
                    bounds[0] = look.count("max_tokens", &mut members)?;
                }
                Top::MaxCompletionTokens => {
                    bounds[1] = look.count("max_completion_tokens", &mut members)?;
                }
                Top::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
                top => self.member(top, &mut members)?,
            }
        }
        // Where both names stand there, the larger is the safe bound.
        look.set(|skim| skim.max_tokens = bounds.into_iter().flatten().max());
        let members = look.get(|skim| [("model", skim.model.is_empty()), ("messages", skim.messages == 0)]);
        match members.into_iter().find(|(_, is_missing)| *is_missing) {
            Some((name, _)) => Err(look.missing(name, seen & Top::of(name).bit() != 0)),
            None => Ok(()),
        }
    }
}

impl Body<'_> {
    fn member<'de, A: MapAccess<'de>>(&self, top: Top, members: &mut A) -> Result<(), A::Error> {
        let look = self.0;
        match top {
            Top::Model => look.model(members)?,
            Top::User => look.user(members)?,
            Top::SafetyIdentifier => look.safety_identifier(members)?,
            Top::ServiceTier => look.service_tier(members)?,
            Top::Stream => look.stream(members)?,
            Top::StreamOptions => {
                let asked = members.next_value_seed(Read(StreamOptions(look)))?;
                look.set(|skim| skim.include_usage = asked);
            }
            Top::N => {
                let n = look.count("n", members)?;
                if n == Some(0) {
                    return Err(look.stop(Error::invalid_request("`n` must be at least 1").with_param("n")));
                }
                look.set(|skim| skim.choices = n.unwrap_or(1));
            }
            Top::Messages => members.next_value_seed(Read(Messages(look)))?,
            Top::Tools => members.next_value_seed(Read(Tools { look, path: "tools" }))?,
            Top::Functions => members.next_value_seed(Read(Tools { look, path: "functions" }))?,
            Top::Text => members.next_value_seed(Read(AllText(look)))?,
            Top::Hosted => {
                if pass(members)? {
                    look.set(|skim| skim.unbounded = true);
                }
            }
            Top::MaxTokens | Top::MaxCompletionTokens | Top::Other => {}
        }
        Ok(())
    }
}

/// Whether usage is asked for.
struct StreamOptions<'a>(&'a Look);

impl<'de> Reader<'de> for StreamOptions<'_> {
    type Value = bool;
    fn other<E: serde::de::Error>(self, found: Found) -> Result<bool, E> {
        Err(self.0.wrong_type("stream_options", "an object", found))
    }
    fn null<E>(self) -> Result<bool, E> {
        Ok(false)
    }
    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut asked = false;
        while let Some(is_usage) = members.next_key_seed(Name(|name: &str| name == "include_usage"))? {
            if is_usage {
                asked = self.0.truth("stream_options.include_usage", &mut members)?;
            } else {
                pass(&mut members)?;
            }
        }
        Ok(asked)
    }
}

struct Messages<'a>(&'a Look);

impl<'de> Reader<'de> for Messages<'_> {
    type Value = ();
    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        Err(self.0.wrong_type("messages", "a list", found))
    }
    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut place = 0;
        while list.next_element_seed(Read(Message { look: self.0, place }))?.is_some() {
            place += 1;
        }
        self.0.set(|skim| skim.messages = place);
        Ok(())
    }
}

struct Message<'a> {
    look: &'a Look,
    place: u64,
}

impl<'de> Reader<'de> for Message<'_> {
    type Value = ();
    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        Err(self.look.wrong_type(&format!("messages[{}]", self.place), "an object", found))
    }
    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let kind = |name: &str| match name {
            "content" => Some(true),
            // Sound that the model made earlier, by its id.
            "audio" => Some(false),
            _ => None,
        };
        while let Some(kind) = members.next_key_seed(Name(kind))? {
            match kind {
                Some(true) => members.next_value_seed(Read(Content { look: self.look, place: self.place }))?,
                Some(false) if pass(&mut members)? => self.look.set(|skim| skim.unbounded = true),
                Some(false) => {}
                None => members.next_value_seed(Read(AllText(self.look)))?,
            }
        }
        Ok(())
    }
}

struct Content<'a> {
    look: &'a Look,
    place: u64,
}

impl<'de> Reader<'de> for Content<'_> {
    type Value = ();
    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        let path = format!("messages[{}].content", self.place);
        Err(self.look.wrong_type(&path, "a string or a list of parts", found))
    }
    fn text<E>(self, text: &str) -> Result<(), E> {
        self.look.add_text(text.len());
        Ok(())
    }
    fn null<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Read(ContentPart { look: self.look, place: self.place }))?.is_some() {}
        Ok(())
    }
}

/// A part of a content list. The data of media is not text.
struct ContentPart<'a> {
    look: &'a Look,
    place: u64,
}

/// The members that hold media, as the hosts of this protocol call them.
const MEDIA: [&str; 8] =
    ["image_url", "input_audio", "file", "video_url", "file_url", "audio_url", "document_url", "pdf_url"];

impl<'de> Reader<'de> for ContentPart<'_> {
    type Value = ();
    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        Err(self.look.wrong_type(&format!("messages[{}].content", self.place), "a list of objects", found))
    }
    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        enum Inner {
            Media,
            File,
            Text,
        }
        let of = |name: &str| match name {
            "file_id" => Inner::File,
            name if MEDIA.contains(&name) => Inner::Media,
            _ => Inner::Text,
        };
        while let Some(inner) = members.next_key_seed(Name(of))? {
            match inner {
                Inner::Media => members.next_value_seed(Read(MediaObject(self.look)))?,
                // Some hosts take the id of a file beside the part's kind.
                Inner::File => name_file(self.look, &mut members)?,
                Inner::Text => members.next_value_seed(Read(AllText(self.look)))?,
            }
        }
        Ok(())
    }
}

/// Reads the id of something that the provider stores, of unknown length.
fn name_file<'de, A: MapAccess<'de>>(look: &Look, members: &mut A) -> Result<(), A::Error> {
    if let Some(id) = look.text("file_id", members)? {
        look.set(|skim| {
            skim.unbounded = true;
            skim.stored.push(Stored::new("file_id", id));
        });
    }
    Ok(())
}

/// What a media part holds: an object, or a bare URL. The id of something stored has no computable bound.
struct MediaObject<'a>(&'a Look);

impl<'de> Reader<'de> for MediaObject<'_> {
    type Value = ();
    fn other<E>(self, _: Found) -> Result<(), E> {
        Ok(())
    }
    fn text<E>(self, _: &str) -> Result<(), E> {
        self.0.set(|skim| skim.media += 1);
        Ok(())
    }
    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.0.set(|skim| skim.media += 1);
        while let Some(is_stored) = members.next_key_seed(Name(|name: &str| name == "file_id"))? {
            if is_stored {
                name_file(self.0, &mut members)?;
            } else {
                pass(&mut members)?;
            }
        }
        Ok(())
    }
}

struct Tools<'a> {
    look: &'a Look,
    path: &'static str,
}

impl<'de> Reader<'de> for Tools<'_> {
    type Value = ();
    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        Err(self.look.wrong_type(self.path, "a list", found))
    }
    fn null<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Read(Tool { look: self.look, path: self.path }))?.is_some() {
            self.look.set(|skim| skim.tools += 1);
        }
        Ok(())
    }
}

/// A tool: all of it is text that the model reads. One that the provider runs has no computable bound.
struct Tool<'a> {
    look: &'a Look,
    path: &'static str,
}

impl<'de> Reader<'de> for Tool<'_> {
    type Value = ();
    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        Err(self.look.wrong_type(self.path, "a list of objects", found))
    }
    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(is_kind) = members.next_key_seed(Name(|name: &str| name == "type"))? {
            if is_kind {
                members.next_value_seed(Read(ToolKind(self.look)))?;
            } else {
                members.next_value_seed(Read(AllText(self.look)))?;
            }
        }
        Ok(())
    }
}

struct ToolKind<'a>(&'a Look);

impl<'de> Reader<'de> for ToolKind<'_> {
    type Value = ();
    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        Err(self.0.wrong_type("tools[].type", "a string", found))
    }
    fn text<E>(self, kind: &str) -> Result<(), E> {
        if !matches!(kind, "function" | "custom") {
            self.0.set(|skim| skim.unbounded = true);
        }
        Ok(())
    }
}

/// Counts every text of a value, names of members included.
struct AllText<'a>(&'a Look);

/// What a number or truth value counts as, in bytes.
const SCALAR: usize = 8;

impl<'de> Reader<'de> for AllText<'_> {
    type Value = ();
    fn other<E>(self, _: Found) -> Result<(), E> {
        self.0.add_text(SCALAR);
        Ok(())
    }
    fn text<E>(self, text: &str) -> Result<(), E> {
        self.0.add_text(text.len());
        Ok(())
    }
    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Read(AllText(self.0)))?.is_some() {}
        Ok(())
    }
    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key_seed(Name(|name: &str| self.0.add_text(name.len())))?.is_some() {
            members.next_value_seed(Read(AllText(self.0)))?;
        }
        Ok(())
    }
}
