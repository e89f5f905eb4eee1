//! A look at a request in one pass, without building it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use llm_core::codec::Skim;
use llm_core::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Reads what routing and limits need, and makes sure that the body is one JSON object.
///
/// A member that matters and stands there twice is refused: which one counts is for every reader to choose, and the
/// provider must not choose another than we did.
pub(super) fn skim(body: &[u8]) -> Result<Skim> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Error::invalid_request(format!("the request body is not valid UTF-8: {error}")))?;
    let look = Look::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = TopSeed(&look).deserialize(&mut reader).and_then(|()| reader.end());
    let Look { skim, wrong } = look;
    if let Some(wrong) = wrong.into_inner() {
        return Err(wrong);
    }
    if let Err(error) = read {
        return Err(Error::invalid_request(format!("the request body is not valid JSON: {error}")));
    }
    Ok(skim.into_inner())
}

/// What was seen so far, and what is wrong with it.
#[derive(Default)]
struct Look {
    skim: RefCell<Skim>,
    wrong: RefCell<Option<Error>>,
}

impl Look {
    fn add_text(&self, bytes: usize) {
        self.skim.borrow_mut().text_bytes += bytes as u64;
    }

    /// Keeps the error for the caller and gives one that stops the reader.
    fn wrong<E: serde::de::Error>(&self, path: impl Into<String>, message: String) -> E {
        *self.wrong.borrow_mut() = Some(Error::invalid_request(message).with_param(path));
        E::custom("wrong")
    }

    fn wrong_type<E: serde::de::Error>(&self, path: &str, wanted: &str, found: &str) -> E {
        self.wrong(path, format!("`{path}` must be {wanted}, not {found}"))
    }
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
            "service_tier" => Self::ServiceTier,
            "response_format" | "prediction" => Self::Text,
            "web_search_options" | "search_parameters" | "plugins" => Self::Hosted,
            _ => Self::Other,
        }
    }
}

/// A member's name, looked at where it stands.
struct Name<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Name<F> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Name<F> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }
    fn visit_str<E>(self, name: &str) -> Result<T, E> {
        Ok((self.0)(name))
    }
}

struct TopSeed<'a>(&'a Look);

impl<'de> DeserializeSeed<'de> for TopSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl TopSeed<'_> {
    fn not_an_object<E: serde::de::Error>(&self, found: &str) -> E {
        let message = format!("the request body must be a JSON object, not {found}");
        *self.0.wrong.borrow_mut() = Some(Error::invalid_request(message));
        E::custom("wrong")
    }
}

/// The visits that say that a value is of another type than it should be.
macro_rules! refuse_scalars {
    (|$self:ident, $found:ident| $wrong:expr) => {
        fn visit_bool<E: serde::de::Error>($self, _: bool) -> Result<Self::Value, E> {
            let $found = "a boolean";
            Err($wrong)
        }
        fn visit_i64<E: serde::de::Error>($self, _: i64) -> Result<Self::Value, E> {
            let $found = "a number";
            Err($wrong)
        }
        fn visit_u64<E: serde::de::Error>($self, _: u64) -> Result<Self::Value, E> {
            let $found = "a number";
            Err($wrong)
        }
        fn visit_f64<E: serde::de::Error>($self, _: f64) -> Result<Self::Value, E> {
            let $found = "a number";
            Err($wrong)
        }
    };
}

