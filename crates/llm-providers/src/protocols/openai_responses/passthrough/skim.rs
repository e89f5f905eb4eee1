//! A look at a request in one pass, without building it.

use llm_core::Result;
use llm_core::codec::{Skim, Stored};
use llm_core::stored::{hands_file_over, is_reference};
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

/// What the `items` of a body name that a provider stores: what a conversation is made of, or gets.
pub(in super::super) fn named_in_items(body: &[u8]) -> Result<Vec<Stored>> {
    look(body, |look, reader| Read(Items(look)).deserialize(reader)).map(|skim| skim.stored)
}

/// The members that matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Model,
    Input,
    Stream,
    MaxOutputTokens,
    Tools,
    User,
    SafetyIdentifier,
    ServiceTier,
    Previous,
    Conversation,
    Background,
    /// Text that the model reads, stored by the provider.
    Prompt,
    /// Text that the model reads.
    Text,
    Other,
}

impl Top {
    fn of(name: &str) -> Self {
        match name {
            "model" => Self::Model,
            "input" => Self::Input,
            "stream" => Self::Stream,
            "max_output_tokens" => Self::MaxOutputTokens,
            "tools" => Self::Tools,
            "user" => Self::User,
            "safety_identifier" => Self::SafetyIdentifier,
            "service_tier" => Self::ServiceTier,
            "previous_response_id" => Self::Previous,
            "conversation" => Self::Conversation,
            "background" => Self::Background,
            "prompt" => Self::Prompt,
            "instructions" | "text" => Self::Text,
            _ => Self::Other,
        }
    }

    fn may_repeat(self) -> bool {
        matches!(self, Self::Prompt | Self::Text | Self::Other)
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
        look.set(|skim| {
            skim.choices = 1;
            skim.include_usage = true;
        });
        while let Some(top) = members.next_key_seed(Name(Top::of))? {
            if seen & top.bit() != 0 && !top.may_repeat() {
                return Err(look.twice());
            }
            seen |= top.bit();
            self.member(top, &mut members)?;
        }
        if look.get(|skim| skim.model.is_empty()) {
            return Err(look.missing("model", seen & Top::Model.bit() != 0));
        }
        let goes_on = [Top::Input, Top::Prompt, Top::Previous, Top::Conversation];
        if goes_on.iter().all(|top| seen & top.bit() == 0) {
            return Err(look.missing("input", false));
        }
        Ok(())
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
            Top::Background => {
                let background = look.truth("background", members)?;
                look.set(|skim| skim.background = background);
            }
            Top::MaxOutputTokens => {
                let count = look.count("max_output_tokens", members)?;
                look.set(|skim| skim.max_tokens = count);
            }
            Top::Previous => {
                let id = look.text("previous_response_id", members)?;
                look.set(|skim| {
                    skim.unbounded |= id.is_some();
                    skim.stored.extend(id.map(|id| Stored::new("previous_response_id", id)));
                });
            }
            Top::Conversation => {
                let id = members.next_value_seed(Read(Conversation(look)))?;
                look.set(|skim| {
                    skim.unbounded |= id.is_some();
                    skim.stored.extend(id.map(|id| Stored::new("conversation", id)));
                });
            }
            Top::Input => members.next_value_seed(Read(Input { look, path: "input" }))?,
            Top::Tools => members.next_value_seed(Read(Tools(look)))?,
            Top::Prompt => {
                look.set(|skim| skim.unbounded = true);
                members.next_value_seed(Read(Deep(look)))?;
            }
            Top::Text => drop(members.next_value_seed(Read(Deep(look)))?),
            Top::Other => drop(members.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// A conversation: its id, or an object that holds it.
struct Conversation<'a>(&'a Look);

impl<'de> Reader<'de> for Conversation<'_> {
    type Value = Option<String>;

    fn other<E: serde::de::Error>(self, found: Found) -> Result<Option<String>, E> {
        Err(self.0.wrong_type("conversation", "a string or an object", found))
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }

    fn null<E: serde::de::Error>(self) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<String>, A::Error> {
        let mut id = None;
        while let Some(is_id) = members.next_key_seed(Name(|name: &str| name == "id"))? {
            if is_id {
                id = self.0.text("conversation.id", &mut members)?;
            } else {
                pass(&mut members)?;
            }
        }
        Ok(Some(id.unwrap_or_default()))
    }
}

/// A body of which only `items` matters.
struct Items<'a>(&'a Look);

