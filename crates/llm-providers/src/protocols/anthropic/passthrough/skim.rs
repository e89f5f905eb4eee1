//! A look at a request in one pass, without building it.
//!
//! Texts count with their bytes; schemas, arguments and whatever else is JSON in the prompt with the bytes of its
//! shortest spelling, or a few more. Base64 data of images and documents is no text.

mod prompt;

use llm_core::codec::Skim;
use llm_core::{Error, Result};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};
use serde_json::Value;

use super::super::error::THREAD;
use crate::protocols::reader::{Found, Name, Read, Reader, pass};

/// Reads what routing and limits need, and makes sure that the body is one JSON object.
///
/// A member that matters and stands there twice is refused: which one counts is for every reader to choose, and the
/// provider must not choose another than we did.
pub(super) fn skim(body: &[u8]) -> Result<Skim> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Error::invalid_request(format!("the request body is not valid UTF-8: {error}")))?;
    let mut top = Top::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Read(Body(&mut top)).deserialize(&mut reader).and_then(|()| reader.end());
    read.map_err(|error| Error::invalid_request(format!("the request body is not valid JSON: {error}")))?;
    top.finish()
}

/// The members that matter, as they were found.
#[derive(Default)]
struct Top {
    model: Option<Seen>,
    stream: Option<Seen>,
    max_tokens: Option<Seen>,
    messages: Option<Seen>,
    user: Option<Seen>,
    service_tier: Option<Seen>,
    /// One of the members that stand there twice.
    twice: Option<Member>,
    /// What is wrong with the body as a whole.
    found: Option<Found>,
    has_thread: bool,
    skim: Skim,
}

/// A value, as far as it matters.
enum Seen {
    Null,
    Truth(bool),
    Count(u64),
    Text(String),
    Messages,
    Other(Found),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Model,
    Messages,
    System,
    Tools,
    MaxTokens,
    Stream,
    Metadata,
    ServiceTier,
    /// Holds a schema.
    Output,
    /// What has no computable bound.
    Unbounded,
    ContextManagement,
    Container,
    Thread,
    Other,
}

impl Member {
    fn of(name: &str) -> Self {
        match name {
            "model" => Self::Model,
            "messages" => Self::Messages,
            "system" => Self::System,
            "tools" => Self::Tools,
            "max_tokens" => Self::MaxTokens,
            "stream" => Self::Stream,
            "metadata" => Self::Metadata,
            "service_tier" => Self::ServiceTier,
            "output_config" | "output_format" => Self::Output,
            "container" => Self::Container,
            THREAD => Self::Thread,
            "mcp_servers" => Self::Unbounded,
            "context_management" => Self::ContextManagement,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Messages => "messages",
            Self::System => "system",
            Self::Tools => "tools",
            Self::MaxTokens => "max_tokens",
            Self::Stream => "stream",
            Self::Metadata => "metadata",
            Self::ServiceTier => "service_tier",
            Self::Container => "container",
            Self::Thread => THREAD,
            Self::Output | Self::Unbounded | Self::ContextManagement | Self::Other => "a member",
        }
    }
}

impl Top {
    fn finish(self) -> Result<Skim> {
        if let Some(Found(found)) = self.found {
            return Err(Error::invalid_request(format!("the request body must be a JSON object, not {found}")));
        }
        if let Some(member) = self.twice {
            let name = member.name();
            return Err(Error::invalid_request(format!("`{name}` stands there twice")).with_param(name));
        }
        if self.has_thread {
            // What a thread holds is neither seen here nor known to be the caller's. Anthropic's SDKs know this error, and
            // send the whole conversation from then on.
            let why = "conversations are not held between calls, so each call must hold all of its own";
            return Err(Error::unsupported(THREAD, format_args!("a provider through this gateway"), why));
        }
        let model = match self.model {
            Some(Seen::Text(model)) => model,
            other => return Err(wrong("model", "a string", other)),
        };
        match self.messages {
            Some(Seen::Messages) => {}
            other => return Err(wrong("messages", "a list", other)),
        }
        let max_tokens = match self.max_tokens {
            Some(Seen::Count(tokens)) => tokens,
            other => return Err(wrong("max_tokens", "a whole number that is not negative", other)),
        };
        let stream = match self.stream {
            Some(Seen::Truth(stream)) => stream,
            None | Some(Seen::Null) => false,
            other => return Err(wrong("stream", "true or false", other)),
        };
        Ok(Skim {
            model,
            stream,
            include_usage: true,
            max_tokens: Some(max_tokens),
            choices: 1,
            user: text(self.user),
            service_tier: text(self.service_tier),
            ..self.skim
        })
    }
}

fn text(seen: Option<Seen>) -> Option<String> {
    match seen {
        Some(Seen::Text(text)) => Some(text),
        _ => None,
    }
}

fn wrong(name: &str, wanted: &str, seen: Option<Seen>) -> Error {
    let found = match seen {
        None | Some(Seen::Null) => {
            return Error::invalid_request(format!("missing required parameter `{name}`")).with_param(name);
        }
        Some(Seen::Truth(_)) => "a boolean",
        Some(Seen::Count(_)) => "a number",
        Some(Seen::Text(_)) => "a string",
        Some(Seen::Messages) => "a list",
        Some(Seen::Other(Found(found))) => found,
    };
    Error::invalid_request(format!("`{name}` must be {wanted}, not {found}")).with_param(name)
}

