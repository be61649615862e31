//! Single flight: requests with the same key start at most one workflow at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use common::ids::SagaId;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};

/// The sagas that this process is starting.
///
/// Temporal and the rows make a repeated start harmless. But Temporal runs the starts of one workflow id one after the
/// other, each with several writes: fifty of them took a minute under load.
#[derive(Clone, Default)]
pub(super) struct SingleFlight(Arc<Mutex<HashMap<SagaId, Weak<RwLock<()>>>>>);

impl SingleFlight {
    /// Returns a guard to the first request, which holds the guard while it starts the saga. All others get `None`
    /// after the first request has released the guard.
    pub(super) async fn lead(&self, saga: &SagaId) -> Option<OwnedRwLockWriteGuard<()>> {
        let starting = self.lock_of(saga);
        let leader = starting.clone().try_write_owned().ok();
        if leader.is_none() {
            drop(starting.read().await);
        }
        leader
    }

    fn lock_of(&self, saga: &SagaId) -> Arc<RwLock<()>> {
        let mut sagas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sagas.retain(|_, starting| starting.strong_count() > 0);
        if let Some(starting) = sagas.get(saga).and_then(Weak::upgrade) {
            return starting;
        }
        let starting = Arc::new(RwLock::new(()));
        sagas.insert(saga.clone(), Arc::downgrade(&starting));
        starting
    }
}