impl<'de> Reader<'de> for Items<'_> {
    type Value = ();

    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        Err(self.0.no_object(found))
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut is_seen = false;
        while let Some(is_items) = members.next_key_seed(Name(|name: &str| name == "items"))? {
            if !is_items {
                pass(&mut members)?;
                continue;
            }
            if std::mem::replace(&mut is_seen, true) {
                return Err(self.0.twice());
            }
            members.next_value_seed(Read(Input { look: self.0, path: "items" }))?;
        }
        Ok(())
    }
}

/// `input`: a text, or items; or `items`, which is a list.
struct Input<'a> {
    look: &'a Look,
    path: &'static str,
}

impl Input<'_> {
    fn wrong<E: serde::de::Error>(&self, found: Found) -> E {
        let wanted = if self.path == "items" { "a list" } else { "a string or a list" };
        self.look.wrong_type(self.path, wanted, found)
    }
}

impl<'de> Reader<'de> for Input<'_> {
    type Value = ();

    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        match found {
            Found("null") => Ok(()),
            found => Err(self.wrong(found)),
        }
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if self.path == "items" {
            return Err(self.wrong(Found("a string")));
        }
        self.look.set(|skim| skim.messages = 1);
        self.look.add_text(text.len());
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element_seed(Read(Deep(self.look)))? {
            let refers = is_reference(item.kind.as_deref(), item.has_role && item.has_content);
            // Tools that are offered in the middle of a conversation.
            if item.kind.as_deref() == Some("additional_tools") {
                item.offered.note(self.look);
            }
            self.look.set(|skim| {
                skim.messages += 1;
                // One of the kind that has no id names nothing that anybody made.
                let id = item.id.or_else(|| item.kind.map(|_| String::new()));
                if let Some(id) = id.filter(|_| refers) {
                    skim.unbounded = true;
                    skim.stored.push(Stored::new(self.path, id));
                }
            });
        }
        Ok(())
    }
}

/// `tools`.
struct Tools<'a>(&'a Look);

impl<'de> Reader<'de> for Tools<'_> {
    type Value = ();

    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        match found {
            Found("null") => Ok(()),
            found => Err(self.0.wrong_type("tools", "a list", found)),
        }
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        Offers(self.0).list(list)?.note(self.0);
        Ok(())
    }
}

/// What a list of tools comes to.
#[derive(Default)]
struct Offered {
    /// Whether the provider runs one of them.
    is_hosted: bool,
    /// What those name that the provider runs.
    ids: Vec<String>,
}

impl Offered {
    fn add(&mut self, tool: Seen) {
        match tool.kind.as_deref() {
            // What an application's own tool takes is described, not named.
            Some("function" | "custom") => {}
            // A group of tools is what it holds.
            Some("namespace") => {
                self.is_hosted |= tool.offered.is_hosted;
                self.ids.extend(tool.offered.ids);
            }
            _ => {
                self.is_hosted = true;
                self.ids.extend(tool.ids);
                self.ids.extend(tool.offered.ids);
            }
        }
    }

    fn note(self, look: &Look) {
        look.set(|skim| {
            skim.unbounded |= self.is_hosted;
            skim.stored.extend(self.ids.into_iter().map(|id| Stored::new("tools", id)));
        });
    }
}

/// A list of tools, wherever it stands.
struct Offers<'a>(&'a Look);

impl<'de> Reader<'de> for Offers<'_> {
    type Value = Offered;

    fn other<E: serde::de::Error>(self, found: Found) -> Result<Offered, E> {
        Deep(self.0).other(found).map(|_| Offered::default())
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<Offered, E> {
        Deep(self.0).text(text).map(|_| Offered::default())
    }

    fn null<E: serde::de::Error>(self) -> Result<Offered, E> {
        Ok(Offered::default())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Offered, A::Error> {
        let mut offered = Offered::default();
        while let Some(tool) = list.next_element_seed(Read(Deep(self.0)))? {
            self.0.set(|skim| skim.tools += 1);
            offered.add(tool);
        }
        Ok(offered)
    }

    fn object<A: MapAccess<'de>>(self, members: A) -> Result<Offered, A::Error> {
        let Seen { mut ids, offered, .. } = Deep(self.0).object(members)?;
        ids.extend(offered.ids);
        Ok(Offered { ids, ..offered })
    }
}

/// What an object says of itself.
#[derive(Default)]
struct Seen {
    kind: Option<String>,
    id: Option<String>,
    /// Whether it is more than null.
    is_said: bool,
    has_role: bool,
    has_content: bool,
    /// The machines, files and stores that it names, as far down as it goes, but for files that are handed over.
    ids: Vec<String>,
    /// The tools that it holds.
    offered: Offered,
}

impl Seen {
    fn something() -> Self {
        Self { is_said: true, ..Self::default() }
    }
}

/// Any JSON, all of whose text counts but that of pictures, files and sound.
struct Deep<'a>(&'a Look);

