//! One pass over a request that builds nothing: counts for limits, and the few members that routing needs.
//!
//! Texts count with their bytes; schemas, arguments and whatever else is JSON in the prompt with the bytes of the
//! shortest JSON text. Base64 data of images and documents is no text. Members may come in any order, so a block is
//! judged when it ends.

use std::borrow::Cow;
use std::fmt;

use llm_core::codec::Skim;
use llm_core::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub(super) fn skim(body: &[u8]) -> Result<Skim> {
    let mut top = Top::default();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = (&mut top).deserialize(&mut reader).and_then(|()| reader.end());
    if let Err(error) = read {
        return Err(Error::invalid_request(format!("the request body is not valid JSON: {error}")));
    }
    if !top.is_object {
        return Err(Error::invalid_request("the request body must be a JSON object"));
    }
    let model = match top.model {
        Scalar::Text(model) => model.into_owned(),
        other => return Err(other.wrong("model", "a string")),
    };
    if !top.has_messages {
        return Err(top.messages.wrong("messages", "a list"));
    }
    let max_tokens = match top.max_tokens {
        Scalar::Whole(tokens) => tokens,
        other => return Err(other.wrong("max_tokens", "a whole number that is not negative")),
    };
    let stream = match top.stream {
        Scalar::Bool(stream) => stream,
        Scalar::Absent | Scalar::Null => false,
        other => return Err(other.wrong("stream", "true or false")),
    };
    let text = |scalar: Scalar<'_>| match scalar {
        Scalar::Text(text) => Some(text.into_owned()),
        _ => None,
    };
    Ok(Skim {
        model,
        stream,
        include_usage: true,
        max_tokens: Some(max_tokens),
        choices: 1,
        text_bytes: top.tally.text,
        messages: top.tally.messages,
        tools: top.tally.tools,
        media: top.tally.media,
        unbounded: top.tally.unbounded,
        user: text(top.user),
        service_tier: text(top.service_tier),
    })
}

#[derive(Default)]
struct Tally {
    text: u64,
    messages: u64,
    tools: u64,
    media: u64,
    unbounded: bool,
}

#[derive(Default)]
struct Top<'de> {
    is_object: bool,
    model: Scalar<'de>,
    stream: Scalar<'de>,
    max_tokens: Scalar<'de>,
    has_messages: bool,
    messages: Scalar<'de>,
    user: Scalar<'de>,
    service_tier: Scalar<'de>,
    tally: Tally,
}

/// A value that is not a list or object.
#[derive(Default)]
enum Scalar<'de> {
    #[default]
    Absent,
    Null,
    Bool(bool),
    Whole(u64),
    Number,
    Text(Cow<'de, str>),
    List,
    Object,
}

impl Scalar<'_> {
    fn wrong(&self, name: &str, wanted: &str) -> Error {
        let found = match self {
            Self::Absent | Self::Null => {
                return Error::invalid_request(format!("missing required parameter `{name}`")).with_param(name);
            }
            Self::Bool(_) => "a boolean",
            Self::Whole(_) | Self::Number => "a number",
            Self::Text(_) => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        };
        Error::invalid_request(format!("`{name}` must be {wanted}, not {found}")).with_param(name)
    }
}

/// Visits any value; what a visitor does not speak of is nothing to it.
macro_rules! visits_anything {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
}

macro_rules! seed {
    ($name:ident, $value:ty) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = $value;
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_any(self)
            }
        }
    };
}

impl<'de> DeserializeSeed<'de> for &mut Top<'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Top<'de> {
    type Value = ();
    visits_anything!();

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.is_object = true;
        while let Some(name) = members.next_key_seed(Text)? {
            match name.as_ref() {
                "model" => self.model = members.next_value_seed(AnyScalar)?,
                "stream" => self.stream = members.next_value_seed(AnyScalar)?,
                "max_tokens" => self.max_tokens = members.next_value_seed(AnyScalar)?,
                "service_tier" => self.service_tier = members.next_value_seed(AnyScalar)?,
                "messages" => {
                    self.messages = members.next_value_seed(Messages(&mut self.tally))?;
                    self.has_messages = matches!(self.messages, Scalar::List);
                }
                "system" => members.next_value_seed(Content(&mut self.tally))?,
                "tools" => members.next_value_seed(Tools(&mut self.tally))?,
                "output_config" | "output_format" => members.next_value_seed(Json(&mut self.tally.text))?,
                "metadata" => self.user = members.next_value_seed(Metadata)?,
                "mcp_servers" | "container" | "context_management" => {
                    let value = members.next_value_seed(AnyScalar)?;
                    self.tally.unbounded |= !matches!(value, Scalar::Null);
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A member's name, or any other string.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct AnyScalar;

impl<'de> DeserializeSeed<'de> for AnyScalar {
    type Value = Scalar<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Whole(value))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number)
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::List)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar<'de>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}

/// `metadata`: the end user.
struct Metadata;

impl<'de> DeserializeSeed<'de> for Metadata {
    type Value = Scalar<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Metadata {
    type Value = Scalar<'de>;
    visits_anything!();

    fn visit_str<E>(self, _: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Scalar<'de>, A::Error> {
        AnyScalar.visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar<'de>, A::Error> {
        let mut user = Scalar::Absent;
        while let Some(name) = members.next_key_seed(Text)? {
            if name == "user_id" {
                user = members.next_value_seed(AnyScalar)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(user)
    }
}

/// `messages`. Says what it is, if it is no list.
struct Messages<'t>(&'t mut Tally);

impl<'de> DeserializeSeed<'de> for Messages<'_> {
    type Value = Scalar<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = Scalar<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(value))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number)
    }
    fn visit_str<E>(self, _: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed("")))
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Scalar<'de>, A::Error> {
        AnyScalar.visit_map(members)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar<'de>, A::Error> {
        while items.next_element_seed(Message(self.0))?.is_some() {
            self.0.messages += 1;
        }
        Ok(Scalar::List)
    }
}