impl<'de> Visitor<'de> for TopSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }
    refuse_scalars!(|self, found| self.not_an_object(found));
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.not_an_object("a string"))
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(self.not_an_object("null"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.not_an_object("a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let look = self.0;
        let mut seen = 0_u32;
        let mut completion_tokens = None;
        let mut older_tokens = None;
        look.skim.borrow_mut().choices = 1;
        while let Some(top) = map.next_key_seed(Name(Top::of))? {
            let bit = 1_u32 << top as u32;
            if seen & bit != 0 && !matches!(top, Top::Other | Top::Text | Top::Hosted) {
                let message = "a member that matters stands in the request body twice".to_owned();
                *look.wrong.borrow_mut() = Some(Error::invalid_request(message));
                return Err(serde::de::Error::custom("wrong"));
            }
            seen |= bit;
            match top {
                Top::Model => {
                    let model = map.next_value_seed(Text { look, path: "model" })?;
                    look.skim.borrow_mut().model = model.unwrap_or_default().into_owned();
                }
                Top::Messages => map.next_value_seed(Messages(look))?,
                Top::Stream => {
                    let stream = map.next_value_seed(Truth { look, path: "stream" })?;
                    look.skim.borrow_mut().stream = stream.unwrap_or(false);
                }
                Top::StreamOptions => {
                    let asked = map.next_value_seed(StreamOptions(look))?;
                    look.skim.borrow_mut().include_usage = asked;
                }
                Top::MaxTokens => older_tokens = map.next_value_seed(Count { look, path: "max_tokens" })?,
                Top::MaxCompletionTokens => {
                    completion_tokens = map.next_value_seed(Count { look, path: "max_completion_tokens" })?;
                }
                Top::N => {
                    let n = map.next_value_seed(Count { look, path: "n" })?;
                    if n == Some(0) {
                        return Err(look.wrong("n", "`n` must be at least 1".to_owned()));
                    }
                    look.skim.borrow_mut().choices = n.unwrap_or(1);
                }
                Top::Tools => map.next_value_seed(Tools { look, path: "tools" })?,
                Top::Functions => map.next_value_seed(Tools { look, path: "functions" })?,
                Top::User => {
                    let user = map.next_value_seed(Text { look, path: "user" })?;
                    look.skim.borrow_mut().user = user.map(Cow::into_owned);
                }
                Top::ServiceTier => {
                    let tier = map.next_value_seed(Text { look, path: "service_tier" })?;
                    look.skim.borrow_mut().service_tier = tier.map(Cow::into_owned);
                }
                Top::Text => map.next_value_seed(AllText(look))?,
                Top::Hosted => {
                    map.next_value_seed(AllText(look))?;
                    look.skim.borrow_mut().unbounded = true;
                }
                Top::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let mut skim = look.skim.borrow_mut();
        // Where both names stand there, the larger is the safe bound.
        skim.max_tokens = completion_tokens.max(older_tokens);
        for (name, is_missing) in [("model", skim.model.is_empty()), ("messages", skim.messages == 0)] {
            if is_missing {
                let message = match seen & (1 << Top::of(name) as u32) {
                    0 => format!("missing required parameter `{name}`"),
                    _ => format!("`{name}` must not be empty"),
                };
                return Err(look.wrong(name, message));
            }
        }
        Ok(())
    }
}

/// Declares a reader of one scalar: null is nothing, any other type is an error that names the member.
macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident -> $value:ty, $wanted:literal, { $($visits:tt)* }) => {
        $(#[$doc])*
        struct $name<'a> {
            look: &'a Look,
            path: &'static str,
        }

        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = Option<$value>;
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_any(self)
            }
        }

        impl<'de> Visitor<'de> for $name<'_> {
            type Value = Option<$value>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($wanted)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Err(self.look.wrong_type(self.path, $wanted, "a list"))
            }
            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Err(self.look.wrong_type(self.path, $wanted, "an object"))
            }
            $($visits)*
        }
    };
}

scalar!(
    /// A text.
    Text -> Cow<'de, str>, "a string", {
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(text)))
        }
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(text.to_owned())))
        }
        refuse_scalars!(|self, found| self.look.wrong_type(self.path, "a string", found));
    }
);

scalar!(
    /// A truth value.
    Truth -> bool, "true or false", {
        fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
            Ok(Some(truth))
        }
        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Err(self.look.wrong_type(self.path, "true or false", "a number"))
        }
        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(self.look.wrong_type(self.path, "true or false", "a number"))
        }
        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(self.look.wrong_type(self.path, "true or false", "a number"))
        }
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(self.look.wrong_type(self.path, "true or false", "a string"))
        }
    }
);

scalar!(
    /// A whole number that is not negative.
    Count -> u64, "a whole number that is not negative", {
        fn visit_u64<E>(self, count: u64) -> Result<Self::Value, E> {
            Ok(Some(count))
        }
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Err(self.look.wrong_type(self.path, "a whole number that is not negative", "a boolean"))
        }
        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(self.look.wrong_type(self.path, "a whole number that is not negative", "a number"))
        }
        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(self.look.wrong_type(self.path, "a whole number that is not negative", "a number"))
        }
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(self.look.wrong_type(self.path, "a whole number that is not negative", "a string"))
        }
    }
);

/// Declares a reader of a list or object that says what else it found.
macro_rules! container {
    ($name:ident<$life:lifetime>, |$self:ident, $found:ident| $wrong:expr, { $($visits:tt)* }) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = <Self as Visitor<'de>>::Value;
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_any(self)
            }
        }

        impl<'de> Visitor<'de> for $name<'_> {
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("another type")
            }
            refuse_scalars!(|$self, $found| $wrong);
            $($visits)*
        }
    };
}

struct StreamOptions<'a>(&'a Look);

container!(StreamOptions<'a>, |self, found| self.0.wrong_type("stream_options", "an object", found), {
    type Value = bool;
    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<bool, E> {
        Err(self.0.wrong_type("stream_options", "an object", "a string"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<bool, A::Error> {
        Err(self.0.wrong_type("stream_options", "an object", "a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut asked = false;
        while let Some(is_usage) = map.next_key_seed(Name(|name: &str| name == "include_usage"))? {
            if is_usage {
                let truth = Truth { look: self.0, path: "stream_options.include_usage" };
                asked = map.next_value_seed(truth)?.unwrap_or(false);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(asked)
    }
});

struct Messages<'a>(&'a Look);

container!(Messages<'a>, |self, found| self.0.wrong_type("messages", "a list", found), {
    type Value = ();
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(self.0.wrong_type("messages", "a list", "null"))
    }
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.0.wrong_type("messages", "a list", "a string"))
    }
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.0.wrong_type("messages", "a list", "an object"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut place = 0;
        while list.next_element_seed(Message { look: self.0, place })?.is_some() {
            place += 1;
        }
        self.0.skim.borrow_mut().messages = place;
        Ok(())
    }
});

struct Message<'a> {
    look: &'a Look,
    place: u64,
}