/// The members of an item, a part or a tool.
#[derive(Clone, Copy)]
enum Inner {
    Type,
    Id,
    Role(usize),
    Content(usize),
    Media,
    File,
    Ids,
    Tools,
    Other(usize),
}

impl Inner {
    fn of(name: &str) -> Self {
        match name {
            "type" => Self::Type,
            "id" => Self::Id,
            "role" => Self::Role(name.len()),
            "content" => Self::Content(name.len()),
            "image_url" | "file_data" | "file_url" | "data" => Self::Media,
            "file_id" => Self::File,
            "container" | "container_id" | "file_ids" | "vector_store_ids" => Self::Ids,
            "tools" => Self::Tools,
            other => Self::Other(other.len()),
        }
    }
}

impl<'de> Reader<'de> for Deep<'_> {
    type Value = Seen;

    fn other<E: serde::de::Error>(self, _: Found) -> Result<Seen, E> {
        // Twenty-four bytes hold every number.
        self.0.add_text(24);
        Ok(Seen::something())
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<Seen, E> {
        self.0.add_text(text.len());
        Ok(Seen::something())
    }

    fn null<E: serde::de::Error>(self) -> Result<Seen, E> {
        Ok(Seen::default())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Seen, A::Error> {
        while list.next_element_seed(Read(Deep(self.0)))?.is_some() {}
        Ok(Seen::something())
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<Seen, A::Error> {
        let look = self.0;
        let (mut seen, mut files) = (Seen::something(), Vec::new());
        while let Some(inner) = members.next_key_seed(Name(Inner::of))? {
            match inner {
                Inner::Type => {
                    let kind = members.next_value_seed(Read(Loose(look)))?;
                    if seen.kind.is_some() {
                        return Err(look.twice());
                    }
                    seen.kind = kind;
                }
                Inner::Id => {
                    let id = members.next_value_seed(Read(Loose(look)))?;
                    if seen.id.is_some() {
                        return Err(look.twice());
                    }
                    seen.id = id;
                }
                Inner::Tools => {
                    look.add_text("tools".len());
                    seen.offered = members.next_value_seed(Read(Offers(look)))?;
                }
                Inner::Ids => seen.ids.extend(members.next_value_seed(Read(Ids(look)))?),
                Inner::Media if pass(&mut members)? => look.set(|skim| skim.media += 1),
                Inner::Media => {}
                Inner::File => {
                    // Something that the provider stores, of unknown length.
                    let file = members.next_value_seed(Read(Loose(look)))?;
                    look.set(|skim| skim.unbounded |= file.is_some());
                    files.extend(file);
                }
                Inner::Role(name) | Inner::Content(name) | Inner::Other(name) => {
                    look.add_text(name);
                    let within = members.next_value_seed(Read(Deep(look)))?;
                    seen.has_role |= matches!(inner, Inner::Role(_)) && within.is_said;
                    seen.has_content |= matches!(inner, Inner::Content(_)) && within.is_said;
                    seen.ids.extend(within.ids);
                }
            }
        }
        if hands_file_over(seen.kind.as_deref()) {
            look.set(|skim| skim.stored.extend(files.drain(..).map(|id| Stored::new("file_id", id))));
        }
        seen.ids.extend(files);
        Ok(seen)
    }
}

/// A text that names something, a list of them, or an object with such members.
struct Ids<'a>(&'a Look);

impl<'de> Reader<'de> for Ids<'_> {
    type Value = Vec<String>;

    fn other<E: serde::de::Error>(self, _: Found) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<Vec<String>, E> {
        self.0.add_text(text.len());
        Ok(vec![text.to_owned()])
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut ids = Vec::new();
        while let Some(within) = list.next_element_seed(Read(Ids(self.0)))? {
            ids.extend(within);
        }
        Ok(ids)
    }

    fn object<A: MapAccess<'de>>(self, members: A) -> Result<Vec<String>, A::Error> {
        Deep(self.0).object(members).map(|within| within.ids)
    }
}

/// A text that names something; whatever else stands there counts like any JSON.
struct Loose<'a>(&'a Look);

impl<'de> Reader<'de> for Loose<'_> {
    type Value = Option<String>;

    fn other<E: serde::de::Error>(self, _: Found) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<Option<String>, E> {
        self.0.add_text(text.len());
        Ok(Some(text.to_owned()))
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Option<String>, A::Error> {
        Deep(self.0).list(list).map(|_| None)
    }

    fn object<A: MapAccess<'de>>(self, members: A) -> Result<Option<String>, A::Error> {
        Deep(self.0).object(members).map(|_| None)
    }
}
