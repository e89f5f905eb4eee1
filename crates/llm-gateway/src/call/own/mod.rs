//! Responses that the gateway keeps itself (`[responses] store`), for callers of providers that keep none.
//!
//! One is an object like what providers store ([`Objects`](crate::store::Objects)), so it belongs to its key, and is in
//! the journal before its caller sees it whole. Its detail is a [`Turn`](turn::Turn): what was said, what was answered, and the
//! response that it went on from. `go_on.rs` puts the turns before it into a request that names one, `keep.rs` makes one
//! of an answer, and `told.rs` answers calls about it. No provider ever sees its id.

mod go_on;
mod keep;
mod told;
mod turn;

use std::borrow::Cow;

use llm_providers::Provider;
use serde_json::{Map, Value, json};

use super::asked::Asked;
use crate::record::ObjectKind;
pub(super) use go_on::go_on;
pub(super) use keep::{ended_in, kept, unkept, unkept_in};
pub(super) use told::tell;

/// What a call has to do with responses of the gateway's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    /// The response that it goes on from.
    previous: Option<String>,
    /// What was said in this turn, where the request was written anew; else its body says it.
    said: Option<Vec<Value>>,
    keep: Keep,
}

/// Whether the answer is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keep {
    /// Nobody wants it.
    #[default]
    No,
    /// Unless its provider does.
    Yes,
    /// It was wanted, and its question alone is larger than what is kept.
    TooLarge,
}

/// Whether the answer of `provider` is the gateway's to keep.
pub(super) fn is_ours(asked: &Asked, provider: &Provider) -> bool {
    asked.own.as_ref().is_some_and(|own| own.keep != Keep::No) && provider.lacks_stored(ObjectKind::Response)
}

/// What can't be done for the caller, by the parameter that asked for it.
pub(super) fn left_undone(asked: &Asked, provider: &Provider) -> Option<String> {
    let is_too_large = asked.own.as_ref().is_some_and(|own| own.keep == Keep::TooLarge);
    (is_too_large && provider.lacks_stored(ObjectKind::Response)).then(|| "store".to_owned())
}

/// The request as a provider is told it in another protocol: without the wish that the gateway fulfils.
pub(super) fn bridged<'a>(asked: &'a Asked, provider: &Provider) -> Cow<'a, [u8]> {
    if is_ours(asked, provider)
        && let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(&asked.body)
        && members.remove("store").is_some()
        && let Ok(body) = serde_json::to_vec(&members)
    {
        return Cow::Owned(body);
    }
    Cow::Borrowed(&asked.body)
}

/// Adds what the answer repeats of the request, that only the gateway has read.
pub(super) fn echo(asked: &Asked, provider: &Provider, members: &mut Map<String, Value>) {
    if let Some(previous) = asked.own.as_ref().and_then(|own| own.previous.as_deref()) {
        members.insert("previous_response_id".to_owned(), json!(previous));
    }
    if let Some(own) = asked.own.as_ref().filter(|_| is_ours(asked, provider)) {
        members.insert("store".to_owned(), json!(own.keep == Keep::Yes));
    }
}
