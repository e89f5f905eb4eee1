//! What the ledger is told of a call: who makes it, what it may use, what it did use.

use llm_core::{NanoUsd, Usage};

/// Who makes a call and to which model: decides which limits apply.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// The id of the virtual key.
    pub key: &'a str,
    /// The id of its team.
    pub team: Option<&'a str>,
    /// The id of its user.
    pub user: Option<&'a str>,
    /// The id of its organization.
    pub organization: Option<&'a str>,
    /// The application's own user, as the request names it.
    pub end_user: Option<&'a str>,
    /// The tags of key and call. A tag said twice counts once.
    pub tags: &'a [&'a str],
    /// Every name that the call's model goes by: as asked, and `provider:model` of each deployment that may serve it.
    /// A limit on some models applies when any of these is meant.
    pub models: &'a [&'a str],
}

/// The most that a call may use: what is reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// What it may cost; none where the model has no price, which is refused under a spend limit.
    pub spend: Option<NanoUsd>,
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// Tokens of all its answers.
    pub output_tokens: u64,
}

/// What a call did use: what is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actual {
    /// What it cost, all attempts together; none where the model has no price.
    pub spend: Option<NanoUsd>,
    /// Tokens of the prompt, cached ones included.
    pub input_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u64,
}

impl Actual {
    /// What `usage` says, at `cost`.
    pub fn new(usage: &Usage, cost: Option<NanoUsd>) -> Self {
        Self { spend: cost, input_tokens: usage.input_tokens(), output_tokens: usage.output_tokens() }
    }
}

impl From<Estimate> for Actual {
    fn from(estimate: Estimate) -> Self {
        let Estimate { spend, input_tokens, output_tokens } = estimate;
        Self { spend, input_tokens, output_tokens }
    }
}

/// What the limits that apply say of how much a call may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputBound {
    /// The tokens to reserve for a call that states no bound: the largest that any of the limits names.
    pub assume_output: Option<u64>,
    /// Whether the bound must go upstream as the answer's cap, because a limit that applies is strict.
    pub strict: bool,
    /// Whether a strict limit counts the prompt, so that it may have no more tokens than are reserved.
    pub strict_input: bool,
    /// Tokens left under the tightest limit on tokens of the answer, if there is one.
    pub headroom: Option<u64>,
}