/// One message: only its content counts.
struct Message<'t>(&'t mut Tally);
seed!(Message, ());

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();
    visits_anything!();

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        AnyScalar.visit_seq(items).map(drop)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key_seed(Text)? {
            if name == "content" {
                members.next_value_seed(Content(self.0))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// `content`: a text, or blocks, or a single one.
struct Content<'t>(&'t mut Tally);
seed!(Content, ());

impl<'de> Visitor<'de> for Content<'_> {
    type Value = ();
    visits_anything!();

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.text += length(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Content(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let tally = self.0;
        while let Some(name) = members.next_key_seed(Text)? {
            match name.as_ref() {
                "type" | "id" | "tool_use_id" | "cache_control" | "is_error" => {
                    members.next_value::<IgnoredAny>()?;
                }
                "source" => members.next_value_seed(Source(tally))?,
                "file_id" => {
                    // Something that the provider stores, of unknown length.
                    tally.unbounded = true;
                    members.next_value::<IgnoredAny>()?;
                }
                "input" => members.next_value_seed(Json(&mut tally.text))?,
                // Thoughts that are kept from view are read by the model all the same, so signatures and encrypted
                // data count; so does what no one has heard of yet.
                _ => members.next_value_seed(Content(tally))?,
            }
        }
        Ok(())
    }
}

/// `source` of an image or document; a text where it names the page of a search result.
struct Source<'t>(&'t mut Tally);
seed!(Source, ());

impl<'de> Visitor<'de> for Source<'_> {
    type Value = ();
    visits_anything!();

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.text += length(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        AnyScalar.visit_seq(items).map(drop)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let tally = self.0;
        let (mut is_text, mut data) = (false, 0);
        while let Some(name) = members.next_key_seed(Text)? {
            match name.as_ref() {
                "type" => is_text = matches!(members.next_value_seed(AnyScalar)?, Scalar::Text(kind) if kind == "text"),
                "data" => {
                    if let Scalar::Text(text) = members.next_value_seed(AnyScalar)? {
                        data = length(&text);
                    }
                }
                "content" => members.next_value_seed(Content(tally))?,
                "file_id" => {
                    tally.unbounded = true;
                    members.next_value::<IgnoredAny>()?;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        tally.media += 1;
        if is_text {
            tally.text += data;
        }
        Ok(())
    }
}

struct Tools<'t>(&'t mut Tally);
seed!(Tools, ());

impl<'de> Visitor<'de> for Tools<'_> {
    type Value = ();
    visits_anything!();

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        AnyScalar.visit_map(members).map(drop)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Tool(self.0))?.is_some() {
            self.0.tools += 1;
        }
        Ok(())
    }
}

/// A tool: one that the provider runs has no bound.
struct Tool<'t>(&'t mut Tally);
seed!(Tool, ());

impl<'de> Visitor<'de> for Tool<'_> {
    type Value = ();
    visits_anything!();

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        AnyScalar.visit_seq(items).map(drop)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let tally = self.0;
        while let Some(name) = members.next_key_seed(Text)? {
            match name.as_ref() {
                "type" => {
                    let kind = members.next_value_seed(AnyScalar)?;
                    let custom =
                        matches!(&kind, Scalar::Null) || matches!(&kind, Scalar::Text(kind) if kind == "custom");
                    tally.unbounded |= !custom;
                }
                "name" | "description" => members.next_value_seed(Content(tally))?,
                "cache_control" => {
                    members.next_value::<IgnoredAny>()?;
                }
                _ => members.next_value_seed(Json(&mut tally.text))?,
            }
        }
        Ok(())
    }
}

/// Any JSON, counted as its shortest text.
struct Json<'t>(&'t mut u64);
seed!(Json, ());

impl<'de> Visitor<'de> for Json<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        *self.0 += 4;
        Ok(())
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self.0 += if value { 4 } else { 5 };
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        *self.0 += u64::from(value.checked_ilog10().unwrap_or(0)) + 1;
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        *self.0 += u64::from(value.unsigned_abs().checked_ilog10().unwrap_or(0)) + 2;
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        // Twenty-four bytes hold every double.
        *self.0 += 24;
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        *self.0 += length(text) + 2;
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        *self.0 += 1;
        while items.next_element_seed(Json(self.0))?.is_some() {
            *self.0 += 1;
        }
        *self.0 += 1;
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        *self.0 += 1;
        while let Some(name) = members.next_key_seed(Text)? {
            *self.0 += length(&name) + 4;
            members.next_value_seed(Json(self.0))?;
        }
        *self.0 += 1;
        Ok(())
    }
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}
