//! Reading JSON objects without losing a member.
//!
//! A decoder *takes* the members it understands; whatever it does not take stays and becomes the object's
//! [`Native`]. Two voices: `take_*` is for providers' answers and leaves a member of an unexpected type where it is,
//! so that one odd value never costs an answer; `want_*` is for callers' requests and says which member is wrong.

use serde_json::{Map, Value};

use crate::{Error, Native, Protocol, Result};

/// The members of one JSON object, and where in the body it stands (for error messages).
#[derive(Debug)]
pub struct Fields {
    members: Map<String, Value>,
    path: String,
}

impl Fields {
    /// Wraps an object that stands at the top of a body.
    pub fn new(members: Map<String, Value>) -> Self {
        Self { members, path: String::new() }
    }

    /// Wraps the object at `path` (`messages[2]`); any other value is an error that says so.
    pub fn at(path: impl Into<String>, value: Value) -> Result<Self> {
        let path = path.into();
        match value {
            Value::Object(members) => Ok(Self { members, path }),
            other => Err(wrong_type(&path, "an object", &other)),
        }
    }

    /// Parses a caller's body, which must be one JSON object.
    pub fn parse(body: &[u8]) -> Result<Self> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self::new(members)),
            Ok(other) => Err(Error::invalid_request(format!(
                "the request body must be a JSON object, not {}",
                type_name(&other)
            ))),
            Err(error) => Err(Error::invalid_request(format!("the request body is not valid JSON: {error}"))),
        }
    }

    /// The full name of `member`, as error messages spell it.
    pub fn path_of(&self, member: &str) -> String {
        if self.path.is_empty() { member.to_owned() } else { format!("{}.{member}", self.path) }
    }

    /// A look at a member that leaves it in place.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// A look at a text member that leaves it in place.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Puts a member (back), often the empty shape of what was taken.
    pub fn put(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    /// Takes any value except null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.take_if(name, |value| !value.is_null())
    }

    /// Takes a text.
    pub fn take_text(&mut self, name: &str) -> Option<String> {
        match self.take_if(name, Value::is_string)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Takes a text that is not empty; an empty one stays.
    pub fn take_nonempty(&mut self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())?;
        self.take_text(name)
    }

    /// Takes a whole number that is not negative.
    pub fn take_u64(&mut self, name: &str) -> Option<u64> {
        self.take_if(name, Value::is_u64)?.as_u64()
    }

    /// Takes a whole number.
    pub fn take_i64(&mut self, name: &str) -> Option<i64> {
        self.take_if(name, Value::is_i64)?.as_i64()
    }

    /// Takes a truth value.
    pub fn take_bool(&mut self, name: &str) -> Option<bool> {
        self.take_if(name, Value::is_boolean)?.as_bool()
    }

    /// Takes a list.
    pub fn take_list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.take_if(name, Value::is_array)? {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Takes an object.
    pub fn take_object(&mut self, name: &str) -> Option<Fields> {
        match self.take_if(name, Value::is_object)? {
            Value::Object(members) => Some(Fields { members, path: self.path_of(name) }),
            _ => None,
        }
    }

    /// A text or nothing; any other type is the caller's mistake. Null counts as nothing and stays.
    pub fn want_text(&mut self, name: &str) -> Result<Option<String>> {
        self.want(name, "a string", Self::take_text)
    }

    /// A text that must be there.
    pub fn need_text(&mut self, name: &str) -> Result<String> {
        self.want_text(name)?.ok_or_else(|| self.missing(name))
    }

    /// A whole number that is not negative, or nothing.
    pub fn want_u64(&mut self, name: &str) -> Result<Option<u64>> {
        self.want(name, "a whole number that is not negative", Self::take_u64)
    }

    /// A whole number, or nothing.
    pub fn want_i64(&mut self, name: &str) -> Result<Option<i64>> {
        self.want(name, "a whole number", Self::take_i64)
    }

    /// A number, or nothing.
    pub fn want_f64(&mut self, name: &str) -> Result<Option<f64>> {
        self.want(name, "a number", |fields, name| fields.take_if(name, Value::is_number)?.as_f64())
    }

    /// A truth value, or nothing.
    pub fn want_bool(&mut self, name: &str) -> Result<Option<bool>> {
        self.want(name, "true or false", Self::take_bool)
    }

    /// A list, or nothing.
    pub fn want_list(&mut self, name: &str) -> Result<Option<Vec<Value>>> {
        self.want(name, "a list", Self::take_list)
    }

    /// An object, or nothing.
    pub fn want_object(&mut self, name: &str) -> Result<Option<Fields>> {
        self.want(name, "an object", Self::take_object)
    }

    /// The error for a member that must be there and is not.
    pub fn missing(&self, name: &str) -> Error {
        let path = self.path_of(name);
        Error::invalid_request(format!("missing required parameter `{path}`")).with_param(path)
    }

    /// The error for a member of the wrong type; `wanted` reads like "a list".
    pub fn wrong(&self, name: &str, wanted: &str) -> Error {
        wrong_type(&self.path_of(name), wanted, self.get(name).unwrap_or(&Value::Null))
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What was not taken, as it is.
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// What was not taken, kept for `protocol`.
    pub fn into_native(self, protocol: Protocol) -> Native {
        Native::new(protocol, self.members)
    }

    fn take_if(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        self.members.get(name).filter(|value| fits(value))?;
        self.members.shift_remove(name)
    }

    fn want<T>(&mut self, name: &str, wanted: &str, take: impl Fn(&mut Self, &str) -> Option<T>) -> Result<Option<T>> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => take(self, name).map(Some).ok_or_else(|| self.wrong(name, wanted)),
        }
    }
}

fn wrong_type(path: &str, wanted: &str, found: &Value) -> Error {
    Error::invalid_request(format!("`{path}` must be {wanted}, not {}", type_name(found))).with_param(path)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
