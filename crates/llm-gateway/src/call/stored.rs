//! What a provider stores belongs to who made it (law 13).
//!
//! No id is recorded yet, so every one is unknown, and unknown ids are refused.

use llm_core::codec::Skim;
use llm_core::{Error, ErrorKind, Result};

/// Refuses what names something that this gateway did not see made, and what would be made behind its back.
pub(super) fn check(skim: &Skim) -> Result<()> {
    if skim.background {
        let why = "the answer is made after the call, and nothing here would tell what it costs";
        return Err(Error::unsupported("background", "this gateway", why));
    }
    match skim.stored.first() {
        None => Ok(()),
        Some(stored) => Err(Error::new(
            ErrorKind::NotFound,
            format!("`{}`: nothing of the id `{}` was made with this key", stored.param, stored.id),
        )
        .with_param(stored.param)),
    }
}
