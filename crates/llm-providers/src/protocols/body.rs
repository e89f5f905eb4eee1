//! A JSON request in the making: the members that its own protocol kept, the typed ones over them, and what the target
//! can't take refused by name or left out and reported.

use bytes::Bytes;
use llm_core::chat::UnsupportedPolicy;
use llm_core::codec::{DecodeContext, Encoded, Target, Unsupported};
use llm_core::{Native, Protocol, Result};
use serde_json::{Map, Value};

/// The members of one request to `target`.
pub(crate) struct Body<'a> {
    members: Map<String, Value>,
    unsupported: Unsupported<'a>,
    target: &'a Target<'a>,
}

impl<'a> Body<'a> {
    /// Begins with what the request kept of `protocol`. What it kept of another one can't be sent.
    pub(crate) fn new(
        native: &Native,
        protocol: Protocol,
        policy: UnsupportedPolicy,
        target: &'a Target<'a>,
    ) -> Result<Self> {
        let mut unsupported = Unsupported::new(policy, target.provider);
        unsupported.foreign(native, protocol)?;
        Ok(Self { members: native.object(protocol), unsupported, target })
    }

    /// Sets a member.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// Sets a member, if there is something to set.
    pub(crate) fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// A look at a member.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Takes a member out, often a hint of how something was spelled.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.shift_remove(name)
    }

    /// Says that a parameter can't be sent, if it is set.
    pub(crate) fn lacks<T>(&mut self, param: &str, value: Option<T>, why: &str) -> Result<()> {
        if value.is_some() { self.unsupported.param(param, why) } else { Ok(()) }
    }

    /// The members, the row's quirks applied, and the parameters that were left out.
    pub(crate) fn members(mut self) -> Result<(Map<String, Value>, Vec<String>)> {
        for name in &self.target.quirks.refuse {
            let (member, value) =
                name.split_once('.').map_or((name.as_str(), None), |(member, value)| (member, Some(value)));
            let said = self.members.get(member).filter(|said| !said.is_null());
            if said.is_some_and(|said| value.is_none_or(|value| said.as_str() == Some(value))) {
                self.unsupported.param(name, "the provider does not take it")?;
                self.members.shift_remove(member);
            }
        }
        for (name, other) in &self.target.quirks.rename {
            if let Some(value) = self.members.shift_remove(name) {
                self.members.insert(other.clone(), value);
            }
        }
        Ok((self.members, self.unsupported.into_dropped()))
    }

    /// A `POST` of the body.
    pub(crate) fn post(self, path: impl Into<String>) -> Result<Encoded> {
        let context = DecodeContext::new(self.target);
        let (members, dropped) = self.members()?;
        let mut encoded = Encoded::post(path, Bytes::from(Value::Object(members).to_string()), context);
        encoded.dropped = dropped;
        Ok(encoded)
    }
}

/// The object of an answer that came in `protocol`, or an empty one for an answer of another.
pub(crate) fn answer_object(native: &Native, protocol: Protocol) -> Answer {
    Answer { is_own: native.is_from(protocol), members: native.object(protocol) }
}

/// The members of an answer, or of an object in it, on its way to a caller.
pub(crate) struct Answer {
    /// Whether it came in the protocol in which it is written.
    pub(crate) is_own: bool,
    pub(crate) members: Map<String, Value>,
}

impl Answer {
    /// Sets a member.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// Sets a member, if there is something to set.
    pub(crate) fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Sets a member that the protocol always has, where the answer came in another one.
    pub(crate) fn complete(&mut self, name: &str, value: impl FnOnce() -> Value) {
        if !self.is_own && !self.members.contains_key(name) {
            self.members.insert(name.to_owned(), value());
        }
    }

    /// The JSON text.
    pub(crate) fn bytes(self) -> Bytes {
        Bytes::from(Value::Object(self.members).to_string())
    }
}
