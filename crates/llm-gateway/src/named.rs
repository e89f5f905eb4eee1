//! Enums of names, as configuration and API spell them. A wrong name is an error that says the nearest right one.

use std::fmt;

/// A text that is none of the names that may stand in its place. It says which may, or the nearest of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName(String);

impl UnknownName {
    /// That `wrong` is none of `names`, which are those of a `what`.
    pub(crate) fn new<'a>(what: &str, wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        Self(match nearest(wrong, names.iter().copied()) {
            Some(name) => format!("unknown {what} `{wrong}`; did you mean `{name}`?"),
            None => format!("unknown {what} `{wrong}`; it is one of `{}`", names.join("`, `")),
        })
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnknownName {}

impl From<UnknownName> for llm_core::Error {
    fn from(unknown: UnknownName) -> Self {
        llm_core::Error::invalid_request(unknown.0)
    }
}

/// The name in `names` that is most like `wrong`, if any is like it.
fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|&(distance, name)| distance <= name.len().max(3) / 2)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// Declares an enum of names with `as_str`, `ALL`, `FromStr`, `Display` and serde.
macro_rules! named {
    ($(#[$meta:meta])* pub enum $name:ident ($what:literal) { $($(#[$doc:meta])* $arm:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $arm),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &[$name] = &[$($name::$arm),+];

            /// The name in JSON, configuration and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$arm => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::named::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$arm),)+
                    _ => Err($crate::named::UnknownName::new($what, text, Self::ALL.iter().map(|value| value.as_str()))),
                }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let names: Vec<&str> = Self::ALL.iter().map(|value| value.as_str()).collect();
                schemars::json_schema!({"type": "string", "enum": names})
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use named;
