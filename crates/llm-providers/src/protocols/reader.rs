//! Reading JSON as it goes by: a [`Reader`] says what to do with a value of each type, and nothing is built.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The type of a value that a reader did not expect, as error messages say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found(pub(crate) &'static str);

/// What to do with one value. Every method but [`other`](Self::other) has a default that leaves it to that one.
pub(crate) trait Reader<'de>: Sized {
    /// What the value comes to.
    type Value;
    /// Any type that has no method of its own here.
    fn other<E: Error>(self, found: Found) -> Result<Self::Value, E>;
    /// A text; borrowed wherever it has no escapes.
    fn text<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        self.other(Found("a string"))
    }
    /// True or false.
    fn truth<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        self.other(Found("a boolean"))
    }
    /// A whole number that is not negative.
    fn count<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        self.other(Found("a number"))
    }
    /// Null.
    fn null<E: Error>(self) -> Result<Self::Value, E> {
        self.other(Found("null"))
    }
    /// A list. A reader that wants none of it must still go past it.
    fn list<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        self.other(Found("a list"))
    }
    /// An object, likewise.
    fn object<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        self.other(Found("an object"))
    }
}

/// Hands a value to a reader.
pub(crate) struct Read<R>(pub(crate) R);

impl<'de, R: Reader<'de>> DeserializeSeed<'de> for Read<R> {
    type Value = R::Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Reader<'de>> Visitor<'de> for Read<R> {
    type Value = R::Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E: Error>(self, truth: bool) -> Result<R::Value, E> {
        self.0.truth(truth)
    }
    fn visit_u64<E: Error>(self, count: u64) -> Result<R::Value, E> {
        self.0.count(count)
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<R::Value, E> {
        self.0.other(Found("a negative number"))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<R::Value, E> {
        self.0.other(Found("a number with a fraction"))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<R::Value, E> {
        self.0.text(text)
    }
    fn visit_unit<E: Error>(self) -> Result<R::Value, E> {
        self.0.null()
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<R::Value, A::Error> {
        self.0.list(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<R::Value, A::Error> {
        self.0.object(members)
    }
}

/// The name of an object's next member, looked at where it stands.
pub(crate) struct Name<F>(pub(crate) F);

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

/// Goes past the value of a member, and says whether it is more than null.
pub(crate) fn pass<'de, A: MapAccess<'de>>(members: &mut A) -> Result<bool, A::Error> {
    Ok(members.next_value::<Option<IgnoredAny>>()?.is_some())
}

/// The members of a JSON object that `T` knows. One that stands there twice counts as it stands last, as in an object
/// that is built; none where it is no JSON object.
pub(crate) fn known<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    serde_json::from_slice(json).ok().or_else(|| serde_json::from_slice(&distinct(json)?).ok())
}

/// The same JSON with every member once, as it stood there last.
pub(crate) fn distinct(json: &[u8]) -> Option<Vec<u8>> {
    serde_json::to_vec(&serde_json::from_slice::<Value>(json).ok()?).ok()
}

/// A count, or none where something else stands in its place. Reading one never fails on a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl Count {
    /// This one, or `other` where there is none.
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// The count; nothing is zero.
    pub(crate) fn or_zero(self) -> u64 {
        self.0.unwrap_or(0)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Reader<'de> for Any {
            type Value = Count;
            fn other<E>(self, _: Found) -> Result<Count, E> {
                Ok(Count(None))
            }
            fn count<E>(self, count: u64) -> Result<Count, E> {
                Ok(Count(Some(count)))
            }
            fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Count, A::Error> {
                IgnoredAny::deserialize(SeqAccessDeserializer::new(list)).map(|_| Count(None))
            }
            fn object<A: MapAccess<'de>>(self, members: A) -> Result<Count, A::Error> {
                IgnoredAny::deserialize(MapAccessDeserializer::new(members)).map(|_| Count(None))
            }
        }
        Read(Any).deserialize(deserializer)
    }
}

/// An object of known members, or an empty one where something else stands in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nested<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Nested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Reader<'de> for Any<T> {
            type Value = Nested<T>;
            fn other<E>(self, _: Found) -> Result<Nested<T>, E> {
                Ok(Nested::default())
            }
            fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Nested<T>, A::Error> {
                IgnoredAny::deserialize(SeqAccessDeserializer::new(list)).map(|_| Nested::default())
            }
            fn object<A: MapAccess<'de>>(self, members: A) -> Result<Nested<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Nested)
            }
        }
        Read(Any(std::marker::PhantomData)).deserialize(deserializer)
    }
}

/// The items of a list, or none where something else stands in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Items<T>(pub(crate) Option<Vec<T>>);

impl<T> Items<T> {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, Vec::len)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Reader<'de> for Any<T> {
            type Value = Items<T>;
            fn other<E>(self, _: Found) -> Result<Items<T>, E> {
                Ok(Items(None))
            }
            fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Items<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(|items| Items(Some(items)))
            }
            fn object<A: MapAccess<'de>>(self, members: A) -> Result<Items<T>, A::Error> {
                IgnoredAny::deserialize(MapAccessDeserializer::new(members)).map(|_| Items(None))
            }
        }
        Read(Any(std::marker::PhantomData)).deserialize(deserializer)
    }
}