/// The body.
struct Body<'t>(&'t mut Top);

impl<'de> Reader<'de> for Body<'_> {
    type Value = ();

    fn other<E: serde::de::Error>(self, found: Found) -> Result<(), E> {
        self.0.found = Some(found);
        Ok(())
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.found = Some(Found("a list"));
        pass_list(list)
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let top = self.0;
        let skim = &mut top.skim;
        let mut before: Vec<Member> = Vec::with_capacity(8);
        while let Some(member) = members.next_key_seed(Name(Member::of))? {
            if !matches!(member, Member::Output | Member::Unbounded | Member::ContextManagement | Member::Other) {
                if before.contains(&member) {
                    top.twice = Some(member);
                } else {
                    before.push(member);
                }
            }
            match member {
                Member::Model => top.model = Some(members.next_value_seed(Read(Any))?),
                Member::MaxTokens => top.max_tokens = Some(members.next_value_seed(Read(Any))?),
                Member::Stream => top.stream = Some(members.next_value_seed(Read(Any))?),
                Member::ServiceTier => top.service_tier = Some(members.next_value_seed(Read(Any))?),
                Member::Messages => top.messages = Some(members.next_value_seed(Read(Messages(skim)))?),
                Member::Metadata => top.user = members.next_value_seed(Read(Metadata))?,
                Member::System => members.next_value_seed(Read(prompt::Content(skim)))?,
                Member::Tools => members.next_value_seed(Read(prompt::Tools(skim)))?,
                Member::Output => members.next_value_seed(Read(prompt::Json(&mut skim.text_bytes)))?,
                Member::Unbounded => skim.unbounded |= pass(&mut members)?,
                Member::ContextManagement => skim.unbounded |= !only_clears(&members.next_value()?),
                Member::Container => members.next_value_seed(Read(prompt::Container(skim)))?,
                Member::Thread => top.has_thread |= pass(&mut members)?,
                Member::Other => drop(pass(&mut members)?),
            }
        }
        Ok(())
    }
}

/// Whether managing the context so can only make the prompt shorter. Anything but clearing may have the model read it all
/// once more, to sum it up.
fn only_clears(management: &Value) -> bool {
    let clears = |edit: &Value| edit.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("clear_"));
    match management.get("edits") {
        Some(Value::Array(edits)) => edits.iter().all(clears),
        Some(edits) => edits.is_null(),
        None => management.is_null() || management.is_object(),
    }
}

/// A value of any type: kept where it is simple.
struct Any;

impl<'de> Reader<'de> for Any {
    type Value = Seen;

    fn other<E: serde::de::Error>(self, found: Found) -> Result<Seen, E> {
        Ok(Seen::Other(found))
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<Seen, E> {
        Ok(Seen::Text(text.to_owned()))
    }

    fn truth<E: serde::de::Error>(self, truth: bool) -> Result<Seen, E> {
        Ok(Seen::Truth(truth))
    }

    fn count<E: serde::de::Error>(self, count: u64) -> Result<Seen, E> {
        Ok(Seen::Count(count))
    }

    fn null<E: serde::de::Error>(self) -> Result<Seen, E> {
        Ok(Seen::Null)
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Seen, A::Error> {
        pass_list(list)?;
        Ok(Seen::Other(Found("a list")))
    }

    fn object<A: MapAccess<'de>>(self, members: A) -> Result<Seen, A::Error> {
        pass_object(members)?;
        Ok(Seen::Other(Found("an object")))
    }
}

/// `metadata`: the end user.
struct Metadata;

impl<'de> Reader<'de> for Metadata {
    type Value = Option<Seen>;

    fn other<E: serde::de::Error>(self, _: Found) -> Result<Option<Seen>, E> {
        Ok(None)
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Option<Seen>, A::Error> {
        pass_list(list)?;
        Ok(None)
    }

    fn object<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Seen>, A::Error> {
        let mut user = None;
        while let Some(is_user) = members.next_key_seed(Name(|name: &str| name == "user_id"))? {
            if is_user {
                user = Some(members.next_value_seed(Read(Any))?);
            } else {
                pass(&mut members)?;
            }
        }
        Ok(user)
    }
}

/// `messages`.
struct Messages<'s>(&'s mut Skim);

impl<'de> Reader<'de> for Messages<'_> {
    type Value = Seen;

    fn other<E: serde::de::Error>(self, found: Found) -> Result<Seen, E> {
        Ok(if found == Found("null") { Seen::Null } else { Seen::Other(found) })
    }

    fn object<A: MapAccess<'de>>(self, members: A) -> Result<Seen, A::Error> {
        Any.object(members)
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Seen, A::Error> {
        while list.next_element_seed(Read(prompt::Message(self.0)))?.is_some() {
            self.0.messages += 1;
        }
        Ok(Seen::Messages)
    }
}

fn pass_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn pass_object<'de, A: MapAccess<'de>>(mut members: A) -> Result<(), A::Error> {
    while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}
