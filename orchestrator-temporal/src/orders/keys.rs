//! One start at a time for each key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use common::ids::SagaId;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

/// The keys whose saga is being started in this process.
///
/// It makes nothing right that Temporal and the rows do not make right. But a start of what runs already is dear: Temporal
/// does them one after the other, each with several writes, and fifty of them beside other load took a minute.
#[derive(Clone, Default)]
pub(super) struct Keys(Arc<Mutex<HashMap<SagaId, Weak<RwLock<()>>>>>);

impl Keys {
    /// The guard of the request that is first with its key, to be held while it starts the saga; `None` to any other, once
    /// the first is done.
    pub(super) async fn first(&self, saga: &SagaId) -> Option<OwnedRwLockWriteGuard<()>> {
        let starting = self.of(saga);
        let first = starting.clone().try_write_owned().ok();
        if first.is_none() {
            drop(starting.read().await);
        }
        first
    }

    fn of(&self, saga: &SagaId) -> Arc<RwLock<()>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, starting| starting.strong_count() > 0);
        if let Some(starting) = keys.get(saga).and_then(Weak::upgrade) {
            return starting;
        }
        let starting = Arc::new(RwLock::new(()));
        keys.insert(saga.clone(), Arc::downgrade(&starting));
        starting
    }
}
