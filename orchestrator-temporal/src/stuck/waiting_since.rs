//! How long steps have been waiting.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::ids::SagaId;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Waiting {
    /// The saga waits for a durable step, identified by its activity id.
    Activity(String),
    /// The saga waits for a worker: it is running, but has no pending activity.
    Worker,
}

/// How long this process has seen each saga waiting.
///
/// Temporal records only the times of attempts, and while no worker runs, no attempts are made. So the time since the
/// first sighting is measured here, with the monotonic clock.
#[derive(Clone, Default)]
pub(super) struct WaitingSince(Arc<Mutex<HashMap<(SagaId, Waiting), Sighting>>>);

struct Sighting {
    /// How long the saga had already been waiting at the first sighting, as far as Temporal knew.
    age: Duration,
    at: Instant,
}

impl WaitingSince {
    /// Records a sighting, unless there was one before.
    pub(super) fn record(&self, saga: &SagaId, waiting: Waiting, age: Duration) {
        self.lock().entry((saga.clone(), waiting)).or_insert_with(|| Sighting { age, at: Instant::now() });
    }

    /// How long the saga has been waiting, if that was recorded.
    pub(super) fn age(&self, saga: &SagaId, waiting: Waiting) -> Option<Duration> {
        self.lock().get(&(saga.clone(), waiting)).map(|sighting| sighting.age + sighting.at.elapsed())
    }

    pub(super) fn forget(&self, saga: &SagaId, waiting: Waiting) {
        self.lock().remove(&(saga.clone(), waiting));
    }

    /// Forgets all sagas that are not in this set.
    pub(super) fn retain(&self, sagas: &HashSet<SagaId>) {
        self.lock().retain(|(saga, _), _| sagas.contains(saga));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(SagaId, Waiting), Sighting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
