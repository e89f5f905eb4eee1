//! What a limit is, and which limits can be enforced.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ModelPattern, Window};
use crate::named::{UnknownName, named};

/// The id of a limit. What a limit has counted is kept under it, so a limit whose meter, window, zone or models
/// change is a new limit with a new id; its amount and the rest may change under the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LimitId(Arc<str>);

impl LimitId {
    /// An id made elsewhere.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id of a limit that stands in a configuration file: the same after every restart as long as scope, models,
    /// meter, window and zone are the same.
    pub fn derived(scope: &Scope, spec: &LimitSpec) -> Self {
        let mut id = format!("{}:{}:{}/{}", scope.kind, scope.id, spec.meter, spec.window);
        for model in &spec.models {
            id.push(':');
            id.push_str(model.as_str());
        }
        if let Some(zone) = &spec.tz {
            id.push('@');
            id.push_str(&zone.name());
        }
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LimitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

named! {
    /// Whose calls a limit counts together.
    pub enum ScopeKind ("scope") {
        /// All calls of an organization.
        Organization = "organization",
        /// All calls of a team.
        Team = "team",
        /// All calls of a user, whichever key they present.
        User = "user",
        /// All calls of one virtual key.
        Key = "key",
        /// All calls made for one of the application's own users.
        EndUser = "end_user",
        /// All calls that carry a tag.
        Tag = "tag",
    }
}

/// Whose calls a limit counts: `{"kind":"team","id":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What kind of thing.
    pub kind: ScopeKind,
    /// Which one: an id, or the text of a tag or end user.
    pub id: Arc<str>,
}

impl Scope {
    /// The scope of one thing.
    pub fn new(kind: ScopeKind, id: impl Into<Arc<str>>) -> Self {
        Self { kind, id: id.into() }
    }

    /// The scope of one virtual key.
    pub fn key(id: impl Into<Arc<str>>) -> Self {
        Self::new(ScopeKind::Key, id)
    }
}

named! {
    /// What a limit counts.
    pub enum LimitMeter ("meter") {
        /// Money, in billionths of a US dollar.
        Spend = "spend",
        /// Tokens of prompt and answer.
        Tokens = "tokens",
        /// Tokens of the prompt, cached ones included.
        InputTokens = "input_tokens",
        /// Tokens of the answer, reasoning included.
        OutputTokens = "output_tokens",
        /// Calls.
        Requests = "requests",
        /// Calls at the same time.
        Concurrency = "concurrency",
    }
}

impl LimitMeter {
    /// Whether the length of the prompt counts.
    pub(super) fn counts_input(self) -> bool {
        matches!(self, Self::Spend | Self::Tokens | Self::InputTokens)
    }

    /// Whether the length of the answer counts.
    pub(super) fn counts_output(self) -> bool {
        matches!(self, Self::Spend | Self::Tokens | Self::OutputTokens)
    }
}

named! {
    /// What becomes of calls while the shared counters can't be reached.
    pub enum Fail ("value of `fail`") {
        /// They pass as long as this replica knows of anything left, which others may spend at the same time.
        Open = "open",
        /// They are refused.
        Closed = "closed",
    }
}

/// A time zone by its IANA name. As JSON that name.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(pub(super) TimeZone);

impl Zone {
    /// The zone itself.
    pub fn get(&self) -> &TimeZone {
        &self.0
    }

    /// The IANA name; a zone without one is named by its rule.
    pub fn name(&self) -> String {
        self.0.iana_name().map_or_else(|| format!("{:?}", self.0), str::to_owned)
    }
}

impl FromStr for Zone {
    type Err = LimitError;

    fn from_str(name: &str) -> Result<Self, LimitError> {
        TimeZone::get(name).map(Self).map_err(|_| LimitError(format!("unknown time zone `{name}`")))
    }
}

/// A limit without its scope, as it is written beside a key or team.
///
/// As JSON `{"meter":"spend","window":"month","amount":"25.00"}`; as text `spend=25/month`.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitSpec {
    /// What is counted.
    pub meter: LimitMeter,
    /// Over which time.
    pub window: Window,
    /// How much of it may be used: billionths of a US dollar for `spend`, else a count. Never negative.
    pub amount: i64,
    /// The models whose calls count; all where the list is empty.
    pub models: Vec<ModelPattern>,
    /// The zone that calendar windows follow; that of `[limits] tz` in the configuration, else UTC, where none is said.
    pub tz: Option<Zone>,
    /// Whether the bound of the answer is sent upstream as its cap, so that the limit is never exceeded.
    pub strict: bool,
    /// The tokens of answer that a call is reserved at which states no bound of its own.
    pub assume_output: Option<u64>,
    /// Percentages of the amount at which to notify, each from 1 to 100.
    pub notify_at: Vec<u8>,
    /// What becomes of calls while the shared counters can't be reached; they pass while this replica's share of what
    /// was left lasts, unless set.
    pub fail: Option<Fail>,
}

