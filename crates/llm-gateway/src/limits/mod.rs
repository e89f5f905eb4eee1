//! Limits: *scope × meter × window × amount*, one mechanism for budgets and rate limits alike.
//!
//! A call takes a [`Reservation`] from every limit that applies to it, or from none; when it ends, the reservation is
//! settled and what the call truly used stands in its place. All of it happens in the [`Ledger`], in memory: what must
//! outlive the process goes through the [journal](crate::journal) as [`Charge`]s.

mod counter;
mod each;
mod ledger;
mod limit;
mod link;
mod pattern;
mod refusal;
mod reservation;
pub mod shared;
mod slot;
mod state;
mod subject;
mod text;
mod together;
mod window;
mod wire;

pub use ledger::{Crossing, Ledger, LimitStatus};
pub use limit::{
    Fail, Limit, LimitDraft, LimitError, LimitId, LimitMeter, LimitPatch, LimitSpec, Scope, ScopeKind, Zone,
};
pub use link::Standing;
pub use pattern::ModelPattern;
pub use refusal::Refusal;
pub use reservation::{Charge, RateLeft, RateLimits, Reservation, Settled};
pub use subject::{Actual, Estimate, OutputBound, Subject};
pub(crate) use together::First;
pub use window::{Bucket, Window};