impl Message<'_> {
    fn wrong<E: serde::de::Error>(&self, found: &str) -> E {
        self.look.wrong_type(&format!("messages[{}]", self.place), "an object", found)
    }
}

container!(Message<'a>, |self, found| self.wrong(found), {
    type Value = ();
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(self.wrong("null"))
    }
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.wrong("a string"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.wrong("a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        #[derive(Clone, Copy)]
        enum Member {
            Content,
            Stored,
            Other,
        }
        let member = |name: &str| match name {
            "content" => Member::Content,
            "audio" => Member::Stored,
            _ => Member::Other,
        };
        while let Some(member) = map.next_key_seed(Name(member))? {
            match member {
                Member::Content => map.next_value_seed(Content { look: self.look, place: self.place })?,
                Member::Stored => {
                    if map.next_value::<Option<IgnoredAny>>()?.is_some() {
                        self.look.skim.borrow_mut().unbounded = true;
                    }
                }
                Member::Other => map.next_value_seed(AllText(self.look))?,
            }
        }
        Ok(())
    }
});

struct Content<'a> {
    look: &'a Look,
    place: u64,
}

impl Content<'_> {
    fn wrong<E: serde::de::Error>(&self, found: &str) -> E {
        let path = format!("messages[{}].content", self.place);
        self.look.wrong_type(&path, "a string or a list of parts", found)
    }
}

container!(Content<'a>, |self, found| self.wrong(found), {
    type Value = ();
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.look.add_text(text.len());
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.wrong("an object"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(ContentPart(self.look))?.is_some() {}
        Ok(())
    }
});

/// A part of a content list. The data of media is not text.
struct ContentPart<'a>(&'a Look);

impl<'de> DeserializeSeed<'de> for ContentPart<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ContentPart<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a content part")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.add_text(text.len());
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(AllText(self.0))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let is_media = |name: &str| {
            matches!(
                name,
                "image_url"
                    | "input_audio"
                    | "file"
                    | "video_url"
                    | "file_url"
                    | "audio_url"
                    | "document_url"
                    | "pdf_url"
            )
        };
        while let Some(is_media) = map.next_key_seed(Name(is_media))? {
            if is_media {
                map.next_value_seed(MediaObject(self.0))?;
                self.0.skim.borrow_mut().media += 1;
            } else {
                map.next_value_seed(AllText(self.0))?;
            }
        }
        Ok(())
    }
}

/// The object of a media part: an id of something stored has no computable bound.
struct MediaObject<'a>(&'a Look);

impl<'de> DeserializeSeed<'de> for MediaObject<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MediaObject<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("media")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_stored) = map.next_key_seed(Name(|name: &str| name == "file_id"))? {
            let value = map.next_value::<Option<IgnoredAny>>()?;
            if is_stored && value.is_some() {
                self.0.skim.borrow_mut().unbounded = true;
            }
        }
        Ok(())
    }
}

struct Tools<'a> {
    look: &'a Look,
    path: &'static str,
}

container!(Tools<'a>, |self, found| self.look.wrong_type(self.path, "a list", found), {
    type Value = ();
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.look.wrong_type(self.path, "a list", "a string"))
    }
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.look.wrong_type(self.path, "a list", "an object"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(ToolObject(self.look))?.is_some() {
            self.look.skim.borrow_mut().tools += 1;
        }
        Ok(())
    }
});

/// A tool: all of it is text that the model reads. One that the provider runs has no computable bound.
struct ToolObject<'a>(&'a Look);

container!(ToolObject<'a>, |self, found| self.0.wrong_type("tools", "a list of objects", found), {
    type Value = ();
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(self.0.wrong_type("tools", "a list of objects", "null"))
    }
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.0.wrong_type("tools", "a list of objects", "a string"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.0.wrong_type("tools", "a list of objects", "a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_kind) = map.next_key_seed(Name(|name: &str| name == "type"))? {
            if !is_kind {
                map.next_value_seed(AllText(self.0))?;
                continue;
            }
            let kind = map.next_value_seed(Text { look: self.0, path: "tools[].type" })?;
            if kind.is_some_and(|kind| kind != "function" && kind != "custom") {
                self.0.skim.borrow_mut().unbounded = true;
            }
        }
        Ok(())
    }
});

/// Counts every text of a value, names of members and numbers included.
struct AllText<'a>(&'a Look);

/// What a number or truth value counts as.
const SCALAR: usize = 8;

impl<'de> DeserializeSeed<'de> for AllText<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AllText<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.0.add_text(SCALAR);
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.0.add_text(SCALAR);
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.0.add_text(SCALAR);
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.0.add_text(SCALAR);
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.add_text(text.len());
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(AllText(self.0))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Name(|name: &str| self.0.add_text(name.len())))?.is_some() {
            map.next_value_seed(AllText(self.0))?;
        }
        Ok(())
    }
}
