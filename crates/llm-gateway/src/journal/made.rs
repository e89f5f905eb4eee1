//! Whose the things are that providers store, as far as memory knows: all that the database has not been told yet, and
//! those of late.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::{CallId, Object};

/// How many objects are remembered that stand in the database.
const REMEMBERED: u64 = 32 * 1024;
/// How long. Another process may delete one meanwhile; the provider then says so.
const FOR: std::time::Duration = std::time::Duration::from_secs(300);

/// The key that owns it, and the id as the caller sees it.
type Owned = (Arc<str>, Arc<str>);

/// The objects of recent calls.
#[derive(Debug)]
pub(super) struct Made {
    /// Those that the database does not know, with the last call that said something of each. There are no more than
    /// calls in the journal, whose size is bounded.
    unshipped: Mutex<HashMap<Owned, (CallId, Arc<Object>)>>,
    recent: moka::sync::Cache<Owned, Arc<Object>>,
}

impl Made {
    pub(super) fn new() -> Self {
        let recent = moka::sync::Cache::builder().max_capacity(REMEMBERED).time_to_live(FOR).build();
        Self { unshipped: Mutex::default(), recent }
    }

    /// Notes what the call `id` has made or deleted.
    pub(super) fn note(&self, id: CallId, objects: &[Object]) {
        if objects.is_empty() {
            return;
        }
        let mut unshipped = self.unshipped();
        for object in objects {
            unshipped.insert(owned(object), (id, Arc::new(object.clone())));
        }
    }

    /// Notes that the database knows what the call `id` has made or deleted.
    pub(super) fn shipped(&self, id: CallId, objects: &[Object]) {
        if objects.is_empty() {
            return;
        }
        let mut unshipped = self.unshipped();
        for object in objects {
            let owned = owned(object);
            // What a later call said of it is on its way.
            if unshipped.get(&owned).is_some_and(|(last, _)| *last == id)
                && let Some((_, object)) = unshipped.remove(&owned)
            {
                self.remember(object);
            }
        }
    }

    /// What memory knows of an id of a key, deleted or not.
    pub(super) fn get(&self, key: &str, id: &str) -> Option<Arc<Object>> {
        let owned = (Arc::from(key), Arc::from(id));
        let unshipped = self.unshipped().get(&owned).map(|(_, object)| object.clone());
        unshipped.or_else(|| self.recent.get(&owned))
    }

    /// Remembers what stands in the database. What the gateway keeps itself is too large for that.
    pub(super) fn remember(&self, object: Arc<Object>) {
        if object.kind.is_own() {
            return;
        }
        self.recent.insert(owned(&object), object);
    }

    /// All that the database does not know yet and that `wanted` holds of.
    pub(super) fn unshipped_of(&self, wanted: impl Fn(&Object) -> bool) -> Vec<Arc<Object>> {
        self.unshipped().values().map(|(_, object)| object).filter(|object| wanted(object)).cloned().collect()
    }

    fn unshipped(&self) -> MutexGuard<'_, HashMap<Owned, (CallId, Arc<Object>)>> {
        // Nothing panics half-way through a change, so what a poisoned lock guards is whole.
        self.unshipped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn owned(object: &Object) -> Owned {
    (object.key.clone(), object.id.clone())
}
