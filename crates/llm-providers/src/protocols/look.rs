//! A look at a request of one of OpenAI's protocols, in one pass and without building it: what was seen, what is wrong,
//! and the members that both protocols know.

use std::cell::RefCell;

use llm_core::codec::Skim;
use llm_core::{Error, Result};
use serde::de::MapAccess;
use serde_json::de::StrRead;

use super::reader::{Found, Read, Reader};

/// What was seen so far, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Look {
    skim: RefCell<Skim>,
    wrong: RefCell<Option<Error>>,
}

/// Looks at a body by `read`, and makes sure that it is one JSON value and no more.
pub(crate) fn look(
    body: &[u8],
    read: impl FnOnce(&Look, &mut serde_json::Deserializer<StrRead<'_>>) -> serde_json::Result<()>,
) -> Result<Skim> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Error::invalid_request(format!("the request body is not valid UTF-8: {error}")))?;
    let look = Look::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = read(&look, &mut reader).and_then(|()| reader.end());
    let Look { skim, wrong } = look;
    match (wrong.into_inner(), read) {
        (Some(wrong), _) => Err(wrong),
        (None, Err(error)) => Err(Error::invalid_request(format!("the request body is not valid JSON: {error}"))),
        (None, Ok(())) => Ok(skim.into_inner()),
    }
}

impl Look {
    /// Changes what was seen.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Skim)) {
        change(&mut self.skim.borrow_mut());
    }

    /// Something of what was seen.
    pub(crate) fn get<T>(&self, of: impl FnOnce(&Skim) -> T) -> T {
        of(&self.skim.borrow())
    }

    /// Counts text that the model reads, in bytes.
    pub(crate) fn add_text(&self, bytes: usize) {
        self.set(|skim| skim.text_bytes = skim.text_bytes.saturating_add(bytes as u64));
    }

    /// Keeps the error for the caller and gives one that stops the reader.
    pub(crate) fn stop<E: serde::de::Error>(&self, error: Error) -> E {
        *self.wrong.borrow_mut() = Some(error);
        E::custom("wrong")
    }

    /// The body is something else than an object.
    pub(crate) fn no_object<E: serde::de::Error>(&self, Found(found): Found) -> E {
        self.stop(Error::invalid_request(format!("the request body must be a JSON object, not {found}")))
    }

    /// A member is of another type than it must be.
    pub(crate) fn wrong_type<E: serde::de::Error>(&self, path: &str, wanted: &str, Found(found): Found) -> E {
        self.stop(Error::invalid_request(format!("`{path}` must be {wanted}, not {found}")).with_param(path))
    }

    /// A member that matters is there again: which one counts is for every reader to choose, and the provider must not
    /// choose another than we did.
    pub(crate) fn twice<E: serde::de::Error>(&self) -> E {
        self.stop(Error::invalid_request("a member that matters stands in the request body twice"))
    }

    /// A member that must be there is not, or is empty.
    pub(crate) fn missing<E: serde::de::Error>(&self, name: &str, is_said: bool) -> E {
        let message = match is_said {
            false => format!("missing required parameter `{name}`"),
            true => format!("`{name}` must not be empty"),
        };
        self.stop(Error::invalid_request(message).with_param(name))
    }

    /// Reads `model`.
    pub(crate) fn model<'de, A: MapAccess<'de>>(&self, members: &mut A) -> Result<(), A::Error> {
        let model = self.text("model", members)?.unwrap_or_default();
        self.set(|skim| skim.model = model);
        Ok(())
    }

    /// Reads `user`.
    pub(crate) fn user<'de, A: MapAccess<'de>>(&self, members: &mut A) -> Result<(), A::Error> {
        let user = self.text("user", members)?;
        self.set(|skim| skim.user = skim.user.take().or(user));
        Ok(())
    }

    /// Reads `safety_identifier`, which took the place of `user` and counts more, wherever it stands.
    pub(crate) fn safety_identifier<'de, A: MapAccess<'de>>(&self, members: &mut A) -> Result<(), A::Error> {
        let user = self.text("safety_identifier", members)?;
        self.set(|skim| skim.user = user.or(skim.user.take()));
        Ok(())
    }

    /// Reads `service_tier`.
    pub(crate) fn service_tier<'de, A: MapAccess<'de>>(&self, members: &mut A) -> Result<(), A::Error> {
        let tier = self.text("service_tier", members)?;
        self.set(|skim| skim.service_tier = tier);
        Ok(())
    }

    /// Reads `stream`.
    pub(crate) fn stream<'de, A: MapAccess<'de>>(&self, members: &mut A) -> Result<(), A::Error> {
        let stream = self.truth("stream", members)?;
        self.set(|skim| skim.stream = stream);
        Ok(())
    }

    /// A text, or nothing.
    pub(crate) fn text<'de, A: MapAccess<'de>>(
        &self,
        path: &'static str,
        members: &mut A,
    ) -> Result<Option<String>, A::Error> {
        members.next_value_seed(Read(Text { look: self, path }))
    }

    /// True or false; null is false.
    pub(crate) fn truth<'de, A: MapAccess<'de>>(&self, path: &'static str, members: &mut A) -> Result<bool, A::Error> {
        members.next_value_seed(Read(Truth { look: self, path }))
    }

    /// A count, or nothing.
    pub(crate) fn count<'de, A: MapAccess<'de>>(
        &self,
        path: &'static str,
        members: &mut A,
    ) -> Result<Option<u64>, A::Error> {
        members.next_value_seed(Read(Count { look: self, path }))
    }
}

struct Text<'a> {
    look: &'a Look,
    path: &'static str,
}

impl<'de> Reader<'de> for Text<'_> {
    type Value = Option<String>;

    fn other<E: serde::de::Error>(self, found: Found) -> Result<Option<String>, E> {
        Err(self.look.wrong_type(self.path, "a string", found))
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }

    fn null<E: serde::de::Error>(self) -> Result<Option<String>, E> {
        Ok(None)
    }
}

struct Truth<'a> {
    look: &'a Look,
    path: &'static str,
}

impl<'de> Reader<'de> for Truth<'_> {
    type Value = bool;

    fn other<E: serde::de::Error>(self, found: Found) -> Result<bool, E> {
        Err(self.look.wrong_type(self.path, "true or false", found))
    }

    fn truth<E: serde::de::Error>(self, truth: bool) -> Result<bool, E> {
        Ok(truth)
    }

    fn null<E: serde::de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }
}

struct Count<'a> {
    look: &'a Look,
    path: &'static str,
}

impl<'de> Reader<'de> for Count<'_> {
    type Value = Option<u64>;

    fn other<E: serde::de::Error>(self, found: Found) -> Result<Option<u64>, E> {
        Err(self.look.wrong_type(self.path, "a whole number that is not negative", found))
    }

    fn count<E: serde::de::Error>(self, count: u64) -> Result<Option<u64>, E> {
        Ok(Some(count))
    }

    fn null<E: serde::de::Error>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }
}