impl LimitSpec {
    /// A plain limit on `meter` over `window`.
    pub fn new(meter: LimitMeter, window: Window, amount: i64) -> Self {
        Self {
            meter,
            window,
            amount,
            models: Vec::new(),
            tz: None,
            strict: false,
            assume_output: None,
            notify_at: Vec::new(),
            fail: None,
        }
    }

    /// Refuses what can't be enforced, so that no limit is stored, shown and without effect.
    pub fn check(&self) -> Result<(), LimitError> {
        let refuse = |text: String| Err(LimitError(text));
        if self.amount < 0 {
            return refuse("`amount` can't be negative".to_owned());
        }
        if self.meter == LimitMeter::Concurrency && self.window != Window::Total {
            return refuse(format!("`concurrency` has no window `{}`; leave `window` out", self.window));
        }
        if self.tz.is_some() && !self.window.is_calendar() {
            return refuse(format!("`tz` has no effect on the window `{}`; use `day`, `week` or `month`", self.window));
        }
        if self.assume_output.is_some() && !self.meter.counts_output() {
            return refuse(format!("`assume_output` has no effect on `{}`", self.meter));
        }
        if self.assume_output == Some(0) {
            return refuse("`assume_output` can't be 0".to_owned());
        }
        if self.meter == LimitMeter::Concurrency && !self.notify_at.is_empty() {
            return refuse("`notify_at` has no effect on `concurrency`, of which nothing is ever used up".to_owned());
        }
        if !self.notify_at.iter().all(|percent| (1..=100).contains(percent)) {
            return refuse("`notify_at` takes percentages from 1 to 100".to_owned());
        }
        Ok(())
    }

    /// Whether `other` may take this one's place and go on from what it has counted.
    pub fn counts_like(&self, other: &Self) -> bool {
        self.meter == other.meter && self.window == other.window && self.models == other.models && self.tz == other.tz
    }
}

/// A limit and whose calls it counts: `{"scope":{"kind":"team","id":"…"},"meter":…}`, as the API takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitDraft {
    /// Whose calls.
    pub scope: Scope,
    /// How many.
    pub spec: LimitSpec,
}

impl LimitDraft {
    /// Refuses what can't be enforced.
    pub fn check(&self) -> Result<(), LimitError> {
        if self.scope.id.is_empty() {
            return Err(LimitError("`scope.id` can't be empty".to_owned()));
        }
        self.spec.check()
    }
}

/// A change of a limit. What is not said stays; what it counts can't be changed, for then it would be another.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitPatch {
    /// Another amount, in the form of the limit's meter.
    #[schemars(with = "Option<super::wire::Amount>")]
    pub amount: Option<serde_json::Value>,
    /// Whether the bound of the answer is sent upstream as its cap.
    pub strict: Option<bool>,
    /// The tokens of answer that a call is reserved at which states no bound of its own.
    pub assume_output: Option<u64>,
    /// Percentages of the amount at which to notify.
    pub notify_at: Option<Vec<u8>>,
    /// What becomes of calls while the shared counters can't be reached.
    pub fail: Option<Fail>,
}

impl LimitPatch {
    /// `spec` with what is said here, if that can be enforced.
    pub fn over(self, mut spec: LimitSpec) -> Result<LimitSpec, LimitError> {
        if let Some(amount) = &self.amount {
            spec.amount = super::wire::amount(spec.meter, amount)?;
        }
        spec.strict = self.strict.unwrap_or(spec.strict);
        spec.assume_output = self.assume_output.or(spec.assume_output);
        spec.notify_at = self.notify_at.unwrap_or(spec.notify_at);
        spec.fail = self.fail.or(spec.fail);
        spec.check()?;
        Ok(spec)
    }
}

/// A limit that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Its id.
    pub id: LimitId,
    /// Whose calls it counts.
    pub scope: Scope,
    /// What, over which time, and how much.
    pub spec: LimitSpec,
}

impl Limit {
    /// `spec` for `scope`, under an id derived from both.
    pub fn derived(scope: Scope, spec: LimitSpec) -> Self {
        Self { id: LimitId::derived(&scope, &spec), scope, spec }
    }
}

/// Why a limit can't be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitError(pub(super) String);

impl From<UnknownName> for LimitError {
    fn from(unknown: UnknownName) -> Self {
        Self(unknown.to_string())
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LimitError {}

impl From<LimitError> for llm_core::Error {
    fn from(error: LimitError) -> Self {
        llm_core::Error::invalid_request(error.0)
    }
}

#[cfg(test)]
mod tests;
