//! What was seen of an answer so far, where whoever reads it and whoever must charge for it are two: a caller may leave, and
//! an attempt may fail, before the first content is there.

use std::sync::{Arc, Mutex, PoisonError};

use llm_core::codec::Observed;

/// Cheap to clone; every clone sees the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight(Arc<Mutex<Observed>>);

impl Sight {
    /// Notes what was seen until now.
    pub(super) fn saw(&self, observed: &Observed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = observed.clone();
    }

    /// What was seen last.
    pub(super) fn observed(&self) -> Observed {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
